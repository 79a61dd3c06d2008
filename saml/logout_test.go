package saml_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/xmldoc"
	"github.com/entrafed/entrafed/saml"
)

const sloURL = "https://id.contoso.com/entra/logout"

const logoutRequest = `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_l1" Version="2.0" ` +
	`IssueInstant="2026-01-02T03:04:00Z" Destination="https://id.contoso.com/entra/logout">` +
	`<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">urn:federation:MicrosoftOnline</Issuer>` +
	`<NameID xmlns="urn:oasis:names:tc:SAML:2.0:assertion" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">` +
	testID + `</NameID><samlp:SessionIndex>s1</samlp:SessionIndex></samlp:LogoutRequest>`

func withLogout(c *saml.Config) { c.SingleLogoutService = sloURL }

func logoutByQuery(document, relayState string) *http.Request {
	fields := url.Values{"SAMLRequest": {deflated(document)}}
	if relayState != "" {
		fields.Set("RelayState", relayState)
	}
	return httptest.NewRequest(http.MethodGet, sloURL+"?"+fields.Encode(), nil)
}

func TestReadLogoutAcceptsEveryForm(t *testing.T) {
	t.Parallel()
	get := func(raw string) *http.Request { return httptest.NewRequest(http.MethodGet, sloURL+raw, nil) }
	full := saml.LogoutRequest{ID: "_l1", ImmutableID: testID, SessionIndexes: []string{"s1"}, RelayState: "state"}
	signed := full
	signed.Signed = true
	post := postRequest(logoutRequest, "state")
	for form, test := range map[string]struct {
		request *http.Request
		want    saml.LogoutRequest
	}{
		"a LogoutRequest by Redirect":             {logoutByQuery(logoutRequest, "state"), full},
		"a LogoutRequest by POST":                 {post, full},
		"a signed LogoutRequest":                  {postRequest(entraSigner().sign(t, logoutRequest, "http://www.w3.org/2000/09/xmldsig#rsa-sha1"), "state"), signed},
		"a bare GET":                              {get(""), saml.LogoutRequest{}},
		"WS-Federation's sign-out":                {get("?wa=wsignout1.0"), saml.LogoutRequest{}},
		"WS-Federation's cleanup":                 {get("?wa=wsignoutcleanup1.0&wreply=https%3A%2F%2Fevil.example.net"), saml.LogoutRequest{}},
		"without NameID and sessions":             {logoutByQuery(cut(logoutRequest, "</Issuer>", "</samlp:LogoutRequest>"), ""), saml.LogoutRequest{ID: "_l1"}},
		"without a Destination":                   {logoutByQuery(strings.Replace(logoutRequest, `Destination="`+sloURL+`"`, "", 1), ""), saml.LogoutRequest{ID: "_l1", ImmutableID: testID, SessionIndexes: []string{"s1"}}},
		"with an end in the future":               {logoutByQuery(strings.Replace(logoutRequest, ` ID=`, ` NotOnOrAfter="2026-01-02T03:10:00Z" ID=`, 1), "state"), full},
		"unsigned where a sign-in must be signed": {logoutByQuery(logoutRequest, "state"), full},
	} {
		t.Run(form, func(t *testing.T) {
			got, err := newIdP(t, withLogout, requiring).ReadLogout(test.request)
			require.NoError(t, err)
			require.Equal(t, &test.want, got)
		})
	}
}

func TestReadLogoutRefuses(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		request *http.Request
		want    error
	}{
		"another action":                {httptest.NewRequest(http.MethodGet, sloURL+"?wa=wsignin1.0", nil), saml.ErrUnsupported},
		"two actions":                   {httptest.NewRequest(http.MethodGet, sloURL+"?wa=wsignout1.0&wa=x", nil), saml.ErrEncoding},
		"not base64":                    {httptest.NewRequest(http.MethodGet, sloURL+"?SAMLRequest=!", nil), saml.ErrEncoding},
		"an AuthnRequest":               {logoutByQuery(plainRequest, ""), saml.ErrNotRequest},
		"another sender":                {logoutByQuery(strings.Replace(logoutRequest, "urn:federation:MicrosoftOnline", "urn:x", 1), ""), saml.ErrIssuer},
		"another destination":           {logoutByQuery(strings.Replace(logoutRequest, sloURL, ssoURL, 1), ""), saml.ErrDestination},
		"of long ago":                   {logoutByQuery(strings.Replace(logoutRequest, "T03:04", "T01:04", 1), ""), saml.ErrExpired},
		"after its end":                 {logoutByQuery(strings.Replace(logoutRequest, ` ID=`, ` NotOnOrAfter="2026-01-02T02:50:00Z" ID=`, 1), ""), saml.ErrExpired},
		"an end that is no time":        {logoutByQuery(strings.Replace(logoutRequest, ` ID=`, ` NotOnOrAfter="soon" ID=`, 1), ""), saml.ErrNotRequest},
		"two names":                     {logoutByQuery(strings.Replace(logoutRequest, "<NameID", `<NameID xmlns="urn:oasis:names:tc:SAML:2.0:assertion">x</NameID><NameID`, 1), ""), saml.ErrNotRequest},
		"an element inside the name":    {logoutByQuery(strings.Replace(logoutRequest, testID, "victim<x>.evil</x>", 1), ""), saml.ErrNotRequest},
		"an element inside the session": {logoutByQuery(strings.Replace(logoutRequest, ">s1<", "><x/>s1<", 1), ""), saml.ErrNotRequest},
		"a large RelayState":            {postRequest(logoutRequest, strings.Repeat("x", saml.MaxRelayState+1)), saml.ErrTooLarge},
		"a signature that does not fit": {postRequest(strings.Replace(entraSigner().sign(t, logoutRequest, "http://www.w3.org/2000/09/xmldsig#rsa-sha1"), testID, "other", 1), ""), saml.ErrSignature},
	} {
		t.Run(rule, func(t *testing.T) {
			_, err := newIdP(t, withLogout, trusting).ReadLogout(test.request)
			var refused *saml.RequestError
			require.ErrorAs(t, err, &refused)
			require.ErrorIs(t, err, test.want)
		})
	}
}

func TestRespondLogout(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.SingleLogoutService = sloURL
	idp, err := saml.New(cfg)
	require.NoError(t, err)
	request, err := idp.ReadLogout(logoutByQuery(logoutRequest, "state"))
	require.NoError(t, err)
	response, err := idp.RespondLogout(request, "")
	require.NoError(t, err)

	root, err := xmldoc.Parse(response.XML)
	require.NoError(t, err)
	require.Equal(t, "LogoutResponse", root.Local)
	require.Equal(t, map[string]string{
		"ID": response.ID, "Version": "2.0", "IssueInstant": "2026-01-02T03:04:05.678Z", "Destination": loginSRF, "InResponseTo": "_l1",
	}, attrs(root))
	require.Equal(t, string(saml.StatusSuccess), attrs(only(t, root, "Status", "StatusCode"))["Value"])
	require.Equal(t, "state", response.RelayState)
	requireCanonical(t, response.XML)
	requireSchema(t, protocolSchema, response.XML)
	require.NoError(t, verifyRoot(response.XML, cfg.Signer.Certificate))

	recorder := httptest.NewRecorder()
	require.NoError(t, response.Post(recorder))
	encoded, found := field(recorder.Body.String(), "SAMLResponse")
	require.True(t, found)
	require.Equal(t, base64.StdEncoding.EncodeToString(response.XML), encoded)

	_, err = idp.RespondLogout(&saml.LogoutRequest{}, "")
	require.ErrorContains(t, err, "only a SAML LogoutRequest")
	_, err = idp.RespondLogout(request, "fabrikam.com")
	require.ErrorIs(t, err, saml.ErrRealm)
}

func TestMetadataNamesTheLogoutService(t *testing.T) {
	t.Parallel()
	document, err := newIdP(t, withLogout).Metadata("")
	require.NoError(t, err)
	require.Contains(t, string(document), `<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="`+sloURL+`">`)
	requireSchema(t, metadataSchema, document)

	document, err = newIdP(t).Metadata("")
	require.NoError(t, err)
	require.NotContains(t, string(document), "SingleLogoutService")
}

func TestSignOutURL(t *testing.T) {
	t.Parallel()
	require.Equal(t, "https://login.microsoftonline.com/common/wsfederation?wa=wsignout1.0", newIdP(t).SignOutURL())
}

func TestRespondStatus(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	idp, err := saml.New(cfg)
	require.NoError(t, err)
	request, err := idp.ReadRequest(postRequest(plainRequest, "state"))
	require.NoError(t, err)
	for _, status := range []saml.Status{
		{Code: saml.StatusRequester, Reason: saml.StatusNoAuthnContext},
		{Code: saml.StatusRequester, Reason: saml.StatusRequestDenied, Message: "the account <is> not allowed"},
		{Code: saml.StatusResponder, Reason: saml.StatusAuthnFailed},
		{Code: saml.StatusResponder, Reason: saml.StatusNoPassive},
		{Code: saml.StatusResponder},
	} {
		response, err := idp.RespondStatus(request, "contoso.com", status)
		require.NoError(t, err)
		root, err := xmldoc.Parse(response.XML)
		require.NoError(t, err)
		require.Equal(t, "Response", root.Local)
		require.Empty(t, root.All(nsAssertion, "Assertion"), "nobody is asserted")
		require.Equal(t, requestID, attrs(root)["InResponseTo"])
		code := only(t, root, "Status", "StatusCode")
		require.Equal(t, string(status.Code), attrs(code)["Value"])
		if status.Reason != "" {
			require.Equal(t, string(status.Reason), attrs(only(t, code, "StatusCode"))["Value"])
		}
		if status.Message != "" {
			require.Equal(t, status.Message, only(t, root, "Status", "StatusMessage").Text)
		}
		requireCanonical(t, response.XML)
		requireSchema(t, protocolSchema, response.XML)
		require.NoError(t, verifyRoot(response.XML, cfg.Signer.Certificate))
	}

	_, err = idp.RespondStatus(request, "", saml.Status{Code: saml.StatusSuccess})
	require.ErrorContains(t, err, "is not the status of a failure")
	_, err = idp.RespondStatus(nil, "", saml.Status{Code: saml.StatusResponder})
	require.ErrorContains(t, err, "needs the request")
	_, err = idp.RespondStatus(request, "fabrikam.com", saml.Status{Code: saml.StatusResponder})
	require.ErrorIs(t, err, saml.ErrRealm)
	_, err = idp.RespondStatus(request, "", saml.Status{Code: saml.StatusResponder, Message: "a\x00b"})
	require.Error(t, err, "what XML cannot carry is refused")
}

func TestReplays(t *testing.T) {
	t.Parallel()
	now := testTime
	clock := func() time.Time { return now }
	idp := newIdP(t, func(c *saml.Config) {
		c.Now = clock
		c.Replays = saml.NewMemoryReplayStore(clock)
	})
	_, err := idp.ReadRequest(postRequest(plainRequest, ""))
	require.NoError(t, err)
	_, err = idp.ReadRequest(postRequest(plainRequest, ""))
	require.ErrorIs(t, err, saml.ErrReplayed)
	_, err = idp.ReadRequest(postRequest(strings.Replace(plainRequest, requestID, "_another", 1), ""))
	require.NoError(t, err)
	now = testTime.Add(9 * time.Minute)
	_, err = idp.ReadRequest(postRequest(plainRequest, ""))
	require.ErrorIs(t, err, saml.ErrReplayed, "for as long as it would be accepted")
}

func TestTheMemoryOfReplaysIsBounded(t *testing.T) {
	t.Parallel()
	now := testTime
	store := saml.NewMemoryReplayStore(func() time.Time { return now })
	for i := range 200_000 {
		first, err := store.FirstUse(t.Context(), strconv.Itoa(i), testTime.Add(time.Minute))
		require.NoError(t, err)
		require.True(t, first)
	}
	_, err := store.FirstUse(t.Context(), "one more", testTime.Add(time.Minute))
	require.ErrorContains(t, err, "more requests than can be remembered")
	now = testTime.Add(2 * time.Minute)
	first, err := store.FirstUse(t.Context(), "one more", now.Add(time.Minute))
	require.NoError(t, err)
	require.True(t, first)
}
