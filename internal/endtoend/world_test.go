package endtoend_test

import (
	"crypto/x509"
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/saml"
)

const base = "https://id.contoso.com/entra"

var testTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var testSigner = sync.OnceValue(func() saml.Signer {
	key := certtest.RSA(2048)
	return saml.Signer{
		Key: key, Certificate: certtest.SelfSigned(key, "test", testTime.AddDate(-1, 0, 0), testTime.AddDate(1, 0, 0)),
	}
})

// federated is the domain whose sign-in the Bridge is.
func federated() []entratest.Domain {
	return []entratest.Domain{{Name: "contoso.com", Federation: &entratest.Federation{
		Issuer: base, SignInURL: base + "/sso", Certificates: []*x509.Certificate{testSigner().Certificate},
	}}}
}

// newIdentityProvider answers for that domain by a clock; nil is the real one.
func newIdentityProvider(t *testing.T, now func() time.Time) *saml.IdentityProvider {
	t.Helper()
	idp, err := saml.New(saml.Config{
		SingleSignOnService: base + "/sso", Signer: testSigner(), Now: now,
		Realms: []saml.Realm{{Domain: "contoso.com", Issuer: base}},
	})
	require.NoError(t, err)
	return idp
}

// browser is one browser's cookies in front of one process, which a test may exchange for another.
type browser struct {
	handler http.Handler
	jar     http.CookieJar
}

func newBrowser(t *testing.T, handler http.Handler) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{handler, jar}
}

func (b *browser) get(address string) *httptest.ResponseRecorder {
	return b.do(httptest.NewRequest(http.MethodGet, address, nil))
}

func (b *browser) post(address string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

func (b *browser) do(r *http.Request) *httptest.ResponseRecorder {
	for _, c := range b.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	recorder := httptest.NewRecorder()
	b.handler.ServeHTTP(recorder, r)
	b.jar.SetCookies(r.URL, recorder.Result().Cookies())
	return recorder
}

func formField(page, name string) string {
	match := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page)
	if match == nil {
		return ""
	}
	return html.UnescapeString(match[1])
}
