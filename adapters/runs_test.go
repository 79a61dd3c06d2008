package adapters_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/provision"
)

// numbered is a world in which everybody who comes is somebody else, and nobody gets an account.
func numbered(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	people := 0
	w.host = func(http.ResponseWriter, *http.Request, adapters.Ask) (*adapters.SignedIn, error) {
		people++
		person := signedIn()
		person.Person.ID, person.At = fmt.Sprint(people), w.Now()
		return person, nil
	}
	w.people = func(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
		return provision.Account{}, stopped(provision.ErrNoLicense)
	}
	return w
}

func TestARunIsKeptForAMinuteAndNoLonger(t *testing.T) {
	t.Parallel()
	w := numbered(t)
	for range 600 { // ten minutes
		b := w.browser()
		b.get(b.request("", "", w.Now()))
		w.Advance(time.Second)
		require.LessOrEqual(t, w.bridge.Runs(), 62)
	}
	require.GreaterOrEqual(t, w.bridge.Runs(), 60)
}

func TestARunThatIsUnderWayIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *adapters.Config) { c.Patience = time.Nanosecond })
	next := make(chan provision.Event)
	w.people = slowly(next)
	b := w.browser()
	address := b.request("", "state", testTime)
	require.Contains(t, b.get(address).Body.String(), "Getting Microsoft 365 ready")
	w.Advance(10 * time.Minute)
	require.Contains(t, b.get(address).Body.String(), "Getting Microsoft 365 ready")
	require.Equal(t, 1, w.bridge.Runs())
	close(next)
	require.Eventually(t, func() bool { return formField(b.get(address).Body.String(), "SAMLResponse") != "" },
		10*time.Second, time.Millisecond)
}

// A failure that is tried again is another run, and the first one's end does not take it away.
func TestARunThatIsRetriedIsForgottenOnce(t *testing.T) {
	t.Parallel()
	w := numbered(t)
	b := w.browser()
	address := b.request("", "", testTime)
	b.get(address)
	w.Advance(50 * time.Second)
	b.get(address + "?retry")
	w.Advance(20 * time.Second)
	other := w.browser()
	other.get(other.request("", "", w.Now()))
	require.Equal(t, 2, w.bridge.Runs(), "the second attempt is not a minute old")
	w.Advance(2 * time.Minute)
	other = w.browser()
	other.get(other.request("", "", w.Now()))
	require.Equal(t, 1, w.bridge.Runs())
}

// What a sign-in costs must not depend on how many others there were within the minute.
func BenchmarkSignInsOfManyPeople(b *testing.B) {
	for _, people := range []int{100, 10_000, 50_000} {
		b.Run(fmt.Sprint(people), func(b *testing.B) {
			w := numbered(b)
			for range people {
				browser := w.browser()
				browser.get(browser.request("", "", w.Now()))
			}
			b.ResetTimer()
			for range b.N {
				browser := w.browser()
				browser.get(browser.request("", "", w.Now()))
			}
		})
	}
}

// What came of an earlier sign-in says nothing of the next one: who has left meanwhile is not let in by the minute for which
// a result is kept, and who was refused by mistake need not wait for it.
func TestASignInHasAResultOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var result error
	w.people = func(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
		return account, result
	}
	w.host = func(http.ResponseWriter, *http.Request, adapters.Ask) (*adapters.SignedIn, error) {
		person := signedIn()
		person.At = w.Now()
		return person, nil
	}
	b := w.browser()
	signIn := func() *httptest.ResponseRecorder {
		w.Advance(time.Second)
		return b.get(b.request("", "state", w.Now()))
	}
	requireAnswered(t, signIn(), "state")
	result = stopped(provision.ErrRetired)
	w.requireFailure(signIn(), http.StatusForbidden, "Your account could not be set up")
	result = nil
	requireAnswered(t, signIn(), "state")
}
