package federation_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

func TestARotationMakesTheseWritesInThisOrder(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.steps(t, 4)
	require.Equal(t, []federation.Properties{
		{"nextSigningCertificate": bare(r.new)},
		{"signingCertificate": bare(r.new), "nextSigningCertificate": bare(r.old)},
		{"nextSigningCertificate": nil},
	}, r.tenant.bodies)
	require.Equal(t, []string{"change configuration contoso.com"}, unique(r.tenant.writes))
}

func unique(all []string) []string {
	var out []string
	for _, s := range all {
		if len(out) == 0 || out[len(out)-1] != s {
			out = append(out, s)
		}
	}
	return out
}

// The plan of the status is the write of the step.
func TestTheStepWritesWhatThePlanOfTheStatusSays(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	for range 4 {
		s := r.status(t)
		if !s.NotBefore.IsZero() {
			require.Nil(t, s.Plan, "what may not be written yet cannot be applied by mistake")
			r.clock.pass(s.NotBefore.Sub(r.clock.Now()))
			s = r.status(t)
		}
		written := len(r.tenant.bodies)
		r.step(t)
		if s.Plan == nil {
			require.Equal(t, federation.RotationAnnounced, s.Stage)
			require.Len(t, r.tenant.bodies, written, "switching writes nothing to the tenant")
			continue
		}
		require.Equal(t, federation.PurposeRotate, s.Plan.Purpose)
		require.Len(t, s.Plan.Writes, 1)
		require.Equal(t, s.Plan.Writes[0].Body, r.tenant.bodies[written])
	}
}

func TestAfterARotationTheNextOneNeedsAnotherKey(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.steps(t, 4)
	_, err := r.fed.RotateStep(t.Context(), "contoso.com", r.keys, nil)
	require.ErrorIs(t, err, federation.ErrNoNextKey)

	r.keys.other = r.third
	s := r.steps(t, 4)
	require.Equal(t, federation.RotationIdle, s.Stage)
	require.Equal(t, bare(r.third), r.configuration().SigningCertificate)
	require.Equal(t, []string{bare(r.old), bare(r.new)}, r.kept(t).Retired)
}

// Whether Graph lets nextSigningCertificate be cleared is documented nowhere.
func TestATenantThatKeepsTheOldCertificateEndsTheRotationAllTheSame(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.steps(t, 3)
	r.clock.pass(federation.RotationOverlap)
	refusing := &refusingNull{r.directory()}
	fed := r.federator(t, refusing, r.store)
	var told []string
	s, err := fed.RotateStep(t.Context(), "contoso.com", r.keys, func(e federation.Event) { told = append(told, e.Message) })
	require.NoError(t, err)
	require.Equal(t, federation.RotationIdle, s.Stage)
	require.Contains(t, told[len(told)-1], "does not let CN=old")
	require.Contains(t, s.Reasons[0], "the second certificate is still CN=old")
	require.Equal(t, bare(r.old), r.configuration().NextSigningCertificate)
	require.Nil(t, r.kept(t).Rotation)

	_, err = fed.RotateStep(t.Context(), "contoso.com", r.keys, nil)
	require.ErrorIs(t, err, federation.ErrNoNextKey, "the old key does not come back")

	r.keys.other = r.third
	s, err = fed.RotateStep(t.Context(), "contoso.com", r.keys, nil)
	require.NoError(t, err)
	require.Equal(t, federation.RotationAnnounced, s.Stage)
	require.Equal(t, bare(r.third), r.configuration().NextSigningCertificate, "the next one overwrites it")
}

func TestATenantThatKeepsTheNewCertificateLetsItBeAbandoned(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.steps(t, 1)
	fed := r.federator(t, &refusingNull{r.directory()}, r.store)
	s, err := fed.AbandonRotation(t.Context(), "contoso.com", r.keys, nil)
	require.NoError(t, err)
	require.Equal(t, federation.RotationIdle, s.Stage)
	_, err = fed.RotateStep(t.Context(), "contoso.com", r.keys, nil)
	require.ErrorIs(t, err, federation.ErrNoNextKey, "it was withdrawn")
}

// refusingNull is a tenant that does not let the second certificate be removed.
type refusingNull struct{ *watchedTenant }

func (n *refusingNull) ChangeConfiguration(ctx context.Context, domain, id string, p federation.Properties) error {
	if value, sent := p["nextSigningCertificate"]; sent && value == nil {
		return answer("PATCH", http.StatusBadRequest, "Request_BadRequest", "One or more properties contains invalid values.")
	}
	return n.watchedTenant.ChangeConfiguration(ctx, domain, id, p)
}

func TestAWriteThatIsRefusedLeavesTheStageAsItIs(t *testing.T) {
	t.Parallel()
	for done, stage := range map[int]federation.RotationStage{
		0: federation.RotationIdle, 2: federation.RotationSwitched, 3: federation.RotationPromoted,
	} {
		r := newRotating(t)
		r.steps(t, done)
		r.clock.pass(federation.RotationOverlap)
		r.tenant.refuse = func(call string) error {
			if strings.HasPrefix(call, "change") {
				return answer(call, http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges.")
			}
			return nil
		}
		s, err := r.fed.RotateStep(t.Context(), "contoso.com", r.keys, nil)
		require.ErrorIs(t, err, federation.ErrForbidden)
		require.Equal(t, stage, s.Stage)
		r.tenant.refuse = nil
		require.Equal(t, stage, r.status(t).Stage)
		require.NotEqual(t, stage, r.step(t).Stage)
	}
}

func TestAnIdentityProviderThatDoesNotSwitchIsAnError(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.steps(t, 1)
	r.clock.pass(federation.RotationOverlap)
	r.keys.deaf = true
	s, err := r.fed.RotateStep(t.Context(), "contoso.com", r.keys, nil)
	require.ErrorContains(t, err, "still signs with another")
	require.Equal(t, federation.RotationAnnounced, s.Stage)
	r.keys.deaf = false
	require.Equal(t, federation.RotationSwitched, r.step(t).Stage)
}

func TestASwitchIsAnEvent(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.steps(t, 1)
	r.clock.pass(federation.RotationOverlap)
	var events []federation.Event
	_, err := r.fed.RotateStep(t.Context(), "contoso.com", r.keys, func(e federation.Event) { events = append(events, e) })
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, federation.EventSwitched, events[0].Kind)
	require.Equal(t, r.clock.Now(), events[0].At)
	require.Contains(t, events[0].Message, "CN=new")
}

// Replicas of the tenant that are late show the stage before: at first, and even after another one has shown the change.
func TestAReadThatIsLateDoesNotHideTheStage(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]func(r *rotating) federation.Directory{
		"at first":  func(r *rotating) federation.Directory { r.tenant.lag = 3; return r.directory() },
		"afterward": func(r *rotating) federation.Directory { return &fickle{watchedTenant: r.directory()} },
	} {
		r := newRotating(t)
		for _, stage := range []federation.RotationStage{
			federation.RotationAnnounced, federation.RotationSwitched, federation.RotationPromoted, federation.RotationIdle,
		} {
			r.clock.pass(federation.RotationOverlap)
			s, err := r.federator(t, dir(r), r.store).RotateStep(t.Context(), "contoso.com", r.keys, nil)
			require.NoError(t, err)
			require.Equal(t, stage, s.Stage, name)
		}
	}
}

// fickle is a tenant that shows a change to the first who asks, and then the state before.
type fickle struct {
	*watchedTenant
	before *federation.Configuration
	shown  int
}

func (f *fickle) ChangeConfiguration(ctx context.Context, domain, id string, p federation.Properties) error {
	before, err := f.watchedTenant.Configuration(ctx, domain)
	if err != nil {
		return err
	}
	f.before = before
	return f.watchedTenant.ChangeConfiguration(ctx, domain, id, p)
}

func (f *fickle) Configuration(ctx context.Context, domain string) (*federation.Configuration, error) {
	if f.before == nil {
		return f.watchedTenant.Configuration(ctx, domain)
	}
	if f.shown++; f.shown > 1 {
		return f.before, nil
	}
	return f.watchedTenant.Configuration(ctx, domain)
}

func TestACertificateInLinesIsTheSameCertificate(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	text := bare(r.old)
	r.tenant.configurations["contoso.com"].SigningCertificate = text[:64] + "\r\n" + text[64:] + "\n"
	require.Equal(t, federation.RotationIdle, r.status(t).Stage)
}

func TestAnIdentityProviderThatNamesItsKeyTwiceHasNoOther(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.keys.other = r.old
	s := r.status(t)
	require.Nil(t, s.Other)
	require.Contains(t, s.Reasons[0], "no other key")
}

// Who waits for a time that does not help would wait in vain.
func TestAStepThatWaitingDoesNotHelpIsNotTooEarly(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.keys.other = weakCertificate(func(c *x509.Certificate) { c.NotBefore = today.Add(time.Hour) })
	_, err := r.fed.RotateStep(t.Context(), "contoso.com", r.keys, nil)
	require.ErrorIs(t, err, federation.ErrLockout)
	require.NotErrorIs(t, err, federation.ErrTooEarly)
}

func TestGoingBackAfterThePromotionMakesTheOldCertificateTheFirstAgain(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.steps(t, 3)
	require.NoError(t, r.keys.Switch(t.Context(), r.old))
	r.steps(t, 2)
	r.abandoned(t)
}

func TestAbandoning(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		given func(t *testing.T, r *rotating)
		stage federation.RotationStage // after
		err   error
	}{
		{"nothing", func(*testing.T, *rotating) {}, federation.RotationIdle, nil},
		{"what was announced", func(t *testing.T, r *rotating) { r.steps(t, 1) }, federation.RotationIdle, nil},
		{"what was announced, and nobody knows when", func(_ *testing.T, r *rotating) { r.has(r.old, r.new) },
			federation.RotationIdle, nil},
		{"what was announced and is lost", func(t *testing.T, r *rotating) { r.steps(t, 1); r.keys.other = nil },
			federation.RotationIdle, nil},
		{"what was announced and replaced", func(t *testing.T, r *rotating) { r.steps(t, 1); r.keys.other = r.third },
			federation.RotationIdle, nil},
		{"what has signed meanwhile", func(t *testing.T, r *rotating) {
			r.steps(t, 2)
			require.NoError(t, r.keys.Switch(t.Context(), r.old))
		}, federation.RotationPromoted, nil},
		{"what was promoted meanwhile", func(t *testing.T, r *rotating) {
			r.steps(t, 3)
			require.NoError(t, r.keys.Switch(t.Context(), r.old))
		}, federation.RotationPromoted, nil},
		{"what signs", func(t *testing.T, r *rotating) { r.steps(t, 2) }, federation.RotationSwitched, federation.ErrLockout},
		{"what is promoted", func(t *testing.T, r *rotating) { r.steps(t, 3) },
			federation.RotationPromoted, federation.ErrLockout},
		{"what is broken", func(_ *testing.T, r *rotating) { r.keys.active, r.keys.other = r.new, r.old },
			federation.RotationBroken, federation.ErrLockout},
		{"the only one that is left", func(t *testing.T, r *rotating) { r.oldLasts(t, -time.Hour); r.steps(t, 1) },
			federation.RotationAnnounced, federation.ErrLockout},
		{"what is somebody else's", func(_ *testing.T, r *rotating) { r.has(r.old, r.third) }, federation.RotationIdle, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRotating(t)
			test.given(t, r)
			before, kept := r.configuration(), r.kept(t)
			s, err := r.fed.AbandonRotation(t.Context(), "contoso.com", r.keys, nil)
			require.Equal(t, test.stage, s.Stage)
			if test.err != nil {
				require.ErrorIs(t, err, test.err)
				require.Equal(t, before, r.configuration())
				require.Equal(t, kept, r.kept(t))
				return
			}
			require.NoError(t, err)
			if s.Stage == federation.RotationPromoted {
				again, err := r.fed.AbandonRotation(t.Context(), "contoso.com", r.keys, nil)
				require.NoError(t, err)
				require.Equal(t, s, again, "it is under way")
				require.Equal(t, bare(r.new), r.configuration().NextSigningCertificate, "what it signed may be under way")
				require.Equal(t, today.Add(2*federation.RotationOverlap), s.NotBefore)
				r.steps(t, 1)
			}
			require.Equal(t, bare(r.old), r.configuration().SigningCertificate)
			require.Nil(t, r.kept(t).Rotation)
			if before.NextSigningCertificate != bare(r.third) {
				require.Empty(t, r.configuration().NextSigningCertificate)
			} else {
				require.Equal(t, before, r.configuration(), "it is left alone")
			}
		})
	}
}

// Two processes make the steps of the same rotation at the same time.
func TestTwoProcessesAtOnceDoNoHarm(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	done := false
	for minute := 0; !done; minute++ {
		require.Less(t, minute, 24*60)
		r.entra.signIn()
		var wg sync.WaitGroup
		for range 2 {
			fed := r.federator(t, r.directory(), r.store)
			wg.Go(func() {
				_, err := fed.RotateStep(context.Background(), "contoso.com", r.keys, nil)
				switch {
				case err == nil, errors.Is(err, federation.ErrTooEarly), errors.Is(err, federation.ErrStale),
					errors.Is(err, federation.ErrChanged), errors.Is(err, federation.ErrNoNextKey):
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		r.entra.signIn()
		r.clock.pass(time.Minute)
		done = r.kept(t).Rotation == nil
	}
	r.later()
	r.complete(t)
}

// Two programs, each of which read the stage before the other acted: only one of them acts.
func TestASwitchAndAnAbandonmentAtOnceLockNobodyOut(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"switch", "abandon"} {
		r := newRotating(t)
		r.steps(t, 1)
		r.clock.pass(federation.RotationOverlap)
		other := r.federator(t, r.directory(), r.store)
		slow := &meanwhile{provider: r.keys}
		var err error
		if first == "switch" {
			slow.do = func() { _, err := other.RotateStep(t.Context(), "contoso.com", r.keys, nil); require.NoError(t, err) }
			_, err = r.fed.AbandonRotation(t.Context(), "contoso.com", slow, nil)
		} else {
			slow.do = func() {
				_, err := other.AbandonRotation(t.Context(), "contoso.com", r.keys, nil)
				require.NoError(t, err)
			}
			_, err = r.fed.RotateStep(t.Context(), "contoso.com", slow, nil)
		}
		require.ErrorIs(t, err, federation.ErrStale)
		r.later()
		require.Empty(t, r.entra.refused, first)
	}
}

// An abandonment that is under way must not be overtaken by a switch: the certificate is about to go.
func TestNobodySwitchesToACertificateThatIsBeingWithdrawn(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.steps(t, 1)
	r.clock.pass(federation.RotationOverlap)
	other := r.fed
	slow := &overtaken{watchedTenant: r.directory(), before: func() {
		s, err := other.RotateStep(t.Context(), "contoso.com", r.keys, nil)
		require.NoError(t, err)
		require.Equal(t, today.Add(2*federation.RotationOverlap), s.NotBefore, "the wait begins anew")
	}}
	_, err := r.federator(t, slow, r.store).AbandonRotation(t.Context(), "contoso.com", r.keys, nil)
	require.NoError(t, err)
	r.later()
	r.abandoned(t)
}

// overtaken is a tenant that takes its time for a write.
type overtaken struct {
	*watchedTenant
	before func()
}

func (o *overtaken) ChangeConfiguration(ctx context.Context, domain, id string, p federation.Properties) error {
	o.before()
	return o.watchedTenant.ChangeConfiguration(ctx, domain, id, p)
}

// What a slow process notes at its end is only about its own rotation.
func TestASlowProcessLeavesTheRecordOfTheNextRotationAlone(t *testing.T) {
	t.Parallel()
	for _, done := range []int{0, 2, 3} {
		r := newRotating(t)
		r.steps(t, done)
		r.clock.pass(federation.RotationOverlap)
		next := &federation.RotationRecord{Old: bare(r.new), New: bare(r.third)}
		_, err := r.fed.RotateStep(t.Context(), "contoso.com", r.keys, func(e federation.Event) {
			if e.Kind == federation.EventWritten {
				kept := r.kept(t)
				kept.Rotation = next
				r.keep(t, kept)
			}
		})
		require.NoError(t, err)
		require.Equal(t, next, r.kept(t).Rotation, "after %d steps", done)
	}
}

// meanwhile is an identity provider during whose first answer something else happens.
type meanwhile struct {
	*provider
	do func()
}

func (m *meanwhile) Certificates(ctx context.Context) (active, other *x509.Certificate, err error) {
	active, other, err = m.provider.Certificates(ctx)
	if do := m.do; do != nil {
		m.do = nil
		do()
	}
	return active, other, err
}
