package entratest_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

func encode(xml string) string { return base64.StdEncoding.EncodeToString([]byte(xml)) }

// Rule 41: the request, byte for byte.
func TestTheAuthnRequestIsMinimal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, err := w.NewAuthnRequest("employee@contoso.com")
	require.NoError(t, err)
	require.Equal(t, "https://id.contoso.com/sso", r.URL)
	raw, err := base64.StdEncoding.DecodeString(r.SAMLRequest)
	require.NoError(t, err)
	require.Regexp(t, `^_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, r.ID)
	require.Equal(t, `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="`+r.ID+
		`" Version="2.0" IssueInstant="2026-03-02T09:00:00.000Z">`+
		`<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">urn:federation:MicrosoftOnline</Issuer>`+
		`<samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"/></samlp:AuthnRequest>`, string(raw))

	require.True(t, strings.HasPrefix(r.RelayState, "estsredirect=2&estsrequest="))
	require.Greater(t, len(r.RelayState), 1024)
	for _, awkward := range []string{"+", "/", "="} {
		require.Contains(t, strings.TrimPrefix(r.RelayState, "estsredirect=2&estsrequest="), awkward)
	}
	other, err := w.NewAuthnRequest("contoso.com")
	require.NoError(t, err)
	require.NotEqual(t, r.ID, other.ID)
	require.NotEqual(t, r.RelayState, other.RelayState)
}

func TestTheOtherFormsOfARequest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		options entratest.RequestOptions
		has     string
		address string
	}{
		{"2016", entratest.RequestOptions{AssertionConsumerServiceIndex: true}, ` AssertionConsumerServiceIndex="0"`, ""},
		{"Destination", entratest.RequestOptions{Destination: true}, ` Destination="https://id.contoso.com/sso"`, ""},
		{"ForceAuthn", entratest.RequestOptions{ForceAuthn: true}, ` ForceAuthn="true"`, ""},
		{"AuthnContexts", entratest.RequestOptions{AuthnContexts: []string{mfaRef, "a&b"}},
			`<samlp:RequestedAuthnContext><AuthnContextClassRef xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` + mfaRef +
				`</AuthnContextClassRef><AuthnContextClassRef xmlns="urn:oasis:names:tc:SAML:2.0:assertion">a&amp;b<`, ""},
		{"UserNameHint", entratest.RequestOptions{UserNameHint: true}, "",
			"https://id.contoso.com/sso?login_hint=employee%40contoso.com&username=employee%40contoso.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			require.NoError(t, w.SetRequestOptions(tt.options))
			r, err := w.NewAuthnRequest("employee@contoso.com")
			require.NoError(t, err)
			raw, err := base64.StdEncoding.DecodeString(r.SAMLRequest)
			require.NoError(t, err)
			require.Contains(t, string(raw), tt.has)
			if tt.address != "" {
				require.Equal(t, tt.address, r.URL)
			}
			require.NoError(t, w.check(t, newDraft(r, w.clock.Now())).Err(), "every form can be answered")
		})
	}
}

func TestRequestsForFederatedDomainsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"managed.example.net", "example.org", "", "contoso.onmicrosoft.com"} {
		_, err := w.NewAuthnRequest(name)
		require.ErrorIs(t, err, entratest.ErrNotFederated, "%q", name)
	}
	withFederation(func(f *entratest.Federation) { f.Protocol = entratest.WSFed })(t, w)
	_, err := w.NewAuthnRequest("contoso.com")
	require.ErrorIs(t, err, entratest.ErrNotFederated)
	_, err = w.NewAuthnRequest("hr.contoso.com")
	require.ErrorIs(t, err, entratest.ErrNotFederated, "a child domain does as its root")
}

// Rule 42: the request to a domain that speaks WS-Federation.
func TestTheWSFederationRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withFederation(func(f *entratest.Federation) {
		f.Protocol, f.SignInURL = entratest.WSFed, "https://id.contoso.com/wsfed?tenant=1"
	})(t, w)
	for hint, username := range map[string]string{"": "username=&", "employee@contoso.com": "username=employee%40contoso.com&"} {
		res, err := w.Transport().RoundTrip(newGet(t, smartLink("whr", "contoso.com", "login_hint", hint, "prompt", "login")))
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusFound, res.StatusCode)
		location := res.Header.Get("Location")
		require.True(t, strings.HasPrefix(location, "https://id.contoso.com/wsfed?tenant=1&login_hint="), location)
		require.Contains(t, location, username)
		require.Contains(t, location, "wa=wsignin1.0&wtrealm=urn%3afederation%3aMicrosoftOnline&wctx=estsredirect%3d2%26estsrequest%3d")
		require.True(t, strings.HasSuffix(location, "&cbcxt=&mkt=&lc=&popupui=&wfresh=0"), location)
		require.NotRegexp(t, regexp.MustCompile(`%[0-9A-F]?[A-F]`), location)
		q, err := url.Parse(location)
		require.NoError(t, err)
		require.Greater(t, len(q.Query().Get("wctx")), 1024)
	}
}

func TestRequestRules(t *testing.T) {
	t.Parallel()
	var numbers []int
	for _, r := range entratest.RequestRules() {
		numbers = append(numbers, r.Number)
		require.NotEmpty(t, r.Title)
		require.NotEmpty(t, r.Remedy)
	}
	require.Equal(t, []int{41, 42, 43}, numbers)
}
