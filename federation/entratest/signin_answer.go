package entratest

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// CheckResponse does what login.srf does with a posted response, without HTTP: it applies [Rules], and an accepted
// response uses up its request, so that the same one is refused the second time. samlResponse is the form field as it
// would be posted, relayState what came with the request. The cookie that a browser would bring is taken for granted.
func (t *Tenant) CheckResponse(samlResponse, relayState string) Verdict {
	return t.judge(message{samlResponse: samlResponse, relayState: relayState}, "")
}

// judge applies the rules, and takes note of an accepted response. Of two equal responses at the same moment one is
// accepted: the other is looked at once more, and then found to be a replay.
func (t *Tenant) judge(m message, browser string) Verdict {
	for {
		e := t.examination(m, browser)
		v := e.verdict()
		if !v.Accepted || t.note(e, v) {
			t.log(v)
			return v
		}
	}
}

func (t *Tenant) note(e *examination, v Verdict) bool {
	requestID, _ := attr(e.root, "InResponseTo")
	until := v.Claims.NotOnOrAfter.Add(2 * clockSkew)
	return t.signIn.consume(requestID, v.Claims.AssertionID, !e.Lenient, until, e.now)
}

func (t *Tenant) examination(m message, browser string) *examination {
	t.signIn.mu.Lock()
	policy := t.signIn.policy
	t.signIn.mu.Unlock()
	e := newExamination(Expectation{
		Realms: slices.Concat(t.realms(), t.externalRealms()), TenantID: t.cfg.TenantID, Cloud: t.cloud,
		Accounts: tenantAccounts{t}, Policy: policy, Lenient: t.cfg.Lenient, Now: t.now,
	}, m)
	e.memory = &tenantMemory{
		state: &t.signIn, now: e.now, flow: t.signIn.flowOf(m.relayState, e.now),
		relayState: m.relayState, browser: browser, http: m.http,
	}
	return e
}

func (t *Tenant) log(v Verdict) {
	if v.Accepted {
		t.cfg.Logger.Info("sign-in accepted", "user", v.User.UPN, "realm", v.Realm)
		return
	}
	t.cfg.Logger.Warn("sign-in refused", "code", v.Code, "rule", v.Rule, "detail", v.Detail, "remedy", v.Remedy)
}

// tenantAccounts is the tenant's directory as the sign-in service sees it.
type tenantAccounts struct{ t *Tenant }

func (a tenantAccounts) UsersByImmutableID(id string) []User       { return a.t.signInUsers(id) }
func (a tenantAccounts) UserByUPN(upn string) (User, bool)         { return a.t.signInUserByUPN(upn) }
func (a tenantAccounts) RealmOf(upn string) (realm Realm, ok bool) { return a.t.realmOf(upn) }
func (a tenantAccounts) GuestsByMail(address string) []User        { return a.t.signInGuests(address) }

// tenantMemory is what a tenant remembers that concerns one response.
type tenantMemory struct {
	state      *signInState
	now        time.Time
	flow       *flow // that of the RelayState, or nil
	relayState string
	browser    string
	http       bool
}

// relay judges the RelayState and, over HTTP, the cookie that belongs to it.
func (m *tenantMemory) relay() result {
	switch {
	case m.relayState == "":
		return failed("there is no RelayState")
	case m.flow == nil:
		return failed("this tenant sent no such RelayState (%d bytes)", len(m.relayState))
	case m.flow.relayState != m.relayState:
		return failed("RelayState came back changed: %d bytes were sent and %d came, the first %d of them alike",
			len(m.flow.relayState), len(m.relayState), commonPrefix(m.flow.relayState, m.relayState))
	case m.now.After(m.flow.started.Add(flowLifetime)):
		return failed("the sign-in began %s ago", m.now.Sub(m.flow.started).Round(time.Second)).as("50089").
			advise("Begin again, and make people wait less than an hour.")
	case m.http && m.flow.browser != "" && m.flow.browser != m.browser:
		return failed("the cookie that was set with the request did not come back").as("165000").
			advise("Begin and end the sign-in in the same browser. On a loopback address, use one host name for everything.")
	}
	return passed("%d bytes, unchanged", len(m.relayState))
}

func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// answers judges an InResponseTo.
func (m *tenantMemory) answers(requestID string) result {
	m.state.mu.Lock()
	defer m.state.mu.Unlock()
	switch f, known := m.state.requests.get(requestID, m.now); {
	case !known:
		return failed("InResponseTo is %s, which is no request of this tenant", quoted(requestID))
	case f.used:
		return failed("the request %s was answered before", quoted(requestID))
	case m.flow != nil && m.flow != f:
		return failed("InResponseTo is %s, and RelayState belongs to the request %s", quoted(requestID), m.flow.requestID)
	}
	return passed("")
}

// replayed reports whether the assertion was accepted before.
func (m *tenantMemory) replayed(assertionID string) bool {
	m.state.mu.Lock()
	defer m.state.mu.Unlock()
	_, again := m.state.accepted.get(assertionID, m.now)
	return again
}

// freshSince is the time before which the person must not have authenticated, or zero.
func (m *tenantMemory) freshSince() time.Time {
	if m.flow == nil || !m.flow.fresh {
		return time.Time{}
	}
	return m.flow.started
}

// serveAnswer takes what an identity provider posts.
func (t *Tenant) serveAnswer(w http.ResponseWriter, r *http.Request) {
	m := messageIn(w, r)
	switch {
	case m.fault == "" && r.PostForm.Has("wresult"):
		t.show(w, http.StatusBadRequest, t.errorPage(r, "90082",
			"this simulation sends WS-Federation requests, and checks SAML 2.0 responses only"))
		return
	case isLogoutResponse(m.samlResponse):
		t.serveLogoutResponse(w, r, m)
		return
	}
	v := t.judge(m, cookieOf(r, cookieBrowser))
	f := t.signIn.flowOf(m.relayState, t.now())
	if v.Accepted {
		t.welcome(w, r, f, v)
		return
	}
	t.reject(w, r, f, v)
}

// welcome opens a session and lets the browser go on.
func (t *Tenant) welcome(w http.ResponseWriter, r *http.Request, f *flow, v Verdict) {
	cookie := t.newGUID()
	s := session{user: v.User, realm: v.Realm, index: v.Claims.SessionIndex, since: t.now()}
	t.signIn.open(cookie, s)
	t.setCookie(w, cookieSession, cookie)
	reply := ""
	if f != nil {
		reply = f.reply
	}
	if accepts(r, "application/json") {
		if reply != "" {
			reply = t.location(r, cookie, reply)
		}
		t.writeVerdict(w, r, http.StatusOK, v, reply)
		return
	}
	t.deliver(w, r, cookie, s, reply)
}

// reject explains, or sends the person back to the identity provider for the MFA that the domain's
// federatedIdpMfaBehavior demands: once, because an identity provider that never proves MFA would be asked for ever.
func (t *Tenant) reject(w http.ResponseWriter, r *http.Request, f *flow, v Verdict) {
	if accepts(r, "application/json") {
		t.writeVerdict(w, r, http.StatusForbidden, v, "")
		return
	}
	realm, ok := t.realmOf(v.Realm)
	if v.Code == "AADSTS50079" && ok && f != nil && !f.mfaAsked {
		again := &flow{realm: f.realm, reply: f.reply, hint: f.hint, fresh: f.fresh, browser: f.browser, mfaAsked: true}
		t.sendToIdentityProvider(w, r, again, realm)
		return
	}
	t.show(w, http.StatusForbidden, t.verdictPage(r, v))
}

func (t *Tenant) writeVerdict(w http.ResponseWriter, r *http.Request, status int, v Verdict, location string) {
	body, err := json.Marshal(struct {
		verdictJSON
		Location      string `json:"location,omitempty"`
		TraceID       string `json:"traceId"`
		CorrelationID string `json:"correlationId"`
		Timestamp     string `json:"timestamp"`
	}{v.wire(), location, t.newGUID(), t.correlationID(r), stamp(t.now())})
	if err != nil { // strings, numbers and times of four-digit years always marshal
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client has gone, if this fails
}

// correlationID is the client's, if it sent one.
func (t *Tenant) correlationID(r *http.Request) string {
	if id := r.URL.Query().Get("client-request-id"); isGUID(id) {
		return id
	}
	return t.newGUID()
}
