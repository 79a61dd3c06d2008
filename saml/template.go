package saml

import (
	"time"

	"github.com/entrafed/entrafed/internal/xmldoc"
)

// statement is what an assertion says of a person, in whichever profile.
type statement struct {
	nameID, attribute string // attribute is the value of the one that the profile has
	classRef          string
	sessionIndex      string // empty: the assertion's ID
	authnInstant      time.Time
}

// templates are the parts of a response, written once: attributes in the order that canonicalisation wants, elements in
// the order of the schema. Between assertionStart and assertionRest stands the signature.
type templates struct {
	start, assertionStart, assertionRest, end *xmldoc.Template

	unsolicited bool // there is no InResponseTo, nor a hole for it
}

const (
	statusSuccess = string(StatusSuccess)
	methodBearer  = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

	// attributeIDPEmail has the UPN of a member, and attributeEmailAddress the mail address of a guest. Neither has a
	// NameFormat, as in Microsoft's samples and in what AD FS sends.
	attributeIDPEmail     = "IDPEmail"
	attributeEmailAddress = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
)

func newTemplates(unsolicited bool, attribute string) templates {
	parts := xmldoc.NewTemplates(func(w *xmldoc.Writer, cut func()) {
		w.Start(samlp("Response"), attributes(unsolicited, "Destination", "ID", "InResponseTo", "IssueInstant", "Version")...)
		open(w, saml("Issuer"))
		w.Start(samlp("Status"))
		w.Start(samlp("StatusCode"), xmldoc.Attr{Name: "Value", Value: statusSuccess})
		w.End()
		w.End()
		cut()
		w.Start(saml("Assertion"), attributes(unsolicited, "ID", "IssueInstant", "Version")...)
		open(w, saml("Issuer"))
		cut()
		writeSubject(w, unsolicited)
		writeConditions(w)
		writeAuthnStatement(w)
		writeAttribute(w, attribute)
		w.End()
		cut()
		w.End()
	})
	return templates{parts[0], parts[1], parts[2], parts[3], unsolicited}
}

// attributes are holes, but for what never changes.
func attributes(unsolicited bool, names ...string) []xmldoc.Attr {
	var all []xmldoc.Attr
	for _, name := range names {
		switch {
		case name == "InResponseTo" && unsolicited:
		case name == "Version":
			all = append(all, xmldoc.Attr{Name: name, Value: "2.0"})
		default:
			all = append(all, xmldoc.Attr{Name: name, Hole: true})
		}
	}
	return all
}

// open writes an element whose text is a hole.
func open(w *xmldoc.Writer, name xmldoc.Name, attrs ...xmldoc.Attr) {
	w.Start(name, attrs...)
	w.TextHole()
	w.End()
}

func writeSubject(w *xmldoc.Writer, unsolicited bool) {
	w.Start(saml("Subject"))
	open(w, saml("NameID"), xmldoc.Attr{Name: "Format", Value: formatPersistent})
	w.Start(saml("SubjectConfirmation"), xmldoc.Attr{Name: "Method", Value: methodBearer})
	w.Start(saml("SubjectConfirmationData"), attributes(unsolicited, "InResponseTo", "NotOnOrAfter", "Recipient")...)
	w.End()
	w.End()
	w.End()
}

func writeConditions(w *xmldoc.Writer) {
	w.Start(saml("Conditions"), attributes(false, "NotBefore", "NotOnOrAfter")...)
	w.Start(saml("AudienceRestriction"))
	open(w, saml("Audience"))
	w.End()
	w.End()
}

func writeAuthnStatement(w *xmldoc.Writer) {
	w.Start(saml("AuthnStatement"), attributes(false, "AuthnInstant", "SessionIndex")...)
	w.Start(saml("AuthnContext"))
	open(w, saml("AuthnContextClassRef"))
	w.End()
	w.End()
}

func writeAttribute(w *xmldoc.Writer, name string) {
	w.Start(saml("AttributeStatement"))
	w.Start(saml("Attribute"), xmldoc.Attr{Name: "Name", Value: name})
	open(w, saml("AttributeValue"))
	w.End()
	w.End()
}

// holes leaves out the value at inResponseTo where there is no hole for it.
func (t *templates) holes(values []string, inResponseTo int) []string {
	if t.unsolicited {
		return append(values[:inResponseTo], values[inResponseTo+1:]...)
	}
	return values
}

// size is the size of what stands around the assertion, if nothing in it needs escaping.
func (t *templates) size(r *Response) int {
	return t.start.Size() + t.end.Size() + len(r.Destination) + len(r.ID) + len(r.InResponseTo) + len(r.Issuer) +
		len("2006-01-02T15:04:05.000Z")
}

func samlp(local string) xmldoc.Name { return xmldoc.Name{Space: protocolSpace, Local: local} }
func saml(local string) xmldoc.Name  { return xmldoc.Name{Space: assertionSpace, Local: local} }

var (
	protocolSpace  = xmldoc.Namespace{Prefix: "samlp", URI: protocolNS}
	assertionSpace = xmldoc.Namespace{Prefix: "saml", URI: assertionNS}
)
