package oidc_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/entrafed/entrafed/adapters/oidc"
	"github.com/entrafed/entrafed/internal/oidcprovidertest"
)

// The adapter with npm's oidc-provider, which shares no code with it.
func TestTheRealProvider(t *testing.T) {
	t.Parallel()
	dir := oidcprovidertest.Install(t, "testdata/provider")
	t.Run("keeps the rules", func(t *testing.T) {
		runConformance(t, oidcprovidertest.Start(t, dir, []oidcprovidertest.Client{conformanceClient()}, conformancePeople()))
	})
	t.Run("tells of sign-outs", func(t *testing.T) { testRealLogout(t, dir) })
}

var realEmployee = oidcprovidertest.Person{
	Name: "employee", Password: "correct horse battery", Code: "246810",
	Claims: map[string]any{
		"sub": "104", "email": "employee@example.net", "email_verified": true, "given_name": "An", "family_name": "Employee",
		"locale": "de-CH",
	},
}

// realConfig is for the provider.
func realConfig(provider *oidcprovidertest.Provider, logger *slog.Logger, now func() time.Time) oidc.Config {
	return oidc.Config{
		Issuer: provider.Issuer, ClientID: clientID, ClientSecret: clientSecret, Connection: "login", InsecureHTTP: true,
		MFAContexts: []string{"mfa"}, Logger: logger, Now: now,
	}
}

// backChannelTarget listens on this machine for the provider's logout tokens, once its handler is known.
type backChannelTarget struct {
	*httptest.Server
	mu      sync.Mutex
	handler http.Handler
}

func newBackChannelTarget(t *testing.T) *backChannelTarget {
	target := &backChannelTarget{}
	target.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target.mu.Lock()
		handler := target.handler
		target.mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(target.Close)
	return target
}

func (b *backChannelTarget) serve(handler http.Handler) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handler = handler
}
