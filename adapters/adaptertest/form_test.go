package adaptertest_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/adaptertest"
	"github.com/entrafed/entrafed/federation/entratest"
)

// typed is a host that knows passwords and has no page: the Bridge asks for them.
type typed struct {
	env    adaptertest.Environment
	people []adaptertest.Person
	down   *atomic.Bool
}

// Authenticate implements adapters.Authenticator.
func (h *typed) Authenticate(w http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
	if ask.Passive {
		return nil, adapters.ErrDenied
	}
	credentials, sent, err := adapters.ReadForm(w, r)
	switch {
	case err != nil:
		return nil, err
	case !sent:
		return nil, ask.ShowForm(w, adapters.Form{Username: ask.LoginHint})
	case h.down.Load():
		h.env.Logger.Error("the passwords cannot be checked", "error", errors.New("no connection"))
		return nil, ask.ShowForm(w, adapters.Form{Username: credentials.Username, Problem: adapters.FormUnavailable})
	}
	for _, who := range h.people {
		if who.Name == credentials.Username && who.Password == credentials.Password {
			return &adapters.SignedIn{Person: who.Is, At: h.env.Now()}, nil
		}
	}
	return nil, ask.ShowForm(w, adapters.Form{Username: credentials.Username, Problem: adapters.FormWrong})
}

func newTyped(env adaptertest.Environment) adaptertest.Host {
	nobody, silent := incomplete()
	person := employee()
	person.Code = ""
	host := &typed{env: env, people: []adaptertest.Person{person, nobody, silent}, down: &atomic.Bool{}}
	return adaptertest.Host{
		Authenticator: host, Person: person, WithoutID: &nobody, WithoutEmail: &silent,
		SignIn: form.SignIn,
		Cancel: func(page entratest.Page) (entratest.Action, error) { return page.Click("Do not sign in") },
		Hint:   form.Hint,
		Fail: func(*testing.T) func() {
			host.down.Store(true)
			return func() { host.down.Store(false) }
		},
		Replica: func(*testing.T) adapters.Authenticator {
			other := *host
			return &other
		},
		Lacks: map[adaptertest.Capability]string{
			adaptertest.Sessions:       "it asks each time",
			adaptertest.SecondFactor:   "it knows passwords only",
			adaptertest.Logout:         "there is no session to end",
			adaptertest.UpstreamLogout: "there is no provider behind it",
		},
	}
}
