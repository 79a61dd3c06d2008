package federation_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/entrafed/entrafed/federation"
)

// What is known of an identity provider is in its metadata, and its clock is in the answer.
func ExampleFetchMetadata() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", "Mon, 02 Mar 2026 09:00:30 GMT")
		_, _ = w.Write([]byte(exampleMetadata))
	}))
	defer server.Close()

	idp, err := federation.FetchMetadata(context.Background(), nil, server.URL, federation.MetadataOptions{
		InsecureLoopback: true, // because this server has no https; leave it out in production
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("issuer: ", idp.Issuer)
	fmt.Println("sign-in:", idp.SignInURL)
	fmt.Println("key:    ", idp.Certificates[0].Subject)
	fmt.Println("clock:  ", idp.Time)
	// Output:
	// issuer:  https://id.contoso.com/entra/
	// sign-in: https://id.contoso.com/entra/sso
	// key:     CN=id.contoso.com
	// clock:   2026-03-02 09:00:30 +0000 UTC
}
