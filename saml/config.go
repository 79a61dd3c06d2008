package saml

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/internal/dsig"
)

// Config describes an identity provider. SingleSignOnService, Realms and Signer are required.
type Config struct {
	// Cloud that users sign in to. The zero value is entrafed.Global.
	Cloud entrafed.Cloud

	// SingleSignOnService is the URL where this identity provider receives an AuthnRequest: the passiveSignInUri of
	// the domain's federation. A request that names a Destination must name this one.
	SingleSignOnService string

	// Realms are the federated domains, at least one.
	Realms []Realm

	// Signer is the key that signs assertions.
	Signer Signer

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

// Signer is a key and its certificate. The key may live in a file, a KMS or an HSM; it must be RSA with at least 2048
// bits.
type Signer struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
}

const (
	defaultLifetime      = 5 * time.Minute
	defaultClockSkew     = 5 * time.Minute
	defaultMaxRequestAge = 10 * time.Minute
	maxLifetime          = time.Hour
	maxClockSkew         = 10 * time.Minute
	maxMaxRequestAge     = time.Hour
)

// IdentityProvider reads requests and issues responses. Make one with [New]; it is safe for concurrent use.
type IdentityProvider struct {
	cloud         entrafed.Cloud
	sso           string
	realms        realms
	signer        *dsig.Signer
	certificate   *x509.Certificate
	lifetime      time.Duration
	clockSkew     time.Duration
	maxRequestAge time.Duration
	now           func() time.Time
	rand          io.Reader
	page          *postPage
}

// New returns an identity provider, or one error that lists everything that is missing or wrong.
func New(cfg Config) (*IdentityProvider, error) {
	p := &IdentityProvider{
		cloud:         cfg.Cloud.OrGlobal(),
		sso:           cfg.SingleSignOnService,
		certificate:   cfg.Signer.Certificate,
		lifetime:      orDefault(cfg.Lifetime, defaultLifetime),
		clockSkew:     orDefault(cfg.ClockSkew, defaultClockSkew),
		maxRequestAge: orDefault(cfg.MaxRequestAge, defaultMaxRequestAge),
		now:           cfg.Now,
		rand:          cfg.Rand,
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
	add("Lifetime", within(p.lifetime, maxLifetime))
	add("ClockSkew", within(p.clockSkew, maxClockSkew))
	add("MaxRequestAge", within(p.maxRequestAge, maxMaxRequestAge))
	var err error
	p.realms, err = newRealms(cfg.Realms, p.cloud)
	add("Realms", err)
	p.signer, err = dsig.NewSigner(cfg.Signer.Key, cfg.Signer.Certificate, p.rand)
	add("Signer", err)
	add("Signer", validAt(cfg.Signer.Certificate, p.now()))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p.page = newPostPage(p.cloud)
	return p, nil
}

// Cloud returns the cloud that this identity provider answers to.
func (p *IdentityProvider) Cloud() entrafed.Cloud { return p.cloud }

// SingleSignOnService returns the URL where this identity provider receives requests.
func (p *IdentityProvider) SingleSignOnService() string { return p.sso }

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

// validAt refuses a certificate outside its validity, because Entra would refuse what it signs.
func validAt(certificate *x509.Certificate, now time.Time) error {
	switch {
	case certificate == nil: // reported with the key
		return nil
	case now.Before(certificate.NotBefore):
		return fmt.Errorf("the certificate is valid only from %s", certificate.NotBefore.UTC().Format(time.RFC3339))
	case now.After(certificate.NotAfter):
		return fmt.Errorf("the certificate expired on %s: make a new one and register it with Entra first",
			certificate.NotAfter.UTC().Format(time.RFC3339))
	}
	return nil
}
