package provision_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/entrafed/entrafed/provision"
)

// A domain with users in it is to be federated: each gets the ImmutableID that the identity provider will assert.
func ExampleAdoption() {
	clock := newClock()
	directory := newChangingTenant() // stands in for the client of package msgraph
	directory.now = clock.Now
	directory.employee("", "first.last@contoso.com", "")
	directory.employee("", "boardroom@contoso.com", "")

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
	table, err := provision.ReadAdoptionTable(strings.NewReader("UPN,ID\nfirst.last@contoso.com,104\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	adoption, err := people.Adoption(provision.AdoptionRules{
		Domain: "contoso.com",
		Table:  table,
		ImmutableID: func(id string) (string, error) {
			return provision.ImmutableIDFromSubject("google", id), nil // as Rules will choose it for the same person
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	plan, err := adoption.Plan(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(plan)

	var undo bytes.Buffer // in production a file, opened to be appended to
	done, err := adoption.Apply(ctx, plan, &undo, nil)
	fmt.Printf("%+v %v\n", done, err)
	// Output:
	// contoso.com: 2 users: set 1, replace 0, keep 0, leave 1
	//   leave    boardroom@contoso.com: the source has no value for the user
	//   set      first.last@contoso.com: "7614ccac96d8569a50e7d1060dd9e897"
	// {Changed:1 Kept:0 Left:1 Failed:0} <nil>
}
