package entratest

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/entrafed/entrafed"
)

// Cookies of the sign-in service.
const (
	cookieBrowser = "entratest-browser" // ties a flow to the browser that began it
	cookieSession = "entratest-session"
)

// ticketParameter carries a session to another host of the simulation, as a code or a token does in the real one.
const ticketParameter = "entratest-ticket"

// serveSignIn answers for login.srf, for the sign-out, and with the simulated applications for everything else.
func (t *Tenant) serveSignIn(w http.ResponseWriter, r *http.Request) {
	isRead := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch path := strings.ToLower(r.URL.Path); {
	case path == "/login.srf" && isRead && !r.URL.Query().Has("SAMLResponse"):
		t.serveLogin(w, r)
	case path == "/login.srf" && (isRead || r.Method == http.MethodPost):
		t.serveAnswer(w, r)
	case path == "/favicon.ico":
		http.NotFound(w, r)
	case !isRead:
		w.Header().Set("Allow", "GET, HEAD")
		t.show(w, http.StatusMethodNotAllowed, messagePage("This page is only read", "It does not take "+r.Method+"."))
	case path == "/logout":
		t.serveLogout(w, r)
	case t.isWSFederation(path):
		t.serveLogin(w, r)
	default:
		t.serveApp(w, r)
	}
}

// isWSFederation recognises the endpoint that ends a session without any parameter but wa: /common/wsfederation.
func (t *Tenant) isWSFederation(path string) bool {
	tenant, ok := strings.CutSuffix(strings.TrimPrefix(path, "/"), "/wsfederation")
	return ok && (tenant == "common" || tenant == "organizations" || t.hasName(tenant))
}

// serveLogin begins a sign-in or ends a session, at login.srf and at the endpoint for WS-Federation.
func (t *Tenant) serveLogin(w http.ResponseWriter, r *http.Request) {
	switch wa := r.URL.Query().Get("wa"); wa {
	case "", "wsignin1.0":
		t.serveSignInRequest(w, r)
	case "wsignout1.0":
		t.serveSignOut(w, r)
	case "wsignoutcleanup1.0":
		t.serveCleanup(w, r)
	default:
		t.show(w, http.StatusBadRequest, t.errorPage(r, "90023", "the parameter wa is "+quoted(wa)))
	}
}

func (t *Tenant) serveSignInRequest(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	reply, err := t.checkedReply(q.Get("wreply"))
	if err != nil {
		t.show(w, http.StatusBadRequest, t.errorPage(r, "90023", err.Error()))
		return
	}
	hint := q.Get("login_hint")
	fresh := q.Get("prompt") == "login" || q.Get("wfresh") == "0"
	if s, ok := t.sessionOf(r); ok && !fresh && s.suits(q.Get("whr"), hint) {
		t.deliver(w, r, cookieOf(r, cookieSession), s, reply)
		return
	}
	realm, ok := t.discover(q.Get("whr"), hint)
	if !ok {
		t.show(w, http.StatusOK, t.askPage(q, hint))
		return
	}
	f := &flow{realm: realm.Domain, reply: reply, fresh: fresh, browser: t.browserOf(w, r)}
	if strings.Contains(hint, "@") {
		f.hint = hint
	}
	t.sendToIdentityProvider(w, r, f, realm)
}

// discover finds the identity provider. A hint that names no federated domain is ignored, as Entra does. That of guests is
// found by their mail address or its domain (assumed: Microsoft's pages have links with the tenant in them instead).
func (t *Tenant) discover(whr, loginHint string) (Realm, bool) {
	for _, hint := range []string{whr, loginHint} {
		if hint == "" {
			continue
		}
		if realm, ok := t.signInRealmOf(hint); ok {
			return realm, true
		}
	}
	return Realm{}, false
}

func (t *Tenant) sendToIdentityProvider(w http.ResponseWriter, r *http.Request, f *flow, realm Realm) {
	if realm.Federation.Protocol == WSFed {
		http.Redirect(w, r, t.wsFedRequest(f, realm), http.StatusFound)
		return
	}
	request, err := t.request(f, realm)
	if err != nil {
		t.cfg.Logger.Error("no request can be sent", "realm", realm.Domain, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	t.cfg.Logger.Info("sign-in begun", "realm", realm.Domain, "request", request.ID)
	t.show(w, http.StatusOK, postPage(request))
}

// suits reports whether the session is the one that the link asks for.
func (s session) suits(whr, hint string) bool {
	switch {
	case strings.Contains(hint, "@") && !strings.EqualFold(hint, s.user.UPN) &&
		!(s.user.isGuest() && s.user.hasAddress(hint)):
		return false
	case whr != "" && !strings.EqualFold(whr, s.realm) && !isBelow(whr, s.realm):
		return false
	}
	return true
}

// deliver sends a signed-in browser where it wanted to go, or tells who is signed in.
func (t *Tenant) deliver(w http.ResponseWriter, r *http.Request, cookie string, s session, reply string) {
	if reply == "" {
		t.show(w, http.StatusOK, t.appPage(r, s))
		return
	}
	http.Redirect(w, r, t.location(r, cookie, reply), http.StatusFound)
}

// location is the reply address, with a ticket if this host's cookies do not go there.
func (t *Tenant) location(r *http.Request, cookie, reply string) string {
	target, err := url.Parse(reply)
	if err != nil || target.Hostname() == hostnameOf("http://"+r.Host) {
		return reply
	}
	ticket := t.newGUID()
	t.signIn.hand(ticket, cookie, t.now())
	q := target.Query()
	q.Set(ticketParameter, ticket)
	target.RawQuery = q.Encode()
	return target.String()
}

// checkedReply returns where a wreply leads, or an error for one that leads out of the cloud.
func (t *Tenant) checkedReply(raw string) (string, error) {
	if raw == "" {
		return "", nil
	}
	target, err := url.Parse(raw)
	if err != nil || strings.ContainsAny(raw, "\\\t\r\n") {
		return "", errReply
	}
	if err := t.cloud.CheckURL(raw); err != nil || !t.isOwnHost(target) {
		return "", errReply
	}
	return t.keepLocal(target).String(), nil
}

type replyError struct{}

var errReply error = replyError{}

func (replyError) Error() string { return "wreply does not lead to a host of this cloud over https" }

func (t *Tenant) isOwnHost(target *url.URL) bool {
	if target.Scheme+"://"+target.Host == t.cloud.Login {
		return true
	}
	return slices.ContainsFunc(t.cloud.Hosts, func(suffix string) bool {
		return strings.EqualFold(target.Hostname(), suffix) || isBelow(target.Hostname(), suffix)
	})
}

// keepLocal turns an address of the real cloud into one of this listener, when the tenant is served on a loopback
// address: nothing of a simulated sign-in goes out to Microsoft.
func (t *Tenant) keepLocal(target *url.URL) *url.URL {
	if !entrafed.IsLoopback(hostnameOf(t.cloud.Login)) || entrafed.IsLoopback(target.Hostname()) {
		return target
	}
	local, err := url.Parse(t.cloud.Login)
	if err != nil {
		return target
	}
	local.Path = "/" + appByHost(target.Hostname()).path() + target.Path
	local.RawQuery, local.Fragment = target.RawQuery, target.Fragment
	return local
}

func (t *Tenant) sessionOf(r *http.Request) (session, bool) {
	return t.signIn.session(cookieOf(r, cookieSession), t.now())
}

// browserOf returns the browser's own cookie, and sets one if it has none.
func (t *Tenant) browserOf(w http.ResponseWriter, r *http.Request) string {
	if known := cookieOf(r, cookieBrowser); isGUID(known) {
		return known
	}
	fresh := t.newGUID()
	t.setCookie(w, cookieBrowser, fresh)
	return fresh
}

func cookieOf(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// setCookie sets a cookie of the browser's session, or removes it if value is empty.
//
// The identity provider usually is another site, and its page posts the answer here: only SameSite=None lets a browser
// send cookies along then, and that needs Secure. On a loopback address without TLS everything is one site as long as
// all parties use the same host name, and Lax is enough.
func (t *Tenant) setCookie(w http.ResponseWriter, name, value string) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if strings.HasPrefix(t.cloud.Login, "https://") {
		c.SameSite, c.Secure = http.SameSiteNoneMode, true
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// accepts reports whether the client asks for a media type by name.
func accepts(r *http.Request, mediaType string) bool {
	for _, header := range r.Header.Values("Accept") {
		for _, part := range strings.Split(header, ",") {
			if named, _, err := mime.ParseMediaType(part); err == nil && named == mediaType {
				return true
			}
		}
	}
	return false
}
