package ldap

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/provision"
)

// Authenticator is an [adapters.Authenticator] that shows the Bridge's form and asks a directory. Make one with [New].
// It is safe for concurrent use.
type Authenticator struct {
	cfg     Config
	servers *servers
	names   *attempts // as they are typed
	entries *attempts // by their DNs: apart, so that no flood of names makes them forgotten
}

var _ adapters.Authenticator = (*Authenticator)(nil)

// New returns an Authenticator, or one error that lists everything that is missing or wrong. The directory is not
// asked: New succeeds while it is down.
func New(cfg Config) (*Authenticator, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	counted := func() *attempts { return newAttempts(cfg.Attempts, cfg.AttemptsTime, cfg.Now) }
	return &Authenticator{cfg: cfg, servers: newServers(cfg), names: counted(), entries: counted()}, nil
}

// Authenticate implements [adapters.Authenticator]: it shows the form, and reads what was typed. The error is an
// [*Error] that matches [adapters.ErrDenied] for accounts that may not sign in, or [adapters.ErrCancelled]. What the
// person can mend is said in the form and logged.
func (a *Authenticator) Authenticate(
	w http.ResponseWriter, r *http.Request, ask adapters.Ask,
) (*adapters.SignedIn, error) {
	if ask.Passive {
		return nil, adapters.ErrDenied // each sign-in needs the form
	}
	typed, ok, err := adapters.ReadForm(w, r)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ask.ShowForm(w, adapters.Form{Username: ask.LoginHint})
	}
	person, problem, err := a.signIn(r.Context(), typed)
	switch {
	case err != nil:
		return nil, err
	case problem != "":
		return nil, ask.ShowForm(w, adapters.Form{Username: typed.Username, Problem: problem})
	}
	return &adapters.SignedIn{Person: person, At: a.cfg.Now(), Methods: []string{"pwd"}}, nil
}

// signIn says who it is, or what the form says, or that they may not sign in.
func (a *Authenticator) signIn(
	ctx context.Context, typed adapters.Credentials,
) (provision.Person, adapters.FormProblem, error) {
	name := strings.TrimSpace(typed.Username)
	if name == "" || typed.Password == "" {
		return provision.Person{}, adapters.FormIncomplete, nil
	}
	if !a.names.take(name) {
		a.cfg.Logger.WarnContext(ctx, "too many failed attempts with one name")
		return provision.Person{}, adapters.FormTooOften, nil
	}
	began := time.Now()
	person, err := a.prove(ctx, name, typed.Password)
	switch {
	case errors.Is(err, ErrPasswordDue):
		a.names.clear(name)
		a.cfg.Logger.WarnContext(ctx, "a password is due", "error", err)
		return provision.Person{}, adapters.FormExpired, nil
	case err == nil, errors.Is(err, adapters.ErrDenied):
		a.names.clear(name)
		return person, "", err
	case errors.Is(err, ErrWrong):
		pause(ctx, a.cfg.FailureTime-time.Since(began))
		a.cfg.Logger.WarnContext(ctx, "a failed attempt to sign in", "error", err)
		return provision.Person{}, adapters.FormWrong, nil
	}
	if !unanswered(err) {
		a.names.forgive(name)
	}
	switch {
	case ctx.Err() != nil:
		a.cfg.Logger.InfoContext(ctx, "the browser left before the directory had answered", "error", err)
		return provision.Person{}, adapters.FormUnavailable, nil
	case errors.Is(err, ErrUnavailable):
		a.cfg.Logger.ErrorContext(ctx, "the directory is not available", "error", err)
		return provision.Person{}, adapters.FormUnavailable, nil
	}
	return provision.Person{}, "", err
}

// pause lets time pass.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

const (
	// maxName and maxPassword are the longest that the directory is asked about, in bytes.
	maxName     = 256
	maxPassword = 1024
)

// plausibleName reports whether the directory is asked at all.
func plausibleName(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}

// plausible says why the directory is not asked. A password with a NUL could be an empty one to it.
func (cfg Config) plausible(name, password string) error {
	switch {
	case !plausibleName(name), len(password) > maxPassword, strings.ContainsRune(password, 0):
		return problem("sign-in", ErrWrong,
			"this can be no name, or no password: it is too long, or has control characters")
	case cfg.BindDN == "" && strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }):
		return problem("sign-in", ErrWrong, "with BindTemplate a name has no characters outside of ASCII: "+
			"each of their spellings would have attempts of its own")
	}
	return nil
}

// prove asks the directory.
func (a *Authenticator) prove(ctx context.Context, name, password string) (person provision.Person, err error) {
	if err := a.cfg.plausible(name, password); err != nil {
		return provision.Person{}, err
	}
	var entry *goldap.Entry
	err = a.servers.use(ctx, func(conn *goldap.Conn) (err error) {
		entry, err = a.cfg.lookUp(conn, name, password)
		return err
	}, func(conn *goldap.Conn) (err error) {
		person, err = a.admit(conn, entry, password)
		return err
	})
	return person, about(entry, err)
}

// lookUp returns the entry that has the name. Where there is none it takes as many requests as a wrong password does.
func (cfg Config) lookUp(conn *goldap.Conn, name, password string) (*goldap.Entry, error) {
	if err := cfg.bindFirst(conn, name, password); err != nil {
		return nil, err
	}
	entry, err := cfg.find(conn, filled(cfg.UserFilter, "name", name))
	if errors.Is(err, ErrWrong) {
		cfg.bindNobody(conn, password)
	}
	return entry, err
}

// admit makes a person of the entry if the password is theirs and they may sign in.
func (a *Authenticator) admit(conn *goldap.Conn, entry *goldap.Entry, password string) (provision.Person, error) {
	if err := a.bindAs(conn, entry, password); err != nil {
		return provision.Person{}, err
	}
	if err := a.cfg.usable(entry, true); err != nil {
		return provision.Person{}, err
	}
	if err := a.cfg.bindAgain(conn); err != nil {
		return provision.Person{}, err
	}
	return a.cfg.person(conn, entry)
}

// bindFirst binds as whoever may search.
func (cfg Config) bindFirst(conn *goldap.Conn, name, password string) error {
	if cfg.BindDN != "" {
		return cfg.bindSearcher(conn)
	}
	return cfg.bindPerson(conn, cfg.bindName(name), password)
}

func (cfg Config) bindSearcher(conn *goldap.Conn) error {
	if err := conn.Bind(cfg.BindDN, cfg.BindPassword); err != nil {
		return failure("search account", err, "compare BindDN and BindPassword with the account that searches")
	}
	return nil
}

// bindAgain is the search account's again, where groups or a filter are still to be searched.
func (cfg Config) bindAgain(conn *goldap.Conn) error {
	searches := cfg.searchesGroups() || cfg.Synced != nil && cfg.Synced.Filter != ""
	if cfg.BindDN == "" || !searches {
		return nil
	}
	return cfg.bindSearcher(conn)
}

// bindAs proves that the password is that of the entry. The attempts of an entry count under whatever name they were
// made: most entries have several.
func (a *Authenticator) bindAs(conn *goldap.Conn, entry *goldap.Entry, password string) error {
	if !a.entries.take(entry.DN) {
		a.cfg.bindNobody(conn, password)
		return problem("sign-in", ErrWrong, "too many failed attempts with the names of one entry")
	}
	err := a.cfg.bindPerson(conn, entry.DN, password)
	switch {
	case err == nil, errors.Is(err, adapters.ErrDenied):
		a.entries.clear(entry.DN)
	case errors.Is(err, ErrUnavailable) && !unanswered(err):
		a.entries.forgive(entry.DN)
	}
	return lockedSince(entry, err)
}

// nobody is an entry that no directory has.
const nobody = "cn=5d3c1c0e-nobody-a7f2"

// bindNobody takes as many requests as a wrong password does.
func (cfg Config) bindNobody(conn *goldap.Conn, password string) {
	_ = conn.Bind(nobody+","+cfg.BaseDN, password)
}
