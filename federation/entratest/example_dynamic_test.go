package entratest_test

import (
	"fmt"

	"github.com/entrafed/entrafed/federation/entratest"
)

// A rule decides who is in a group, and with that who has the group's licence. Of users who are created or changed later
// it decides some time after that, as Config.Lag says.
func ExampleGroup_dynamic() {
	tenant, err := entratest.New(entratest.Config{
		Users: []entratest.User{{UPN: "contractor@contoso.com"}, {UPN: "visitor@contoso.com", Guest: true}},
		Groups: []entratest.Group{{
			DisplayName: "Everybody of ours", MembershipRule: `user.userType -eq "Member"`,
			SKUIDs: []string{"18181a46-0d4e-45cd-891e-60aabd171b4e"},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tenant.Groups()[0].Members)
	for _, user := range tenant.Users() {
		fmt.Println(user.UPN, user.SKUIDs)
	}
	// Output:
	// [contractor@contoso.com]
	// contractor@contoso.com [18181a46-0d4e-45cd-891e-60aabd171b4e]
	// visitor@contoso.com []
}
