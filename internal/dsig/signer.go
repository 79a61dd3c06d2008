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
	key         crypto.Signer
	random      io.Reader
	certificate string // base64 of the DER form, made once
}

// NewSigner returns a signer for a key that passed [Check].
func NewSigner(key crypto.Signer, certificate *x509.Certificate, random io.Reader) *Signer {
	return &Signer{key, random, base64.StdEncoding.EncodeToString(certificate.Raw)}
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

// Enveloped returns the Signature element for a canonical element whose ID is id. The caller puts it inside that
// element, where the enveloped transform will take it out again. The key is used once.
func (s *Signer) Enveloped(element []byte, id string) ([]byte, error) {
	sum := sha256.Sum256(element)
	digest := base64.StdEncoding.EncodeToString(sum[:])

	apex := xmldoc.NewWriter(1024)
	writeSignedInfo(apex, id, digest)
	signedInfo, err := apex.Bytes()
	if err != nil {
		return nil, err
	}
	hashed := sha256.Sum256(signedInfo)
	value, err := s.key.Sign(s.random, hashed[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("the signing key failed: %w", err)
	}

	w := xmldoc.NewWriter(1536 + len(s.certificate))
	w.Start(name("Signature"))
	writeSignedInfo(w, id, digest)
	w.Element(name("SignatureValue"), base64.StdEncoding.EncodeToString(value))
	w.Start(name("KeyInfo"))
	w.Start(name("X509Data"))
	w.Element(name("X509Certificate"), s.certificate)
	w.End()
	w.End()
	w.End()
	return w.Bytes()
}

// writeSignedInfo writes SignedInfo as an apex, for its own digest, or inside Signature, for the wire. The two differ
// in nothing but the namespace declaration, which exclusive canonicalisation adds to the apex.
func writeSignedInfo(w *xmldoc.Writer, id, digest string) {
	w.Start(name("SignedInfo"))
	empty(w, "CanonicalizationMethod", "Algorithm", ExclusiveC14N)
	empty(w, "SignatureMethod", "Algorithm", RSASHA256)
	w.Start(name("Reference"), xmldoc.Attr{Name: "URI", Value: "#" + id})
	w.Start(name("Transforms"))
	empty(w, "Transform", "Algorithm", EnvelopedSignature)
	empty(w, "Transform", "Algorithm", ExclusiveC14N)
	w.End()
	empty(w, "DigestMethod", "Algorithm", SHA256)
	w.Element(name("DigestValue"), digest)
	w.End()
	w.End()
}

func empty(w *xmldoc.Writer, local, attr, value string) {
	w.Start(name(local), xmldoc.Attr{Name: attr, Value: value})
	w.End()
}

func name(local string) xmldoc.Name { return xmldoc.Name{Space: namespace, Local: local} }
