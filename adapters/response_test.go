package adapters_test

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/saml"
)

// posting are the ways to the page that posts a response.
func posting() map[string]func(*testing.T, *world, string) *httptest.ResponseRecorder {
	asked := func(attributes string) func(*testing.T, *world, string) *httptest.ResponseRecorder {
		return func(t *testing.T, w *world, accept string) *httptest.ResponseRecorder {
			b := w.browser()
			return b.getIn(accept, b.request(attributes, "state", testTime))
		}
	}
	return map[string]func(*testing.T, *world, string) *httptest.ResponseRecorder{
		"a sign-in": asked(""),
		"nobody is there": func(t *testing.T, w *world, accept string) *httptest.ResponseRecorder {
			w.host = func(http.ResponseWriter, *http.Request, adapters.Ask) (*adapters.SignedIn, error) {
				return nil, adapters.ErrDenied
			}
			return asked(`IsPassive="true"`)(t, w, accept)
		},
		"a sign-out": func(_ *testing.T, w *world, accept string) *httptest.ResponseRecorder {
			r := logoutRequest()
			r.Header.Set("Accept-Language", accept)
			return w.browser().do(r)
		},
	}
}

func TestAResponseIsPostedInTheHostsDressAndTheBrowsersLanguage(t *testing.T) {
	t.Parallel()
	for name, arrives := range posting() {
		for tag, l := range builtIn() {
			t.Run(name+" "+tag, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, func(c *adapters.Config) {
					c.Brand = adapters.Brand{Name: "Contoso", Layout: layout(goodLayout)}
					c.Notice = "A test"
				})
				recorder := arrives(t, w, tag)
				requireAnswered(t, recorder, "state")
				page := recorder.Body.String()
				for _, part := range []string{
					`<html lang="` + tag + `">`, `<body class="response">A test`, `<div class="brand">Contoso</div>`,
					"<title>" + l.Words["response.title"] + " – Contoso</title>", "<h1>" + l.Words["response.title"] + "</h1>",
					"<p>" + l.Words["response.text"] + "</p>",
					`<button class="button" type="submit">` + l.Words["response.continue"] + "</button>",
				} {
					require.Contains(t, page, part)
				}
				require.Equal(t, tag, recorder.Header().Get("Content-Language"))
			})
		}
	}
}

// The page is no less protected than saml's own: the same headers, but for its own style and script.
func TestAResponseIsPostedAsSafelyAsWithoutTheBridge(t *testing.T) {
	t.Parallel()
	plain := newWorld(t)
	response, err := plain.cfg.IdentityProvider.RespondStatus(&saml.AuthnRequest{ID: "_r1"}, "contoso.com",
		saml.Status{Code: saml.StatusResponder})
	require.NoError(t, err)
	own := httptest.NewRecorder()
	require.NoError(t, response.Post(own))

	for name, arrives := range posting() {
		recorder := arrives(t, newWorld(t), "en")
		for header, want := range own.Header() {
			if header != "Content-Security-Policy" {
				require.Equal(t, want, recorder.Header()[header], "%s: %s", name, header)
			}
		}
		require.Equal(t, "strict-origin", recorder.Header().Get("Referrer-Policy"), `not "Origin: null"`)
		want, got := policyOf(own), policyOf(recorder)
		require.Len(t, got, len(want))
		require.Equal(t, "https:", got["form-action"])
		page := recorder.Body.String()
		require.Equal(t, hash(between(page, "<script>", "</script>")), got["script-src"])
		require.Equal(t, hash(between(page, "<style>", "</style>")), got["style-src"])
		for directive, sources := range want {
			if directive != "style-src" && directive != "script-src" {
				require.Equal(t, sources, got[directive], directive)
			}
		}
	}
}

func TestARelayStateIsPostedAsItCame(t *testing.T) {
	t.Parallel()
	for _, relayState := range []string{
		"", "estsredirect=2&estsrequest=abc+/=", `"><script>alert(1)</script>`, "é漢𝄞'", "{{.Title}}", "&#34;&amp;",
	} {
		w := newWorld(t)
		b := w.browser()
		recorder := b.get(b.request("", relayState, testTime))
		requireAnswered(t, recorder, relayState)
		require.Equal(t, relayState != "", strings.Contains(recorder.Body.String(), `name="RelayState"`))
		require.Equal(t, 1, strings.Count(recorder.Body.String(), "<script"))
		require.NotContains(t, w.log.String(), formField(recorder.Body.String(), "SAMLResponse"), "nobody else learns the answer")
		require.NotContains(t, w.log.String(), "Assertion ")
	}
}

// A layout may have forms and scripts of its own: it is our form that is sent.
func TestTheRightFormIsPosted(t *testing.T) {
	t.Parallel()
	searching := strings.Replace(goodLayout, "<header>", `<form action="/search"></form><header>`, 1)
	w := dressed(t, adapters.Brand{Layout: layout(searching)})
	b := w.browser()
	page := b.get(b.request("", "", testTime)).Body.String()
	require.Contains(t, page, `<form id="response" method="post" action="https://login.microsoftonline.com/login.srf">`)
	require.Contains(t, page, `document.getElementById("response").submit();`)
}

// What a layout makes of its first showing is not what it makes of the next: the person is told that it did not work.
func TestALayoutThatFailsLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	broken := false
	w.cfg.Brand.Layout = template.Must(template.New("layout").Funcs(template.FuncMap{
		"year": func() (string, error) {
			if broken {
				return "", http.ErrNotSupported
			}
			return "2026", nil
		},
	}).Parse(strings.Replace(goodLayout, "{{.Name}}", "{{year}}", 1)))
	w.bridge = w.newBridge()
	b := w.browser()
	address := b.request("", "state", testTime)
	broken = true
	recorder := b.get(address)
	require.Equal(t, http.StatusInternalServerError, recorder.Code)
	require.NotContains(t, recorder.Body.String(), "SAMLResponse")
	require.Contains(t, w.log.String(), "a page could not be shown")
}

// From the form of a start link, redirects lead to Microsoft, and from there to wherever the person wanted to go; Chromium
// applies the form's policy to all of them.
func TestTheFormMayLeadToMicrosoft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host = typing
	b := w.browser()
	address := b.get(base + "/start").Header().Get("Location")
	require.Equal(t, "'self' https:", policyOf(b.get(address))["form-action"])
}
