package saml_test

import (
	"fmt"
	"log"
)

// A certificate rollover that locks nobody out: announce, let Entra know, switch, withdraw.
func ExampleIdentityProvider_SwitchSigner() {
	idp := exampleIdP()
	if err := idp.SetNextSigner(exampleNextSigner()); err != nil {
		log.Fatal(err)
	}
	// Now set the domain's nextSigningCertificate in Entra to this one, and wait until it is in force.
	_, next := idp.Certificates()
	fmt.Println("announced:", next.Subject.CommonName)

	if err := idp.SwitchSigner(); err != nil {
		log.Fatal(err)
	}
	active, old := idp.Certificates()
	fmt.Println("signs:", active.Subject.CommonName, "- the way back:", old.Subject.CommonName)
	// Output:
	// announced: the next key
	// signs: the next key - the way back: entrafed test
}
