package federation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/entrafed/entrafed/federation"
)

// printedTenant is a tenant of two domains, neither of them federated. An msgraph.Tenant is a real one.
type printedTenant struct{}

func (printedTenant) Domains(context.Context) ([]federation.Domain, error) {
	return []federation.Domain{
		{Name: "contoso.onmicrosoft.com", AuthenticationType: federation.Managed, IsInitial: true, IsRoot: true,
			IsVerified: true},
		{Name: "contoso.com", AuthenticationType: federation.Managed, IsDefault: true, IsRoot: true, IsVerified: true},
	}, nil
}

func (printedTenant) Configuration(context.Context, string) (*federation.Configuration, error) {
	return nil, nil
}

func (printedTenant) Users(context.Context, string, string) (federation.UserPage, error) {
	return federation.UserPage{Users: []federation.User{
		{UserPrincipalName: "sales@contoso.com", ImmutableID: "5b1f", Enabled: true},
		{UserPrincipalName: "support@contoso.com", Enabled: true},
	}}, nil
}

func (printedTenant) Caller(context.Context) (federation.Caller, error) {
	return federation.Caller{Application: true}, nil
}

func (printedTenant) GlobalAdministrators(context.Context) ([]federation.User, error) {
	return []federation.User{{UserPrincipalName: "admin@contoso.onmicrosoft.com", Enabled: true}}, nil
}

func (printedTenant) Realm(_ context.Context, domain string) (federation.Realm, error) {
	return federation.Realm{Domain: domain, Type: federation.ManagedRealm}, nil
}

// signingCertificate is the certificate of the key with which the identity provider signs.
const signingCertificate = `-----BEGIN CERTIFICATE-----
MIICnTCCAYWgAwIBAgIBATANBgkqhkiG9w0BAQsFADASMRAwDgYDVQQDEwdzaWdu
aW5nMB4XDTI2MDMwMTAwMDAwMFoXDTI4MDMwMTAwMDAwMFowEjEQMA4GA1UEAxMH
c2lnbmluZzCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBANHyYNZl0ObR
5cPP6dl9tNoJv3La5ELoFopO0C7RHS8jCzva+d6HHOHAvk+dcJLtE85sf+NWhzhK
3YoFisLuaY91qm+ZjXGTkZHvK9bNwVxWJc68uZH09sG6ParCmDp5gGxTq5B7SDeN
F4ndJA3YXu47GKaWSr33Vi+vam6M/bVg3g7Ta3VXHIbbfTDjr7ueSJ4NdROGuYm1
+q4l8Cx+KCiC6AdpCVlE/I6Bwg/3HFicnFFDPKOh9yGyV9x1+lldq/+BbN7uaClB
poncyDDpFoskh9iePuVIwDKHyNm2euWe7fCqQgK6v9TBLpj2CqJ8jgzci2On3b7L
GdSSfvzycY0CAwEAATANBgkqhkiG9w0BAQsFAAOCAQEAbGts6KIPdtv55hY0hd6d
vOF6SAxWocppiEJQTnt7xnkW+TYKrZBj2WRq+i0t3jnRt9/yMSgvG0FU43DDZNTJ
GyvG5qPLCY8y8eehO/KUICuSDwxp7AxZiuUBCBb2ujTFZYbvdJs9A7gwT59UxK4h
StB6RoA2IKiNmKB2n5CSVxwZwds4aLllULfw1VvF6cgYDn9emgmxCaxGzUjNiYXi
VfK0r8iQQ0uRTdqJV5xUSguZ5eKAkgG/pF2NIM2ZJeMcWEOzvrBYgIxX0DJme/Un
LQJn+7e55ebI8NQ8GLKFTAaF+2EPC5odaivfg7ZxnHO5tstTO5LCOF4ggmoIZTQ+
Vg==
-----END CERTIFICATE-----`

func exampleFederator() (*federation.Federator, error) {
	return federation.New(federation.Config{
		Directory: printedTenant{},
		Store:     federation.NewMemoryStore(), // federation.NewFileStore, where it is not for show
		Discovery: printedTenant{},
		Now:       func() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) },
		Rand:      strings.NewReader(strings.Repeat("example ", 100)),
	})
}

// planOfExample is the plan that ExampleFederator_Plan makes, for these settings.
func planOfExample(settings federation.Settings) (*federation.Plan, error) {
	fed, err := exampleFederator()
	if err != nil {
		return nil, err
	}
	return fed.Plan(context.Background(), settings)
}

// What would be written to federate a domain, and what speaks against it. Nothing is changed.
func ExampleFederator_Plan() {
	fed, err := exampleFederator()
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := fed.Plan(context.Background(), federation.Settings{
		Domain:             "contoso.com",
		Issuer:             "https://id.contoso.com/entra/contoso.com",
		SignInURL:          "https://id.contoso.com/entra/sso",
		SigningCertificate: []byte(signingCertificate),
		DefaultDomain:      "contoso.onmicrosoft.com",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(plan)
	// Output:
	// Plan 6578616d706c65206578616d706c6520: federate contoso.com, as the tenant was at 2026-03-02 09:00:00 UTC.
	//
	// 1. PATCH /domains/contoso.onmicrosoft.com
	//    The tenant's default domain, which contoso.com is, cannot be federated.
	//    - isDefault: false
	//    + isDefault: true
	//
	// 2. POST /domains/contoso.com/federationConfiguration
	//    This makes contoso.com a federated domain: its people sign in at the identity provider from then on.
	//    + displayName: "contoso.com"
	//    + federatedIdpMfaBehavior: "rejectMfaByFederatedIdp"
	//    + isSignedAuthenticationRequestRequired: false
	//    + issuerUri: "https://id.contoso.com/entra/contoso.com"
	//    + passiveSignInUri: "https://id.contoso.com/entra/sso"
	//    + preferredAuthenticationProtocol: "saml"
	//    + signingCertificate: CN=signing, SHA-256 4e1a1ccbc7246145125d5e22c5b1ea19d1417d6033fe9da0b977177de907904f, valid from 2026-03-01 to 2028-03-01
	//
	// warning users-without-immutable-id: 1 user of contoso.com has no ImmutableID.
	//    · support@contoso.com
	//    Somebody who signs in may see AADSTS51004.
	//    Give each one the NameID that the identity provider sends for them, before the domain is federated: later it may be possible only by way of another domain.
	//
	// notice domain-default: contoso.onmicrosoft.com becomes the tenant's default domain first, in place of contoso.com.
	//    New users get it when nobody says otherwise. Nothing changes for present ones.
	//
	// notice conversion: People of contoso.com may be unable to sign in for up to 2 hours, and where they signed in at Entra before, it may take up to 24 hours until the identity provider is asked.
	//    Somebody who signs in may see AADSTS50107.
	//    Choose a time when few people work, and keep a session of an administrator open.
	//    Command: federate verify contoso.com
	//
	// 2 writes, 0 errors, 1 warning, 2 notices.
}

// A plan with an error is not applied. Each finding says what is wrong, and what mends it.
func ExamplePlan_findings() {
	plan, err := planOfExample(federation.Settings{
		Domain:             "contoso.com",
		Issuer:             "id.contoso.com",
		SignInURL:          "https://id.contoso.com/entra/sso",
		SigningCertificate: []byte(signingCertificate),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range plan.Findings {
		fmt.Printf("%s: %s\n", f.Severity, f.Summary)
	}
	// Output:
	// error: The Issuer "id.contoso.com" is a bare name and not a URI.
	// error: contoso.com is the tenant's default domain, which cannot be federated.
	// warning: 1 user of contoso.com has no ImmutableID.
}

// A plan can be stored, looked at by somebody else, and read again to be applied.
func ExampleReadPlan() {
	plan, err := planOfExample(federation.Settings{
		Domain:             "contoso.com",
		Issuer:             "https://id.contoso.com/entra/contoso.com",
		SignInURL:          "https://id.contoso.com/entra/sso",
		SigningCertificate: []byte(signingCertificate),
		DefaultDomain:      "contoso.onmicrosoft.com",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	document, err := json.Marshal(plan)
	if err != nil {
		fmt.Println(err)
		return
	}

	read, err := federation.ReadPlan(strings.NewReader(string(document)))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, w := range read.Writes {
		fmt.Println(w.Request())
	}

	changed := strings.Replace(string(document), "https://id.contoso.com/entra/sso", "https://elsewhere.example.net", 1)
	_, err = federation.ReadPlan(strings.NewReader(changed))
	fmt.Println(err)
	// Output:
	// PATCH /domains/contoso.onmicrosoft.com
	// POST /domains/contoso.com/federationConfiguration
	// federation: the plan cannot be used; make a new one: write 2: it sends another passiveSignInUri than it shows
}
