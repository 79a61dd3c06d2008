package adaptertest

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

// Host is what an adapter's test says of the host behind its [adapters.Authenticator]. Authenticator, Person and SignIn
// are required; whatever else is left out must be named in Lacks.
type Host struct {
	// Authenticator is the one that is checked.
	Authenticator adapters.Authenticator

	// Person is somebody who may sign in.
	Person Person

	// SignIn says what the person does on a page that the browser was led to, and that is neither Entra's nor a final page
	// of the Bridge: the host's sign-in page, a consent, the page for a second factor. It is called for each such page.
	// A person without a Code does not get past a page that asks for one, and [entratest.Stop] says so.
	SignIn func(page entratest.Page, as Person) (entratest.Action, error)

	// Cancel says how the person leaves such a page without signing in.
	Cancel func(page entratest.Page) (entratest.Action, error)

	// SignOut says what the person does on a page that the browser is led to at a sign-out, for example one that asks to
	// confirm it. nil: there is none.
	SignOut func(page entratest.Page) (entratest.Action, error)

	// Hint returns whom the page expects to sign in, as its form or its address shows it.
	Hint func(page entratest.Page) string

	// Fail makes what the Authenticator itself depends on fail, such as a session store, a token endpoint or an LDAP
	// server, until mend is called. Pages that people see may go on to work.
	Fail func(t *testing.T) (mend func())

	// WithoutID and WithoutEmail can sign in, but the host knows no identifier of them that never changes, or no address.
	// Their Is is not used.
	WithoutID, WithoutEmail *Person

	// Replica returns another Authenticator of the same configuration, as after a restart or in a second process: it
	// shares with the first what is stored outside of the process, and nothing else.
	Replica func(t *testing.T) adapters.Authenticator

	// Secrets are what must not be in a log, beside passwords, codes and cookies: a client secret, a bind password.
	Secrets []string

	// RealTime says that something behind the host has a clock of its own.
	RealTime bool

	// Lacks says why the host does not have a capability.
	Lacks map[Capability]string

	around func(bridge http.Handler) http.Handler // breaks the Bridge, in tests of this package
}

// Person is somebody whom the host knows.
type Person struct {
	Name     string // what they type as their user name
	Password string // and as their password
	Code     string // and as their second factor; empty: they have none

	// Is what must be provisioned: Connection and ID, and all other fields that are not empty. For a person whom a
	// directory sync owns, UPN and ImmutableID.
	Is provision.Person
}

// check lists what is wrong with the description.
func (h Host) check() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf("adaptertest: "+format, args...)) }
	if h.Authenticator == nil {
		add("Host.Authenticator is missing")
	}
	if h.SignIn == nil {
		add("Host.SignIn is missing: it says how a person signs in")
	}
	if err := h.Person.Is.Validate(); err != nil {
		add("Host.Person.Is: %w", err)
	}
	for c, why := range h.Lacks {
		switch {
		case why == "":
			add("Host.Lacks[%q] gives no reason", c)
		case describing(c) != "" && h.described(c):
			add("Host.Lacks says that there is no %q, but there is: %s", c, describing(c))
		}
	}
	return errors.Join(errs...)
}

func (h Host) endsSessions() bool {
	_, ends := h.Authenticator.(adapters.SessionEnder)
	return ends
}

func (h Host) redirectsSignOuts() bool {
	_, redirects := h.Authenticator.(adapters.SignOutRedirecter)
	return redirects
}
