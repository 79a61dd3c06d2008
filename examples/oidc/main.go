// Oidc is a website whose people sign in at an OpenID Connect provider, and has gained a sign-in to Microsoft 365. What it had
// to add is between the two marks; the Microsoft 365 is simulated, and so is the provider, unless one of yours is named.
//
//	go run ./examples/oidc
//	OIDC_CLIENT_SECRET=… go run ./examples/oidc -issuer https://login.example.net -client-id entra
package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"

	"github.com/entrafed/entrafed/adapters/oidc"
	"github.com/entrafed/entrafed/examples/internal/demonstration"
	"github.com/entrafed/entrafed/provision"
)

func main() { (&settings{clientSecret: os.Getenv(secretVariable)}).show().Main() }

// newWebsite is the website.
func (s *settings) newWebsite(ctx context.Context, demo *demonstration.Demonstration) (http.Handler, error) {
	if err := s.needProvider(demo); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", demonstration.Home)
	// entrafed: begin
	host, err := oidc.New(ctx, oidc.Config{
		Issuer: s.issuer, ClientID: s.clientID, ClientSecret: s.clientSecret, Connection: "login", Logger: slog.Default(),
		InsecureHTTP: true, // for a provider on this machine; others must have https all the same
	})
	if err != nil {
		return nil, err
	}
	bridge, err := demo.Bridge(host)
	if err != nil {
		return nil, err
	}
	mux.Handle("/entra/", bridge)
	mux.Handle("/signed-out", host.BackChannelLogout(func(ctx context.Context, connection, subject, _ string) error {
		return demo.SignOut(ctx, provision.PersonKey{Connection: connection, ID: subject})
	}))
	// entrafed: end
	return mux, nil
}

// settings are what the command line and the environment say about the provider.
type settings struct {
	issuer, clientID, clientSecret string
	local                          *provider // on this machine; nil: there is none
}

const secretVariable = "OIDC_CLIENT_SECRET"

func (s *settings) show() demonstration.Show {
	show := demonstration.Show{
		Name: "oidc", Adapter: "oidc", Host: s.newWebsite, Check: s.check,
		Is: `oidc is a website whose people sign in at an OpenID Connect provider, and has gained a sign-in to Microsoft 365.
Without -issuer the provider runs on this machine as well. One of yours is asked with -issuer and -client-id, and the
client's secret in ` + secretVariable + `; register there, for the address that the website has:

  redirect URI              http://127.0.0.1:8080/entra/callback
  post-logout redirect URI  http://127.0.0.1:8080/entra/logout/done`,
	}
	show.Flags.Add(&s.issuer, "issuer", "URL", "your provider, as its discovery document names it")
	show.Flags.Add(&s.clientID, "client-id", "ID", "what it knows this website by")
	return show
}

func (s *settings) check() error {
	if (s.issuer == "") != (s.clientID == "") {
		return errors.New("-issuer and -client-id are needed together")
	}
	return nil
}

// needProvider starts a provider if none is named.
func (s *settings) needProvider(demo *demonstration.Demonstration) (err error) {
	if s.issuer != "" {
		demo.Visitor = "somebody of " + s.issuer
		return nil
	}
	if s.local, err = startProvider(demo); err != nil {
		return err
	}
	s.issuer, s.clientID, s.clientSecret = s.local.issuer, s.local.clientID, s.local.clientSecret
	return nil
}
