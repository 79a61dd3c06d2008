package saml

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Response is an issued answer, ready to be posted by the person's browser. Its fields are for logs and for whoever
// renders another page than [Response.Post] does; changing them changes nothing that was signed. Such a page has a form that
// posts SAMLResponse, and RelayState unless that is empty, to Destination; [IdentityProvider.FormAction] is for its policy.
type Response struct {
	// ID and AssertionID are 128 random bits each. A response without an assertion has no AssertionID.
	ID, AssertionID string

	// InResponseTo is the request's ID, or empty if the response is unsolicited.
	InResponseTo string

	// Issuer is that of the realm that the UPN belongs to, or of the guests.
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
func (r *Response) SAMLResponse() string {
	var encoded strings.Builder
	encoded.Grow(base64.StdEncoding.EncodedLen(len(r.XML)))
	var room [1024]byte // of 768 bytes at a time, which base64 neither pads nor splits
	for rest := r.XML; len(rest) > 0; {
		n := min(len(rest), len(room)/4*3)
		encoded.Write(base64.StdEncoding.AppendEncode(room[:0], rest[:n]))
		rest = rest[n:]
	}
	return encoded.String()
}

// AppendSAMLResponse appends what SAMLResponse returns, for whoever writes it into a buffer.
func (r *Response) AppendSAMLResponse(dst []byte) []byte {
	return base64.StdEncoding.AppendEncode(dst, r.XML)
}

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
	return p.assert(subject.statement(), realm.Issuer, inResponseTo, relayState, now)
}

// assert issues a response with an assertion.
func (p *provider) assert(s statement, issuer, inResponseTo, relayState string, now time.Time) (*Response, error) {
	ids, err := p.newIDs()
	if err != nil {
		return nil, err
	}
	response := &Response{
		ID: ids[0], AssertionID: ids[1], InResponseTo: inResponseTo,
		Issuer: issuer, Destination: p.cloud.AssertionConsumerService, RelayState: relayState,
		IssueInstant: now, NotOnOrAfter: now.Add(p.lifetime), page: p.page,
	}
	response.XML, err = p.write(response, s)
	if err != nil {
		return nil, fmt.Errorf("saml: %w", err)
	}
	return response, nil
}

// newIDs draws the two IDs: an underscore, because an ID must not begin with a digit, and 128 bits.
func (p *provider) newIDs() (ids [2]string, err error) {
	var random [32]byte
	if _, err := io.ReadFull(p.rand, random[:]); err != nil {
		return ids, fmt.Errorf("saml: no randomness for an ID: %w", err)
	}
	var text [66]byte
	text[0], text[33] = '_', '_'
	hex.Encode(text[1:33], random[:16])
	hex.Encode(text[34:], random[16:])
	both := string(text[:])
	return [2]string{both[:33], both[33:]}, nil
}

// write fills the templates, signs the assertion, and puts the signature where the schema wants it.
func (p *provider) write(r *Response, s statement) ([]byte, error) {
	t := &p.solicited
	if r.InResponseTo == "" {
		t = &p.unsolicited
	}
	times := stamps(r.IssueInstant, r.IssueInstant.Add(-p.clockSkew), r.NotOnOrAfter, s.authnInstant)
	issued, notBefore, notOnOrAfter, authnInstant := times[0], times[1], times[2], times[3]

	scratch := p.scratch.Get().(*[]byte)
	defer p.scratch.Put(scratch)
	assertion, err := t.assertionStart.Append((*scratch)[:0], r.AssertionID, issued, r.Issuer)
	if err != nil {
		return nil, err
	}
	signatureAt := len(assertion)
	assertion, err = t.assertionRest.Append(assertion, t.holes([]string{
		s.nameID, r.InResponseTo, notOnOrAfter, r.Destination, notBefore, notOnOrAfter, p.audience,
		authnInstant, cmp.Or(s.sessionIndex, r.AssertionID), s.classRef, s.attribute,
	}, 1)...)
	if err != nil {
		return nil, err
	}
	*scratch = assertion

	signer := p.keys.Load().signer
	out := make([]byte, 0, t.size(r)+len(assertion)+signer.Size(r.AssertionID))
	out, err = t.start.Append(out, t.holes([]string{r.Destination, r.ID, r.InResponseTo, issued, r.Issuer}, 2)...)
	if err != nil {
		return nil, err
	}
	out = append(out, assertion[:signatureAt]...)
	if out, err = signer.Append(out, assertion, r.AssertionID); err != nil {
		return nil, err
	}
	out = append(out, assertion[signatureAt:]...)
	return t.end.Append(out)
}

// stamps writes times as Entra does: UTC, milliseconds, Z.
func stamps(times ...time.Time) [4]string {
	const length = len("2006-01-02T15:04:05.000Z")
	var text [4 * length]byte
	all := text[:0]
	for _, t := range times {
		// This layout has a fast way of its own in package time, which one with milliseconds does not.
		all = t.UTC().AppendFormat(all, time.RFC3339)
		ms := t.Nanosecond() / 1e6
		all = append(all[:len(all)-1], '.', '0'+byte(ms/100), '0'+byte(ms/10%10), '0'+byte(ms%10), 'Z')
	}
	joined := string(all)
	var each [4]string
	for i := range times {
		each[i] = joined[i*length : (i+1)*length]
	}
	return each
}
