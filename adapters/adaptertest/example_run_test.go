package adaptertest_test

import (
	"net/http"
	"testing"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/adaptertest"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

// A host that knows passwords and leaves the page to the Bridge, and how its test describes it.
func ExampleRun() {
	TestAdapter := func(t *testing.T) { adaptertest.Run(t, describePasswords) }
	_ = TestAdapter // go test runs it
}

func describePasswords(_ *testing.T, env adaptertest.Environment) adaptertest.Host {
	form := adaptertest.Fields{Name: "username", Password: "password"}
	who := provision.Person{Connection: "directory", ID: "104", Email: "employee@example.net"}
	return adaptertest.Host{
		Authenticator: adapters.AuthenticatorFunc(
			func(w http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
				typed, sent, err := adapters.ReadForm(w, r)
				switch {
				case ask.Passive:
					return nil, adapters.ErrDenied
				case err != nil:
					return nil, err
				case !sent:
					return nil, ask.ShowForm(w, adapters.Form{Username: ask.LoginHint})
				case typed.Password != "correct horse battery":
					return nil, ask.ShowForm(w, adapters.Form{Problem: adapters.FormWrong})
				}
				return &adapters.SignedIn{Person: who, At: env.Now()}, nil
			}),
		Person: adaptertest.Person{Name: "employee", Password: "correct horse battery", Is: who},
		SignIn: form.SignIn,
		Hint:   form.Hint,
		Cancel: func(page entratest.Page) (entratest.Action, error) { return page.Click("Do not sign in") },
		Lacks: map[adaptertest.Capability]string{
			adaptertest.Sessions:           "everybody types their password each time",
			adaptertest.SecondFactor:       "there are passwords only",
			adaptertest.Logout:             "there is no session to end",
			adaptertest.UpstreamLogout:     "there is no provider behind it",
			adaptertest.Failing:            "it depends on nothing",
			adaptertest.PeopleWithoutID:    "there is one person",
			adaptertest.PeopleWithoutEmail: "there is one person",
			adaptertest.Replicas:           "it keeps nothing that a replica could lack",
		},
	}
}

func TestTheExampleKeepsTheRules(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, describePasswords)
}
