package msgraph_test

import (
	"context"
	"fmt"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
)

// What is done to the account of somebody who leaves: nobody signs in to it any more, its seat is free, and for 30 days
// it can be brought back.
func ExampleTenant_DeleteUser() {
	const standard = "18181a46-0d4e-45cd-891e-60aabd171b4e"
	ctx := context.Background()
	simulated, err := entratest.New(entratest.Config{ // a real tenant needs the Credential alone
		Lag:  entratest.LagNone,
		SKUs: []entratest.SKU{{ID: standard, PartNumber: "STANDARDPACK", Enabled: 1}},
		Users: []entratest.User{{
			UPN: "contractor@contoso.com", ImmutableID: "5f2b", Enabled: true, UsageLocation: "DE",
			SKUIDs: []string{standard},
		}},
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

	user, err := tenant.FindUser(ctx, provision.UserKey{ImmutableID: "5f2b"})
	if err != nil {
		fmt.Println(err)
		return
	}
	disabled := false
	fmt.Println(tenant.UpdateUser(ctx, user.ObjectID, provision.UserChange{AccountEnabled: &disabled}))
	fmt.Println(tenant.RevokeSessions(ctx, user.ObjectID))
	fmt.Println(tenant.ChangeLicenses(ctx, user.ObjectID, provision.LicenseChange{Remove: user.SKUIDs}))
	fmt.Println(tenant.DeleteUser(ctx, user.ObjectID))

	deleted, err := tenant.FindDeletedUsers(ctx, provision.UserKey{UserPrincipalName: "contractor@contoso.com"})
	fmt.Println(len(deleted), err)
	restored, err := tenant.RestoreUser(ctx, deleted[0].ObjectID, "")
	fmt.Println(restored.UserPrincipalName, err)
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// <nil>
	// 1 <nil>
	// contractor@contoso.com <nil>
}
