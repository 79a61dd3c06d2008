package provision_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/entrafed/entrafed/provision"
)

// Everybody gets Business Standard while seats of it last, and Business Basic afterwards. Later the rules change, and
// people are moved to what they say now.
func ExampleLicense() {
	clock := newClock()
	directory := newLicenseTenant() // stands in for the client of package msgraph
	directory.now = clock.Now
	directory.seats(standardSKU, 1)

	config := provision.Config{
		Directory: directory, Store: provision.NewMemoryStore(), Now: clock.Now, Sleep: clock.Sleep,
		Rules: provision.Rules{Domain: "contoso.com", UsageLocation: "DE", Licenses: []provision.License{{
			SKU:       "Microsoft 365 Business Standard", // O365_BUSINESS_PREMIUM
			Fallbacks: []provision.License{{SKU: "Microsoft 365 Business Basic"}},
		}}},
	}
	people, err := provision.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	for _, person := range []provision.Person{contractor(), partner()} {
		if _, err := people.Ensure(ctx, person); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(person.Email, seatsOf(directory, person))
	}

	config.Rules.Licenses = []provision.License{{SKU: "Office 365 E3", DisabledPlans: []string{"YAMMER_ENTERPRISE"}}}
	if people, err = provision.New(config); err != nil {
		fmt.Println(err)
		return
	}
	for _, person := range []provision.Person{contractor(), partner()} {
		if err := people.SwapLicenses(ctx, person.Key()); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(person.Email, seatsOf(directory, person))
	}
	// Output:
	// contractor@example.net f245ecc8-75af-4f8e-b61f-27d8114de5f3
	// partner@example.org 3b555118-da6a-4418-894f-7df1e2096870
	// contractor@example.net 6fd2c87f-b296-42f0-b197-1e91e994b900
	// partner@example.org 6fd2c87f-b296-42f0-b197-1e91e994b900
}

// seatsOf are the subscriptions of which the person has a seat.
func seatsOf(directory provision.Directory, person provision.Person) string {
	key := provision.UserKey{ImmutableID: provision.ImmutableIDFromSubject(person.Connection, person.ID)}
	user, err := directory.FindUser(context.Background(), key)
	if err != nil {
		return err.Error()
	}
	return strings.Join(user.SKUIDs, " ")
}
