package federation_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

// process is a program that is killed right after so many changes: of the tenant, of the store or of the key that signs. 0:
// never.
type process struct {
	mu      sync.Mutex
	killAt  int
	changes int
	killed  bool
}

var errKilled = errors.New("the program was killed")

func (p *process) alive() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		return errKilled
	}
	return nil
}

// changed is told after a change.
func (p *process) changed(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		return err
	}
	if p.changes++; p.changes == p.killAt {
		p.killed = true
		return errKilled
	}
	return nil
}

// mortalTenant, mortalStore and mortalKeys are what a process sees of the world.
type mortalTenant struct {
	*watchedTenant
	process *process
}

func (m *mortalTenant) Domains(ctx context.Context) ([]federation.Domain, error) {
	if err := m.process.alive(); err != nil {
		return nil, err
	}
	return m.watchedTenant.Domains(ctx)
}

func (m *mortalTenant) Configuration(ctx context.Context, domain string) (*federation.Configuration, error) {
	if err := m.process.alive(); err != nil {
		return nil, err
	}
	return m.watchedTenant.Configuration(ctx, domain)
}

func (m *mortalTenant) ChangeConfiguration(ctx context.Context, domain, id string, p federation.Properties) error {
	if err := m.process.alive(); err != nil {
		return err
	}
	return m.process.changed(m.watchedTenant.ChangeConfiguration(ctx, domain, id, p))
}

type mortalStore struct {
	federation.Store
	process *process
}

func (m mortalStore) Load(ctx context.Context, name string) ([]byte, error) {
	if err := m.process.alive(); err != nil {
		return nil, err
	}
	return m.Store.Load(ctx, name)
}

func (m mortalStore) Save(ctx context.Context, name string, old, document []byte) error {
	if err := m.process.alive(); err != nil {
		return err
	}
	return m.process.changed(m.Store.Save(ctx, name, old, document))
}

type mortalKeys struct {
	*provider
	process *process
}

func (m mortalKeys) Certificates(ctx context.Context) (active, other *x509.Certificate, err error) {
	if err := m.process.alive(); err != nil {
		return nil, nil, err
	}
	return m.provider.Certificates(ctx)
}

func (m mortalKeys) Switch(ctx context.Context, certificate *x509.Certificate) error {
	if err := m.process.alive(); err != nil {
		return err
	}
	return m.process.changed(m.provider.Switch(ctx, certificate))
}

// run goes on with the rotation until it is complete or the process is killed. People sign in all the time.
func (r *rotating) run(t *testing.T, p *process) error {
	t.Helper()
	fed := r.federator(t, &mortalTenant{r.directory(), p}, mortalStore{r.store, p})
	keys := mortalKeys{r.keys, p}
	for range 1000 {
		r.entra.signIn()
		s, err := fed.RotateStep(t.Context(), "contoso.com", keys, func(federation.Event) { r.entra.signIn() })
		switch {
		case errors.Is(err, federation.ErrTooEarly):
			require.True(t, s.NotBefore.After(r.clock.Now()))
			r.clock.pass(min(5*time.Minute, s.NotBefore.Sub(r.clock.Now())))
		case errors.Is(err, federation.ErrNoNextKey), err == nil && s.Stage == federation.RotationIdle:
			return nil
		case err != nil:
			return err
		}
	}
	require.Fail(t, "the rotation does not end")
	return nil
}

// later lets people sign in until everything is known everywhere.
func (r *rotating) later() {
	for range 36 {
		r.clock.pass(5 * time.Minute)
		r.entra.signIn()
	}
}

// complete says what the end of a rotation looks like.
func (r *rotating) complete(t *testing.T) {
	t.Helper()
	require.Equal(t, r.new.Subject, r.keys.signs().Subject)
	require.Equal(t, bare(r.new), r.configuration().SigningCertificate)
	require.Empty(t, r.configuration().NextSigningCertificate)
	require.Nil(t, r.kept(t).Rotation)
	require.Empty(t, r.entra.refused, "of %d sign-ins", r.entra.signIns)
}

// changesOfARotation counts them.
func changesOfARotation(t *testing.T) int {
	t.Helper()
	p := &process{}
	require.NoError(t, newRotating(t).run(t, p))
	return p.changes
}

func TestARotationThatIsKilledAfterAnyChangeGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	all := changesOfARotation(t)
	require.GreaterOrEqual(t, all, 3+1+4, "three writes, a switch, and what is stored around them")
	for at := 1; at <= all; at++ {
		for _, pause := range []time.Duration{0, time.Hour, 3 * time.Hour} {
			t.Run(fmt.Sprintf("%d, %v", at, pause), func(t *testing.T) {
				t.Parallel()
				r := newRotating(t)
				require.ErrorIs(t, r.run(t, &process{killAt: at}), errKilled)
				for passed := time.Duration(0); passed < pause; passed += 5 * time.Minute {
					r.entra.signIn()
					r.clock.pass(5 * time.Minute)
				}
				require.NoError(t, r.run(t, &process{}))
				r.later()
				r.complete(t)
				require.Equal(t, []string{bare(r.old)}, r.kept(t).Retired)
			})
		}
	}
}

// A store that is lost makes every wait begin anew.
func TestARotationThatLosesItsStoreAfterAnyChangeOnlyTakesLonger(t *testing.T) {
	t.Parallel()
	for at := 1; at <= changesOfARotation(t); at++ {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			r := newRotating(t)
			require.ErrorIs(t, r.run(t, &process{killAt: at}), errKilled)
			r.forgetting(t)
			require.NoError(t, r.run(t, &process{}))
			r.later()
			r.complete(t)
		})
	}
}

// A step makes four changes at most: it claims, stores the way back, writes, and notes. Whoever lives as long comes on.
func TestARotationThatIsKilledAgainAndAgainComesToItsEnd(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	killed := 0
	for r.run(t, &process{killAt: 1 + killed%4}) != nil {
		killed++
		require.Less(t, killed, 100)
	}
	require.Greater(t, killed, 8)
	r.later()
	r.complete(t)
}

func TestAnAbandonmentThatIsKilledAfterAnyChangeGoesOnWhenItIsMadeAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, r *rotating)
	}{
		{"announced", func(t *testing.T, r *rotating) { r.steps(t, 1) }},
		{"gone back after the switch", func(t *testing.T, r *rotating) {
			r.steps(t, 2)
			require.NoError(t, r.keys.Switch(t.Context(), r.old))
		}},
		{"gone back after the promotion", func(t *testing.T, r *rotating) {
			r.steps(t, 3)
			require.NoError(t, r.keys.Switch(t.Context(), r.old))
		}},
	} {
		for at := 1; ; at++ {
			r := newRotating(t)
			test.prepare(t, r)
			err := r.abandon(t, &process{killAt: at})
			if err == nil {
				break
			}
			require.ErrorIs(t, err, errKilled, "%s, %d", test.name, at)
			require.NoError(t, r.abandon(t, &process{}), "%s, %d", test.name, at)
			r.later()
			r.abandoned(t)
		}
	}
}

// abandon withdraws the new certificate, until nothing of it is left.
func (r *rotating) abandon(t *testing.T, p *process) error {
	t.Helper()
	fed := r.federator(t, &mortalTenant{r.directory(), p}, mortalStore{r.store, p})
	keys := mortalKeys{r.keys, p}
	s, err := fed.AbandonRotation(t.Context(), "contoso.com", keys, func(federation.Event) { r.entra.signIn() })
	for err == nil && s.Stage != federation.RotationIdle {
		r.entra.signIn()
		if !s.NotBefore.IsZero() {
			r.clock.pass(s.NotBefore.Sub(r.clock.Now()))
		}
		s, err = fed.RotateStep(t.Context(), "contoso.com", keys, nil)
	}
	return err
}

// abandoned says what the end of a rotation that was abandoned looks like.
func (r *rotating) abandoned(t *testing.T) {
	t.Helper()
	require.Equal(t, r.old, r.keys.signs())
	require.Equal(t, bare(r.old), r.configuration().SigningCertificate)
	require.Empty(t, r.configuration().NextSigningCertificate)
	require.Nil(t, r.kept(t).Rotation)
	require.Empty(t, r.kept(t).Retired, "the new key may come again")
	require.Empty(t, r.entra.refused, "of %d sign-ins", r.entra.signIns)
}
