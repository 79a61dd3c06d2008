package saml

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed/internal/dsig"
	"github.com/entrafed/entrafed/internal/xmldoc"
)

// parseMessage reads a document that Entra sent and checks what all its messages have in common: the form, the
// signature if it is to be looked at, the kind, who sent it, and that it was meant for this address. What is returned is
// what the signature covers.
func (p *provider) parseMessage(document []byte, kind, address string) (root *xmldoc.Element, signed bool, err error) {
	if len(document) > MaxRequestSize {
		return nil, false, refuse(ErrTooLarge, fmt.Sprintf("the document has %d bytes", len(document)))
	}
	if root, err = xmldoc.Parse(document); err != nil {
		return nil, false, &RequestError{Reason: ErrXML, Err: err}
	}
	if root.Space != protocolNS || root.Local != kind {
		return nil, false, refuse(ErrNotRequest, fmt.Sprintf("the root element is %s and not %s", oneLine(root.Local), kind))
	}
	if len(p.requestCertificates) > 0 && dsig.Signed(root) {
		if root, err = verified(document, root, p.requestCertificates); err != nil {
			return nil, false, err
		}
		signed = true
	}
	if err := p.checkIssuer(root); err != nil {
		return nil, false, err
	}
	return root, signed, checkDestination(root, address)
}

// verified returns the message as the signature covers it, so that nothing else of the document is ever used.
func verified(document []byte, root *xmldoc.Element, trusted []*x509.Certificate) (*xmldoc.Element, error) {
	covered, err := dsig.Verify(document, root, trusted)
	if err != nil {
		return nil, &RequestError{Reason: ErrSignature, Err: err}
	}
	if root, err = xmldoc.Parse(covered); err != nil {
		return nil, &RequestError{Reason: ErrXML, Err: err}
	}
	return root, nil
}

// checkSigned refuses an unsigned message where it must be signed.
func (p *provider) checkSigned(signed bool) error {
	if p.requireSigned && !signed {
		return refuse(ErrSignature, "it is unsigned; is isSignedAuthenticationRequestRequired true for the domain in Entra?")
	}
	return nil
}

// readMessage reads what every SAML request has (SAML core, section 3.2.1).
func readMessage(root *xmldoc.Element) (id string, issued time.Time, err error) {
	if version, _ := root.Attr("Version"); version != "2.0" {
		return "", issued, refuse(ErrNotRequest, "Version is "+oneLine(version))
	}
	if id, _ = root.Attr("ID"); !isNCName(id) {
		return "", issued, refuse(ErrNotRequest, "ID is not a name: "+oneLine(id))
	}
	instant, _ := root.Attr("IssueInstant")
	if issued, err = time.Parse(time.RFC3339Nano, instant); err != nil {
		return "", issued, refuse(ErrNotRequest, "IssueInstant is not a time in UTC: "+oneLine(instant))
	}
	return id, issued, nil
}

func (p *provider) checkIssuer(root *xmldoc.Element) error {
	issuers := root.All(assertionNS, "Issuer")
	if len(issuers) != 1 {
		return refuse(ErrIssuer, fmt.Sprintf("there are %d Issuer elements", len(issuers)))
	}
	issuer, err := plainText(issuers[0])
	if err != nil {
		return err
	}
	if !slices.Contains(p.askers, issuer) {
		return refuse(ErrIssuer, fmt.Sprintf("%s is not %s; is the right cloud configured?", oneLine(issuer),
			strings.Join(p.askers, " or ")))
	}
	return nil
}

// plainText is the value of an element that holds text alone. One that holds elements as well could be read in two ways.
func plainText(e *xmldoc.Element) (string, error) {
	if len(e.Children) > 0 {
		return "", refuse(ErrNotRequest, "there is an element inside "+e.Local)
	}
	return strings.TrimSpace(e.Text), nil
}

func checkDestination(root *xmldoc.Element, address string) error {
	if destination, present := root.Attr("Destination"); present && destination != address {
		return refuse(ErrDestination, fmt.Sprintf("%s is not %s", oneLine(destination), address))
	}
	return nil
}

func (p *provider) checkAge(issued time.Time) error {
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

// checkFirstUse refuses a request that was read before, where somebody remembers.
func (p *provider) checkFirstUse(ctx context.Context, request *AuthnRequest) error {
	if p.replays == nil {
		return nil
	}
	first, err := p.replays.FirstUse(ctx, request.ID, request.IssueInstant.Add(p.maxRequestAge+p.clockSkew))
	switch {
	case err != nil:
		return &RequestError{Reason: ErrReplayStore, Err: err}
	case !first:
		return refuse(ErrReplayed, "its ID is "+oneLine(request.ID))
	}
	return nil
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
