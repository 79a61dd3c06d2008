package entratest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// CheckLogoutResponse checks the answer to a LogoutRequest, by rule 43: a LogoutResponse that was posted to login.srf.
// samlResponse is the form field: base64 of the XML. It must be addressed to login.srf, come from one of the realms,
// report success, and carry a good signature if it carries one. Where Expectation.RequestID and RelayState are known, it
// must answer that LogoutRequest.
//
// The Verdict has the one finding, is Accepted if the rule does not fail, and names no user.
func (x Expectation) CheckLogoutResponse(samlResponse, relayState string) Verdict {
	e := newExamination(x, message{samlResponse: samlResponse, relayState: relayState})
	return e.logoutVerdict()
}

func (e *examination) logoutVerdict() Verdict {
	v := e.conclude([]Finding{ruleSignOut().finding(e.Lenient, e.checkLogoutResponse())})
	v.Accepted = v.Rule == 0
	return v
}

// checkLogoutResponse judges by the profile of SAML (saml-profiles-2.0-os section 4.4.4.2). What Entra itself asks of it
// is not public.
func (e *examination) checkLogoutResponse() result {
	for _, check := range []func() result{
		e.checkLogoutDocument, e.checkLogoutSender, e.checkLogoutAnswers, e.checkLogoutStatus,
	} {
		if res := check(); res.outcome != Passed {
			return res
		}
	}
	return e.checkLogoutSignature()
}

// checkLogoutDocument reads the message.
func (e *examination) checkLogoutDocument() result {
	if res := checkPosted(e); res.outcome != Passed {
		return res.as("900144")
	}
	raw, problem := decode(e.message.samlResponse)
	if problem != "" {
		return failed("%s", problem).as("75005")
	}
	e.root, e.rootErr = readDocument(raw)
	switch {
	case errors.Is(e.rootErr, errDoctype), errors.Is(e.rootErr, errLimits):
		return failed("%s", e.rootErr).as("50008")
	case e.rootErr != nil:
		return failed("%s", e.rootErr).as("90107")
	case !is(e.root, nsProtocol, "LogoutResponse"):
		return failed("the document element is %s of the namespace %s", quoted(e.root.Tag), quoted(e.root.NamespaceURI())).
			as("75005")
	}
	if version, _ := attr(e.root, "Version"); version != "2.0" {
		return failed("the Version is %s", quoted(version))
	}
	if id, _ := attr(e.root, "ID"); !ncName.MatchString(id) {
		return failed("the ID is %s", quoted(id)).as("7500529")
	}
	return checkNoWrapping(e)
}

// checkLogoutSender finds the realm.
func (e *examination) checkLogoutSender() result {
	if res := checkDestination(e); res.outcome != Passed {
		return res
	}
	issuers := children(e.root, nsAssertion, "Issuer")
	if len(issuers) != 1 {
		return failed("there are %s instead of one", plural(len(issuers), "Issuer"))
	}
	issuer := value(issuers[0])
	matching := e.realmsOf(issuer)
	if len(matching) == 0 {
		return failed("no federated domain has the issuerUri %s%s", quoted(issuer), e.nearMiss(issuer)).as("50107")
	}
	if matching[0].External {
		return failed("%s is the issuer of guests, whose federation has no sign-out", quoted(issuer)).as("50107")
	}
	e.realm = matching[0]
	return passed("")
}

// checkLogoutAnswers compares with the LogoutRequest, as far as it is known.
func (e *examination) checkLogoutAnswers() result {
	id, _ := attr(e.root, "InResponseTo")
	asked := &signOut{requestID: e.RequestID, relayState: e.RelayState, realm: e.realm.Domain}
	if e.memory != nil {
		var problem string
		if asked, problem = e.memory.signOut(id); problem != "" {
			return failed("%s", problem)
		}
	}
	switch {
	case id == "":
		return failed("there is no InResponseTo: nobody asked for it")
	case asked.requestID != "" && id != asked.requestID:
		return failed("InResponseTo is %s, and the request was %s", quoted(id), quoted(asked.requestID))
	case asked.realm != e.realm.Domain:
		return failed("%s answers, and %s was asked", e.realm.Domain, asked.realm).as("50068")
	case asked.relayState != "" && asked.relayState != e.message.relayState:
		return failed("RelayState has %d bytes and is not the one of %d bytes that was sent",
			len(e.message.relayState), len(asked.relayState)).as("90013")
	}
	return passed("")
}

func (e *examination) checkLogoutStatus() result {
	statuses := children(e.root, nsProtocol, "Status")
	if len(statuses) != 1 {
		return failed("there is %s instead of one Status", plural(len(statuses), "Status element"))
	}
	code := child(statuses[0], nsProtocol, "StatusCode")
	top, _ := attr(code, "Value")
	inner, _ := attr(child(code, nsProtocol, "StatusCode"), "Value")
	if top != statusSuccess {
		return failed("the status is %s, %s, with the message %s", quoted(top), quoted(inner),
			quoted(value(child(statuses[0], nsProtocol, "StatusMessage"))))
	}
	return passed("")
}

// checkLogoutSignature is last: a signature that is there must be good, and one that is missing is worth a word.
func (e *examination) checkLogoutSignature() result {
	signatures := directSignatures(e.root)
	if countSignatures(e.root) != len(signatures) || len(signatures) > 1 {
		return failed("there is more than one Signature, or one that is not directly inside the LogoutResponse")
	}
	if len(signatures) == 0 {
		return warned("%s has ended its session; the LogoutResponse is not signed, which SAML asks of a posted one",
			e.realm.name()).advise("Sign the LogoutResponse.")
	}
	if res := e.checkSignatureOf(signatures[0]); res.outcome != Passed {
		return res
	}
	return passed("%s has ended its session; the LogoutResponse is signed", e.realm.name())
}

// signOut finds what a LogoutResponse answers, or says why there is nothing.
func (m *tenantMemory) signOut(requestID string) (asked *signOut, problem string) {
	m.state.mu.Lock()
	defer m.state.mu.Unlock()
	s, known := m.state.signOuts.get(requestID, m.now)
	switch {
	case !known:
		return nil, fmt.Sprintf("InResponseTo is %s, which is no LogoutRequest of this tenant", quoted(requestID))
	case s.used:
		return nil, fmt.Sprintf("the LogoutRequest %s was answered before", quoted(requestID))
	}
	return s, ""
}

// isLogoutResponse tells the answer to a LogoutRequest from that to an AuthnRequest.
func isLogoutResponse(samlResponse string) bool {
	raw, problem := decode(samlResponse)
	if problem != "" || !bytes.Contains(raw, []byte("LogoutResponse")) {
		return false
	}
	root, err := readDocument(raw)
	return err == nil && is(root, nsProtocol, "LogoutResponse")
}

// serveLogoutResponse says how the sign-out at the identity provider went. The session here is over in any case.
func (t *Tenant) serveLogoutResponse(w http.ResponseWriter, r *http.Request, m message) {
	e := t.examination(m, cookieOf(r, cookieBrowser))
	v := e.logoutVerdict()
	if v.Accepted {
		requestID, _ := attr(e.root, "InResponseTo")
		t.signIn.endSignOut(requestID, e.now)
	}
	t.logSignOut(v)
	status := http.StatusOK
	if !v.Accepted {
		status = http.StatusForbidden
	}
	switch {
	case accepts(r, "application/json"):
		t.writeVerdict(w, r, status, v, "")
	case v.Accepted:
		t.show(w, status, signedOutPage(v.Findings[0].Detail, ""))
	default:
		p := t.verdictPage(r, v)
		p.Title, p.Heading = "Sign out: "+v.Code, "Sorry, but we’re having trouble signing you out."
		t.show(w, status, p)
	}
}

func (t *Tenant) logSignOut(v Verdict) {
	if v.Accepted {
		t.cfg.Logger.Info("sign-out confirmed", "realm", v.Realm, "detail", v.Findings[0].Detail)
		return
	}
	t.cfg.Logger.Warn("sign-out not confirmed", "code", v.Code, "rule", v.Rule, "detail", v.Detail, "remedy", v.Remedy)
}

// signOutMemory is how long a LogoutResponse may take.
const signOutMemory = time.Hour

func (s *signInState) rememberSignOut(begun *signOut) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signOuts.put(begun.requestID, begun, begun.started.Add(signOutMemory), begun.started)
}

func (s *signInState) endSignOut(requestID string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if begun, known := s.signOuts.get(requestID, now); known {
		begun.used = true
	}
}
