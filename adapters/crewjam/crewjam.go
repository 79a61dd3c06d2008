package crewjam

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/crewjam/saml"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/provision"
	entrasaml "github.com/entrafed/entrafed/saml"
)

// Config describes the host. IdentityProvider and Person are required.
type Config struct {
	// IdentityProvider is the host's own. Its SessionProvider is what is asked; the rest is for the SessionProvider to
	// read, and is copied, so that nothing of it may change while requests are served.
	IdentityProvider *saml.IdentityProvider

	// Person says who the session's user is. The Connection and the ID that it chooses must never be given to somebody
	// else: see [PersonByUserName]. An error is told to the operator, and the person may not sign in. It is called by many
	// goroutines at once.
	Person func(session *saml.Session) (provision.Person, error)

	// MFA says whether a second factor was proved when the session began. nil: none ever was.
	MFA func(session *saml.Session) bool

	// End ends the session that the request's cookies name, if there is one. It may set cookies. nil: signing out of
	// Microsoft 365 leaves the host's session as it is.
	End func(w http.ResponseWriter, r *http.Request) error
}

// Authenticator says who has a session at a crewjam/saml identity provider. It is an [adapters.Authenticator] and an
// [adapters.SessionEnder]. Make one with [New]. It is safe for concurrent use.
type Authenticator struct{ cfg Config }

// New returns an Authenticator, or one error that lists everything that is missing.
func New(cfg Config) (*Authenticator, error) {
	var errs []error
	switch {
	case cfg.IdentityProvider == nil:
		errs = append(errs, errors.New("crewjam: IdentityProvider is missing: give the host's own"))
	case cfg.IdentityProvider.SessionProvider == nil:
		errs = append(errs, errors.New("crewjam: IdentityProvider.SessionProvider is missing: it says who is signed in"))
	}
	if cfg.Person == nil {
		errs = append(errs, errors.New("crewjam: Person is missing: it says who the user of a session is"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Authenticator{cfg}, nil
}

// PersonByUserName takes the session's user name for what never changes of a person. It fits hosts that never give a
// name to somebody else: otherwise who gets it later gets the account as well.
func PersonByUserName(connection string) func(*saml.Session) (provision.Person, error) {
	return func(s *saml.Session) (provision.Person, error) {
		return provision.Person{
			Connection: connection, ID: s.UserName, Email: s.UserEmail, DisplayName: s.UserCommonName,
			GivenName: s.UserGivenName, Surname: s.UserSurname,
		}, nil
	}
}

// Authenticate implements [adapters.Authenticator].
func (a *Authenticator) Authenticate(
	w http.ResponseWriter, r *http.Request, ask adapters.Ask,
) (*adapters.SignedIn, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil { // a SessionProvider reads the form of a parsed request
		return nil, fmt.Errorf("crewjam: the form cannot be read: %w", err)
	}
	request, err := a.request(r, ask)
	if err != nil {
		return nil, err
	}
	if ask.Passive {
		return a.passively(r, request, ask)
	}
	return a.actively(w, r, request, ask)
}

// maxForm is the size of the largest login form that is read, in bytes. It repeats the request.
const maxForm = 256 << 10

// passively asks for a session without showing anything.
func (a *Authenticator) passively(
	r *http.Request, request *saml.IdpAuthnRequest, ask adapters.Ask,
) (*adapters.SignedIn, error) {
	unseen := newAnswer(nil)
	session := a.cfg.IdentityProvider.SessionProvider.GetSession(unseen, r, request)
	if unseen.failed() {
		return nil, unseen.err()
	}
	if session == nil || unfit(session, ask) != nil {
		return nil, adapters.ErrDenied
	}
	return a.signedIn(session)
}

// actively asks for a session, and lets the SessionProvider answer the browser if there is none that will do.
func (a *Authenticator) actively(
	w http.ResponseWriter, r *http.Request, request *saml.IdpAuthnRequest, ask adapters.Ask,
) (*adapters.SignedIn, error) {
	sessions := a.cfg.IdentityProvider.SessionProvider
	seen := newAnswer(w)
	session := sessions.GetSession(seen, r, request)
	if session != nil && !seen.written && unfit(session, ask) != nil {
		bare := r.Clone(r.Context())
		bare.Header.Del("Cookie")
		request.HTTPRequest = bare
		session = sessions.GetSession(seen, bare, request)
	}
	switch {
	case seen.failed():
		return nil, seen.err()
	case session == nil && !seen.written:
		return nil, errors.New("crewjam: the SessionProvider returned no session and did not answer the browser")
	case session != nil && seen.written:
		return nil, errors.New("crewjam: the SessionProvider returned a session and answered the browser as well")
	case session == nil:
		return nil, nil
	}
	if err := unfit(session, ask); err != nil {
		return nil, err
	}
	return a.signedIn(session)
}

// unfit says why the session will not do: it is over, or older than it may be.
func unfit(session *saml.Session, ask adapters.Ask) error {
	switch {
	case !session.ExpireTime.IsZero() && saml.TimeNow().After(session.ExpireTime): // by the clock that it was made with
		return fmt.Errorf("crewjam: the SessionProvider returned a session that was over at %s",
			session.ExpireTime.UTC().Format(time.RFC3339))
	case !ask.NewEnough(session.CreateTime):
		return fmt.Errorf("crewjam: the SessionProvider returned a session of %s, although a new one was asked for at %s",
			session.CreateTime.UTC().Format(time.RFC3339), ask.Asked.UTC().Format(time.RFC3339))
	}
	return nil
}

func (a *Authenticator) signedIn(session *saml.Session) (*adapters.SignedIn, error) {
	person, err := a.cfg.Person(session)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", adapters.ErrDenied, err)
	}
	return &adapters.SignedIn{
		Person: person, At: session.CreateTime, Session: session.Index, MFA: a.cfg.MFA != nil && a.cfg.MFA(session),
	}, nil
}

// request is what the host's identity provider would make of Entra's request, if it were the one to answer it.
func (a *Authenticator) request(r *http.Request, ask adapters.Ask) (*saml.IdpAuthnRequest, error) {
	here, err := url.Parse(ask.ReturnTo)
	if err != nil {
		return nil, fmt.Errorf("crewjam: %w", err)
	}
	idp := *a.cfg.IdentityProvider
	idp.SSOURL, idp.LoginURL = *here, *here
	request := saml.AuthnRequest{
		ID: "id-" + ask.Handle, Version: "2.0", IssueInstant: ask.Asked, Destination: ask.ReturnTo,
		Issuer: &saml.Issuer{Value: audience},
	}
	if ask.Fresh {
		request.ForceAuthn = &ask.Fresh
	}
	if ask.Passive {
		request.IsPassive = &ask.Passive
	}
	if ask.MFA {
		request.RequestedAuthnContext = &saml.RequestedAuthnContext{AuthnContextClassRef: entrasaml.MultipleAuthn}
	}
	if ask.LoginHint != "" {
		request.Subject = &saml.Subject{NameID: &saml.NameID{Value: ask.LoginHint}}
	}
	return &saml.IdpAuthnRequest{
		IDP: &idp, HTTPRequest: r, Request: request, Now: ask.Asked,
		ServiceProviderMetadata: &saml.EntityDescriptor{EntityID: audience},
	}, nil
}

// audience is how Entra names itself. It is for the host's logs and forms: nothing is issued for it here.
const audience = "urn:federation:MicrosoftOnline"

// EndSession implements [adapters.SessionEnder].
func (a *Authenticator) EndSession(w http.ResponseWriter, r *http.Request, _ entrasaml.LogoutRequest) error {
	if a.cfg.End == nil {
		return nil
	}
	return a.cfg.End(w, r)
}
