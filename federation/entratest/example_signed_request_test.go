package entratest_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/saml"
)

// A domain with isSignedAuthenticationRequestRequired gets signed requests. The host pins the certificates of the
// tenant's keys, as it would those in Microsoft's metadata.
func ExampleTenant_RequestCertificates() {
	clock := entratest.NewClock(morning())
	tenant, err := entratest.New(entratest.Config{
		Clock: clock,
		Domains: []entratest.Domain{{Name: "contoso.com", Federation: &entratest.Federation{
			Issuer:              "https://id.contoso.com/entra",
			SignInURL:           "https://id.contoso.com/sso",
			Certificates:        certificatesOf(contosoKey()),
			SignedAuthnRequests: true,
		}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	idp, err := saml.New(saml.Config{ // the code under test
		SingleSignOnService:   "https://id.contoso.com/sso",
		Realms:                []saml.Realm{{Domain: "contoso.com", Issuer: "https://id.contoso.com/entra"}},
		Signer:                saml.Signer{Key: contosoKey().key, Certificate: contosoKey().certificate},
		RequestCertificates:   tenant.RequestCertificates(),
		RequireSignedRequests: true,
		Now:                   clock.Now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	sent, err := tenant.NewAuthnRequest("employee@contoso.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := http.NewRequest(http.MethodPost, sent.URL, strings.NewReader(sent.Form().Encode()))
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request, err := idp.ReadRequest(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("signed:", request.Signed)
	// Output: signed: true
}
