package adapters_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/provision"
)

// What a host does in a goroutine of the Bridge's may go wrong: that costs one sign-in, and not the server.
func TestAPanicOfTheHostsEndsOneSignIn(t *testing.T) {
	t.Parallel()
	people := func(fails func()) func(*testing.T) *world {
		return func(t *testing.T) *world {
			w := newWorld(t)
			w.people = func(_ context.Context, p provision.Person, progress func(provision.Event)) (provision.Account, error) {
				progress(event(provision.StepSelect, provision.Started, "Checking who you are"))
				if p.ID == "broken" {
					fails()
				}
				return account, nil
			}
			return w
		}
	}
	profile := func(fails func()) func(*testing.T) *world {
		return func(t *testing.T) *world {
			return newKnowing(t, func(s adapters.SignedIn) (provision.Person, error) {
				if s.Person.ID == "broken" {
					fails()
				}
				return s.Person, nil
			})
		}
	}
	for name, newBroken := range map[string]func(*testing.T) *world{
		"in Profile":               profile(func() { panic(errors.New("internal")) }),
		"in People":                people(func() { panic("internal") }),
		"with nil":                 people(func() { panic(nil) }),
		"with a page's":            people(func() { panic(http.ErrAbortHandler) }),
		"by a nil pointer":         people(func() { var none *provision.Event; _ = none.Step }),
		"by runtime.Goexit":        people(runtime.Goexit),
		"by its Goexit in Profile": profile(runtime.Goexit),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newBroken(t)
			id := "broken"
			w.host = func(http.ResponseWriter, *http.Request, adapters.Ask) (*adapters.SignedIn, error) {
				person := signedIn()
				person.Person.ID = id
				return person, nil
			}
			b := w.browser()
			recorder := b.get(b.request("", "", testTime))
			w.requireFailure(recorder, http.StatusInternalServerError, "Something went wrong here")
			require.NotContains(t, recorder.Body.String(), "internal")
			log := w.log.String()
			require.Contains(t, log, "level=ERROR")
			require.Contains(t, log, "panic_test.go", "where it happened")

			id = "another"
			requireAnswered(t, b.get(b.request("", "state", testTime)), "state")
		})
	}
}
