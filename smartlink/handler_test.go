package smartlink_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/smartlink"
)

const defaultTarget = "https://contoso.sharepoint.com/sites/home"

func newHandler(t testing.TB, config smartlink.HandlerConfig) http.Handler {
	t.Helper()
	h, err := smartlink.NewHandler(config)
	require.NoError(t, err)
	return h
}

func contoso() smartlink.HandlerConfig {
	return smartlink.HandlerConfig{Domain: "contoso.com", DefaultTarget: defaultTarget}
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// escaped is a value as a correct link carries it.
func escaped(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }

func TestHandlerRedirects(t *testing.T) {
	t.Parallel()
	withHint := contoso()
	withHint.LoginHint = "contoso.com"
	withoutTarget := contoso()
	withoutTarget.DefaultTarget = ""
	const login = "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com"

	for _, test := range []struct {
		rule   string
		config smartlink.HandlerConfig
		query  string
		want   string
	}{
		{"to the target", contoso(), "to=" + escaped("https://contoso.sharepoint.com/sites/hr?a=1&b=2#c"),
			login + "&wreply=" + escaped("https://contoso.sharepoint.com/sites/hr?a=1&b=2#c")},
		{"a target without encoding", contoso(), "to=https://contoso.sharepoint.com/sites/hr",
			login + "&wreply=" + escaped("https://contoso.sharepoint.com/sites/hr")},
		{"to the default target", contoso(), "", login + "&wreply=" + escaped(defaultTarget)},
		{"to the default target if to is empty", contoso(), "to=", login + "&wreply=" + escaped(defaultTarget)},
		{"to where Entra chooses", withoutTarget, "", login},
		{"with the login hint", contoso(), "login_hint=person%40contoso.com",
			login + "&wreply=" + escaped(defaultTarget) + "&login_hint=person%40contoso.com"},
		{"with the configured login hint", withHint, "",
			login + "&wreply=" + escaped(defaultTarget) + "&login_hint=contoso.com"},
		{"with the request's login hint first", withHint, "login_hint=person%40contoso.com",
			login + "&wreply=" + escaped(defaultTarget) + "&login_hint=person%40contoso.com"},
		{"passing over other parameters", contoso(), "utm_source=mail&whr=evil.example&wreply=https%3A%2F%2Fevil.example",
			login + "&wreply=" + escaped(defaultTarget)},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			h := newHandler(t, test.config)
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				w := serve(h, httptest.NewRequest(method, "/go?"+test.query, nil))
				require.Equal(t, http.StatusFound, w.Code)
				require.Equal(t, test.want, w.Header().Get("Location"))
				require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
				require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
				require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
				require.Empty(t, w.Body.String())
			}
		})
	}
}

// TestOpenRedirects sends every refused target, as it stands and escaped once and twice.
func TestOpenRedirects(t *testing.T) {
	t.Parallel()
	h := newHandler(t, contoso())
	for _, test := range refusedTargets {
		if test.target == "" {
			continue // no target at all leads to the default one
		}
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			for _, query := range []string{
				"to=" + test.target,
				"to=" + url.QueryEscape(test.target),
				"to=" + escaped(test.target),
				"to=" + url.QueryEscape(url.QueryEscape(test.target)),
				"to=" + url.QueryEscape(defaultTarget) + "&to=" + url.QueryEscape(test.target),
				"to=" + url.QueryEscape(test.target) + "&TO=" + url.QueryEscape(defaultTarget),
			} {
				w := serve(h, get(query))
				if w.Code == http.StatusFound {
					requireSafeLocation(t, w, test.target)
					continue
				}
				requireRefused(t, w)
			}
			requireRefused(t, serve(h, get("to="+url.QueryEscape(test.target))))
		})
	}
}

// requireSafeLocation allows a redirect only for what an unescaped query made of a hostile target: a part of it that is
// a good target on its own.
func requireSafeLocation(t *testing.T, w *httptest.ResponseRecorder, hostile string) {
	t.Helper()
	link, err := smartlink.Policy{}.Parse(w.Header().Get("Location"))
	require.NoError(t, err)
	require.Equal(t, smartlink.LoginSRF, link.Form)
	require.NotEqual(t, hostile, link.Target)
	u, err := smartlink.Policy{}.CheckTarget(link.Target)
	require.NoError(t, err)
	require.Equal(t, strings.ToLower(u.Host), browserHost(link.Target))
}

func requireRefused(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Empty(t, w.Header().Get("Location"))
	require.Empty(t, w.Header().Get("Refresh"))
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
	body := w.Body.String()
	links := regexp.MustCompile(`(?i)(?:href|src|action)\s*=\s*"([^"]*)"`).FindAllStringSubmatch(body, -1)
	require.Len(t, links, 1, "one action")
	require.Equal(t, "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com&wreply="+
		escaped(defaultTarget), html.UnescapeString(links[0][1]))
	require.NotContains(t, strings.ToLower(body), "<script")
	require.NotContains(t, strings.ToLower(body), "http-equiv")
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	h := newHandler(t, contoso())
	for _, test := range []struct{ rule, query string }{
		{"target whose query was not encoded", "to=https://contoso.sharepoint.com/?a=1&b=2"},
		{"bad escape", "to=%zz"},
		{"login hint with a newline", "login_hint=a%0d%0aSet-Cookie:b=c"},
		{"login hint that is too long", "login_hint=" + strings.Repeat("a", 1025)},
		{"two login hints", "login_hint=a&login_hint=b"},
		{"query that is too long", "a=" + strings.Repeat("b", 16384)},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			requireRefused(t, serve(h, get(test.query)))
		})
	}
}

func TestOtherMethods(t *testing.T) {
	t.Parallel()
	h := newHandler(t, contoso())
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodTrace, http.MethodConnect, "PROPFIND"} {
		w := serve(h, &http.Request{Method: method, URL: &url.URL{Path: "/go"}})
		require.Equal(t, http.StatusMethodNotAllowed, w.Code, method)
		require.Equal(t, "GET, HEAD", w.Header().Get("Allow"), method)
		require.Empty(t, w.Header().Get("Location"), method)
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"), method)
	}
}

func TestHeadOfARefusedLinkHasNoBody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newHandler(t, contoso()))
	defer server.Close()
	response, err := http.Head(server.URL + "/go?to=https%3A%2F%2Fevil.example")
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
	require.Positive(t, response.ContentLength)
}

func TestPageShowsTheHostAsTextOnly(t *testing.T) {
	t.Parallel()
	h := newHandler(t, contoso())
	for _, test := range []struct{ rule, target, host string }{
		{"plain host", "https://Evil.example/path?a=b", "evil.example"},
		{"host with a port", "https://evil.example:8443/", "evil.example"},
		{"host that looks like markup", "https://evil.example<b>/", ""},
		{"host with credentials", "https://contoso.sharepoint.com@evil.example", ""},
		{"host that is not ASCII", "https://contoso.shаrepoint.com", ""},
		{"no URL", "javascript:alert(1)", ""},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			body := serve(h, get("to="+url.QueryEscape(test.target))).Body.String()
			if test.host == "" {
				require.NotContains(t, body, "It leads to:")
				require.NotContains(t, body, "evil")
				require.NotContains(t, body, "alert")
				return
			}
			require.Contains(t, body, `<p>It leads to: <strong dir="ltr">`+test.host+`</strong></p>`)
			require.Equal(t, 1, strings.Count(strings.ToLower(body), "evil.example"))
			require.NotContains(t, body, "path")
		})
	}
}

func TestPagePolicyMatchesItsStyle(t *testing.T) {
	t.Parallel()
	w := serve(newHandler(t, contoso()), get("to=x"))
	styles := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(w.Body.String(), -1)
	require.Len(t, styles, 1)
	sum := sha256.Sum256([]byte(styles[0][1]))
	require.Equal(t, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", w.Header().Get("Content-Security-Policy"))
	require.NotContains(t, w.Body.String(), "style=", "an inline style would be blocked")
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	require.Equal(t, "DENY", w.Header().Get("X-Frame-Options"))
}

func TestPageIsForPeople(t *testing.T) {
	t.Parallel()
	body := serve(newHandler(t, contoso()), get("to=%zz")).Body.String()
	for _, want := range []string{
		`<!DOCTYPE html>`, `<html lang="en">`, `name="viewport"`, `<meta charset="utf-8">`, `<main`, `<h1>`, `<title>`,
		`prefers-color-scheme:dark`,
	} {
		require.Contains(t, body, want)
	}
	text := regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`).ReplaceAllString(body, " ")
	for _, internal := range []string{
		"smartlink", "Policy", "wreply", "login.srf", "entrafed", "encod", "parameter", "%",
	} {
		require.NotContains(t, text, internal)
	}
}

func TestWording(t *testing.T) {
	t.Parallel()
	config := contoso()
	config.Wording = smartlink.Wording{Lang: "de-AT", Title: "Dieser Link geht nicht <auf>",
		Explanation: "Er ist beschädigt.", HostLabel: "Er führt zu:", Action: "Weiter"}
	config.Home = "/start"
	body := serve(newHandler(t, config), get("to=https://evil.example")).Body.String()
	require.Contains(t, body, `<html lang="de-AT">`)
	require.Contains(t, body, `<h1>Dieser Link geht nicht &lt;auf&gt;</h1>`)
	require.Contains(t, body, `<p>Er ist beschädigt.</p>`)
	require.Contains(t, body, `<p>Er führt zu: <strong dir="ltr">evil.example</strong></p>`)
	require.Contains(t, body, `<a href="/start">Weiter</a>`)
}

func TestHome(t *testing.T) {
	t.Parallel()
	config := contoso()
	config.Home = "https://www.contoso.com:8443/?a=1"
	body := serve(newHandler(t, config), get("to=x")).Body.String()
	require.Contains(t, body, `<a href="https://www.contoso.com:8443/?a=1">Go to the start page</a>`)
}

func TestRefusedHandlers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rule   string
		change func(*smartlink.HandlerConfig)
		want   string
	}{
		{"no domain", func(c *smartlink.HandlerConfig) { c.Domain = "" }, "Domain is missing"},
		{"default target elsewhere", func(c *smartlink.HandlerConfig) { c.DefaultTarget = "https://evil.example" },
			"Target"},
		{"login hint with a newline", func(c *smartlink.HandlerConfig) { c.LoginHint = "a\n" }, "LoginHint"},
		{"home over http", func(c *smartlink.HandlerConfig) { c.Home = "http://www.contoso.com" }, "Home"},
		{"home that is a script", func(c *smartlink.HandlerConfig) { c.Home = "javascript:alert(1)" }, "Home"},
		{"home on no host", func(c *smartlink.HandlerConfig) { c.Home = "//evil.example" }, "Home"},
		{"home with a backslash", func(c *smartlink.HandlerConfig) { c.Home = `/\evil.example` }, "Home"},
		{"home with a tab", func(c *smartlink.HandlerConfig) { c.Home = "/\t/evil.example" }, "Home"},
		{"wording in part", func(c *smartlink.HandlerConfig) { c.Wording.Title = "a" }, "Wording is incomplete"},
		{"wording without a language",
			func(c *smartlink.HandlerConfig) {
				c.Wording = smartlink.Wording{Title: "a", Explanation: "b", HostLabel: "c", Action: "d"}
			}, "Wording.Lang"},
		{"wording in no language",
			func(c *smartlink.HandlerConfig) {
				c.Wording = smartlink.Wording{Lang: "a b", Title: "a", Explanation: "b", HostLabel: "c", Action: "d"}
			}, "Wording.Lang"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			config := contoso()
			test.change(&config)
			h, err := smartlink.NewHandler(config)
			require.ErrorContains(t, err, test.want)
			require.Nil(t, h)
		})
	}
}

func TestNewHandlerReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, err := smartlink.NewHandler(smartlink.HandlerConfig{DefaultTarget: "https://evil.example", Home: "x",
		Wording: smartlink.Wording{Lang: "en"}})
	for _, want := range []string{"Domain", "Target", "Home", "Wording"} {
		require.ErrorContains(t, err, want)
	}
}

func TestRefusalsAreLoggedWithoutSecrets(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	config := contoso()
	config.Logger = slog.New(slog.NewTextHandler(&log, nil))
	h := newHandler(t, config)
	serve(h, get("to=https%3A%2F%2Fevil.example%2F%3Ftoken%3Dsecret&login_hint=person%40contoso.com%0a"))
	require.Contains(t, log.String(), "smart link refused")
	require.Contains(t, log.String(), "https://evil.example/")
	require.NotContains(t, log.String(), "secret")
	require.NotContains(t, log.String(), "person")

	log.Reset()
	serve(h, get("to=https%3A%2F%2Fcontoso.sharepoint.com"))
	require.Empty(t, log.String())
}
