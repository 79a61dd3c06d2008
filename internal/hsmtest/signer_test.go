//go:build cgo

package hsmtest

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"testing"

	"github.com/miekg/pkcs11"
	"github.com/stretchr/testify/require"
)

// signer is a private key inside the HSM. It is safe for concurrent use.
type signer struct {
	hsm     *token
	private pkcs11.ObjectHandle
	public  *rsa.PublicKey
}

// newSigner generates an RSA-2048 key pair inside the HSM. The private key cannot be taken out, unless attributes say
// otherwise.
func newSigner(t *testing.T, hsm *token, label string, attributes ...*pkcs11.Attribute) *signer {
	t.Helper()
	s := &signer{hsm: hsm}
	hsm.do(func(session pkcs11.SessionHandle) {
		public, private, err := hsm.module.GenerateKeyPair(session,
			[]*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN, nil)},
			[]*pkcs11.Attribute{
				pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
				pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
				pkcs11.NewAttribute(pkcs11.CKA_VERIFY, true),
				pkcs11.NewAttribute(pkcs11.CKA_MODULUS_BITS, 2048),
				pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1}),
			},
			slices.Concat([]*pkcs11.Attribute{
				pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
				pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
				pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
				pkcs11.NewAttribute(pkcs11.CKA_SIGN, true),
			}, protection(attributes)))
		require.NoError(t, err)
		s.private = private
		s.public = publicKey(t, hsm.module, session, public)
	})
	return s
}

// protection is what keeps a key inside, unless a test wants something else.
func protection(attributes []*pkcs11.Attribute) []*pkcs11.Attribute {
	if len(attributes) > 0 {
		return attributes
	}
	return []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
	}
}

func publicKey(t *testing.T, module *pkcs11.Ctx, session pkcs11.SessionHandle, key pkcs11.ObjectHandle) *rsa.PublicKey {
	t.Helper()
	parts, err := module.GetAttributeValue(session, key, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_MODULUS, nil),
		pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, nil),
	})
	require.NoError(t, err)
	require.Len(t, parts, 2)
	exponent := new(big.Int).SetBytes(parts[1].Value)
	return &rsa.PublicKey{N: new(big.Int).SetBytes(parts[0].Value), E: int(exponent.Int64())}
}

// Public implements crypto.Signer.
func (s *signer) Public() crypto.PublicKey { return s.public }

// Sign implements crypto.Signer for SHA-256 with the padding of PKCS #1 v1.5. The HSM has its own randomness, and this
// padding needs none.
func (s *signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) (signature []byte, err error) {
	if _, pss := opts.(*rsa.PSSOptions); pss || opts.HashFunc() != crypto.SHA256 || len(digest) != crypto.SHA256.Size() {
		return nil, errors.New("this key signs SHA-256 with PKCS #1 v1.5 only")
	}
	s.hsm.do(func(session pkcs11.SessionHandle) {
		signature, err = s.sign(session, digest)
	})
	if err != nil {
		return nil, fmt.Errorf("the HSM does not sign: %w", err)
	}
	return signature, nil
}

func (s *signer) sign(session pkcs11.SessionHandle, digest []byte) ([]byte, error) {
	mechanism := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS, nil)}
	if err := s.hsm.module.SignInit(session, mechanism, s.private); err != nil {
		return nil, err
	}
	return s.hsm.module.Sign(session, digestInfo(digest))
}

// digestInfo says which hash is signed: RFC 8017, section 9.2, note 1. CKM_RSA_PKCS pads what it gets, and no more.
func digestInfo(digest []byte) []byte {
	sha256 := []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
		0x04, 0x20}
	return append(sha256, digest...)
}
