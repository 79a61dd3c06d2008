package saml_test

import (
	"fmt"
	"log"
	"time"

	"github.com/entrafed/entrafed/saml"
)

// Each federated domain has an issuer of its own; the subject's UPN chooses it.
func ExampleRealm() {
	idp, err := saml.New(saml.Config{
		SingleSignOnService: "https://id.contoso.com/entra/sso",
		Realms: []saml.Realm{
			{Domain: "contoso.com", Issuer: "https://id.contoso.com/entra"},
			{Domain: "fabrikam.com", Issuer: "https://id.contoso.com/entra/fabrikam"},
		},
		Signer: exampleSigner(),
		Now:    func() time.Time { return testTime },
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, upn := range []string{"a@contoso.com", "b@fabrikam.com", "c@sales.fabrikam.com"} {
		response, err := idp.RespondUnsolicited(saml.Subject{ImmutableID: "1", UPN: upn, AuthnInstant: testTime}, "")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(upn, response.Issuer)
	}
	// Output:
	// a@contoso.com https://id.contoso.com/entra
	// b@fabrikam.com https://id.contoso.com/entra/fabrikam
	// c@sales.fabrikam.com https://id.contoso.com/entra/fabrikam
}
