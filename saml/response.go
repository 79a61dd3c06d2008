package saml

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/entrafed/entrafed/internal/xmldoc"
)

// Response is an issued answer, ready to be posted by the person's browser. Its fields are for logs and for whoever
// renders another page than [Response.Post] does; changing them changes nothing that was signed.
type Response struct {
	// ID and AssertionID are 128 random bits each. A response without an assertion has no AssertionID.
	ID, AssertionID string

	// InResponseTo is the request's ID, or empty if the response is unsolicited.
	InResponseTo string

	// Issuer is that of the realm that the UPN belongs to.
	Issuer string

	// Destination is the assertion consumer service.
	Destination string

	// RelayState is what came with the request, byte for byte.
	RelayState string

	// IssueInstant is when the response was made, and NotOnOrAfter when it becomes worthless.
	IssueInstant, NotOnOrAfter time.Time

	// XML is the samlp:Response, or the samlp:LogoutResponse. The signature covers bytes of it: send it as it is.
	XML []byte

	page *postPage
}

// SAMLResponse is the form field of that name: the XML in base64.
func (r *Response) SAMLResponse() string { return base64.StdEncoding.EncodeToString(r.XML) }

// Respond issues the answer to a request. It fails if the subject is incomplete or would be refused by Entra
// ([ErrSubject]), if its UPN belongs to no realm ([ErrRealm]), or if the key fails. The private key is used once.
func (p *IdentityProvider) Respond(request *AuthnRequest, subject Subject) (*Response, error) {
	if request == nil || request.ID == "" {
		return nil, errors.New("saml: Respond needs the request that ReadRequest returned")
	}
	return p.issue(subject, request.ID, request.RelayState)
}

// RespondUnsolicited issues an answer that nobody asked for. Entra may refuse it, as sources disagree whether it still
// accepts one; a link that makes Entra ask first (package smartlink) is the better way. RelayState is passed on, and
// may be empty; one that a form cannot carry is refused. Other errors are those of [IdentityProvider.Respond].
func (p *IdentityProvider) RespondUnsolicited(subject Subject, relayState string) (*Response, error) {
	if err := checkRelayState(relayState); err != nil {
		return nil, err
	}
	return p.issue(subject, "", relayState)
}

func (p *IdentityProvider) issue(subject Subject, inResponseTo, relayState string) (*Response, error) {
	now := p.now().UTC()
	if err := subject.check(now, p.clockSkew); err != nil {
		return nil, err
	}
	realm, found := p.realms.of(subject.domain())
	if !found {
		return nil, fmt.Errorf("%w: %s; add a Realm for its domain", ErrRealm, subject.UPN)
	}
	ids, err := p.newIDs()
	if err != nil {
		return nil, err
	}
	response := &Response{
		ID: ids[0], AssertionID: ids[1], InResponseTo: inResponseTo,
		Issuer: realm.Issuer, Destination: p.cloud.AssertionConsumerService, RelayState: relayState,
		IssueInstant: now, NotOnOrAfter: now.Add(p.lifetime), page: p.page,
	}
	response.XML, err = p.write(response, subject)
	if err != nil {
		return nil, fmt.Errorf("saml: %w", err)
	}
	return response, nil
}

// newIDs draws the two IDs: an underscore, because an ID must not begin with a digit, and 128 bits.
func (p *IdentityProvider) newIDs() (ids [2]string, err error) {
	var random [32]byte
	if _, err := io.ReadFull(p.rand, random[:]); err != nil {
		return ids, fmt.Errorf("saml: no randomness for an ID: %w", err)
	}
	digits := hex.EncodeToString(random[:])
	return [2]string{"_" + digits[:32], "_" + digits[32:]}, nil
}

// write writes the response in exclusive canonical form and signs the assertion in it. Attributes stand in the order
// that canonicalisation wants, elements in the order of the schema.
func (p *IdentityProvider) write(r *Response, subject Subject) ([]byte, error) {
	issued := timestamp(r.IssueInstant)
	w := xmldoc.NewWriter(6 << 10)
	writeResponseStart(w, samlp("Response"), r)
	w.Start(samlp("Status"))
	w.Start(samlp("StatusCode"), xmldoc.Attr{Name: "Value", Value: string(StatusSuccess)})
	w.End()
	w.End()

	start := w.Len()
	w.Start(saml("Assertion"), xmldoc.Attr{Name: "ID", Value: r.AssertionID},
		xmldoc.Attr{Name: "IssueInstant", Value: issued}, xmldoc.Attr{Name: "Version", Value: "2.0"})
	w.Element(saml("Issuer"), r.Issuer)
	afterIssuer := w.Len()
	p.writeSubject(w, r, subject)
	p.writeConditions(w, r)
	writeAuthnStatement(w, r, subject)
	writeAttributes(w, subject)
	w.End()

	if err := w.Err(); err != nil {
		return nil, err
	}
	signature, err := p.keys.Load().signer.Enveloped(w.Since(start), r.AssertionID)
	if err != nil {
		return nil, err
	}
	w.Insert(afterIssuer, signature)
	w.End()
	return w.Bytes()
}

const methodBearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

// writeResponseStart opens a response of any kind and writes its issuer.
func writeResponseStart(w *xmldoc.Writer, name xmldoc.Name, r *Response) {
	w.Start(name, optional("InResponseTo", r.InResponseTo,
		xmldoc.Attr{Name: "Destination", Value: r.Destination}, xmldoc.Attr{Name: "ID", Value: r.ID},
		xmldoc.Attr{Name: "IssueInstant", Value: timestamp(r.IssueInstant)}, xmldoc.Attr{Name: "Version", Value: "2.0"})...)
	w.Element(saml("Issuer"), r.Issuer)
}

func (p *IdentityProvider) writeSubject(w *xmldoc.Writer, r *Response, subject Subject) {
	w.Start(saml("Subject"))
	w.Element(saml("NameID"), subject.ImmutableID, xmldoc.Attr{Name: "Format", Value: formatPersistent})
	w.Start(saml("SubjectConfirmation"), xmldoc.Attr{Name: "Method", Value: methodBearer})
	w.Start(saml("SubjectConfirmationData"), optional("InResponseTo", r.InResponseTo,
		xmldoc.Attr{Name: "NotOnOrAfter", Value: timestamp(r.NotOnOrAfter)},
		xmldoc.Attr{Name: "Recipient", Value: r.Destination})...)
	w.End()
	w.End()
	w.End()
}

func (p *IdentityProvider) writeConditions(w *xmldoc.Writer, r *Response) {
	w.Start(saml("Conditions"),
		xmldoc.Attr{Name: "NotBefore", Value: timestamp(r.IssueInstant.Add(-p.clockSkew))},
		xmldoc.Attr{Name: "NotOnOrAfter", Value: timestamp(r.NotOnOrAfter)})
	w.Start(saml("AudienceRestriction"))
	w.Element(saml("Audience"), p.cloud.Audience)
	w.End()
	w.End()
}

func writeAuthnStatement(w *xmldoc.Writer, r *Response, subject Subject) {
	session := subject.SessionIndex
	if session == "" {
		session = r.AssertionID
	}
	w.Start(saml("AuthnStatement"), xmldoc.Attr{Name: "AuthnInstant", Value: timestamp(subject.AuthnInstant)},
		xmldoc.Attr{Name: "SessionIndex", Value: session})
	w.Start(saml("AuthnContext"))
	w.Element(saml("AuthnContextClassRef"), subject.classRef())
	w.End()
	w.End()
}

func writeAttributes(w *xmldoc.Writer, subject Subject) {
	w.Start(saml("AttributeStatement"))
	w.Start(saml("Attribute"), xmldoc.Attr{Name: "Name", Value: "IDPEmail"})
	w.Element(saml("AttributeValue"), subject.UPN)
	w.End()
	w.End()
}

// optional adds an attribute at its canonical place if it has a value.
func optional(name, value string, attrs ...xmldoc.Attr) []xmldoc.Attr {
	if value == "" {
		return attrs
	}
	at := 0
	for at < len(attrs) && attrs[at].Name < name {
		at++
	}
	all := make([]xmldoc.Attr, 0, len(attrs)+1)
	all = append(all, attrs[:at]...)
	all = append(all, xmldoc.Attr{Name: name, Value: value})
	return append(all, attrs[at:]...)
}

func samlp(local string) xmldoc.Name { return xmldoc.Name{Space: protocolSpace, Local: local} }
func saml(local string) xmldoc.Name  { return xmldoc.Name{Space: assertionSpace, Local: local} }

var (
	protocolSpace  = xmldoc.Namespace{Prefix: "samlp", URI: protocolNS}
	assertionSpace = xmldoc.Namespace{Prefix: "saml", URI: assertionNS}
)

// timestamp writes a time as Entra does: UTC, milliseconds, Z.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
