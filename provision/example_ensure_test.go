package provision_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/entrafed/entrafed/provision"
)

// A contractor signs in for the first time: the account is made, licensed and waited for. The second time the answer
// comes from the store.
func ExampleProvisioner_Ensure() {
	clock := newClock()
	directory := newTenant() // stands in for the client of package msgraph
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

	person := provision.Person{Connection: "google", ID: "104", Email: "contractor@example.net"}
	for range 2 {
		began := clock.Now()
		account, err := people.Ensure(context.Background(), person)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(account.UPN, account.ImmutableID, "after", clock.Now().Sub(began))
	}
	// Output:
	// contractor@contoso.com 7614ccac96d8569a50e7d1060dd9e897 after 15s
	// contractor@contoso.com 7614ccac96d8569a50e7d1060dd9e897 after 0s
}

// What to tell whom when it does not work.
func ExampleError() {
	clock := newClock()
	directory := newTenant()
	directory.now = clock.Now
	directory.skus = directory.skus[:1]
	directory.skus[0].Consumed = directory.skus[0].Enabled // every seat is taken

	people, err := provision.New(provision.Config{
		Directory: directory,
		Rules:     provision.Rules{Domain: "contoso.com", UsageLocation: "DE", Licenses: []provision.License{{SKU: "O365_BUSINESS_PREMIUM"}}},
		Now:       clock.Now,
		Sleep:     clock.Sleep,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	_, err = people.Ensure(context.Background(), provision.Person{Connection: "google", ID: "104"})
	var failure *provision.Error
	if errors.As(err, &failure) {
		_, again := failure.RetryAfter()
		fmt.Println("code:    ", failure.Reason())
		fmt.Println("again:   ", again)
		fmt.Println("person:  ", failure.Public())
		fmt.Println("operator:", failure)
	}
	// Output:
	// code:     no-license
	// again:    false
	// person:   There is no free place for your account at the moment. Please contact your administrator.
	// operator: provision: step "license" for person "104" of connection "google": licence "O365_BUSINESS_PREMIUM": no seat is left; the tenant has: O365_BUSINESS_PREMIUM (Microsoft 365 Business Standard, Enabled, 0 free, for User)
}
