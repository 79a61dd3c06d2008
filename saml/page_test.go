package saml_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/saml"
)

func postedPage(t *testing.T, idp *saml.IdentityProvider, relayState string) (*httptest.ResponseRecorder, *saml.Response) {
	t.Helper()
	response, err := idp.RespondUnsolicited(testSubject(), relayState)
	require.NoError(t, err)
	recorder := httptest.NewRecorder()
	require.NoError(t, response.Post(recorder))
	return recorder, response
}

func field(page, name string) (string, bool) {
	match := regexp.MustCompile(`<input type="hidden" name="` + name + `" value="([^"]*)" />`).FindStringSubmatch(page)
	if match == nil {
		return "", false
	}
	return html.UnescapeString(match[1]), true
}

func TestPostCarriesTheResponseAndTheRelayStateUnchanged(t *testing.T) {
	t.Parallel()
	for _, relayState := range []string{
		"estsredirect=2&estsrequest=abc+/=", `"><script>alert(1)</script>`, "é漢𝄞'", strings.Repeat("x", saml.MaxRelayState),
	} {
		recorder, response := postedPage(t, newIdP(t), relayState)
		got, found := field(recorder.Body.String(), "RelayState")
		require.True(t, found)
		require.Equal(t, relayState, got)
		encoded, found := field(recorder.Body.String(), "SAMLResponse")
		require.True(t, found)
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		require.NoError(t, err)
		require.Equal(t, string(response.XML), string(decoded))
		require.Equal(t, 1, strings.Count(recorder.Body.String(), "<script"), "one script, our own")
	}
}

func TestPostWithoutRelayStateSendsNone(t *testing.T) {
	t.Parallel()
	recorder, _ := postedPage(t, newIdP(t), "")
	_, found := field(recorder.Body.String(), "RelayState")
	require.False(t, found)
}

func TestPostPageWorksWithoutJavaScriptAndAllowsNothingElse(t *testing.T) {
	t.Parallel()
	recorder, _ := postedPage(t, newIdP(t), "x")
	page := recorder.Body.String()
	require.Contains(t, page, `<form method="post" action="`+loginSRF+`">`)
	require.Contains(t, page, `<button type="submit">Continue</button>`)
	require.Contains(t, page, `<html lang="en">`)

	header := recorder.Header()
	require.Equal(t, "text/html; charset=utf-8", header.Get("Content-Type"))
	require.Equal(t, "no-store", header.Get("Cache-Control"))
	require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
	require.Equal(t, "DENY", header.Get("X-Frame-Options"))
	policy := header.Get("Content-Security-Policy")
	for _, directive := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action https:"} {
		require.Contains(t, policy, directive)
	}
	require.NotContains(t, policy, "unsafe")
	require.NotContains(t, policy, "http:", "loopback is not allowed towards a real cloud")
	for _, tag := range []string{"style", "script"} {
		match := regexp.MustCompile(`(?s)<` + tag + `>(.*?)</` + tag + `>`).FindStringSubmatch(page)
		require.NotNil(t, match, tag)
		sum := sha256.Sum256([]byte(match[1]))
		require.Contains(t, policy, tag+"-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	require.NotRegexp(t, ` on[a-z]+=`, page, "no inline handlers")
	require.NotRegexp(t, ` style=`, page, "no inline style")
}

func TestPostPageOfASimulatedCloudMayReachLoopback(t *testing.T) {
	t.Parallel()
	idp := newIdP(t, func(c *saml.Config) {
		c.Cloud = entrafed.Global()
		c.Cloud.InsecureLoopback = true
		c.Cloud.AssertionConsumerService = "http://127.0.0.1:8080/login.srf"
	})
	recorder, _ := postedPage(t, idp, "")
	require.Contains(t, recorder.Header().Get("Content-Security-Policy"), "http://127.0.0.1:*")
	require.Contains(t, recorder.Body.String(), `action="http://127.0.0.1:8080/login.srf"`)
}
