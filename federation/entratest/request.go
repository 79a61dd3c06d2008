package entratest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// RequestOptions varies what the simulated tenant sends to identity providers. The zero value is what Entra is known to
// send today: an AuthnRequest with an ID, a time, the Issuer and the NameIDPolicy, and nothing else. Where the domain has
// [Federation.SignedAuthnRequests], it has a Destination and a signature too. The other forms were documented or seen
// earlier, or are merely possible; an identity provider should bear them all.
type RequestOptions struct {
	// AssertionConsumerServiceIndex adds AssertionConsumerServiceIndex="0", as Entra did in 2016.
	AssertionConsumerServiceIndex bool

	// Destination adds the identity provider's own address, as Entra does in signed requests.
	Destination bool

	// ForceAuthn adds ForceAuthn="true". No public trace shows whether Entra ever sends it. A sign-in that was started
	// with prompt=login sends it in any case, and then wants a newer AuthnInstant.
	ForceAuthn bool

	// AuthnContexts adds a RequestedAuthnContext with these class references. No public trace shows whether Entra ever
	// sends one.
	AuthnContexts []string

	// UserNameHint adds the parameters username and login_hint to the address that is posted to, when the user name is
	// known. Entra does so for WS-Federation; for SAML no trace was found.
	UserNameHint bool

	// SignOut is how the browser is sent to the identity provider after a sign-out.
	SignOut SignOut

	// SHA256 makes signatures with rsa-sha256 and sha256. Microsoft's sample of a signed request has rsa-sha1 and sha1.
	SHA256 bool

	// NextKey makes signatures with the second of [Tenant.RequestCertificates], as after a change of Entra's key.
	NextKey bool
}

// SetRequestOptions changes what is sent from now on.
func (t *Tenant) SetRequestOptions(o RequestOptions) error {
	if !o.SignOut.known() {
		return fmt.Errorf("entratest: RequestOptions.SignOut %q is not known", o.SignOut)
	}
	o.AuthnContexts = slices.Clone(o.AuthnContexts)
	t.signIn.mu.Lock()
	defer t.signIn.mu.Unlock()
	t.signIn.options = o
	return nil
}

func (t *Tenant) requestOptions() RequestOptions {
	t.signIn.mu.Lock()
	defer t.signIn.mu.Unlock()
	return t.signIn.options
}

// AuthnRequest is a request as the simulated tenant sends it: a form with two fields that the browser posts to the
// identity provider.
type AuthnRequest struct {
	ID          string // the ID inside the request, which the response names as InResponseTo
	URL         string // where the browser posts it: the SignInURL of the domain
	SAMLRequest string // base64 of the AuthnRequest
	RelayState  string // over a thousand bytes, with characters that must be escaped in a form
}

// Form returns the two fields as they are posted.
func (r AuthnRequest) Form() url.Values {
	return url.Values{"SAMLRequest": {r.SAMLRequest}, "RelayState": {r.RelayState}}
}

// ErrNotFederated: the tenant does not send this person to an identity provider that speaks SAML.
var ErrNotFederated = errors.New("entratest: not a domain that is federated for SAML")

// NewAuthnRequest starts a sign-in without a browser, for a UPN or a domain of the tenant, or for the mail address or the
// domain of a guest: what login.srf would post to the identity provider. [Tenant.CheckResponse] takes the answer. The request is signed where the domain has
// [Federation.SignedAuthnRequests]. The error matches [ErrNotFederated].
func (t *Tenant) NewAuthnRequest(upnOrDomain string) (AuthnRequest, error) {
	realm, ok := t.signInRealmOf(upnOrDomain)
	if !ok || realm.Federation.Protocol != SAML {
		return AuthnRequest{}, fmt.Errorf("%w: %q", ErrNotFederated, upnOrDomain)
	}
	f := &flow{realm: realm.Domain}
	if strings.Contains(upnOrDomain, "@") {
		f.hint = upnOrDomain
	}
	return t.request(f, realm)
}

// begin gives the flow its names and remembers it.
func (t *Tenant) begin(f *flow) {
	f.requestID = "_" + t.newGUID()
	f.relayState = t.newRelayState()
	f.started = t.now()
	t.signIn.remember(f)
}

// request begins the flow and returns what is posted.
func (t *Tenant) request(f *flow, realm Realm) (AuthnRequest, error) {
	t.begin(f)
	options := t.requestOptions()
	options.ForceAuthn = options.ForceAuthn || f.fresh
	options.Destination = options.Destination || realm.Federation.SignedAuthnRequests
	if f.mfaAsked {
		options.AuthnContexts = []string{classRefMFA}
	}
	doc := options.authnRequest(f.requestID, f.started, t.asker(realm), realm.Federation.SignInURL)
	if realm.Federation.SignedAuthnRequests {
		if err := t.signMessage(doc.Root(), options); err != nil {
			return AuthnRequest{}, err
		}
	}
	return AuthnRequest{
		ID:          f.requestID,
		URL:         options.address(realm.Federation.SignInURL, f.hint),
		SAMLRequest: base64.StdEncoding.EncodeToString(written(doc)),
		RelayState:  f.relayState,
	}, nil
}

// signMessage puts a signature after the Issuer, which is the first child.
func (t *Tenant) signMessage(message *etree.Element, o RequestOptions) error {
	key, err := t.keyFor(o)
	if err == nil {
		err = key.envelop(message, o.signatureKind(), 1, key.keyInfo())
	}
	if err != nil {
		return fmt.Errorf("entratest: the request cannot be signed: %w", err)
	}
	return nil
}

// authnRequest writes the request in the form that Microsoft's page and traces show.
func (o RequestOptions) authnRequest(id string, issued time.Time, issuer, destination string) *etree.Document {
	doc := etree.NewDocument()
	request := newProtocolMessage(doc, "AuthnRequest", id, issued, issuer)
	if o.AssertionConsumerServiceIndex {
		request.CreateAttr("AssertionConsumerServiceIndex", "0")
	}
	if o.Destination {
		request.CreateAttr("Destination", destination)
	}
	if o.ForceAuthn {
		request.CreateAttr("ForceAuthn", "true")
	}
	request.CreateElement("samlp:NameIDPolicy").CreateAttr("Format", formatPersistent)
	if len(o.AuthnContexts) > 0 {
		requested := request.CreateElement("samlp:RequestedAuthnContext")
		for _, classRef := range o.AuthnContexts {
			el := requested.CreateElement("AuthnContextClassRef")
			el.CreateAttr("xmlns", nsAssertion)
			el.SetText(classRef)
		}
	}
	return doc
}

func newProtocolMessage(doc *etree.Document, tag, id string, issued time.Time, issuer string) *etree.Element {
	message := doc.CreateElement("samlp:" + tag)
	message.CreateAttr("xmlns:samlp", nsProtocol)
	message.CreateAttr("ID", id)
	message.CreateAttr("Version", "2.0")
	message.CreateAttr("IssueInstant", issued.UTC().Format("2006-01-02T15:04:05.000Z"))
	el := message.CreateElement("Issuer")
	el.CreateAttr("xmlns", nsAssertion)
	el.SetText(issuer)
	return message
}

func written(doc *etree.Document) []byte {
	raw, err := doc.WriteToBytes()
	if err != nil { // only a failing writer makes it fail, and memory does not
		return nil
	}
	return raw
}

// address is where the browser is sent.
func (o RequestOptions) address(signInURL, hint string) string {
	if !o.UserNameHint || hint == "" {
		return signInURL
	}
	return withQuery(signInURL, url.Values{"username": {hint}, "login_hint": {hint}}.Encode())
}

// withQuery adds parameters to an address and leaves what it has as it is.
func withQuery(address, query string) string {
	if strings.Contains(address, "?") {
		return address + "&" + query
	}
	return address + "?" + query
}

// newRelayState makes a RelayState of the form and size that Entra uses. It holds the characters '+', '/' and '=' on
// purpose: an identity provider that does not return it byte for byte is found out.
func (t *Tenant) newRelayState() string {
	opaque := make([]byte, 900)
	t.guids.fill(opaque)
	opaque[0], opaque[1], opaque[2] = 0xfb, 0xff, 0xfe // "+//+"
	return relayStatePrefix + strings.ReplaceAll(t.newGUID(), "-", "") + base64.StdEncoding.EncodeToString(opaque[:898])
}

// A RelayState is the prefix, the key of the flow, and filling.
const (
	relayStatePrefix = "estsredirect=2&estsrequest="
	flowKeyLength    = 32
)

// flowKey finds the key in a RelayState, also in one that was cut off or changed further on.
func flowKey(relayState string) string {
	key, ok := strings.CutPrefix(relayState, relayStatePrefix)
	if !ok || len(key) < flowKeyLength {
		return ""
	}
	return key[:flowKeyLength]
}

// wsFedRequest is the address that starts a sign-in at an identity provider that speaks WS-Federation. Entra escapes in
// lower case, and sends parameters even when they are empty.
func (t *Tenant) wsFedRequest(f *flow, realm Realm) string {
	t.begin(f)
	parameters := [][2]string{
		{"login_hint", f.hint}, {"client-request-id", t.newGUID()}, {"username", f.hint}, {"wa", "wsignin1.0"},
		{"wtrealm", t.asker(realm)}, {"wctx", f.relayState}, {"cbcxt", ""}, {"mkt", ""}, {"lc", ""}, {"popupui", ""},
	}
	if f.fresh {
		parameters = append(parameters, [2]string{"wfresh", "0"})
	}
	if f.mfaAsked {
		parameters = append(parameters, [2]string{"wauth", classRefMFA})
	}
	pairs := make([]string, len(parameters))
	for i, p := range parameters {
		pairs[i] = p[0] + "=" + lowerEscape(p[1])
	}
	return withQuery(realm.Federation.SignInURL, strings.Join(pairs, "&"))
}

// lowerEscape escapes as url.QueryEscape does, with lower-case hexadecimal digits.
func lowerEscape(s string) string {
	escaped := []byte(url.QueryEscape(s))
	for i := 0; i+2 < len(escaped); i++ {
		if escaped[i] == '%' {
			copy(escaped[i+1:i+3], bytes.ToLower(escaped[i+1:i+3]))
		}
	}
	return string(escaped)
}
