package adaptertest_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/adaptertest"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/saml"
)

// provider is a made-up provider behind a host, at a name of its own, that works as OAuth 2.0 does: a code that is
// bound to a verifier and good once, a state, registered addresses, a session, a page to sign out.
type provider struct {
	now    func() time.Time
	people []adaptertest.Person
	down   atomic.Bool // of what the host asks it; pages go on to work

	mu       sync.Mutex
	sessions map[string]grant
	codes    map[string]grant
}

// grant is who signed in, how, and what the code is bound to.
type grant struct {
	Person    adaptertest.Person
	At        time.Time
	MFA       bool
	challenge string
}

const (
	providerHost   = "login.example.net"
	providerSecret = "the-secret-of-the-client"
)

func newProvider(now func() time.Time, people ...adaptertest.Person) *provider {
	return &provider{now: now, people: people, sessions: map[string]grant{}, codes: map[string]grant{}}
}

var providerPage = template.Must(template.New("login").Parse(`<!DOCTYPE html><title>Sign in</title>
<form method="post"><input name="username" value="{{.Get "login_hint"}}" /><input name="password" type="password" />
{{if .Get "mfa"}}<input name="code" />{{end}}
<button name="do" value="in">Sign in</button><button name="do" value="cancel">Cancel</button></form>`))

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = r.ParseForm()
	switch r.URL.Path {
	case "/authorize":
		p.authorize(w, r)
	case "/token":
		p.token(w, r)
	case "/out":
		if c, err := r.Cookie("provider-session"); err == nil {
			delete(p.sessions, c.Value)
		}
		if back := r.Form.Get("back"); registered(back, "/logout/done") {
			http.Redirect(w, r, back+"?state="+url.QueryEscape(r.Form.Get("state")), http.StatusFound)
			return
		}
		_, _ = fmt.Fprint(w, "Signed out.")
	default:
		http.NotFound(w, r)
	}
}

func registered(address, path string) bool {
	return slices.ContainsFunc(adaptertest.BaseURLs(), func(base string) bool { return address == base+path }) ||
		address == ownCallback
}

func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if !registered(query.Get("redirect_uri"), "/callback") {
		http.Error(w, "This address is not registered.", http.StatusBadRequest)
		return
	}
	session, found := p.session(r)
	found = found && query.Get("prompt") != "login" && (session.MFA || query.Get("mfa") == "")
	switch {
	case r.Method == http.MethodPost && r.PostForm.Get("do") == "cancel":
		p.back(w, r, url.Values{"error": {"access_denied"}})
		return
	case r.Method == http.MethodPost:
		session, found = p.proved(r)
		if found {
			id := rand.Text()
			p.sessions[id] = session
			http.SetCookie(w, &http.Cookie{Name: "provider-session", Value: id, Secure: true, HttpOnly: true, Path: "/"})
		}
	case !found && query.Get("prompt") == "none":
		p.back(w, r, url.Values{"error": {"login_required"}})
		return
	}
	if !found {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = providerPage.Execute(w, query)
		return
	}
	code := rand.Text()
	session.challenge = query.Get("challenge")
	p.codes[code] = session
	p.back(w, r, url.Values{"code": {code}})
}

func (p *provider) session(r *http.Request) (grant, bool) {
	c, err := r.Cookie("provider-session")
	if err != nil {
		return grant{}, false
	}
	found, ok := p.sessions[c.Value]
	return found, ok
}

func (p *provider) proved(r *http.Request) (grant, bool) {
	for _, who := range p.people {
		if who.Name == r.PostForm.Get("username") && who.Password == r.PostForm.Get("password") {
			mfa := r.URL.Query().Get("mfa") != ""
			return grant{Person: who, At: p.now(), MFA: mfa}, !mfa || r.PostForm.Get("code") == who.Code
		}
	}
	return grant{}, false
}

func (p *provider) back(w http.ResponseWriter, r *http.Request, answer url.Values) {
	answer.Set("state", r.URL.Query().Get("state"))
	http.Redirect(w, r, r.URL.Query().Get("redirect_uri")+"?"+answer.Encode(), http.StatusFound)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	granted, found := p.codes[r.PostForm.Get("code")]
	delete(p.codes, r.PostForm.Get("code"))
	switch {
	case p.down.Load():
		http.Error(w, "down", http.StatusServiceUnavailable)
	case !found || r.PostForm.Get("secret") != providerSecret ||
		granted.challenge != "" && granted.challenge != challengeOf(r.PostForm.Get("verifier")):
		http.Error(w, "no such code", http.StatusBadRequest)
	default:
		_ = json.NewEncoder(w).Encode(granted)
	}
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return hex.EncodeToString(sum[:])
}

// relying is a host without pages: everybody signs in at the provider.
type relying struct {
	env    adaptertest.Environment
	client *http.Client
	fault  string
	own    *ownSignIns
}

// ownSignIns is what the fault with a callback of its own keeps: it asks for a state that it gave out, and not for the
// browser that it gave it to.
type ownSignIns struct {
	mu        sync.Mutex
	verifiers map[string]string // by state
	done      map[string]*adapters.SignedIn
}

// ownCallback is where the provider sends browsers back to in the fault that has a callback of its own.
const ownCallback = "https://id.contoso.com/own/callback"

// Authenticate implements adapters.Authenticator.
func (h *relying) Authenticate(w http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
	query := r.URL.Query()
	switch query.Get("error") {
	case "access_denied":
		return nil, adapters.ErrCancelled
	case "login_required":
		return nil, adapters.ErrDenied
	}
	if own, err := r.Cookie("own"); err == nil && own.Value != "" {
		http.SetCookie(w, &http.Cookie{Name: "own", Path: "/", MaxAge: -1})
		h.own.mu.Lock()
		who := h.own.done[own.Value]
		delete(h.own.done, own.Value)
		h.own.mu.Unlock()
		if who != nil {
			return who, nil
		}
	}
	if code := query.Get("code"); code != "" {
		return h.redeem(code, ask.Kept)
	}
	return nil, h.lead(w, r, ask)
}

func (h *relying) lead(w http.ResponseWriter, r *http.Request, ask adapters.Ask) error {
	verifier := rand.Text()
	if err := ask.Keep(w, []byte(verifier)); err != nil {
		return err
	}
	query := url.Values{
		"redirect_uri": {ask.CallbackURL}, "state": {ask.Handle}, "login_hint": {ask.LoginHint},
		"challenge": {challengeOf(verifier)},
	}
	switch h.fault {
	case faultNoVerifier:
		query.Del("challenge")
	case faultOwnCallback:
		query.Set("redirect_uri", ownCallback)
		h.own.mu.Lock()
		h.own.verifiers[ask.Handle] = verifier
		h.own.mu.Unlock()
	}
	if ask.MFA {
		query.Set("mfa", "1")
	}
	if _, err := r.Cookie("signed-out"); ask.Fresh || err == nil {
		query.Set("prompt", "login")
	}
	if ask.Passive {
		query.Set("prompt", "none")
	}
	http.Redirect(w, r, "https://"+providerHost+"/authorize?"+query.Encode(), http.StatusFound)
	return nil
}

func (h *relying) redeem(code string, verifier []byte) (*adapters.SignedIn, error) {
	answer, err := h.client.PostForm("https://"+providerHost+"/token", url.Values{
		"code": {code}, "verifier": {string(verifier)}, "secret": {providerSecret},
	})
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New("the provider does not take the code")
	}
	var granted grant
	if err := json.NewDecoder(answer.Body).Decode(&granted); err != nil {
		return nil, err
	}
	return &adapters.SignedIn{Person: granted.Person.Is, At: granted.At, MFA: granted.MFA}, nil
}

// ServeHTTP is the callback of the fault that has one.
func (h *relying) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	h.own.mu.Lock()
	verifier, known := h.own.verifiers[query.Get("state")]
	h.own.mu.Unlock()
	if !known {
		http.NotFound(w, r)
		return
	}
	back := h.env.BaseURL + "/signin/" + query.Get("state")
	if query.Has("error") {
		http.Redirect(w, r, back+"?"+query.Encode(), http.StatusFound)
		return
	}
	who, err := h.redeem(query.Get("code"), []byte(verifier))
	if err != nil {
		h.env.Logger.Error("no token", "error", err)
		http.Error(w, "Sorry.", http.StatusBadGateway)
		return
	}
	id := rand.Text()
	h.own.mu.Lock()
	h.own.done[id] = who
	h.own.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "own", Value: id, Path: "/"})
	http.Redirect(w, r, back, http.StatusFound)
}

// EndSession implements adapters.SessionEnder: there is no session but the provider's.
func (h *relying) EndSession(w http.ResponseWriter, _ *http.Request, _ saml.LogoutRequest) error {
	if h.fault == faultStaysUpstream {
		http.SetCookie(w, &http.Cookie{Name: "signed-out", Value: "1", Path: "/"})
	}
	return nil
}

// SignOutURL implements adapters.SignOutRedirecter.
func (h *relying) SignOutURL(_ *http.Request, _ saml.LogoutRequest, returnTo, state string) (string, error) {
	query := url.Values{"back": {returnTo}, "state": {state}}
	switch h.fault {
	case faultStaysUpstream:
		return "", nil
	case faultNoWayBack:
		query.Del("back")
	}
	return "https://" + providerHost + "/out?" + query.Encode(), nil
}

func newRelying(env adaptertest.Environment, now func() time.Time, fault string) adaptertest.Host {
	nobody, silent := incomplete()
	upstream := newProvider(now, employee(), nobody, silent)
	env.Mount(providerHost, upstream)
	own := &ownSignIns{verifiers: map[string]string{}, done: map[string]*adapters.SignedIn{}}
	host := &relying{env: env, client: env.Client(), fault: fault, own: own}
	env.Mount("id.contoso.com", host)
	return adaptertest.Host{
		Authenticator: host, Person: employee(), WithoutID: &nobody, WithoutEmail: &silent,
		SignIn:  form.SignIn,
		Cancel:  func(page entratest.Page) (entratest.Action, error) { return page.Click("Cancel") },
		Hint:    form.Hint,
		Secrets: []string{providerSecret},
		Fail: func(*testing.T) func() {
			upstream.down.Store(true)
			return func() { upstream.down.Store(false) }
		},
		Replica: func(*testing.T) adapters.Authenticator {
			return &relying{env: env, client: env.Client(), fault: fault, own: own}
		},
	}
}
