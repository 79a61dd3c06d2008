// Command example is a small website whose people stand in Active Directory, from where Entra Connect has brought them into
// Microsoft 365: it signs them in there. What it needs for that stands in entra.go.
//
//	LDAP_URL=ldaps://dc1.contoso.com BASE_DN=DC=contoso,DC=com \
//	BIND_DN=CN=entra,OU=Services,DC=contoso,DC=com BIND_PASSWORD=… \
//	BASE_URL=https://id.contoso.com/entra DOMAIN=contoso.com \
//	CERTIFICATE=entra.crt KEY=entra.key SECRET=$(openssl rand -hex 32) go run . -listen 127.0.0.1:8080
//
// It expects a proxy in front of it that speaks https.
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

	"github.com/entrafed/entrafed/adapters/ldap"
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
	host, end, err := newHost(s)
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
func newHost(s settings) (host http.Handler, end func(), err error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprint(w, `<!DOCTYPE html><html lang="en"><title>Home</title><h1>Home</h1><a href="/entra/go">Open Microsoft 365</a></html>`)
	})
	end, err = addEntra(mux, s)
	return mux, end, err
}

// settings are what the website knows already, and what it needs for Entra.
type settings struct {
	Directory ldap.Config // where people stand

	BaseURL string      // of the Bridge
	Domain  string      // the federated domain
	Signer  saml.Signer // whose certificate Entra knows
	Secret  []byte
	Logger  *slog.Logger
}

func settingsOf(env func(string) string, logger *slog.Logger) (settings, error) {
	s := settings{
		Directory: ldap.Config{
			Kind: ldap.ActiveDirectory, URLs: []string{env("LDAP_URL")}, BaseDN: env("BASE_DN"), BindDN: env("BIND_DN"),
			BindPassword: env("BIND_PASSWORD"), Connection: "directory", Logger: logger,
			Synced: &ldap.Synced{Connection: "entra-connect", All: true},
		},
		BaseURL: env("BASE_URL"), Domain: env("DOMAIN"), Logger: logger,
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
	return s, nil
}
