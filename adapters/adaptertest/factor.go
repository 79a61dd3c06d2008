package adaptertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

func factorProved(w *world) {
	tab := w.newBrowser().ask(question{mfa: true}, w.host.Person)
	require.True(w.t, provedMFA(tab.requireSignedIn(w.host.Person)), "the second factor is stated")
}

func factorNotProved(w *world) {
	for _, q := range []question{{}, {mfa: true}} {
		tab := w.newBrowser().newTab().as(w.withoutCode()).begin(q)
		if _, without := w.host.Lacks[SecondFactor]; without && !q.mfa {
			tab.requireSignedIn(w.host.Person)
		}
		tab.requireNoFactor()
	}
}

// wrongFactor types a wrong code, and then goes on as if it had been right.
func wrongFactor(w *world) {
	wrong := w.host.Person
	wrong.Code = wrongly(wrong.Code)
	tab := w.newBrowser().newTab().asOnce(wrong).begin(question{mfa: true})
	require.NotEmpty(w.t, tab.shown, "a page is shown: %s", describePage(tab.page))
	tab.requireNoFactor()
	tab.walk(entratest.Follow(tab.returnTo()))
	tab.requireNoFactor()
}

// factorOfEarlier proves a second factor once, and signs in again without.
func factorOfEarlier(w *world) {
	b := w.newBrowser()
	b.ask(question{mfa: true}, w.host.Person).requireSignedIn(w.host.Person)
	w.sleep(10 * time.Minute)
	b.newTab().as(w.withoutCode()).begin(question{fresh: true}).requireNoFactor()
}

func sessionWithoutFactor(w *world) {
	b := w.newBrowser()
	if b.ask(question{}, w.withoutCode()); len(b.tab.assertions()) == 0 {
		return // nobody has a session without a second factor
	}
	w.sleep(time.Minute)
	tab := b.newTab().begin(question{mfa: true})
	tab.walk(entratest.Follow(tab.returnTo()))
	tab.requireNoFactor()
	tab = b.ask(question{mfa: true}, w.host.Person)
	tab.requireSignedIn(w.host.Person)
	require.NotEmpty(w.t, tab.shown, "a page asks for the second factor")
}

// withoutCode is the person without a second factor.
func (w *world) withoutCode() Person {
	who := w.host.Person
	who.Code = ""
	return who
}

// requireNoFactor requires that Entra was not told of a second factor.
func (t *tab) requireNoFactor() {
	t.browser.w.t.Helper()
	for _, a := range t.assertions() {
		require.False(t.browser.w.t, provedMFA(a.claims), "a second factor that nobody proved is stated")
	}
}
