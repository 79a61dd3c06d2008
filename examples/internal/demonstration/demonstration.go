// Package demonstration is the half of an example that is not the host's: a simulated tenant on this machine whose domain is
// federated with the host, an identity provider with a throw-away key, and the accounts in it.
package demonstration

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"time"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

// Domain is the federated domain.
const Domain = "contoso.com"

// Demonstration is a tenant and the address of a host in front of it.
type Demonstration struct {
	// Origin is where the host is: "http://127.0.0.1:8080".
	Origin string

	// BaseURL is that of the Bridge: Origin + "/entra".
	BaseURL string

	lag          entratest.Lag
	tenant       *entratest.Tenant
	people       *provision.Provisioner
	idp          *saml.IdentityProvider
	bridge       *adapters.Bridge
	site, portal net.Listener
}

// Open listens at address, such as "127.0.0.1:8080", for the host, and founds a tenant that answers at an address of its
// own and lags as given. Nothing is kept when the program ends.
func Open(address string, lag entratest.Lag) (*Demonstration, error) {
	d := &Demonstration{lag: lag}
	var err error
	if d.site, err = listen(address); err != nil {
		return nil, err
	}
	if d.portal, err = listen("127.0.0.1:0"); err != nil {
		return nil, errors.Join(err, d.site.Close())
	}
	d.Origin = "http://" + d.site.Addr().String()
	d.BaseURL = d.Origin + "/entra"
	if err := d.found(); err != nil {
		return nil, errors.Join(err, d.site.Close(), d.portal.Close())
	}
	return d, nil
}

func listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil || !entrafed.IsLoopback(host) {
		return nil, fmt.Errorf("%q is not an address of this machine such as 127.0.0.1:8080", address)
	}
	return net.Listen("tcp", address)
}

// found makes the tenant, federated, and what talks to it.
func (d *Demonstration) found() error {
	signer, err := ThrowAwaySigner(time.Now())
	if err != nil {
		return err
	}
	d.tenant, err = entratest.New(entratest.Config{
		BaseURL: "http://" + d.portal.Addr().String(), Lag: d.lag,
		Domains: []entratest.Domain{{Name: Domain, Federation: &entratest.Federation{
			Issuer: d.BaseURL, SignInURL: d.BaseURL + "/sso", SignOutURL: d.BaseURL + "/logout",
			Certificates: []*x509.Certificate{signer.Certificate}, DisplayName: "Demonstration",
		}}},
	})
	if err != nil {
		return err
	}
	directory, err := msgraph.New(msgraph.Config{
		Cloud: d.tenant.Cloud(), Credential: d.tenant.Credential(), Transport: d.tenant.Transport(),
	})
	if err != nil {
		return err
	}
	settle := provision.Settle{}
	if d.lag == entratest.LagNone {
		settle.Dwell = -1
	}
	d.people, err = provision.New(provision.Config{
		Directory: directory, Settle: settle, Rules: provision.Rules{
			Domain: Domain, UsageLocation: "US", Licenses: []provision.License{{SKU: "O365_BUSINESS_PREMIUM"}},
		},
	})
	if err != nil {
		return err
	}
	d.idp, err = saml.New(saml.Config{
		Cloud: d.tenant.Cloud(), SingleSignOnService: d.BaseURL + "/sso", SingleLogoutService: d.BaseURL + "/logout",
		Realms: []saml.Realm{{Domain: Domain, Issuer: d.BaseURL}}, Signer: signer,
	})
	return err
}

// Bridge is what a host adds to itself. The secret is that of a program that keeps nothing.
func (d *Demonstration) Bridge(host adapters.Authenticator) (http.Handler, error) {
	secret := make([]byte, 32)
	if _, err := io.ReadFull(rand.Reader, secret); err != nil {
		return nil, err
	}
	var err error
	d.bridge, err = adapters.New(adapters.Config{
		BaseURL: d.BaseURL, IdentityProvider: d.idp, People: d.people, Authenticator: host, Domain: Domain, Secret: secret,
		Home:   d.tenant.Cloud().Login + "/sharepoint/sites/welcome",
		Notice: "Demonstration: the Microsoft 365 behind this is simulated. Nothing leaves this machine.",
		Logger: slog.Default(),
	})
	return d.bridge, err
}

// SmartLink is the link that starts it all.
func (d *Demonstration) SmartLink() string { return d.BaseURL + "/go" }

// Tenant is the simulated tenant.
func (d *Demonstration) Tenant() *entratest.Tenant { return d.tenant }

// Serve serves the host and the tenant until ctx ends, and then what is under way.
func (d *Demonstration) Serve(ctx context.Context, host http.Handler) error {
	failed := make(chan error, 2)
	servers := []*http.Server{
		{Handler: host, ReadHeaderTimeout: 10 * time.Second}, {Handler: d.tenant, ReadHeaderTimeout: 10 * time.Second},
	}
	for i, listener := range []net.Listener{d.site, d.portal} {
		go func() { failed <- servers[i].Serve(listener) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	for _, server := range servers {
		if server.Shutdown(leaving) != nil {
			err = errors.Join(err, server.Close()) // streams to open pages do not end by themselves
		}
	}
	return errors.Join(err, d.bridge.Close(leaving), d.people.Wait(leaving))
}

// ThrowAwaySigner makes a key for as long as the program runs.
func ThrowAwaySigner(now time.Time) (saml.Signer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return saml.Signer{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "Throw-away key of a demonstration"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return saml.Signer{}, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return saml.Signer{}, fmt.Errorf("the certificate just made cannot be read: %w", err)
	}
	return saml.Signer{Key: key, Certificate: certificate}, nil
}
