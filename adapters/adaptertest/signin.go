package adaptertest

import (
	"time"

	"github.com/stretchr/testify/require"
)

func firstSignIn(w *world) {
	w.sleep(time.Minute)
	before := w.clock.Now()
	tab := w.newBrowser().ask(question{}, w.host.Person)
	claims := tab.requireSignedIn(w.host.Person)
	w.requireProvisioned(w.host.Person.Is)
	require.WithinRange(w.t, claims.AuthnInstant, before.Truncate(time.Second), w.clock.Now(), "when the person signed in")
}

// sleep lets time pass.
func (w *world) sleep(d time.Duration) {
	w.t.Helper()
	require.NoError(w.t, w.clock.Sleep(w.t.Context(), d))
}
