package adaptertest

import "github.com/stretchr/testify/require"

// twoTabs has both tabs at the sign-in page, then both on their way back.
func twoTabs(w *world) {
	who, b := w.host.Person, w.newBrowser()
	one, two := b.newTab().begin(question{}), b.newTab().begin(question{})
	two.as(who).goOn().requireSignedIn(who)
	one.as(who).goOn().requireSignedIn(who)

	b = w.newBrowser()
	one = b.newTab().as(who).holdReturn().begin(question{})
	require.NotNil(w.t, one.held, "the browser comes back: %s", describePage(one.page))
	two = b.newTab().begin(question{})
	two.as(who).goOn().requireSignedIn(who)
	one.release().requireSignedIn(who)
}
