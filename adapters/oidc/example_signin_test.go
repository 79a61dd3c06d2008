package oidc_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/oidc"
	"github.com/entrafed/entrafed/saml"
)

// People who sign in at an OpenID Connect provider gain Microsoft 365.
func ExampleNew() {
	provider := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // as a rule it is elsewhere
		fmt.Fprint(w, `{"issuer":"https://login.example.net","authorization_endpoint":"https://login.example.net/authorize",
			"token_endpoint":"https://login.example.net/token","jwks_uri":"https://login.example.net/keys"}`)
	})
	host, err := oidc.New(context.Background(), oidc.Config{
		Issuer: "https://login.example.net", ClientID: "entra", ClientSecret: "secret", Connection: "login",
		MFAContexts: []string{"gold"}, // what this provider's acr says after a second factor
		HTTPClient:  &http.Client{Transport: transport{"login.example.net": provider}},
	})
	if err != nil {
		log.Fatal(err)
	}
	idp, err := saml.New(saml.Config{
		SingleSignOnService: "https://id.contoso.com/entra/sso",
		Realms:              []saml.Realm{{Domain: "contoso.com", Issuer: "https://id.contoso.com/entra"}},
		Signer:              signer(),
		Now:                 func() time.Time { return testTime },
	})
	if err != nil {
		log.Fatal(err)
	}
	bridge, err := adapters.New(adapters.Config{
		BaseURL: "https://id.contoso.com/entra", IdentityProvider: idp, Authenticator: host, Domain: "contoso.com",
		Secret: bytes.Repeat([]byte{1}, 32),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer bridge.Close(context.Background())

	mux := http.NewServeMux()
	mux.Handle("/entra/", bridge)
	r := httptest.NewRequest(http.MethodGet, "https://id.contoso.com/entra/start?to=https%3A%2F%2Fcontoso.sharepoint.com%2F", nil)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	r = httptest.NewRequest(http.MethodGet, w.Header().Get("Location"), nil)
	for _, cookie := range w.Result().Cookies() {
		r.AddCookie(cookie)
	}
	w = httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	left, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(left.Host, left.Path, left.Query().Get("scope"), left.Query().Get("code_challenge_method"))
	// Output:
	// login.example.net /authorize openid profile email S256
}
