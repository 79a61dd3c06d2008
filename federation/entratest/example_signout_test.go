package entratest_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/entrafed/entrafed/federation/entratest"
)

// After a sign-out at Microsoft the browser comes to the identity provider, here with a signed LogoutRequest.
func ExampleTenant_SetRequestOptions() {
	clock := entratest.NewClock(morning())
	tenant, err := entratest.New(entratest.Config{
		Clock: clock,
		Domains: []entratest.Domain{{Name: "contoso.com", Federation: &entratest.Federation{
			Issuer:       "https://id.contoso.com/entra",
			SignInURL:    "https://id.contoso.com/sso",
			SignOutURL:   "https://id.contoso.com/logout",
			Certificates: certificatesOf(contosoKey()),
		}}},
		Users: []entratest.User{{UPN: "employee@contoso.com", ImmutableID: "employee0001", Enabled: true}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := tenant.SetRequestOptions(entratest.RequestOptions{SignOut: entratest.SignOutSignedRequest}); err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux() // the code under test
	mux.Handle("/sso", &identityProvider{t: noTest{}, clock: clock})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		fmt.Println("LogoutRequest:", q.Has("SAMLRequest"), "signed:", q.Has("Signature"))
	})
	tenant.Mount("id.contoso.com", mux)

	browser := entratest.NewBrowser(tenant.Transport())
	for _, address := range []string{
		"https://contoso.sharepoint.com/?whr=contoso.com",
		"https://login.microsoftonline.com/common/wsfederation?wa=wsignout1.0",
	} {
		page, err := browser.Open(context.Background(), address)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(page.Status, page.Title)
	}
	// Output:
	// 200 SharePoint (simulated)
	// LogoutRequest: true signed: true
	// 200
}
