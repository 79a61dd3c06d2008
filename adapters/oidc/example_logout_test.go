package oidc_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/entrafed/entrafed/adapters/oidc"
)

// A session that ends at the provider ends at Entra as well.
func ExampleAuthenticator_BackChannelLogout() {
	host, err := oidc.New(context.Background(), oidc.Config{
		Issuer: "https://login.example.net", ClientID: "entra", Connection: "login", LazyDiscovery: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/signed-out", host.BackChannelLogout(func(_ context.Context, connection, subject, sid string) error {
		fmt.Println(connection, subject, sid) // find the account, and revoke its sessions: see msgraph.Tenant.RevokeSessions
		return nil
	}))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/signed-out", nil))
	fmt.Println(w.Code, w.Header().Get("Allow"))
	// Output:
	// 405 POST
}
