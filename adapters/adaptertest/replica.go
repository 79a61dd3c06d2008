package adaptertest

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"
)

// restart puts a new Bridge with a new Authenticator in the place of those that began the sign-in.
func restart(w *world) {
	tab := w.newBrowser().newTab().as(w.host.Person).holdReturn().begin(question{})
	require.NotNil(w.t, tab.held, "the browser comes back: %s", describePage(tab.page))
	w.sleep(time.Minute)
	w.serveWith(http.NotFoundHandler())
	w.serveWith(w.newBridge(w.host.Replica(w.t)))
	tab.release().requireSignedIn(w.host.Person)
}

// replicas has two Bridges answer alternately, so that no two steps of a sign-in are done by the same one.
func replicas(w *world) {
	turns := &alternating{bridges: []http.Handler{w.newBridge(w.host.Authenticator), w.newBridge(w.host.Replica(w.t))}}
	w.serveWith(turns)
	for _, first := range []int64{0, 1} {
		turns.made.Store(first)
		b := w.newBrowser()
		b.ask(question{}, w.host.Person).requireSignedIn(w.host.Person)
		if _, without := w.host.Lacks[Sessions]; without {
			continue
		}
		tab := b.ask(question{}, w.host.Person)
		tab.requireSignedIn(w.host.Person)
		require.Empty(w.t, tab.shown, "no page is shown")
	}
}

// alternating has its Bridges answer in turn.
type alternating struct {
	bridges []http.Handler
	made    atomic.Int64
}

func (a *alternating) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	turn := a.made.Add(1) - 1
	a.bridges[turn%int64(len(a.bridges))].ServeHTTP(w, r)
}
