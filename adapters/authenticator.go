package adapters

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// Authenticator is the seam to an auth server: it says who is signed in.
//
// Authenticate returns the person, or an error, or neither: nil and nil mean that it has answered the browser, as a
// rule with a redirect to the host's own sign-in page, and that the browser will come back to ask.ReturnTo. It is then
// called again. If it returns a person or an error it must not have written to w, except cookies. The person is
// remembered for the rest of this sign-in, so that it is not called a second time unless somebody signs out meanwhile.
//
// An error that matches [ErrCancelled] or [ErrDenied] gives the person a page that says so; any other, a page that asks
// to try again. It is called by many goroutines at once.
//
// Where the host's sign-in has a fixed address to come back to, as an OpenID Connect client has, that is ask.CallbackURL.
// What it must remember until then it keeps with [Ask.Keep]. A host without a sign-in page of its own shows the Bridge's
// with [Ask.ShowForm].
//
// An Authenticator may also be a [SessionEnder], a [SignOutRedirecter] and a [Profiler].
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

	// Fresh asks for a new sign-in even if there is a session. A SignedIn.At before Asked is then refused: see [Ask.NewEnough].
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

	// Handle names this sign-in: 32 hexadecimal digits that nobody can guess. It is fit to be the "state" of OAuth.
	Handle string

	// CallbackURL is the one address at the Bridge that is the same for every sign-in, for providers that want the
	// addresses registered that they send browsers back to. A request there, by GET or POST, whose parameter "state" is
	// the Handle is led to ReturnTo with all its parameters, so that Authenticate gets them in r.URL.Query().
	CallbackURL string

	// Kept is what [Ask.Keep] kept in an earlier call of this sign-in. nil: nothing.
	Kept []byte

	bridge   *Bridge
	language Language // of the browser
}

// maxKept is what one sign-in may keep, in bytes.
const maxKept = 2048

// Keep remembers a value, such as a nonce or a PKCE verifier, until Authenticate is called again for this sign-in. It is
// sealed into the browser, which can neither read nor change it. At most 2048 bytes; a later value replaces it. Call it
// before anything is written to w.
func (a Ask) Keep(w http.ResponseWriter, value []byte) error {
	switch {
	case a.bridge == nil:
		return errors.New("adapters: this Ask is not a Bridge's")
	case len(value) > maxKept:
		return fmt.Errorf("adapters: %d bytes are more than the %d that a sign-in may keep", len(value), maxKept)
	}
	return a.bridge.remember(w, cookieKept, a.Handle, value)
}

// SignedIn is who is signed in, and how: facts.
type SignedIn struct {
	// Person as the host knows them. Connection and ID are required.
	Person provision.Person

	// At is when the person really signed in, not the present time when a session is used again. Required.
	At time.Time

	// MFA is true if a second factor was proved.
	MFA bool

	// Methods are how the person proved who they are, for the log, in the words of RFC 8176: "pwd", "otp". May be empty.
	Methods []string

	// Session names the host's session, so that a logout can name it. May be empty.
	Session string
}

// Profiler is optionally implemented by an [Authenticator] that can say more of a person than it states at each sign-in,
// and for which that costs something.
type Profiler interface {
	// Profile returns the person with all that provisioning can use. Connection and ID must be the same. It is called
	// once for each sign-in that is provisioned, while the person watches the page with the steps, and by many goroutines
	// at once. A panic ends this sign-in and nothing else.
	Profile(ctx context.Context, person SignedIn) (provision.Person, error)
}

// What an [Authenticator] may return, for errors.Is.
var (
	// ErrCancelled: the person changed their mind, at the host's sign-in or at the provider behind it.
	ErrCancelled = errors.New("adapters: the person cancelled the sign-in")

	// ErrDenied: the host does not let this person sign in.
	ErrDenied = errors.New("adapters: the person may not sign in")
)
