package entratest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/entrafed/entrafed/federation/entratest"
)

// A program that follows delta queries learns of a deletion, and 30 days later that it is final.
func Example_delta() {
	clock := entratest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	tenant, err := entratest.New(entratest.Config{Clock: clock, Lag: entratest.LagNone, Users: []entratest.User{
		{UPN: "contractor@contoso.com", ObjectID: "aaaaaaaa-0000-4000-8000-000000000001", Enabled: true},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	send := func(method, url string) (answer struct {
		DeltaLink string `json:"@odata.deltaLink"`
		Value     []struct {
			UPN     string                   `json:"userPrincipalName"`
			Removed *struct{ Reason string } `json:"@removed"`
		}
	}) {
		req, _ := http.NewRequest(method, url, strings.NewReader(""))
		token, err := tenant.Credential().GetToken(req.Context(), policy.TokenRequestOptions{
			Scopes: []string{"https://graph.microsoft.com/.default"},
		})
		if err != nil {
			fmt.Println(err)
			return answer
		}
		req.Header.Set("Authorization", "Bearer "+token.Token)
		res, err := tenant.Client().Do(req)
		if err != nil {
			fmt.Println(err)
			return answer
		}
		defer res.Body.Close()
		_ = json.NewDecoder(res.Body).Decode(&answer) // 204 has no body
		return answer
	}
	follow := func(url string) string {
		answer := send(http.MethodGet, url)
		for _, user := range answer.Value {
			if user.Removed != nil {
				fmt.Println(clock.Now().Format(time.DateOnly), "removed:", user.Removed.Reason)
				continue
			}
			fmt.Println(clock.Now().Format(time.DateOnly), user.UPN)
		}
		return answer.DeltaLink
	}
	next := follow("https://graph.microsoft.com/v1.0/users/delta")
	send(http.MethodDelete, "https://graph.microsoft.com/v1.0/users/contractor@contoso.com")
	for range 6 {
		next = follow(next)
		clock.Advance(6 * 24 * time.Hour) // a token is good for 7 days
	}
	// Output:
	// 2026-03-02 contractor@contoso.com
	// 2026-03-02 removed: changed
	// 2026-04-01 removed: deleted
}
