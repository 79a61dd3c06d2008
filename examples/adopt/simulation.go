package main

import (
	"fmt"
	"time"

	"github.com/entrafed/entrafed/examples/internal/simulation"
	"github.com/entrafed/entrafed/federation/entratest"
)

// newClock is a clock that nobody waits for.
func newClock() *entratest.Clock { return entratest.NewClock(time.Now()) }

// newTenantFile is a tenant with users of all kinds. If its domain is federated, Graph refuses to change their
// ImmutableIDs.
func newTenantFile(federated bool, now time.Time) simulation.File {
	const domain, initial = "contoso.com", "contoso.onmicrosoft.com"
	f := simulation.File{InitialDomain: initial, Domain: domain, Federated: federated}
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
