package entratest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

// Message is a SAML message between Entra and an identity provider, taken apart for people to look at. Nothing in it is
// checked: that is for [Expectation.Check], [Expectation.CheckRequest] and [Expectation.CheckLogoutResponse]. What a
// message does not have is empty, and what it has stands as it was written.
type Message struct {
	// Kind is the name of the document element: "AuthnRequest", "LogoutRequest", "Response" or "LogoutResponse".
	Kind string `json:"kind"`

	ID           string `json:"id,omitempty"`
	Version      string `json:"version,omitempty"`
	IssueInstant string `json:"issueInstant,omitempty"`
	Issuer       string `json:"issuer,omitempty"`
	Destination  string `json:"destination,omitempty"`

	// Of an AuthnRequest. NameIDFormat is that of the NameIDPolicy.
	AssertionConsumerServiceURL   string   `json:"assertionConsumerServiceURL,omitempty"`
	AssertionConsumerServiceIndex string   `json:"assertionConsumerServiceIndex,omitempty"`
	ProtocolBinding               string   `json:"protocolBinding,omitempty"`
	ForceAuthn                    string   `json:"forceAuthn,omitempty"`
	IsPassive                     string   `json:"isPassive,omitempty"`
	AllowCreate                   string   `json:"allowCreate,omitempty"`
	AuthnContextClassRefs         []string `json:"authnContextClassRefs,omitempty"`

	// NameID and NameIDFormat name the person: that of a LogoutRequest, of the Subject of an AuthnRequest, or of the
	// Assertion of a Response.
	NameID         string   `json:"nameId,omitempty"`
	NameIDFormat   string   `json:"nameIdFormat,omitempty"`
	SessionIndexes []string `json:"sessionIndexes,omitempty"` // of a LogoutRequest

	// Of a Response or a LogoutResponse. The Status is the codes, the outer one first.
	InResponseTo  string   `json:"inResponseTo,omitempty"`
	Status        []string `json:"status,omitempty"`
	StatusMessage string   `json:"statusMessage,omitempty"`

	// Assertions is how many a Response has, encrypted ones not counted.
	Assertions int `json:"assertions,omitempty"`

	// Signatures are those directly inside the message, and directly inside its Assertions.
	Signatures []MessageSignature `json:"signatures,omitempty"`
}

// MessageSignature is an enveloped signature of a [Message], not verified.
type MessageSignature struct {
	Signs       string `json:"signs"` // the name of the signed element
	Method      string `json:"method,omitempty"`
	Digest      string `json:"digest,omitempty"`
	X509SKI     string `json:"x509SKI,omitempty"` // base64, as it stands
	KeyName     string `json:"keyName,omitempty"`
	Certificate string `json:"certificate,omitempty"` // the subject and the fingerprint of the one in KeyInfo
}

// ErrNoMessage: the document is no SAML message between Entra and an identity provider.
var ErrNoMessage = errors.New("entratest: not a SAML message")

// ReadMessage reads a document: the XML, after base64 and inflating. It refuses what [Expectation.Check] refuses to read:
// a document type declaration, more than 256 KiB, more than 700 elements. The error matches [ErrNoMessage].
func ReadMessage(document []byte) (Message, error) {
	root, err := readDocument(document)
	if err != nil {
		return Message{}, fmt.Errorf("%w: %w", ErrNoMessage, err)
	}
	if !isMessage(root) {
		return Message{}, fmt.Errorf("%w: the document element is %s of the namespace %s", ErrNoMessage,
			quoted(root.Tag), quoted(root.NamespaceURI()))
	}
	return takeApart(root), nil
}

func isMessage(root *etree.Element) bool {
	for _, kind := range []string{"AuthnRequest", "LogoutRequest", "Response", "LogoutResponse"} {
		if is(root, nsProtocol, kind) {
			return true
		}
	}
	return false
}

func takeApart(root *etree.Element) Message {
	get := func(name string) string {
		v, _ := attr(root, name)
		return v
	}
	m := Message{
		Kind: root.Tag, ID: get("ID"), Version: get("Version"), IssueInstant: get("IssueInstant"),
		Issuer: value(child(root, nsAssertion, "Issuer")), Destination: get("Destination"),
		AssertionConsumerServiceURL:   get("AssertionConsumerServiceURL"),
		AssertionConsumerServiceIndex: get("AssertionConsumerServiceIndex"),
		ProtocolBinding:               get("ProtocolBinding"), ForceAuthn: get("ForceAuthn"), IsPassive: get("IsPassive"),
		InResponseTo: get("InResponseTo"), Signatures: describeSignatures(root),
	}
	m.readWishes(root)
	m.readStatus(root)
	assertions := children(root, nsAssertion, "Assertion")
	m.Assertions = len(assertions)
	for _, assertion := range assertions {
		m.readNameID(nameIDOf(assertion))
		m.Signatures = append(m.Signatures, describeSignatures(assertion)...)
	}
	return m
}

func (m *Message) readWishes(root *etree.Element) {
	if policy := child(root, nsProtocol, "NameIDPolicy"); policy != nil {
		m.NameIDFormat, _ = attr(policy, "Format")
		m.AllowCreate, _ = attr(policy, "AllowCreate")
	}
	requested := child(root, nsProtocol, "RequestedAuthnContext")
	for _, ref := range children(requested, nsAssertion, "AuthnContextClassRef") {
		m.AuthnContextClassRefs = append(m.AuthnContextClassRefs, value(ref))
	}
	m.readNameID(child(child(root, nsAssertion, "Subject"), nsAssertion, "NameID"))
	m.readNameID(child(root, nsAssertion, "NameID"))
	for _, index := range children(root, nsProtocol, "SessionIndex") {
		m.SessionIndexes = append(m.SessionIndexes, value(index))
	}
}

func (m *Message) readNameID(nameID *etree.Element) {
	if nameID == nil {
		return
	}
	m.NameID = value(nameID)
	if format, present := attr(nameID, "Format"); present {
		m.NameIDFormat = format
	}
}

func (m *Message) readStatus(root *etree.Element) {
	status := child(root, nsProtocol, "Status")
	m.StatusMessage = value(child(status, nsProtocol, "StatusMessage"))
	for code := child(status, nsProtocol, "StatusCode"); code != nil; code = child(code, nsProtocol, "StatusCode") {
		v, _ := attr(code, "Value")
		m.Status = append(m.Status, v)
	}
}

func describeSignatures(target *etree.Element) []MessageSignature {
	var found []MessageSignature
	for _, s := range directSignatures(target) {
		keyInfo := child(s.element, nsDSig, "KeyInfo")
		d := MessageSignature{
			Signs: target.Tag, Method: s.method(), Digest: s.digest(),
			X509SKI: unspaced(child(child(keyInfo, nsDSig, "X509Data"), nsDSig, "X509SKI")),
			KeyName: strings.TrimSpace(value(child(keyInfo, nsDSig, "KeyName"))),
		}
		if shown := s.certificate(); shown != nil {
			d.Certificate = describe(shown)
		}
		found = append(found, d)
	}
	return found
}
