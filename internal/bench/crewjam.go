package main

import (
	"crypto"
	"fmt"
	"net/http"
	"net/url"

	crewjamsaml "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// crewjam is the only public path of crewjam/saml that ends at a form: MakeAssertion, MakeResponse, PostBinding, with a
// request made by hand as in its ServeIDPInitiated.
func crewjam(s *signIn, key crypto.Signer) (issue, error) {
	issuer, err := url.Parse(s.issuer)
	if err != nil {
		return nil, fmt.Errorf("crewjam: %w", err)
	}
	idp := &crewjamsaml.IdentityProvider{
		Signer:          key,
		Certificate:     s.certificate,
		MetadataURL:     *issuer, // which is its entity ID
		SignatureMethod: dsig.RSASHA256SignatureMethod,
	}
	acs := &crewjamsaml.IndexedEndpoint{
		Binding: crewjamsaml.HTTPPostBinding, Location: s.cloud.AssertionConsumerService,
	}
	sp := &crewjamsaml.SPSSODescriptor{AssertionConsumerServices: []crewjamsaml.IndexedEndpoint{*acs}}
	metadata := &crewjamsaml.EntityDescriptor{
		EntityID: s.cloud.Audience, SPSSODescriptors: []crewjamsaml.SPSSODescriptor{*sp},
	}
	session := &crewjamsaml.Session{
		CreateTime: s.authnInstant, Index: s.sessionIndex, NameID: s.immutableID, NameIDFormat: formatPersistent,
		CustomAttributes: []crewjamsaml.Attribute{{
			Name: "IDPEmail", Values: []crewjamsaml.AttributeValue{{Type: "xs:string", Value: s.upn}},
		}},
	}
	browser := &http.Request{RemoteAddr: "192.0.2.1:1234"}
	return func() (string, error) {
		request := &crewjamsaml.IdpAuthnRequest{
			IDP: idp, HTTPRequest: browser,
			Request:                 crewjamsaml.AuthnRequest{ID: s.requestID, IssueInstant: s.authnInstant},
			ServiceProviderMetadata: metadata, SPSSODescriptor: sp, ACSEndpoint: acs,
			Now: crewjamsaml.TimeNow(),
		}
		if err := (crewjamsaml.DefaultAssertionMaker{}).MakeAssertion(request, session); err != nil {
			return "", err
		}
		if err := request.MakeResponse(); err != nil {
			return "", err
		}
		form, err := request.PostBinding()
		return form.SAMLResponse, err
	}, nil
}
