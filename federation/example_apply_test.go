package federation_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/entrafed/entrafed/federation"
)

// A plan is applied exactly as it was read. Where the program ends in between, applying it again goes on.
func ExampleFederator_Apply() {
	store, err := federation.NewFileStore(exampleDirectory()) // in a program: a directory that is kept, and backed up
	if err != nil {
		log.Fatal(err)
	}
	tenant := newTenant() // in a program: msgraph.New
	fed, err := federation.New(federation.Config{Directory: tenant, Store: store, Discovery: tenant})
	if err != nil {
		log.Fatal(err)
	}
	plan := examplePlan() // in a program: fed.Plan, which somebody has read

	ctx := context.Background()
	outcome, err := fed.Apply(ctx, plan, func(e federation.Event) { fmt.Println(e.Message) })
	if errors.Is(err, federation.ErrChanged) {
		log.Fatal("Somebody has changed the tenant. Make a new plan.")
	}
	if err != nil {
		log.Fatal(err) // says in which state the domain is, and what to do
	}
	fmt.Println("To go back:", outcome.Undo)

	verification, err := fed.Wait(ctx, plan, func(e federation.Event) { fmt.Println(e.Message) })
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Try a sign-in:", verification.SignInLink)
	// Output:
	// contoso.com is as it was when the plan was made.
	// The way back is stored under 000102030405060708090a0b0c0d0e0f.
	// Writing: create configuration contoso.com.
	// Done: create configuration contoso.com.
	// To go back: 000102030405060708090a0b0c0d0e0f
	// Entra's sign-in service sends people of contoso.com to the identity provider. Whether it knows the issuer and the certificate, only a sign-in tells; some of its servers may take up to 2h0m0s.
	// Try a sign-in: https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com
}

func exampleDirectory() string {
	directory, err := os.MkdirTemp("", "federation")
	if err != nil {
		log.Fatal(err)
	}
	return directory
}

// examplePlan federates contoso.com, of a tenant that newTenant makes.
func examplePlan() *federation.Plan {
	return &federation.Plan{
		ID: planID, Purpose: federation.PurposeFederate, Domain: "contoso.com",
		Before: federation.State{
			Domain: &federation.Domain{
				Name: "contoso.com", AuthenticationType: federation.Managed, IsRoot: true, IsVerified: true,
			},
			DefaultDomain: "contoso.onmicrosoft.com",
		},
		Writes: []federation.Write{{
			Operation: federation.CreateConfiguration, Domain: "contoso.com",
			Body: federation.Properties{
				"displayName": "contoso.com", "issuerUri": "https://id.contoso.com/entra/contoso.com",
				"passiveSignInUri": "https://id.contoso.com/entra/sso", "preferredAuthenticationProtocol": "saml",
				"signingCertificate": identityProviderCertificate(),
			},
		}},
	}
}
