package adapters_test

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
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

// An auth server that exists already gains Entra: one method says who is signed in.
func ExampleNew() {
	idp, err := saml.New(saml.Config{
		SingleSignOnService: "https://id.contoso.com/entra/sso",
		Realms:              []saml.Realm{{Domain: "contoso.com", Issuer: "https://id.contoso.com/entra"}},
		Signer:              testSigner(), // the certificate that Entra knows
		Now:                 func() time.Time { return testTime },
	})
	if err != nil {
		log.Fatal(err)
	}
	bridge, err := adapters.New(adapters.Config{
		BaseURL:          "https://id.contoso.com/entra",
		IdentityProvider: idp,
		Authenticator:    adapters.AuthenticatorFunc(whoIsThere),
		Domain:           "contoso.com",
		Secret:           bytes.Repeat([]byte{1}, 32), // 32 random bytes, kept with the host's other secrets
	})
	if err != nil {
		log.Fatal(err)
	}
	defer bridge.Close(context.Background())

	mux := http.NewServeMux()
	mux.Handle("/entra/", bridge)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet,
		"https://id.contoso.com/entra/go?to=https%3A%2F%2Fcontoso.sharepoint.com%2Fsites%2Fhr", nil))
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output:
	// 302 https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com&wreply=https%3A%2F%2Fcontoso.sharepoint.com%2Fsites%2Fhr&login_hint=contoso.com
}

// whoIsThere is the whole seam: the host's session, or a redirect to its sign-in page.
func whoIsThere(w http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
	session, err := r.Cookie("session")
	if err != nil {
		http.Redirect(w, r, "/login?return="+url.QueryEscape(ask.ReturnTo), http.StatusFound)
		return nil, nil // the browser is answered, and comes back to ask.ReturnTo
	}
	return &adapters.SignedIn{
		Person: provision.Person{Connection: "local", ID: session.Value},
		At:     testTime, // when the session was opened
	}, nil
}
