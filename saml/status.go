package saml

import (
	"errors"
	"fmt"
	"slices"

	"github.com/entrafed/entrafed/internal/xmldoc"
)

// StatusCode is a status of SAML core, section 3.2.2.2.
type StatusCode string

// The top-level codes.
const (
	StatusSuccess   StatusCode = "urn:oasis:names:tc:SAML:2.0:status:Success"
	StatusRequester StatusCode = "urn:oasis:names:tc:SAML:2.0:status:Requester" // the request cannot be served
	StatusResponder StatusCode = "urn:oasis:names:tc:SAML:2.0:status:Responder" // this side cannot serve it
)

// The second-level codes that an identity provider has a use for.
const (
	StatusAuthnFailed    StatusCode = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"    // the person could not prove who they are
	StatusNoAuthnContext StatusCode = "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext" // not in the way that was asked for
	StatusNoPassive      StatusCode = "urn:oasis:names:tc:SAML:2.0:status:NoPassive"      // a page would have to be shown
	StatusRequestDenied  StatusCode = "urn:oasis:names:tc:SAML:2.0:status:RequestDenied"  // the person may not
	StatusUnsupported    StatusCode = "urn:oasis:names:tc:SAML:2.0:status:RequestUnsupported"
)

// Status is how a request ended.
type Status struct {
	Code    StatusCode // a top-level code
	Reason  StatusCode // a second-level code, or empty
	Message string     // for whoever reads logs at the other side; no internals. May be empty
}

// RespondStatus answers a request with no assertion, because the person was not signed in. The profile wants it where
// IsPassive asks for an answer and not a page; elsewhere a page of the host's own helps people more, because what Entra
// shows for it is AADSTS500082, which names no cause. domain chooses the realm, as in [IdentityProvider.RespondLogout].
//
// Status.Code is [StatusRequester] or [StatusResponder]. The answer is signed as a whole; the private key is used once.
func (p *IdentityProvider) RespondStatus(request *AuthnRequest, domain string, status Status) (*Response, error) {
	if err := status.checkAnswer(request); err != nil {
		return nil, err
	}
	realm, err := p.realmOrOnly(domain)
	if err != nil {
		return nil, err
	}
	return p.status("Response", realm.Issuer, request.ID, request.RelayState, status)
}

// checkAnswer refuses a status that cannot answer the request.
func (s Status) checkAnswer(request *AuthnRequest) error {
	if request == nil || request.ID == "" {
		return errors.New("saml: RespondStatus needs the request that ReadRequest returned")
	}
	if s.Code != StatusRequester && s.Code != StatusResponder {
		return fmt.Errorf("saml: %q is not the status of a failure: use StatusRequester or StatusResponder", s.Code)
	}
	return nil
}

// realmOrOnly is the realm of a domain, or the only one for no domain.
func (p *IdentityProvider) realmOrOnly(domain string) (Realm, error) {
	if domain == "" && len(p.realms) == 1 {
		return p.realms[0], nil
	}
	realm, found := p.realms.of(domain)
	if !found {
		return Realm{}, fmt.Errorf("%w: domain %q", ErrRealm, domain)
	}
	return realm, nil
}

// status writes and signs a message that holds nothing but a status.
func (p *provider) status(kind, issuer, inResponseTo, relayState string, status Status) (*Response, error) {
	ids, err := p.newIDs()
	if err != nil {
		return nil, err
	}
	now := p.now().UTC()
	response := &Response{
		ID: ids[0], InResponseTo: inResponseTo, Issuer: issuer, Destination: p.cloud.AssertionConsumerService,
		RelayState: relayState, IssueInstant: now, NotOnOrAfter: now.Add(p.lifetime), page: p.page,
	}
	if response.XML, err = p.writeStatus(kind, response, status); err != nil {
		return nil, fmt.Errorf("saml: %w", err)
	}
	return response, nil
}

// writeStatus writes the message, and signs it as a whole.
func (p *provider) writeStatus(kind string, r *Response, status Status) ([]byte, error) {
	w := xmldoc.NewWriter(1 << 10)
	w.Start(samlp(kind),
		xmldoc.Attr{Name: "Destination", Value: r.Destination}, xmldoc.Attr{Name: "ID", Value: r.ID},
		xmldoc.Attr{Name: "InResponseTo", Value: r.InResponseTo},
		xmldoc.Attr{Name: "IssueInstant", Value: stamps(r.IssueInstant)[0]}, xmldoc.Attr{Name: "Version", Value: "2.0"})
	w.Element(saml("Issuer"), r.Issuer)
	signatureAt := w.Len()
	w.Start(samlp("Status"))
	w.Start(samlp("StatusCode"), xmldoc.Attr{Name: "Value", Value: string(status.Code)})
	if status.Reason != "" {
		w.Start(samlp("StatusCode"), xmldoc.Attr{Name: "Value", Value: string(status.Reason)})
		w.End()
	}
	w.End()
	if status.Message != "" {
		w.Element(samlp("StatusMessage"), status.Message)
	}
	w.End()
	w.End()
	message, err := w.Bytes()
	if err != nil {
		return nil, err
	}
	signature, err := p.keys.Load().signer.Append(nil, message, r.ID)
	if err != nil {
		return nil, err
	}
	return slices.Concat(message[:signatureAt], signature, message[signatureAt:]), nil
}
