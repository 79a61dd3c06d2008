// Crewjam is a SAML identity provider made with crewjam/saml's samlidp, as it has users and sessions, and has gained a sign-in
// to Microsoft 365. What it had to add is between the two marks; the Microsoft 365 is simulated.
//
//	go run ./examples/crewjam
package main

import (
	"context"
	"crypto/rsa"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/crewjam/saml/samlidp"
	"golang.org/x/crypto/bcrypt"

	"github.com/entrafed/entrafed/adapters/crewjam"
	"github.com/entrafed/entrafed/examples/internal/accounts"
	"github.com/entrafed/entrafed/examples/internal/demonstration"
)

func main() {
	demonstration.Show{
		Name: "crewjam", Adapter: "crewjam", Host: newSite,
		Is: "crewjam is a SAML identity provider made with crewjam/saml's samlidp, and has gained a sign-in to Microsoft 365.",
	}.Main()
}

func newSite(_ context.Context, demo *demonstration.Demonstration) (http.Handler, error) {
	server, err := newServer(demo.Origin)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", server)
	mux.HandleFunc("GET /{$}", demonstration.Home)
	// entrafed: begin
	host, err := crewjam.New(crewjam.Config{
		IdentityProvider: &server.IDP, Person: crewjam.PersonByUserName("staff"),
	})
	if err != nil {
		return nil, err
	}
	bridge, err := demo.Bridge(host)
	if err != nil {
		return nil, err
	}
	mux.Handle("/entra/", bridge)
	// entrafed: end
	return mux, nil
}

// newServer is the identity provider as it was before.
func newServer(origin string) (*samlidp.Server, error) {
	address, err := url.Parse(origin)
	if err != nil {
		return nil, err
	}
	signer, err := demonstration.ThrowAwaySigner(time.Now())
	if err != nil {
		return nil, err
	}
	key, _ := signer.Key.(*rsa.PrivateKey)
	store := &samlidp.MemoryStore{}
	if err := addUsers(store); err != nil {
		return nil, err
	}
	return samlidp.New(samlidp.Options{
		URL: *address, Key: key, Certificate: signer.Certificate, Store: store, LoginFormTemplate: loginForm(),
	})
}

func addUsers(store samlidp.Store) error {
	hash, err := bcrypt.GenerateFromPassword([]byte(accounts.Password), bcrypt.DefaultCost)
	if err != nil {
		return err
	}
	for _, account := range accounts.Known() {
		err := store.Put("/users/"+account.Name, samlidp.User{
			Name: account.Name, Email: account.Email, CommonName: account.DisplayName, HashedPassword: hash,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// loginForm is the page that samlidp shows.
func loginForm() *template.Template {
	return accounts.Page(`{{template "page" (form .Toast .URL .SAMLRequest .RelayState)}}`, template.FuncMap{
		"form": func(problem, action, request, relayState string) accounts.Form {
			return accounts.Form{
				Heading: "Sign in", Problem: problem, Action: action, NameField: "user",
				Hidden: map[string]string{"SAMLRequest": request, "RelayState": relayState},
			}
		},
	})
}
