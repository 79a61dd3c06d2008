package main

import (
	"encoding/base64"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/document"
)

// federation is what Entra must be told of this identity provider: the body of
// POST https://graph.microsoft.com/v1.0/domains/{domain}/federationConfiguration.
//
// Source: https://learn.microsoft.com/graph/api/domain-post-federationconfiguration.
type federation struct {
	Type                            string `json:"@odata.type"`
	DisplayName                     string `json:"displayName"`
	IssuerURI                       string `json:"issuerUri"`
	PassiveSignInURI                string `json:"passiveSignInUri"`
	SignOutURI                      string `json:"signOutUri"`
	SigningCertificate              string `json:"signingCertificate"`
	PreferredAuthenticationProtocol string `json:"preferredAuthenticationProtocol"`
	FederatedIdpMfaBehavior         string `json:"federatedIdpMfaBehavior"`
}

func newFederation(r realm) federation {
	return federation{
		Type:                            "#microsoft.graph.internalDomainFederation",
		DisplayName:                     r.domain,
		IssuerURI:                       r.issuer,
		PassiveSignInURI:                r.ssoURL(),
		SignOutURI:                      r.logoutURL(),
		SigningCertificate:              base64.StdEncoding.EncodeToString(r.certificate.Raw),
		PreferredAuthenticationProtocol: "saml",
		// There is no second factor here: Entra is to ask for its own and to believe nobody who claims otherwise.
		FederatedIdpMfaBehavior: "rejectMfaByFederatedIdp",
	}
}

// printFederation needs few of the variables, because it is wanted before the others are known.
func (p program) printFederation() int {
	e := newEnvironment(p.Environ)
	r := readRealm(e, p.Now())
	if err := newConfigError(e.Problems()); err != nil {
		return p.refuse(err)
	}
	if err := document.Print(p.Stdout, newFederation(r)); err != nil {
		p.Say("%v", err)
		return command.ExitFailed
	}
	return command.ExitOK
}
