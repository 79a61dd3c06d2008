package saml_test

import (
	"crypto/x509"
	"encoding/base64"
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

func base64Of(c *x509.Certificate) string { return base64.StdEncoding.EncodeToString(c.Raw) }

func TestMetadataPublishesBothKeys(t *testing.T) {
	t.Parallel()
	next := validNext(t)
	idp := newIdP(t, func(c *saml.Config) { c.NextSigner = next })
	active, announced := idp.Certificates()
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
	first, _ := idp.Certificates()
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
	require.ErrorIs(t, idp.SwitchSigner(), saml.ErrNoNextSigner)

	require.NoError(t, idp.SetNextSigner(next))
	require.Equal(t, first, signedBy(), "announcing changes nothing")
	require.NoError(t, idp.SwitchSigner())
	require.Equal(t, next.Certificate, signedBy())
	require.Equal(t, []string{base64Of(next.Certificate), base64Of(first)}, publishedCertificates(t, idp), "the old key is a way back")
	require.NoError(t, idp.SwitchSigner())
	require.Equal(t, first, signedBy(), "and back")
	require.NoError(t, idp.SwitchSigner())
	require.NoError(t, idp.SetNextSigner(saml.Signer{}))
	require.Equal(t, []string{base64Of(next.Certificate)}, publishedCertificates(t, idp))
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
	require.NoError(t, idp.SetNextSigner(nextSigner(t, testTime.Add(time.Hour), testTime.AddDate(3, 0, 0))))
	require.ErrorContains(t, idp.SwitchSigner(), "valid only from")
	now = testTime.Add(2 * time.Hour)
	require.NoError(t, idp.SwitchSigner())

	now = testTime.AddDate(1, 0, 1)
	require.ErrorContains(t, idp.SwitchSigner(), "expired", "the first key is no way back any more")
}

func TestAnExpiredKeyIsLeftBehind(t *testing.T) {
	t.Parallel()
	now := testTime
	idp := newIdP(t, func(c *saml.Config) {
		c.Now = func() time.Time { return now }
		c.NextSigner = validNext(t)
	})
	now = testTime.AddDate(1, 0, 1) // the active certificate has expired meanwhile
	require.NoError(t, idp.SwitchSigner())
	require.Len(t, publishedCertificates(t, idp), 1)
}

// Responses that are made while the key is switched are signed with one key or the other, never with half of each.
func TestSwitchingIsSafeWhileRequestsAreInFlight(t *testing.T) {
	t.Parallel()
	next := validNext(t)
	idp := newIdP(t, func(c *saml.Config) { c.NextSigner = next })
	first, _ := idp.Certificates()
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
	for range 20 {
		require.NoError(t, idp.SwitchSigner())
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
