package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/text/language"

	"github.com/entrafed/entrafed/examples/internal/accounts"
	"github.com/entrafed/entrafed/examples/internal/demonstration"
	"github.com/entrafed/entrafed/examples/internal/loopback"
)

// provider is an OpenID Connect provider on this machine, with the people of package accounts, who prove who they are each
// time. It keeps nothing.
type provider struct {
	issuer, clientID, clientSecret string

	op      *op.Provider
	storage *storage.Storage
}

// startProvider starts one that knows the demonstration's host as its client.
func startProvider(demo *demonstration.Demonstration) (*provider, error) {
	site, err := loopback.Listen("the provider", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &provider{issuer: "http://" + site.Addr().String(), clientID: "entra", clientSecret: rand.Text()}
	registered := storage.WebClient(p.clientID, p.clientSecret, demo.BaseURL+"/callback")
	p.storage = storage.NewStorageWithClients(users{}, map[string]*storage.Client{p.clientID: registered})
	if p.op, err = p.open(client{registered, demo.BaseURL + "/logout/done"}); err != nil {
		return nil, errors.Join(err, site.Close())
	}
	mux := http.NewServeMux()
	mux.Handle("/", p.op)
	mux.HandleFunc("/login/username", p.signIn)
	p.serve(demo, site, mux)
	return p, nil
}

func (p *provider) open(c client) (*op.Provider, error) {
	cfg := &op.Config{CodeMethodS256: true, DefaultLogoutRedirectURI: c.signedOut}
	if _, err := rand.Read(cfg.CryptoKey[:]); err != nil {
		return nil, err
	}
	return op.NewProvider(cfg, codeFlow{p.storage, p.storage, c}, op.StaticIssuer(p.issuer), op.WithAllowInsecure())
}

func (p *provider) serve(demo *demonstration.Demonstration, site net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(site) }()
	demo.AtEnd(func(context.Context) error {
		err := server.Close()
		if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
			err = errors.Join(err, failed)
		}
		return err
	})
}

// signIn is the provider's sign-in page. Where it leads in the end, the provider knows by the number of the request.
func (p *provider) signIn(w http.ResponseWriter, r *http.Request) {
	request := r.FormValue("authRequestID")
	account, problem := accounts.Check(r)
	if account != nil {
		if err := p.storage.CheckUsernamePassword(account.Name, accounts.Password, request); err == nil {
			http.Redirect(w, r, op.AuthCallbackURL(p.op)(op.ContextWithIssuer(r.Context(), p.issuer), request), http.StatusSeeOther)
			return
		}
		problem = "This page is too old. Please begin again where you came from."
	}
	accounts.Form{
		Heading: "Sign in at the provider", Problem: problem, Action: "/login/username", NameField: accounts.NameField,
		Hidden: map[string]string{"authRequestID": request},
	}.Show(w)
}

// codeFlow is the part of the library's storage that an authorization code needs. The rest of it, such as its service
// accounts with well-known keys, is out of reach behind the interface.
type codeFlow struct {
	op.Storage
	op.CanSetUserinfoFromRequest // without which ID tokens are nobody's
	client                       client
}

// GetClientByClientID returns the one client.
func (s codeFlow) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	if _, err := s.Storage.GetClientByClientID(ctx, id); err != nil {
		return nil, err
	}
	return s.client, nil
}

// client is one to which people come back after they signed out.
type client struct {
	*storage.Client
	signedOut string
}

// PostLogoutRedirectURIs implements [op.Client].
func (c client) PostLogoutRedirectURIs() []string { return []string{c.signedOut} }

// users are the people of package accounts.
type users struct{}

// GetUserByID implements [storage.UserStore].
func (users) GetUserByID(id string) *storage.User {
	account, found := accounts.ByID(id)
	if !found {
		return nil
	}
	return user(account)
}

// GetUserByUsername implements [storage.UserStore].
func (users) GetUserByUsername(name string) *storage.User {
	for _, account := range accounts.Known() {
		if account.Name == name {
			return user(account)
		}
	}
	return nil
}

// ExampleClientID names a client that is not there.
func (users) ExampleClientID() string { return rand.Text() }

func user(account accounts.Account) *storage.User {
	return &storage.User{
		ID: account.ID, Username: account.Name, Password: accounts.Password, Email: account.Email, EmailVerified: true,
		FirstName: account.GivenName, LastName: account.Surname, PreferredLanguage: language.English,
	}
}
