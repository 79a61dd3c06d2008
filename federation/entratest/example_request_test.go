package entratest_test

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/entrafed/entrafed/federation/entratest"
)

// An address that reached an identity provider is looked at: is it what Entra sends?
func ExampleExpectation_CheckRequest() {
	var expectation entratest.Expectation // the worldwide cloud
	for _, address := range []string{
		"https://id.contoso.com/logout?wa=wsignout1.0",
		"https://id.contoso.com/wsfed?wa=wsignin1.0&wtrealm=urn%3afederation%3aMicrosoftOnline&wctx=estsrequest%3d1",
	} {
		u, err := url.Parse(address)
		if err != nil {
			fmt.Println(err)
			return
		}
		verdict := expectation.CheckRequest(&http.Request{Method: http.MethodGet, URL: u})
		fmt.Printf("%t %q\n", verdict.Accepted, verdict.Detail)
	}
	// Output:
	// true ""
	// false "there is no username; Entra sends an empty one where none is known"
}
