package main

import (
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/internal/certtest"
)

// signIn is the one sign-in that all paths answer, and the key they sign with.
type signIn struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate

	cloud        entrafed.Cloud
	domain       string
	issuer       string
	sso          string
	requestID    string
	immutableID  string
	upn          string
	sessionIndex string
	authnInstant time.Time
}

// lifetime and clockSkew are this library's defaults.
const (
	lifetime  = 5 * time.Minute
	clockSkew = 5 * time.Minute
)

const (
	formatPersistent           = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	passwordProtectedTransport = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
)

// newSignIn makes a key and says who signs in.
func newSignIn() *signIn {
	key, now := certtest.RSA(2048), time.Now().UTC()
	return &signIn{
		key:          key,
		certificate:  certtest.SelfSigned(key, "entrafed bench", now.Add(-time.Hour), now.AddDate(1, 0, 0)),
		cloud:        entrafed.Global(),
		domain:       "contoso.com",
		issuer:       "https://id.contoso.com/entra",
		sso:          "https://id.contoso.com/entra/sso",
		requestID:    "_11111111-2222-3333-4444-555555555555",
		immutableID:  "0123456789abcdef0123456789abcdef",
		upn:          "contractor@contoso.com",
		sessionIndex: "_0123456789abcdef0123456789abcdef",
		authnInstant: now.Truncate(time.Millisecond),
	}
}

// authnRequest is the document that Entra sends, in today's unsigned shape.
func (s *signIn) authnRequest() []byte {
	return fmt.Appendf(nil, `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="%s" `+
		`Version="2.0" IssueInstant="%s"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">%s</Issuer>`+
		`<samlp:NameIDPolicy Format="%s"/></samlp:AuthnRequest>`,
		s.requestID, timestamp(s.authnInstant), s.cloud.Audience, formatPersistent)
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
