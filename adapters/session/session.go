package session

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/saml"
)

// Config describes the application. BaseURL, SignInURL and Person are required.
type Config struct {
	// BaseURL is that of the Bridge: see [adapters.Config]. It is https, but for an address of this machine.
	BaseURL string

	// SignInURL is the application's sign-in page, an absolute URL. It may have a query. It is https, but for an address
	// of this machine: people type their passwords there.
	SignInURL string

	// Person says who is signed in, by the session that the request's cookies name; nil and nil: nobody. It is called by
	// many goroutines at once, and may set cookies.
	Person func(r *http.Request) (*adapters.SignedIn, error)

	// End ends that session, if there is one. It may set cookies. nil: signing out of Microsoft 365 leaves the
	// application's session as it is.
	End func(w http.ResponseWriter, r *http.Request) error
}

// Authenticator says who is signed in to the application. It is an [adapters.Authenticator] and an
// [adapters.SessionEnder]. Make one with [New]. It is safe for concurrent use.
type Authenticator struct {
	base   string
	signIn *url.URL
	person func(r *http.Request) (*adapters.SignedIn, error)
	end    func(w http.ResponseWriter, r *http.Request) error
}

// New returns an Authenticator, or one error that lists everything that is missing or wrong.
func New(cfg Config) (*Authenticator, error) {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("session: "+format, args...)) }
	if err := checkURL(cfg.BaseURL); err != nil {
		wrong("BaseURL must be that of the Bridge: %w", err)
	} else if strings.ContainsAny(cfg.BaseURL, "?#") || strings.HasSuffix(cfg.BaseURL, "/") {
		wrong("BaseURL %q must be that of the Bridge: without query, fragment and trailing slash", cfg.BaseURL)
	}
	signIn, err := url.Parse(cfg.SignInURL)
	if err == nil {
		err = checkURL(cfg.SignInURL)
	}
	switch {
	case err != nil:
		wrong("SignInURL: %w", err)
	case strings.HasPrefix(cfg.SignInURL, cfg.BaseURL+"/signin/"):
		wrong("SignInURL %q must be a page of the application, and not one of the Bridge", cfg.SignInURL)
	}
	if cfg.Person == nil {
		wrong("Person is missing: it says who is signed in")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Authenticator{base: cfg.BaseURL, signIn: signIn, person: cfg.Person, end: cfg.End}, nil
}

// checkURL lets addresses be https anywhere, and http on this machine, where nobody listens in.
func checkURL(address string) error { return entrafed.Cloud{InsecureLoopback: true}.CheckURL(address) }

// Cancelled is the parameter with which the application sends back somebody who changed their mind.
const Cancelled = "cancelled"

// Authenticate implements [adapters.Authenticator].
func (a *Authenticator) Authenticate(
	w http.ResponseWriter, r *http.Request, ask adapters.Ask,
) (*adapters.SignedIn, error) {
	if r.URL.Query().Has(Cancelled) {
		return nil, adapters.ErrCancelled
	}
	person, err := a.person(r)
	switch {
	case err != nil:
		return nil, fmt.Errorf("session: the application cannot say who is signed in: %w", err)
	case person != nil && ask.NewEnough(person.At) && (person.MFA || !ask.MFA || wasSent(ask)):
		return person, nil
	case ask.Passive:
		return nil, adapters.ErrDenied
	case wasSent(ask):
		return nil, errNoSession
	}
	return nil, a.send(w, r, ask)
}

var errNoSession = errors.New("session: the person came back from the sign-in page without a session that will do: " +
	"its cookie must be sent to the Bridge's path as well, and after a new sign-in its time must be a new one")

// The mark of a sign-in that has been at the application's page. Somebody who comes back from there without a second
// factor has none; somebody who comes back without a session would go round for ever.
const sentMark = "sent"

func wasSent(ask adapters.Ask) bool { return string(ask.Kept) == sentMark }

// send leads the browser to the application's sign-in page.
func (a *Authenticator) send(w http.ResponseWriter, r *http.Request, ask adapters.Ask) error {
	if err := ask.Keep(w, []byte(sentMark)); err != nil {
		return err
	}
	target, query := *a.signIn, a.signIn.Query()
	query.Set("return_to", ask.ReturnTo)
	if ask.Fresh {
		query.Set("prompt", "login")
	}
	if ask.MFA {
		query.Set("mfa", "1")
	}
	if ask.LoginHint != "" {
		query.Set("login_hint", ask.LoginHint)
	}
	target.RawQuery = query.Encode()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, target.String(), http.StatusSeeOther)
	return nil
}

// EndSession implements [adapters.SessionEnder].
func (a *Authenticator) EndSession(w http.ResponseWriter, r *http.Request, _ saml.LogoutRequest) error {
	if a.end == nil {
		return nil
	}
	return a.end(w, r)
}

// ReturnTo is the return_to of a request to the application's sign-in page, of its query or its form. ok is false if
// there is none, or if it does not lead to a sign-in at the Bridge: a page that redirects to whatever it is given sends
// people who have just signed in wherever somebody else wants.
func (a *Authenticator) ReturnTo(r *http.Request) (address string, ok bool) {
	address = r.FormValue("return_to")
	handle, found := strings.CutPrefix(address, a.base+"/signin/")
	if !found || len(handle) != handleLength || strings.Trim(handle, "0123456789abcdef") != "" {
		return "", false
	}
	return address, true
}

// handleLength is the length of adapters.Ask.Handle.
const handleLength = 32
