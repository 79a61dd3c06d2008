package federation_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/internal/certtest"
)

// The way back is a plan too, and says what it costs.
func ExampleFederator_PlanRevert() {
	tenant := newTenant() // in a program: msgraph.New
	tenant.users = []federation.User{
		{UserPrincipalName: "employee@contoso.com", Enabled: true},
		{UserPrincipalName: "contractor@contoso.com", Enabled: true},
	}
	fed, err := federation.New(federation.Config{
		Directory: tenant, Discovery: tenant, Store: federation.NewMemoryStore(), // in a program: the NewFileStore of Apply
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if _, err := fed.Apply(ctx, examplePlan(), nil); err != nil {
		log.Fatal(err)
	}

	records, err := fed.UndoRecords(ctx, "contoso.com")
	if err != nil {
		log.Fatal(err)
	}
	plan, err := fed.PlanRevert(ctx, federation.RevertSettings{Domain: "contoso.com", Undo: records[0].Plan})
	if err != nil {
		log.Fatal(err)
	}
	for _, write := range plan.Writes {
		fmt.Println(write.Operation, write.Domain+".", write.Reason)
	}
	for _, finding := range plan.Findings {
		fmt.Printf("%s: %s\n", finding.Severity, finding.Summary)
	}
	outcome, err := fed.Apply(ctx, plan, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(outcome.State.Domain.Name, "is", outcome.State.Domain.AuthenticationType)
	// Output:
	// delete configuration contoso.com. People sign in at Entra again, with a password that Entra knows.
	// warning: 2 people of contoso.com must sign in at Entra with a password. Who has never had one there, or does not know it, cannot sign in.
	// warning: For up to two hours, people of contoso.com may be led to the old sign-in or to the new one, and some may not be able to sign in. Who is signed in stays so.
	// contoso.com is Managed
}

// identityProviderCertificate is that of the identity provider, as base64 of DER.
func identityProviderCertificate() string {
	return bare(certtest.SelfSigned(rsaKey(), "contoso", time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0)))
}
