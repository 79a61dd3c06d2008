package federation_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/internal/certtest"
)

// lasting makes a certificate expire that long after today.
func lasting(d time.Duration) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.NotAfter = today.Add(d) }
}

// stages are worlds in each stage, and in each way that a stage can look.
var stages = []struct {
	name   string
	stage  federation.RotationStage
	allows bool
	refuse error // what the step is refused with, if it is not allowed
	given  func(t *testing.T, r *rotating) federation.Keys
}{
	{"a key waits to be announced", federation.RotationIdle, true, nil,
		func(_ *testing.T, r *rotating) federation.Keys { return r.keys }},
	{"there is one key only", federation.RotationIdle, false, federation.ErrNoNextKey,
		func(_ *testing.T, r *rotating) federation.Keys { r.keys.other = nil; return r.keys }},
	{"the other key is that of before", federation.RotationIdle, false, federation.ErrNoNextKey,
		func(t *testing.T, r *rotating) federation.Keys { r.steps(t, 4); return r.keys }},
	{"the other key is older, and the store is lost", federation.RotationIdle, false, federation.ErrNoNextKey,
		func(t *testing.T, r *rotating) federation.Keys { r.steps(t, 4); r.forgetting(t); return r.keys }},
	{"the new certificate expires before the old one", federation.RotationIdle, true, nil,
		func(t *testing.T, r *rotating) federation.Keys {
			r.keys.other = keyCertificateOf(t, "new", lasting(30*24*time.Hour))
			return r.keys
		}},
	{"the old certificate expires too soon", federation.RotationIdle, true, nil,
		func(t *testing.T, r *rotating) federation.Keys { r.oldLasts(t, time.Hour); return r.keys }},
	{"the old certificate has expired", federation.RotationIdle, true, nil,
		func(t *testing.T, r *rotating) federation.Keys { r.oldLasts(t, -time.Hour); return r.keys }},
	{"somebody else's certificate is second", federation.RotationIdle, false, federation.ErrLockout,
		func(_ *testing.T, r *rotating) federation.Keys { r.has(r.old, r.third); return r.keys }},
	{"something else is second", federation.RotationIdle, false, federation.ErrLockout,
		func(_ *testing.T, r *rotating) federation.Keys {
			r.tenant.configurations["contoso.com"].NextSigningCertificate = "bm8gY2VydGlmaWNhdGU="
			return r.keys
		}},
	{"an own certificate of before is second", federation.RotationIdle, true, nil,
		func(t *testing.T, r *rotating) federation.Keys {
			r.has(r.old, r.third)
			r.keep(t, federation.Record{Certificates: []string{bare(r.third)}})
			return r.keys
		}},
	{"the identity provider replaced the key that was announced", federation.RotationIdle, true, nil,
		func(t *testing.T, r *rotating) federation.Keys { r.steps(t, 1); r.keys.other = r.third; return r.keys }},
	{"announced just now", federation.RotationAnnounced, false, federation.ErrTooEarly,
		func(t *testing.T, r *rotating) federation.Keys { r.steps(t, 1); return r.keys }},
	{"announced long ago", federation.RotationAnnounced, true, nil,
		func(t *testing.T, r *rotating) federation.Keys {
			r.steps(t, 1)
			r.clock.pass(federation.RotationOverlap)
			return r.keys
		}},
	{"announced long ago, and switched by hand", federation.RotationAnnounced, false, federation.ErrByHand,
		func(t *testing.T, r *rotating) federation.Keys {
			r.steps(t, 1)
			r.clock.pass(federation.RotationOverlap)
			return byHand{r.keys}
		}},
	{"announced, and nobody knows when", federation.RotationAnnounced, true, nil,
		func(_ *testing.T, r *rotating) federation.Keys { r.has(r.old, r.new); return r.keys }},
	{"announced with the federation, both certificates of the same day", federation.RotationAnnounced, true, nil,
		func(t *testing.T, r *rotating) federation.Keys {
			r.sameDay(t)
			r.has(r.old, r.new)
			r.keep(t, federation.Record{Certificates: []string{bare(r.old), bare(r.new)}})
			return r.keys
		}},
	{"both certificates of the same day, and the store is lost", federation.RotationPromoted, true, nil,
		func(t *testing.T, r *rotating) federation.Keys { r.sameDay(t); r.has(r.old, r.new); return r.keys }},
	{"announced, and the old certificate expires too soon", federation.RotationAnnounced, false, federation.ErrTooEarly,
		func(t *testing.T, r *rotating) federation.Keys {
			r.oldLasts(t, time.Hour)
			r.steps(t, 1)
			return r.keys
		}},
	{"announced, and the old certificate has expired", federation.RotationAnnounced, true, nil,
		func(t *testing.T, r *rotating) federation.Keys {
			r.oldLasts(t, -time.Hour)
			r.steps(t, 1)
			return r.keys
		}},
	{"announced, and the identity provider lost the key", federation.RotationAnnounced, false, federation.ErrNoNextKey,
		func(t *testing.T, r *rotating) federation.Keys { r.steps(t, 1); r.keys.other = nil; return r.keys }},
	{"switched", federation.RotationSwitched, true, nil,
		func(t *testing.T, r *rotating) federation.Keys { r.steps(t, 2); return r.keys }},
	{"switched, and the old certificate has expired", federation.RotationSwitched, true, nil,
		func(t *testing.T, r *rotating) federation.Keys {
			r.oldLasts(t, -time.Hour)
			r.steps(t, 2)
			return r.keys
		}},
	{"promoted just now", federation.RotationPromoted, false, federation.ErrTooEarly,
		func(t *testing.T, r *rotating) federation.Keys { r.steps(t, 3); return r.keys }},
	{"promoted long ago", federation.RotationPromoted, true, nil,
		func(t *testing.T, r *rotating) federation.Keys {
			r.steps(t, 3)
			r.clock.pass(federation.RotationOverlap)
			return r.keys
		}},
	{"promoted, and nobody knows when", federation.RotationPromoted, true, nil,
		func(t *testing.T, r *rotating) federation.Keys { r.steps(t, 3); r.forgetting(t); return r.keys }},
	{"gone back after the promotion", federation.RotationSwitched, true, nil,
		func(t *testing.T, r *rotating) federation.Keys {
			r.steps(t, 3)
			require.NoError(t, r.keys.Switch(t.Context(), r.old))
			return r.keys
		}},
	{"switched before Entra was told", federation.RotationBroken, false, federation.ErrLockout,
		func(_ *testing.T, r *rotating) federation.Keys {
			r.keys.active, r.keys.other = r.new, r.old
			return r.keys
		}},
	{"Entra knows none of the keys", federation.RotationBroken, false, federation.ErrLockout,
		func(_ *testing.T, r *rotating) federation.Keys { r.has(r.third, nil); return r.keys }},
	{"the only certificate has expired", federation.RotationBroken, false, federation.ErrLockout,
		func(t *testing.T, r *rotating) federation.Keys {
			r.oldLasts(t, -time.Hour)
			r.keys.other = nil
			return r.keys
		}},
	{"the new key signs before its certificate is valid", federation.RotationBroken, false, federation.ErrLockout,
		func(t *testing.T, r *rotating) federation.Keys {
			early := keyCertificateOf(t, "new", func(c *x509.Certificate) { c.NotBefore = today.Add(time.Hour) })
			r.keys.active, r.keys.other = early, r.old
			r.has(r.old, early)
			return r.keys
		}},
}

// oldLasts makes the old certificate expire that long after today.
func (r *rotating) oldLasts(t *testing.T, d time.Duration) {
	t.Helper()
	r.old = keyCertificateOf(t, "old", lasting(d))
	r.keys.active = r.old
	r.has(r.old, nil)
}

// sameDay makes the new certificate as old as the old one.
func (r *rotating) sameDay(t *testing.T) {
	t.Helper()
	r.new = keyCertificateOf(t, "new", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = r.old.NotBefore, r.old.NotAfter
	})
	r.keys.other = r.new
}

// legible replaces what differs from run to run.
func (r *rotating) legible(text string) string {
	var pairs []string
	for name, c := range map[string]*x509.Certificate{
		"OLD": r.old, "NEW": r.new, "THIRD": r.third, "OTHER": r.keys.other, "ACTIVE": r.keys.active,
	} {
		if c == nil || (name == "OTHER" || name == "ACTIVE") && (c.Equal(r.old) || c.Equal(r.new) || c.Equal(r.third)) {
			continue
		}
		sum := fmt.Sprintf("%x", sha256.Sum256(c.Raw))
		pairs = append(pairs, sum, name, sum[:16]+"…", name, bare(c), name)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func TestTheStatusSaysWhereARotationIs(t *testing.T) {
	t.Parallel()
	for _, test := range stages {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRotating(t)
			keys := test.given(t, r)
			before, kept := r.configuration(), r.kept(t)

			s, err := r.fed.RotationStatus(t.Context(), "contoso.com", keys)
			require.NoError(t, err)
			require.Equal(t, test.stage, s.Stage)
			require.Equal(t, test.allows, s.Allowed, s.Reasons)
			golden(t, "rotation", test.name+".txt", r.legible(s.String()))
			require.Equal(t, before, r.configuration())
			require.Equal(t, kept, r.kept(t), "asking changes nothing")
		})
	}
}

func TestTheStepIsMadeExactlyWhenTheStatusAllowsIt(t *testing.T) {
	t.Parallel()
	for _, test := range stages {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRotating(t)
			keys := test.given(t, r)
			before, signs, kept := r.configuration(), r.keys.signs(), r.kept(t)
			was, err := r.fed.RotationStatus(t.Context(), "contoso.com", keys)
			require.NoError(t, err)

			s, err := r.fed.RotateStep(t.Context(), "contoso.com", keys, nil)
			if test.allows {
				require.NoError(t, err)
				require.NotEqual(t, was, s)
				return
			}
			require.ErrorIs(t, err, test.refuse)
			require.ErrorContains(t, err, "contoso.com")
			require.Equal(t, was, s)
			require.Equal(t, before, r.configuration())
			require.Equal(t, signs, r.keys.signs())
			require.Equal(t, kept, r.kept(t))
		})
	}
}

func TestTheStatusAsJSONIsStable(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"a key waits to be announced", "announced just now", "switched", "promoted long ago", "Entra knows none of the keys",
	} {
		for _, test := range stages {
			if test.name != name {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := newRotating(t)
				keys := test.given(t, r)
				s, err := r.fed.RotationStatus(t.Context(), "contoso.com", keys)
				require.NoError(t, err)
				document, err := json.MarshalIndent(s, "", "  ")
				require.NoError(t, err)
				golden(t, "rotation", name+".json", r.legible(string(document))+"\n")
				var again federation.RotationStatus
				require.NoError(t, json.Unmarshal(document, &again))
				require.Equal(t, s.Stage, again.Stage)
				require.Equal(t, s.String(), again.String())
			})
		}
	}
}

func TestACertificateThatWouldLockPeopleOutIsNotAnnounced(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		next func(t *testing.T) *x509.Certificate
		want error
		text string
	}{
		{"expired", func(t *testing.T) *x509.Certificate { return keyCertificateOf(t, "new", lasting(-time.Second)) },
			federation.ErrLockout, "expired on 2026-03-02 08:59:59 UTC"},
		{"expires before the rotation ends", func(t *testing.T) *x509.Certificate {
			return keyCertificateOf(t, "new", lasting(4*time.Hour-time.Second))
		}, federation.ErrLockout, "before its rotation could end"},
		{"not yet valid", func(t *testing.T) *x509.Certificate {
			return keyCertificateOf(t, "new", func(c *x509.Certificate) { c.NotBefore = today.Add(time.Hour) })
		}, federation.ErrTooEarly, "valid only from 2026-03-02 10:00:00 UTC"},
		{"weak", func(*testing.T) *x509.Certificate { return weakCertificate() },
			federation.ErrLockout, "a key of 1024 bits: make one with at least 2048"},
		{"not RSA", curveCertificate, federation.ErrLockout, "no RSA key"},
		{"the key of the old one", func(t *testing.T) *x509.Certificate {
			return keyCertificateOf(t, "old", func(c *x509.Certificate) { c.NotBefore = today.AddDate(0, 0, -1) })
		}, federation.ErrNoNextKey, "the same key"},
		{"older than the old one", func(t *testing.T) *x509.Certificate {
			return keyCertificateOf(t, "new", func(c *x509.Certificate) { c.NotBefore = today.AddDate(-1, 0, 0) })
		}, federation.ErrNoNextKey, "looks like the one before"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRotating(t)
			r.keys.other = test.next(t)
			s, err := r.fed.RotateStep(t.Context(), "contoso.com", r.keys, nil)
			require.ErrorIs(t, err, test.want)
			require.ErrorContains(t, err, test.text)
			require.False(t, s.Allowed)
			require.Nil(t, s.Plan)
			require.Empty(t, r.tenant.writes)

			// Entra may have been told by somebody else: the key is then not switched to either.
			if !errors.Is(test.want, federation.ErrNoNextKey) {
				r.has(r.old, r.keys.other)
				r.keep(t, federation.Record{Rotation: &federation.RotationRecord{
					Old: bare(r.old), New: bare(r.keys.other), AnnouncedAt: today.AddDate(0, 0, -1),
				}})
				_, err = r.fed.RotateStep(t.Context(), "contoso.com", r.keys, nil)
				require.ErrorIs(t, err, test.want)
				require.Equal(t, r.old, r.keys.signs())
			}
		})
	}
}

func weakCertificate(change ...func(*x509.Certificate)) *x509.Certificate {
	return certtest.SelfSigned(certtest.RSA(1024), "weak", today, today.AddDate(1, 0, 0), change...)
}

func curveCertificate(t *testing.T) *x509.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return certtest.SelfSigned(key, "curve", today, today.AddDate(1, 0, 0))
}

// What nobody noted, or noted wrongly, never makes a wait shorter.
func TestARecordThatIsWrongMakesTheWaitBeginAnew(t *testing.T) {
	t.Parallel()
	long := today.AddDate(0, 0, -1)
	tests := []struct {
		name   string
		record func(r *rotating) *federation.RotationRecord
	}{
		{"none", func(*rotating) *federation.RotationRecord { return nil }},
		{"of other certificates", func(r *rotating) *federation.RotationRecord {
			return &federation.RotationRecord{Old: bare(r.third), New: bare(r.new), AnnouncedAt: long, PromotedAt: long}
		}},
		{"without a time", func(r *rotating) *federation.RotationRecord {
			return &federation.RotationRecord{Old: bare(r.old), New: bare(r.new)}
		}},
		{"of a time to come", func(r *rotating) *federation.RotationRecord {
			ahead := today.AddDate(1, 0, 0)
			return &federation.RotationRecord{Old: bare(r.old), New: bare(r.new), AnnouncedAt: ahead, PromotedAt: ahead}
		}},
	}
	for _, test := range tests {
		for _, stage := range []federation.RotationStage{federation.RotationAnnounced, federation.RotationPromoted} {
			t.Run(test.name+", "+string(stage), func(t *testing.T) {
				t.Parallel()
				r := newRotating(t)
				if r.has(r.old, r.new); stage == federation.RotationPromoted {
					r.has(r.new, r.old)
					r.keys.active, r.keys.other = r.new, r.old
				}
				r.keep(t, federation.Record{Rotation: test.record(r)})
				tenant, signs := r.configuration(), r.keys.signs()

				s := r.step(t)
				require.Equal(t, stage, s.Stage)
				require.Equal(t, today.Add(federation.RotationOverlap), s.NotBefore)
				require.Equal(t, tenant, r.configuration())
				require.Equal(t, signs, r.keys.signs())
				r.clock.pass(federation.RotationOverlap - time.Second)
				_, err := r.fed.RotateStep(t.Context(), "contoso.com", r.keys, nil)
				require.ErrorIs(t, err, federation.ErrTooEarly)
				r.clock.pass(time.Second)
				require.NotEqual(t, stage, r.step(t).Stage)
			})
		}
	}
}

func TestADomainWithoutAFederationOfItsOwnCannotRotate(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.with(federation.Domain{Name: "sub.contoso.com", IsVerified: true, AuthenticationType: federation.Federated})
	for domain, text := range map[string]string{
		"example.net":              "has no domain example.net",
		"contoso.onmicrosoft.com":  "is not federated",
		"sub.contoso.com":          "the root domain above it",
		"Contoso.OnMicrosoft.com ": "has no domain",
	} {
		_, err := r.fed.RotationStatus(t.Context(), domain, r.keys)
		require.ErrorIs(t, err, federation.ErrNotFound, domain)
		require.ErrorContains(t, err, text)
		_, err = r.fed.RotateStep(t.Context(), domain, r.keys, nil)
		require.ErrorIs(t, err, federation.ErrNotFound, domain)
		_, err = r.fed.AbandonRotation(t.Context(), domain, r.keys, nil)
		require.ErrorIs(t, err, federation.ErrNotFound, domain)
	}
	s, err := r.fed.RotationStatus(t.Context(), "Contoso.COM", r.keys)
	require.NoError(t, err)
	require.Equal(t, "contoso.com", s.Domain)
}

func TestAnIdentityProviderThatDoesNotAnswerIsAnError(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	_, err := r.fed.RotationStatus(t.Context(), "contoso.com", nil)
	require.ErrorContains(t, err, "the Keys are nil")
	r.keys.err = errors.New("out of order")
	_, err = r.fed.RotationStatus(t.Context(), "contoso.com", r.keys)
	require.ErrorIs(t, err, r.keys.err)
	r.keys.err, r.keys.active = nil, nil
	_, err = r.fed.RotationStatus(t.Context(), "contoso.com", r.keys)
	require.ErrorContains(t, err, "has no key that signs")
}

func TestTheStatusOfATenantThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.tenant.refuse = func(string) error { return answer("GET /domains", 403, "Authorization_RequestDenied", "no") }
	_, err := r.fed.RotateStep(t.Context(), "contoso.com", r.keys, nil)
	require.ErrorIs(t, err, federation.ErrForbidden)
}

// A name in a certificate is chosen by whoever makes it.
func TestANameInACertificateCannotChangeWhatIsShown(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.keys.other = keyCertificateOf(t, "new", func(c *x509.Certificate) {
		c.Subject.CommonName = "\x1b[2Jnew\nfirst" + strings.Repeat("x", 1000)
	})
	s, err := r.fed.RotationStatus(context.Background(), "contoso.com", r.keys)
	require.NoError(t, err)
	require.NotContains(t, s.String(), "\x1b")
	require.NotContains(t, s.String(), "\nfirst")
	require.Less(t, len(s.Other.Subject), 300)
}
