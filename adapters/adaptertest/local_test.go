package adaptertest_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/adaptertest"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

// local is a host with accounts, sessions and sign-in pages of its own, at the name of the Bridge.
type local struct {
	env    adaptertest.Environment
	store  *localStore
	people []adaptertest.Person
	fault  string // what is wrong with it; empty: nothing
}

// localStore is where it keeps sessions: replicas share it.
type localStore struct {
	mu       sync.Mutex
	sessions map[string]localSession
	down     bool
}

type localSession struct {
	person adaptertest.Person
	at     time.Time
	mfa    bool
}

var errDown = errors.New("the session store does not answer")

func (s *localStore) load(id string) (localSession, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return localSession{}, false, errDown
	}
	found, ok := s.sessions[id]
	return found, ok, nil
}

func (s *localStore) save(id string, session localSession) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errDown
	}
	s.sessions[id] = session
	return nil
}

func (s *localStore) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, id)
}

func (s *localStore) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Authenticate implements adapters.Authenticator.
func (l *local) Authenticate(w http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
	if r.URL.Query().Has("cancelled") {
		return nil, adapters.ErrCancelled
	}
	session, found, err := l.session(r)
	if err != nil {
		return nil, err
	}
	switch {
	case found && l.suffices(session, ask):
		return l.signedIn(session), nil
	case ask.Passive:
		return nil, adapters.ErrDenied
	}
	query := url.Values{"return": {ask.ReturnTo}, "hint": {ask.LoginHint}}
	if ask.MFA {
		query.Set("mfa", "1")
	}
	http.Redirect(w, r, l.origin()+"/login?"+query.Encode(), http.StatusFound)
	return nil, nil
}

func (l *local) suffices(session localSession, ask adapters.Ask) bool {
	stale := ask.Fresh && session.at.Before(ask.Asked.Truncate(time.Second))
	return !stale && (session.mfa || !ask.MFA)
}

func (l *local) signedIn(session localSession) *adapters.SignedIn {
	return &adapters.SignedIn{Person: session.person.Is, At: session.at, MFA: session.mfa}
}

func (l *local) origin() string { return "https://id.contoso.com" }

func (l *local) session(r *http.Request) (localSession, bool, error) {
	cookie, err := r.Cookie("local-session")
	if err != nil {
		return localSession{}, false, nil
	}
	return l.store.load(cookie.Value)
}

// EndSession implements adapters.SessionEnder.
func (l *local) EndSession(w http.ResponseWriter, r *http.Request, _ saml.LogoutRequest) error {
	if cookie, err := r.Cookie("local-session"); err == nil {
		l.store.end(cookie.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: "local-session", Path: "/", MaxAge: -1})
	return nil
}

var localPage = template.Must(template.New("login").Parse(`<!DOCTYPE html><title>Sign in</title>
<form method="post" action="/login">
<input type="hidden" name="return" value="{{.Get "return"}}" /><input type="hidden" name="mfa" value="{{.Get "mfa"}}" />
<input name="username" value="{{.Get "hint"}}" /><input name="password" type="password" />
{{if .Get "mfa"}}<input name="code" />{{end}}
<button>Sign in</button></form><a href="{{.Get "return"}}?cancelled">Cancel</a>`))

// ServeHTTP serves the sign-in page.
func (l *local) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.URL.Path != "/login" || !l.leadsBack(r.Form.Get("return")) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	person, mfa, ok := l.proved(r)
	if r.Method != http.MethodPost || !ok {
		_ = localPage.Execute(w, r.Form)
		return
	}
	id := rand.Text()
	if err := l.store.save(id, localSession{person, l.env.Now(), mfa}); err != nil {
		l.env.Logger.Error("the session cannot be stored", "error", err)
		http.Error(w, "Sorry.", http.StatusInternalServerError)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: "local-session", Value: id, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, r.Form.Get("return"), http.StatusSeeOther)
}

func (l *local) leadsBack(address string) bool {
	return strings.HasPrefix(address, l.env.BaseURL+"/signin/")
}

// proved says who typed the right things.
func (l *local) proved(r *http.Request) (person adaptertest.Person, mfa, ok bool) {
	for _, p := range l.people {
		if p.Name != r.PostForm.Get("username") || p.Password != r.PostForm.Get("password") {
			continue
		}
		mfa = r.PostForm.Get("mfa") != ""
		return p, mfa, !mfa || p.Code != "" && p.Code == r.PostForm.Get("code")
	}
	return adaptertest.Person{}, false, false
}

// employee is somebody whom the hosts of these tests know.
func employee() adaptertest.Person {
	return adaptertest.Person{
		Name: "employee", Password: "correct horse battery", Code: "246810",
		Is: provision.Person{
			Connection: "local", ID: "e-104", Email: "employee@example.net", GivenName: "An", Surname: "Employee",
		},
	}
}

// incomplete are people who lack what Entra needs: a stable ID, an address.
func incomplete() (nobody, silent adaptertest.Person) {
	nobody, silent = employee(), employee()
	nobody.Name, nobody.Is.ID = "nobody", ""
	silent.Name, silent.Is.ID, silent.Is.Email = "silent", "e-105", ""
	return nobody, silent
}

func newLocal(env adaptertest.Environment, fault string) adaptertest.Host {
	nobody, silent := incomplete()
	host := &local{
		env: env, fault: fault, store: &localStore{sessions: map[string]localSession{}},
		people: []adaptertest.Person{employee(), nobody, silent},
	}
	env.Mount("id.contoso.com", host)
	return adaptertest.Host{
		Authenticator: host, Person: employee(), WithoutID: &nobody, WithoutEmail: &silent,
		SignIn: typeIn,
		Cancel: func(page entratest.Page) (entratest.Action, error) { return page.Click("Cancel") },
		Hint:   hintInForm,
		Fail: func(*testing.T) func() {
			host.store.setDown(true)
			return func() { host.store.setDown(false) }
		},
		Replica: func(*testing.T) adapters.Authenticator {
			other := *host
			return &other
		},
		Lacks: map[adaptertest.Capability]string{adaptertest.UpstreamLogout: "there is no provider behind it"},
	}
}

// typeIn fills in what a form asks for.
func typeIn(page entratest.Page, as adaptertest.Person) (entratest.Action, error) {
	form, err := page.Form("")
	if err != nil {
		return entratest.Action{}, fmt.Errorf("%w: %s", err, page.Body)
	}
	values := map[string]string{}
	for _, field := range form.Fields {
		switch field.Name {
		case "username":
			values[field.Name] = as.Name
		case "password":
			values[field.Name] = as.Password
		case "code":
			if values[field.Name] = as.Code; as.Code == "" {
				return entratest.Stop(), nil
			}
		}
	}
	return page.Submit("", values)
}

// hintInForm is the user name that a form has filled in.
func hintInForm(page entratest.Page) string {
	form, _ := page.Form("") // without one there is no hint
	for _, field := range form.Fields {
		if field.Name == "username" {
			return field.Value
		}
	}
	return ""
}
