package adapters

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
	"github.com/entrafed/entrafed/smartlink"
)

// serveSignIn brings one sign-in as far as it can: who is there, is the account ready, answer. The browser comes here
// again after the host's sign-in page, and from the page with the steps.
func (b *Bridge) serveSignIn(w http.ResponseWriter, r *http.Request) {
	handle := r.PathValue("handle")
	var p pending
	if err := b.recall(r, cookieRequest, handle, &p); err != nil {
		b.fail(w, r, recallFailure(err))
		return
	}
	passive := p.Request != nil && p.Request.Passive
	person, err := b.identify(w, r, handle, p)
	switch {
	case err != nil && passive:
		b.decline(w, r, handle, p, err)
		return
	case err != nil:
		b.fail(w, r, authenticationFailure(err))
		return
	case person == nil:
		return // the host has answered
	}
	if r.Method == http.MethodPost {
		// A page that answers a POST would post again when it is loaded again.
		b.redirect(w, r, b.signInURL(handle))
		return
	}
	account, state, err := b.account(r, *person)
	switch {
	case err != nil && passive, state != nil && passive:
		b.decline(w, r, handle, p, err)
	case err != nil:
		b.notProvisioned(w, r, handle, p, *person, err)
	case state != nil:
		b.showProgress(w, r, handle, state)
	default:
		b.answer(w, r, handle, p, person.SignedIn, account)
	}
}

// identify says who is there: whom this sign-in found before, or whom the host states now.
func (b *Bridge) identify(w http.ResponseWriter, r *http.Request, handle string, p pending) (*identified, error) {
	if person, known := b.identified(r, handle); known {
		return &person, nil
	}
	ask := Ask{
		ReturnTo: b.signInURL(handle), Asked: p.Began, LoginHint: p.LoginHint,
		Handle: handle, CallbackURL: b.base + "/callback", bridge: b, language: b.pages.language(r),
	}
	_ = b.recall(r, cookieKept, handle, &ask.Kept) // as a rule there is nothing
	if p.Request != nil {
		ask.Fresh, ask.MFA, ask.Passive = p.Request.Fresh, p.Request.MFA, p.Request.Passive
	}
	found, err := b.host.Authenticate(w, r, ask)
	if err != nil || found == nil {
		return nil, err
	}
	if err := checkSignedIn(*found, ask); err != nil {
		return nil, err
	}
	person := identified{SignedIn: *found, Since: b.now()}
	return &person, b.remember(w, cookiePerson, handle, person)
}

// identified is who is there, as the browser keeps it, sealed.
type identified struct {
	SignedIn
	Since time.Time // when the host said so, and the waiting began
}

// identified returns who was found to be there, unless somebody has signed out since: whoever is at the browser now may be
// somebody else.
func (b *Bridge) identified(r *http.Request, handle string) (person identified, known bool) {
	if b.recall(r, cookiePerson, handle, &person) != nil {
		return identified{}, false
	}
	var left time.Time
	if b.recall(r, cookieLeft, "", &left) == nil && !person.Since.After(left) {
		return identified{}, false
	}
	return person, true
}

// errHost marks what the host, and not the person, did wrong.
var errHost = errors.New("adapters: the Authenticator")

func checkSignedIn(s SignedIn, ask Ask) error {
	switch {
	case s.Person.Connection == "" || s.Person.ID == "":
		return fmt.Errorf("%w stated a person without Connection or ID", errHost)
	case s.At.IsZero():
		return fmt.Errorf("%w did not state when the person signed in", errHost)
	case !ask.NewEnough(s.At):
		return fmt.Errorf("%w used a sign-in of %s, although a new one was asked for at %s", errHost,
			s.At.UTC().Format(time.RFC3339), ask.Asked.UTC().Format(time.RFC3339))
	}
	return nil
}

// account returns the person's account, or how far it has come, or why there is none.
func (b *Bridge) account(r *http.Request, person identified) (provision.Account, []stepView, error) {
	if b.people == nil {
		return statedAccount(person.Person)
	}
	run, err := b.runs.of(r.Context(), person, r.URL.Query().Has(parameterRetry))
	if err != nil {
		return provision.Account{}, nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), b.patience)
	defer cancel()
	if !run.wait(ctx) {
		return provision.Account{}, run.view(), nil
	}
	account, err := run.result()
	return account, nil, err
}

// parameterRetry asks to try again what failed a moment ago.
const parameterRetry = "retry"

func statedAccount(person provision.Person) (provision.Account, []stepView, error) {
	if person.UPN == "" || person.ImmutableID == "" {
		return provision.Account{}, nil, fmt.Errorf("%w stated a person without UPN or ImmutableID, and nobody provisions", errHost)
	}
	return provision.Account{UPN: person.UPN, ImmutableID: person.ImmutableID, Skipped: true}, nil, nil
}

// answer ends the sign-in: with the response to Entra's request, or with the smart link that makes Entra ask.
func (b *Bridge) answer(w http.ResponseWriter, r *http.Request, handle string, p pending, person SignedIn, account provision.Account) {
	if p.Request == nil {
		b.follow(w, r, handle, p, account)
		return
	}
	response, err := b.idp.Respond(p.Request.answered(), saml.Subject{
		ImmutableID: account.ImmutableID, UPN: account.UPN,
		AuthnInstant: person.At, MFA: person.MFA, SessionIndex: person.Session,
	})
	if err != nil {
		b.fail(w, r, responseFailure(err))
		return
	}
	b.clearCookies(w, r, handle)
	b.log.InfoContext(r.Context(), "signed in", "connection", person.Person.Connection, "upn", account.UPN,
		"assertion", response.AssertionID, "in_response_to", response.InResponseTo, "mfa", person.MFA, "methods", person.Methods)
	b.post(w, r, response)
}

func (b *Bridge) follow(w http.ResponseWriter, r *http.Request, handle string, p pending, account provision.Account) {
	link, err := b.links.Build(smartlink.Link{Domain: b.domain, Target: p.Target, LoginHint: account.UPN})
	if err != nil {
		b.fail(w, r, internalFailure(err))
		return
	}
	b.clearCookies(w, r, handle)
	b.redirect(w, r, link)
}
