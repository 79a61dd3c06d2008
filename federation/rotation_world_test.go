package federation_test

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/internal/certtest"
)

// signingKeys are the keys of an identity provider over the years: "old", "new" and "third".
var signingKeys = sync.OnceValue(func() map[string]*rsa.PrivateKey {
	keys := map[string]*rsa.PrivateKey{}
	for _, name := range []string{"old", "new", "third"} {
		keys[name] = certtest.RSA(2048)
	}
	return keys
})

// keyCertificateOf makes the certificate of one of the signingKeys, each a month younger than the one before, and all valid
// today, unless change says otherwise.
func keyCertificateOf(t testing.TB, name string, change ...func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	made := map[string]time.Time{
		"old": today.AddDate(0, -3, 0), "new": today.AddDate(0, -2, 0), "third": today.AddDate(0, -1, 0),
	}[name]
	return certtest.SelfSigned(signingKeys()[name], name, made, made.AddDate(1, 0, 0), change...)
}

// rotating is a domain whose signing key is replaced: a tenant, an identity provider and the sign-in service between them.
type rotating struct {
	*world
	keys            *provider
	entra           *entra
	old, new, third *x509.Certificate
}

// newRotating has contoso.com federated with the certificate "old", of the key that signs, and the identity provider has the
// key of "new" as well.
func newRotating(t *testing.T) *rotating {
	t.Helper()
	return newRotatingWith(t, keyCertificateOf(t, "old"), keyCertificateOf(t, "new"), keyCertificateOf(t, "third"))
}

func newRotatingWith(t *testing.T, older, newer, third *x509.Certificate) *rotating {
	t.Helper()
	r := &rotating{old: older, new: newer, third: third}
	r.keys = &provider{active: r.old, other: r.new}
	r.world = newWorld(t, newTenant().federated("contoso.com", configured(r.old)))
	r.entra = &entra{keys: r.keys, now: r.clock.Now}
	r.entra.learn(r.tenant.configurations["contoso.com"], true)
	r.fed = r.federator(t, r.directory(), r.store)
	return r
}

// directory is the tenant, which tells the sign-in service of every write.
func (r *rotating) directory() *watchedTenant {
	return &watchedTenant{tenant: r.tenant, entra: r.entra}
}

// federator is one more process.
func (r *rotating) federator(t *testing.T, dir federation.Directory, store federation.Store) *federation.Federator {
	t.Helper()
	fed, err := federation.New(federation.Config{
		Directory: dir, Store: store, Discovery: r.tenant, Now: r.clock.Now, Sleep: r.clock.Sleep, Rand: zeros{},
	})
	require.NoError(t, err)
	return fed
}

// zeros makes the IDs of plans the same each time.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// has sets the tenant's certificates as set-up, known everywhere; second may be nil.
func (r *rotating) has(first, second *x509.Certificate) {
	c := configured(first)
	c.ID = r.tenant.configurations["contoso.com"].ID
	if second != nil {
		c.NextSigningCertificate = bare(second)
	}
	r.tenant.configurations["contoso.com"] = &c
	r.entra.learn(&c, true)
}

// configuration is the domain's federation in the tenant.
func (r *rotating) configuration() federation.Configuration {
	return *r.tenant.configurations["contoso.com"]
}

func (r *rotating) status(t *testing.T) federation.RotationStatus {
	t.Helper()
	s, err := r.fed.RotationStatus(t.Context(), "contoso.com", r.keys)
	require.NoError(t, err)
	return s
}

// step makes a step that is allowed.
func (r *rotating) step(t *testing.T) federation.RotationStatus {
	t.Helper()
	s, err := r.fed.RotateStep(t.Context(), "contoso.com", r.keys, nil)
	require.NoError(t, err)
	return s
}

// steps makes so many steps, and waits where it must.
func (r *rotating) steps(t *testing.T, n int) federation.RotationStatus {
	t.Helper()
	var s federation.RotationStatus
	for range n {
		if before := r.status(t); !before.NotBefore.IsZero() {
			r.clock.pass(before.NotBefore.Sub(r.clock.Now()))
		}
		s = r.step(t)
	}
	return s
}

// kept is the record of the domain.
func (r *rotating) kept(t *testing.T) federation.Record {
	t.Helper()
	return r.record(t, "contoso.com")
}

// forgetting loses the store.
func (r *rotating) forgetting(t *testing.T) {
	t.Helper()
	r.store = federation.NewMemoryStore()
	r.fed = r.federator(t, r.directory(), r.store)
}

// provider is an identity provider with two keys, which can be told to switch.
type provider struct {
	mu            sync.Mutex
	active, other *x509.Certificate
	err           error  // of every call
	deaf          bool   // it is told, and does not do it
	switched      func() // told after each switch
}

func (p *provider) Certificates(context.Context) (active, other *x509.Certificate, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.active, p.other, p.err
}

func (p *provider) Switch(_ context.Context, certificate *x509.Certificate) error {
	err := p.change(certificate)
	if err == nil && p.switched != nil {
		p.switched()
	}
	return err
}

func (p *provider) change(certificate *x509.Certificate) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.err != nil:
		return p.err
	case p.deaf || certificate.Equal(p.active):
		return nil
	case !certificate.Equal(p.other):
		return errors.New("there is no such key")
	}
	p.active, p.other = p.other, p.active
	return nil
}

func (p *provider) signs() *x509.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.active
}

// byHand is an identity provider that only its operator can switch.
type byHand struct{ provider *provider }

func (h byHand) Certificates(ctx context.Context) (active, other *x509.Certificate, err error) {
	return h.provider.Certificates(ctx)
}

// watchedTenant tells the sign-in service of every change of a configuration.
type watchedTenant struct {
	*tenant
	entra *entra
}

func (w *watchedTenant) ChangeConfiguration(ctx context.Context, domain, id string, p federation.Properties) error {
	err := w.tenant.ChangeConfiguration(ctx, domain, id, p)
	w.tenant.mu.Lock()
	defer w.tenant.mu.Unlock()
	w.entra.learn(w.tenant.configurations[domain], false)
	return err
}

// entra is the sign-in service: replicas that learn of each change within two hours, one of them at the last moment.
type entra struct {
	keys      *provider
	now       func() time.Time
	onlyFirst bool // the second certificate does not count before the first has expired, which none does here

	mu      sync.Mutex
	changes []knownChange
	signIns int
	refused []refusal
}

type knownChange struct {
	at            time.Time
	first, second string
	everywhere    bool // at once
}

type refusal struct {
	at      time.Time
	replica int
}

const replicas = 10

// learn takes note of a change.
func (e *entra) learn(c *federation.Configuration, everywhere bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.changes = append(e.changes, knownChange{e.now(), c.SigningCertificate, c.NextSigningCertificate, everywhere})
}

// lag is how long a replica does not know of a change: the first learns at once, the last after two hours, and the others
// differ from change to change.
func lag(change, replica int) time.Duration {
	switch replica {
	case 0:
		return 0
	case replicas - 1:
		return federation.RotationOverlap
	}
	return time.Duration((change*37+replica*53)%120) * time.Minute
}

// signIn lets somebody sign in at each replica now, with an assertion by the key that signs.
func (e *entra) signIn() {
	now, signer := e.now(), e.keys.signs()
	e.mu.Lock()
	defer e.mu.Unlock()
	for replica := range replicas {
		e.signIns++
		if !e.accepts(replica, signer, now) {
			e.refused = append(e.refused, refusal{now, replica})
		}
	}
}

func (e *entra) accepts(replica int, signer *x509.Certificate, now time.Time) bool {
	if now.After(signer.NotAfter) {
		return false
	}
	for i := len(e.changes) - 1; i >= 0; i-- {
		c := e.changes[i]
		if !c.everywhere && now.Before(c.at.Add(lag(i, replica))) {
			continue
		}
		switch bare(signer) {
		case c.first:
			return true
		case c.second:
			return !e.onlyFirst
		}
		return false
	}
	return false
}
