package main

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/examples/internal/recording"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

const usageLocation = "US"

const notice = "Demonstration: this identity provider and its Microsoft 365 are simulated. Nothing leaves this machine."

// setting is where the demonstration takes place.
type setting struct {
	Origin       string // of the identity provider
	TenantOrigin string // of the simulated tenant; empty: Microsoft's own names, reached in this process
	Lag          entratest.Lag
	Seed         uint64
	Logger       *slog.Logger
	Notice       func(provision.Event) // may be nil
	StateDir     string                // empty: nothing is kept
	Graph        *recording.Log        // of what is said to Graph; may be nil
}

// world is a whole small company: a simulated tenant whose domain is federated with an identity provider, built from
// the packages that would do it for a real one.
type world struct {
	actors   []actor
	state    *state
	people   *people
	tenant   *entratest.Tenant
	signer   saml.Signer
	idp      *saml.IdentityProvider
	bridge   *adapters.Bridge
	handler  http.Handler // the identity provider's site
	issuer   string
	baseURL  string
	metadata []byte
}

func newWorld(ctx context.Context, s setting) (*world, error) {
	w := &world{issuer: s.Origin + "/entra", baseURL: s.Origin + "/entra"}
	var err error
	if w.actors, err = cast(); err != nil {
		return nil, err
	}
	if w.state, err = openState(ctx, s.StateDir); err != nil {
		return nil, err
	}
	w.signer = w.state.signer
	if err := w.foundTenant(s); err != nil {
		return nil, err
	}
	if w.people, err = w.pipelines(ctx, s); err != nil {
		return nil, err
	}
	return w, w.openIdentityProvider(s)
}

// foundTenant makes the tenant, with its domain federated to the identity provider that follows.
func (w *world) foundTenant(s setting) error {
	users, err := residents(w.actors)
	if err == nil {
		users, err = w.state.users(users)
	}
	if err != nil {
		return err
	}
	w.tenant, err = entratest.New(entratest.Config{
		BaseURL: s.TenantOrigin,
		Domains: []entratest.Domain{{Name: domain, Federation: &entratest.Federation{
			Issuer: w.issuer, SignInURL: w.baseURL + "/sso", Certificates: []*x509.Certificate{w.signer.Certificate},
			DisplayName: "Demonstration", SignOutURL: w.baseURL + "/logout",
		}}},
		SKUs: skus, Users: users, Lag: s.Lag, Seed: s.Seed, Logger: s.Logger,
	})
	return err
}

// pipelines provisions through Graph, as it would for a real tenant: one set of rules for most people, and one for
// agency workers. They share the memory of who got which identity.
func (w *world) pipelines(ctx context.Context, s setting) (*people, error) {
	saving := &saver{next: w.tenant.Transport(), save: func() error { return w.state.saveTenant(w.tenant) }}
	directory, err := msgraph.New(msgraph.Config{
		Cloud: w.tenant.Cloud(), Credential: w.tenant.Credential(), Transport: s.Graph.Transport(saving), Logger: s.Logger,
	})
	if err != nil {
		return nil, err
	}
	store := w.state.people
	returning, err := find(w.actors, "returning")
	if err != nil {
		return nil, err
	}
	if _, err := store.Reserve(ctx, pastRecord(returning.Person, time.Now().UTC().Truncate(time.Second).AddDate(0, -1, 0))); err != nil {
		return nil, err
	}
	pipeline := func(license string) (*provision.Provisioner, error) {
		return provision.New(provision.Config{
			Directory: directory, Store: store, Logger: s.Logger,
			Rules: provision.Rules{
				Domain: domain, UsageLocation: usageLocation, Licenses: []provision.License{{SKU: license}},
				SkipConnections: []string{"directory"},
			},
		})
	}
	everybody, err := pipeline(business)
	if err != nil {
		return nil, err
	}
	agency, err := pipeline(standard)
	if err != nil {
		return nil, err
	}
	return &people{everybody: everybody, agency: agency, told: s.Notice}, nil
}

// people chooses the pipeline by where a person comes from.
type people struct {
	everybody, agency *provision.Provisioner
	told              func(provision.Event)
}

// Wait waits for what is still under way.
func (p *people) Wait(ctx context.Context) error {
	return errors.Join(p.everybody.Wait(ctx), p.agency.Wait(ctx))
}

func (p *people) EnsureWithProgress(ctx context.Context, person provision.Person, progress func(provision.Event)) (provision.Account, error) {
	pipeline := p.everybody
	if person.Connection == "agency" {
		pipeline = p.agency
	}
	return pipeline.EnsureWithProgress(ctx, person, func(e provision.Event) {
		if p.told != nil {
			p.told(e)
		}
		if progress != nil {
			progress(e)
		}
	})
}

// openIdentityProvider puts the bridge in front of the host that knows the people.
func (w *world) openIdentityProvider(s setting) error {
	var err error
	w.idp, err = saml.New(saml.Config{
		Cloud: w.tenant.Cloud(), SingleSignOnService: w.baseURL + "/sso", SingleLogoutService: w.baseURL + "/logout",
		Realms: []saml.Realm{{Domain: domain, Issuer: w.issuer}}, Signer: w.signer,
	})
	if err != nil {
		return err
	}
	if w.metadata, err = w.idp.Metadata(domain); err != nil {
		return err
	}
	host := newHost(w.actors, s.Origin, w.deepLink())
	w.bridge, err = adapters.New(adapters.Config{
		BaseURL: w.baseURL, IdentityProvider: w.idp, Authenticator: host, People: w.people,
		Domain: domain, Home: w.deepLink(), Secret: w.state.secret, Notice: notice, Logger: s.Logger,
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/entra/", w.bridge)
	mux.Handle("/", host)
	w.handler = mux
	return nil
}

// finish goes on with what an earlier run of the program began, whether or not the person comes back.
func (w *world) finish(ctx context.Context, tell func(actor)) error {
	begun, err := w.state.unfinished(ctx, w.actors)
	for _, a := range begun {
		tell(a)
		go func() {
			// What comes of it is in the log, and the person is told who comes back.
			_, _ = w.people.EnsureWithProgress(ctx, a.Person, nil)
		}()
	}
	return err
}

// close gives up the bridge and the state, once what is under way has come to a stop.
func (w *world) close(ctx context.Context) error {
	return errors.Join(w.bridge.Close(ctx), w.people.Wait(ctx), w.state.close())
}

// deepLink is a document in the simulated SharePoint.
func (w *world) deepLink() string {
	if cloud := w.tenant.Cloud(); cloud.InsecureLoopback {
		return cloud.Login + "/sharepoint/sites/welcome"
	}
	return "https://contoso.sharepoint.com/sites/welcome"
}

// smartLink leads through sign-in to the document.
func (w *world) smartLink() string { return w.baseURL + "/go" }
