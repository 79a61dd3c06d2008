package entratest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/entrafed/entrafed/federation/entratest"
)

// A tenant answers at Microsoft's own addresses, without a network.
func Example() {
	tenant, err := entratest.New(entratest.Config{Lag: entratest.LagNone})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := tenant.Credential().GetToken(context.Background(), policy.TokenRequestOptions{
		Scopes: []string{"https://graph.microsoft.com/.default"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	create, _ := http.NewRequest(http.MethodPost, "https://graph.microsoft.com/v1.0/users", strings.NewReader(`{
		"accountEnabled": true, "displayName": "Contractor", "mailNickname": "contractor",
		"userPrincipalName": "contractor@contoso.com", "onPremisesImmutableId": "5f2b",
		"passwordProfile": {"password": "Correct-Horse-1"}}`))
	create.Header.Set("Authorization", "Bearer "+token.Token)
	create.Header.Set("Content-Type", "application/json")
	created, err := tenant.Client().Do(create)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer created.Body.Close()
	_, _ = io.Copy(io.Discard, created.Body)
	fmt.Println(created.Status)
	for _, user := range tenant.Users() {
		fmt.Println(user.UPN, user.ImmutableID)
	}
	// Output:
	// 201 Created
	// contractor@contoso.com 5f2b
}
