package main

import (
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// goxmldsig is the path through a tree: build it, sign the assertion in it, serialise it.
func goxmldsig(s *signIn, key crypto.Signer) (issue, error) {
	signing, err := dsig.NewSigningContext(key, [][]byte{s.certificate.Raw})
	if err != nil {
		return nil, fmt.Errorf("goxmldsig: %w", err)
	}
	signing.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := signing.SetSignatureMethod(dsig.RSASHA256SignatureMethod); err != nil {
		return nil, fmt.Errorf("goxmldsig: %w", err)
	}
	return func() (string, error) {
		ids, err := newIDs()
		if err != nil {
			return "", err
		}
		now := time.Now()
		assertion := s.assertionTree(ids[1], now)
		signature, err := signing.ConstructSignature(assertion, true)
		if err != nil {
			return "", err
		}
		assertion.InsertChildAt(1, signature) // after the issuer, as the schema wants it
		response := s.responseTree(ids[0], now)
		response.AddChild(assertion)
		document, err := etree.NewDocumentWithRoot(response).WriteToBytes()
		if err != nil {
			return "", err
		}
		return base64.StdEncoding.EncodeToString(document), nil
	}, nil
}

// newIDs draws two IDs of 128 bits.
func newIDs() (ids [2]string, err error) {
	var random [32]byte
	if _, err := rand.Read(random[:]); err != nil {
		return ids, err
	}
	digits := hex.EncodeToString(random[:])
	return [2]string{"_" + digits[:32], "_" + digits[32:]}, nil
}

func (s *signIn) responseTree(id string, now time.Time) *etree.Element {
	response := etree.NewElement("samlp:Response")
	response.CreateAttr("xmlns:samlp", "urn:oasis:names:tc:SAML:2.0:protocol")
	response.CreateAttr("Destination", s.cloud.AssertionConsumerService)
	response.CreateAttr("ID", id)
	response.CreateAttr("InResponseTo", s.requestID)
	response.CreateAttr("IssueInstant", timestamp(now))
	response.CreateAttr("Version", "2.0")
	issuer := response.CreateElement("saml:Issuer")
	issuer.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	issuer.SetText(s.issuer)
	status := response.CreateElement("samlp:Status").CreateElement("samlp:StatusCode")
	status.CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:Success")
	return response
}

func (s *signIn) assertionTree(id string, now time.Time) *etree.Element {
	assertion := etree.NewElement("saml:Assertion")
	assertion.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	assertion.CreateAttr("ID", id)
	assertion.CreateAttr("IssueInstant", timestamp(now))
	assertion.CreateAttr("Version", "2.0")
	assertion.CreateElement("saml:Issuer").SetText(s.issuer)
	s.subjectTree(assertion.CreateElement("saml:Subject"), now)

	conditions := assertion.CreateElement("saml:Conditions")
	conditions.CreateAttr("NotBefore", timestamp(now.Add(-clockSkew)))
	conditions.CreateAttr("NotOnOrAfter", timestamp(now.Add(lifetime)))
	conditions.CreateElement("saml:AudienceRestriction").CreateElement("saml:Audience").SetText(s.cloud.Audience)

	statement := assertion.CreateElement("saml:AuthnStatement")
	statement.CreateAttr("AuthnInstant", timestamp(s.authnInstant))
	statement.CreateAttr("SessionIndex", s.sessionIndex)
	class := statement.CreateElement("saml:AuthnContext").CreateElement("saml:AuthnContextClassRef")
	class.SetText(passwordProtectedTransport)

	mail := assertion.CreateElement("saml:AttributeStatement").CreateElement("saml:Attribute")
	mail.CreateAttr("Name", "IDPEmail")
	mail.CreateElement("saml:AttributeValue").SetText(s.upn)
	return assertion
}

func (s *signIn) subjectTree(subject *etree.Element, now time.Time) {
	nameID := subject.CreateElement("saml:NameID")
	nameID.CreateAttr("Format", formatPersistent)
	nameID.SetText(s.immutableID)
	confirmation := subject.CreateElement("saml:SubjectConfirmation")
	confirmation.CreateAttr("Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")
	data := confirmation.CreateElement("saml:SubjectConfirmationData")
	data.CreateAttr("InResponseTo", s.requestID)
	data.CreateAttr("NotOnOrAfter", timestamp(now.Add(lifetime)))
	data.CreateAttr("Recipient", s.cloud.AssertionConsumerService)
}
