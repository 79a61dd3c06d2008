package smartlink_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/smartlink"
)

const base = "https://id.contoso.com/go"

// get is a request as a server receives it, with the query as it was on the wire.
func get(query string) *http.Request {
	return &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/go", RawQuery: query}, Header: http.Header{}}
}

func TestStartLinks(t *testing.T) {
	t.Parallel()
	loopback := entrafed.Global()
	loopback.InsecureLoopback = true
	for _, test := range []struct {
		name   string
		policy smartlink.Policy
		start  smartlink.Start
		url    string
	}{
		{"base alone", smartlink.Policy{}, smartlink.Start{Base: base}, base},
		{"target", smartlink.Policy{}, smartlink.Start{Base: base, Target: "https://contoso.sharepoint.com/a b?c=d+e&f#g"},
			base + "?to=https%3A%2F%2Fcontoso.sharepoint.com%2Fa%20b%3Fc%3Dd%2Be%26f%23g"},
		{"target and login hint", smartlink.Policy{}, smartlink.Start{Base: base, Target: "https://contoso.sharepoint.com",
			LoginHint: "a+b@contoso.com"},
			base + "?to=https%3A%2F%2Fcontoso.sharepoint.com&login_hint=a%2Bb%40contoso.com"},
		{"login hint", smartlink.Policy{}, smartlink.Start{Base: base, LoginHint: "contoso.com"},
			base + "?login_hint=contoso.com"},
		{"base on a port", smartlink.Policy{}, smartlink.Start{Base: "https://id.contoso.com:8443"},
			"https://id.contoso.com:8443"},
		{"base on loopback", smartlink.Policy{Cloud: loopback},
			smartlink.Start{Base: "http://localhost:8080/go", Target: "http://127.0.0.1:8081/"},
			"http://localhost:8080/go?to=http%3A%2F%2F127.0.0.1%3A8081%2F"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			built, err := test.policy.BuildStart(test.start)
			require.NoError(t, err)
			require.Equal(t, test.url, built)
			parsed, err := test.policy.ParseStart(built)
			require.NoError(t, err)
			require.Equal(t, test.start, parsed)

			_, query, _ := strings.Cut(built, "?")
			received, err := test.policy.ReadStart(get(query))
			require.NoError(t, err)
			require.Equal(t, smartlink.Start{Target: test.start.Target, LoginHint: test.start.LoginHint}, received)
		})
	}
}

func TestStartURLIsBuildStartOfTheZeroPolicy(t *testing.T) {
	t.Parallel()
	got, err := smartlink.Start{Base: base, Target: "https://contoso.sharepoint.com"}.URL()
	require.NoError(t, err)
	require.Equal(t, base+"?to=https%3A%2F%2Fcontoso.sharepoint.com", got)
}

func TestRefusedStarts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rule  string
		start smartlink.Start
		want  error
	}{
		{"no base", smartlink.Start{}, smartlink.ErrBase},
		{"base that is a path", smartlink.Start{Base: "/go"}, smartlink.ErrBase},
		{"base over http", smartlink.Start{Base: "http://id.contoso.com/go"}, smartlink.ErrBase},
		{"base with credentials", smartlink.Start{Base: "https://a@id.contoso.com/go"}, smartlink.ErrBase},
		{"base with a query", smartlink.Start{Base: base + "?a=b"}, smartlink.ErrBase},
		{"base with an empty query", smartlink.Start{Base: base + "?"}, smartlink.ErrBase},
		{"base with a fragment", smartlink.Start{Base: base + "#a"}, smartlink.ErrBase},
		{"base on port 0", smartlink.Start{Base: "https://id.contoso.com:0/go"}, smartlink.ErrBase},
		{"base of 2049 bytes", smartlink.Start{Base: base + strings.Repeat("a", 2049-len(base))}, smartlink.ErrTooLong},
		{"target elsewhere", smartlink.Start{Base: base, Target: "https://evil.example"}, smartlink.ErrTargetHost},
		{"login hint with a newline", smartlink.Start{Base: base, LoginHint: "a\nb"}, smartlink.ErrLoginHint},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			built, err := test.start.URL()
			require.ErrorIs(t, err, test.want)
			require.Empty(t, built)
		})
	}
}

func TestRefusedStartLinks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rule, query string
		want        error
	}{
		{"two to", "to=https://contoso.sharepoint.com&to=https://evil.example", smartlink.ErrRepeated},
		{"two login_hint", "login_hint=a&login_hint=b", smartlink.ErrRepeated},
		{"target elsewhere", "to=https%3A%2F%2Fevil.example", smartlink.ErrTargetHost},
		{"target whose query was not encoded", "to=https://contoso.sharepoint.com/?a=1&b=2", smartlink.ErrEncoding},
		{"bad escape", "to=%zz", smartlink.ErrEncoding},
		{"bad escape in the login hint", "login_hint=%", smartlink.ErrEncoding},
		{"login hint with a newline", "login_hint=%0a", smartlink.ErrLoginHint},
		{"longer than 16384 bytes", "a=" + strings.Repeat("b", 16384), smartlink.ErrTooLong},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			got, err := smartlink.Policy{}.ParseStart(base + "?" + test.query)
			require.ErrorIs(t, err, test.want)
			require.Equal(t, smartlink.Start{}, got)
			got, err = smartlink.Policy{}.ReadStart(get(test.query))
			require.ErrorIs(t, err, test.want)
			require.Equal(t, smartlink.Start{}, got)
		})
	}
}

func TestParseStartRefusesFragments(t *testing.T) {
	t.Parallel()
	_, err := smartlink.Policy{}.ParseStart(base + "?to=https://contoso.sharepoint.com#a")
	require.ErrorIs(t, err, smartlink.ErrEncoding)
}

func TestParametersOfMailersArePassedOver(t *testing.T) {
	t.Parallel()
	const query = "utm_source=mail&to=https%3A%2F%2Fcontoso.sharepoint.com%2F%3Fa&mc_cid=1"
	got, err := smartlink.Policy{}.ParseStart(base + "?" + query)
	require.NoError(t, err)
	require.Equal(t, smartlink.Start{Base: base, Target: "https://contoso.sharepoint.com/?a"}, got)
}
