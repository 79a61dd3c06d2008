package adaptertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/saml"
)

func passiveDeclined(w *world) {
	tab := w.newBrowser().newTab().begin(question{passive: true})
	require.NoError(w.t, tab.err)
	require.Empty(w.t, tab.shown, "no page is shown")
	require.Len(w.t, tab.answers, 1, "Entra gets an answer: %s", describePage(tab.page))
	require.Contains(w.t, tab.answers[0].document, string(saml.StatusNoPassive))
	require.Equal(w.t, tab.request.RelayState, tab.answers[0].relayState)
	tab.requireNotSignedIn()
}

func passiveAnswered(w *world) {
	b := w.newBrowser()
	b.ask(question{}, w.host.Person).requireSignedIn(w.host.Person)
	w.sleep(time.Minute)
	tab := b.newTab().begin(question{passive: true})
	tab.requireSignedIn(w.host.Person)
	require.Empty(w.t, tab.shown, "no page is shown")
}

// passiveAndFresh wants what cannot be had without a page.
func passiveAndFresh(w *world) {
	b := w.newBrowser()
	b.ask(question{}, w.host.Person).requireSignedIn(w.host.Person)
	w.sleep(10 * time.Minute)
	b.newTab().begin(question{passive: true, fresh: true}).requireNotSignedIn()
}

// hintIsNoProof names somebody who has never been at this browser.
func hintIsNoProof(w *world) {
	account, err := accountOf(w.host.Person.Is)
	require.NoError(w.t, err)
	for _, q := range []question{{hint: account.UPN}, {hint: account.UPN, passive: true}} {
		w.newBrowser().newTab().begin(q).requireNotSignedIn()
	}
}
