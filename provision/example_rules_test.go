package provision_test

import (
	"context"
	"fmt"

	"github.com/entrafed/entrafed/provision"
)

// One tenant, three kinds of people: staff who are synced from Active Directory, people of an earlier system who keep
// their ImmutableIDs, and outside people who get their UPNs in a sub-domain of its own.
func ExampleRules() {
	clock := newClock()
	directory := newTenant() // stands in for the client of package msgraph
	directory.now = clock.Now

	inside, outside := provision.UPNFromEmail("contoso.com"), provision.UPNFromEmail("ext.contoso.com")
	rules := provision.Rules{
		Domain:          "contoso.com",
		UsageLocation:   "DE",
		SkipConnections: []string{"ldap"},
		ImmutableID: func(p provision.Person) (string, error) {
			if p.Connection == "auth0" {
				return provision.ImmutableIDFromBase64OfUUIDText(p.ID)
			}
			return provision.ImmutableIDFromSubject(p.Connection, p.ID), nil
		},
		UPN: func(p provision.Person, attempt int) (string, error) {
			if p.Connection == "google" {
				return outside(p, attempt)
			}
			return inside(p, attempt)
		},
	}
	people, err := provision.New(provision.Config{
		Directory: directory, Rules: rules, Now: clock.Now, Sleep: clock.Sleep,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	for _, person := range []provision.Person{
		{Connection: "ldap", ID: "7", UPN: "staff@contoso.com", ImmutableID: "MyIRAFVEd2aImaq7zN3u/w=="},
		{Connection: "auth0", ID: "00112233-4455-6677-8899-aabbccddeeff", Email: "first@example.net"},
		{Connection: "google", ID: "104", Email: "contractor@example.net"},
		{Connection: "google", ID: "105", Email: "contractor@example.org"},
	} {
		account, err := people.Ensure(context.Background(), person)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(account.UPN, account.ImmutableID, account.Skipped)
	}
	// Output:
	// staff@contoso.com MyIRAFVEd2aImaq7zN3u/w== true
	// first@contoso.com MDAxMTIyMzMtNDQ1NS02Njc3LTg4OTktYWFiYmNjZGRlZWZm false
	// contractor@ext.contoso.com 7614ccac96d8569a50e7d1060dd9e897 false
	// contractor2@ext.contoso.com 3582b48971d0e24f09c54701c29a1e4b false
}
