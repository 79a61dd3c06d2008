package msgraph_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
)

// Up to 20 people are created in one round trip. What happens to one of them is nobody else's affair.
func ExampleTenant_CreateUsers() {
	simulated, err := entratest.New(entratest.Config{ // a real tenant needs the Credential alone
		Lag:   entratest.LagNone,
		Users: []entratest.User{{UPN: "partner@contoso.com"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	tenant, err := msgraph.New(msgraph.Config{
		Credential: simulated.Credential(), Transport: simulated.Transport(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	var users []provision.NewUser
	for _, name := range []string{"contractor", "partner", "auditor"} {
		users = append(users, provision.NewUser{
			UserPrincipalName: name + "@contoso.com", ImmutableID: name, DisplayName: name, MailNickname: name,
			UsageLocation: "DE", Password: "random, and forgotten at once: Correct-Horse-1",
		})
	}
	trace := provision.CallTrace{Priority: provision.PriorityLow} // nobody waits for them
	created, err := tenant.CreateUsers(provision.WithCallTrace(context.Background(), &trace), users)
	if err != nil {
		fmt.Println(err) // nothing is known of any of them
		return
	}
	for i, outcome := range created {
		switch {
		case errors.Is(outcome.Err, provision.ErrConflict):
			fmt.Println(users[i].UserPrincipalName, "is taken")
		case outcome.Err != nil:
			fmt.Println(outcome.Err)
		default:
			fmt.Println(outcome.User.UserPrincipalName)
		}
	}
	// Output:
	// contractor@contoso.com
	// partner@contoso.com is taken
	// auditor@contoso.com
}
