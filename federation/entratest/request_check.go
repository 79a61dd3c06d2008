package entratest

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// CheckRequest checks what a browser brings to an identity provider, by [RequestRules]: whether it is what Entra sends.
// The kind of the request decides which of the rules is looked at; of the others the Verdict says that they were not.
// Expectation.RequestCertificates verify signatures, and the SignInURL, the SignOutURL and SignedAuthnRequests of the
// realms say what to expect where. The Verdict is Accepted if no rule failed, and names no user.
//
// Of the body at most 1 MiB is read. A body that was parsed before, by r.ParseForm, is used as it is.
func (x Expectation) CheckRequest(r *http.Request) Verdict {
	return x.checkSent(sentBy(r))
}

// CheckRequestDocument is [Expectation.CheckRequest] for a document of which only the XML is known, and not how it was
// sent.
func (x Expectation) CheckRequestDocument(document []byte) Verdict {
	return x.checkSent(sent{samlRequest: base64.StdEncoding.EncodeToString(document), method: http.MethodPost})
}

// sent is a message on its way to an identity provider.
type sent struct {
	http        bool // how it travelled is known
	method      string
	address     *url.URL   // without its query
	rawQuery    string     // of a GET
	fields      url.Values // of the form or the query
	samlRequest string
	problem     string // why the fields cannot be read
}

func sentBy(r *http.Request) sent {
	s := sent{http: true, method: r.Method, address: addressOf(r)}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		s.rawQuery = r.URL.RawQuery
		fields, err := url.ParseQuery(s.rawQuery)
		if err != nil {
			s.problem = "the query cannot be read: " + err.Error()
		}
		s.fields = fields
	default:
		s.fields, s.problem = postedForm(nil, r)
	}
	for name, values := range s.fields {
		if len(values) > 1 && s.problem == "" {
			s.problem = "the parameter " + quoted(name) + " occurs more than once"
		}
	}
	s.samlRequest = s.fields.Get("SAMLRequest")
	return s
}

// addressOf is where a request went. A server does not see the scheme; then it is empty.
func addressOf(r *http.Request) *url.URL {
	address := &url.URL{Scheme: r.URL.Scheme, Host: orElse(r.URL.Host, r.Host), Path: r.URL.Path}
	if address.Scheme == "" && r.TLS != nil {
		address.Scheme = "https"
	}
	return address
}

// at reports whether the message was sent to an address, or may have been: a request without a host tells nothing.
func (s sent) at(address string) bool {
	want, err := url.Parse(address)
	if err != nil || !s.http || s.address.Host == "" {
		return err == nil
	}
	return (s.address.Scheme == "" || strings.EqualFold(s.address.Scheme, want.Scheme)) &&
		strings.EqualFold(s.address.Host, want.Host) && orElse(s.address.Path, "/") == orElse(want.Path, "/")
}

// requestExamination is one message of Entra's that is looked at.
type requestExamination struct {
	*examination
	sent sent
}

func (x Expectation) checkSent(s sent) Verdict {
	e := requestExamination{newExamination(x, message{}), s}
	applies, res := e.judge()
	var findings []Finding
	for _, rule := range RequestRules() {
		if rule.Number != applies {
			findings = append(findings, rule.finding(e.Lenient, unchecked("the message is of another kind")))
			continue
		}
		findings = append(findings, rule.finding(e.Lenient, res))
	}
	v := e.conclude(findings)
	v.Accepted = v.Rule == 0
	return v
}

// judge tells what kind of message it is, and judges it.
func (e requestExamination) judge() (rule int, res result) {
	action := e.sent.fields.Get("wa")
	switch {
	case e.sent.samlRequest != "":
		return e.judgeDocument()
	case action == "wsignin1.0":
		return 42, e.checkWSFederation()
	case action == "wsignout1.0", action == "wsignoutcleanup1.0":
		return 43, e.checkSignOutLink("with wa=" + action)
	case e.sent.method == http.MethodPost:
		return 41, failed("%s", orElse(e.sent.problem, "there is no SAMLRequest")).as("750054")
	case action != "":
		return 43, failed("the parameter wa is %s", quoted(action))
	}
	return 43, e.checkSignOutLink("bare, without a message")
}

func (e requestExamination) judgeDocument() (rule int, res result) {
	raw, problem := e.sent.document()
	if problem != "" {
		return 41, failed("%s", problem)
	}
	root, err := readDocument(raw)
	switch {
	case err != nil:
		return 41, failed("%s", err)
	case is(root, nsProtocol, "AuthnRequest"):
		return 41, e.checkAuthnRequest(root)
	case is(root, nsProtocol, "LogoutRequest"):
		return 43, e.checkLogoutRequest(root)
	}
	return 41, failed("the document element is %s of the namespace %s", quoted(root.Tag), quoted(root.NamespaceURI()))
}

// document decodes the SAMLRequest as the binding has it.
func (s sent) document() (raw []byte, problem string) {
	if s.problem != "" {
		return nil, s.problem
	}
	raw, problem = decode(s.samlRequest)
	if problem != "" || s.method == http.MethodPost {
		return raw, problem
	}
	raw, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), maxDocumentBytes+1))
	if err != nil {
		return nil, "the SAMLRequest of a query must be deflated: " + err.Error()
	}
	return raw, ""
}

// firstOf returns the first result that is no pass, a failure before a warning.
func firstOf(checks ...func() result) result {
	kept := passed("")
	for _, check := range checks {
		switch res := check(); {
		case res.outcome == Failed:
			return res
		case res.outcome == Warned && kept.outcome == Passed:
			kept = res
		}
	}
	return kept
}

func (e requestExamination) checkAuthnRequest(root *etree.Element) result {
	signed := len(directSignatures(root)) > 0
	res := firstOf(
		func() result { return e.checkTravelled(http.MethodPost, "75003") },
		func() result { return e.checkSentMessage(root, func(f Federation) string { return f.SignInURL }) },
		func() result { return checkAnswerIsLeft(root) },
		func() result { return checkPersistentPolicy(root) },
		func() result { return e.checkSignatureAsked(signed) },
		func() result { return e.checkEnveloped(root) },
		func() result { return checkWishes(root) },
		func() result { return e.checkState() },
	)
	if res.outcome != Passed {
		return res
	}
	if signed {
		return passed("a signed AuthnRequest%s", e.unverified())
	}
	return passed("an unsigned AuthnRequest")
}

func (e requestExamination) unverified() string {
	if len(e.RequestCertificates) == 0 {
		return "; the signature was not verified, because no certificate to verify it with is known"
	}
	return ", verified"
}

func (e requestExamination) checkTravelled(method, code string) result {
	if e.sent.http && e.sent.method != method {
		return failed("it came by %s; Entra sends it by %s", e.sent.method, method).as(code)
	}
	return passed("")
}

// checkSentMessage checks what every request has (saml-core-2.0-os section 3.2.1).
func (e requestExamination) checkSentMessage(root *etree.Element, endpoint func(Federation) string) result {
	version, _ := attr(root, "Version")
	id, _ := attr(root, "ID")
	issuers := children(root, nsAssertion, "Issuer")
	if res := e.checkAudienceIsIssuer(issuers); res.outcome != Passed {
		return res
	}
	_, present, err := instantOf(root, "IssueInstant")
	switch {
	case version != "2.0":
		return failed("the Version is %s", quoted(version))
	case !ncName.MatchString(id):
		return failed("the ID is %s", quoted(id)).as("7500529")
	case err != nil || !present:
		return failed("there is no IssueInstant in UTC")
	}
	destination, named := attr(root, "Destination")
	if named && !e.sent.at(destination) {
		return failed("Destination is %s, and it was sent to %s", quoted(destination), quoted(e.sent.address.String())).
			as("75008")
	}
	if res := e.checkEndpoint(endpoint); res.outcome != Passed {
		return res
	}
	return e.checkAsksItsOwn(value(issuers[0]))
}

func (e requestExamination) checkAudienceIsIssuer(issuers []*etree.Element) result {
	if len(issuers) != 1 {
		return failed("there is %s instead of one", plural(len(issuers), "Issuer"))
	}
	if issuer := value(issuers[0]); !e.mayAsk(issuer) {
		return failed("the Issuer is %s, and that of the cloud is %s", quoted(issuer), quoted(e.Cloud.Audience)).
			advise("Refuse the request, or configure the cloud that sent it.")
	}
	return passed("")
}

// mayAsk reports whether it is a name under which identity providers are asked: that of the cloud, or where there are
// federations for guests, that of the tenant.
func (e requestExamination) mayAsk(name string) bool {
	forGuests := slices.ContainsFunc(e.Realms, func(r Realm) bool { return r.External })
	return name == e.Cloud.Audience || forGuests && name != "" && name == e.guestAudience()
}

// checkAsksItsOwn refuses a request for guests that reached the identity provider of a domain.
func (e requestExamination) checkAsksItsOwn(name string) result {
	if name == e.guestAudience() && name != "" && e.realm.Domain != "" && !e.realm.External {
		return failed("%s asks for guests, and this is the address of %s", quoted(name), e.realm.Domain).as("75008")
	}
	return passed("")
}

// checkEndpoint finds the realm by the address, where the realms have addresses.
func (e requestExamination) checkEndpoint(endpoint func(Federation) string) result {
	known := slices.DeleteFunc(slices.Clone(e.Realms), func(r Realm) bool { return endpoint(r.Federation) == "" })
	if len(known) == 0 || !e.sent.http {
		return passed("")
	}
	for _, r := range known {
		if e.sent.at(endpoint(r.Federation)) {
			e.realm = r
			return passed("")
		}
	}
	return failed("it was sent to %s, which is no address of a federated domain", quoted(e.sent.address.String())).as("75008")
}

// checkAnswerIsLeft: Entra leaves it to the identity provider to know where the answer goes.
func checkAnswerIsLeft(root *etree.Element) result {
	for _, name := range []string{"AssertionConsumerServiceURL", "ProtocolBinding"} {
		if v, present := attr(root, name); present {
			return failed("there is %s=%s, which Entra does not send", name, quoted(v)).
				advise("Answer to the cloud's login.srf whatever a request says, or refuse the request.")
		}
	}
	if index, present := attr(root, "AssertionConsumerServiceIndex"); present && index != "0" {
		return failed("AssertionConsumerServiceIndex is %s; Entra sent 0, in 2016", quoted(index))
	}
	return passed("")
}

func checkPersistentPolicy(root *etree.Element) result {
	policies := children(root, nsProtocol, "NameIDPolicy")
	if len(policies) != 1 {
		return failed("there is %s instead of one NameIDPolicy", plural(len(policies), "NameIDPolicy element"))
	}
	if format, _ := attr(policies[0], "Format"); format != formatPersistent {
		return failed("the Format of NameIDPolicy is %s", quoted(format)).as("75016")
	}
	return passed("")
}

func (e requestExamination) checkSignatureAsked(signed bool) result {
	if e.realm.Federation.SignedAuthnRequests && !signed {
		return failed("it is not signed, and the domain's isSignedAuthenticationRequestRequired is true").as("76021")
	}
	return passed("")
}

const remedyRequestKey = "Refuse the request, unless the certificates are old: those in the cloud's SAML metadata count."

// checkEnveloped judges a signature inside the message, as Microsoft's sample has it.
func (e requestExamination) checkEnveloped(root *etree.Element) result {
	signatures := directSignatures(root)
	if countSignatures(root) != len(signatures) || len(signatures) > 1 {
		return failed("there is more than one Signature, or one that is not directly inside the message")
	}
	if len(signatures) == 0 {
		return passed("")
	}
	s := signatures[0]
	if problem := s.shape(); problem != "" {
		return failed("%s", problem)
	}
	if res := s.checkTransforms(); res.outcome != Passed {
		return res
	}
	if res := s.checkAlgorithms(); res.outcome == Failed && !res.tolerable { // Entra's own requests have SHA-1
		return res
	}
	if len(e.RequestCertificates) > 0 {
		if _, _, err := s.verify(e.RequestCertificates); err != nil {
			return failed("%s", err).as("50006").advise(remedyRequestKey)
		}
	}
	return e.checkKeyInfo(describeSignatures(root)[0])
}

func (e requestExamination) checkKeyInfo(s MessageSignature) result {
	identified := func(c *x509.Certificate) bool {
		return base64.StdEncoding.EncodeToString(c.SubjectKeyId) == s.X509SKI
	}
	switch {
	case s.Certificate != "":
		return warned("KeyInfo shows a certificate, which Entra's requests do not")
	case s.X509SKI == "" || s.KeyName != requestKeyName:
		return warned("KeyInfo does not name the key as Entra does, by X509SKI and the KeyName %s", requestKeyName)
	case len(e.RequestCertificates) > 0 && !slices.ContainsFunc(e.RequestCertificates, identified):
		return warned("X509SKI %s is that of none of the certificates", quoted(s.X509SKI))
	}
	return passed("")
}

// checkWishes: what nobody has seen Entra send, and what SAML allows.
func checkWishes(root *etree.Element) result {
	for _, name := range []string{"ForceAuthn", "IsPassive"} {
		if v, present := attr(root, name); present {
			return warned("there is %s=%s; no public trace shows whether Entra sends it", name, quoted(v))
		}
	}
	for _, name := range []string{"RequestedAuthnContext", "Scoping", "Extensions"} {
		if child(root, nsProtocol, name) != nil {
			return warned("there is a %s; no public trace shows whether Entra sends it", name)
		}
	}
	if child(root, nsAssertion, "Subject") != nil {
		return warned("there is a Subject; no public trace shows whether Entra sends it")
	}
	return passed("")
}

// minRelayState is what a RelayState of Entra's exceeds.
const minRelayState = 1000

func (e requestExamination) checkState() result {
	if n := len(e.sent.fields.Get("RelayState")); e.sent.http && n < minRelayState {
		return warned("RelayState has %d bytes; Entra's has over a thousand", n)
	}
	return passed("")
}

var upperCaseEscape = regexp.MustCompile(`%(?:[0-9A-Fa-f][A-F]|[A-F][0-9A-Fa-f])`)

func (e requestExamination) checkWSFederation() result {
	res := firstOf(
		func() result { return e.checkTravelled(http.MethodGet, "20012") },
		func() result { return e.checkEndpoint(func(f Federation) string { return f.SignInURL }) },
		e.checkWSFederationFields,
		func() result {
			if e.sent.problem != "" {
				return failed("%s", e.sent.problem)
			}
			if escape := upperCaseEscape.FindString(e.sent.rawQuery); escape != "" {
				return failed("the escape %s is in upper case; Entra's are in lower case", quoted(escape))
			}
			return passed("")
		},
	)
	if res.outcome != Passed {
		return res
	}
	return passed("a sign-in by WS-Federation")
}

func (e requestExamination) checkWSFederationFields() result {
	fields := e.sent.fields
	switch wtrealm, wctx := fields.Get("wtrealm"), fields.Get("wctx"); {
	case !e.mayAsk(wtrealm):
		return failed("wtrealm is %s, and that of the cloud is %s", quoted(wtrealm), quoted(e.Cloud.Audience))
	case !strings.Contains(wctx, "estsrequest="):
		return failed("wctx is %s, which is no state of Entra's", quoted(wctx))
	case !fields.Has("username"):
		return failed("there is no username; Entra sends an empty one where none is known")
	case fields.Has("wreply"):
		return warned("there is a wreply, which Entra does not send: answer to the cloud's login.srf")
	case len(wctx) < minRelayState:
		return warned("wctx has %d bytes; Entra's has over a thousand", len(wctx))
	}
	return passed("")
}

func (e requestExamination) checkSignOutLink(kind string) result {
	res := firstOf(
		func() result { return e.checkTravelled(http.MethodGet, "50061") },
		func() result { return e.checkEndpoint(func(f Federation) string { return f.SignOutURL }) },
		func() result {
			if e.sent.problem != "" {
				return failed("%s", e.sent.problem)
			}
			return passed("")
		},
	)
	if res.outcome != Passed {
		return res
	}
	return passed("a sign-out %s", kind)
}

func (e requestExamination) checkLogoutRequest(root *etree.Element) result {
	inside, inQuery := len(directSignatures(root)) > 0, e.sent.fields.Has("Signature") || e.sent.fields.Has("SigAlg")
	res := firstOf(
		func() result { return e.checkTravelled(http.MethodGet, "75003") },
		func() result { return e.checkSentMessage(root, func(f Federation) string { return f.SignOutURL }) },
		func() result { return checkLogoutNameID(root) },
		func() result { return e.checkEnveloped(root) },
		func() result { return e.checkSignedQuery(inQuery) },
	)
	switch {
	case res.outcome != Passed:
		return res
	case inside || inQuery:
		return passed("a signed LogoutRequest%s", e.unverified())
	}
	return passed("an unsigned LogoutRequest")
}

func checkLogoutNameID(root *etree.Element) result {
	names := children(root, nsAssertion, "NameID")
	if len(names) != 1 || value(names[0]) == "" {
		return failed("there is %s instead of one with a value", plural(len(names), "NameID")).as("7500530")
	}
	return passed("")
}

// checkSignedQuery judges the signature of the HTTP-Redirect binding (saml-bindings-2.0-os section 3.4.4.1).
func (e requestExamination) checkSignedQuery(present bool) result {
	if !present || len(e.RequestCertificates) == 0 {
		return passed("")
	}
	if err := verifyQuery(e.sent.rawQuery, e.sent.fields, e.RequestCertificates); err != nil {
		return failed("the signature of the query: %s", err).as("50006").advise(remedyRequestKey)
	}
	return passed("")
}

func verifyQuery(rawQuery string, fields url.Values, certificates []*x509.Certificate) error {
	hashes := map[string]crypto.Hash{dsig.RSASHA1SignatureMethod: crypto.SHA1, dsig.RSASHA256SignatureMethod: crypto.SHA256}
	kind := signatureKind{method: fields.Get("SigAlg"), hash: hashes[fields.Get("SigAlg")]}
	if kind.hash == 0 {
		return fmt.Errorf("SigAlg is %s", quoted(kind.method))
	}
	value, err := base64.StdEncoding.DecodeString(fields.Get("Signature"))
	if err != nil {
		return fmt.Errorf("it is not base64: %w", err)
	}
	sum := kind.sum([]byte(signedPartOf(rawQuery)))
	for _, c := range certificates {
		if key, ok := c.PublicKey.(*rsa.PublicKey); ok && rsa.VerifyPKCS1v15(key, kind.hash, sum, value) == nil {
			return nil
		}
	}
	return errors.New("it fits none of the certificates")
}

// signedPartOf picks the parameters that the signature covers, as they stand and in the order of the binding.
func signedPartOf(rawQuery string) string {
	var parts []string
	for _, name := range []string{"SAMLRequest", "RelayState", "SigAlg"} {
		for parameter := range strings.SplitSeq(rawQuery, "&") {
			if strings.HasPrefix(parameter, name+"=") {
				parts = append(parts, parameter)
			}
		}
	}
	return strings.Join(parts, "&")
}
