package entratest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/entrafed/entrafed/federation/entratest"
)

// A group with a subscription of one seat gives it to the first of its members; what is wrong with the second one is
// recorded at the user, some time later.
func ExampleGroup() {
	const exchange = "18181a46-0d4e-45cd-891e-60aabd171b4e"
	clock := entratest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	tenant, err := entratest.New(entratest.Config{
		Clock:  clock,
		SKUs:   []entratest.SKU{{ID: exchange, PartNumber: "STANDARDPACK", Enabled: 1}},
		Users:  []entratest.User{{UPN: "contractor@contoso.com"}, {UPN: "partner@contoso.com"}},
		Groups: []entratest.Group{{DisplayName: "Licensed", UniqueName: "licensed", SKUIDs: []string{exchange}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var members []string
	for _, user := range tenant.Users() {
		members = append(members, `"https://graph.microsoft.com/v1.0/directoryObjects/`+user.ObjectID+`"`)
	}
	body := `{"members@odata.bind": [` + strings.Join(members, ", ") + `]}`
	req, _ := http.NewRequest(http.MethodPatch, "https://graph.microsoft.com/v1.0/groups(uniqueName='licensed')",
		strings.NewReader(body))
	token, err := tenant.Credential().GetToken(req.Context(), policy.TokenRequestOptions{
		Scopes: []string{"https://graph.microsoft.com/.default"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+token.Token)
	req.Header.Set("Content-Type", "application/json")
	res, err := tenant.Client().Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	show := func() {
		seats := 0
		for _, user := range tenant.Users() {
			seats += len(user.SKUIDs)
		}
		fmt.Println(len(tenant.Groups()[0].Members), "members,", seats, "seats")
	}
	fmt.Println(res.Status)
	show()
	clock.Advance(time.Minute)
	show()
	// Output:
	// 204 No Content
	// 2 members, 0 seats
	// 2 members, 1 seats
}
