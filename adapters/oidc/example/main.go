// Command example is a small website whose people sign in at an OpenID Connect provider, and which gives them Microsoft 365
// as well. What it needs for that stands in entra.go.
//
//	ISSUER=https://login.example.net CLIENT_ID=entra CLIENT_SECRET=… \
//	BASE_URL=https://id.contoso.com/entra DOMAIN=contoso.com LICENSE=O365_BUSINESS_PREMIUM USAGE_LOCATION=CH \
//	CERTIFICATE=entra.crt KEY=entra.key SECRET=$(openssl rand -hex 32) \
//	AZURE_TENANT_ID=… AZURE_CLIENT_ID=… AZURE_CLIENT_SECRET=… go run . -listen 127.0.0.1:8080
//
// It expects a proxy in front of it that speaks https. Who got which account it keeps in memory: give provision.Config a
// store of provision/sqlstore in production.
package main

import (
	"context"
	"crypto"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/entrafed/entrafed/adapters/oidc"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/saml"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "where to listen, behind a proxy that speaks https")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *listen); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, listen string) error {
	s, err := settingsOf(os.Getenv, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	host, end, err := newHost(ctx, s)
	if err != nil {
		return err
	}
	defer end()
	server := &http.Server{Addr: listen, Handler: host, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Shutdown(context.WithoutCancel(ctx))
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// newHost makes the website. end ends what it began.
func newHost(ctx context.Context, s settings) (host http.Handler, end func(), err error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprint(w, `<!DOCTYPE html><html lang="en"><title>Home</title><h1>Home</h1><a href="/entra/go">Open Microsoft 365</a></html>`)
	})
	end, err = addEntra(ctx, mux, s)
	return mux, end, err
}

// settings are what the website knows already, and what it needs for Entra.
type settings struct {
	Provider oidc.Config // where people sign in

	BaseURL       string // of the Bridge
	Domain        string // the federated domain
	License       string // a SKU
	UsageLocation string
	Signer        saml.Signer // whose certificate Entra knows
	Secret        []byte
	Tenant        *msgraph.Tenant
	Logger        *slog.Logger
}

func settingsOf(env func(string) string, logger *slog.Logger) (settings, error) {
	s := settings{
		Provider: oidc.Config{
			Issuer: env("ISSUER"), ClientID: env("CLIENT_ID"), ClientSecret: env("CLIENT_SECRET"), Connection: "login",
			LazyDiscovery: true, // the website works while the provider is down
			Logger:        logger,
		},
		BaseURL: env("BASE_URL"), Domain: env("DOMAIN"), License: env("LICENSE"), UsageLocation: env("USAGE_LOCATION"),
		Logger: logger,
	}
	pair, err := tls.LoadX509KeyPair(env("CERTIFICATE"), env("KEY"))
	if err != nil {
		return settings{}, fmt.Errorf("CERTIFICATE and KEY: %w", err)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return settings{}, errors.New("KEY cannot sign")
	}
	s.Signer = saml.Signer{Key: key, Certificate: pair.Leaf}
	if s.Secret, err = hex.DecodeString(env("SECRET")); err != nil {
		return settings{}, fmt.Errorf("SECRET is not hexadecimal: %w", err)
	}
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return settings{}, err
	}
	s.Tenant, err = msgraph.New(msgraph.Config{Credential: credential, Logger: logger})
	return s, err
}
