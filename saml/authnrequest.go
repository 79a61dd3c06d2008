package saml

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed/internal/xmldoc"
)

const (
	assertionNS = "urn:oasis:names:tc:SAML:2.0:assertion"
	protocolNS  = "urn:oasis:names:tc:SAML:2.0:protocol"
	signatureNS = "http://www.w3.org/2000/09/xmldsig#"

	formatPersistent  = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	formatUnspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
)

// AuthnRequest is what Entra asks, checked. The facts in it tell the host how to sign the person in.
type AuthnRequest struct {
	// ID is repeated in the answer as InResponseTo.
	ID string

	// IssueInstant is when Entra made the request.
	IssueInstant time.Time

	// ForceAuthn asks that the person signs in again even if the host has a session.
	ForceAuthn bool

	// IsPassive asks that the host shows no page of its own.
	IsPassive bool

	// RequestedAuthnContext lists the classes that Entra would like, in its order; usually empty. See [MultipleAuthn]
	// and [AuthnRequest.WantsMFA].
	RequestedAuthnContext []string

	// LoginHint is whom Entra expects, as typed by the person; often empty. It proves nothing.
	LoginHint string

	// RelayState is Entra's state and goes back byte for byte; at most [MaxRelayState] bytes.
	RelayState string

	// Binding says how the request travelled.
	Binding Binding

	// Signed is true if the request carried a signature. It was not verified.
	Signed bool
}

// MultipleAuthn is the authentication context that stands for more than one factor, the only one that Entra counts:
// https://learn.microsoft.com/entra/identity/authentication/how-to-mfa-expected-inbound-assertions.
const MultipleAuthn = "http://schemas.microsoft.com/claims/multipleauthn"

// WantsMFA reports whether Entra asks for a second factor.
func (r *AuthnRequest) WantsMFA() bool {
	return slices.Contains(r.RequestedAuthnContext, MultipleAuthn)
}

// ParseAuthnRequest reads and checks a decoded AuthnRequest in each of the shapes that Entra is known to send: with and
// without Destination, AssertionConsumerServiceIndex and signature. The error is a *[RequestError].
func (p *IdentityProvider) ParseAuthnRequest(document []byte) (*AuthnRequest, error) {
	if len(document) > MaxRequestSize {
		return nil, refuse(ErrTooLarge, fmt.Sprintf("the document has %d bytes", len(document)))
	}
	root, err := xmldoc.Parse(document)
	if err != nil {
		return nil, &RequestError{Reason: ErrXML, Err: err}
	}
	request, err := readMessage(root)
	if err != nil {
		return nil, err
	}
	for _, check := range []func(*xmldoc.Element) error{p.checkIssuer, p.checkDestination, p.checkAnswer, checkNameIDPolicy} {
		if err := check(root); err != nil {
			return nil, err
		}
	}
	if err := p.checkAge(request.IssueInstant); err != nil {
		return nil, err
	}
	if err := readWishes(root, request); err != nil {
		return nil, err
	}
	return request, nil
}

// readMessage reads what every SAML request has (SAML core, section 3.2.1).
func readMessage(root *xmldoc.Element) (*AuthnRequest, error) {
	if root.Space != protocolNS || root.Local != "AuthnRequest" {
		return nil, refuse(ErrNotAuthnRequest, "the root element is "+oneLine(root.Local))
	}
	if version, _ := root.Attr("Version"); version != "2.0" {
		return nil, refuse(ErrNotAuthnRequest, "Version is "+oneLine(version))
	}
	id, _ := root.Attr("ID")
	if !isNCName(id) {
		return nil, refuse(ErrNotAuthnRequest, "ID is not a name: "+oneLine(id))
	}
	instant, _ := root.Attr("IssueInstant")
	at, err := time.Parse(time.RFC3339Nano, instant)
	if err != nil {
		return nil, refuse(ErrNotAuthnRequest, "IssueInstant is not a time in UTC: "+oneLine(instant))
	}
	return &AuthnRequest{ID: id, IssueInstant: at, Signed: len(root.All(signatureNS, "Signature")) > 0}, nil
}

func (p *IdentityProvider) checkIssuer(root *xmldoc.Element) error {
	issuers := root.All(assertionNS, "Issuer")
	if len(issuers) != 1 {
		return refuse(ErrIssuer, fmt.Sprintf("there are %d Issuer elements", len(issuers)))
	}
	if issuer := strings.TrimSpace(issuers[0].Text); issuer != p.cloud.Audience {
		return refuse(ErrIssuer, fmt.Sprintf("%s is not %s; is the right cloud configured?", oneLine(issuer), p.cloud.Audience))
	}
	return nil
}

func (p *IdentityProvider) checkDestination(root *xmldoc.Element) error {
	if destination, present := root.Attr("Destination"); present && destination != p.sso {
		return refuse(ErrDestination, fmt.Sprintf("%s is not %s", oneLine(destination), p.sso))
	}
	return nil
}

// checkAnswer refuses a request that wants its answer elsewhere or otherwise. The answer would go to the configured
// place all the same; refusing makes the attempt visible.
func (p *IdentityProvider) checkAnswer(root *xmldoc.Element) error {
	acs, present := root.Attr("AssertionConsumerServiceURL")
	if present && acs != p.cloud.AssertionConsumerService {
		return refuse(ErrUnsupported, "AssertionConsumerServiceURL is "+oneLine(acs))
	}
	if index, present := root.Attr("AssertionConsumerServiceIndex"); present && index != "0" {
		return refuse(ErrUnsupported, "AssertionConsumerServiceIndex is "+oneLine(index)+": only 0, by POST, is served")
	}
	if binding, present := root.Attr("ProtocolBinding"); present && binding != string(BindingPOST) {
		return refuse(ErrUnsupported, "ProtocolBinding is "+oneLine(binding))
	}
	return nil
}

func checkNameIDPolicy(root *xmldoc.Element) error {
	policies := root.All(protocolNS, "NameIDPolicy")
	if len(policies) > 1 {
		return refuse(ErrNotAuthnRequest, "there are several NameIDPolicy elements")
	}
	if len(policies) == 0 {
		return nil
	}
	format, present := policies[0].Attr("Format")
	if present && format != formatPersistent && format != formatUnspecified {
		return refuse(ErrUnsupported, "the NameID format "+oneLine(format)+" is asked for: only persistent is served")
	}
	return nil
}

func (p *IdentityProvider) checkAge(issued time.Time) error {
	now := p.now()
	switch {
	case issued.After(now.Add(p.clockSkew)):
		return refuse(ErrExpired, fmt.Sprintf("it was issued %s in the future: check this machine's clock",
			issued.Sub(now).Round(time.Second)))
	case issued.Before(now.Add(-p.maxRequestAge)):
		return refuse(ErrExpired, fmt.Sprintf("it was issued %s ago", now.Sub(issued).Round(time.Second)))
	}
	return nil
}

// readWishes reads how the person should be signed in (SAML core, section 3.4.1).
func readWishes(root *xmldoc.Element, request *AuthnRequest) (err error) {
	if request.ForceAuthn, err = boolean(root, "ForceAuthn"); err != nil {
		return err
	}
	if request.IsPassive, err = boolean(root, "IsPassive"); err != nil {
		return err
	}
	contexts := root.All(protocolNS, "RequestedAuthnContext")
	if len(contexts) > 1 {
		return refuse(ErrNotAuthnRequest, "there are several RequestedAuthnContext elements")
	}
	for _, context := range contexts {
		for _, class := range context.All(assertionNS, "AuthnContextClassRef") {
			request.RequestedAuthnContext = append(request.RequestedAuthnContext, strings.TrimSpace(class.Text))
		}
	}
	return nil
}

// boolean reads an xs:boolean; an absent one is false.
func boolean(e *xmldoc.Element, name string) (bool, error) {
	value, _ := e.Attr(name)
	switch strings.Trim(value, " \t\r\n") {
	case "true", "1":
		return true, nil
	case "", "false", "0":
		return false, nil
	}
	return false, refuse(ErrNotAuthnRequest, name+" is neither true nor false: "+oneLine(value))
}

// isNCName accepts the names that SAML IDs are made of; letters beyond ASCII are not, as nobody sends them.
func isNCName(s string) bool {
	if s == "" || len(s) > 256 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '-' && c != '.' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}
