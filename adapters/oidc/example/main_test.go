package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters/oidc"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/saml"
)

const (
	issuer   = "https://login.example.net"
	base     = "https://id.contoso.com/entra"
	business = "f245ecc8-75af-4f8e-b61f-27d8114de5f3"
)

// What a host needs for Entra is no more than 30 lines.
func TestTheLinesThatEntraNeeds(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("entra.go")
	require.NoError(t, err)
	_, marked, begins := strings.Cut(string(source), "// Entra begins here.\n")
	marked, _, ends := strings.Cut(marked, "// Entra ends here.")
	require.True(t, begins && ends)
	lines := 0
	for line := range strings.Lines(marked) {
		require.LessOrEqual(t, len(strings.ReplaceAll(line, "\t", "    ")), 125)
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			lines++
		}
	}
	require.Positive(t, lines)
	require.LessOrEqual(t, lines, 30)
}

// provider lets one person in, who is asked nothing.
type provider struct {
	t   *testing.T
	key *rsa.PrivateKey
	now func() time.Time
}

func (p *provider) sign(claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.key, KeyID: "1"}}, nil)
	require.NoError(p.t, err)
	claims["iss"], claims["aud"], claims["iat"], claims["exp"] = issuer, "entra", p.now().Unix(), p.now().Add(time.Minute).Unix()
	payload, err := json.Marshal(claims)
	require.NoError(p.t, err)
	signature, err := signer.Sign(payload)
	require.NoError(p.t, err)
	token, err := signature.CompactSerialize()
	require.NoError(p.t, err)
	return token
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": issuer, "authorization_endpoint": issuer + "/authorize",
			"token_endpoint": issuer + "/token", "jwks_uri": issuer + "/keys"})
	case "/keys":
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "1"}}})
	case "/authorize":
		asked := r.URL.Query()
		http.Redirect(w, r, asked.Get("redirect_uri")+"?"+url.Values{"state": {asked.Get("state")}, "code": {asked.Get("nonce")}}.Encode(),
			http.StatusFound)
	case "/token":
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": p.sign(map[string]any{
			"sub": "104", "nonce": r.PostFormValue("code"), "auth_time": p.now().Unix(), "email": "employee@example.net", "name": "An Employee",
		})})
	}
}

func newSigner(t *testing.T, now time.Time) saml.Signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return saml.Signer{Key: key, Certificate: certificate}
}

// The whole host: a smart link ends at the document, and a sign-out at the provider ends the sessions at Entra.
func TestAPersonOfTheProviderOpensADocument(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testDocument) // nobody waits
}

func testDocument(t *testing.T) {
	login := &provider{t: t, now: time.Now}
	signer := newSigner(t, time.Now())
	login.key = signer.Key.(*rsa.PrivateKey)
	tenant := entratest.Start(t, entratest.Config{
		Lag: entratest.LagNone,
		Domains: []entratest.Domain{{Name: "contoso.com", Federation: &entratest.Federation{
			Issuer: base, SignInURL: base + "/sso", Certificates: []*x509.Certificate{signer.Certificate},
		}}},
		SKUs: []entratest.SKU{{ID: business, PartNumber: "O365_BUSINESS_PREMIUM", Enabled: 1}},
	})
	directory, err := msgraph.New(msgraph.Config{Credential: tenant.Credential(), Transport: tenant.Transport()})
	require.NoError(t, err)
	var log bytes.Buffer
	host, end, err := newHost(t.Context(), settings{
		Provider: oidc.Config{Issuer: issuer, ClientID: "entra", Connection: "login", HTTPClient: &http.Client{Transport: tenant.Transport()},
			LazyDiscovery: true},
		BaseURL: base, Domain: "contoso.com", License: "O365_BUSINESS_PREMIUM", UsageLocation: "CH", Signer: signer,
		Secret: bytes.Repeat([]byte{7}, 32), Tenant: directory, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	require.NoError(t, err)
	defer end()
	tenant.Mount("id.contoso.com", host)
	tenant.Mount("login.example.net", login)

	document := "https://contoso.sharepoint.com/sites/welcome"
	page, err := entratest.NewBrowser(tenant.Transport()).Open(t.Context(), base+"/go?to="+url.QueryEscape(document))
	require.NoError(t, err)
	require.Equal(t, document, page.URL, page.Body)
	require.Contains(t, page.Body, "employee@contoso.com")

	signedOut := func(subject string) int {
		form := url.Values{"logout_token": {login.sign(map[string]any{"sub": subject, "jti": rand.Text(),
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}})}}
		r := httptest.NewRequest(http.MethodPost, "https://id.contoso.com/signed-out", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		recorder := httptest.NewRecorder()
		host.ServeHTTP(recorder, r)
		return recorder.Code
	}
	require.Equal(t, http.StatusOK, signedOut("104"))
	calls := tenant.GraphCalls()
	require.Contains(t, calls[len(calls)-1].Path, "revokeSignInSessions")
	require.Equal(t, http.StatusOK, signedOut("somebody who was never here"))
	require.Len(t, tenant.GraphCalls(), len(calls))
}

func TestSettingsThatAreMissing(t *testing.T) {
	t.Parallel()
	_, err := settingsOf(func(string) string { return "" }, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "CERTIFICATE and KEY")
	_, _, err = newHost(t.Context(), settings{})
	for _, missing := range []string{"Issuer is missing", "saml:", "provision:"} {
		require.ErrorContains(t, err, missing)
	}
}
