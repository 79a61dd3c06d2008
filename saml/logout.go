package saml

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/entrafed/entrafed/internal/xmldoc"
)

// LogoutRequest is a wish to end a session, in whichever form it came. Anybody can make a browser carry one, so it is a
// wish of that browser only: end the session that the browser's own cookie names, and no other.
type LogoutRequest struct {
	// ID is that of a SAML LogoutRequest, and empty for a bare link or a WS-Federation sign-out. Only a request with an
	// ID has an answer: see [IdentityProvider.RespondLogout].
	ID string

	// ImmutableID is whom Entra names, if it names anybody. It proves nothing unless Signed is true.
	ImmutableID string

	// SessionIndexes are the sessions that Entra names: those of Subject.SessionIndex. Often empty.
	SessionIndexes []string

	// RelayState goes back with the answer.
	RelayState string

	// Signed is as in [AuthnRequest].
	Signed bool
}

// ReadLogout reads a sign-out that Entra, or a link, sends to the domain's signOutUri: a SAML LogoutRequest by the
// Redirect or the POST binding, signed or not, a request without a message, or WS-Federation's wa=wsignout1.0 and wa=wsignoutcleanup1.0.
// No public source shows the LogoutRequest that Entra sends a federated identity provider, so only what SAML requires
// is required of it (SAML core, section 3.7.1). Config.RequireSignedRequests does not apply: a sign-out that is refused
// leaves somebody signed in. A signature that is there and does not verify is an error all the same.
//
// The error is a *[RequestError].
func (p *IdentityProvider) ReadLogout(r *http.Request) (*LogoutRequest, error) {
	c, err := readCarried(r)
	if err != nil {
		return nil, err
	}
	if !c.found {
		return readPlainLogout(c.fields)
	}
	logout, err := p.parseLogoutRequest(c.document)
	if err != nil {
		return nil, err
	}
	logout.RelayState = c.relayState
	signed, err := p.verifyQuery(c.rawQuery)
	if err != nil {
		return nil, err
	}
	logout.Signed = logout.Signed || signed
	return logout, nil
}

// readPlainLogout accepts a sign-out without a SAML message.
func readPlainLogout(fields url.Values) (*LogoutRequest, error) {
	action, err := single(fields, "wa")
	if err != nil {
		return nil, err
	}
	switch action {
	case "", "wsignout1.0", "wsignoutcleanup1.0":
		return &LogoutRequest{}, nil
	}
	return nil, refuse(ErrUnsupported, "wa is "+oneLine(action))
}

func (p *IdentityProvider) parseLogoutRequest(document []byte) (*LogoutRequest, error) {
	root, signed, err := p.parseMessage(document, "LogoutRequest", cmp.Or(p.slo, p.sso))
	if err != nil {
		return nil, err
	}
	id, issued, err := readMessage(root)
	if err != nil {
		return nil, err
	}
	if err := p.checkAge(issued); err != nil {
		return nil, err
	}
	if err := p.checkNotOnOrAfter(root); err != nil {
		return nil, err
	}
	logout := &LogoutRequest{ID: id, Signed: signed}
	names := root.All(assertionNS, "NameID")
	if len(names) > 1 {
		return nil, refuse(ErrNotRequest, "there are several NameID elements")
	}
	for _, name := range names {
		if logout.ImmutableID, err = plainText(name); err != nil {
			return nil, err
		}
	}
	for _, index := range root.All(protocolNS, "SessionIndex") {
		text, err := plainText(index)
		if err != nil {
			return nil, err
		}
		logout.SessionIndexes = append(logout.SessionIndexes, text)
	}
	return logout, nil
}

func (p *IdentityProvider) checkNotOnOrAfter(root *xmldoc.Element) error {
	value, present := root.Attr("NotOnOrAfter")
	if !present {
		return nil
	}
	end, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return refuse(ErrNotRequest, "NotOnOrAfter is not a time in UTC: "+oneLine(value))
	}
	if !p.now().Add(-p.clockSkew).Before(end) {
		return refuse(ErrExpired, "its NotOnOrAfter is "+oneLine(value))
	}
	return nil
}

// RespondLogout answers a LogoutRequest: the session is ended. domain is that of the person who was signed in, or
// empty; it chooses the issuer, as the UPN does for sign-ins, and may be empty if there is one realm. The answer is
// signed as a whole and posted to Entra as responses are. The private key is used once.
//
// An error that matches [ErrRealm] says that domain chooses no realm. A request without an ID has no answer: show a
// page that says that the person is signed out.
func (p *IdentityProvider) RespondLogout(request *LogoutRequest, domain string) (*Response, error) {
	if request == nil || request.ID == "" {
		return nil, errors.New("saml: only a SAML LogoutRequest has an answer")
	}
	realm, err := p.realmOrOnly(domain)
	if err != nil {
		return nil, err
	}
	return p.status("LogoutResponse", realm.Issuer, request.ID, request.RelayState, Status{Code: StatusSuccess})
}

// SignOutURL is where a host sends a browser to sign out of Microsoft 365 as well: Entra's own sign-out, which needs no
// parameters. Entra then tells the applications and, by the domain's signOutUri, this identity provider.
func (p *IdentityProvider) SignOutURL() string {
	return p.cloud.Login + "/common/wsfederation?wa=wsignout1.0"
}
