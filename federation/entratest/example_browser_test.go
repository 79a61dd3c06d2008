package entratest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/entrafed/entrafed/federation/entratest"
)

// A browser follows a smart link to the identity provider under test, signs in on its form, and arrives at the site.
func ExampleBrowser() {
	clock := entratest.NewClock(morning())
	tenant, err := entratest.New(entratest.Config{
		Clock: clock,
		Domains: []entratest.Domain{{Name: "contoso.com", Federation: &entratest.Federation{
			Issuer:       "https://id.contoso.com/entra",
			SignInURL:    "https://id.contoso.com/sso",
			Certificates: certificatesOf(contosoKey()),
		}}},
		Users: []entratest.User{{UPN: "employee@contoso.com", ImmutableID: "employee0001", Enabled: true}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	tenant.Mount("id.contoso.com", identityProviderWithForm(clock)) // the code under test

	browser := entratest.NewBrowser(tenant.Transport())
	browser.Sleep = clock.Sleep
	browser.OnPage = func(page entratest.Page) (entratest.Action, error) {
		fmt.Println(page.Status, page.Title)
		if page.Title == "Who are you?" {
			return page.Submit("", map[string]string{"name": "employee0001"})
		}
		return entratest.Stop(), nil
	}
	page, err := browser.Open(context.Background(), "https://login.microsoftonline.com/login.srf?wa=wsignin1.0"+
		"&whr=contoso.com&wreply=https%3A%2F%2Fcontoso.sharepoint.com%2Fsites%2Fhr")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.URL)
	// Output:
	// 200 Who are you?
	// 200 SharePoint (simulated)
	// https://contoso.sharepoint.com/sites/hr
}

// identityProviderWithForm asks for a name, keeps the request in the form meanwhile, and answers it.
func identityProviderWithForm(clock *entratest.Clock) http.Handler {
	answers := &identityProvider{t: noTest{}, clock: clock}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sso", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<title>Who are you?</title><form method="post" action="/signed-in">`+
			`<input type="hidden" name="request" value="`+r.FormValue("SAMLRequest")+`">`+
			`<input type="hidden" name="state" value="`+r.FormValue("RelayState")+`">`+
			`<input name="name"><button>Sign in</button></form>`)
	})
	mux.HandleFunc("POST /signed-in", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		for field, from := range map[string]string{"SAMLRequest": "request", "RelayState": "state"} {
			r.Form.Set(field, r.PostForm.Get(from))
			r.PostForm.Set(field, r.PostForm.Get(from))
		}
		answers.ServeHTTP(w, r)
	})
	return mux
}
