package crewjam_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/crewjam/saml"
	"github.com/crewjam/saml/samlidp"
	"github.com/crewjam/saml/samlsp"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/crewjam"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
	entrasaml "github.com/entrafed/entrafed/saml"
)

// stated gives everybody the account that a directory has made.
type stated struct{}

func (stated) EnsureWithProgress(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
	return provision.Account{UPN: "employee@contoso.com", ImmutableID: "0123456789abcdef0123456789abcdef"}, nil
}

// A samlidp server on loopback serves another service provider, as it did before, and Entra beside it: who has signed
// in at the one is known at the other.
func TestTheHostServesItsOtherServiceProvidersAsBefore(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	store := &samlidp.MemoryStore{}
	addUser(t, store, employee(), password)
	server := newServer(t, site.URL, store)
	mux.Handle("/", server)

	idp, base := besideEntra(t, site.URL)
	host, err := crewjam.New(crewjam.Config{IdentityProvider: &server.IDP, Person: crewjam.PersonByUserName("staff")})
	require.NoError(t, err)
	bridge, err := adapters.New(adapters.Config{
		BaseURL: base, IdentityProvider: idp, Authenticator: host, People: stated{}, Domain: "contoso.com",
		Secret: bytes.Repeat([]byte{1}, 32),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, bridge.Close(context.Background())) })
	mux.Handle("/entra/", bridge)

	wiki := newServiceProvider(t, server)
	register(t, site.URL, wiki)
	browser := entratest.NewBrowser(&http.Transport{DisableKeepAlives: true})
	browser.OnPage = func(page entratest.Page) (entratest.Action, error) {
		if len(page.Forms) == 0 {
			return entratest.Stop(), nil
		}
		return page.Submit("", map[string]string{"user": "employee", "password": password})
	}
	_, err = browser.Open(t.Context(), wiki.URL+"/page")
	require.NoError(t, err)

	browser.OnPage = func(entratest.Page) (entratest.Action, error) { return entratest.Stop(), nil } // nobody types any more
	page, err := browser.Open(t.Context(), wiki.URL+"/page")                                         // the form of samlidp ends at a session and not at the wiki
	require.NoError(t, err)
	require.Equal(t, "the wiki knows An Employee", page.Body)
	page, err = browser.Open(t.Context(), base+"/go")
	require.NoError(t, err)
	require.Contains(t, page.Body, "employee@contoso.com")
}

// besideEntra is a tenant whose domain is federated with a Bridge at the origin.
func besideEntra(t *testing.T, origin string) (*entrasaml.IdentityProvider, string) {
	t.Helper()
	key, certificate := identity()
	base := origin + "/entra"
	served := httptest.NewUnstartedServer(nil)
	tenant, err := entratest.New(entratest.Config{
		BaseURL: "http://" + served.Listener.Addr().String(), Lag: entratest.LagNone,
		Domains: []entratest.Domain{{Name: "contoso.com", Federation: &entratest.Federation{
			Issuer: base, SignInURL: base + "/sso", Certificates: []*x509.Certificate{certificate},
		}}},
		Users: []entratest.User{{
			UPN: "employee@contoso.com", ImmutableID: "0123456789abcdef0123456789abcdef", Enabled: true,
		}},
	})
	require.NoError(t, err)
	served.Config.Handler = tenant
	served.Start()
	t.Cleanup(served.Close)
	idp, err := entrasaml.New(entrasaml.Config{
		Cloud: tenant.Cloud(), SingleSignOnService: base + "/sso",
		Realms: []entrasaml.Realm{{Domain: "contoso.com", Issuer: base}},
		Signer: entrasaml.Signer{Key: key, Certificate: certificate},
	})
	require.NoError(t, err)
	return idp, base
}

// newServiceProvider is a site of somebody's who signs in at the host by SAML.
func newServiceProvider(t *testing.T, server *samlidp.Server) *httptest.Server {
	t.Helper()
	key, certificate := identity()
	mux := http.NewServeMux()
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	address, err := url.Parse(site.URL)
	require.NoError(t, err)
	provider, err := samlsp.New(samlsp.Options{
		URL: *address, Key: key, Certificate: certificate, IDPMetadata: server.IDP.Metadata(),
	})
	require.NoError(t, err)
	mux.Handle("/saml/", provider)
	mux.Handle("/page", provider.RequireAccount(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "the wiki knows "+samlsp.AttributeFromContext(r.Context(), "cn"))
	})))
	return site
}

// register tells the host of the service provider, as samlidp wants it: by its metadata.
func register(t *testing.T, origin string, wiki *httptest.Server) {
	t.Helper()
	metadata, err := http.Get(wiki.URL + "/saml/metadata")
	require.NoError(t, err)
	defer metadata.Body.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, origin+"/services/wiki", metadata.Body)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusNoContent, answer.StatusCode)
}

// A request that says more than samlidp looks at.
func TestWhatASessionProviderIsTold(t *testing.T) {
	t.Parallel()
	var told *saml.IdpAuthnRequest
	idp := &saml.IdentityProvider{SessionProvider: sessionFunc(func(_ http.ResponseWriter, _ *http.Request,
		req *saml.IdpAuthnRequest) *saml.Session {
		told = req
		return &saml.Session{UserName: "employee", CreateTime: time.Now(), Index: "session-1"}
	})}
	host, err := crewjam.New(crewjam.Config{
		IdentityProvider: idp, Person: crewjam.PersonByUserName("staff"), MFA: func(*saml.Session) bool { return true },
	})
	require.NoError(t, err)
	asked := time.Now().Add(-time.Minute)
	person, err := host.Authenticate(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/entra/signin/x", nil), adapters.Ask{
		ReturnTo: "https://id.contoso.com/entra/signin/x", Handle: "0a", Asked: asked, Fresh: true, MFA: true,
		LoginHint: "employee@contoso.com",
	})
	require.NoError(t, err)
	require.True(t, person.MFA)
	require.Equal(t, "session-1", person.Session)
	require.Equal(t, "https://id.contoso.com/entra/signin/x", told.IDP.SSOURL.String())
	require.Equal(t, "https://id.contoso.com/entra/signin/x", told.IDP.LoginURL.String())
	require.Empty(t, idp.SSOURL.String(), "the host's own is not touched")
	require.True(t, *told.Request.ForceAuthn)
	require.Nil(t, told.Request.IsPassive)
	require.Equal(t, entrasaml.MultipleAuthn, told.Request.RequestedAuthnContext.AuthnContextClassRef)
	require.Equal(t, "employee@contoso.com", told.Request.Subject.NameID.Value)
	require.Equal(t, "urn:federation:MicrosoftOnline", told.ServiceProviderMetadata.EntityID)
}

type sessionFunc func(http.ResponseWriter, *http.Request, *saml.IdpAuthnRequest) *saml.Session

func (f sessionFunc) GetSession(w http.ResponseWriter, r *http.Request, req *saml.IdpAuthnRequest) *saml.Session {
	return f(w, r, req)
}

// A SessionProvider that neither knows anybody nor answers would leave an empty page.
func TestASessionProviderThatDoesNothingIsAnError(t *testing.T) {
	t.Parallel()
	idp := &saml.IdentityProvider{SessionProvider: sessionFunc(func(http.ResponseWriter, *http.Request,
		*saml.IdpAuthnRequest) *saml.Session {
		return nil
	})}
	host, err := crewjam.New(crewjam.Config{IdentityProvider: idp, Person: crewjam.PersonByUserName("staff")})
	require.NoError(t, err)
	ask := adapters.Ask{ReturnTo: "https://id.contoso.com/entra/signin/x"}
	_, err = host.Authenticate(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/entra/signin/x", nil), ask)
	require.ErrorContains(t, err, "did not answer the browser")
}
