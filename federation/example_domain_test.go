package federation_test

import (
	"context"
	"fmt"
	"time"

	"github.com/entrafed/entrafed/federation"
)

// A new domain is added, proved by a DNS record, and then ready to be federated.
func ExampleFederator_VerifyDomain() {
	tenant, clock := newTenant(), &clock{now: today} // the tenant stands in for that of package msgraph
	fed, err := federation.New(federation.Config{
		Directory: tenant,
		Store:     federation.NewMemoryStore(), // in production NewFileStore(directory)
		Discovery: tenant,                      // leave out in production, like the clock
		Now:       clock.Now,
		Sleep:     clock.Sleep,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	status, err := fed.AddDomain(ctx, "example.org")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(status.Next)

	status, err = fed.VerifyDomain(ctx, "example.org", time.Hour, func(e federation.Event) {
		fmt.Println(e.Message)
		tenant.published["example.org"] = true // somebody publishes the record meanwhile
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(status.Next)
	// Output:
	// Publish the TXT record "MS=ms12345678" at example.org (TTL 3600), and have the domain verified.
	// The record of example.org is not seen yet; the next look is in 15s.
	// The record was seen, and example.org is verified.
	// Plan its federation.
}

// Promoting a child domain ends the federation that it has from its root: the plan says so before anything is written.
func ExampleFederator_PlanPromote() {
	tenant := newTenant().with(federation.Domain{
		Name: "hr.contoso.com", IsVerified: true, AuthenticationType: federation.Federated,
	})
	tenant.federated("contoso.com", federation.Configuration{IssuerURI: "https://id.contoso.com/entra"})
	fed, err := federation.New(federation.Config{
		Directory: tenant, Store: federation.NewMemoryStore(), Discovery: tenant, Now: func() time.Time { return today },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := fed.PlanPromote(context.Background(), "hr.contoso.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, write := range plan.Writes {
		fmt.Println(write.Operation, write.Domain)
	}
	for _, finding := range plan.Findings {
		fmt.Println(finding.Severity, finding.Rule)
		fmt.Println(" ", finding.Summary)
		fmt.Println(" ", finding.Remedy)
	}
	// Output:
	// promote domain hr.contoso.com
	// warning promote-becomes-managed
	//   hr.contoso.com becomes a managed domain: it loses the federation that it has from contoso.com, and its people sign in at Entra with passwords that they need then.
	//   Plan a federation of its own at once, with an issuer that no other domain has. Promoting cannot be undone.
}
