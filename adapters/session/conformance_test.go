package session_test

import (
	"crypto/rand"
	"errors"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/adaptertest"
	"github.com/entrafed/entrafed/adapters/session"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

// application is a small web application: a sign-in page, accounts, and sessions in a map.
type application struct {
	now    func() time.Time
	host   *session.Authenticator
	people []adaptertest.Person
	memory *memory
}

// memory is where sessions are: what replicas share.
type memory struct {
	mu       sync.Mutex
	sessions map[string]adapters.SignedIn
	down     bool // cannot be read
}

var errDown = errors.New("the session store does not answer")

func (m *memory) do(f func(sessions map[string]adapters.SignedIn)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m.sessions)
}

func (m *memory) isDown() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.down
}

func (m *memory) setDown(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
}

func (m *memory) person(r *http.Request) (person *adapters.SignedIn, err error) {
	cookie, err := r.Cookie("app")
	if err != nil {
		return nil, nil
	}
	if m.isDown() {
		return nil, errDown
	}
	m.do(func(sessions map[string]adapters.SignedIn) {
		if found, ok := sessions[cookie.Value]; ok {
			person = &found
		}
	})
	return person, nil
}

func (m *memory) end(w http.ResponseWriter, r *http.Request) error {
	cookie, err := r.Cookie("app")
	if err != nil {
		return nil
	}
	http.SetCookie(w, &http.Cookie{Name: "app", Path: "/", MaxAge: -1})
	m.do(func(sessions map[string]adapters.SignedIn) { delete(sessions, cookie.Value) })
	return nil
}

var signInPage = template.Must(template.New("sign in").Parse(`<!DOCTYPE html><title>Sign in</title>
<form method="post" action="/login">
<input type="hidden" name="return_to" value="{{.Get "return_to"}}" /><input type="hidden" name="mfa" value="{{.Get "mfa"}}" />
<input name="username" value="{{.Get "login_hint"}}" /><input name="password" type="password" />
{{if .Get "mfa"}}<input name="code" />{{end}}<button>Sign in</button></form>
<a href="{{.Get "return_to"}}?cancelled">Cancel</a>`))

func (a *application) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	back, ok := a.host.ReturnTo(r)
	if !ok || r.URL.Path != "/login" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	person, ok := a.proved(r)
	if !ok {
		_ = signInPage.Execute(w, r.Form)
		return
	}
	id := rand.Text()
	a.memory.do(func(sessions map[string]adapters.SignedIn) { sessions[id] = person })
	http.SetCookie(w, &http.Cookie{
		Name: "app", Value: id, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func (a *application) proved(r *http.Request) (adapters.SignedIn, bool) {
	for _, p := range a.people {
		if p.Name != r.PostForm.Get("username") || p.Password != r.PostForm.Get("password") {
			continue
		}
		mfa := r.PostForm.Get("mfa") != "" && p.Code != ""
		return adapters.SignedIn{Person: p.Is, At: a.now(), MFA: mfa}, !mfa || p.Code == r.PostForm.Get("code")
	}
	return adapters.SignedIn{}, false
}

func employee() adaptertest.Person {
	return adaptertest.Person{
		Name: "employee", Password: "correct horse battery", Code: "246810",
		Is: provision.Person{Connection: "app", ID: "e-104", Email: "employee@example.net"},
	}
}

func TestTheAdapterKeepsTheRules(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, func(t *testing.T, env adaptertest.Environment) adaptertest.Host {
		nobody, silent := employee(), employee()
		nobody.Name, nobody.Is.ID = "nobody", ""
		silent.Name, silent.Is.ID, silent.Is.Email = "silent", "e-105", ""
		shared := &memory{sessions: map[string]adapters.SignedIn{}}
		origin, err := url.Parse(env.BaseURL)
		require.NoError(t, err)
		authenticator := func(t *testing.T) *session.Authenticator {
			host, err := session.New(session.Config{
				BaseURL: env.BaseURL, SignInURL: "https://" + origin.Host + "/login", Person: shared.person, End: shared.end,
			})
			require.NoError(t, err)
			return host
		}
		host, form := authenticator(t), adaptertest.Fields{Name: "username", Password: "password", Code: "code"}
		env.Mount(origin.Host, &application{
			now: env.Now, host: host, people: []adaptertest.Person{employee(), nobody, silent}, memory: shared,
		})
		return adaptertest.Host{
			Authenticator: host, Person: employee(), WithoutID: &nobody, WithoutEmail: &silent,
			SignIn: form.SignIn,
			Cancel: func(page entratest.Page) (entratest.Action, error) { return page.Click("Cancel") },
			Hint:   form.Hint,
			Fail: func(*testing.T) func() {
				shared.setDown(true)
				return func() { shared.setDown(false) }
			},
			Replica: func(t *testing.T) adapters.Authenticator { return authenticator(t) },
			Lacks:   map[adaptertest.Capability]string{adaptertest.UpstreamLogout: "there is no provider behind the application"},
		}
	})
}

func TestWhatIsWrongWithAConfigIsListed(t *testing.T) {
	t.Parallel()
	_, err := session.New(session.Config{BaseURL: "https://id.contoso.com/entra/", SignInURL: "/login"})
	for _, wrong := range []string{"BaseURL", "SignInURL", "Person is missing"} {
		require.ErrorContains(t, err, wrong)
	}
	_, err = session.New(session.Config{
		BaseURL: "https://id.contoso.com/entra", SignInURL: "https://id.contoso.com/entra/signin/0",
		Person: func(*http.Request) (*adapters.SignedIn, error) { return nil, nil },
	})
	require.ErrorContains(t, err, "must be a page of the application")
}

func TestWhereASignInPageMayLead(t *testing.T) {
	t.Parallel()
	host, err := session.New(session.Config{
		BaseURL: "https://id.contoso.com/entra", SignInURL: "https://id.contoso.com/login",
		Person: func(*http.Request) (*adapters.SignedIn, error) { return nil, nil },
	})
	require.NoError(t, err)
	handle := strings.Repeat("0a", 16)
	for rule, test := range map[string]struct {
		address string
		ok      bool
	}{
		"a sign-in at the Bridge":    {"https://id.contoso.com/entra/signin/" + handle, true},
		"none":                       {"", false},
		"another site":               {"https://evil.example/entra/signin/" + handle, false},
		"another site by a name":     {"https://id.contoso.com.evil.example/entra/signin/" + handle, false},
		"another page of the Bridge": {"https://id.contoso.com/entra/go", false},
		"further than a sign-in":     {"https://id.contoso.com/entra/signin/" + handle + "/../../../evil", false},
		"with a query":               {"https://id.contoso.com/entra/signin/" + handle + "?x", false},
		"a handle of another length": {"https://id.contoso.com/entra/signin/" + handle[:31], false},
		"a handle of other letters":  {"https://id.contoso.com/entra/signin/" + strings.Repeat("0G", 16), false},
		"without its scheme":         {"//id.contoso.com/entra/signin/" + handle, false},
		"another scheme":             {"http://id.contoso.com/entra/signin/" + handle, false},
		"a script":                   {"javascript:alert(1)//id.contoso.com/entra/signin/" + handle, false},
		"backslashes":                {`https:\\id.contoso.com/entra/signin/` + handle, false},
		"a backslash and a site":     {`/\evil.example/entra/signin/` + handle, false},
		"two slashes and a site":     {"//evil.example/entra/signin/" + handle, false},
		"slashes that are encoded":   {"https://id.contoso.com/entra%2Fsignin%2F" + handle, false},
		"a way out that is encoded":  {"https://id.contoso.com/entra/signin/%2e%2e%2f" + handle[:23], false},
		"a user of another site":     {"https://id.contoso.com@evil.example/entra/signin/" + handle, false},
		"another port":               {"https://id.contoso.com:8443/entra/signin/" + handle, false},
		"a line more":                {"https://id.contoso.com/entra/signin/" + handle + "\r\nSet-Cookie: app=1", false},
		"a line before":              {"\nhttps://id.contoso.com/entra/signin/" + handle, false},
		"a tab within":               {"https://id.contoso.com/entra/sign\tin/" + handle, false},
		"an end that is not seen":    {"https://id.contoso.com/entra/signin/" + handle[:31] + "\x00", false},
		"a fragment":                 {"https://id.contoso.com/entra/signin/" + handle + "#x", false},
		"spaces around":              {" https://id.contoso.com/entra/signin/" + handle + " ", false},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/login?return_to="+url.QueryEscape(test.address), nil)
			address, ok := host.ReturnTo(r)
			require.Equal(t, test.ok, ok)
			if ok {
				require.Equal(t, test.address, address)
			}
		})
	}
}
