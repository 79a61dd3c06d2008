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
