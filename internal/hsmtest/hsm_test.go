//go:build cgo

package hsmtest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/miekg/pkcs11"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/saml"
)

const (
	testUPN = "contractor@contoso.com"
	testID  = "0123456789abcdef0123456789abcdef"
)

var testTime = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

func TestAKeyInsideAnHSMSigns(t *testing.T) {
	key := newSigner(t, newToken(t), "signing")
	certificate := certify(key) // which the key has signed itself
	idp := newIdP(t, saml.Signer{Key: key, Certificate: certificate})

	response, err := idp.RespondUnsolicited(testSubject(), "")
	require.NoError(t, err)
	verified, err := verify(response.XML, certificate)
	require.NoError(t, err)
	require.Equal(t, testID, verified.FindElement("./Subject/NameID").Text())
	require.Equal(t, testUPN, verified.FindElement("./AttributeStatement/Attribute/AttributeValue").Text())

	other := certify(newSigner(t, key.hsm, "other"))
	_, err = verify(response.XML, other)
	require.Error(t, err, "the check can fail")
}

func TestThePrivateKeyCannotBeTakenOut(t *testing.T) {
	hsm := newToken(t)
	key := newSigner(t, hsm, "signing")
	for attribute, want := range map[uint]byte{
		pkcs11.CKA_EXTRACTABLE:       0,
		pkcs11.CKA_NEVER_EXTRACTABLE: 1,
		pkcs11.CKA_SENSITIVE:         1,
		pkcs11.CKA_ALWAYS_SENSITIVE:  1,
		pkcs11.CKA_LOCAL:             1, // it was made inside
	} {
		value, err := hsm.attribute(key.private, attribute)
		require.NoError(t, err)
		require.Equal(t, []byte{want}, value, "attribute %#x", attribute)
	}
	for _, secret := range secrets() {
		value, err := hsm.attribute(key.private, secret)
		require.ErrorIs(t, err, pkcs11.Error(pkcs11.CKR_ATTRIBUTE_SENSITIVE), "attribute %#x", secret)
		require.Empty(t, value)
	}
	_, err := hsm.wrap(t, key.private)
	require.ErrorIs(t, err, pkcs11.Error(pkcs11.CKR_KEY_UNEXTRACTABLE))
	require.ErrorIs(t, hsm.set(key.private, pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true)),
		pkcs11.Error(pkcs11.CKR_ATTRIBUTE_READ_ONLY), "the protection cannot be taken off")
}

// What the test before finds impossible is possible with a key that was made so: its checks can fail.
func TestAnExtractableKeyCanBeTakenOut(t *testing.T) {
	hsm := newToken(t)
	key := newSigner(t, hsm, "exposed",
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, false), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true))
	for _, secret := range secrets() {
		value, err := hsm.attribute(key.private, secret)
		require.NoError(t, err)
		require.NotEmpty(t, value, "attribute %#x", secret)
	}
	wrapped, err := hsm.wrap(t, key.private)
	require.NoError(t, err)
	require.NotEmpty(t, wrapped)
}

func TestManyGoroutinesSignAtOnce(t *testing.T) {
	const goroutines, each = 4 * sessions, 5
	key := newSigner(t, newToken(t), "signing")
	certificate := certify(key)
	idp := newIdP(t, saml.Signer{Key: key, Certificate: certificate})

	errs := make([]error, goroutines)
	var group sync.WaitGroup
	for i := range goroutines {
		group.Go(func() {
			for range each {
				errs[i] = errors.Join(errs[i], respondAndVerify(idp, certificate))
			}
		})
	}
	group.Wait()
	require.NoError(t, errors.Join(errs...))
}

// The certificate of the new key is with Entra before the new key signs. Both are inside the HSM.
func TestAKeyInsideTheHSMReplacesAnother(t *testing.T) {
	hsm := newToken(t)
	old, next := newSigner(t, hsm, "2026"), newSigner(t, hsm, "2027")
	oldCertificate, nextCertificate := certify(old), certify(next)
	idp := newIdP(t, saml.Signer{Key: old, Certificate: oldCertificate})

	require.NoError(t, idp.SetNextSigner(saml.Signer{Key: next, Certificate: nextCertificate}))
	require.NoError(t, respondAndVerify(idp, oldCertificate), "the next key is announced, and does not sign yet")
	require.NoError(t, idp.Switch(t.Context(), nextCertificate))
	require.NoError(t, respondAndVerify(idp, nextCertificate))
	require.Error(t, respondAndVerify(idp, oldCertificate))
}

func TestAnHSMThatRefusesIsReported(t *testing.T) {
	hsm := newToken(t)
	key := newSigner(t, hsm, "signing")
	idp := newIdP(t, saml.Signer{Key: key, Certificate: certify(key)})

	hsm.do(func(session pkcs11.SessionHandle) { require.NoError(t, hsm.module.Logout(session)) })
	_, err := idp.RespondUnsolicited(testSubject(), "")
	var refused pkcs11.Error
	require.ErrorAs(t, err, &refused, "the HSM's own code reaches the host")
	require.ErrorContains(t, err, "the HSM does not sign")
}

func TestTheSignerRefusesWhatItDoesNotSupport(t *testing.T) {
	key := newSigner(t, newToken(t), "signing")
	digest := sha256.Sum256(nil)
	_, err := key.Sign(nil, digest[:], crypto.SHA256)
	require.NoError(t, err)
	for rule, test := range map[string]struct {
		digest []byte
		opts   crypto.SignerOpts
	}{
		"another hash":    {digest[:20], crypto.SHA1},
		"another padding": {digest[:], &rsa.PSSOptions{Hash: crypto.SHA256}},
		"half a digest":   {digest[:16], crypto.SHA256},
	} {
		_, err := key.Sign(nil, test.digest, test.opts)
		require.ErrorContains(t, err, "SHA-256 with PKCS #1 v1.5 only", rule)
	}
}

// secrets are the attributes from any of which the private key can be computed.
func secrets() []uint {
	return []uint{pkcs11.CKA_PRIVATE_EXPONENT, pkcs11.CKA_PRIME_1, pkcs11.CKA_PRIME_2, pkcs11.CKA_EXPONENT_1,
		pkcs11.CKA_EXPONENT_2, pkcs11.CKA_COEFFICIENT}
}

func (hsm *token) attribute(object pkcs11.ObjectHandle, attribute uint) (value []byte, err error) {
	hsm.do(func(session pkcs11.SessionHandle) {
		var found []*pkcs11.Attribute
		found, err = hsm.module.GetAttributeValue(session, object,
			[]*pkcs11.Attribute{pkcs11.NewAttribute(attribute, nil)})
		if err == nil {
			value = found[0].Value
		}
	})
	return value, err
}

func (hsm *token) set(object pkcs11.ObjectHandle, attribute *pkcs11.Attribute) (err error) {
	hsm.do(func(session pkcs11.SessionHandle) {
		err = hsm.module.SetAttributeValue(session, object, []*pkcs11.Attribute{attribute})
	})
	return err
}

// wrap tries to take a key out, encrypted with one that was made for that.
func (hsm *token) wrap(t *testing.T, key pkcs11.ObjectHandle) (wrapped []byte, err error) {
	t.Helper()
	hsm.do(func(session pkcs11.SessionHandle) {
		wrapping, generateErr := hsm.module.GenerateKey(session,
			[]*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)},
			[]*pkcs11.Attribute{
				pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 32),
				pkcs11.NewAttribute(pkcs11.CKA_WRAP, true),
			})
		require.NoError(t, generateErr)
		wrapped, err = hsm.module.WrapKey(session,
			[]*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_WRAP_PAD, nil)}, wrapping, key)
	})
	return wrapped, err
}

func certify(key *signer) *x509.Certificate {
	return certtest.SelfSigned(key, "entrafed test", testTime.AddDate(-1, 0, 0), testTime.AddDate(1, 0, 0))
}

func newIdP(t *testing.T, signer saml.Signer) *saml.IdentityProvider {
	t.Helper()
	idp, err := saml.New(saml.Config{
		SingleSignOnService: "https://id.contoso.com/entra/sso",
		Realms:              []saml.Realm{{Domain: "contoso.com", Issuer: "https://id.contoso.com/entra"}},
		Signer:              signer,
		Now:                 func() time.Time { return testTime },
	})
	require.NoError(t, err)
	return idp
}

func testSubject() saml.Subject {
	return saml.Subject{ImmutableID: testID, UPN: testUPN, AuthnInstant: testTime}
}

func respondAndVerify(idp *saml.IdentityProvider, certificate *x509.Certificate) error {
	response, err := idp.RespondUnsolicited(testSubject(), "")
	if err != nil {
		return err
	}
	_, err = verify(response.XML, certificate)
	return err
}

// verify checks the assertion's signature with goxmldsig and returns the assertion as that saw it.
func verify(document []byte, certificate *x509.Certificate) (*etree.Element, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(document); err != nil {
		return nil, err
	}
	store := &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}}
	validation := dsig.NewDefaultValidationContext(store)
	validation.Clock = dsig.NewFakeClockAt(testTime)
	return validation.Validate(doc.FindElement("./Response/Assertion"))
}
