package main

import (
	"crypto"
	"fmt"
	"time"

	"github.com/entrafed/entrafed/saml"
)

// newIdP returns this library's identity provider. now is its clock; nil means time.Now.
func newIdP(s *signIn, key crypto.Signer, now func() time.Time) (*saml.IdentityProvider, error) {
	idp, err := saml.New(saml.Config{
		Cloud:               s.cloud,
		SingleSignOnService: s.sso,
		Realms:              []saml.Realm{{Domain: s.domain, Issuer: s.issuer}},
		Signer:              saml.Signer{Key: key, Certificate: s.certificate},
		Lifetime:            lifetime,
		ClockSkew:           clockSkew,
		Now:                 now,
	})
	if err != nil {
		return nil, fmt.Errorf("ours: %w", err)
	}
	return idp, nil
}

// ours is this library's path.
func ours(s *signIn, key crypto.Signer) (issue, error) {
	idp, err := newIdP(s, key, nil)
	if err != nil {
		return nil, err
	}
	request, err := idp.ParseAuthnRequest(s.authnRequest())
	if err != nil {
		return nil, fmt.Errorf("ours: %w", err)
	}
	subject := saml.Subject{
		ImmutableID: s.immutableID, UPN: s.upn, AuthnInstant: s.authnInstant, SessionIndex: s.sessionIndex,
	}
	return func() (string, error) {
		response, err := idp.Respond(request, subject)
		if err != nil {
			return "", err
		}
		return response.SAMLResponse(), nil
	}, nil
}

// read parses the request. Its clock stands still, so that the request does not expire during a long run.
func read(s *signIn) (operation, error) {
	idp, err := newIdP(s, s.key, func() time.Time { return s.authnInstant })
	if err != nil {
		return nil, err
	}
	document := s.authnRequest()
	return func() error {
		_, err := idp.ParseAuthnRequest(document)
		return err
	}, nil
}
