package saml_test

import (
	"context"
	"fmt"
	"log"
)

// A certificate rollover that locks nobody out: announce, let Entra know, switch, withdraw. Package federation makes it step by
// step, with the tenant's part and the waits: see federation.Federator.RotateStep, for which the identity provider is the Keys.
func ExampleIdentityProvider_Switch() {
	ctx := context.Background()
	idp := exampleIdP()
	if err := idp.SetNextSigner(exampleNextSigner()); err != nil {
		log.Fatal(err)
	}
	_, next, err := idp.Certificates(ctx)
	if err != nil {
		log.Fatal(err)
	}
	// Now set the domain's nextSigningCertificate in Entra to this one, and wait until it is in force.
	fmt.Println("announced:", next.Subject.CommonName)

	if err := idp.Switch(ctx, next); err != nil {
		log.Fatal(err)
	}
	active, old, err := idp.Certificates(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("signs:", active.Subject.CommonName, "- the way back:", old.Subject.CommonName)
	// Output:
	// announced: the next key
	// signs: the next key - the way back: entrafed test
}
