package pipeline

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
)

// What the documentation of Graph allows one application in one tenant to write:
// https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits.
const (
	allowedWrites = 3_000
	writeWindow   = 150 * time.Second
)

// ceiling is how many people a second the documented limit allows, if each costs one creation and a twentieth of a write
// that adds twenty members to a group: 19.05.
const ceiling = allowedWrites / (float64(writeWindow) / float64(time.Second)) / (1 + 1.0/provision.MaxMembers)

// What the tenant has.
const (
	domain     = "contoso.com"
	connection = "people"
	staff      = "bbbbbbbb-0000-4000-8000-000000000001" // the group that gives the licence
	partners   = "bbbbbbbb-0000-4000-8000-000000000002" // a group that gives nothing
	business   = "f245ecc8-75af-4f8e-b61f-27d8114de5f3" // the subscription, Microsoft 365 Business Standard

	// employees were there before. With more than 500 users the tenant is large by Graph's reckoning, from the first new
	// one on.
	employees = 600
)

// tenant is a simulated tenant of more than 500 users, with a seat for everybody, as one application reaches it.
type tenant struct {
	entra *entratest.Tenant
	graph *counted
}

// newTenant returns a tenant with the documented limits. Its clock is the bubble's.
func newTenant(seed uint64, lag entratest.Lag, seats int) (*tenant, error) {
	entra, err := entratest.New(entratest.Config{
		Seed:  seed,
		Lag:   lag,
		SKUs:  []entratest.SKU{{ID: business, PartNumber: "O365_BUSINESS_PREMIUM", Enabled: seats}},
		Users: staffed(),
		Groups: []entratest.Group{
			{ObjectID: staff, DisplayName: "Staff", SKUIDs: []string{business}},
			{ObjectID: partners, DisplayName: "Partners"},
		},
	})
	if err != nil {
		return nil, err
	}
	graph, err := msgraph.New(msgraph.Config{
		Cloud: entra.Cloud(), Credential: entra.Credential(), Transport: entra.Transport(),
	})
	if err != nil {
		return nil, err
	}
	return &tenant{entra, &counted{Tenant: graph}}, nil
}

// staffed are the users who were there before.
func staffed() []entratest.User {
	users := make([]entratest.User, employees)
	for i := range users {
		users[i] = entratest.User{
			ObjectID: fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", i), UPN: fmt.Sprintf("employee%d@%s", i, domain),
			ImmutableID: fmt.Sprintf("employee%d", i), Enabled: true, UsageLocation: "DE",
		}
	}
	return users
}

// drain makes so many writes at once, of the 3,000 that the limit allows after a quiet time. It costs no time.
func (t *tenant) drain(ctx context.Context, writes int) error {
	for i := range writes {
		id := t.entra.Config().Users[i%employees].ObjectID
		if err := t.graph.UpdateUser(ctx, id, provision.UserChange{DisplayName: fmt.Sprint("Employee ", i)}); err != nil {
			return fmt.Errorf("draining the write limit: %w", err)
		}
	}
	return nil
}

// drained makes so many writes at once and returns a Provisioner that goes on from there at a pace: its pacer knows of
// them.
func (t *tenant) drained(ctx context.Context, pace provision.Pace, writes int) (*provision.Provisioner, error) {
	pacer, err := provision.NewMemoryPacer(pace, nil)
	if err != nil {
		return nil, err
	}
	turn, err := pacer.Turn(ctx, provision.TurnRequest{Cost: provision.Cost{Writes: writes, Units: writes}})
	if err != nil {
		return nil, err
	}
	if !turn.Taken || turn.Wait > 0 {
		return nil, fmt.Errorf("the pacer does not allow %d writes at once", writes)
	}
	if err := t.drain(ctx, writes); err != nil {
		return nil, err
	}
	return provision.New(provision.Config{Directory: t.graph, Rules: byGroup(), Pacer: pacer})
}

// licensed reports an error unless the tenant has exactly one account for each of the new people, each with a seat, and
// nobody else.
func (t *tenant) licensed(people int) error {
	upns := make(map[string]bool, people)
	immutableIDs := make(map[string]bool, people)
	for _, u := range t.entra.Users() {
		if strings.HasPrefix(u.UPN, "employee") {
			continue
		}
		if len(u.SKUIDs) != 1 {
			return fmt.Errorf("%s holds %d seats, not one", u.UPN, len(u.SKUIDs))
		}
		upns[u.UPN], immutableIDs[u.ImmutableID] = true, true
	}
	users := len(t.entra.Users()) - employees
	if users != people || len(upns) != people || len(immutableIDs) != people {
		return fmt.Errorf("%d people have %d accounts with %d UPNs and %d ImmutableIDs", people, users, len(upns),
			len(immutableIDs))
	}
	return nil
}

// member is one of the new people.
func member(i int) provision.Person {
	id := fmt.Sprintf("p%07d", i)
	return provision.Person{Connection: connection, ID: id, Email: id + "@example.net"}
}

// crowd are the first n new people.
func crowd(n int) iter.Seq2[provision.Person, error] {
	return func(yield func(provision.Person, error) bool) {
		for i := range n {
			if !yield(member(i), nil) {
				return
			}
		}
	}
}

// byGroup are the rules by which everybody gets the licence of the group.
func byGroup() provision.Rules {
	return provision.Rules{
		Domain: domain, UsageLocation: "DE", Licenses: []provision.License{{Group: staff}},
	}
}
