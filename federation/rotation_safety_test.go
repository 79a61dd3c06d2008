package federation_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

// Whatever the tenant, the identity provider and the record say, true or not: no step makes Entra refuse a key that it
// accepted, and none removes what is somebody else's.
func TestNoStepFromAnyStateLocksPeopleOut(t *testing.T) {
	t.Parallel()
	older, newer, third := keyCertificateOf(t, "old"), keyCertificateOf(t, "new"), keyCertificateOf(t, "third")
	all := []*x509.Certificate{older, newer, third}
	tried, made := 0, 0
	try := func(s situation) {
		for _, step := range []string{"rotate", "abandon"} {
			r := newRotatingWith(t, older, newer, third)
			s.arrange(t, r)
			if tried++; s.check(t, r, step) {
				made++
			}
		}
	}
	texts := []string{bare(older), bare(newer), bare(third), "rubbish"}
	for _, first := range append(texts, "") {
		for _, second := range append(texts, "") {
			for _, signs := range all {
				for _, other := range append(slices.Clone(all), nil) {
					for _, record := range records(all) {
						try(situation{first, second, signs, other, record})
					}
				}
			}
		}
	}
	require.Equal(t, 7800, tried)
	require.Greater(t, made, 1000)
}

// records are none, and those of each pair of certificates, with times long ago.
func records(all []*x509.Certificate) []*federation.RotationRecord {
	long := today.AddDate(0, -1, 0)
	out := []*federation.RotationRecord{nil}
	for _, a := range all {
		for _, b := range all {
			if a != b {
				out = append(out, &federation.RotationRecord{Old: bare(a), New: bare(b)},
					&federation.RotationRecord{Old: bare(a), New: bare(b), AnnouncedAt: long, SwitchedAt: long, PromotedAt: long})
			}
		}
	}
	return out
}

type situation struct {
	first, second string
	signs, other  *x509.Certificate
	record        *federation.RotationRecord
}

func (s situation) arrange(t *testing.T, r *rotating) {
	t.Helper()
	c := r.configuration()
	c.SigningCertificate, c.NextSigningCertificate = s.first, s.second
	r.tenant.configurations["contoso.com"] = &c
	r.keys.active, r.keys.other = s.signs, s.other
	if s.record != nil {
		r.keep(t, federation.Record{Rotation: s.record})
	}
}

// check makes the step, and reports whether it was made.
func (s situation) check(t *testing.T, r *rotating, step string) bool {
	make := r.fed.RotateStep
	if step == "abandon" {
		make = r.fed.AbandonRotation
	}
	_, err := make(context.Background(), "contoso.com", r.keys, nil)
	after, signs := r.configuration(), r.keys.signs()
	known := []string{s.first, s.second}
	knownAfter := []string{after.SigningCertificate, after.NextSigningCertificate}

	if !slices.Contains(known, bare(s.signs)) || err != nil {
		require.Error(t, err, "%s %+v", step, s)
		require.Equal(t, known, knownAfter)
		require.Equal(t, s.signs, signs)
		return false
	}
	require.Contains(t, known, bare(signs), "Entra knew the key before it signs")
	require.Contains(t, knownAfter, bare(signs), "and knows it after")
	if signs != s.signs {
		require.Equal(t, "rotate", step)
		require.Equal(t, known, knownAfter, "one change at a time")
		require.NotNil(t, s.record)
		require.Equal(t, bare(signs), s.record.New)
		require.False(t, s.record.AnnouncedAt.IsZero(), "a wait that nobody has measured is not over")
	}
	if s.second != "" && !s.knows(s.second) {
		require.Contains(t, knownAfter, s.second, "%s %+v", step, s)
	}
	return true
}

// knows reports whether a certificate is the identity provider's, or from a rotation.
func (s situation) knows(text string) bool {
	return text == bare(s.signs) || s.other != nil && text == bare(s.other) || text == s.first ||
		s.record != nil && (text == s.record.Old || text == s.record.New)
}

// What the tenant and the store hold is read, whatever it is.
func FuzzRotationStatus(f *testing.F) {
	record, err := json.Marshal(federation.Record{Rotation: &federation.RotationRecord{Old: "b2xk", New: "bmV3"}})
	require.NoError(f, err)
	f.Add("", "", []byte(nil))
	f.Add("rubbish", "bm90IGEgY2VydGlmaWNhdGU=", record)
	f.Add("MIIB", "\x00", []byte(`{"rotation":{"announcedAt":"9999-12-31T23:59:59Z"},"retired":[""]}`))
	older, newer, third := keyCertificateOf(f, "old"), keyCertificateOf(f, "new"), keyCertificateOf(f, "third")
	f.Fuzz(func(t *testing.T, first, second string, document []byte) {
		r := newRotatingWith(t, older, newer, third)
		for _, signsFirst := range []bool{true, false} {
			c := r.configuration()
			if c.SigningCertificate, c.NextSigningCertificate = bare(r.old), second; !signsFirst {
				c.SigningCertificate, c.NextSigningCertificate = first, bare(r.old)
			}
			r.tenant.configurations["contoso.com"] = &c
			present, err := r.store.Load(t.Context(), "contoso.com")
			require.NoError(t, err)
			require.NoError(t, r.store.Save(t.Context(), "contoso.com", present, document))
			s, err := r.fed.RotationStatus(t.Context(), "contoso.com", r.keys)
			if err != nil {
				continue // the record is not one
			}
			require.NotEqual(t, federation.RotationBroken, s.Stage)
			require.NotEmpty(t, s.String())
			r.clock.pass(time.Minute)
		}
	})
}
