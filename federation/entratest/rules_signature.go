package entratest

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"time"

	dsig "github.com/russellhaering/goxmldsig"
)

const (
	digestSHA1   = "http://www.w3.org/2000/09/xmldsig#sha1"
	digestSHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
)

// signatureRules are about who vouches for the assertion.
func signatureRules() []Rule {
	const sourceGraph = "https://learn.microsoft.com/graph/api/resources/internaldomainfederation"
	return []Rule{
		{
			Number: 13, Level: Must, Code: "AADSTS50008", Source: sourceSAML, needs: []int{6},
			Title: "The Assertion has one enveloped signature, directly inside it after Issuer, with one Reference to " +
				"the Assertion's ID.",
			Remedy: "Sign the Assertion itself, not only the Response.",
			check:  checkSignaturePlace,
		},
		{
			Number: 15, Level: Must, Code: "AADSTS50008", Source: sourceSAML, needs: []int{13},
			Title: "The transforms are enveloped-signature and then exclusive C14N, and SignedInfo is canonicalised with " +
				"exclusive C14N.",
			Remedy: "Use " + string(dsig.EnvelopedSignatureAltorithmId) + " and " + nsExcC14N + ", which begin with http.",
			check:  func(e *examination) result { return e.signatures.assertion.checkTransforms() },
		},
		{
			Number: 16, Level: Must, Code: "AADSTS50008", Source: sourceSAML, needs: []int{13},
			Title:  "The algorithms are rsa-sha256 and sha256; in lenient mode rsa-sha1 and sha1 as well.",
			Remedy: "Sign with " + dsig.RSASHA256SignatureMethod + " and digest with " + digestSHA256 + ".",
			check:  func(e *examination) result { return e.signatures.assertion.checkAlgorithms() },
		},
		{
			Number: 14, Level: Must, Code: "AADSTS50006", Source: sourceGraph, needs: []int{10, 13, 15, 16},
			Title:  "The signature verifies with a certificate that is registered for the domain, and valid today.",
			Remedy: "Register the certificate for the domain before signing with its key, and send the signed bytes untouched.",
			check:  checkSignature,
		},
		{
			Number: 17, Level: Should, Code: "AADSTS50008", Source: "inferred: Microsoft's page names RSA only", needs: []int{14},
			Title:  "The key is RSA with at least 2048 bits.",
			Remedy: "Sign with an RSA key of 2048 bits or more.",
			check:  checkKey,
		},
		{
			Number: 18, Level: Must, Code: "AADSTS50006", Source: "inferred: what is signed must verify", needs: []int{10, 13},
			Title:  "If the Response is signed too, that signature is as good as the Assertion's.",
			Remedy: "Sign the Assertion first and the Response around it last, or do not sign the Response.",
			check:  checkResponseSignature,
		},
	}
}

func checkSignaturePlace(e *examination) result {
	inner, outer := directSignatures(e.assertion), directSignatures(e.root)
	switch {
	case len(inner) > 1 || len(outer) > 1:
		return failed("there are two signatures in one element")
	case countSignatures(e.root) != len(inner)+len(outer):
		return failed("there is a Signature that is directly inside neither the Assertion nor the Response")
	}
	if len(outer) == 1 {
		e.signatures.response = outer[0]
	}
	if len(inner) == 0 {
		return e.checkResponseVouches()
	}
	e.signatures.assertion = inner[0]
	if problem := inner[0].shape(); problem != "" {
		return failed("%s", problem)
	}
	if first := e.assertion.ChildElements(); len(first) < 2 || first[1] != inner[0].element ||
		!is(first[0], nsAssertion, "Issuer") {
		return failed("the Signature does not come right after the Issuer").
			advise("Put the Signature after the Issuer, where the SAML schema has it.").tolerated()
	}
	return passed("")
}

// checkResponseVouches is for a response that is signed as a whole and only so. One vendor's guide recommends that.
func (e *examination) checkResponseVouches() result {
	if e.signatures.response == nil {
		return failed("the Assertion is not signed")
	}
	if problem := e.signatures.response.shape(); problem != "" {
		return failed("the Assertion is not signed, and of the Response %s", problem)
	}
	e.signatures.assertion = e.signatures.response
	return failed("the Response is signed and the Assertion is not").tolerated()
}

func (s *signature) checkTransforms() result {
	want := []string{string(dsig.EnvelopedSignatureAltorithmId), nsExcC14N}
	switch got := s.transforms(); {
	case !slices.Equal(got, want):
		return failed("the transforms are %s", quoted(strings.Join(got, " ")))
	case s.canonicalization() != nsExcC14N:
		return failed("CanonicalizationMethod is %s", quoted(s.canonicalization()))
	}
	return passed("")
}

func (s *signature) checkAlgorithms() result {
	method, digest := s.method(), s.digest()
	switch {
	case strings.HasPrefix(method, "https://"), strings.HasPrefix(digest, "https://"):
		return failed("the algorithm identifiers are %s and %s: they begin with http, although Microsoft's page prints https",
			quoted(method), quoted(digest))
	case method == dsig.RSASHA1SignatureMethod && (digest == digestSHA1 || digest == digestSHA256),
		method == dsig.RSASHA256SignatureMethod && digest == digestSHA1:
		return failed("SHA-1 is deprecated: the algorithms are %s and %s", quoted(method), quoted(digest)).tolerated()
	case digest != digestSHA256:
		return failed("DigestMethod is %s", quoted(digest))
	case method == dsig.RSASHA384SignatureMethod, method == dsig.RSASHA512SignatureMethod:
		return warned("nobody has reported that Entra accepts %s", method)
	case method != dsig.RSASHA256SignatureMethod:
		return failed("SignatureMethod is %s", quoted(method))
	}
	return passed("")
}

func checkSignature(e *examination) result {
	s := e.signatures.assertion
	registered := e.realm.Federation.Certificates
	signed, certificate, err := s.verify(registered)
	if err != nil {
		return s.explain(err, registered)
	}
	if s.target == e.root {
		signed = child(signed, nsAssertion, "Assertion")
	}
	// The certificates were chosen by the Issuer as it came; it counts only as it was signed.
	if value(child(signed, nsAssertion, "Issuer")) != e.realm.Federation.Issuer {
		return failed("the signed Issuer is not %s", quoted(e.realm.Federation.Issuer)).as("50107")
	}
	e.verified, e.signer = signed, certificate
	if e.now.Before(certificate.NotBefore) || e.now.After(certificate.NotAfter) {
		return failed("the registered certificate %s is valid from %s to %s only", describe(certificate),
			certificate.NotBefore.UTC().Format(time.DateOnly), certificate.NotAfter.UTC().Format(time.DateOnly)).
			as("5000811").advise("Make a new key and certificate, and register the certificate for the domain.").tolerated()
	}
	if shown := s.certificate(); shown != nil && !shown.Equal(certificate) {
		return warned("KeyInfo shows %s, and the signature was made with the key of %s",
			describe(shown), describe(certificate))
	}
	return passed("%s", describe(certificate))
}

// explain tells an unregistered key from a signature that a registered key did not make.
func (s *signature) explain(err error, registered []*x509.Certificate) result {
	shown := s.certificate()
	switch {
	case len(registered) == 0:
		return failed("no certificate is registered for the domain").as("5000811")
	case errors.Is(err, errDigest) || shown == nil || slices.ContainsFunc(registered, shown.Equal):
		return failed("%s", err).as("50006")
	}
	return failed("KeyInfo shows %s, which is not registered for the domain; registered is %s",
		describe(shown), describe(registered[0])).as("5000811")
}

func checkKey(e *examination) result {
	key, isRSA := e.signer.PublicKey.(*rsa.PublicKey)
	switch {
	case !isRSA: // rule 16 names RSA algorithms only
		return failed("the key is %s", e.signer.PublicKeyAlgorithm)
	case key.N.BitLen() < 2048:
		return failed("the key has %d bits", key.N.BitLen())
	}
	return passed("RSA with %d bits", key.N.BitLen())
}

func checkResponseSignature(e *examination) result {
	switch s := e.signatures.response; s {
	case nil:
		return passed("the Response is not signed")
	case e.signatures.assertion:
		return passed("it was judged by rules 13 to 16")
	default:
		return e.checkSignatureOf(s)
	}
}

// checkSignatureOf judges the signature of a whole message.
func (e *examination) checkSignatureOf(s *signature) result {
	name := "of the " + s.target.Tag
	if problem := s.shape(); problem != "" {
		return failed("%s %s", name, problem).as("50008")
	}
	let := passed("")
	for _, res := range []result{s.checkTransforms(), s.checkAlgorithms()} {
		if res.outcome != Failed {
			continue
		}
		res = res.as("50008")
		res.detail = name + " " + res.detail
		if !res.tolerable || !e.Lenient {
			return res
		}
		let = res // what is let through must verify all the same
	}
	if _, _, err := s.verify(e.realm.Federation.Certificates); err != nil {
		res := s.explain(err, e.realm.Federation.Certificates)
		res.detail = name + ": " + res.detail
		return res
	}
	return let
}
