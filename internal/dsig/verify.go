package dsig

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	_ "crypto/sha1" // verified only: Entra signs its requests with it
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"
	goxmldsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"github.com/entrafed/entrafed/internal/xmldoc"
)

// Algorithms that are verified and never used to sign: the documented signature of Entra's own requests.
const (
	RSASHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
	SHA1    = "http://www.w3.org/2000/09/xmldsig#sha1"
)

// What is wrong with a signature, for errors.Is. Everything that [Verify] and [VerifyBytes] return matches one of them.
var (
	ErrShape     = errors.New("the signature is not of the one accepted shape")
	ErrAlgorithm = errors.New("the signature uses an algorithm that is not accepted")
	ErrKey       = errors.New("the signature names none of the trusted certificates")
	ErrInvalid   = errors.New("the signature does not fit")
)

// Signed reports whether the root element has a signature of its own.
func Signed(root *xmldoc.Element) bool { return len(root.All(namespace.URI, "Signature")) > 0 }

// Verify checks the enveloped signature of a document's root against trusted certificates, and returns the canonical
// bytes that it covers: read those, and not the document. root is the document as [xmldoc.Parse] read it.
//
// There must be one signature in the document, directly below the root, with one reference, to the root, and the two
// transforms. The key comes from the trusted certificates alone; KeyInfo may choose among them, by X509SKI or by the
// certificate itself. The certificates' validity in time is not looked at: they are pinned.
func Verify(document []byte, root *xmldoc.Element, trusted []*x509.Certificate) ([]byte, error) {
	s, err := readSignature(root)
	if err != nil {
		return nil, err
	}
	keys, err := s.candidates(trusted)
	if err != nil {
		return nil, err
	}
	covered, signedInfo, err := s.canonical(document)
	if err != nil {
		return nil, err
	}
	if digest := sum(s.digestHash, covered); subtle.ConstantTimeCompare(digest, s.digest) != 1 {
		return nil, fmt.Errorf("%w: the digest differs", ErrInvalid)
	}
	if err := verifyAny(keys, s.hash, signedInfo, s.value); err != nil {
		return nil, err // and not what nobody signed
	}
	return covered, nil
}

// VerifyBytes checks a detached RSA signature over content, as the Redirect binding has it (SAML bindings, section
// 3.4.4.1), against trusted certificates.
func VerifyBytes(algorithm string, content, value []byte, trusted []*x509.Certificate) error {
	hash, accepted := signatureHash(algorithm)
	if !accepted {
		return fmt.Errorf("%w: %.100q", ErrAlgorithm, algorithm)
	}
	return verifyAny(trusted, hash, content, value)
}

func verifyAny(certificates []*x509.Certificate, hash crypto.Hash, content, value []byte) error {
	hashed := sum(hash, content)
	for _, certificate := range certificates {
		if public, ok := certificate.PublicKey.(*rsa.PublicKey); ok && rsa.VerifyPKCS1v15(public, hash, hashed, value) == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: none of %d trusted certificates verifies it", ErrInvalid, len(certificates))
}

func sum(hash crypto.Hash, content []byte) []byte {
	h := hash.New()
	h.Write(content)
	return h.Sum(nil)
}

func signatureHash(algorithm string) (crypto.Hash, bool) {
	switch algorithm {
	case RSASHA256:
		return crypto.SHA256, true
	case RSASHA1:
		return crypto.SHA1, true
	}
	return 0, false
}

func digestHash(algorithm string) (crypto.Hash, bool) {
	switch algorithm {
	case SHA256:
		return crypto.SHA256, true
	case SHA1:
		return crypto.SHA1, true
	}
	return 0, false
}

// signature is a Signature element of the one accepted shape.
type signature struct {
	hash, digestHash           crypto.Hash
	digest, value              []byte
	infoPrefixes, rootPrefixes string // InclusiveNamespaces of SignedInfo and of the reference
	ski                        []byte
	certificate                []byte
}

func readSignature(root *xmldoc.Element) (signature, error) {
	var s signature
	own := root.All(namespace.URI, "Signature")
	if len(own) != 1 || count(root) != 1 {
		return s, fmt.Errorf("%w: there must be one Signature, directly below the root", ErrShape)
	}
	parts, err := children(own[0], "SignedInfo", "SignatureValue", "KeyInfo?")
	if err != nil {
		return s, err
	}
	if err := s.readSignedInfo(parts[0], root); err != nil {
		return s, err
	}
	if s.value, err = decode(parts[1]); err != nil {
		return s, err
	}
	return s, s.readKeyInfo(parts[2])
}

func (s *signature) readSignedInfo(info, root *xmldoc.Element) error {
	parts, err := children(info, "CanonicalizationMethod", "SignatureMethod", "Reference")
	if err != nil {
		return err
	}
	if s.infoPrefixes, err = exclusive(parts[0]); err != nil {
		return err
	}
	method, _ := parts[1].Attr("Algorithm")
	var accepted bool
	if s.hash, accepted = signatureHash(method); !accepted {
		return fmt.Errorf("%w: SignatureMethod %.100q", ErrAlgorithm, method)
	}
	return s.readReference(parts[2], root)
}

func (s *signature) readReference(reference, root *xmldoc.Element) error {
	id, _ := root.Attr("ID")
	if uri, _ := reference.Attr("URI"); id == "" || uri != "#"+id {
		return fmt.Errorf("%w: the reference is %.100q and not the root's ID", ErrShape, uri)
	}
	parts, err := children(reference, "Transforms", "DigestMethod", "DigestValue")
	if err != nil {
		return err
	}
	transforms, err := children(parts[0], "Transform", "Transform")
	if err != nil {
		return err
	}
	if first, _ := transforms[0].Attr("Algorithm"); first != EnvelopedSignature {
		return fmt.Errorf("%w: the first transform is %.100q", ErrAlgorithm, first)
	}
	if s.rootPrefixes, err = exclusive(transforms[1]); err != nil {
		return err
	}
	method, _ := parts[1].Attr("Algorithm")
	var accepted bool
	if s.digestHash, accepted = digestHash(method); !accepted {
		return fmt.Errorf("%w: DigestMethod %.100q", ErrAlgorithm, method)
	}
	s.digest, err = decode(parts[2])
	return err
}

func (s *signature) readKeyInfo(info *xmldoc.Element) (err error) {
	if info == nil {
		return nil
	}
	for _, data := range info.All(namespace.URI, "X509Data") {
		for _, ski := range data.All(namespace.URI, "X509SKI") {
			if s.ski, err = decode(ski); err != nil {
				return err
			}
		}
		for _, certificate := range data.All(namespace.URI, "X509Certificate") {
			if s.certificate, err = decode(certificate); err != nil {
				return err
			}
		}
	}
	return nil
}

// candidates are the trusted certificates that KeyInfo allows.
func (s *signature) candidates(trusted []*x509.Certificate) ([]*x509.Certificate, error) {
	allowed := slices.DeleteFunc(slices.Clone(trusted), func(c *x509.Certificate) bool {
		return s.ski != nil && !bytes.Equal(c.SubjectKeyId, s.ski) || s.certificate != nil && !bytes.Equal(c.Raw, s.certificate)
	})
	if len(allowed) == 0 {
		return nil, fmt.Errorf("%w: X509SKI %.100q", ErrKey, base64.StdEncoding.EncodeToString(s.ski))
	}
	return allowed, nil
}

// canonical returns what the digest covers, and what the signature covers.
func (s *signature) canonical(document []byte) (covered, signedInfo []byte, err error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(document); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrShape, err)
	}
	element := child(doc.Root(), "Signature")
	info := child(element, "SignedInfo")
	if info == nil {
		return nil, nil, fmt.Errorf("%w: no SignedInfo", ErrShape)
	}
	context, err := etreeutils.NSBuildParentContext(info)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrShape, err)
	}
	detached, err := etreeutils.NSDetatch(context, info)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrShape, err)
	}
	if signedInfo, err = canonicalise(detached, s.infoPrefixes); err != nil {
		return nil, nil, err
	}
	doc.Root().RemoveChild(element)
	covered, err = canonicalise(doc.Root(), s.rootPrefixes)
	return covered, signedInfo, err
}

// child returns the first child of that name in the namespace of signatures.
func child(parent *etree.Element, local string) *etree.Element {
	if parent == nil {
		return nil
	}
	for _, c := range parent.ChildElements() {
		if c.Tag == local && c.NamespaceURI() == namespace.URI {
			return c
		}
	}
	return nil
}

// canonicalise fails where it has nothing to say: an empty result must never be digested in place of a document.
func canonicalise(element *etree.Element, prefixes string) ([]byte, error) {
	canonical, err := goxmldsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(prefixes).Canonicalize(element)
	if err != nil {
		return nil, fmt.Errorf("%w: it cannot be canonicalised: %w", ErrShape, err)
	}
	if len(canonical) == 0 {
		return nil, fmt.Errorf("%w: its canonical form is empty", ErrShape)
	}
	return canonical, nil
}

// exclusive wants exclusive canonicalisation and returns the prefixes that are to be treated inclusively.
func exclusive(method *xmldoc.Element) (string, error) {
	if algorithm, _ := method.Attr("Algorithm"); algorithm != ExclusiveC14N {
		return "", fmt.Errorf("%w: %s %.100q", ErrAlgorithm, method.Local, algorithm)
	}
	if len(method.Children) == 0 {
		return "", nil
	}
	inclusive := method.All(ExclusiveC14N, "InclusiveNamespaces")
	if len(method.Children) != 1 || len(inclusive) != 1 {
		return "", fmt.Errorf("%w: %s has unknown content", ErrShape, method.Local)
	}
	prefixes, _ := inclusive[0].Attr("PrefixList")
	return prefixes, nil
}

// children returns the element's children if they are exactly those, in that order; one with a question mark may be
// absent and is then nil.
func children(parent *xmldoc.Element, names ...string) ([]*xmldoc.Element, error) {
	found := make([]*xmldoc.Element, len(names))
	next := 0
	for i, name := range names {
		local, optional := strings.CutSuffix(name, "?")
		if next < len(parent.Children) && parent.Children[next].Space == namespace.URI && parent.Children[next].Local == local {
			found[i] = parent.Children[next]
			next++
		} else if !optional {
			return nil, fmt.Errorf("%w: %s lacks %s at its place", ErrShape, parent.Local, local)
		}
	}
	if next != len(parent.Children) {
		return nil, fmt.Errorf("%w: %s has more in it", ErrShape, parent.Local)
	}
	return found, nil
}

// decode reads base64, in which line breaks and spaces are allowed.
func decode(e *xmldoc.Element) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(e.Text), ""))
	if err != nil || len(raw) == 0 || len(e.Children) > 0 {
		return nil, fmt.Errorf("%w: %s is not base64", ErrShape, e.Local)
	}
	return raw, nil
}

func count(e *xmldoc.Element) int {
	n := 0
	if e.Space == namespace.URI && e.Local == "Signature" {
		n = 1
	}
	for _, c := range e.Children {
		n += count(c)
	}
	return n
}
