package provision_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/entrafed/entrafed/provision"
)

// A contractor leaves: the account is blocked, its sessions end, its seat is free again, and after that it is deleted. The
// next sign-in is refused. Then the contract is renewed, and the same account comes back.
func ExampleProvisioner_Retire() {
	clock := newClock()
	directory := newAccountTenant() // stands in for the client of package msgraph
	directory.now = clock.Now

	people, err := provision.New(provision.Config{
		Directory: directory,
		Rules: provision.Rules{
			Domain:        "contoso.com",
			UsageLocation: "DE",
			Licenses:      []provision.License{{SKU: "O365_BUSINESS_PREMIUM"}},
		},
		Now:   clock.Now, // leave out both in production
		Sleep: clock.Sleep,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	person := provision.Person{Connection: "google", ID: "104", Email: "contractor@example.net"}
	if _, err := people.Ensure(ctx, person); err != nil {
		fmt.Println(err)
		return
	}

	err = people.RetireWithProgress(ctx, person.Key(), provision.Leaving{Delete: true}, func(e provision.Event) {
		if e.State == provision.Done {
			fmt.Println(e.Message)
		}
	})
	fmt.Println(err)

	_, err = people.Ensure(ctx, person)
	var failure *provision.Error
	fmt.Println(errors.Is(err, provision.ErrRetired), errors.As(err, &failure), failure.Public())

	fmt.Println(people.Restore(ctx, person))
	account, err := people.Ensure(ctx, person)
	fmt.Println(account.UPN, err)
	// Output:
	// Ending the person's access
	// Blocking the account and ending its sessions
	// Taking back groups and licences
	// Deleting the account
	// <nil>
	// true true Your access has ended. Please contact your administrator if you think that this is a mistake.
	// <nil>
	// contractor@contoso.com <nil>
}
