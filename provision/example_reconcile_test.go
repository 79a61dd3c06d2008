package provision_test

import (
	"context"
	"fmt"

	"github.com/entrafed/entrafed/provision"
)

// Every few minutes the host asks what has changed behind its back. A name that an administrator changed is taken over,
// and whoever was retired stays out; all else is for somebody to look at.
func ExampleProvisioner_Reconcile() {
	clock := newClock()
	directory := newChangingTenant() // stands in for the client of package msgraph
	directory.now = clock.Now

	people, err := provision.New(provision.Config{
		Directory: directory,
		Rules:     provision.Rules{Domain: "contoso.com", UsageLocation: "DE"},
		Now:       clock.Now, // leave out both in production
		Sleep:     clock.Sleep,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	person := provision.Person{Connection: "google", ID: "104", Email: "contractor@example.net"}
	account, err := people.Ensure(ctx, person)
	if err != nil {
		fmt.Println(err)
		return
	}
	directory.edit(account.ObjectID, func(u *provision.User) {
		u.UserPrincipalName, u.AccountEnabled = "con.tractor@contoso.com", false
	})

	done, err := people.Reconcile(ctx, provision.Reconciliation{
		Repair: func(d provision.Drift) bool {
			return d.Kind == provision.DriftUPN || d.Kind == provision.DriftEnabled
		},
		Report: func(d provision.Drift) {
			fmt.Printf("%s: %s, not %s; repaired: %v\n", d.Kind, d.Have, d.Want, d.Repaired)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("looked at %d, found %d\n", done.Looked, done.Drifts)

	account, err = people.Ensure(ctx, person)
	fmt.Println("the assertion names", account.UPN, err)
	// Output:
	// upn: con.tractor@contoso.com, not contractor@contoso.com; repaired: true
	// disabled: disabled, not enabled; repaired: false
	// looked at 1, found 2
	// the assertion names con.tractor@contoso.com <nil>
}
