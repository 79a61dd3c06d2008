package adaptertest

import (
	"net/http"
	"net/http/httptest"
	"strings"
)

// behindProxy has the requests arrive as a proxy sends them that speaks TLS with the browsers, and with the host does
// not.
func behindProxy(w *world) {
	w.serveWith(cutOff(w.base, w.newBridge(w.host.Authenticator)))
	b := w.newBrowser()
	tab := b.ask(question{}, w.host.Person)
	tab.requireSignedIn(w.host.Person)
	tab.requireNotLedAway()
	if w.host.endsSessions() {
		b.signOut().requireNotLedAway()
	}
}

// cutOff is the proxy: what the Bridge gets names another host, another scheme and another path than the browser asked
// for, and headers that anybody could have written.
func cutOff(base string, bridge http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest := strings.TrimPrefix(r.URL.RequestURI(), strings.TrimPrefix(base, "https://"+bridgeHost))
		inner := httptest.NewRequestWithContext(r.Context(), r.Method, rest, r.Body)
		inner.Header = r.Header.Clone()
		inner.ContentLength = r.ContentLength
		inner.Host = "10.0.0.7:8080"
		for name, value := range map[string]string{
			"X-Forwarded-Host": strange, "X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "/elsewhere",
			"Forwarded": "host=" + strange + ";proto=http", "X-Original-Url": "https://" + strange + "/",
		} {
			inner.Header.Set(name, value)
		}
		bridge.ServeHTTP(w, inner)
	})
}
