package entratest_test

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/entrafed/entrafed/federation/entratest"
)

// A user who was just created is there, then not there, then there, while the replicas catch up. The clock belongs to the
// test, and nobody waits.
func ExampleClock() {
	clock := entratest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	tenant, err := entratest.New(entratest.Config{Clock: clock, Lag: entratest.LagBad, Seed: 6})
	if err != nil {
		fmt.Println(err)
		return
	}
	send := func(method, path, body string) int {
		req, _ := http.NewRequest(method, "https://graph.microsoft.com/v1.0/"+path, strings.NewReader(body))
		token, err := tenant.Credential().GetToken(req.Context(), policy.TokenRequestOptions{
			Scopes: []string{"https://graph.microsoft.com/.default"},
		})
		if err != nil {
			fmt.Println(err)
			return 0
		}
		req.Header.Set("Authorization", "Bearer "+token.Token)
		req.Header.Set("Content-Type", "application/json")
		res, err := tenant.Client().Do(req)
		if err != nil {
			fmt.Println(err)
			return 0
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	fmt.Println(send(http.MethodPost, "users", `{"accountEnabled": true, "displayName": "Partner",
		"mailNickname": "partner", "userPrincipalName": "partner@contoso.com",
		"passwordProfile": {"password": "Correct-Horse-1"}}`))
	for range 8 {
		fmt.Print(send(http.MethodGet, "users/partner@contoso.com", ""), " ")
		clock.Advance(15 * time.Second)
	}
	// Output:
	// 201
	// 404 404 200 404 200 404 200 200
}
