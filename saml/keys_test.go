package saml_test

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/saml"
)

var nextKey = sync.OnceValue(func() saml.Signer { return saml.Signer{Key: certtest.RSA(2048)} })

func nextSigner(t testing.TB, from, to time.Time) saml.Signer {
	t.Helper()
	return saml.Signer{Key: nextKey().Key, Certificate: certify(nextKey().Key, from, to)}
}

func validNext(t testing.TB) saml.Signer {
	return nextSigner(t, testTime.AddDate(0, -1, 0), testTime.AddDate(2, 0, 0))
}

func publishedCertificates(t testing.TB, idp *saml.IdentityProvider) []string {
	t.Helper()
	document, err := idp.Metadata("")
	require.NoError(t, err)
	var found []string
	for _, part := range strings.Split(string(document), "<ds:X509Certificate>")[1:] {
		certificate, _, _ := strings.Cut(part, "<")
		found = append(found, certificate)
	}
	return found
}

func certificatesOf(t testing.TB, idp *saml.IdentityProvider) (active, other *x509.Certificate) {
	t.Helper()
	active, other, err := idp.Certificates(t.Context())
	require.NoError(t, err)
	return active, other
}

func base64Of(c *x509.Certificate) string { return base64.StdEncoding.EncodeToString(c.Raw) }

func TestMetadataPublishesBothKeys(t *testing.T) {
	t.Parallel()
	next := validNext(t)
	idp := newIdP(t, func(c *saml.Config) { c.NextSigner = next })
	active, announced := certificatesOf(t, idp)
	require.Equal(t, next.Certificate, announced)
	require.Equal(t, []string{base64Of(active), base64Of(next.Certificate)}, publishedCertificates(t, idp))
	document, err := idp.Metadata("")
	require.NoError(t, err)
	requireSchema(t, metadataSchema, document)
}

// The stages of a certificate rollover, one after the other.
func TestTheKeyIsSwitchedInStages(t *testing.T) {
	t.Parallel()
	idp := newIdP(t)
	first, _ := certificatesOf(t, idp)
	next := validNext(t)
	signedBy := func() *x509.Certificate {
		response, err := idp.RespondUnsolicited(testSubject(), "")
		require.NoError(t, err)
		for _, certificate := range []*x509.Certificate{first, next.Certificate} {
			if _, err := verify(response.XML, certificate); err == nil {
				return certificate
			}
		}
		return nil
	}
	require.ErrorIs(t, idp.Switch(t.Context(), next.Certificate), saml.ErrUnknownSigner)

	require.NoError(t, idp.SetNextSigner(next))
	require.Equal(t, first, signedBy(), "announcing changes nothing")
	require.NoError(t, idp.Switch(t.Context(), next.Certificate))
	require.Equal(t, next.Certificate, signedBy())
	require.Equal(t, []string{base64Of(next.Certificate), base64Of(first)}, publishedCertificates(t, idp), "the old key is a way back")
	require.NoError(t, idp.Switch(t.Context(), first))
	require.Equal(t, first, signedBy(), "and back")
	require.NoError(t, idp.Switch(t.Context(), next.Certificate))
	require.NoError(t, idp.SetNextSigner(saml.Signer{}))
	require.Equal(t, []string{base64Of(next.Certificate)}, publishedCertificates(t, idp))
}

// Whoever does not know whether a switch was made makes it again.
func TestASwitchToTheKeyThatSignsDoesNothing(t *testing.T) {
	t.Parallel()
	next := validNext(t)
	idp := newIdP(t, func(c *saml.Config) { c.NextSigner = next })
	first, _ := certificatesOf(t, idp)
	for range 2 {
		require.NoError(t, idp.Switch(t.Context(), next.Certificate))
		active, other := certificatesOf(t, idp)
		require.Equal(t, next.Certificate, active)
		require.Equal(t, first, other)
	}
}

func TestASwitchToAnUnknownCertificateIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		next    saml.Signer
		unknown *x509.Certificate
	}{
		"none, and there is no next key": {saml.Signer{}, nil},
		"none":                           {validNext(t), nil},
		"of no key":                      {validNext(t), certify(certtest.RSA(2048), testTime, testTime.AddDate(1, 0, 0))},
		"another one of the next key":    {validNext(t), nextSigner(t, testTime, testTime.AddDate(3, 0, 0)).Certificate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			idp := newIdP(t, func(c *saml.Config) { c.NextSigner = test.next })
			before := publishedCertificates(t, idp)
			require.ErrorIs(t, idp.Switch(t.Context(), test.unknown), saml.ErrUnknownSigner)
			require.Equal(t, before, publishedCertificates(t, idp), "nothing has changed")
		})
	}
}

func TestNextKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	small := certtest.RSA(1024)
	for rule, test := range map[string]struct {
		next saml.Signer
		want string
	}{
		"expired":             {nextSigner(t, testTime.AddDate(-2, 0, 0), testTime.Add(-time.Second)), "expired on"},
		"too small":           {saml.Signer{Key: small, Certificate: certify(small, testTime, testTime.AddDate(1, 0, 0))}, "1024 bits"},
		"without certificate": {saml.Signer{Key: nextKey().Key}, "are both needed"},
		"without key":         {saml.Signer{Certificate: validNext(t).Certificate}, "are both needed"},
		"of another key":      {saml.Signer{Key: testKey(), Certificate: validNext(t).Certificate}, "belongs to another key"},
	} {
		t.Run(rule, func(t *testing.T) {
			idp := newIdP(t)
			require.ErrorContains(t, idp.SetNextSigner(test.next), test.want)
			require.Len(t, publishedCertificates(t, idp), 1, "nothing has changed")
			cfg := testConfig(t)
			cfg.NextSigner = test.next
			_, err := saml.New(cfg)
			require.ErrorContains(t, err, "NextSigner")
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestAKeyOfTheFutureIsAnnouncedAndDoesNotSignYet(t *testing.T) {
	t.Parallel()
	now := testTime
	idp := newIdP(t, func(c *saml.Config) { c.Now = func() time.Time { return now } })
	first, _ := certificatesOf(t, idp)
	next := nextSigner(t, testTime.Add(time.Hour), testTime.AddDate(3, 0, 0))
	require.NoError(t, idp.SetNextSigner(next))
	require.ErrorContains(t, idp.Switch(t.Context(), next.Certificate), "valid only from")
	now = testTime.Add(2 * time.Hour)
	require.NoError(t, idp.Switch(t.Context(), next.Certificate))

	now = testTime.AddDate(1, 0, 1)
	require.ErrorContains(t, idp.Switch(t.Context(), first), "expired", "the first key is no way back any more")
}

func TestAnExpiredKeyIsLeftBehind(t *testing.T) {
	t.Parallel()
	now := testTime
	next := validNext(t)
	idp := newIdP(t, func(c *saml.Config) {
		c.Now = func() time.Time { return now }
		c.NextSigner = next
	})
	now = testTime.AddDate(1, 0, 1) // the active certificate has expired meanwhile
	require.NoError(t, idp.Switch(t.Context(), next.Certificate))
	require.Len(t, publishedCertificates(t, idp), 1)
}

// Responses that are made while the key is switched are signed with one key or the other, never with half of each.
func TestSwitchingIsSafeWhileRequestsAreInFlight(t *testing.T) {
	t.Parallel()
	next := validNext(t)
	idp := newIdP(t, func(c *saml.Config) { c.NextSigner = next })
	first, _ := certificatesOf(t, idp)
	responses := make(chan []byte, 200)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 50 {
				response, err := idp.RespondUnsolicited(testSubject(), "")
				if err == nil {
					responses <- response.XML
				}
			}
		})
	}
	for range 10 {
		require.NoError(t, idp.Switch(t.Context(), next.Certificate))
		require.NoError(t, idp.Switch(t.Context(), first))
	}
	group.Wait()
	close(responses)
	require.Len(t, responses, 200)
	for document := range responses {
		_, byFirst := verify(document, first)
		_, byNext := verify(document, next.Certificate)
		require.True(t, byFirst == nil || byNext == nil)
	}
}

// Two processes of a rotation may tell it at once: both mean the same key.
func TestSwitchesAtOnceEndWithTheKeyThatAllOfThemMean(t *testing.T) {
	t.Parallel()
	next := validNext(t)
	idp := newIdP(t, func(c *saml.Config) { c.NextSigner = next })
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() { errs[i] = idp.Switch(t.Context(), next.Certificate) })
	}
	group.Wait()
	require.NoError(t, errors.Join(errs...))
	active, _ := certificatesOf(t, idp)
	require.Equal(t, next.Certificate, active)
}
