package adaptertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

func firstSignIn(w *world) {
	w.sleep(time.Minute)
	before := w.clock.Now()
	claims := w.newBrowser().ask(question{}, w.host.Person).requireSignedIn(w.host.Person)
	w.requireProvisioned(w.host.Person.Is)
	require.False(w.t, claims.AuthnInstant.Before(before.Truncate(time.Second)), "the sign-in was not before it began")
	require.False(w.t, claims.AuthnInstant.After(w.clock.Now()), "the sign-in was not in the future")
}

func wrongPassword(w *world) {
	for _, password := range []string{wrongly(w.host.Person.Password), ""} {
		b, wrong := w.newBrowser(), w.host.Person
		wrong.Password = password
		tab := b.newTab().asOnce(wrong).begin(question{})
		require.NotEmpty(w.t, tab.shown, "a page is shown: %s", describePage(tab.page))
		tab.requireNotSignedIn()
		require.Empty(w.t, w.people.all(), "nobody is provisioned")
		b.newTab().begin(question{passive: true}).requireNotSignedIn() // nor has a session begun
		if w.isFinal(tab.page) {
			tab = b.newTab().as(w.host.Person).begin(question{})
		} else {
			tab.as(w.host.Person).goOn() // the form again
		}
		tab.requireSignedIn(w.host.Person)
		w.people.forget()
		w.sleep(2 * time.Minute) // and the Bridge what it knew
	}
}

func wrongly(password string) string { return "not-" + password }

func sessionUsedAgain(w *world) {
	b := w.newBrowser()
	first := b.ask(question{}, w.host.Person).requireSignedIn(w.host.Person)
	w.sleep(10 * time.Minute)
	tab := b.ask(question{}, w.host.Person)
	again := tab.requireSignedIn(w.host.Person)
	require.Empty(w.t, tab.shown, "no page is shown")
	require.Equal(w.t, toSecond(first.AuthnInstant), toSecond(again.AuthnInstant), "when the person signed in")
}

func signInAgain(w *world) {
	b := w.newBrowser()
	b.ask(question{}, w.host.Person).requireSignedIn(w.host.Person)
	w.sleep(10 * time.Minute)
	asked := w.clock.Now()
	tab := b.ask(question{fresh: true}, w.host.Person)
	again := tab.requireSignedIn(w.host.Person)
	require.NotEmpty(w.t, tab.shown, "a page is shown")
	require.False(w.t, again.AuthnInstant.Before(asked.Truncate(time.Second)), "when the person signed in")
}

func comesBackWithout(w *world) {
	b := w.newBrowser()
	b.ask(question{}, w.host.Person).requireSignedIn(w.host.Person)
	w.sleep(10 * time.Minute)
	tab := b.newTab().begin(question{fresh: true})
	tab.walk(entratest.Follow(tab.returnTo()))
	tab.requireNotSignedIn()
}

// somebodyElse has another person sign in again in the place of the one whose session it is.
func somebodyElse(w *world) {
	b := w.newBrowser()
	b.ask(question{}, w.host.Person).requireSignedIn(w.host.Person)
	w.people.forget()
	w.sleep(10 * time.Minute)
	tab := b.newTab().asOnce(*w.host.WithoutEmail).begin(question{fresh: true})
	require.NotEmpty(w.t, tab.shown, "a page is shown: %s", describePage(tab.page))
	account, err := accountOf(w.host.Person.Is)
	require.NoError(w.t, err)
	for _, a := range tab.assertions() {
		require.NotEqual(w.t, account.ImmutableID, a.claims.NameID, "who signed in")
	}
	for _, who := range w.people.all() {
		require.NotEqual(w.t, w.host.Person.Is.Key(), who.Key(), "who is provisioned")
	}
}

func loginHint(w *world) {
	account, err := accountOf(w.host.Person.Is)
	require.NoError(w.t, err)
	tab := w.newBrowser().newTab().begin(question{hint: account.UPN})
	require.NotEmpty(w.t, tab.shown, "a page is shown: %s", describePage(tab.page))
	require.Equal(w.t, account.UPN, w.host.Hint(tab.page), "whom the page expects")
}

// toSecond is the time as tokens have it.
func toSecond(at time.Time) string { return at.UTC().Truncate(time.Second).Format(time.RFC3339) }

// sleep lets time pass.
func (w *world) sleep(d time.Duration) {
	w.t.Helper()
	require.NoError(w.t, w.clock.Sleep(w.t.Context(), d))
}
