package adaptertest

import (
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"time"
)

// Environment is where a host is checked.
type Environment struct {
	// BaseURL is that of the Bridge: one of [BaseURLs]. The host's own pages may be at the same name, outside of this
	// path.
	BaseURL string

	// Now is the clock of the Bridge and of Entra.
	Now func() time.Time

	// Logger is the Bridge's. Give it to the adapter as well, so that what it writes is looked at.
	Logger *slog.Logger

	// Transport leads to what is mounted, and to addresses of this machine. Other requests fail.
	Transport http.RoundTripper

	mount func(host string, h http.Handler)
}

// Mount makes h answer for a name, as people's browsers and [Environment.Client] see it: "login.example.net". At the
// name of the BaseURL the Bridge goes before. What is mounted at the name before is replaced.
func (e Environment) Mount(host string, h http.Handler) { e.mount(host, h) }

// Client returns a client that reaches what was mounted, with cookies of its own.
func (e Environment) Client() *http.Client {
	jar, _ := cookiejar.New(nil) // with nil options New returns no error
	return &http.Client{Transport: e.Transport, Jar: jar}
}

// CallbackURL is the address that a provider behind the host sends browsers back to.
func (e Environment) CallbackURL() string { return e.BaseURL + "/callback" }

// SignedOutURL is the address that a provider behind the host sends browsers back to after a sign-out.
func (e Environment) SignedOutURL() string { return e.BaseURL + "/logout/done" }

// BaseURLs are the addresses of the Bridge that occur, for a provider that many rules share and where the addresses
// that browsers are sent back to must be registered beforehand.
func BaseURLs() []string { return []string{plainBase, prefixBase} }

const (
	bridgeHost = "id.contoso.com"
	plainBase  = "https://" + bridgeHost + "/entra"
	prefixBase = "https://" + bridgeHost + "/gateway/entra"
	domain     = "contoso.com"
)
