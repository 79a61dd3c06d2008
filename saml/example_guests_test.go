package saml_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/entrafed/entrafed/saml"
)

// The people of example.net are guests in the tenant of another organization, and sign in at their own identity provider.
func ExampleNewGuests() {
	idp, err := saml.NewGuests(saml.GuestConfig{
		TenantID:            "22222222-3333-4444-8555-666666666666", // whose guests they are
		Issuer:              "https://id.example.net/guests",
		Domains:             []string{"example.net"},
		SingleSignOnService: "https://id.example.net/guests/sso",
		Signer:              exampleSigner(),
		Now:                 func() time.Time { return testTime },
	})
	if err != nil {
		log.Fatal(err)
	}
	sso := func(w http.ResponseWriter, r *http.Request) {
		request, err := idp.ReadRequest(r)
		if err != nil {
			log.Print(err)
			http.Error(w, "This sign-in link cannot be used. Please start again.", http.StatusBadRequest)
			return
		}
		response, err := idp.Respond(request, saml.GuestSubject{
			NameID:       "b1946ac92492d2347c6235b4d2611184", // always the same for this person
			Email:        "visitor@example.net",              // the address that was invited
			AuthnInstant: testTime,                           // when the person really signed in
		})
		if err != nil {
			log.Print(err)
			http.Error(w, "You cannot be signed in.", http.StatusForbidden)
			return
		}
		fmt.Println("answers", response.InResponseTo, "to", idp.Audience())
		_ = response.Post(w)
	}

	w := httptest.NewRecorder()
	sso(w, postRequest(guestRequest, "state"))
	fmt.Println(w.Code, strings.Contains(w.Body.String(), `name="SAMLResponse"`))
	// Output:
	// answers _11111111-2222-3333-4444-555555555555 to https://login.microsoftonline.com/22222222-3333-4444-8555-666666666666/
	// 200 true
}
