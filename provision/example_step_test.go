package provision_test

import (
	"context"
	"fmt"

	"github.com/entrafed/entrafed/provision"
)

// ticket opens a ticket for whoever hands out the keys, as soon as there is an account. Opening it twice is no harm: the
// desk knows it by the object ID.
type ticket struct{ open func(id, upn string) error }

func (ticket) Name() string  { return "ticket" }
func (ticket) After() string { return provision.StepCreate }

func (s ticket) Run(_ context.Context, _ provision.Person, account provision.Account) error {
	return s.open("keys-"+account.ObjectID, account.UPN)
}

// The host's own step runs directly after the account is created, before the licences are assigned.
func ExamplePlacedStep() {
	clock := newClock()
	directory := newTenant() // stands in for the client of package msgraph
	directory.now = clock.Now

	desk := ticket{open: func(_, upn string) error {
		fmt.Println("a ticket for", upn)
		return nil
	}}
	people, err := provision.New(provision.Config{
		Directory: directory,
		Rules:     provision.Rules{Domain: "contoso.com", UsageLocation: "DE"},
		Extra:     []provision.Step{desk},
		Now:       clock.Now, // leave out both in production
		Sleep:     clock.Sleep,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	person := provision.Person{Connection: "linkedin", ID: "p-7", Email: "partner@example.org"}
	if _, err := people.Ensure(context.Background(), person); err != nil {
		fmt.Println(err)
	}
	// Output:
	// a ticket for partner@contoso.com
}
