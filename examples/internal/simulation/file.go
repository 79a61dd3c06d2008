// Package simulation keeps a simulated tenant in a file between the runs of commands.
package simulation

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/federation/entratest"
)

// File is a simulated tenant between two runs: how its domains were in the beginning and what was written to them since,
// and its users as they are.
type File struct {
	InitialDomain string
	Domain        string   // the domain of most users
	Children      []string `json:",omitempty"` // further domains, below it
	Default       bool     `json:",omitempty"` // Domain is the tenant's default one
	Federated     bool     // in the beginning Domain is, with somebody who never signs in
	Users         []entratest.User

	// Began is when the tenant was made, Now what its clock says. Zero: it has the clock of whoever opens it.
	Began, Now time.Time `json:",omitzero"`

	// Writes are the requests that changed domains and federations, in their order.
	Writes []Write `json:",omitempty"`
}

// Write is a request.
type Write struct {
	At     time.Time
	Method string
	Path   string
	Body   json.RawMessage `json:",omitempty"`
}

// Tenant is a simulated tenant in this process. It is the transport to itself, which keeps what is written.
type Tenant struct {
	*entratest.Tenant
	Clock *entratest.Clock
	File  File

	path string
}

// Open reads the tenant of a file, or begins a new one if the file is not there. A file without a clock goes by the one
// that is given.
//
// What was written to domains is written again, at the times of then. So the tenant is in every way what it was: also in
// what its sign-in service does not know yet.
func Open(ctx context.Context, path string, clock *entratest.Clock, begin func(time.Time) File) (*Tenant, error) {
	t := &Tenant{path: path, Clock: clock}
	err := document.Read(path, &t.File)
	if errors.Is(err, os.ErrNotExist) {
		t.File, err = begun(begin(clock.Now()), clock)
	}
	if err != nil {
		return nil, err
	}
	if !t.File.Began.IsZero() {
		t.Clock = entratest.NewClock(t.File.Began)
	}
	if t.Tenant, err = t.File.tenant(t.Clock); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := t.repeat(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t.Clock.Advance(t.File.Now.Sub(t.Clock.Now()))
	return t, nil
}

// begun gives the users of a new file their IDs, so that the tenant is the same whenever it is opened.
func begun(f File, clock *entratest.Clock) (File, error) {
	tenant, err := f.tenant(clock)
	if err != nil {
		return f, err
	}
	f.Users = tenant.Users()
	return f, nil
}

// tenant is the tenant of the beginning, with the users of now.
func (f File) tenant(clock *entratest.Clock) (*entratest.Tenant, error) {
	domain := entratest.Domain{Name: f.Domain, Default: f.Default}
	if f.Federated {
		domain.Federation = &entratest.Federation{
			Issuer: "https://id.contoso.com/entra", SignInURL: "https://id.contoso.com/entra/sign-in",
			Certificates: []*x509.Certificate{{}}, // nobody signs in here
		}
	}
	domains := []entratest.Domain{domain}
	for _, name := range f.Children {
		domains = append(domains, entratest.Domain{Name: name})
	}
	return entratest.New(entratest.Config{
		InitialDomain: f.InitialDomain, Domains: domains, Users: f.Users, FreezeImmutableID: true, Clock: clock, Seed: 1,
	})
}

// KeepTime keeps the clock in the file from now on.
func (t *Tenant) KeepTime() {
	if t.File.Began.IsZero() {
		t.File.Began, t.File.Now = t.Clock.Now(), t.Clock.Now()
	}
}

// Save replaces the file as a whole.
func (t *Tenant) Save() error {
	t.File.Users = t.Users()
	if !t.File.Began.IsZero() {
		t.File.Now = t.Clock.Now()
	}
	return document.Replace(t.path, t.File)
}
