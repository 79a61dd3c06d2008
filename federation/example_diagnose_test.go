package federation_test

import (
	"context"
	"fmt"
	"time"

	"github.com/entrafed/entrafed/federation"
)

// Nobody of contoso.com can sign in: the identity provider's issuer has a slash too many, and its clock is wrong.
func ExampleFederator_Diagnose() {
	tenant := newTenant() // stands in for the tenant of package msgraph
	tenant.federated("contoso.com", federation.Configuration{
		IssuerURI: "https://id.contoso.com/entra", PassiveSignInURI: "https://id.contoso.com/entra/sso",
		SigningCertificate: exampleCertificate, Protocol: federation.SAML, MFABehavior: federation.RejectMFA,
	})
	fed, err := federation.New(federation.Config{
		Directory: tenant,
		Store:     federation.NewMemoryStore(), // in production NewFileStore(directory)
		Discovery: tenant,                      // leave out in production, like the clock
		Now:       func() time.Time { return today },
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	idp, err := federation.ReadMetadata([]byte(exampleMetadata)) // or FetchMetadata, which reads the clock too
	if err != nil {
		fmt.Println(err)
		return
	}
	idp.Time, idp.TimeRead = today.Add(7*time.Minute), today
	diagnosis, err := fed.Diagnose(context.Background(), federation.DiagnoseSettings{
		Domain: "contoso.com", IdentityProvider: idp,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, finding := range diagnosis.Findings { // fmt.Print(diagnosis) shows all of them
		if finding.Severity == federation.SeverityError {
			fmt.Println(finding.AADSTS, finding.Rule)
			fmt.Println(" ", finding.Summary)
			fmt.Println(" ", finding.Remedy)
		}
	}
	// Output:
	// AADSTS50107 issuer-differs
	//   The identity provider sends the issuer "https://id.contoso.com/entra/", and contoso.com has the issuerUri "https://id.contoso.com/entra": they differ in the slash at the end alone.
	//   Make the identity provider send "https://id.contoso.com/entra"; or, if its own is the right one, plan the domain with it.
	// AADSTS500089 idp-clock
	//   The identity provider's clock is 7m0s ahead of the tenant's: its assertions are not valid yet when they arrive.
	//   Synchronise the identity provider's clock by NTP.
}
