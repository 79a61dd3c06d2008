package saml_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/entrafed/entrafed/saml"
)

// A single sign-on endpoint: read the request, find out who is there, answer.
func ExampleIdentityProvider_Respond() {
	idp := exampleIdP()
	sso := func(w http.ResponseWriter, r *http.Request) {
		request, err := idp.ReadRequest(r)
		if err != nil {
			log.Print(err)
			http.Error(w, "This sign-in link cannot be used. Please start again.", http.StatusBadRequest)
			return
		}
		response, err := idp.Respond(request, saml.Subject{
			ImmutableID:  "0123456789abcdef0123456789abcdef",
			UPN:          "contractor@contoso.com",
			AuthnInstant: testTime, // when the person really signed in
			MFA:          true,     // only if a second factor was proved
		})
		if err != nil {
			log.Print(err)
			http.Error(w, "You cannot be signed in to Microsoft 365.", http.StatusForbidden)
			return
		}
		fmt.Println("answers", response.InResponseTo, "at", response.Destination)
		_ = response.Post(w)
	}

	w := httptest.NewRecorder()
	sso(w, postRequest(plainRequest, "state"))
	fmt.Println(w.Code, strings.Contains(w.Body.String(), `name="SAMLResponse"`))
	// Output:
	// answers _11111111-2222-3333-4444-555555555555 at https://login.microsoftonline.com/login.srf
	// 200 true
}

func exampleIdP() *saml.IdentityProvider {
	idp, err := saml.New(saml.Config{
		SingleSignOnService: "https://id.contoso.com/entra/sso",
		Realms:              []saml.Realm{{Domain: "contoso.com", Issuer: "https://id.contoso.com/entra"}},
		Signer:              exampleSigner(),
		Now:                 func() time.Time { return testTime },
	})
	if err != nil {
		log.Fatal(err)
	}
	return idp
}

func exampleSigner() saml.Signer {
	certificate := certify(testKey(), testTime.AddDate(-1, 0, 0), testTime.AddDate(1, 0, 0))
	return saml.Signer{Key: testKey(), Certificate: certificate}
}

func exampleNextSigner() saml.Signer {
	next := validNext(new(testing.T))
	next.Certificate.Subject.CommonName = "the next key"
	return next
}
