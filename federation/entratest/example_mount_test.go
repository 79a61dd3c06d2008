package entratest_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"

	"github.com/entrafed/entrafed/federation/entratest"
)

// A browser that opens an application is sent to the identity provider of the domain.
func ExampleTenant_Mount() {
	registered := someRegisteredKey() // the identity provider's key and certificate
	tenant, err := entratest.New(entratest.Config{
		Domains: []entratest.Domain{{Name: "contoso.com", Federation: &entratest.Federation{
			Issuer:       "https://id.contoso.com/entra",
			SignInURL:    "https://id.contoso.com/sso",
			Certificates: []*x509.Certificate{registered.certificate},
		}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	tenant.Mount("id.contoso.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path, "with a SAMLRequest:", r.PostFormValue("SAMLRequest") != "")
		fmt.Fprint(w, "who are you?")
	}))
	page, err := entratest.NewBrowser(tenant.Transport()).Open(context.Background(),
		"https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.Status, page.URL)
	// Output:
	// POST /sso with a SAMLRequest: true
	// 200 https://id.contoso.com/sso
}
