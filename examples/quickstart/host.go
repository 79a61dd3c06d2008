package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	_ "embed" // the pages' parts
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/saml"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// host is the part that a real organisation has already: it knows people and their sessions. Here anybody may be
// anybody; choosing a person stands for signing in with Google, with LinkedIn or with a password.
type host struct {
	actors   []actor
	origin   string
	deepLink string
	pages    *template.Template
	policy   string
	mux      *http.ServeMux

	mu       sync.Mutex
	sessions map[string]session
}

type session struct {
	actor actor
	at    time.Time // of the sign-in
}

const (
	sessionCookie = "demonstration-session"
	maxSessions   = 1000
)

func newHost(actors []actor, origin, deepLink string) *host {
	sum := sha256.Sum256([]byte(pageCSS))
	h := &host{
		actors: actors, origin: origin, deepLink: deepLink,
		pages: template.Must(template.New("page").Parse(pageHTML)),
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' https: http://127.0.0.1:*",
		mux:      http.NewServeMux(),
		sessions: map[string]session{},
	}
	h.mux.HandleFunc("GET /{$}", h.serveHome)
	h.mux.HandleFunc("GET /login", h.serveLogin)
	h.mux.HandleFunc("POST /login", h.signIn)
	return h
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// Authenticate is all that the bridge needs of a host: it says who has a session, or sends the browser to sign in.
func (h *host) Authenticate(w http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
	s, found := h.session(r)
	switch {
	case found && !(ask.Fresh && s.at.Before(ask.Asked)):
		return &adapters.SignedIn{Person: s.actor.Person, At: s.at}, nil
	case ask.Passive:
		return nil, adapters.ErrDenied
	}
	http.Redirect(w, r, h.origin+"/login?return="+url.QueryEscape(ask.ReturnTo), http.StatusFound)
	return nil, nil
}

func (h *host) serveHome(w http.ResponseWriter, r *http.Request) {
	s, _ := h.session(r)
	h.show(w, "home", map[string]any{
		"Actors": h.actors, "SignedIn": s.actor.Title,
		"Smart":  "/entra/go?to=" + url.QueryEscape(h.deepLink),
		"Deep":   h.deepLink + "?whr=" + domain,
		"Start":  "/entra/start?to=" + url.QueryEscape(h.deepLink),
		"Target": h.deepLink,
	})
}

func (h *host) serveLogin(w http.ResponseWriter, r *http.Request) {
	h.show(w, "login", map[string]any{"Actors": h.actors, "Return": r.URL.Query().Get("return")})
}

func (h *host) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	chosen, err := find(h.actors, r.PostFormValue("person"))
	if err != nil {
		http.Error(w, "Please go back and choose one of the people.", http.StatusBadRequest)
		return
	}
	h.open(w, chosen)
	http.Redirect(w, r, h.onward(r.PostFormValue("return")), http.StatusSeeOther)
}

// onward leads back to the bridge, and nowhere else.
func (h *host) onward(target string) string {
	if strings.HasPrefix(target, h.origin+"/entra/signin/") {
		return target
	}
	return h.origin + "/"
}

// EndSession is what the bridge needs of a host whose people can sign out.
func (h *host) EndSession(w http.ResponseWriter, r *http.Request, _ saml.LogoutRequest) error {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		h.mu.Lock()
		delete(h.sessions, cookie.Value)
		h.mu.Unlock()
	}
	h.setCookie(w, "", -1)
	return nil
}

func (h *host) open(w http.ResponseWriter, a actor) {
	id := rand.Text()
	h.mu.Lock()
	if len(h.sessions) >= maxSessions {
		clear(h.sessions)
	}
	h.sessions[id] = session{actor: a, at: time.Now()}
	h.mu.Unlock()
	h.setCookie(w, id, int(time.Hour/time.Second))
}

func (h *host) setCookie(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(h.origin, "https:")})
}

func (h *host) session(r *http.Request) (session, bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return session{}, false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s, found := h.sessions[cookie.Value]
	return s, found
}

func (h *host) show(w http.ResponseWriter, name string, data map[string]any) {
	data["Notice"], data["Style"] = notice, template.CSS(pageCSS)
	var page bytes.Buffer
	if err := h.pages.ExecuteTemplate(&page, name, data); err != nil {
		http.Error(w, "The page could not be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", h.policy)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(page.Bytes())
}
