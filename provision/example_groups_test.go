package provision_test

import (
	"context"
	"fmt"

	"github.com/entrafed/entrafed/provision"
)

// Everybody joins a group, has a manager, and gets the department and the job title that the identity provider knows.
func ExampleRules_groups() {
	clock := newClock()
	directory := newGroupTenant() // stands in for the client of package msgraph
	directory.now = clock.Now
	directory.has("manager", "manager@contoso.com")

	people, err := provision.New(provision.Config{
		Directory: directory,
		Rules: provision.Rules{
			Domain:        "contoso.com",
			UsageLocation: "DE",
			Groups:        []string{"staff"}, // a uniqueName, or an object ID
			Attributes:    map[string]string{"department": "dept", "jobTitle": "title"},
		},
		Now:   clock.Now, // leave out both in production
		Sleep: clock.Sleep,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := people.Ensure(context.Background(), provision.Person{
		Connection: "ldap", ID: "7", Email: "clerk@example.net", Manager: "manager@contoso.com",
		Claims: map[string]string{"dept": "Accounting", "title": "Clerk", "floor": "3"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(account.UPN, "is in", len(directory.in(staffGroup)), "group")
	fmt.Println(directory.mine()[0].created.Attributes)
	// Output:
	// clerk@contoso.com is in 1 group
	// map[department:Accounting jobTitle:Clerk]
}
