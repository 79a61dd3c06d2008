package oidc

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/oauth2"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/provision"
)

// arriveTime is how long the provider may take for everything that is asked of it behind the browser's back.
const arriveTime = 20 * time.Second

// arrive reads the answer that the browser brings from the provider.
func (a *Authenticator) arrive(w http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
	ctx, cancel := context.WithTimeout(r.Context(), arriveTime)
	defer cancel()
	p, err := a.discovery.get(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := a.readAnswer(p, r.URL.Query(), ask)
	if err != nil {
		return nil, err
	}
	kept, ok := readSecrets(ask.Kept)
	if !ok {
		return nil, problem("response",
			"this sign-in did not send the browser to the provider, or has had its answer already")
	}
	if err := ask.Keep(w, nil); err != nil { // one answer is enough
		return nil, err
	}
	if answer.code == "" {
		return nil, a.declined(answer, ask)
	}
	claims, idToken, err := a.redeem(ctx, p, answer.code, kept, ask)
	if err != nil {
		return nil, err
	}
	signedIn, err := a.signedIn(claims, ask)
	if err != nil {
		return nil, err
	}
	a.keepIDToken(w, r, idToken)
	return signedIn, nil
}

// answer is an authorization response: a code or an error.
type answer struct{ code, failure, description string }

// readAnswer checks that the response is one to this sign-in, and this provider's.
func (a *Authenticator) readAnswer(p *provider, query url.Values, ask adapters.Ask) (answer, error) {
	for _, name := range []string{"state", "code", "error", "error_description", "iss"} {
		if len(query[name]) > 1 {
			return answer{}, problem("response", "the parameter %q is there twice", name)
		}
	}
	if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(ask.Handle)) != 1 {
		return answer{}, problem("response", "its state is that of another sign-in")
	}
	if issuer := query.Get("iss"); issuer != a.cfg.Issuer && (p.NamesIssuer || query.Has("iss")) {
		return answer{}, problem("response", "it is from %q, and not from %q (RFC 9207)", redacted(issuer, nil), a.cfg.Issuer)
	}
	found := answer{query.Get("code"), query.Get("error"), query.Get("error_description")}
	if (found.code == "") == (found.failure == "") {
		return answer{}, problem("response", "it has not one of a code and an error")
	}
	return found, nil
}

// unseen are the errors of a provider that would have to show a page (OpenID Connect Core 1.0, section 3.1.2.6, and
// OpenID Connect Core Error Code unmet_authentication_requirements).
var unseen = [...]string{
	"login_required", "interaction_required", "consent_required", "account_selection_required",
	"unmet_authentication_requirements",
}

func (a *Authenticator) declined(response answer, ask adapters.Ask) error {
	code := errorCode(response.failure)
	failed := &Error{Step: "response", Code: code, text: fmt.Sprintf("the provider refused: %s (%q)", code,
		redacted(response.description, nil))}
	switch {
	case code == "access_denied":
		failed.err = adapters.ErrCancelled
	case ask.Passive && slices.Contains(unseen[:], code):
		failed.err = adapters.ErrDenied
	}
	return failed
}

// redeem exchanges the code for what the provider says of the person.
func (a *Authenticator) redeem(
	ctx context.Context, p *provider, code string, kept secrets, ask adapters.Ask,
) (Claims, string, error) {
	ctx = a.withClient(ctx)
	client := p.client
	client.RedirectURL = ask.CallbackURL
	token, err := client.Exchange(ctx, code, oauth2.VerifierOption(kept.Verifier))
	if err != nil {
		return nil, "", foreign("token", err, code, kept.Verifier, a.cfg.ClientSecret)
	}
	raw, _ := token.Extra("id_token").(string)
	claims, err := a.readIDToken(ctx, p, raw, token.AccessToken, kept.Nonce)
	if err != nil {
		return nil, "", err
	}
	if err := a.addUserInfo(ctx, p, token, claims); err != nil {
		return nil, "", err
	}
	return claims, raw, nil
}

// signedIn says who it is, when they signed in, and how.
func (a *Authenticator) signedIn(claims Claims, ask adapters.Ask) (*adapters.SignedIn, error) {
	at, err := a.signInTime(claims, ask)
	if err != nil {
		return nil, err
	}
	person, err := a.person(claims)
	if err != nil {
		return nil, err
	}
	return &adapters.SignedIn{
		Person: person, At: at, MFA: a.cfg.MFA(claims), Methods: methods(claims), Session: session(claims),
	}, nil
}

func (a *Authenticator) person(claims Claims) (provision.Person, error) {
	person, err := a.cfg.Person(claims)
	if err != nil {
		return provision.Person{}, fmt.Errorf("oidc: Config.Person: %w", err)
	}
	if person.Connection == "" {
		person.Connection = a.cfg.Connection
	}
	if person.ID == "" {
		person.ID = claims.Text("sub")
	}
	return person, nil
}

// signInTime is when the person signed in at the provider: see the package documentation.
func (a *Authenticator) signInTime(claims Claims, ask adapters.Ask) (time.Time, error) {
	now := a.cfg.Now()
	at, stated := claims.Time("auth_time")
	age, limited := a.maxAge(ask)
	switch {
	case limited && !stated:
		return time.Time{}, problem("ID token",
			"it does not say when the person signed in (auth_time), although max_age was asked for")
	case stated && at.After(now.Add(maxSkew)):
		return time.Time{}, problem("ID token",
			"its auth_time %s is in the future: compare the clocks", at.Format(time.RFC3339))
	case limited && !ask.Fresh && now.Sub(at) > age+maxSkew:
		return time.Time{}, problem("ID token",
			"the person signed in at %s, longer ago than %s, and the provider did not ask again", at.Format(time.RFC3339), age)
	case !stated:
		at, _ = claims.Time("iat")
	}
	if at.After(now) {
		at = now
	}
	return at, nil // that a new sign-in is one the Bridge checks
}

const (
	maxMethods = 16
	maxMethod  = 32  // bytes
	maxSession = 256 // bytes: what an assertion may say
)

// methods are those that the provider names, as far as they are fit for a log.
func methods(claims Claims) []string {
	named := slices.DeleteFunc(claims.Texts("amr"), func(method string) bool {
		return len(method) > maxMethod || !isWord(method)
	})
	return named[:min(len(named), maxMethods)]
}

// session is the provider's name of the session, as far as an assertion can say it.
func session(claims Claims) string {
	if sid := claims.Text("sid"); len(sid) <= maxSession && isWord(sid) {
		return sid
	}
	return ""
}

func isWord(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > unicode.MaxASCII-1 })
}
