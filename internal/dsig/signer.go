package dsig

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/entrafed/entrafed/internal/xmldoc"
)

// Algorithm identifiers, as the standards write them: with http, which Microsoft's page misprints.
const (
	ExclusiveC14N      = "http://www.w3.org/2001/10/xml-exc-c14n#"
	EnvelopedSignature = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	RSASHA256          = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	SHA256             = "http://www.w3.org/2001/04/xmlenc#sha256"
)

// namespace of XML signatures.
var namespace = xmldoc.Namespace{Prefix: "ds", URI: "http://www.w3.org/2000/09/xmldsig#"}

// MinimumKeyBits is the smallest RSA modulus that signs.
const MinimumKeyBits = 2048

// Signer signs with one key. It is safe for concurrent use if the key is.
type Signer struct {
	key        crypto.Signer
	keySize    int // bytes of the modulus, and of a signature
	random     io.Reader
	signedInfo *xmldoc.Template // as an apex, for its own digest: reference, digest
	signature  *xmldoc.Template // for the wire: reference, digest, signature value
}

// NewSigner returns a signer for a key that passed [Check].
func NewSigner(key crypto.Signer, certificate *x509.Certificate, random io.Reader) *Signer {
	encoded := base64.StdEncoding.EncodeToString(certificate.Raw)
	return &Signer{
		key: key, keySize: (certificate.PublicKey.(*rsa.PublicKey).N.BitLen() + 7) / 8, random: random,
		signedInfo: xmldoc.NewTemplates(func(w *xmldoc.Writer, _ func()) { writeSignedInfo(w) })[0],
		signature:  xmldoc.NewTemplates(func(w *xmldoc.Writer, _ func()) { writeSignature(w, encoded) })[0],
	}
}

// Size is the number of bytes of a Signature element for an element with this ID.
func (s *Signer) Size(id string) int {
	return s.signature.Size() + len(id) + base64.StdEncoding.EncodedLen(sha256.Size) + base64.StdEncoding.EncodedLen(s.keySize)
}

// Check lists what is wrong with a key and its certificate. Validity in time is the caller's to judge.
func Check(key crypto.Signer, certificate *x509.Certificate) error {
	if key == nil || certificate == nil {
		return errors.New("a private key and its certificate are both needed")
	}
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return fmt.Errorf("the key is %T: Entra accepts RSA only", key.Public())
	}
	var errs []error
	if bits := public.N.BitLen(); bits < MinimumKeyBits {
		errs = append(errs, fmt.Errorf("the RSA key has %d bits: at least %d are needed", bits, MinimumKeyBits))
	}
	if !public.Equal(certificate.PublicKey) {
		errs = append(errs, errors.New("the certificate belongs to another key"))
	}
	return errors.Join(errs...)
}

// Append appends the Signature element for a canonical element whose ID is id. The caller puts it inside that element,
// where the enveloped transform will take it out again. The key is used once. element must not share memory with dst.
func (s *Signer) Append(dst, element []byte, id string) ([]byte, error) {
	sum := sha256.Sum256(element)
	digest := encode(sum[:])

	// SignedInfo is signed as an apex, which it is not on the wire: the two differ in a namespace declaration. It is
	// written into the free part of dst, and overwritten by the signature.
	apex, err := s.signedInfo.Append(dst, id, digest)
	if err != nil {
		return nil, err
	}
	hashed := sha256.Sum256(apex[len(dst):])
	value, err := s.key.Sign(s.random, hashed[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("the signing key failed: %w", err)
	}
	return s.signature.Append(dst, id, digest, encode(value))
}

// encode is EncodeToString with one allocation in place of two, for what a key of up to 6000 bits makes.
func encode(raw []byte) string {
	var room [1024]byte
	return string(base64.StdEncoding.AppendEncode(room[:0], raw))
}

func writeSignature(w *xmldoc.Writer, certificate string) {
	w.Start(name("Signature"))
	writeSignedInfo(w)
	w.Start(name("SignatureValue"))
	w.TextHole()
	w.End()
	w.Start(name("KeyInfo"))
	w.Start(name("X509Data"))
	w.Element(name("X509Certificate"), certificate)
	w.End()
	w.End()
	w.End()
}

func writeSignedInfo(w *xmldoc.Writer) {
	w.Start(name("SignedInfo"))
	empty(w, "CanonicalizationMethod", "Algorithm", ExclusiveC14N)
	empty(w, "SignatureMethod", "Algorithm", RSASHA256)
	w.Start(name("Reference"), xmldoc.Attr{Name: "URI", Value: "#", Hole: true})
	w.Start(name("Transforms"))
	empty(w, "Transform", "Algorithm", EnvelopedSignature)
	empty(w, "Transform", "Algorithm", ExclusiveC14N)
	w.End()
	empty(w, "DigestMethod", "Algorithm", SHA256)
	w.Start(name("DigestValue"))
	w.TextHole()
	w.End()
	w.End()
	w.End()
}

func empty(w *xmldoc.Writer, local, attr, value string) {
	w.Start(name(local), xmldoc.Attr{Name: attr, Value: value})
	w.End()
}

func name(local string) xmldoc.Name { return xmldoc.Name{Space: namespace, Local: local} }
