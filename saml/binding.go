package saml

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/entrafed/entrafed/internal/dsig"
)

// Limits of what is read from a browser.
const (
	MaxRequestSize = 64 << 10 // bytes of the AuthnRequest, before and after inflating
	MaxRelayState  = 32 << 10 // bytes; SAML's own limit of 80 is not kept by Entra, which sends more than a thousand

	// The form is percent-encoded base64 and RelayState, both of which can triple.
	maxFormSize = 3 * (MaxRequestSize*4/3 + MaxRelayState)
)

// Binding is how a message travelled: https://docs.oasis-open.org/security/saml/v2.0/saml-bindings-2.0-os.pdf,
// sections 3.4 and 3.5.
type Binding string

// The two bindings of an AuthnRequest.
const (
	BindingPOST     Binding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	BindingRedirect Binding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
)

// ReadRequest reads Entra's AuthnRequest from the POST or the Redirect binding and checks it. It reads at most a few
// hundred kilobytes of the body. A form that was parsed before, by r.ParseForm, is used as it is.
//
// The error is a *[RequestError]. Nothing in the request chooses where the answer goes.
func (p *provider) ReadRequest(r *http.Request) (*AuthnRequest, error) {
	c, err := readCarried(r)
	if err != nil {
		return nil, err
	}
	if !c.found {
		return nil, refuse(ErrNoRequest, "the parameter SAMLRequest is missing")
	}
	request, err := p.parseAuthnRequest(c.document)
	if err != nil {
		return nil, err
	}
	request.Binding, request.RelayState = c.binding, c.relayState
	request.LoginHint = loginHint(r.URL.RawQuery)
	signed, err := p.verifyQuery(c.rawQuery)
	if err != nil {
		return nil, err
	}
	request.Signed = request.Signed || signed
	if err := p.checkSigned(request.Signed); err != nil {
		return nil, err
	}
	if err := p.checkFirstUse(r.Context(), request); err != nil {
		return nil, err
	}
	return request, nil
}

// carried is what a browser brought: the parameters and, if it was found among them, a SAML message.
type carried struct {
	binding    Binding
	fields     url.Values
	rawQuery   string // of the Redirect binding, whose signature is in it; empty by POST
	found      bool
	document   []byte // the message, decoded
	relayState string
}

func readCarried(r *http.Request) (c carried, err error) {
	if c.binding, c.fields, err = bindingFields(r); err != nil {
		return carried{}, err
	}
	if c.binding == BindingRedirect {
		c.rawQuery = r.URL.RawQuery
	}
	encoded, err := single(c.fields, "SAMLRequest")
	if err != nil || encoded == "" {
		return c, err
	}
	if c.relayState, err = single(c.fields, "RelayState"); err != nil {
		return carried{}, err
	}
	if err := checkRelayState(c.relayState); err != nil {
		return carried{}, err
	}
	c.found = true
	c.document, err = decode(c.binding, encoded, c.fields)
	return c, err
}

func bindingFields(r *http.Request) (Binding, url.Values, error) {
	switch r.Method {
	case http.MethodGet:
		if len(r.URL.RawQuery) > maxFormSize {
			return "", nil, refuse(ErrTooLarge, "the query")
		}
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return "", nil, &RequestError{Reason: ErrEncoding, Detail: "the query", Err: err}
		}
		return BindingRedirect, query, nil
	case http.MethodPost:
		form, err := postForm(r)
		return BindingPOST, form, err
	}
	return "", nil, refuse(ErrNoRequest, "the method is "+oneLine(r.Method))
}

func postForm(r *http.Request) (url.Values, error) {
	if r.PostForm == nil && r.Body != nil {
		r.Body = http.MaxBytesReader(nil, r.Body, maxFormSize)
	}
	err := r.ParseForm()
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, refuse(ErrTooLarge, fmt.Sprintf("the form has more than %d bytes", maxFormSize))
	case err != nil:
		return nil, &RequestError{Reason: ErrEncoding, Detail: "the form", Err: err}
	}
	return r.PostForm, nil
}

// single refuses repeated parameters: two readers of one message must not be able to see two values.
func single(fields url.Values, name string) (string, error) {
	values := fields[name]
	if len(values) > 1 {
		return "", refuse(ErrEncoding, name+" is repeated")
	}
	if len(values) == 0 {
		return "", nil
	}
	return values[0], nil
}

// verifyQuery checks the signature of the Redirect binding, which covers the parameters as they stand in the URL, before
// any unescaping (SAML bindings, section 3.4.4.1). Without a signature it reports false.
func (p *provider) verifyQuery(rawQuery string) (signed bool, err error) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil || len(p.requestCertificates) == 0 || !query.Has("Signature") && !query.Has("SigAlg") {
		return false, nil // a query that cannot be parsed was refused before
	}
	encoded, err := single(query, "Signature")
	if err != nil {
		return false, err
	}
	algorithm, err := single(query, "SigAlg")
	if err != nil {
		return false, err
	}
	value, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return false, &RequestError{Reason: ErrSignature, Detail: "Signature is not base64", Err: err}
	}
	content, found := signedQuery(rawQuery, query.Has("RelayState"))
	if !found {
		return false, refuse(ErrSignature, "the name of a signed parameter is escaped, so that it cannot be what was signed")
	}
	if err := dsig.VerifyBytes(algorithm, []byte(content), value, p.requestCertificates); err != nil {
		return false, &RequestError{Reason: ErrSignature, Err: err}
	}
	return true, nil
}

// signedQuery picks what the signature of a query covers, in the order that the binding asks for. Every parameter that
// is used must be among it, also one whose name is written with escapes.
func signedQuery(rawQuery string, hasRelayState bool) (content string, found bool) {
	raw := map[string]string{}
	for parameter := range strings.SplitSeq(rawQuery, "&") {
		name, _, _ := strings.Cut(parameter, "=")
		raw[name] = parameter // repeated ones were refused before
	}
	if raw["SAMLRequest"] == "" || raw["SigAlg"] == "" || raw["Signature"] == "" {
		return "", false
	}
	parts := []string{raw["SAMLRequest"]}
	if relayState, present := raw["RelayState"]; present {
		parts = append(parts, relayState)
	} else if hasRelayState {
		return "", false
	}
	return strings.Join(append(parts, raw["SigAlg"]), "&"), true
}

// checkRelayState refuses what a hidden field of a form cannot bring back byte for byte.
func checkRelayState(relayState string) error {
	if len(relayState) > MaxRelayState {
		return refuse(ErrTooLarge, fmt.Sprintf("RelayState has %d bytes", len(relayState)))
	}
	if !utf8.ValidString(relayState) || strings.ContainsFunc(relayState, isControl) {
		return refuse(ErrEncoding, "RelayState has a control character or is not UTF-8")
	}
	return nil
}

func decode(binding Binding, encoded string, fields url.Values) ([]byte, error) {
	if base64.StdEncoding.DecodedLen(len(encoded)) > MaxRequestSize+2 {
		return nil, refuse(ErrTooLarge, fmt.Sprintf("SAMLRequest has %d characters", len(encoded)))
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, &RequestError{Reason: ErrEncoding, Detail: "SAMLRequest is not base64", Err: err}
	}
	if binding == BindingPOST {
		return raw, nil
	}
	encoding, err := single(fields, "SAMLEncoding")
	if err != nil {
		return nil, err
	}
	if encoding != "" && encoding != deflateEncoding {
		return nil, refuse(ErrEncoding, "SAMLEncoding is not DEFLATE")
	}
	return inflate(raw)
}

const deflateEncoding = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"

func inflate(deflated []byte) ([]byte, error) {
	source := bytes.NewReader(deflated)
	document, err := io.ReadAll(io.LimitReader(flate.NewReader(source), MaxRequestSize+1))
	switch {
	case len(document) > MaxRequestSize:
		return nil, refuse(ErrTooLarge, fmt.Sprintf("SAMLRequest inflates to more than %d bytes", MaxRequestSize))
	case err != nil:
		return nil, &RequestError{Reason: ErrEncoding, Detail: "SAMLRequest is not deflated", Err: err}
	case source.Len() > 0:
		return nil, refuse(ErrEncoding, "SAMLRequest goes on after its deflated part")
	}
	return document, nil
}

// loginHint returns whom Entra expects, from the parameters that it is known to add to a sign-in URL. It is a hint for
// a sign-in form, and proves nothing.
func loginHint(rawQuery string) string {
	query, _ := url.ParseQuery(rawQuery)
	for _, name := range []string{"login_hint", "username"} {
		if values := query[name]; len(values) == 1 && len(values[0]) <= maxUPN && utf8.ValidString(values[0]) &&
			!strings.ContainsFunc(values[0], isControl) {
			return values[0]
		}
	}
	return ""
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// oneLine makes foreign text fit for an error message and a log.
func oneLine(s string) string {
	if len(s) > 100 {
		s = s[:100] + "…"
	}
	return fmt.Sprintf("%q", s)
}
