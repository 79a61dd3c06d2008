package oidc_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/oidc"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

const base = "https://id.contoso.com/entra"

var testTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var signer = sync.OnceValue(func() saml.Signer {
	key := otherKey()
	return saml.Signer{
		Key: key, Certificate: certtest.SelfSigned(key, "test", testTime.AddDate(-1, 0, 0), testTime.AddDate(1, 0, 0)),
	}
})

// world is a Bridge with the adapter, a scripted provider and a clock that stands still.
type world struct {
	*entratest.Clock
	*oidc.Authenticator
	t        *testing.T
	provider *scripted
	cfg      oidc.Config
	bridge   *adapters.Bridge
	log      *bytes.Buffer

	// What Authenticate returned last.
	got *adapters.SignedIn
	err error
}

func (w *world) Authenticate(rw http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
	w.got, w.err = w.Authenticator.Authenticate(rw, r, ask)
	return w.got, w.err
}

// knownUPN makes the person one whom a directory sync owns: nobody provisions in these tests.
func knownUPN(claims oidc.Claims) (provision.Person, error) {
	person := claims.Person()
	person.UPN, person.ImmutableID = "employee@contoso.com", "0123456789abcdef0123456789abcdef"
	return person, nil
}

func newWorld(t *testing.T, change ...func(*oidc.Config)) *world {
	t.Helper()
	w := &world{t: t, Clock: entratest.NewClock(testTime), log: &bytes.Buffer{}}
	w.provider = newScripted(t, w.Now)
	w.cfg = oidc.Config{
		Issuer: issuer, ClientID: clientID, ClientSecret: clientSecret, Connection: "login", Person: knownUPN,
		MFAContexts: []string{"gold", "silver"}, LazyDiscovery: true,
		HTTPClient: &http.Client{Transport: transport(map[string]http.Handler{"login.example.net": w.provider})},
		Now:        w.Now, Logger: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	for _, c := range change {
		c(&w.cfg)
	}
	w.Authenticator = w.authenticator()
	idp, err := saml.New(saml.Config{
		SingleSignOnService: base + "/sso", Realms: []saml.Realm{{Domain: "contoso.com", Issuer: base}}, Signer: signer(), Now: w.Now,
	})
	require.NoError(t, err)
	w.bridge, err = adapters.New(adapters.Config{
		BaseURL: base, IdentityProvider: idp, Authenticator: w, Domain: "contoso.com", Secret: bytes.Repeat([]byte{7}, 32),
		Now: w.Now, Logger: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.bridge.Close(context.Background())) })
	return w
}

func (w *world) authenticator() *oidc.Authenticator {
	w.t.Helper()
	authenticator, err := oidc.New(w.t.Context(), w.cfg)
	require.NoError(w.t, err)
	return authenticator
}

// transport leads to handlers, by the name of their host.
type transport map[string]http.Handler

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	handler, found := t[r.URL.Host]
	if !found {
		return nil, fmt.Errorf("there is no %s", r.URL.Host)
	}
	recorder := httptest.NewRecorder()
	request := r.Clone(r.Context())
	request.RequestURI = r.URL.RequestURI()
	if request.Body == nil {
		request.Body = http.NoBody
	}
	handler.ServeHTTP(recorder, request)
	answer := recorder.Result()
	answer.Request = r
	return answer, nil
}

// browser is one browser at the Bridge.
type browser struct {
	w   *world
	jar http.CookieJar
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	return &browser{w, jar}
}

func (b *browser) do(r *http.Request) *httptest.ResponseRecorder {
	for _, cookie := range b.jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	recorder := httptest.NewRecorder()
	b.w.bridge.ServeHTTP(recorder, r)
	b.jar.SetCookies(r.URL, recorder.Result().Cookies())
	return recorder
}

func (b *browser) get(address string) *httptest.ResponseRecorder {
	return b.do(httptest.NewRequest(http.MethodGet, address, nil))
}

// entraAsks is Entra's request: the attributes and the content are added to the document.
func entraAsks(now time.Time, attributes, content string) *http.Request {
	document := fmt.Sprintf(`<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_request" Version="2.0" `+
		`IssueInstant="%s"%s><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">urn:federation:MicrosoftOnline</Issuer>%s`+
		`</samlp:AuthnRequest>`, now.Format(time.RFC3339), attributes, content)
	form := url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(document))}}
	r := httptest.NewRequest(http.MethodPost, base+"/sso", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

const (
	fresh   = ` ForceAuthn="true"`
	passive = ` IsPassive="true"`
	mfa     = `<samlp:RequestedAuthnContext><AuthnContextClassRef xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` +
		saml.MultipleAuthn + `</AuthnContextClassRef></samlp:RequestedAuthnContext>`
)

// begin brings the browser from Entra's request to the provider, and returns what the provider is asked.
func (b *browser) begin(attributes, content string) url.Values {
	b.w.t.Helper()
	address := b.do(entraAsks(b.w.Now(), attributes, content)).Header().Get("Location")
	require.Contains(b.w.t, address, base+"/signin/")
	return b.leave(address)
}

func (b *browser) leave(address string) url.Values {
	b.w.t.Helper()
	left := b.get(address)
	require.Equal(b.w.t, http.StatusSeeOther, left.Code, b.w.log)
	target, err := url.Parse(left.Header().Get("Location"))
	require.NoError(b.w.t, err)
	require.Equal(b.w.t, issuer+"/authorize", target.Scheme+"://"+target.Host+target.Path)
	return target.Query()
}

// arrive brings the browser back with an answer.
func (b *browser) arrive(answer url.Values) *httptest.ResponseRecorder {
	b.w.t.Helper()
	led := b.get(base + "/callback?" + answer.Encode())
	require.Equal(b.w.t, http.StatusSeeOther, led.Code)
	return b.get(led.Header().Get("Location"))
}

// employee are the claims of somebody who signed in at the time.
func employee(at time.Time) map[string]any {
	return map[string]any{"sub": "104", "auth_time": at.Unix()}
}

// answered is the provider's answer to a request.
func (w *world) answered(request url.Values, claims map[string]any) url.Values {
	return url.Values{"state": {request.Get("state")}, "iss": {issuer}, "code": {w.provider.grant(request, claims)}}
}

// signIn is a whole sign-in.
func (w *world) signIn(attributes, content string, claims map[string]any) *httptest.ResponseRecorder {
	w.t.Helper()
	b := w.browser()
	return b.arrive(w.answered(b.begin(attributes, content), claims))
}

func (w *world) requireSignedIn(recorder *httptest.ResponseRecorder) {
	w.t.Helper()
	require.Equal(w.t, http.StatusOK, recorder.Code, w.log)
	require.NoError(w.t, w.err)
	require.Contains(w.t, recorder.Body.String(), "SAMLResponse")
	w.requireNothingSecret()
}

// requireRefused checks that nobody is signed in, that the log says why, and that the page does not.
func (w *world) requireRefused(recorder *httptest.ResponseRecorder, why string) {
	w.t.Helper()
	require.Nil(w.t, w.got)
	require.ErrorContains(w.t, w.err, why)
	require.GreaterOrEqual(w.t, recorder.Code, 400)
	require.NotContains(w.t, recorder.Body.String(), "SAMLResponse")
	require.NotContains(w.t, recorder.Body.String(), why)
	w.requireNothingSecret()
}

func (w *world) requireNothingSecret() {
	w.t.Helper()
	require.NotContains(w.t, w.log.String(), clientSecret)
	require.NotContains(w.t, w.log.String(), "eyJ", "a token")
}
