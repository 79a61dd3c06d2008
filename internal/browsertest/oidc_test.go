package browsertest

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/oidc"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/internal/oidcprovidertest"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

// The pages of the OpenID Connect provider.
var (
	providerPage        = page{Heading: "Sign in at the provider", Plain: true}
	providerSignOutPage = page{Heading: "Do you want to sign out?", Plain: true}
)

// From a smart link to the document, for somebody who signs in at an OpenID Connect provider; and out again.
func TestAPersonOfAnOpenIDConnectProviderIsSignedIn(t *testing.T) {
	t.Parallel()
	needChromium(t)
	home := startOIDCHost(t)
	v := newVisitor(t)
	v.opens(home + "/entra/go")
	v.comesTo(providerPage)
	v.writes("username", "employee")
	v.writes("password", "wrong")
	v.presses("Sign in")
	v.waits("that it is not right", func() bool { return v.reads("problem") == "That is not right." })
	v.writes("password", "correct horse battery")
	v.presses("Sign in")
	v.comesTo(progressPage)
	v.comesTo(documentPage)
	require.Equal(t, "employee@contoso.com", v.reads("upn"))
	require.Equal(t, "An Employee", v.reads("display-name"))

	v.opens(home + "/entra/logout")
	v.comesTo(providerSignOutPage)
	v.presses("Sign out")
	v.comesTo(goodbyePage)
	v.opens(home + "/entra/start")
	v.comesTo(providerPage)
	v.presses("Cancel")
	v.comesTo(cancelledPage)
}

var cancelledPage = page{Heading: "You cancelled the sign-in", Status: http.StatusForbidden}

// startOIDCHost starts a host whose people sign in at a real OpenID Connect provider, beside a simulated tenant, and
// returns its address.
func startOIDCHost(t *testing.T) string {
	t.Helper()
	dir := oidcprovidertest.Install(t, filepath.Join("..", "..", "adapters", "oidc", "testdata", "provider"))
	site, cloud := listenOnLoopback(t), listenOnLoopback(t)
	home := "http://" + site.Addr().String()
	base := home + "/entra"
	provider := oidcprovidertest.Start(t, dir,
		[]oidcprovidertest.Client{{
			ID: "entra", Secret: "secret of the client", RequireTime: true,
			RedirectURIs: []string{base + "/callback"}, SignedOut: []string{base + "/logout/done"},
		}},
		[]oidcprovidertest.Person{{
			Name: "employee", Password: "correct horse battery",
			Claims: map[string]any{"sub": "104", "email": "employee@example.net", "name": "An Employee"},
		}})
	signer := newHostSigner()
	tenant, err := entratest.New(entratest.Config{
		BaseURL: "http://" + cloud.Addr().String(), Seed: 1,
		Domains: []entratest.Domain{{Name: "contoso.com", Federation: &entratest.Federation{
			Issuer: base, SignInURL: base + "/sso", SignOutURL: base + "/logout",
			Certificates: []*x509.Certificate{signer.Certificate},
		}}},
		SKUs: []entratest.SKU{{ID: "f245ecc8-75af-4f8e-b61f-27d8114de5f3", PartNumber: "O365_BUSINESS_PREMIUM", Enabled: 1}},
	})
	require.NoError(t, err)
	directory, err := msgraph.New(msgraph.Config{
		Cloud: tenant.Cloud(), Credential: tenant.Credential(), Transport: tenant.Transport(),
	})
	require.NoError(t, err)
	people, err := provision.New(provision.Config{Directory: directory, Rules: provision.Rules{
		Domain: "contoso.com", UsageLocation: "CH", Licenses: []provision.License{{SKU: "O365_BUSINESS_PREMIUM"}},
	}})
	require.NoError(t, err)
	login, err := oidc.New(t.Context(), oidc.Config{
		Issuer: provider.Issuer, ClientID: "entra", ClientSecret: "secret of the client", Connection: "login", InsecureHTTP: true,
	})
	require.NoError(t, err)
	idp, err := saml.New(saml.Config{
		Cloud: tenant.Cloud(), SingleSignOnService: base + "/sso", SingleLogoutService: base + "/logout",
		Realms: []saml.Realm{{Domain: "contoso.com", Issuer: base}}, Signer: signer,
	})
	require.NoError(t, err)
	bridge, err := adapters.New(adapters.Config{
		BaseURL: base, IdentityProvider: idp, Authenticator: login, People: people, Domain: "contoso.com",
		Home:   tenant.Cloud().Login + "/sharepoint/sites/welcome",
		Secret: []byte("a secret of thirty-two characters"), Notice: "Demonstration: this Microsoft 365 is simulated.",
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, errors.Join(bridge.Close(ctx), people.Wait(ctx)))
	})
	mux := http.NewServeMux()
	mux.Handle("/entra/", bridge)
	serveUntilTheEnd(t, site, mux)
	serveUntilTheEnd(t, cloud, tenant)
	return home
}

func listenOnLoopback(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return listener
}

func serveUntilTheEnd(t *testing.T, listener net.Listener, handler http.Handler) {
	t.Helper()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-done, http.ErrServerClosed)
	})
}

// newHostSigner makes a key for as long as the test runs.
func newHostSigner() saml.Signer {
	key := certtest.RSA(2048)
	return saml.Signer{
		Key: key, Certificate: certtest.SelfSigned(key, "test", time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0)),
	}
}
