package adapters_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/saml"
)

// atBase is a world whose Bridge has another address.
func atBase(t *testing.T, address string) *world {
	t.Helper()
	return newWorld(t, func(c *adapters.Config) {
		idp, err := saml.New(saml.Config{
			SingleSignOnService: address + "/sso", Realms: []saml.Realm{{Domain: "contoso.com", Issuer: address}},
			Signer: testSigner(), Now: c.Now,
		})
		require.NoError(t, err)
		c.BaseURL, c.IdentityProvider = address, idp
	})
}

// proxy sends what browsers ask for on to the Bridge: without the beginning of the path, by HTTP, under a name of its own,
// with headers that a client may have written.
func proxy(cut string, bridge http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner := httptest.NewRequestWithContext(r.Context(), r.Method, strings.TrimPrefix(r.URL.RequestURI(), cut), r.Body)
		inner.Header = r.Header.Clone()
		inner.Host = "10.0.0.7:8080"
		for _, name := range []string{"X-Forwarded-Host", "X-Original-Host", "X-Forwarded-Server", "X-Host"} {
			inner.Header.Set(name, "evil.example.net")
		}
		inner.Header.Set("X-Forwarded-Proto", "http")
		inner.Header.Set("X-Forwarded-Prefix", "/elsewhere")
		inner.Header.Set("X-Original-Url", "https://evil.example.net/")
		inner.Header.Set("Forwarded", "host=evil.example.net;proto=http")
		bridge.ServeHTTP(w, inner)
	})
}

func TestTheBridgeWorksBehindAProxy(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct{ base, cut string }{
		"that leaves the path as it is":    {"https://id.contoso.com/gateway/entra", ""},
		"that cuts off all of the path":    {"https://id.contoso.com/gateway/entra", "/gateway/entra"},
		"that cuts off the gateway's part": {"https://id.contoso.com/gateway/entra", "/gateway"},
		"a path of three parts, one cut":   {"https://id.contoso.com/a/b/c", "/a"},
		"a path of three parts, two cut":   {"https://id.contoso.com/a/b/c", "/a/b"},
		"at the root":                      {"https://id.contoso.com", ""},
		"at an own port":                   {"https://id.contoso.com:8443/entra", "/entra"},
		"named like the sign-in, all cut":  {"https://id.contoso.com/gateway/signin", "/gateway/signin"},
		"named like the sign-in, one cut":  {"https://id.contoso.com/gateway/signin", "/gateway"},
		"named like the request, all cut":  {"https://id.contoso.com/sso/sso", "/sso/sso"},
		"named like the request, one cut":  {"https://id.contoso.com/sso/sso", "/sso"},
		"named twice the same, as it is":   {"https://id.contoso.com/entra/entra", ""},
		"named twice the same, one cut":    {"https://id.contoso.com/entra/entra", "/entra"},
		"named twice the same, all cut":    {"https://id.contoso.com/entra/entra", "/entra/entra"},
		"named like the sign-in, as it is": {"https://id.contoso.com/signin", ""},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := atBase(t, test.base)
			b := w.browser()
			b.handler = proxy(test.cut, w.bridge)
			asked := authnRequest("", "state", testTime)
			posted := post(test.base+"/sso", nil)
			posted.Body, posted.ContentLength = asked.Body, asked.ContentLength
			led := b.do(posted)
			require.Equal(t, http.StatusSeeOther, led.Code, led.Body.String())
			address := led.Header().Get("Location")
			require.True(t, strings.HasPrefix(address, test.base+"/signin/"), address)
			requireAnswered(t, b.get(address), "state")
			require.Equal(t, address, w.asks[0].ReturnTo)
			require.Equal(t, test.base+"/callback", w.asks[0].CallbackURL)

			missing := b.get(test.base + "/nothing")
			require.Equal(t, http.StatusNotFound, missing.Code)
			require.NotContains(t, missing.Body.String(), "evil.example.net")
			require.NotContains(t, missing.Body.String(), "10.0.0.7")
		})
	}
}
