package main

import (
	"fmt"
	"time"

	"github.com/entrafed/entrafed/examples/internal/simulation"
	"github.com/entrafed/entrafed/federation/entratest"
)

// newClock is a clock that nobody waits for.
func newClock() *entratest.Clock { return entratest.NewClock(time.Now().UTC().Truncate(time.Second)) }

// newTenantFile is a tenant whose default domain is not federated yet.
func newTenantFile(now time.Time) simulation.File {
	const domain, initial = "contoso.com", "contoso.onmicrosoft.com"
	f := simulation.File{InitialDomain: initial, Domain: domain, Default: true, Children: []string{"hr." + domain}}
	add := func(user entratest.User) {
		user.Enabled, user.CreatedAt = true, now.AddDate(-1, 0, 0).UTC().Truncate(time.Second)
		f.Users = append(f.Users, user)
	}
	for i := range 3 {
		name := fmt.Sprintf("employee%d@%s", i+1, domain)
		add(entratest.User{UPN: name, Mail: name})
	}
	add(entratest.User{UPN: "contractor@" + domain, Mail: "contractor@" + domain})
	add(entratest.User{UPN: "emergency@" + initial, AdminRole: true, GlobalAdministrator: true})
	return f
}
