package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	"github.com/entrafed/entrafed"
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
func newSignIn() (*signIn, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	now := time.Now().UTC()
	certificate, err := certify(key, now)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	return &signIn{
		key: key, certificate: certificate,
		cloud:        entrafed.Global(),
		domain:       "contoso.com",
		issuer:       "https://id.contoso.com/entra",
		sso:          "https://id.contoso.com/entra/sso",
		requestID:    "_11111111-2222-3333-4444-555555555555",
		immutableID:  "0123456789abcdef0123456789abcdef",
		upn:          "contractor@contoso.com",
		sessionIndex: "_0123456789abcdef0123456789abcdef",
		authnInstant: now.Truncate(time.Millisecond),
	}, nil
}

func certify(key crypto.Signer, now time.Time) (*x509.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "entrafed bench"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// authnRequest is the document that Entra sends, in today's unsigned shape.
func (s *signIn) authnRequest() []byte {
	return fmt.Appendf(nil, `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="%s" `+
		`Version="2.0" IssueInstant="%s"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">%s</Issuer>`+
		`<samlp:NameIDPolicy Format="%s"/></samlp:AuthnRequest>`,
		s.requestID, timestamp(s.authnInstant), s.cloud.Audience, formatPersistent)
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
