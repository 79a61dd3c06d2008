package entratest_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/entrafed/entrafed/federation/entratest"
)

// Bulk work meets the limit of 3,000 writes in 150 seconds: after 3,000 users at once, each further one costs a wait. The
// clock is the test's, and nobody waits.
func ExampleThrottle() {
	clock := entratest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	tenant, err := entratest.New(entratest.Config{Clock: clock})
	if err != nil {
		fmt.Println(err)
		return
	}
	create := func(i int) (status, wait int, information string) {
		req, _ := http.NewRequest(http.MethodPost, "https://graph.microsoft.com/v1.0/users", strings.NewReader(fmt.Sprintf(
			`{"accountEnabled": true, "displayName": "Partner", "mailNickname": "partner%d",
			"userPrincipalName": "partner%d@contoso.com", "passwordProfile": {"password": "Correct-Horse-1"}}`, i, i)))
		token, err := tenant.Credential().GetToken(req.Context(), policy.TokenRequestOptions{
			Scopes: []string{"https://graph.microsoft.com/.default"},
		})
		if err != nil {
			fmt.Println(err)
			return 0, 0, ""
		}
		req.Header.Set("Authorization", "Bearer "+token.Token)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("x-ms-throttle-priority", "high")
		res, err := tenant.Client().Do(req)
		if err != nil {
			fmt.Println(err)
			return 0, 0, ""
		}
		defer res.Body.Close()
		_, _ = io.Copy(io.Discard, res.Body)
		wait, _ = strconv.Atoi(res.Header.Get("Retry-After"))
		return res.StatusCode, wait, res.Header.Get("x-ms-throttle-information")
	}
	created := 0
	for created < 3100 {
		status, wait, information := create(created)
		if status == http.StatusCreated {
			created++
			continue
		}
		fmt.Println(created, "users, then", status, information)
		clock.Advance(time.Duration(wait) * time.Second)
	}
	fmt.Println(created, "users in", clock.Now().Sub(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)))
	// Output:
	// 3000 users, then 429 WriteLimitExceeded
	// 3019 users, then 429 WriteLimitExceeded
	// 3038 users, then 429 WriteLimitExceeded
	// 3057 users, then 429 WriteLimitExceeded
	// 3076 users, then 429 WriteLimitExceeded
	// 3095 users, then 429 WriteLimitExceeded
	// 3100 users in 6s
}
