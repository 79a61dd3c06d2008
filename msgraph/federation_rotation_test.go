package msgraph_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/saml"
)

// rush is people who sign in all the time, while the time passes. Some have a slow connection.
type rush struct {
	*federating
	every time.Duration

	next    time.Time // when the next one signs in
	late    []arrival // on their way
	signIns int
	refused []refusal
}

// arrival is an answer of the identity provider's, and when it reaches Entra.
type arrival struct {
	*saml.Response
	by string // the common name of the certificate whose key has signed
	at time.Time
}

// refusal is a sign-in that Entra did not let through.
type refusal struct {
	arrival
	code string
}

// newRush has contoso.com federated with the key "old", and the identity provider has the key "new" as well. In a short test
// fewer people sign in.
func newRush(t *testing.T, every time.Duration, change ...func(*entratest.Config)) *rush {
	t.Helper()
	if testing.Short() {
		every = max(3*every, time.Minute)
	}
	r := &rush{every: every, federating: newFederating(t, contoso(change...))}
	r.federate()
	require.NoError(t, r.idp.SetNextSigner(signerOf(t, "new")))
	r.next = r.clock.Now()
	r.idp.switched = r.signIn
	r.dir = r.directory(r.entra.Credential(), busy{r.entra.Transport(), r.signIn})
	r.fed = r.federator(r.dir, func(c *federation.Config) { c.Sleep = r.sleep })
	return r
}

// busy is a way to the tenant on which somebody signs in before and after each write.
type busy struct {
	http.RoundTripper
	signIn func()
}

// RoundTrip implements [http.RoundTripper].
func (b busy) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		b.signIn()
		defer b.signIn()
	}
	return b.RoundTripper.RoundTrip(r)
}

// sleep lets the time pass, in which people sign in.
func (r *rush) sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.pass(d)
	return nil
}

func (r *rush) pass(d time.Duration) {
	end := r.clock.Now().Add(d)
	for at := r.soonest(); !at.After(end); at = r.soonest() {
		r.clock.Advance(at.Sub(r.clock.Now()))
		if at.Before(r.next) {
			r.arrive()
			continue
		}
		r.next = r.next.Add(r.every)
		r.signIn()
	}
	r.clock.Advance(end.Sub(r.clock.Now()))
}

// soonest is when somebody signs in next, or an answer arrives.
func (r *rush) soonest() time.Time {
	at := r.next
	for _, a := range r.late {
		if a.at.Before(at) {
			at = a.at
		}
	}
	return at
}

// signIn lets somebody sign in now. Every fifth answer is on its way for half a minute, and every seventh for as long as it
// may be.
func (r *rush) signIn() {
	now := r.clock.Now()
	active, _ := r.idp.signs()
	a := arrival{r.answered(r.idp, r.asked(adeleUPN)), active.Subject.CommonName, now}
	r.signIns++
	switch {
	case r.signIns%5 == 0:
		a.at = now.Add(30 * time.Second)
	case r.signIns%7 == 0:
		a.at = now.Add(4*time.Minute + 50*time.Second)
	}
	r.late = append(r.late, a)
	r.arrive()
}

// arrive gives Entra the answers that have reached it.
func (r *rush) arrive() {
	now := r.clock.Now()
	onTheirWay := r.late[:0]
	for _, a := range r.late {
		if a.at.After(now) {
			onTheirWay = append(onTheirWay, a)
			continue
		}
		if v := r.entra.CheckResponse(a.SAMLResponse(), a.RelayState); !v.Accepted {
			r.refused = append(r.refused, refusal{a, v.Code})
		}
	}
	r.late = onTheirWay
}

// rotate makes step after step, each as soon as it may be, and returns when each stage began.
func (r *rush) rotate() map[federation.RotationStage]time.Time {
	r.Helper()
	began := map[federation.RotationStage]time.Time{}
	for {
		s, err := r.fed.RotateStep(r.Context(), "contoso.com", r.idp, nil)
		if errors.Is(err, federation.ErrTooEarly) {
			r.pass(s.NotBefore.Sub(r.clock.Now()))
			continue
		}
		require.NoError(r, err)
		began[s.Stage] = r.clock.Now()
		if s.Stage == federation.RotationIdle {
			return began
		}
	}
}

// requireRotated asserts that the new certificate is the only one, and that its key signs.
func (r *rush) requireRotated() {
	r.Helper()
	next := signerOf(r, "new").Certificate
	c := r.configuration()
	require.Equal(r, bare(next), c.SigningCertificate)
	require.Empty(r, c.NextSigningCertificate)
	active, _ := r.idp.signs()
	require.Equal(r, next, active)
}

// Nobody is refused, whenever they sign in: before, between the steps, in the moments of each write, and after; and however
// long Entra takes to act on a change, up to the two hours that Microsoft names.
func TestNobodyIsRefusedWhileTheKeyIsRotated(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		lag     time.Duration
		every   time.Duration // somebody signs in
		signIns int           // at least
	}{
		{2 * time.Hour, 2500 * time.Millisecond, 10_000},
		{time.Hour + 59*time.Minute + 59*time.Second, time.Minute, 420},
		{37 * time.Minute, time.Minute, 420},
		{5 * time.Minute, time.Minute, 420},
		{-1, time.Minute, 420}, // none
	} {
		t.Run(test.lag.String(), func(t *testing.T) {
			t.Parallel()
			if testing.Short() {
				test.every, test.signIns = time.Minute, 140
			}
			r := newRush(t, test.every, func(c *entratest.Config) { c.FederationLag = test.lag })
			r.pass(time.Hour)
			begun := r.clock.Now()
			began := r.rotate()
			r.pass(2 * time.Hour)

			require.GreaterOrEqual(t, r.signIns, test.signIns)
			require.Empty(t, r.refused)
			require.Less(t, len(r.late), 300, "answers that have not arrived")
			r.requireRotated()
			for stage, after := range map[federation.RotationStage]time.Duration{
				federation.RotationAnnounced: 0, federation.RotationSwitched: 2 * time.Hour,
				federation.RotationPromoted: 2 * time.Hour, federation.RotationIdle: 4 * time.Hour,
			} {
				require.WithinDuration(t, begun.Add(after), began[stage], 5*time.Second, "%s", stage)
			}
		})
	}
}

// A plan and a diagnosis in the middle of a rotation: nothing is taken for a mistake, and nothing undoes it.
func TestAPlanAndADiagnosisDuringARotation(t *testing.T) {
	t.Parallel()
	f := newFederating(t, contoso())
	f.federate()
	require.NoError(t, f.idp.SetNextSigner(signerOf(t, "new")))
	for _, stage := range []federation.RotationStage{
		federation.RotationAnnounced, federation.RotationSwitched, federation.RotationPromoted, federation.RotationIdle,
	} {
		s, err := f.fed.RotateStep(t.Context(), "contoso.com", f.idp, nil)
		require.NoError(t, err)
		require.Equal(t, stage, s.Stage)
		require.Empty(t, ofSeverity(f.diagnose().Findings, federation.SeverityError), "%s", stage)

		plan, err := f.fed.Plan(t.Context(), f.settings())
		require.NoError(t, err)
		if stage == federation.RotationSwitched { // the settings have the key that signs; the rotation makes it the first
			found := f.ofRule(plan.Findings, "certificate-changes")
			require.Equal(t, federation.SeverityError, found.Severity)
			require.Equal(t, "rotate contoso.com", found.Command)
		} else {
			require.Equal(t, []string{"configuration-equal"}, rulesOf(plan.Findings), "%s", stage)
		}
		f.clock.Advance(federation.RotationOverlap)
	}
}

// The check above can fail: whoever makes the same changes without the waits locks people out, until Entra acts on them.
func TestWithoutTheWaitsPeopleAreRefused(t *testing.T) {
	t.Parallel()
	const lag = 40 * time.Minute
	for name, hasty := range map[string]struct {
		rotate   func(r *rush)
		from, to time.Duration // people are refused
		by       string        // the key that signs then
	}{
		"the key signs before Entra knows it": {
			rotate: func(r *rush) {
				r.change(federation.Properties{"nextSigningCertificate": bare(signerOf(r, "new").Certificate)})
				r.switchKey()
			},
			to: lag, by: "new",
		},
		"the certificate is replaced at one blow": {
			rotate: func(r *rush) {
				r.change(federation.Properties{"signingCertificate": bare(signerOf(r, "new").Certificate)})
				r.switchKey()
			},
			to: lag, by: "new",
		},
		"the old certificate goes while its key signs": {
			rotate: func(r *rush) {
				r.change(federation.Properties{"signingCertificate": bare(signerOf(r, "new").Certificate)})
				r.pass(3 * time.Hour)
				r.switchKey()
			},
			from: lag, to: 3 * time.Hour, by: "old",
		},
		"half of the wait": {
			rotate: func(r *rush) {
				r.change(federation.Properties{"nextSigningCertificate": bare(signerOf(r, "new").Certificate)})
				r.pass(lag / 2)
				r.switchKey()
			},
			from: lag / 2, to: lag, by: "new",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRush(t, time.Minute, func(c *entratest.Config) { c.FederationLag = lag })
			begun := r.clock.Now()
			hasty.rotate(r)
			r.pass(2 * time.Hour)
			r.requireRefused(hasty.by, begun.Add(hasty.from), begun.Add(hasty.to))
		})
	}
}

// change changes the federation of contoso.com, and waits for nothing.
func (r *rush) change(p federation.Properties) {
	r.Helper()
	require.NoError(r, r.dir.ChangeConfiguration(r.Context(), "contoso.com", r.configuration().ID, p))
}

// switchKey makes the identity provider sign with its other key.
func (r *rush) switchKey() {
	r.Helper()
	r.idp.turn()
}

// requireRefused asserts that people whose answer was signed with a key are refused from one moment to another, and that
// nobody is at any other time. Of those whose answer is on its way at either moment, some are and some are not.
func (r *rush) requireRefused(by string, from, to time.Time) {
	r.Helper()
	for _, refused := range r.refused {
		require.Equal(r, "AADSTS5000811", refused.code)
		require.Equal(r, by, refused.by)
		require.False(r, refused.at.Before(from), "refused %s too early", from.Sub(refused.at))
		require.False(r, refused.IssueInstant.After(to), "refused %s too late", refused.IssueInstant.Sub(to))
	}
	all := int(to.Sub(from) / r.every)
	require.Greater(r, len(r.refused), all/3)
	require.LessOrEqual(r, len(r.refused), all+10)
}

// nextAfterExpiry is a tenant that reads the documentation so that the second certificate counts once the first has expired.
func nextAfterExpiry(lag time.Duration) func(*entratest.Config) {
	return func(c *entratest.Config) { c.NextCertificateAfterExpiry, c.FederationLag = true, lag }
}

// What the documentation of RotationStage says of this: people are refused from the switch, which is the first of the two
// changes, until Entra acts on the promotion, which follows at once. In the stages before and after nobody is.
func TestIfTheSecondCertificateDoesNotCountPeopleAreRefusedUntilThePromotionIsInForce(t *testing.T) {
	t.Parallel()
	for lag, every := range map[time.Duration]time.Duration{10 * time.Minute: 30 * time.Second, 2 * time.Hour: time.Minute} {
		t.Run(lag.String(), func(t *testing.T) {
			t.Parallel()
			r := newRush(t, every, nextAfterExpiry(lag))
			began := r.rotate()
			r.pass(2 * time.Hour)
			r.requireRotated()
			switched, promoted := began[federation.RotationSwitched], began[federation.RotationPromoted]
			require.WithinDuration(t, switched, promoted, 5*time.Second)
			r.requireRefused("new", switched, promoted.Add(lag))
		})
	}
}

// "If they are, going back to the key of … at the identity provider helps at once": so says the status.
func TestIfTheSecondCertificateDoesNotCountGoingBackHelpsAtOnce(t *testing.T) {
	t.Parallel()
	for _, promoted := range []bool{false, true} {
		r := newRush(t, time.Minute, nextAfterExpiry(time.Hour))
		_, err := r.fed.RotateStep(t.Context(), "contoso.com", r.idp, nil)
		require.NoError(t, err)
		r.pass(federation.RotationOverlap)
		require.Empty(t, r.refused)
		s, err := r.fed.RotateStep(t.Context(), "contoso.com", r.idp, nil)
		require.NoError(t, err)
		require.Contains(t, s.Next, "AADSTS5000811")
		require.Contains(t, s.Next, "helps at once")
		if promoted {
			_, err = r.fed.RotateStep(t.Context(), "contoso.com", r.idp, nil)
			require.NoError(t, err)
		}
		r.federating.idp.switched = nil
		require.Equal(t, "AADSTS5000811", r.federating.signIn().Code)
		r.idp.turn()
		r.requireSignsIn()
	}
}

// "A sign-in with the new key before everybody gets it … is what tells": which of the two readings is right.
func TestASignInWithTheNewKeyTellsWhetherTheSecondCertificateCounts(t *testing.T) {
	t.Parallel()
	for _, afterExpiry := range []bool{false, true} {
		r := newRush(t, time.Minute, func(c *entratest.Config) { c.NextCertificateAfterExpiry = afterExpiry })
		s, err := r.fed.RotateStep(t.Context(), "contoso.com", r.idp, nil)
		require.NoError(t, err)
		require.Contains(t, s.Next, "try a sign-in with that key")
		r.settle()
		response := r.answered(r.provider(issuer, signerOf(t, "new"), saml.Signer{}), r.asked(adeleUPN))
		v := r.entra.CheckResponse(response.SAMLResponse(), response.RelayState)
		require.Equal(t, !afterExpiry, v.Accepted)
	}
}

// The other order, for the same reading: to promote the certificate before its key signs refuses people for as long, and
// nothing at the identity provider helps at once when it is in force.
func TestIfTheSecondCertificateDoesNotCountTheOtherOrderIsNoBetter(t *testing.T) {
	t.Parallel()
	const lag = time.Hour
	r := newRush(t, time.Minute, nextAfterExpiry(lag))
	begun := r.clock.Now()
	r.change(federation.Properties{
		"signingCertificate":     bare(signerOf(t, "new").Certificate),
		"nextSigningCertificate": bare(signerOf(t, "old").Certificate),
	})
	r.pass(2 * time.Hour)
	r.requireRefused("old", begun.Add(lag), begun.Add(2*time.Hour))
	r.change(federation.Properties{
		"signingCertificate":     bare(signerOf(t, "old").Certificate),
		"nextSigningCertificate": bare(signerOf(t, "new").Certificate),
	})
	r.federating.idp.switched = nil
	require.Equal(t, "AADSTS5000811", r.federating.signIn().Code, "taking the change back takes as long as it")
}

// Where the first certificate expires during the wait, the second one counts from then on by either reading: the wait ends
// there, and nobody is refused but those whose answer is on its way in that moment.
func TestACertificateThatExpiresEndsTheWait(t *testing.T) {
	t.Parallel()
	for name, afterExpiry := range map[string]bool{"both count": false, "the second counts after the first": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := contoso(func(c *entratest.Config) {
				c.FederationLag, c.NextCertificateAfterExpiry = time.Hour, afterExpiry
			})
			r := &rush{every: time.Minute, federating: newFederating(t, cfg)}
			expiry := federationStart.Add(5 * time.Hour)
			r.idp = r.provider(issuer, signerOf(t, "old", func(c *x509.Certificate) { c.NotAfter = expiry }),
				signerOf(t, "new"))
			r.federate()
			r.clock.Advance(expiry.Add(-90 * time.Minute).Sub(r.clock.Now()))
			r.next = r.clock.Now()
			r.fed = r.federator(r.dir, func(c *federation.Config) { c.Sleep = r.sleep })

			began := r.rotate()
			r.pass(2 * time.Hour)
			r.requireRotated()
			require.WithinDuration(t, expiry, began[federation.RotationSwitched], 2*time.Second)
			for _, refused := range r.refused {
				require.Equal(t, "old", refused.by)
				require.False(t, refused.IssueInstant.After(expiry.Add(time.Second)))
			}
		})
	}
}
