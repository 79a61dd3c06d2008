// Command showcase serves the Bridge's own pages on this machine, in several dresses, without anybody being let in anywhere: for the
// tests that look at them with a browser, for the pictures of the documentation, and for whoever changes their look.
//
//	go run ./internal/showcase
//
// Open /DRESS/start?login_hint=SCENE, /DRESS/ask?login_hint=SCENE, which has Entra's part in it, and /DRESS/logout, with a dress
// of [dresses] and a scene of [scenes]. The program prints where, and ends with Ctrl-C.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/saml"
)

func main() {
	address := flag.String("addr", "127.0.0.1:8081", "listen on this `address` of this machine")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := serve(ctx, *address); err != nil {
		fmt.Fprintln(os.Stderr, "showcase:", err)
		os.Exit(1)
	}
}

// serve runs until ctx ends.
func serve(ctx context.Context, address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil || !entrafed.IsLoopback(host) {
		return fmt.Errorf("-addr %q is not an address of this machine such as 127.0.0.1:8081", address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	origin := "http://" + listener.Addr().String()
	signer := throwAwaySigner()
	microsoft, leadOn, err := newMicrosoft(origin)
	if err != nil {
		return err
	}
	mux, bridges := http.NewServeMux(), []*adapters.Bridge{}
	mux.HandleFunc(arrived, serveArrived)
	for name, brand := range dresses() {
		bridge, err := newBridge(cloudAt(microsoft), origin+"/"+name, brand, signer)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		bridges = append(bridges, bridge)
		mux.Handle("/"+name+"/", bridge)
		mux.Handle("/"+name+"/ask", asking(origin+"/"+name))
	}
	fmt.Printf("Open   %s/\n", origin)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	behind := &http.Server{Handler: leadOn, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = behind.Serve(microsoft) }()
	go func() {
		<-ctx.Done()
		_ = errors.Join(server.Close(), behind.Close())
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	for _, bridge := range bridges {
		err = errors.Join(err, bridge.Close(context.Background()))
	}
	return err
}

func newBridge(cloud entrafed.Cloud, base string, brand adapters.Brand, signer saml.Signer) (*adapters.Bridge, error) {
	idp, err := saml.New(saml.Config{
		Cloud: cloud, SingleSignOnService: base + "/sso", SingleLogoutService: base + "/logout", Signer: signer,
		Realms: []saml.Realm{{Domain: "contoso.com", Issuer: "https://id.contoso.com/showcase"}},
	})
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	return adapters.New(adapters.Config{
		BaseURL: base, IdentityProvider: idp, Authenticator: adapters.AuthenticatorFunc(authenticate), People: &people{},
		Domain: "contoso.com", Secret: secret, Brand: brand,
	})
}

// throwAwaySigner makes a key that nobody trusts.
func throwAwaySigner() saml.Signer {
	key, now := certtest.RSA(2048), time.Now()
	return saml.Signer{
		Key:         key,
		Certificate: certtest.SelfSigned(key, "Throw-away key of the showcase", now.Add(-time.Hour), now.AddDate(1, 0, 0)),
	}
}
