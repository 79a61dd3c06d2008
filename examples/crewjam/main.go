// Crewjam is a SAML identity provider made with crewjam/saml's samlidp, as it has users and sessions, and has gained a sign-in
// to Microsoft 365. What it had to add is between the two marks; the Microsoft 365 is simulated.
//
//	go run ./examples/crewjam
package main

import (
	"context"
	"crypto/rsa"
	"flag"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/crewjam/saml/samlidp"
	"golang.org/x/crypto/bcrypt"

	"github.com/entrafed/entrafed/adapters/crewjam"
	"github.com/entrafed/entrafed/examples/internal/accounts"
	"github.com/entrafed/entrafed/examples/internal/demonstration"
	"github.com/entrafed/entrafed/federation/entratest"
)

func main() {
	address := flag.String("addr", "127.0.0.1:8080", "where the identity provider listens, on this machine")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	demo, err := demonstration.Open(*address, entratest.LagNormal)
	if err == nil {
		err = run(ctx, demo)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "crewjam:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, demo *demonstration.Demonstration) error {
	site, err := newSite(demo)
	if err != nil {
		return err
	}
	fmt.Printf("Open %s and sign in as %s. Ctrl-C ends it.\n", demo.SmartLink(), accounts.Known()[0].Name)
	return demo.Serve(ctx, site)
}

func newSite(demo *demonstration.Demonstration) (http.Handler, error) {
	server, err := newServer(demo.Origin)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", server)
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
		URL: *address, Key: key, Certificate: signer.Certificate, Store: store, LoginFormTemplate: loginForm,
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

var loginForm = template.Must(template.New("login").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="color-scheme" content="light dark" />
<title>Sign in</title>
<link rel="icon" href="data:," />
<style>
body{margin:10vh auto;max-width:26rem;padding:0 1.25rem;font:1rem/1.5 system-ui,sans-serif}
label{display:block}
input{box-sizing:border-box;width:100%;padding:.5rem;font:inherit}
button{padding:.6rem 1.4rem;font:inherit}
</style>
</head>
<body>
<main>
<h1>Sign in</h1>
{{if .Toast}}<p role="alert">{{.Toast}}</p>{{end}}
<form method="post" action="{{.URL}}">
<p><label for="user">User name</label><input id="user" name="user" autocomplete="username" required /></p>
<p><label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required /></p>
<input type="hidden" name="SAMLRequest" value="{{.SAMLRequest}}" />
<input type="hidden" name="RelayState" value="{{.RelayState}}" />
<p><button type="submit">Sign in</button></p>
</form>
<p>People here: contractor and partner, each with the password “` + accounts.Password + `”.</p>
</main>
</body>
</html>`))
