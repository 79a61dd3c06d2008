package saml

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/entrafed/entrafed"
)

// provider is what an [IdentityProvider] and a [GuestIdentityProvider] have in common: reading requests, writing and
// signing, keys. What they assert, and of whom, is theirs.
type provider struct {
	cloud    entrafed.Cloud
	sso      string
	askers   []string // the names under which Entra asks
	audience string   // of every assertion

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

// basics is what the configurations of both have in common.
type basics struct {
	cloud                              entrafed.Cloud
	sso                                string
	signer, nextSigner                 Signer
	replays                            ReplayStore
	lifetime, clockSkew, maxRequestAge time.Duration
	now                                func() time.Time
	rand                               io.Reader
}

const (
	defaultLifetime      = 5 * time.Minute
	defaultClockSkew     = 5 * time.Minute
	defaultMaxRequestAge = 10 * time.Minute
	maxLifetime          = time.Hour
	maxClockSkew         = 10 * time.Minute
	maxMaxRequestAge     = time.Hour
)

// setUp takes over the basics, with their defaults, and notes what is wrong with them. attribute is the one that its
// assertions have.
func (p *provider) setUp(b basics, attribute string, wrong *problems) {
	p.cloud, p.sso, p.replays = b.cloud, b.sso, b.replays
	p.lifetime = orDefault(b.lifetime, defaultLifetime)
	p.clockSkew = orDefault(b.clockSkew, defaultClockSkew)
	p.maxRequestAge = orDefault(b.maxRequestAge, defaultMaxRequestAge)
	if p.now = b.now; p.now == nil {
		p.now = time.Now
	}
	if p.rand = b.rand; p.rand == nil {
		p.rand = rand.Reader
	}
	p.solicited, p.unsolicited = newTemplates(false, attribute), newTemplates(true, attribute)
	p.scratch.New = func() any { return new([]byte) }
	p.page = newPostPage(p.cloud, p.FormAction())

	wrong.add("SingleSignOnService", p.cloud.CheckURL(p.sso))
	wrong.add("Lifetime", within(p.lifetime, maxLifetime))
	wrong.add("ClockSkew", within(p.clockSkew, maxClockSkew))
	wrong.add("MaxRequestAge", within(p.maxRequestAge, maxMaxRequestAge))
	k, err := p.newKeys(b.signer, b.nextSigner)
	if err != nil {
		wrong.errs = append(wrong.errs, fmt.Errorf("saml: %w", err)) // it names the fields
		return
	}
	p.keys.Store(k)
}

// problems collects what is wrong with a configuration, so that one error lists everything.
type problems struct{ errs []error }

func (w *problems) add(field string, err error) {
	if err != nil {
		w.errs = append(w.errs, fmt.Errorf("saml: %s: %w", field, err))
	}
}

func (w *problems) err() error { return errors.Join(w.errs...) }

// Cloud returns the cloud that this identity provider answers to.
func (p *provider) Cloud() entrafed.Cloud { return p.cloud }

// SingleSignOnService returns the URL where this identity provider receives requests.
func (p *provider) SingleSignOnService() string { return p.sso }

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
