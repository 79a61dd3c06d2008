package federation_test

import (
	"context"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

// rotate makes step after step, each as soon as it may be made, and lets people sign in every minute and after every change,
// until some hours after the end. It returns the stages and when each began.
func (r *rotating) rotate(t *testing.T, fed *federation.Federator,
	keys federation.Keys) map[federation.RotationStage]time.Time {
	t.Helper()
	began := map[federation.RotationStage]time.Time{}
	r.keys.switched = r.entra.signIn
	done := false
	for minute, left := 0, 0; left < 180; minute++ {
		require.Less(t, minute, 24*60, "the rotation does not end")
		r.entra.signIn()
		if done {
			left++
		} else {
			s, err := fed.RotateStep(t.Context(), "contoso.com", keys, func(federation.Event) { r.entra.signIn() })
			for err == nil && s.Stage != federation.RotationIdle {
				began[s.Stage] = r.clock.Now()
				s, err = fed.RotateStep(t.Context(), "contoso.com", keys, func(federation.Event) { r.entra.signIn() })
			}
			if !errors.Is(err, federation.ErrTooEarly) {
				require.NoError(t, err)
				began[s.Stage] = r.clock.Now()
				done = true
			}
		}
		r.clock.pass(time.Minute)
	}
	return began
}

func TestNobodyIsRefusedDuringARotation(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	began := r.rotate(t, r.fed, r.keys)

	require.Empty(t, r.entra.refused, "of %d", r.entra.signIns)
	require.Greater(t, r.entra.signIns, 4000)
	require.Equal(t, r.new, r.keys.signs())
	require.Equal(t, bare(r.new), r.configuration().SigningCertificate)
	require.Empty(t, r.configuration().NextSigningCertificate)
	require.Equal(t, map[federation.RotationStage]time.Time{
		federation.RotationAnnounced: today,
		federation.RotationSwitched:  today.Add(2 * time.Hour),
		federation.RotationPromoted:  today.Add(2 * time.Hour),
		federation.RotationIdle:      today.Add(4 * time.Hour),
	}, began)
	kept := r.kept(t)
	require.Nil(t, kept.Rotation)
	require.Equal(t, []string{bare(r.old)}, kept.Retired)
}

// The check can fail: whose clock runs ahead does not wait.
func TestARotationWithoutWaitsLocksPeopleOut(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	ahead := time.Duration(0)
	hasty, err := federation.New(federation.Config{
		Directory: r.directory(), Store: r.store, Discovery: r.tenant, Sleep: r.clock.Sleep,
		Now: func() time.Time {
			ahead += federation.RotationOverlap
			return r.clock.Now().Add(ahead)
		},
	})
	require.NoError(t, err)
	r.rotate(t, hasty, r.keys)
	require.NotEmpty(t, r.entra.refused)
	require.Equal(t, bare(r.new), r.configuration().SigningCertificate)
}

// Should Entra accept the first certificate only, no order spares everybody; the key is then promoted within the minute, so
// that it is over as soon as Entra acts on that.
func TestIfOnlyTheFirstCertificateCountsPeopleAreRefusedNoLongerThanItTakesToBeKnown(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.entra.onlyFirst = true
	began := r.rotate(t, r.fed, r.keys)
	require.NotEmpty(t, r.entra.refused)
	switched := began[federation.RotationSwitched]
	require.Equal(t, switched, began[federation.RotationPromoted])
	for _, refused := range r.entra.refused {
		require.False(t, refused.at.Before(switched))
		require.True(t, refused.at.Before(switched.Add(federation.RotationOverlap)))
	}
}

// While the old certificate is valid its key is the better one; from then on, whoever knows the new one gets in.
func TestAnOldCertificateThatExpiresTooSoonEndsTheWait(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	expiry := today.Add(time.Hour + 30*time.Minute)
	r.old = keyCertificateOf(t, "old", func(c *x509.Certificate) { c.NotAfter = expiry })
	r.keys.active = r.old
	r.has(r.old, nil)
	began := r.rotate(t, r.fed, r.keys)

	require.Equal(t, expiry.Add(time.Minute), began[federation.RotationSwitched], "the first full minute after")
	require.Equal(t, bare(r.new), r.configuration().SigningCertificate)
	for _, refused := range r.entra.refused {
		require.True(t, refused.at.After(expiry))
		require.True(t, refused.at.Before(today.Add(federation.RotationOverlap)))
	}
	require.NotEmpty(t, r.entra.refused, "which is why the status warns")
	require.Equal(t, federation.Properties{"signingCertificate": bare(r.new)}, r.tenant.bodies[1],
		"a certificate that has expired is not written again")
	require.Empty(t, r.configuration().NextSigningCertificate)
	require.Equal(t, []string{bare(r.old)}, r.kept(t).Retired)
}

func TestARotationByHandWaitsForTheOperator(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	hand := byHand{r.keys}
	step := func() (federation.RotationStatus, error) {
		r.entra.signIn()
		defer r.entra.signIn()
		return r.fed.RotateStep(t.Context(), "contoso.com", hand, nil)
	}
	_, err := step()
	require.NoError(t, err)
	_, err = step()
	require.ErrorIs(t, err, federation.ErrTooEarly)
	require.NotErrorIs(t, err, federation.ErrByHand, "the operator must wait as well")
	r.clock.pass(federation.RotationOverlap)
	s, err := step()
	require.ErrorIs(t, err, federation.ErrByHand)
	require.Equal(t, federation.RotationAnnounced, s.Stage)
	require.False(t, s.Allowed)

	r.clock.pass(3 * 24 * time.Hour)
	require.NoError(t, r.keys.Switch(context.Background(), r.new))
	s, err = step()
	require.NoError(t, err)
	require.Equal(t, federation.RotationPromoted, s.Stage)
	r.clock.pass(federation.RotationOverlap)
	s, err = step()
	require.NoError(t, err)
	require.Equal(t, federation.RotationIdle, s.Stage)
	require.Empty(t, r.entra.refused)
	require.Equal(t, bare(r.new), r.configuration().SigningCertificate)
	require.Empty(t, r.configuration().NextSigningCertificate)
}
