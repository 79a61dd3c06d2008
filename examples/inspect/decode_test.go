package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/federation/entratest"
)

// What -decode prints, whole: testdata/golden.
func TestDecode(t *testing.T) {
	t.Parallel()
	const login = "https://login.microsoftonline.com/login.srf?wa=wsignin1.0"
	for _, tt := range []struct {
		name, address, vector, text string
		args                        []string
		code                        int
	}{
		{name: "an_AuthnRequest", vector: "41-accepted-as-entra-sends-it"},
		{name: "a_signed_AuthnRequest", vector: "41-accepted-signed-as-microsoft-documents-it",
			args: []string{"-cert", certificate("entra")}},
		{name: "signed_by_a_stranger", vector: "41-accepted-signed-with-sha-256", args: []string{"-cert", certificate("rogue")},
			code: command.ExitFailed},
		{name: "an_address_to_answer_to", vector: "41-refused-an-address-to-answer-to", code: command.ExitFailed},
		{name: "another_audience", vector: "41-accepted-as-entra-sends-it", code: command.ExitFailed,
			args: []string{"-audience", "urn:federation:partner.microsoftonline.cn"}},
		{name: "a_LogoutRequest", vector: "43-accepted-a-logoutrequest-the-query-signed"},
		{name: "WS-Federation", vector: "42-accepted-a-username"},
		{name: "upper_case", vector: "42-refused-escapes-in-upper-case", code: command.ExitFailed},
		{name: "upper_case_lenient", vector: "42-refused-escapes-in-upper-case", args: []string{"-lenient"}},
		{name: "a_sign-out", address: "https://id.contoso.com/logout?wa=wsignout1.0"},
		{name: "an_address", address: "https://id.contoso.com/logout"},
		{name: "a_Response", vector: goodResponse},
		{name: "a_smart_link", address: login + "&whr=contoso.com&wreply=https%3A%2F%2Fcontoso.sharepoint.com%2Fsites%2Fhr" +
			"&login_hint=contoso.com"},
		{name: "a_link_of_the_old_portal", address: login + "&rpsnv=4&rver=6.7.6640.0&wp=MCMBI" +
			"&wreply=https%3a%2f%2fportal.office.com%2f&whr=contoso.com"},
		{name: "a_link_of_AD_FS", address: "https://sts.contoso.com/adfs/ls/?wa=wsignin1.0" +
			"&wtrealm=urn:federation:MicrosoftOnline&wctx=bk%253D1700000000%2526LoginOptions%253D3"},
		{name: "a_link_that_leads_elsewhere", code: command.ExitFailed,
			address: login + "&whr=contoso.com&wreply=https%3A%2F%2Fexample.org"},
		{name: "nothing_known", text: "hello, world!", code: command.ExitFailed},
		{name: "base64_of_something_else", text: "aGVsbG8=", code: command.ExitFailed},
		{name: "another_document", text: "<html>\x1b[31m</html>", code: command.ExitFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			stdin := tt.text
			if tt.vector != "" {
				stdin = vectorNamed(t, tt.vector).body
			}
			from := tt.address
			if from == "" {
				from = "-"
			}
			got := inspect(t, stdin, append(tt.args, "-decode", from)...)
			require.Empty(t, got.Stderr)
			require.Equal(t, tt.code, got.Code, got.Stdout)
			require.NotContains(t, got.Stdout, "\x1b")
			golden(t, got.Stdout)
		})
	}
}

func TestDecodeAsJSON(t *testing.T) {
	t.Parallel()
	for name, from := range map[string]string{
		"AuthnRequest": keep(t, vectorNamed(t, "41-accepted-signed-as-microsoft-documents-it").body),
		"smart_link":   "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com",
		"unknown":      keep(t, "?"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := inspect(t, "", "-json", "-decode", from)
			require.Empty(t, got.Stderr)
			require.True(t, json.Valid([]byte(got.Stdout)))
			golden(t, got.Stdout)
		})
	}
}

// A request is read in every form in which people have it, also for -request.
func TestTheFormsOfARequest(t *testing.T) {
	t.Parallel()
	posted, err := fromHTTP(vectorNamed(t, "41-accepted-as-entra-sends-it").body)
	require.NoError(t, err)
	redirected, err := fromHTTP(vectorNamed(t, "41-refused-by-get").body)
	require.NoError(t, err)
	form := posted.request.PostForm
	query := redirected.request.URL.Query()
	for name, tt := range map[string]struct {
		text   string
		sentBy string // empty: not known
	}{
		"XML":                  {string(posted.document), ""},
		"base64":               {form.Get("SAMLRequest"), ""},
		"base64, deflated":     {query.Get("SAMLRequest"), ""},
		"base64, escaped":      {url.QueryEscape(query.Get("SAMLRequest")), ""},
		"a form":               {form.Encode(), "POST"},
		"a query":              {query.Encode(), "GET"},
		"an address in a file": {"https://id.contoso.com/sso?" + query.Encode() + "\n", "GET"},
		"HTTP":                 {vectorNamed(t, "41-accepted-as-entra-sends-it").body, "POST"},
	} {
		d, err := takeApart(strings.TrimSpace(tt.text))
		require.NoError(t, err, name)
		require.Equal(t, "AuthnRequest", d.message.Kind, name)
		require.NotEmpty(t, d.message.ID, name)
		r := d.report(entratest.Expectation{})
		require.Equal(t, tt.sentBy, r.SentBy, name)
		require.Equal(t, tt.sentBy == "GET", r.Outcome == outcomeRefused, name+": by GET is not how Entra asks")

		got := inspect(t, vectorNamed(t, goodResponse).body, usual("-request", keep(t, tt.text), "-")...)
		require.Equal(t, command.ExitFailed, got.Code, "it answers another request")
		require.Contains(t, got.Stdout, d.message.ID, name)
	}
}

func fromHTTP(text string) (decoded, error) { return takeApart(strings.TrimSpace(text)) }

func TestWhatCannotBeTakenApart(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"?", "a=b", "SAMLRequest=!", "SAMLRequest=aGVsbG8%3D", "POST / HTTP/1.1\nHost\n", "https://%zz",
		"https://id.contoso.com/?a=%zz",
		"<a/>", "<", encode("<a/>"), "aGVsbG8=",
	} {
		_, err := takeApart(text)
		require.Error(t, err, text)
	}
}

// FuzzInspect reads anything as a response and as a request. Nothing panics, nothing steers the terminal, and what is
// printed as JSON is JSON.
func FuzzInspect(f *testing.F) {
	for _, name := range []string{
		goodResponse, "41-refused-by-get", "42-accepted-a-username", "43-accepted-a-logoutresponse-as-it-should-be",
		"02-refused-not-utf-8",
	} {
		f.Add(vectorNamed(f, name).body)
	}
	f.Add("https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com")
	f.Add("SAMLRequest=a&RelayState=b")
	f.Add("GET /?wa=wsignin1.0 HTTP/1.1\nHost: a\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, args := range [][]string{usual("-"), {"-decode", "-"}} {
			got := inspect(t, text, args...)
			require.NotContains(t, got.Stdout+got.Stderr, "\x1b")
			asJSON := inspect(t, text, append([]string{"-json"}, args...)...)
			require.Equal(t, got.Code, asJSON.Code)
			require.True(t, got.Code == command.ExitUsage || json.Valid([]byte(asJSON.Stdout)))
		}
	})
}
