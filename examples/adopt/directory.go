package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/examples/internal/simulation"
	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
)

// directory is a tenant that remembers what its list of users shows beyond what a plan keeps.
type directory struct {
	*msgraph.Tenant

	mu      sync.Mutex
	synced  map[string]bool // object IDs of users whom a directory sync owns
	strays  []string        // UPNs of users who are at a detour
	initial map[string]bool // initial domains that users are in
}

// ListUsers implements [provision.UserLists].
func (d *directory) ListUsers(ctx context.Context, cursor string) (provision.UserPage, error) {
	page, err := d.Tenant.ListUsers(ctx, cursor)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range page.Users {
		d.remember(u)
	}
	return page, err
}

func (d *directory) remember(u provision.User) {
	if u.DirectorySynced {
		d.synced[u.ObjectID] = true
	}
	local, domain, _ := strings.Cut(strings.ToLower(u.UserPrincipalName), "@")
	if isInitial(domain) {
		d.initial[domain] = true
	}
	if local == "detour-"+strings.ReplaceAll(u.ObjectID, "-", "") {
		d.strays = append(d.strays, u.UserPrincipalName)
	}
}

// isInitial tells the domains that Microsoft gives to tenants, in all clouds.
func isInitial(domain string) bool {
	_, parent, _ := strings.Cut(domain, ".")
	switch parent {
	case "onmicrosoft.com", "onmicrosoft.us", "partner.onmschina.cn":
		return true
	}
	return false
}

// session is one run against one tenant.
type session struct {
	program
	flags      flags
	domain     string
	tenant     string // as the operator named it
	directory  *directory
	people     *provision.Provisioner
	simulation *simulation.Tenant // nil: the tenant is a real one
	progress   *terminal.Progress
}

// connect reads the configuration and opens the tenant. The error lists all that is wrong. domain is empty where the
// flags and the environment say it.
func (p program) connect(ctx context.Context, f flags, domain string) (*session, error) {
	s := &session{program: p, flags: f, domain: domain}
	e := environment.New(p.Environ, variables())
	if f.simulate != "" {
		return s, s.simulate(ctx, e)
	}
	cloud, _ := e.Cloud()
	credential := e.Credential(p.Now())
	s.tenant = e.Value(environment.TenantID)
	if s.chooseDomain(e); s.domain == "" {
		e.Refuse(environment.Domain, "is missing: give -domain")
	}
	if err := e.Err(); err != nil {
		return nil, err
	}
	opened, err := credential.Open(cloud, p.Transport)
	if err != nil {
		return nil, err
	}
	return s, s.open(cloud, opened, p.Transport)
}

// simulate opens the simulated tenant. Its clock is one of its own: nobody waits.
func (s *session) simulate(ctx context.Context, e *environment.Variables) (err error) {
	if s.Clock == nil {
		s.Clock = newClock()
	}
	begin := func(now time.Time) simulation.File { return newTenantFile(!s.flags.simulateManaged, now) }
	if s.simulation, err = simulation.Open(ctx, s.flags.simulate, s.Clock, begin); err != nil {
		return err
	}
	s.Clock = s.simulation.Clock
	if s.chooseDomain(e); s.domain == "" {
		s.domain = s.simulation.File.Domain
	}
	s.tenant = s.flags.simulate
	return s.open(s.simulation.Cloud(), s.simulation.Credential(), s.simulation)
}

func (s *session) chooseDomain(e *environment.Variables) {
	for _, domain := range []string{s.flags.domain, e.Value(environment.Domain)} {
		if s.domain == "" {
			s.domain = domain
		}
	}
}

func (s *session) open(
	cloud entrafed.Cloud, credential azcore.TokenCredential, transport http.RoundTripper,
) error {
	s.progress = s.Progress(s.flags.verbose)
	log := s.progress.Log(s.flags.verbose)
	tenant, err := msgraph.New(msgraph.Config{
		Cloud: cloud, Credential: credential, Transport: transport, Logger: log, Now: s.Now,
	})
	if err != nil {
		return err
	}
	s.directory = &directory{Tenant: tenant, synced: map[string]bool{}, initial: map[string]bool{}}
	s.people, err = provision.New(provision.Config{
		Directory: s.directory, Logger: log, Now: s.Now, Sleep: s.Sleep, Priority: provision.PriorityLow,
		Rules: provision.Rules{Domain: s.domain, UsageLocation: anyCountry},
	})
	return err
}

// anyCountry is required of rules, and used for accounts that are created: none are here.
const anyCountry = "US"

// close keeps the simulated tenant's users. Its error comes instead of success.
func (s *session) close(code int) int {
	if s.simulation == nil {
		return code
	}
	if err := s.simulation.Save(); err != nil {
		s.Say("the simulated tenant cannot be kept: %v", err)
		return max(code, command.ExitFailed)
	}
	return code
}

// fromPlan are rules under which a plan is applied, or undone: which ImmutableIDs there are it says itself.
func (s *session) fromPlan(detourBy string) provision.AdoptionRules {
	return provision.AdoptionRules{Domain: s.domain, Source: provision.ByUPN, DetourByUPN: detourBy}
}

// errInitialDomain is an initial domain that the users do not tell.
var errInitialDomain = errors.New("-detour: give -initial-domain")
