package provision_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/entrafed/entrafed/provision"
)

// Staff who sign in with Google get what everybody gets, other people of that connection a smaller licence in a domain of
// their own, and nobody else gets in.
func ExampleConnectionRule() {
	rules, err := provision.ReadConnectionRules(strings.NewReader(`[
		{"name": "staff", "connection": "google", "emailDomains": ["contoso.com"], "action": "provision"},
		{"name": "outside", "connection": "google", "action": "provision",
			"domain": "ext.contoso.com", "licenses": [{"sku": "O365_BUSINESS_ESSENTIALS"}]},
		{"name": "strangers", "connection": "*", "action": "refuse", "reason": "only Google is trusted"}
	]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	people, err := provision.New(provision.Config{
		Directory: newTenant(), // stands in for the client of package msgraph
		Rules: provision.Rules{
			Domain: "contoso.com", UsageLocation: "DE", Connections: rules,
			Licenses: []provision.License{{SKU: "O365_BUSINESS_PREMIUM"}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, person := range []provision.Person{
		{Connection: "google", ID: "104", Email: "contractor@example.net"},
		{Connection: "linkedin", ID: "7", Email: "partner@example.org"},
	} {
		explanation, err := people.Explain(context.Background(), person)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(explanation)
	}
	// Output:
	// person "104" of connection "google": create
	//   rule "staff" does not match: the address is not in contoso.com
	//   provision: the rule "outside" matches
	//   ImmutableID 7614ccac96d8569a50e7d1060dd9e897
	//   UPN contractor@ext.contoso.com
	//   licence O365_BUSINESS_ESSENTIALS: gets O365_BUSINESS_ESSENTIALS (O365_BUSINESS_ESSENTIALS 100 free)
	//   usage location DE
	// person "7" of connection "linkedin": stop
	//   rule "staff" does not match: the connection is not "google"
	//   rule "outside" does not match: the connection is not "google"
	//   refuse: the rule "strangers" matches
	//   stopped: the rule "strangers" refuses the person: only Google is trusted
}
