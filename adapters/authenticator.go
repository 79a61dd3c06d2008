package adapters

import (
	"errors"
	"net/http"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// Authenticator is the seam to an auth server: it says who is signed in.
//
// Authenticate returns the person, or an error, or neither: nil and nil mean that it has answered the browser, as a
// rule with a redirect to the host's own sign-in page, and that the browser will come back to ask.ReturnTo. It is then
// called again. If it returns a person or an error it must not have written to w, except cookies. The person is
// remembered for the rest of this sign-in, so that it is not called a second time.
//
// An error that matches [ErrCancelled] or [ErrDenied] gives the person a page that says so; any other, a page that asks
// to try again. It is called by many goroutines at once.
//
// An Authenticator may also be a [SessionEnder].
type Authenticator interface {
	Authenticate(w http.ResponseWriter, r *http.Request, ask Ask) (*SignedIn, error)
}

// AuthenticatorFunc is a function as an [Authenticator].
type AuthenticatorFunc func(w http.ResponseWriter, r *http.Request, ask Ask) (*SignedIn, error)

// Authenticate calls f.
func (f AuthenticatorFunc) Authenticate(w http.ResponseWriter, r *http.Request, ask Ask) (*SignedIn, error) {
	return f(w, r, ask)
}

// Ask is what Entra wishes of the sign-in. The host does what it can and states in [SignedIn] what was really done.
type Ask struct {
	// ReturnTo is the absolute URL, at the Bridge, where the browser is sent back once the person is signed in.
	ReturnTo string

	// Fresh asks for a new sign-in even if there is a session. A SignedIn.At before Asked is then refused.
	Fresh bool

	// Asked is when Entra's request arrived.
	Asked time.Time

	// MFA asks for a second factor.
	MFA bool

	// Passive asks that no page is shown. If somebody would have to act, return [ErrDenied]: Entra then gets an answer
	// that says so, in place of a page.
	Passive bool

	// LoginHint is whom Entra expects: a suggestion for the sign-in form, and no proof. Often empty.
	LoginHint string
}

// SignedIn is who is signed in, and how: facts.
type SignedIn struct {
	// Person as the host knows them. Connection and ID are required.
	Person provision.Person

	// At is when the person really signed in, not the present time when a session is used again. Required.
	At time.Time

	// MFA is true if a second factor was proved.
	MFA bool

	// Session names the host's session, so that a logout can name it. May be empty.
	Session string
}

// What an [Authenticator] may return, for errors.Is.
var (
	// ErrCancelled: the person changed their mind, at the host's sign-in or at the provider behind it.
	ErrCancelled = errors.New("adapters: the person cancelled the sign-in")

	// ErrDenied: the host does not let this person sign in.
	ErrDenied = errors.New("adapters: the person may not sign in")
)
