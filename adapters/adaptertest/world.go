package adaptertest

import (
	"bytes"
	"context"
	"crypto/x509"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/saml"
)

// world is what one rule is checked in: Entra, the Bridge, the host and people's browsers.
type world struct {
	t       *testing.T
	base    string
	host    Host
	clock   *clock
	router  *router
	journal *journal
	people  *people
	tenant  *entratest.Tenant
	config  adapters.Config

	mu     sync.Mutex
	bridge http.Handler // answers below the path of base
	site   http.Handler // answers for the rest of that host: the host's pages, if they are there
}

func newWorld(t *testing.T, base string, signer saml.Signer, describe func(*testing.T, Environment) Host) *world {
	t.Helper()
	w := &world{t: t, base: base, clock: newClock(), router: newRouter(), people: &people{}, site: http.NotFoundHandler()}
	t.Cleanup(w.router.network.CloseIdleConnections)
	w.router.mount(bridgeHost, http.HandlerFunc(w.serveBridgeHost))
	env := Environment{BaseURL: base, Now: w.clock.Now, Transport: w.router, mount: w.mount}
	w.journal, env.Logger = newJournal()
	w.host = describe(t, env)
	require.NoError(t, w.host.check())
	if w.host.RealTime {
		w.clock.real.Store(true)
	}
	w.tenant = newTenant(w, signer)
	w.router.microsoft = w.tenant.Transport()
	w.config = adapters.Config{
		BaseURL: base, IdentityProvider: newIdentityProvider(w, signer), People: w.people, Domain: domain,
		Secret: bytes.Repeat([]byte{1}, 32), Now: w.clock.Now, Patience: 10 * time.Second, Logger: env.Logger,
	}
	w.serveWith(w.newBridge(w.host.Authenticator))
	return w
}

// mount makes h answer for a name.
func (w *world) mount(host string, h http.Handler) {
	if !strings.EqualFold(host, bridgeHost) {
		w.router.mount(host, h)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.site = h
}

// serveWith makes h the Bridge from now on.
func (w *world) serveWith(h http.Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bridge = h
}

func (w *world) serveBridgeHost(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	bridge, site := w.bridge, w.site
	w.mu.Unlock()
	if w.isBridge(r.URL.String()) {
		bridge.ServeHTTP(rw, r)
		return
	}
	site.ServeHTTP(rw, r)
}

// isBridge reports whether the address is the Bridge's.
func (w *world) isBridge(address string) bool { return strings.HasPrefix(address, w.base+"/") }

// newBridge makes a Bridge of the same configuration around an Authenticator.
func (w *world) newBridge(host adapters.Authenticator) http.Handler {
	w.t.Helper()
	config := w.config
	config.Authenticator = host
	bridge, err := adapters.New(config)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = bridge.Close(context.Background()) })
	if w.host.around != nil {
		return w.host.around(bridge)
	}
	return bridge
}

func newIdentityProvider(w *world, signer saml.Signer) *saml.IdentityProvider {
	w.t.Helper()
	idp, err := saml.New(saml.Config{
		SingleSignOnService: w.base + "/sso", SingleLogoutService: w.base + "/logout",
		Realms: []saml.Realm{{Domain: domain, Issuer: w.base}}, Signer: signer, Now: w.clock.Now,
	})
	require.NoError(w.t, err)
	return idp
}

// newTenant returns a tenant that knows the person, and that goes by the same clock.
func newTenant(w *world, signer saml.Signer) *entratest.Tenant {
	w.t.Helper()
	user, err := userOf(w.host.Person.Is)
	require.NoError(w.t, err)
	return entratest.Start(w.t, entratest.Config{
		Seed:  1,
		Users: []entratest.User{user},
		Clock: w.clock.ofTenant(),
		Domains: []entratest.Domain{{Name: domain, Federation: &entratest.Federation{
			Issuer: w.base, SignInURL: w.base + "/sso", SignOutURL: w.base + "/logout",
			Certificates: []*x509.Certificate{signer.Certificate},
		}}},
	})
}
