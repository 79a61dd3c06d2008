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

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/examples/internal/accounts"
	"github.com/entrafed/entrafed/examples/internal/loopback"
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

	// Visitor is whom to sign in as, in words. A host whose people are not those of package accounts changes it.
	Visitor string

	lag          entratest.Lag
	tenant       *entratest.Tenant
	directory    *msgraph.Tenant
	store        provision.Store
	people       *provision.Provisioner
	idp          *saml.IdentityProvider
	bridge       *adapters.Bridge
	site, portal net.Listener
	ends         []func(context.Context) error
}

// Open listens at address, such as "127.0.0.1:8080", for the host, and founds a tenant that answers at an address of its
// own and lags as given. Nothing is kept when the program ends. [Demonstration.Serve] closes it, or [Demonstration.Close].
func Open(address string, lag entratest.Lag) (*Demonstration, error) {
	person := accounts.Known()[0]
	d := &Demonstration{
		Visitor: fmt.Sprintf("%s, with the password %q", person.Name, accounts.Password),
		lag:     lag, store: provision.NewMemoryStore(),
	}
	var err error
	if d.site, err = loopback.Listen("-addr", address); err != nil {
		return nil, err
	}
	if d.portal, err = loopback.Listen("the tenant", "127.0.0.1:0"); err != nil {
		return nil, errors.Join(err, d.site.Close())
	}
	d.Origin = "http://" + d.site.Addr().String()
	d.BaseURL = d.Origin + "/entra"
	if err := d.found(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
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
	d.directory, err = msgraph.New(msgraph.Config{
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
		Directory: d.directory, Store: d.store, Settle: settle, Rules: provision.Rules{
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

// SignOut ends the sessions of somebody at the tenant, as where they sign out elsewhere. The error matches
// [provision.ErrNoRecord] for somebody who was never here.
func (d *Demonstration) SignOut(ctx context.Context, person provision.PersonKey) error {
	record, err := d.store.Load(ctx, person)
	if err != nil {
		return err
	}
	return d.directory.RevokeSessions(ctx, record.ObjectID)
}

// AtEnd calls end when the demonstration ends. What is not over when its context ends is not waited for.
func (d *Demonstration) AtEnd(end func(context.Context) error) { d.ends = append(d.ends, end) }

// Serve serves the host and the tenant until ctx ends, and then what is under way.
func (d *Demonstration) Serve(ctx context.Context, host http.Handler) error {
	return loopback.Serve(ctx, map[net.Listener]http.Handler{d.site: host, d.portal: d.tenant}, d.end)
}

// Close ends what nobody serves.
func (d *Demonstration) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return errors.Join(d.site.Close(), d.portal.Close(), d.end(ctx))
}

func (d *Demonstration) end(ctx context.Context) error {
	var errs []error
	if d.bridge != nil {
		errs = append(errs, d.bridge.Close(ctx), d.people.Wait(ctx))
	}
	for _, end := range d.ends {
		errs = append(errs, end(ctx))
	}
	return errors.Join(errs...)
}

// ThrowAwaySigner makes a key for as long as the program runs. A server at one of the addresses can use it for TLS.
func ThrowAwaySigner(now time.Time, addresses ...net.IP) (saml.Signer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return saml.Signer{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "Throw-away key of a demonstration"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(1, 0, 0),
		IPAddresses:  addresses,
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
