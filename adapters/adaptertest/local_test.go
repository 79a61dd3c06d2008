package adaptertest_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/adaptertest"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

// local is a host with accounts, sessions and sign-in pages of its own, at the name of the Bridge.
type local struct {
	env    adaptertest.Environment
	store  *localStore
	people []adaptertest.Person
	fault  string // what is wrong with it; empty: nothing

	started time.Time       // this process
	known   map[string]bool // sign-ins, of the fault that keeps them in memory
}

// localStore is where it keeps sessions: replicas share it.
type localStore struct {
	mu       sync.Mutex
	sessions map[string]localSession
	begun    map[string]bool // sign-ins, of the faults that remember them
	down     bool
}

type localSession struct {
	person adaptertest.Person
	at     time.Time
	mfa    bool
}

var errDown = errors.New("the session store does not answer")

func (s *localStore) load(id string) (localSession, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return localSession{}, false, errDown
	}
	found, ok := s.sessions[id]
	return found, ok, nil
}

func (s *localStore) save(id string, session localSession) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errDown
	}
	s.sessions[id] = session
	return nil
}

func (s *localStore) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, id)
}

func (s *localStore) endAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

func (s *localStore) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Authenticate implements adapters.Authenticator.
func (l *local) Authenticate(w http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
	if r.URL.Query().Has("cancelled") {
		return nil, l.unless(faultCancelUnsaid, adapters.ErrCancelled)
	}
	if l.fault == faultFixation && r.URL.Query().Has("session") {
		r.AddCookie(&http.Cookie{Name: "local-session", Value: r.URL.Query().Get("session")})
	}
	session, found, err := l.session(r)
	if err == nil {
		err = l.faultyStart(w, ask)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case l.fault == faultHintIsProof && ask.LoginHint != "" && ask.Passive:
		return &adapters.SignedIn{Person: l.people[0].Is, At: l.env.Now()}, nil
	case found && l.suffices(session, ask):
		return l.signedIn(session, ask), nil
	case ask.Passive && l.fault != faultPassivePage:
		return nil, adapters.ErrDenied
	}
	query := url.Values{"return": {ask.ReturnTo}, "hint": {ask.LoginHint}}
	if ask.MFA {
		query.Set("mfa", "1")
	}
	if l.fault == faultNoHint {
		query.Del("hint")
	}
	l.begin(ask.Handle)
	if l.fault == faultOneReturn {
		http.SetCookie(w, &http.Cookie{Name: "return", Value: ask.ReturnTo, Path: "/"})
	}
	http.Redirect(w, r, l.origin(r)+"/login?"+query.Encode(), http.StatusFound)
	return nil, nil
}

// faultyStart is what the faults do that concern processes.
func (l *local) faultyStart(w http.ResponseWriter, ask adapters.Ask) error {
	switch {
	case l.fault == faultSinceStart && ask.Asked.Before(l.started):
		return errors.New("a sign-in from before this process began")
	case l.fault == faultOwnMemory && ask.Kept != nil && !l.known[ask.Handle]:
		return errors.New("a sign-in that another process began")
	case l.fault == faultOwnMemory:
		l.known[ask.Handle] = true
		return ask.Keep(w, []byte("begun"))
	}
	return nil
}

// unless returns the error, or another one where the host has that fault.
func (l *local) unless(fault string, err error) error {
	if l.fault == fault {
		return errors.New("something went wrong")
	}
	return err
}

func (l *local) begin(handle string) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	l.store.begun[handle] = true
}

func (l *local) hasBegun(handle string) bool {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	return l.store.begun[handle]
}

func (l *local) suffices(session localSession, ask adapters.Ask) bool {
	stale := !ask.NewEnough(session.at)
	switch {
	case l.fault == faultBelieves && stale:
		return l.hasBegun(ask.Handle)
	case l.fault == faultPassiveRenews && ask.Passive && stale:
		return true
	case l.fault == faultFactorOfSession:
		return !stale
	case l.fault == faultPassiveNever && ask.Passive:
		return false
	}
	return !stale && (session.mfa || !ask.MFA)
}

func (l *local) signedIn(session localSession, ask adapters.Ask) *adapters.SignedIn {
	who := &adapters.SignedIn{Person: session.person.Is, At: session.at, MFA: session.mfa}
	switch l.fault {
	case faultForgetsName:
		who.Person.GivenName = ""
	case faultTimeIsNow, faultBelieves, faultPassiveRenews:
		if l.fault == faultTimeIsNow || ask.Fresh {
			who.At = l.env.Now()
		}
	case faultFactorUnstated:
		who.MFA = false
	case faultFactorAlways:
		who.MFA = true
	case faultFactorOfSession:
		who.MFA = session.mfa || ask.MFA
	case faultNameAsID:
		if who.Person.ID == "" {
			who.Person.ID = session.person.Name
		}
	case faultInventsEmail:
		if who.Person.Email == "" {
			who.Person.Email = session.person.Name + "@contoso.com"
		}
	}
	return who
}

// origin is where the sign-in page is.
func (l *local) origin(r *http.Request) string {
	if l.fault != faultSchemeOfRequest {
		return "https://id.contoso.com"
	}
	if r.TLS == nil {
		return "http://" + r.Host
	}
	return "https://" + r.Host
}

func (l *local) session(r *http.Request) (localSession, bool, error) {
	cookie, err := r.Cookie("local-session")
	if err != nil {
		return localSession{}, false, nil
	}
	return l.store.load(cookie.Value)
}

// EndSession implements adapters.SessionEnder.
func (l *local) EndSession(w http.ResponseWriter, r *http.Request, _ saml.LogoutRequest) error {
	if l.fault == faultSessionStays {
		return nil
	}
	if cookie, err := r.Cookie("local-session"); err == nil && l.fault != faultCookieOnly {
		l.store.end(cookie.Value)
	}
	if l.fault == faultEndsAll {
		l.store.endAll()
	}
	http.SetCookie(w, &http.Cookie{Name: "local-session", Path: "/", MaxAge: -1})
	return nil
}

var localPage = template.Must(template.New("login").Parse(`<!DOCTYPE html><title>Sign in</title>
<form method="post" action="/login">
<input type="hidden" name="return" value="{{.Get "return"}}" /><input type="hidden" name="mfa" value="{{.Get "mfa"}}" />
<input name="username" value="{{.Get "hint"}}" /><input name="password" type="password" />
{{if .Get "mfa"}}<input name="code" />{{end}}
<button>Sign in</button></form><a href="{{.Get "return"}}?cancelled">Cancel</a>`))

// ServeHTTP serves the sign-in page.
func (l *local) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.URL.Path != "/login" || !l.leadsBack(r.Form.Get("return")) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	person, mfa, ok := l.proved(r)
	if r.Method != http.MethodPost || !ok {
		l.ask(w, r, person, mfa)
		return
	}
	id := l.newID(r)
	if err := l.store.save(id, l.begun(r, localSession{person, l.env.Now(), mfa})); err != nil {
		l.sorry(w, err)
		return
	}
	setSession(w, id)
	http.Redirect(w, r, l.wayBack(r, id), http.StatusSeeOther)
}

func setSession(w http.ResponseWriter, id string) {
	http.SetCookie(w, &http.Cookie{
		Name: "local-session", Value: id, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// ask shows the form. person is whose name was typed, if not all was right.
func (l *local) ask(w http.ResponseWriter, r *http.Request, person adaptertest.Person, mfa bool) {
	named := r.Method == http.MethodPost && person.Name != ""
	switch _, err := r.Cookie("local-session"); {
	case l.fault == faultKeepsCookie && err != nil:
		setSession(w, rand.Text())
	case l.fault == faultSessionBefore && named, l.fault == faultFactorBefore && named && mfa:
		id := rand.Text()
		_ = l.store.save(id, localSession{person, l.env.Now(), mfa && l.fault == faultFactorBefore})
		setSession(w, id)
	}
	_ = localPage.Execute(w, r.Form)
}

// newID names the session that begins.
func (l *local) newID(r *http.Request) string {
	if old, err := r.Cookie("local-session"); err == nil && l.fault == faultKeepsCookie {
		return old.Value
	}
	return rand.Text()
}

// begun is the session that begins, where there may be one already.
func (l *local) begun(r *http.Request, session localSession) localSession {
	before, found, _ := l.session(r)
	switch {
	case !found:
	case l.fault == faultKeepsTime:
		session.at = before.at
	case l.fault == faultOtherRenews:
		session.person = before.person
	case l.fault == faultFactorLasts:
		session.mfa = session.mfa || before.mfa
	}
	return session
}

// sorry is the page of a sign-in that failed.
func (l *local) sorry(w http.ResponseWriter, err error) {
	switch l.fault {
	case faultShowsCause:
		l.env.Logger.Error("the session cannot be stored", "error", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case faultSilent:
		http.Error(w, "Sorry.", http.StatusInternalServerError)
	case faultLooksWell:
		l.env.Logger.Error("the session cannot be stored", "error", err)
		_, _ = fmt.Fprint(w, "Sorry.")
	default:
		l.env.Logger.Error("the session cannot be stored", "error", err)
		http.Error(w, "Sorry.", http.StatusInternalServerError)
	}
}

// wayBack is where the browser goes after the sign-in page.
func (l *local) wayBack(r *http.Request, session string) string {
	back := r.Form.Get("return")
	switch l.fault {
	case faultOneReturn:
		if c, err := r.Cookie("return"); err == nil {
			return c.Value
		}
	case faultFixation:
		return back + "?session=" + session
	}
	return back
}

func (l *local) leadsBack(address string) bool {
	return l.fault == faultAnywhere || strings.HasPrefix(address, l.env.BaseURL+"/signin/")
}

// proved says who typed the right things.
func (l *local) proved(r *http.Request) (person adaptertest.Person, mfa, ok bool) {
	if l.fault == faultLogsPassword && r.Method == http.MethodPost {
		l.env.Logger.Debug("a sign-in", "form", r.PostForm)
	}
	for _, p := range l.people {
		typed := r.PostForm.Get("password")
		if l.fault == faultEmptyPassword && typed == "" && r.Method == http.MethodPost {
			typed = p.Password
		}
		if p.Name != r.PostForm.Get("username") || p.Password != typed && l.fault != faultSessionBefore {
			continue
		}
		mfa = r.PostForm.Get("mfa") != ""
		right := p.Code == r.PostForm.Get("code") || l.fault == faultAnyCode && r.PostForm.Get("code") != ""
		return p, mfa, p.Password == typed && (!mfa || p.Code != "" && right)
	}
	return adaptertest.Person{}, false, false
}

// employee is somebody whom the hosts of these tests know.
func employee() adaptertest.Person {
	return adaptertest.Person{
		Name: "employee", Password: "correct horse battery", Code: "246810",
		Is: provision.Person{
			Connection: "local", ID: "e-104", Email: "employee@example.net", GivenName: "An", Surname: "Employee",
		},
	}
}

// incomplete are people who lack what Entra needs: a stable ID, an address.
func incomplete() (nobody, silent adaptertest.Person) {
	nobody, silent = employee(), employee()
	nobody.Name, nobody.Is.ID = "nobody", ""
	silent.Name, silent.Is.ID, silent.Is.Email = "silent", "e-105", ""
	return nobody, silent
}

func newLocal(env adaptertest.Environment, fault string) adaptertest.Host {
	nobody, silent := incomplete()
	host := &local{
		env: env, fault: fault, store: &localStore{sessions: map[string]localSession{}, begun: map[string]bool{}},
		people: []adaptertest.Person{employee(), nobody, silent}, started: env.Now(), known: map[string]bool{},
	}
	env.Mount("id.contoso.com", host)
	return adaptertest.Host{
		Authenticator: host, Person: employee(), WithoutID: &nobody, WithoutEmail: &silent,
		SignIn: form.SignIn,
		Cancel: func(page entratest.Page) (entratest.Action, error) { return page.Click("Cancel") },
		Hint:   form.Hint,
		Fail: func(*testing.T) func() {
			host.store.setDown(true)
			return func() { host.store.setDown(false) }
		},
		Replica: func(*testing.T) adapters.Authenticator {
			other := *host
			other.started, other.known = env.Now(), maps.Clone(host.known)
			return &other
		},
		Lacks: map[adaptertest.Capability]string{adaptertest.UpstreamLogout: "there is no provider behind it"},
	}
}

// form is that of the hosts of these tests.
var form = adaptertest.Fields{Name: "username", Password: "password", Code: "code"}
