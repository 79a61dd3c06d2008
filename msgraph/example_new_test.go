package msgraph_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
)

// staticCredential stands where a credential of azidentity would.
type staticCredential string

func (c staticCredential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(c), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func ExampleNew() {
	// A tenant on this machine that knows one user.
	graph := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("$filter") != "onPremisesImmutableId eq '9f86d081884c7d65'" {
			fmt.Fprint(w, `{"value": []}`)
			return
		}
		fmt.Fprint(w, `{"value": [{
			"id": "87d349ed-44d7-43e1-9a83-5f2406dee5bd",
			"userPrincipalName": "contractor@contoso.com",
			"onPremisesImmutableId": "9f86d081884c7d65",
			"accountEnabled": true
		}]}`)
	}))
	defer graph.Close()

	cloud := entrafed.Global()
	cloud.Graph, cloud.InsecureLoopback = graph.URL, true // leave this out for a real tenant

	tenant, err := msgraph.New(msgraph.Config{Cloud: cloud, Credential: staticCredential("token")})
	if err != nil {
		fmt.Println(err)
		return
	}
	user, err := tenant.FindUser(context.Background(), provision.UserKey{ImmutableID: "9f86d081884c7d65"})
	fmt.Println(user.UserPrincipalName, user.AccountEnabled, err)

	_, err = tenant.FindUser(context.Background(), provision.UserKey{ImmutableID: "0000000000000000"})
	fmt.Println(err)
	// Output:
	// contractor@contoso.com true <nil>
	// GET /users?$filter=onPremisesImmutableId: 404 Not Found, Request_ResourceNotFound: no user has this onPremisesImmutableId
}
