package entratest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// web is a world of hosts, each a handler.
type web map[string]http.HandlerFunc

func (hosts web) RoundTrip(r *http.Request) (*http.Response, error) {
	h, ok := hosts[r.URL.Host]
	if !ok {
		return nil, errors.New("no such host")
	}
	recorder := httptest.NewRecorder()
	h(recorder, r)
	res := recorder.Result()
	res.Request = r
	return res, nil
}

func html(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, body)
}

func open(t testing.TB, b *entratest.Browser, address string) entratest.Page {
	t.Helper()
	page, err := b.Open(context.Background(), address)
	require.NoError(t, err)
	return page
}

// read parses a page through a browser.
func read(t testing.TB, body string) entratest.Page {
	t.Helper()
	return open(t, entratest.NewBrowser(web{"a.example.org": func(w http.ResponseWriter, _ *http.Request) {
		html(w, body)
	}}), "https://a.example.org/page?x=1")
}

func TestFormsAreReadAsBrowsersReadThem(t *testing.T) {
	t.Parallel()
	page := read(t, `<!DOCTYPE html><HTML><head><title> A &amp;
		B </title><script>if (a < b && c) { document.write("<form id='no'>") }</script>
		<style>a > b { color: "<form>" }</style><!-- <form id="neither"> --></head>
		<body><p>1 < 2 & 3 > 2 &nbsp; &unknown;<br>
		<form id=first method=POST action="/go?a=1&amp;b=2">
		<input type=hidden name=token value="&quot;&#43;x">
		<INPUT NAME="user" VALUE=me required>
		<input type="checkbox" name="ticked" checked><input type="checkbox" name="unticked" value="1">
		<input type="radio" name="r" value="1"><input type="radio" name="r" value="2" checked="checked">
		<input name="off" value="1" disabled><input value="nameless"><input type="file" name="file">
		<select name="chosen"><option value="1">One<option value="2" selected>Two</select>
		<select name="first"><option>Only
		text</option><option>Other</option></select>
		<textarea name="note">
 two
lines</textarea>
		<button type="button" name="js">No</button><button type="reset">No</button>
		<button name="act" value="yes"><b>Go</b> on</button><input type="submit" name="act" value="Cancel">
		</form>
		<form id="second"><input name="q"></form>
		<a href="/next">Next <i>page</i></a><a name="anchor">no link</a>
		<a href=other>Other</a>`)
	require.Equal(t, "A & B", page.Title)
	require.Len(t, page.Forms, 2)

	form, err := page.Form("first")
	require.NoError(t, err)
	require.Equal(t, "POST", form.Method)
	require.Equal(t, "/go?a=1&b=2", form.Action)
	values := map[string]string{}
	for _, f := range form.Fields {
		values[f.Name] = f.Value
	}
	require.Equal(t, map[string]string{
		"token": `"+x`, "user": "me", "ticked": "on", "r": "2", "chosen": "2", "first": "Only text", "note": " two\nlines",
	}, values)
	require.Equal(t, []entratest.Button{
		{Name: "act", Value: "yes", Text: "Go on"}, {Name: "act", Value: "Cancel", Text: "Cancel"},
	}, form.Buttons)

	second, err := page.Form("second")
	require.NoError(t, err)
	require.Equal(t, "GET", second.Method)
	require.Equal(t, "https://a.example.org/page?x=1", second.Action)
	require.Equal(t, []entratest.Link{{URL: "/next", Text: "Next page"}, {URL: "other", Text: "Other"}}, page.Links)

	for _, id := range []string{"", "third"} {
		_, err = page.Form(id)
		require.ErrorIs(t, err, entratest.ErrNoSuchThing, "%q", id)
	}
}

func TestWhatIsNoHTMLIsNotRead(t *testing.T) {
	t.Parallel()
	b := entratest.NewBrowser(web{"a.example.org": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"a":"<form><input name='SAMLRequest'></form>"}`)
	}})
	page := open(t, b, "https://a.example.org")
	require.Empty(t, page.Forms)
	require.Equal(t, `{"a":"<form><input name='SAMLRequest'></form>"}`, page.Body)
}

func TestABrowserIsDriven(t *testing.T) {
	t.Parallel()
	var got []string
	hosts := web{"a.example.org": func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got = append(got, r.Method+" "+r.URL.Path+" "+r.Form.Encode())
		switch r.URL.Path {
		case "/":
			html(w, `<a href="/login">Sign in</a>`)
		case "/login":
			html(w, `<form action="/check" method="post"><input name="user"><input name="remember" value="1">
				<button name="way" value="1">One</button><button name="way" value="2">Two</button></form>`)
		case "/check":
			html(w, `<form action="/done?old=1"><input type="hidden" name="new" value="2"><button>Go on</button></form>`)
		default:
			html(w, `<title>Done</title>`)
		}
	}}
	b := entratest.NewBrowser(hosts)
	b.OnPage = func(p entratest.Page) (entratest.Action, error) {
		switch {
		case strings.HasSuffix(p.URL, ".org/"):
			return p.Click("Sign in")
		case strings.HasSuffix(p.URL, "/login"):
			return p.Submit("", map[string]string{"user": "me & you"})
		case strings.HasSuffix(p.URL, "/check"):
			return p.Click("Go on")
		}
		return entratest.Stop(), nil
	}
	page := open(t, b, "https://a.example.org/")
	require.Equal(t, "Done", page.Title)
	require.Equal(t, []string{
		"GET / ", "GET /login ", "POST /check remember=1&user=me+%26+you&way=1", "GET /done new=2",
	}, got)

	t.Run("by another button", func(t *testing.T) {
		got = nil
		b := entratest.NewBrowser(hosts)
		page := open(t, b, "https://a.example.org/login")
		action, err := page.Click("Two")
		require.NoError(t, err)
		_, err = b.Continue(context.Background(), page, action)
		require.NoError(t, err)
		require.Equal(t, "POST /check remember=1&user=&way=2", got[1])
	})
	t.Run("and told when there is no such thing", func(t *testing.T) {
		page := open(t, entratest.NewBrowser(hosts), "https://a.example.org/login")
		_, err := page.Click("Three")
		require.ErrorIs(t, err, entratest.ErrNoSuchThing)
		_, err = page.Submit("", map[string]string{"password": "x"})
		require.ErrorIs(t, err, entratest.ErrNoSuchThing)
		_, err = page.Submit("other", nil)
		require.ErrorIs(t, err, entratest.ErrNoSuchThing)
	})
	t.Run("or stopped", func(t *testing.T) {
		b := entratest.NewBrowser(hosts)
		page := open(t, b, "https://a.example.org/login")
		same, err := b.Continue(context.Background(), page, entratest.Stop())
		require.NoError(t, err)
		require.Equal(t, page, same)
	})
	t.Run("and its errors are kept", func(t *testing.T) {
		wrong := errors.New("wrong page")
		b := entratest.NewBrowser(hosts)
		b.OnPage = func(entratest.Page) (entratest.Action, error) { return entratest.Action{}, wrong }
		page, err := b.Open(context.Background(), "https://a.example.org/login")
		require.ErrorIs(t, err, wrong)
		require.Equal(t, "https://a.example.org/login", page.URL)
	})
}

func TestRedirectsKeepOrDropTheForm(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{301: "GET ", 302: "GET ", 303: "GET ", 307: "POST a=1", 308: "POST a=1"} {
		var got string
		b := entratest.NewBrowser(web{
			"a.example.org": func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					http.Redirect(w, r, "https://b.example.org/there", status)
					return
				}
				html(w, `<form method="post"><input name="a" value="1"></form>`)
			},
			"b.example.org": func(_ http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				got = r.Method + " " + r.PostForm.Encode()
			},
		})
		page := open(t, b, "https://a.example.org/")
		action, err := page.Submit("", nil)
		require.NoError(t, err)
		page, err = b.Continue(context.Background(), page, action)
		require.NoError(t, err)
		require.Equal(t, "https://b.example.org/there", page.URL)
		require.Equal(t, want, got, "%d", status)
	}
}

func TestMessagesAreForwardedByThemselves(t *testing.T) {
	t.Parallel()
	for _, field := range []string{"SAMLRequest", "SAMLResponse", "wresult"} {
		b := entratest.NewBrowser(web{"a.example.org": func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				html(w, `<title>There</title>`)
				return
			}
			html(w, `<form method="post"><input type="hidden" name="`+field+`" value="x"></form>`)
		}})
		require.Equal(t, "There", open(t, b, "https://a.example.org/").Title)
	}
}

// A person waits on a page that reloads itself until their account is ready.
// A login form that repeats the request is for a person to fill in.
func TestALoginFormThatRepeatsTheRequestIsNotSentByItself(t *testing.T) {
	t.Parallel()
	page := read(t, `<form method="post" action="/login"><input type="text" name="user"><input type="password" name="password">
		<input type="hidden" name="SAMLRequest" value="PD94"><input type="submit" value="Log in"></form>`)
	require.Equal(t, "https://a.example.org/page?x=1", page.URL)
	require.Len(t, page.Forms, 1)
}

func TestPagesThatReloadThemselves(t *testing.T) {
	t.Parallel()
	visits := 0
	hosts := web{"a.example.org": func(w http.ResponseWriter, r *http.Request) {
		if visits++; visits < 4 {
			html(w, `<meta http-equiv="Refresh" content="2"><a href="/x">wait</a>`)
			return
		}
		html(w, `<title>Ready</title>`)
	}}
	clock := entratest.NewClock(morning())
	b := entratest.NewBrowser(hosts)
	b.Sleep = clock.Sleep
	require.Equal(t, "Ready", open(t, b, "https://a.example.org/wait").Title)
	require.Equal(t, morning().Add(6*time.Second), clock.Now())

	t.Run("but not for ever", func(t *testing.T) {
		visits = -1000
		b := entratest.NewBrowser(hosts)
		b.Sleep, b.MaxHops = clock.Sleep, 7
		_, err := b.Open(context.Background(), "https://a.example.org/wait")
		require.ErrorIs(t, err, entratest.ErrTooManyHops)
		require.Equal(t, -1000+7, visits)
	})
	t.Run("nor after the caller has gone", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		b := entratest.NewBrowser(hosts)
		b.Observe = func(entratest.Page) { cancel() }
		_, err := b.Open(ctx, "https://a.example.org/wait")
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestWhereARefreshLeads(t *testing.T) {
	t.Parallel()
	const own = "https://a.example.org/page?x=1"
	for content, want := range map[string]*entratest.Refresh{
		"5":                      {After: 5 * time.Second, URL: own},
		"0.5; URL='/next'":       {After: 500 * time.Millisecond, URL: "/next"},
		"0;url=https://b.org/?a": {URL: "https://b.org/?a"},
		"soon":                   nil,
		"-1":                     nil,
		"1e9":                    nil,
		"NaN":                    nil,
		"":                       nil,
	} {
		var got *entratest.Refresh
		b := entratest.NewBrowser(web{"a.example.org": func(w http.ResponseWriter, _ *http.Request) {
			html(w, fmt.Sprintf(`<meta http-equiv="refresh" content="%s" />`, content))
		}})
		b.Observe = func(p entratest.Page) { got = p.Refresh }
		b.MaxHops = 1
		b.Sleep = func(context.Context, time.Duration) error { return nil }
		_, _ = b.Open(context.Background(), own)
		require.Equal(t, want, got, "%q", content)
	}
	var got *entratest.Refresh
	b := entratest.NewBrowser(web{"a.example.org": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Refresh", "3; url=/next")
	}})
	b.Observe, b.MaxHops = func(p entratest.Page) { got = p.Refresh }, 1
	b.Sleep = func(context.Context, time.Duration) error { return nil }
	_, _ = b.Open(context.Background(), own)
	require.Equal(t, &entratest.Refresh{After: 3 * time.Second, URL: "/next"}, got)
}

// The cookies that go along with a request from another site are those that a browser would send.
func TestSameSite(t *testing.T) {
	t.Parallel()
	var got string
	hosts := web{
		"id.contoso.com": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/set" {
				for _, c := range []*http.Cookie{
					{Name: "lax", SameSite: http.SameSiteLaxMode},
					{Name: "strict", SameSite: http.SameSiteStrictMode},
					{Name: "none", SameSite: http.SameSiteNoneMode, Secure: true},
					{Name: "insecure", SameSite: http.SameSiteNoneMode},
					{Name: "unspecified"},
					{Name: "changed", SameSite: http.SameSiteNoneMode, Secure: true},
					{Name: "changed", SameSite: http.SameSiteStrictMode},
				} {
					c.Value, c.Path = "1", "/"
					http.SetCookie(w, c)
				}
			}
			got = ""
			for _, name := range []string{"lax", "strict", "none", "insecure", "unspecified", "changed"} {
				if _, err := r.Cookie(name); err == nil {
					got += name + " "
				}
			}
			html(w, `<form id="own" method="post" action="/own"><button>Own</button></form>`)
		},
		"login.example.org": func(w http.ResponseWriter, _ *http.Request) {
			html(w, `<a href="https://id.contoso.com/">Link</a>
				<form method="post" action="https://id.contoso.com/sso"><button>Post</button></form>`)
		},
		"www.contoso.com": func(w http.ResponseWriter, _ *http.Request) {
			html(w, `<form method="post" action="https://id.contoso.com/sso"><button>Post</button></form>`)
		},
	}
	b := entratest.NewBrowser(hosts)
	open(t, b, "https://id.contoso.com/set")
	require.Empty(t, got)
	for _, tt := range []struct{ from, click, want string }{
		{"https://id.contoso.com/", "Own", "lax strict none unspecified changed "},
		{"https://www.contoso.com/", "Post", "lax strict none unspecified changed "},
		{"https://login.example.org/", "Link", "lax none unspecified "},
		{"https://login.example.org/", "Post", "none unspecified "},
	} {
		page := open(t, b, tt.from)
		action, err := page.Click(tt.click)
		require.NoError(t, err)
		_, err = b.Continue(context.Background(), page, action)
		require.NoError(t, err)
		require.Equal(t, tt.want, got, "%s from %s", tt.click, tt.from)
	}
}

func TestARequestSaysWhereItComesFrom(t *testing.T) {
	t.Parallel()
	var site, origin string
	note := func(w http.ResponseWriter, r *http.Request) {
		site, origin = r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
		html(w, `<form method="post" action="https://id.contoso.com:8443/"><button>Port</button></form>
			<form method="post" action="https://id.contoso.com/"><button>Own</button></form>
			<form method="post" action="https://127.0.0.1/"><button>Address</button></form>`)
	}
	hosts := web{"id.contoso.com": note, "id.contoso.com:8443": note, "127.0.0.1": note}
	b := entratest.NewBrowser(hosts)
	page := open(t, b, "https://id.contoso.com/")
	require.Equal(t, "none", site)
	require.Empty(t, origin)
	for click, want := range map[string]string{"Port": "same-site", "Own": "same-origin", "Address": "cross-site"} {
		action, err := page.Click(click)
		require.NoError(t, err)
		_, err = b.Continue(context.Background(), page, action)
		require.NoError(t, err)
		require.Equal(t, want, site, click)
		require.Equal(t, "https://id.contoso.com", origin)
	}
}

func TestWhereABrowserCannotGo(t *testing.T) {
	t.Parallel()
	b := entratest.NewBrowser(web{"a.example.org": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	}})
	for _, address := range []string{
		"javascript:alert(1)", "/relative", "", "ftp://a.example.org", "https://nowhere.example.org", "https://%zz",
		"https://a.example.org/?to=data:text/html,x", "https://a.example.org/?to=https:",
	} {
		_, err := b.Open(context.Background(), address)
		require.Error(t, err, "%q", address)
	}
}

// FuzzPage reads any page. Nothing panics, and every form that is found can be submitted.
func FuzzPage(f *testing.F) {
	for _, seed := range []string{
		`<form method=post action=/x><input name=a value=b><button>Go</button></form>`,
		`<form><select name=a><option selected>b<option value=c></select><textarea name=t><a>x</a></textarea>`,
		`<title>a<title>b</title><a href=x><a href=y>z</a></form><script>`, `<`, `<!--`, `</`, `<form><textarea><title></textarea>`,
		`<form><option><select></option><option>`, "<form>\xff<input name='a'>", `<meta http-equiv=refresh content=1>`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		b := entratest.NewBrowser(web{"a.example.org": func(w http.ResponseWriter, _ *http.Request) { html(w, body) }})
		b.MaxHops = 1
		b.Sleep = func(context.Context, time.Duration) error { return nil }
		var page entratest.Page
		b.Observe = func(p entratest.Page) { page = p }
		if _, err := b.Open(context.Background(), "https://a.example.org/"); err != nil {
			require.ErrorIs(t, err, entratest.ErrTooManyHops)
		}
		require.Equal(t, body, page.Body)
		for _, form := range page.Forms {
			require.NotEmpty(t, form.Action)
			for _, field := range form.Fields {
				require.NotEmpty(t, field.Name)
			}
			for _, button := range form.Buttons {
				_, err := page.Click(button.Text)
				require.NoError(t, err)
			}
		}
	})
}

// A sign-in page may keep the request that it was asked with in its own form.
func TestAFormThatAsksForSomethingIsNotSentByItself(t *testing.T) {
	t.Parallel()
	page := read(t, `<form method="post"><input type="hidden" name="SAMLRequest" value="PA=="><input name="user"></form>`)
	require.Equal(t, "https://a.example.org/page?x=1", page.URL)
	require.Len(t, page.Forms, 1)
}
