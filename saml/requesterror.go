package saml

import "errors"

// Why a request was refused, for errors.Is. Every error of [IdentityProvider.ReadRequest] and
// [IdentityProvider.ParseAuthnRequest] is a *[RequestError] that matches exactly one of them.
var (
	// ErrNoRequest: there is no SAMLRequest in the HTTP request, or the method is neither GET nor POST.
	ErrNoRequest = errors.New("saml: no SAMLRequest")

	// ErrEncoding: the parameters are not what the binding says: repeated, not base64, not deflated.
	ErrEncoding = errors.New("saml: the SAMLRequest is not encoded as its binding asks")

	// ErrTooLarge: the request is larger than [MaxRequestSize], before or after inflating, or the RelayState is larger
	// than [MaxRelayState].
	ErrTooLarge = errors.New("saml: the request is too large")

	// ErrXML: the document is not well-formed, or has what is never allowed: a document type, comments, CDATA,
	// repeated IDs.
	ErrXML = errors.New("saml: the SAMLRequest is not acceptable XML")

	// ErrNotRequest: the document is well-formed, but not the request of SAML 2.0 that is expected here, with an ID and
	// a time.
	ErrNotRequest = errors.New("saml: the document is not the SAML 2.0 request that is expected here")

	// ErrIssuer: somebody else than the configured cloud asks.
	ErrIssuer = errors.New("saml: the request comes from an unknown service provider")

	// ErrDestination: the request was meant for another identity provider.
	ErrDestination = errors.New("saml: the request was meant for another address")

	// ErrExpired: the request is older than Config.MaxRequestAge, or from the future.
	ErrExpired = errors.New("saml: the request is not of this time")

	// ErrSignature: the request's signature does not verify under one of Config.RequestCertificates, or there is none
	// although Config.RequireSignedRequests wants one.
	ErrSignature = errors.New("saml: the request is not signed by Entra")

	// ErrReplayed: a request with that ID was read before.
	ErrReplayed = errors.New("saml: the request was used before")

	// ErrReplayStore: Config.Replays failed, so nobody knows whether the request is new.
	ErrReplayStore = errors.New("saml: the store of used requests failed")

	// ErrUnsupported: the request wants an answer that this profile does not give: another assertion consumer service,
	// another binding, another NameID format.
	ErrUnsupported = errors.New("saml: the request asks for what this profile does not have")
)

// RequestError says why a request was refused. Its text is for the operator; what a person at a browser should read
// depends only on the Reason.
type RequestError struct {
	Reason error  // one of the sentinel errors above
	Detail string // what was seen; never longer than a line
	Err    error  // the cause, if another package found it
}

func (e *RequestError) Error() string {
	text := e.Reason.Error()
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the reason and the cause.
func (e *RequestError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Reason}
	}
	return []error{e.Reason, e.Err}
}

func refuse(reason error, detail string) error { return &RequestError{Reason: reason, Detail: detail} }
