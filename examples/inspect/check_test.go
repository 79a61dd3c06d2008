package main

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
)

const goodResponse = "21-accepted-the-user-exists"

// What the program prints, whole: testdata/golden.
func TestCheck(t *testing.T) {
	t.Parallel()
	request := func(t *testing.T) string { return keep(t, vectorNamed(t, goodResponse).asked()) }
	for _, tt := range []struct {
		name, vector string
		args         []string
		change       func(string) string
		code         int
	}{
		{name: "nothing_speaks_against_it", vector: goodResponse},
		{name: "accepted", vector: goodResponse, args: []string{"-domain", "contoso.com", "-user", "employee@contoso.com",
			"-immutable-id", "employee0001", "-request", "REQUEST"}},
		{name: "the_user_has_another_id", vector: goodResponse, code: command.ExitFailed,
			args: []string{"-domain", "contoso.com", "-user", "employee@contoso.com", "-immutable-id", "Employee0001"}},
		{name: "wrong_issuer_trailing_slash", vector: "10-refused-a-slash-too-many", code: command.ExitFailed},
		{name: "wrong_certificate", vector: "14-refused-an-unregistered-key", code: command.ExitFailed},
		{name: "expired", vector: goodResponse, args: []string{"-at", "2026-03-02T11:00:00Z"}, code: command.ExitFailed},
		{name: "clock_ahead", vector: goodResponse, args: []string{"-at", "2026-03-02T08:40:00Z"}, code: command.ExitFailed},
		{name: "a_document_type", vector: "05-refused-a-document-type", code: command.ExitFailed},
		{name: "lenient", vector: "16-warned-sha-1-lenient", args: []string{"-lenient"}},
		{name: "another_cloud", vector: goodResponse, code: command.ExitFailed,
			args: []string{"-acs", "https://login.partner.microsoftonline.cn/login.srf",
				"-audience", "urn:federation:partner.microsoftonline.cn"}},
		{name: "mfa", vector: goodResponse, args: []string{"-mfa", "accept"}, code: command.ExitFailed},
		{name: "a_form", vector: "03-accepted-relaystate-as-it-was-sent", args: []string{"-request", "REQUEST"}},
		{name: "a_logout_response", vector: "43-warned-a-logoutresponse-not-signed"},
		{name: "a_logout_response_for_another_request", vector: "43-accepted-a-logoutresponse-as-it-should-be", code: command.ExitFailed,
			args: []string{"-request", "OTHER"}},
		{name: "escape_sequences", vector: goodResponse, code: command.ExitFailed, change: func(s string) string {
			return strings.Replace(s, `Destination="`, "Destination=\"&#x9b;&#x202e;", 1)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for i, a := range tt.args {
				switch a {
				case "REQUEST":
					tt.args[i] = request(t)
				case "OTHER":
					tt.args[i] = keep(t, `<p:LogoutRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_other"/>`)
				}
			}
			body := vectorNamed(t, tt.vector).body
			if tt.change != nil {
				body = tt.change(body)
			}
			got := inspect(t, body, usual(append(tt.args, "-")...)...)
			require.Empty(t, got.Stderr)
			require.Equal(t, tt.code, got.Code)
			require.NotContains(t, got.Stdout, "\x1b")
			golden(t, got.Stdout)
		})
	}
}

func TestCheckAsJSON(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"refused": usual("-json", "-mfa", "enforce", "-"),
		"accepted": usual("-json", "-domain", "contoso.com", "-user", "employee@contoso.com",
			"-immutable-id", "employee0001", "-"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := inspect(t, vectorNamed(t, goodResponse).body, args...)
			require.Empty(t, got.Stderr)
			require.True(t, json.Valid([]byte(got.Stdout)))
			golden(t, got.Stdout)
		})
	}
}

// A response is read in every form in which people have it.
func TestTheFormsOfAResponse(t *testing.T) {
	t.Parallel()
	xml := vectorNamed(t, goodResponse).body
	field := base64.StdEncoding.EncodeToString([]byte(xml))
	for name, text := range map[string]string{
		"XML":                    xml,
		"XML after a mark":       "\ufeff" + xml + "\r\n",
		"base64":                 field,
		"base64 in lines":        field[:64] + "\n" + field[64:] + "\n",
		"base64 as a URL has it": url.QueryEscape(field),
		"a form":                 "SAMLResponse=" + url.QueryEscape(field) + "&RelayState=x\n",
		"HTTP":                   httpPost("HTTP/1.1", "SAMLResponse="+url.QueryEscape(field)),
		"HTTP without a length":  httpPost("HTTP/2", "SAMLResponse="+url.QueryEscape(field)),
		"HTTP with carriage returns": strings.ReplaceAll(
			httpPost("HTTP/1.1", "SAMLResponse="+url.QueryEscape(field)), "\n", "\r\n"),
	} {
		got := inspect(t, text, usual("-")...)
		require.Empty(t, got.Stderr, name)
		require.Equal(t, command.ExitOK, got.Code, name+"\n"+got.Stdout)
		file := inspect(t, "", usual(keep(t, text))...)
		require.Equal(t, got, file, name)
	}
}

func httpPost(version, body string) string {
	return "POST /login.srf " + version + "\nHost: login.microsoftonline.com\n" +
		"Content-Type: application/x-www-form-urlencoded\n\n" + body
}

// What is no response is refused as Entra would refuse it.
func TestWhatIsNoResponse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, code string }{
		"not base64":              {"hello, world!", "AADSTS75005"},
		"not XML":                 {encode("hello"), "AADSTS90107"},
		"a document type":         {`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, "AADSTS50008"},
		"another document":        {"<a/>", "AADSTS7500514"},
		"a request":               {vectorNamed(t, "41-accepted-as-entra-sends-it").asked(), "AADSTS7500514"},
		"larger than Entra reads": {"<a>" + strings.Repeat("b", 300_000) + "</a>", "AADSTS50008"},
		"a GET": {"GET /login.srf?SAMLResponse=x HTTP/1.1\nHost: login.microsoftonline.com\n",
			"AADSTS900144"},
	} {
		got := inspect(t, tt.text, usual("-json", "-")...)
		if name == "a request" { // a form without a SAMLResponse is no base64 either
			tt.code = "AADSTS75005"
		}
		require.Equal(t, command.ExitFailed, got.Code, name)
		require.Contains(t, got.Stdout, `"code": "`+tt.code+`"`, name)
	}
}

func TestColours(t *testing.T) {
	t.Parallel()
	body := vectorNamed(t, goodResponse).body
	for name, tt := range map[string]struct {
		terminal bool
		environ  []string
		coloured bool
	}{
		"on a terminal":      {true, []string{"TERM=xterm", "NO_COLOR="}, true},
		"not on a terminal":  {false, nil, false},
		"where NO_COLOR is":  {true, []string{"NO_COLOR=1"}, false},
		"on a dumb terminal": {true, []string{"TERM=dumb"}, false},
		"NO_COLOR elsewhere": {true, []string{"MY_NO_COLOR=1"}, true},
	} {
		p := reading(body)
		p.OutTerminal, p.Environ = tt.terminal, tt.environ
		got := p.command(usual("-")...)
		require.Equal(t, tt.coloured, strings.Contains(got.Stdout, "\x1b[32m"), name)
	}
	p := reading(body)
	p.OutTerminal = true
	got := p.command(usual("-json", "-")...)
	require.NotContains(t, got.Stdout, "\x1b", "never in JSON")
}

func TestABrokenPipe(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{usual("-"), usual("-json", "-")} {
		var stderr strings.Builder
		p := reading(vectorNamed(t, goodResponse).body)
		p.Args, p.Stdout, p.Stderr = args, brokenPipe{}, &stderr
		code := run(p)
		require.Equal(t, command.ExitUsage, code)
		require.Contains(t, stderr.String(), "broken pipe")
	}
}
