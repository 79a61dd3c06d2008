package entratest

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// signature is one enveloped XML signature and the element that it claims to sign.
type signature struct {
	target  *etree.Element
	element *etree.Element
}

// signatures are those of a response that rule 13 found to be well placed.
type signatures struct {
	assertion *signature // the one that vouches for the assertion
	response  *signature // one around it, or nil
}

// directSignatures returns the signatures directly inside an element.
func directSignatures(target *etree.Element) []*signature {
	var found []*signature
	for _, el := range children(target, nsDSig, "Signature") {
		found = append(found, &signature{target: target, element: el})
	}
	return found
}

// countSignatures counts those anywhere in a tree, whatever their namespace.
func countSignatures(root *etree.Element) int {
	n := 0
	descend(root, func(el *etree.Element) {
		if el.Tag == "Signature" {
			n++
		}
	})
	return n
}

// shape says what is wrong with the signature's structure, before any mathematics, or nothing.
func (s *signature) shape() string {
	if problem := s.plain(); problem != "" {
		return problem
	}
	count := func(e *etree.Element, tag string) int { return len(children(e, nsDSig, tag)) }
	info := child(s.element, nsDSig, "SignedInfo")
	keyInfos := count(s.element, "KeyInfo")
	switch {
	case count(s.element, "SignedInfo") != 1 || count(s.element, "SignatureValue") != 1 || keyInfos > 1 ||
		len(s.element.ChildElements()) != 2+keyInfos:
		return "the Signature is not made of SignedInfo, SignatureValue and at most one KeyInfo"
	case count(info, "CanonicalizationMethod") != 1 || count(info, "SignatureMethod") != 1 ||
		len(info.ChildElements()) != 2+count(info, "Reference"):
		return "SignedInfo is not made of CanonicalizationMethod, SignatureMethod and one Reference"
	case count(info, "Reference") != 1:
		return fmt.Sprintf("there are %d References instead of one", count(info, "Reference"))
	}
	reference := s.reference()
	if count(reference, "Transforms") != 1 || count(reference, "DigestMethod") != 1 ||
		count(reference, "DigestValue") != 1 || len(reference.ChildElements()) != 3 {
		return "the Reference is not made of Transforms, DigestMethod and DigestValue"
	}
	id, _ := attr(s.target, "ID")
	if uri, _ := attr(reference, "URI"); uri != "#"+id || id == "" {
		return fmt.Sprintf("the Reference is to %s and not to %s", quoted(uri), quoted("#"+id))
	}
	return ""
}

// plain refuses comments and processing instructions inside the signature: they have hidden forged digests before.
func (s *signature) plain() string {
	var problem string
	descend(s.element, func(el *etree.Element) {
		for _, token := range el.Child {
			switch token.(type) {
			case *etree.Element, *etree.CharData:
			default:
				problem = "there is a comment or a processing instruction in the Signature"
			}
		}
	})
	return problem
}

func (s *signature) reference() *etree.Element {
	return child(child(s.element, nsDSig, "SignedInfo"), nsDSig, "Reference")
}

func (s *signature) canonicalization() string {
	algorithm, _ := attr(child(child(s.element, nsDSig, "SignedInfo"), nsDSig, "CanonicalizationMethod"), "Algorithm")
	return algorithm
}

func (s *signature) method() string {
	algorithm, _ := attr(child(child(s.element, nsDSig, "SignedInfo"), nsDSig, "SignatureMethod"), "Algorithm")
	return algorithm
}

func (s *signature) digest() string {
	algorithm, _ := attr(child(s.reference(), nsDSig, "DigestMethod"), "Algorithm")
	return algorithm
}

// transforms returns the algorithms in order. Anything that is not a plain ds:Transform is an empty string.
func (s *signature) transforms() []string {
	var algorithms []string
	for _, el := range child(s.reference(), nsDSig, "Transforms").ChildElements() {
		algorithm, _ := attr(el, "Algorithm")
		inclusive := children(el, nsExcC14N, "InclusiveNamespaces")
		extra := len(el.ChildElements()) - len(inclusive)
		if !is(el, nsDSig, "Transform") || extra > 0 || len(inclusive) > 1 ||
			len(inclusive) == 1 && algorithm != nsExcC14N {
			algorithm = ""
		}
		algorithms = append(algorithms, algorithm)
	}
	return algorithms
}

// certificate is the first certificate that KeyInfo shows. It is a hint for the operator, and never trusted.
func (s *signature) certificate() *x509.Certificate {
	data := child(child(s.element, nsDSig, "KeyInfo"), nsDSig, "X509Data")
	der, err := base64.StdEncoding.DecodeString(unspaced(child(data, nsDSig, "X509Certificate")))
	if err != nil {
		return nil
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	return certificate
}

// Why a signature does not verify.
var (
	errDigest = errors.New("the digest does not fit: the content was changed after it was signed, or it was not " +
		"canonicalised as the signature says")
	errSignatureValue = errors.New("the signature does not fit any registered certificate")
	errUnverifiable   = errors.New("the signature cannot be verified")
)

// verify checks the signature against each of the certificates, and against nothing else. It returns the element that
// was signed, parsed again from the very bytes that were digested, and the certificate that fits. The tree is not
// touched, because goxmldsig changes what it canonicalises.
func (s *signature) verify(certificates []*x509.Certificate) (*etree.Element, *x509.Certificate, error) {
	detached, err := s.detach()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errUnverifiable, err)
	}
	failure := errSignatureValue
	for _, certificate := range certificates {
		context := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{
			Roots: []*x509.Certificate{certificate},
		})
		// Whether the certificate is valid today is rule 14's to say, not goxmldsig's.
		context.Clock = dsig.NewFakeClockAt(certificate.NotBefore)
		signed, err := context.Validate(detached)
		switch {
		case err == nil && s.sameElement(signed):
			return signed, certificate, nil
		case err == nil:
			failure = errUnverifiable
		case errors.Is(err, rsa.ErrVerification):
		case err.Error() == "Signature could not be verified": // goxmldsig has no error value for a wrong digest
			failure = errDigest
		default:
			failure = fmt.Errorf("%w: %w", errUnverifiable, err)
		}
	}
	return nil, nil, failure
}

// detach copies the signed element out of its document, with the namespaces that it inherits, and leaves KeyInfo out:
// goxmldsig would look there for the certificate.
func (s *signature) detach() (*etree.Element, error) {
	namespaces, err := etreeutils.NSBuildParentContext(s.target)
	if err != nil {
		return nil, err
	}
	detached, err := etreeutils.NSDetatch(namespaces, s.target)
	if err != nil {
		return nil, err
	}
	for _, copied := range directSignatures(detached) {
		if keyInfo := child(copied.element, nsDSig, "KeyInfo"); keyInfo != nil {
			copied.element.RemoveChild(keyInfo)
		}
		signatureValue := child(copied.element, nsDSig, "SignatureValue")
		signatureValue.SetText(unspaced(signatureValue))
	}
	return detached, nil
}

// unspaced is the text of an element without its white space, which base64 in XML may have anywhere.
func unspaced(e *etree.Element) string { return strings.Join(strings.Fields(value(e)), "") }

func (s *signature) sameElement(signed *etree.Element) bool {
	want, _ := attr(s.target, "ID")
	got, _ := attr(signed, "ID")
	return is(signed, s.target.NamespaceURI(), s.target.Tag) && got == want
}

// describe names a certificate so that an operator finds it.
func describe(certificate *x509.Certificate) string {
	fingerprint := sha256.Sum256(certificate.Raw)
	return fmt.Sprintf("%s (SHA-256 fingerprint %x…)", quoted(certificate.Subject.String()), fingerprint[:8])
}
