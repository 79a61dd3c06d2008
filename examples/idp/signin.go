package main

import (
	"database/sql"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/examples/internal/userfile"
	"github.com/entrafed/entrafed/saml"
)

// The host's own paths. Everything else below the base URL is the Bridge's.
const (
	pathSignIn  = "/login"
	pathSignOut = "/logout"
	pathHealth  = "/healthz"
)

// host knows who is signed in: it is the auth server behind the Bridge.
type host struct {
	baseURL  string
	origin   string
	domain   string
	users    *userfile.Users
	sessions *sessions
	attempts *attempts
	hashing  *turnstile
	pages    *pages
	log      *slog.Logger
}

func newHost(s settings, kept *state, now func() time.Time, log *slog.Logger) *host {
	var db *sql.DB
	if kept != nil {
		db = kept.db
	}
	return &host{
		baseURL: s.baseURL, origin: s.origin, domain: s.domain, users: s.users,
		sessions: &sessions{db: db, users: s.users, now: now}, attempts: newAttempts(now), hashing: newTurnstile(runtime.GOMAXPROCS(0)),
		pages: newPages(), log: log,
	}
}

var (
	_ adapters.Authenticator = (*host)(nil)
	_ adapters.SessionEnder  = (*host)(nil)
)

// Authenticate implements [adapters.Authenticator]: it states the session that the browser has, or sends it to the form.
// There is no second factor here, so that none is ever stated; Entra asks for its own where the tenant wants one.
func (h *host) Authenticate(w http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
	found, ok, err := h.sessions.of(r)
	if err != nil {
		return nil, err
	}
	if ok && !(ask.Fresh && found.at.Before(ask.Asked)) {
		return &adapters.SignedIn{Person: found.user.Person, At: found.at, Session: found.name}, nil
	}
	if ask.Passive {
		return nil, adapters.ErrDenied
	}
	form := url.Values{fieldReturn: {ask.ReturnTo}}
	if ask.LoginHint != "" && !strings.EqualFold(ask.LoginHint, h.domain) && len(ask.LoginHint) <= userfile.MaxLogin {
		form.Set("login_hint", ask.LoginHint)
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, h.origin+pathSignIn+"?"+form.Encode(), http.StatusSeeOther)
	return nil, nil
}

// Fields of the form.
const (
	fieldLogin    = "login"
	fieldPassword = "password"
	fieldReturn   = "to" // where the browser goes afterwards
)

const (
	maxForm  = 16 << 10        // bytes
	busyTime = 5 * time.Second // after which it is worth trying again
)

// serveForm shows the form.
func (h *host) serveForm(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	to := query.Get(fieldReturn)
	if !h.returns(to) {
		h.refuseReturn(w, r)
		return
	}
	h.pages.signIn(w, http.StatusOK, form{Domain: h.domain, Action: h.origin + pathSignIn, To: to,
		Login: strings.TrimSpace(query.Get("login_hint"))})
}

// servePassword takes what was typed.
func (h *host) servePassword(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		h.refuseReturn(w, r)
		return
	}
	typed := form{Domain: h.domain, Action: h.origin + pathSignIn, To: r.PostForm.Get(fieldReturn),
		Login: strings.TrimSpace(r.PostForm.Get(fieldLogin))}
	password := r.PostForm.Get(fieldPassword)
	if !h.returns(typed.To) {
		h.refuseReturn(w, r)
		return
	}
	if faults := typed.incomplete(password); faults.Error != "" {
		h.pages.signIn(w, http.StatusUnprocessableEntity, faults)
		return
	}
	h.signIn(w, r, typed, password)
}

// signIn checks the password, as often as it may be tried.
func (h *host) signIn(w http.ResponseWriter, r *http.Request, typed form, password string) {
	login := userfile.NormalLogin(typed.Login)
	if wait := h.attempts.take(login); wait > 0 {
		h.log.WarnContext(r.Context(), "too many passwords were tried", "login", h.loggable(login), "wait", wait)
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		h.pages.signIn(w, http.StatusTooManyRequests, typed.tooMany(wait))
		return
	}
	found, err := h.verify(r, login, password)
	switch {
	case err != nil:
		h.log.WarnContext(r.Context(), "a password was not looked at", "error", err)
		w.Header().Set("Retry-After", strconv.Itoa(int(busyTime.Seconds())))
		h.pages.signIn(w, http.StatusServiceUnavailable, typed.busy(busyTime))
		return
	case found == nil:
		h.log.WarnContext(r.Context(), "wrong name or password", "login", h.loggable(login))
		h.pages.signIn(w, http.StatusUnprocessableEntity, typed.wrong())
		return
	}
	h.attempts.succeeded(login)
	if err := h.sessions.open(w, r, found); err != nil {
		h.log.ErrorContext(r.Context(), "a session was not kept", "error", err)
		w.Header().Set("Retry-After", strconv.Itoa(int(busyTime.Seconds())))
		h.pages.signIn(w, http.StatusServiceUnavailable, typed.busy(busyTime))
		return
	}
	h.log.InfoContext(r.Context(), "password accepted", "login", login)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, h.afterwards(typed.To), http.StatusSeeOther)
}

// verify returns whose password it is, or nil. The error says that there was no time to find out.
func (h *host) verify(r *http.Request, login, password string) (*userfile.User, error) {
	leave, err := h.hashing.enter(r.Context())
	if err != nil {
		return nil, err
	}
	defer leave()
	if len(password) > userfile.MaxPasswordBytes {
		password = "" // nobody's
	}
	return h.users.Verify(login, password), nil
}

// loggable hides what is no login: as a rule a password that was typed into the wrong field.
func (h *host) loggable(login string) string {
	if h.users.Of(login) != nil {
		return login
	}
	return "(unknown)"
}

// EndSession implements [adapters.SessionEnder] with the session that the browser's own cookie names. A page of another
// site cannot end it unseen, because the cookie does not come along with what a page embeds.
func (h *host) EndSession(w http.ResponseWriter, r *http.Request, _ saml.LogoutRequest) error {
	return h.sessions.close(w, r)
}

// serveSignOut is the address that people remember. The sign-out itself is the Bridge's, which Entra knows.
func (h *host) serveSignOut(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, h.baseURL+pathSignOut, http.StatusSeeOther)
}

func (h *host) serveHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok"))
}

// serveStart leads those who typed the bare host name on to Microsoft 365.
func (h *host) serveStart(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, h.baseURL+"/go", http.StatusSeeOther)
}

func (h *host) serveNotFound(w http.ResponseWriter, _ *http.Request) {
	h.pages.message(w, http.StatusNotFound, message{
		Title: "This page does not exist", Text: "The address may be mistyped, or the link may be old.",
		Action: h.baseURL + "/go", Label: "Go to Microsoft 365",
	})
}

// serveCrossOrigin answers a form that came from another site.
func (h *host) serveCrossOrigin(w http.ResponseWriter, r *http.Request) {
	h.log.WarnContext(r.Context(), "a form of another site was refused", "origin", clip(r.Header.Get("Origin")))
	h.pages.message(w, http.StatusForbidden, message{
		Title: "You were not signed in", Text: "The form did not come from this site. Please start again.",
		Action: h.baseURL + "/go", Label: "Start again",
	})
}

func (h *host) refuseReturn(w http.ResponseWriter, r *http.Request) {
	h.log.InfoContext(r.Context(), "a sign-in without a way back was refused")
	h.pages.message(w, http.StatusBadRequest, message{
		Title:  "This sign-in cannot be continued",
		Text:   "The address is damaged, or it leads to another site. Please start again.",
		Action: h.baseURL + "/go", Label: "Start again",
	})
}

var handle = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// returns reports whether the browser may be sent there: to a sign-in at the Bridge, or nowhere in particular.
func (h *host) returns(to string) bool {
	signIn, ok := strings.CutPrefix(to, h.baseURL+"/signin/")
	return to == "" || ok && handle.MatchString(signIn)
}

func (h *host) afterwards(to string) string {
	if to == "" {
		return h.baseURL + "/go"
	}
	return to
}

// clip bounds what a stranger can write into the log.
func clip(s string) string { return s[:min(len(s), 100)] }

// forms protects the host's own forms against other sites: https://pkg.go.dev/net/http#CrossOriginProtection. The
// Bridge receives Entra's posts and must not be behind it.
func (h *host) forms(next http.Handler) (http.Handler, error) {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(h.serveCrossOrigin))
	// A proxy may have changed the Host header, with which old browsers' Origin is compared.
	if err := protection.AddTrustedOrigin(h.origin); err != nil {
		return nil, err
	}
	return protection.Handler(next), nil
}
