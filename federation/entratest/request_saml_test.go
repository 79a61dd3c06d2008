package entratest_test

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/saml"
)

// What the simulated tenant sends is what package saml reads, and what saml answers is what the tenant accepts. The two
// share no code that signs, verifies or reads XML.

func samlIdentityProvider(t testing.TB, w *world, change ...func(*saml.Config)) *saml.IdentityProvider {
	t.Helper()
	cfg := saml.Config{
		SingleSignOnService: "https://id.contoso.com/sso",
		SingleLogoutService: "https://id.contoso.com/logout",
		Realms:              []saml.Realm{{Domain: "contoso.com", Issuer: contosoIssuer}},
		Signer:              saml.Signer{Key: contosoKey().key, Certificate: contosoKey().certificate},
		RequestCertificates: w.RequestCertificates(),
		Now:                 w.clock.Now,
	}
	for _, c := range change {
		c(&cfg)
	}
	idp, err := saml.New(cfg)
	require.NoError(t, err)
	return idp
}

func requireSigned(c *saml.Config) { c.RequireSignedRequests = true }

func posted(r entratest.AuthnRequest) *http.Request {
	request := httptest.NewRequest(http.MethodPost, r.URL, strings.NewReader(r.Form().Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return request
}

func TestSAMLReadsSignedRequests(t *testing.T) {
	t.Parallel()
	for _, options := range []entratest.RequestOptions{
		{}, {SHA256: true}, {NextKey: true},
		{AssertionConsumerServiceIndex: true, ForceAuthn: true, AuthnContexts: []string{mfaRef}},
	} {
		w := newSigningWorld(t)
		require.NoError(t, w.SetRequestOptions(options))
		idp := samlIdentityProvider(t, w, requireSigned)
		sent, err := w.NewAuthnRequest("employee@contoso.com")
		require.NoError(t, err)
		request, err := idp.ReadRequest(posted(sent))
		require.NoError(t, err, "%+v", options)
		require.True(t, request.Signed)
		require.Equal(t, sent.ID, request.ID)
		require.Equal(t, options.ForceAuthn, request.ForceAuthn)

		answer, err := idp.Respond(request, saml.Subject{
			ImmutableID: "employee0001", UPN: "employee@contoso.com", AuthnInstant: w.clock.Now(),
		})
		require.NoError(t, err)
		require.NoError(t, w.CheckResponse(answer.SAMLResponse(), answer.RelayState).Err())
	}
}

func TestSAMLRefusesRequestsThatAreNotTheTenants(t *testing.T) {
	t.Parallel()
	w := newSigningWorld(t)
	sent, err := w.NewAuthnRequest("contoso.com")
	require.NoError(t, err)
	stranger := newWorld(t, func(c *entratest.Config) { c.Seed = 7 })
	for name, idp := range map[string]*saml.IdentityProvider{
		"that pins another tenant's keys": samlIdentityProvider(t, stranger, requireSigned),
		"that pins only the next key": samlIdentityProvider(t, w, func(c *saml.Config) {
			c.RequestCertificates = w.RequestCertificates()[1:]
		}),
	} {
		_, err = idp.ReadRequest(posted(sent))
		require.ErrorIs(t, err, saml.ErrSignature, name)
	}
	unsigned, err := newWorld(t).NewAuthnRequest("contoso.com")
	require.NoError(t, err)
	_, err = samlIdentityProvider(t, w, requireSigned).ReadRequest(posted(unsigned))
	require.ErrorIs(t, err, saml.ErrSignature)
}

// signOutHandler is an identity provider made of package saml: it signs everybody in as one person, and out again.
type signOutHandler struct {
	t   testing.TB
	idp *saml.IdentityProvider

	logout *saml.LogoutRequest // the last one
}

func (h *signOutHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/logout" {
		h.serveLogout(w, r)
		return
	}
	request, err := h.idp.ReadRequest(r)
	require.NoError(h.t, err)
	answer, err := h.idp.Respond(request, saml.Subject{
		ImmutableID: "employee0001", UPN: "employee@contoso.com", AuthnInstant: request.IssueInstant, SessionIndex: "_session",
	})
	require.NoError(h.t, err)
	require.NoError(h.t, answer.Post(w))
}

func (h *signOutHandler) serveLogout(w http.ResponseWriter, r *http.Request) {
	logout, err := h.idp.ReadLogout(r)
	require.NoError(h.t, err)
	h.logout = logout
	if logout.ID == "" {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<title>Signed out there</title>"))
		return
	}
	answer, err := h.idp.RespondLogout(logout, "contoso.com")
	require.NoError(h.t, err)
	require.NoError(h.t, answer.Post(w))
}

// The whole way round: the browser signs in, signs out at Microsoft, reaches the identity provider, and ends at login.srf
// with a page that tells what happened.
func TestSAMLReadsAndAnswersEverySignOut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		how              entratest.SignOut
		isMessage, signs bool
	}{
		{how: entratest.SignOutPlain},
		{how: entratest.SignOutWSFed},
		{how: entratest.SignOutRequest, isMessage: true},
		{how: entratest.SignOutSignedRequest, isMessage: true, signs: true},
		{how: entratest.SignOutEnvelopedRequest, isMessage: true, signs: true},
	} {
		for _, sha256 := range []bool{false, true} {
			w := newWorld(t)
			require.NoError(t, w.SetRequestOptions(entratest.RequestOptions{SignOut: tt.how, SHA256: sha256}))
			host := &signOutHandler{t: t, idp: samlIdentityProvider(t, w)}
			w.Mount("id.contoso.com", host)
			b := w.browser()
			require.Contains(t, b.open(t, smartLink("whr", "contoso.com", "wreply", hrSite)).Body, "employee@contoso.com")

			page := b.open(t, host.idp.SignOutURL())
			require.Equal(t, tt.signs, host.logout.Signed, "%s", tt.how)
			if !tt.isMessage {
				require.Equal(t, "Signed out there", page.Title)
				continue
			}
			require.Equal(t, "employee0001", host.logout.ImmutableID)
			require.Equal(t, []string{"_session"}, host.logout.SessionIndexes)
			require.Equal(t, "You are signed out", page.Title)
			require.Contains(t, page.Body, "contoso.com has ended its session; the LogoutResponse is signed.")
			require.Equal(t, "Sign in", b.open(t, hrSite).Title)
		}
	}
}

func TestSAMLRefusesASignOutOfAStranger(t *testing.T) {
	t.Parallel()
	for _, how := range []entratest.SignOut{entratest.SignOutSignedRequest, entratest.SignOutEnvelopedRequest} {
		w := newWorld(t)
		idp := withIdentityProvider(t, w)
		require.NoError(t, w.SetRequestOptions(entratest.RequestOptions{SignOut: how}))
		b := w.browser()
		b.open(t, smartLink("whr", "contoso.com", "wreply", hrSite))
		b.open(t, "https://contoso.sharepoint.com/logout")
		pinning := samlIdentityProvider(t, w, func(c *saml.Config) {
			c.RequestCertificates = []*x509.Certificate{rogueKey().certificate}
		})
		_, err := pinning.ReadLogout(httptest.NewRequest(http.MethodGet, idp.last().URL.RequestURI(), nil))
		require.ErrorIs(t, err, saml.ErrSignature)

		changed := strings.Replace(idp.last().URL.RequestURI(), "RelayState=", "RelayState=x", 1)
		_, err = samlIdentityProvider(t, w).ReadLogout(httptest.NewRequest(http.MethodGet, changed, nil))
		require.Equal(t, how == entratest.SignOutSignedRequest, err != nil, "the signature of the query covers RelayState")
	}
}

// A host that reads the certificates out of the metadata pins the same.
func TestSAMLPinsWhatTheMetadataShows(t *testing.T) {
	t.Parallel()
	w := newSigningWorld(t)
	res, err := w.Client().Get(w.Cloud().Metadata)
	require.NoError(t, err)
	defer res.Body.Close()
	pinned := certificatesInMetadata(t, bodyOf(t, res))
	require.Len(t, pinned, 3)
	idp := samlIdentityProvider(t, w, requireSigned, func(c *saml.Config) { c.RequestCertificates = pinned })
	sent, err := w.NewAuthnRequest("contoso.com")
	require.NoError(t, err)
	request, err := idp.ReadRequest(posted(sent))
	require.NoError(t, err)
	require.True(t, request.Signed)
	require.Equal(t, url.Values(sent.Form()).Get("RelayState"), request.RelayState)
}
