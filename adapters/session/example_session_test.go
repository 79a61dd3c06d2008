package session_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/session"
	"github.com/entrafed/entrafed/provision"
)

// An application says who the session of a request belongs to. Its sign-in page leads back to the Bridge.
func ExampleNew() {
	host, err := session.New(session.Config{
		BaseURL:   "https://id.contoso.com/entra",
		SignInURL: "https://id.contoso.com/login",
		Person: func(r *http.Request) (*adapters.SignedIn, error) {
			cookie, err := r.Cookie("session") // the application looks it up in its store
			if err != nil {
				return nil, nil
			}
			return &adapters.SignedIn{
				Person: provision.Person{Connection: "app", ID: cookie.Value, Email: "contractor@example.net"},
				At:     time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
			}, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, address := range []string{
		"https://id.contoso.com/entra/signin/0123456789abcdef0123456789abcdef", "https://elsewhere.example/",
	} {
		back, ok := host.ReturnTo(httptest.NewRequest(http.MethodGet, "/login?return_to="+address, nil))
		fmt.Println(ok, back)
	}
	// Output:
	// true https://id.contoso.com/entra/signin/0123456789abcdef0123456789abcdef
	// false
}
