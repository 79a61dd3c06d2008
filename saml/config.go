package saml

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
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

	// NextSigner is the key that will sign after the present one. Metadata shows both; [IdentityProvider.SwitchSigner]
	// switches. The zero value is none.
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

const (
	defaultLifetime      = 5 * time.Minute
	defaultClockSkew     = 5 * time.Minute
	defaultMaxRequestAge = 10 * time.Minute
	maxLifetime          = time.Hour
	maxClockSkew         = 10 * time.Minute
	maxMaxRequestAge     = time.Hour
)

// IdentityProvider reads requests and issues responses. Make one with [New]; it is safe for concurrent use, and only its
// keys ever change.
type IdentityProvider struct {
	cloud         entrafed.Cloud
	sso, slo      string
	realms        realms
	lifetime      time.Duration
	clockSkew     time.Duration
	maxRequestAge time.Duration
	now           func() time.Time
	rand          io.Reader
	page          *postPage

	requestCertificates []*x509.Certificate
	requireSigned       bool
	replays             ReplayStore

	solicited, unsolicited templates
	scratch                sync.Pool // of *[]byte: the assertion without its signature

	keysMu sync.Mutex // held while keys are replaced
	keys   atomic.Pointer[keys]
}

// New returns an identity provider, or one error that lists everything that is missing or wrong.
func New(cfg Config) (*IdentityProvider, error) {
	p := &IdentityProvider{
		cloud:         cfg.Cloud.OrGlobal(),
		sso:           cfg.SingleSignOnService,
		slo:           cfg.SingleLogoutService,
		lifetime:      orDefault(cfg.Lifetime, defaultLifetime),
		clockSkew:     orDefault(cfg.ClockSkew, defaultClockSkew),
		maxRequestAge: orDefault(cfg.MaxRequestAge, defaultMaxRequestAge),
		now:           cfg.Now,
		rand:          cfg.Rand,

		requestCertificates: slices.Clone(cfg.RequestCertificates),
		requireSigned:       cfg.RequireSignedRequests,
		replays:             cfg.Replays,

		solicited:   newTemplates(false),
		unsolicited: newTemplates(true),
		scratch:     sync.Pool{New: func() any { return new([]byte) }},
	}
	if p.now == nil {
		p.now = time.Now
	}
	if p.rand == nil {
		p.rand = rand.Reader
	}

	var errs []error
	add := func(field string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("saml: %s: %w", field, err))
		}
	}
	add("Cloud", p.cloud.Validate())
	add("SingleSignOnService", p.cloud.CheckURL(p.sso))
	if p.slo != "" {
		add("SingleLogoutService", p.cloud.CheckURL(p.slo))
	}
	add("Lifetime", within(p.lifetime, maxLifetime))
	add("ClockSkew", within(p.clockSkew, maxClockSkew))
	add("MaxRequestAge", within(p.maxRequestAge, maxMaxRequestAge))
	var err error
	p.realms, err = newRealms(cfg.Realms, p.cloud)
	add("Realms", err)
	k, err := p.newKeys(cfg.Signer, cfg.NextSigner)
	if err != nil {
		errs = append(errs, fmt.Errorf("saml: %w", err))
	}
	add("RequestCertificates", cfg.checkRequestCertificates())
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p.keys.Store(k)
	p.page = newPostPage(p.cloud)
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

// Cloud returns the cloud that this identity provider answers to.
func (p *IdentityProvider) Cloud() entrafed.Cloud { return p.cloud }

// SingleSignOnService returns the URL where this identity provider receives requests.
func (p *IdentityProvider) SingleSignOnService() string { return p.sso }

// SingleLogoutService returns the URL where this identity provider receives sign-outs, or "".
func (p *IdentityProvider) SingleLogoutService() string { return p.slo }

func orDefault(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d
}

func within(d, limit time.Duration) error {
	if d < 0 || d > limit {
		return fmt.Errorf("%s is not between 0 and %s", d, limit)
	}
	return nil
}
