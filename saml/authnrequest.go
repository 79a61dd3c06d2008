package saml

import (
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed/internal/xmldoc"
)

const (
	assertionNS = "urn:oasis:names:tc:SAML:2.0:assertion"
	protocolNS  = "urn:oasis:names:tc:SAML:2.0:protocol"

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

	// Signed is true if the request carried a signature that one of Config.RequestCertificates verified. Signatures are
	// not looked at, and Signed is false, where there are no such certificates.
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
// without Destination, AssertionConsumerServiceIndex and signature. It does not know Config.Replays. The error is a
// *[RequestError].
func (p *provider) ParseAuthnRequest(document []byte) (*AuthnRequest, error) {
	request, err := p.parseAuthnRequest(document)
	if err != nil {
		return nil, err
	}
	if err := p.checkSigned(request.Signed); err != nil {
		return nil, err
	}
	return request, nil
}

func (p *provider) parseAuthnRequest(document []byte) (*AuthnRequest, error) {
	root, signed, err := p.parseMessage(document, "AuthnRequest", p.sso)
	if err != nil {
		return nil, err
	}
	id, issued, err := readMessage(root)
	if err != nil {
		return nil, err
	}
	for _, check := range []func(*xmldoc.Element) error{p.checkAnswer, checkNameIDPolicy} {
		if err := check(root); err != nil {
			return nil, err
		}
	}
	if err := p.checkAge(issued); err != nil {
		return nil, err
	}
	request := &AuthnRequest{ID: id, IssueInstant: issued, Signed: signed}
	if err := readWishes(root, request); err != nil {
		return nil, err
	}
	return request, nil
}

// checkAnswer refuses a request that wants its answer elsewhere or otherwise. The answer would go to the configured
// place all the same; refusing makes the attempt visible.
func (p *provider) checkAnswer(root *xmldoc.Element) error {
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
		return refuse(ErrNotRequest, "there are several NameIDPolicy elements")
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
		return refuse(ErrNotRequest, "there are several RequestedAuthnContext elements")
	}
	for _, context := range contexts {
		for _, class := range context.All(assertionNS, "AuthnContextClassRef") {
			text, err := plainText(class)
			if err != nil {
				return err
			}
			request.RequestedAuthnContext = append(request.RequestedAuthnContext, text)
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
	return false, refuse(ErrNotRequest, name+" is neither true nor false: "+oneLine(value))
}
