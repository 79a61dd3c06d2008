package provision_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/entrafed/entrafed/provision"
)

// Somebody else has the UPN that the host gave: the error names both, and says what is the matter.
func ExampleConflictError() {
	clock := newClock()
	directory := newAccountTenant() // stands in for the client of package msgraph
	directory.now = clock.Now
	directory.had("7f3e", "staff@contoso.com")

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

	person := provision.Person{Connection: "ldap", ID: "7", UPN: "staff@contoso.com", ImmutableID: "9a01"}
	_, err = people.Ensure(context.Background(), person)
	var clash *provision.ConflictError
	if errors.As(err, &clash) {
		fmt.Println(clash.Kind, clash.Property)
		fmt.Println("wanted:", clash.ImmutableID, clash.UPN)
		fmt.Println("owner: ", clash.Owner.ImmutableID, clash.Owner.UserPrincipalName, clash.Owner.ObjectID)
	}
	// Output:
	// upn userPrincipalName
	// wanted: 9a01 staff@contoso.com
	// owner:  7f3e staff@contoso.com 00000000-0000-4000-8000-000000000001
}
