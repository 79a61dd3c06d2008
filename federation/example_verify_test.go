package federation_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/federation"
)

// What Graph shows and what Entra's sign-in service does can differ for up to two hours.
func ExampleFederator_Verify() {
	tenant := newTenant() // in a program: msgraph.New
	tenant.federated("contoso.com", federation.Configuration{
		IssuerURI: "https://id.contoso.com/entra/contoso.com", PassiveSignInURI: "https://id.contoso.com/entra/sso",
	})
	fed, err := federation.New(federation.Config{
		Directory: tenant, Store: federation.NewMemoryStore(),
		Discovery: saying(federation.Realm{Domain: "contoso.com", Type: federation.ManagedRealm}), // in a program: nil, which asks Entra
	})
	if err != nil {
		log.Fatal(err)
	}
	verification, err := fed.Verify(context.Background(), "contoso.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(verification.Live)
	for _, difference := range verification.Differences {
		fmt.Println(difference)
	}
	// Output:
	// false
	// Entra's sign-in service says of contoso.com that it is managed, and it should be federated
}

// The sign-in service of a cloud is asked without a credential.
func ExampleNewDiscovery() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"account_type":"Managed","cloud_audience_urn":"urn:federation:MicrosoftOnline"}`)
	}))
	defer service.Close()
	cloud := entrafed.Global()
	cloud.Login, cloud.InsecureLoopback = service.URL, true // in a program: the cloud as it is

	discovery, err := federation.NewDiscovery(cloud, nil)
	if err != nil {
		log.Fatal(err)
	}
	realm, err := discovery.Realm(context.Background(), "contoso.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(realm.Type, realm.Audience)
	// Output: Managed urn:federation:MicrosoftOnline
}
