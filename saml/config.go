package saml

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/entrafed/entrafed"
)

// Config describes an identity provider. SingleSignOnService, Realms and Signer are required.
type Config struct {
	// Cloud that users sign in to. The zero value is entrafed.Global.
	Cloud entrafed.Cloud

	// SingleSignOnService is the URL where this identity provider receives an AuthnRequest: the passiveSignInUri of
	// the domain's federation. A request that names a Destination must name this one.
	SingleSignOnService string

	// SingleLogoutService is the URL where this identity provider receives a LogoutRequest: the signOutUri of the
	// domain's federation. Empty: there is none, and metadata names none.
	SingleLogoutService string

	// Realms are the federated domains, at least one.
	Realms []Realm

	// Signer is the key that signs assertions.
	Signer Signer

	// NextSigner is the key that will sign after the present one. Metadata shows both; [IdentityProvider.Switch] switches.
	// The zero value is none.
	NextSigner Signer

	// RequestCertificates are the certificates whose keys sign Entra's requests, from the cloud's SAML metadata
	// (Cloud.Metadata). Where there are any, a signed request must be signed by one of them. Where there are none,
	// signatures on requests are not looked at.
	RequestCertificates []*x509.Certificate

	// RequireSignedRequests refuses requests without a signature of one of the RequestCertificates. Set it if, and only
	// if, the domain's isSignedAuthenticationRequestRequired is true in Entra, whose default is false.
	RequireSignedRequests bool

	// Replays makes an AuthnRequest good for one answer. nil: it is good for as many as arrive within MaxRequestAge,
	// and Entra, which accepts one answer, is relied upon.
	Replays ReplayStore

	// Lifetime is how long an assertion may be presented. 0 means 5 minutes; at most an hour.
	Lifetime time.Duration

	// ClockSkew is how far Entra's clock and this one may differ: a request may come from that far in the future, and
	// an assertion is valid from that long before it was made. 0 means 5 minutes; at most 10 minutes.
	ClockSkew time.Duration

	// MaxRequestAge is how old an AuthnRequest may be when it arrives. 0 means 10 minutes; at most an hour.
	MaxRequestAge time.Duration

	// Now is the clock. nil means time.Now.
	Now func() time.Time

	// Rand is where IDs come from, 128 bits each. nil means crypto/rand.Reader.
	Rand io.Reader
}

// IdentityProvider reads requests and issues responses for the people of federated domains. Make one with [New]; it is safe
// for concurrent use, and only its keys ever change.
type IdentityProvider struct {
	provider
	slo    string
	realms realms
}

// New returns an identity provider, or one error that lists everything that is missing or wrong.
func New(cfg Config) (*IdentityProvider, error) {
	p := &IdentityProvider{slo: cfg.SingleLogoutService}
	var wrong problems
	p.setUp(basics{
		cloud: cfg.Cloud.OrGlobal(), sso: cfg.SingleSignOnService, signer: cfg.Signer, nextSigner: cfg.NextSigner,
		replays: cfg.Replays, lifetime: cfg.Lifetime, clockSkew: cfg.ClockSkew, maxRequestAge: cfg.MaxRequestAge,
		now: cfg.Now, rand: cfg.Rand,
	}, attributeIDPEmail, &wrong)
	p.askers, p.audience = []string{p.cloud.Audience}, p.cloud.Audience
	p.requestCertificates, p.requireSigned = slices.Clone(cfg.RequestCertificates), cfg.RequireSignedRequests

	wrong.add("Cloud", p.cloud.Validate())
	if p.slo != "" {
		wrong.add("SingleLogoutService", p.cloud.CheckURL(p.slo))
	}
	var err error
	p.realms, err = newRealms(cfg.Realms, p.cloud)
	wrong.add("Realms", err)
	wrong.add("RequestCertificates", cfg.checkRequestCertificates())
	if err := wrong.err(); err != nil {
		return nil, err
	}
	return p, nil
}

func (cfg Config) checkRequestCertificates() error {
	if cfg.RequireSignedRequests && len(cfg.RequestCertificates) == 0 {
		return errors.New("RequireSignedRequests needs the certificates of the cloud's SAML metadata")
	}
	for i, certificate := range cfg.RequestCertificates {
		if certificate == nil {
			return fmt.Errorf("the certificate %d is nil", i)
		}
		if _, ok := certificate.PublicKey.(*rsa.PublicKey); !ok {
			return fmt.Errorf("the certificate %d has a key of %T: Entra signs with RSA", i, certificate.PublicKey)
		}
	}
	return nil
}

// SingleLogoutService returns the URL where this identity provider receives sign-outs, or "".
func (p *IdentityProvider) SingleLogoutService() string { return p.slo }
