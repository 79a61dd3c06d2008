package msgraph_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
)

// One write makes up to 20 people members of a group, all of them or none.
func ExampleTenant_AddMembers() {
	ctx := context.Background()
	simulated, err := entratest.New(entratest.Config{ // a real tenant needs the Credential alone
		Lag:    entratest.LagNone,
		Users:  []entratest.User{{UPN: "contractor@contoso.com"}, {UPN: "partner@contoso.com"}},
		Groups: []entratest.Group{{DisplayName: "Licensed", UniqueName: "licensed"}},
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

	group, err := tenant.FindGroup(ctx, provision.GroupKey{UniqueName: "licensed"})
	if err != nil {
		fmt.Println(err)
		return
	}
	var members []string
	for _, upn := range []string{"contractor@contoso.com", "partner@contoso.com"} {
		user, err := tenant.FindUser(ctx, provision.UserKey{UserPrincipalName: upn})
		if err != nil {
			fmt.Println(err)
			return
		}
		members = append(members, user.ObjectID)
	}
	fmt.Println(tenant.AddMembers(ctx, group.ObjectID, members))

	err = tenant.AddMembers(ctx, group.ObjectID, members[:1])
	fmt.Println(errors.Is(err, provision.ErrAlreadyMember))
	// Output:
	// <nil>
	// true
}
