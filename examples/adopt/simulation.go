package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/federation/entratest"
)

// tenantFile is a simulated tenant between two runs.
type tenantFile struct {
	InitialDomain string
	Domain        string
	Federated     bool // the domain is, and Graph refuses to change the ImmutableIDs of its users
	Users         []entratest.User
}

// simulation is a tenant in this process.
type simulation struct {
	path   string
	file   tenantFile
	tenant *entratest.Tenant
}

// newClock is a clock that nobody waits for.
func newClock() *entratest.Clock { return entratest.NewClock(time.Now()) }

// openSimulation reads the tenant of a file, or makes a new one if the file is not there.
func openSimulation(path string, managed bool, clock *entratest.Clock) (*simulation, error) {
	s := &simulation{path: path}
	err := document.Read(path, &s.file)
	if errors.Is(err, os.ErrNotExist) {
		s.file, err = newTenantFile(!managed, clock.Now()), nil
	}
	if err != nil {
		return nil, err
	}
	domain := entratest.Domain{Name: s.file.Domain}
	if s.file.Federated {
		domain.Federation = &entratest.Federation{
			Issuer: "https://id.contoso.com/entra", SignInURL: "https://id.contoso.com/entra/sign-in",
			Certificates: []*x509.Certificate{{}}, // nobody signs in here
		}
	}
	s.tenant, err = entratest.New(entratest.Config{
		InitialDomain: s.file.InitialDomain, Domains: []entratest.Domain{domain}, Users: s.file.Users,
		FreezeImmutableID: true, Clock: clock, Seed: 1,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// save replaces the file as a whole.
func (s *simulation) save() error {
	s.file.Users = s.tenant.Users()
	return document.Replace(s.path, s.file)
}

// newTenantFile is a tenant with users of all kinds.
func newTenantFile(federated bool, now time.Time) tenantFile {
	const domain, initial = "contoso.com", "contoso.onmicrosoft.com"
	f := tenantFile{InitialDomain: initial, Domain: domain, Federated: federated}
	add := func(user entratest.User) {
		user.Enabled, user.CreatedAt = true, now.AddDate(-1, 0, 0).UTC().Truncate(time.Second)
		f.Users = append(f.Users, user)
	}
	for i := range 20 {
		name := fmt.Sprintf("employee%d@%s", i+1, domain)
		add(entratest.User{UPN: name, Mail: name})
	}
	for i := range 3 {
		name := fmt.Sprintf("contractor%d@%s", i+1, domain)
		add(entratest.User{UPN: name, Mail: name})
	}
	add(entratest.User{UPN: "done@" + domain, Mail: "done@" + domain, ImmutableID: "done@" + domain})
	add(entratest.User{UPN: "moved@" + domain, Mail: "moved@" + domain, ImmutableID: "4711"})
	add(entratest.User{UPN: "office.north@" + domain, Mail: "office@" + domain})
	add(entratest.User{UPN: "office.south@" + domain, Mail: "office@" + domain})
	add(entratest.User{UPN: "back@" + domain, Mail: "back@" + domain})
	add(entratest.User{UPN: "synced@" + domain, Mail: "synced@" + domain, DirectorySynced: true})
	add(entratest.User{UPN: "under.score@" + domain, Mail: "under_score@" + domain})
	add(entratest.User{UPN: "boardroom@" + domain})
	add(entratest.User{UPN: "admin@" + domain, Mail: "admin@" + domain, AdminRole: true})
	add(entratest.User{UPN: "emergency@" + initial, AdminRole: true})
	add(entratest.User{UPN: "back.before@" + initial, ImmutableID: "back@" + domain})
	return f
}
