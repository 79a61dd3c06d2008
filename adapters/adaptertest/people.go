package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

// people stands for the pipeline: it chooses accounts as the pipeline does, and remembers for whom.
type people struct {
	mu          sync.Mutex
	provisioned []provision.Person
}

var errNoAddress = errors.New("the person has no address")

// EnsureWithProgress implements adapters.People. It refuses a person without an address, as rules for UPNs may.
func (p *people) EnsureWithProgress(
	ctx context.Context, person provision.Person, _ func(provision.Event),
) (provision.Account, error) {
	err := person.Validate()
	if err == nil && person.Email == "" && person.UPN == "" {
		err = fmt.Errorf("%w: %w", provision.ErrInvalidPerson, errNoAddress)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return provision.Account{}, &provision.Error{Step: provision.StepSelect, Person: person.Key(), Err: err}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.provisioned = append(p.provisioned, person)
	return accountOf(person)
}

func (p *people) all() []provision.Person {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]provision.Person(nil), p.provisioned...)
}

// forget forgets for whom accounts were chosen.
func (p *people) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.provisioned = nil
}

// accountOf is what the pipeline's defaults give to the person, or what the host stated.
func accountOf(person provision.Person) (account provision.Account, err error) {
	account.UPN, account.ImmutableID = person.UPN, person.ImmutableID
	if account.UPN == "" {
		account.UPN, err = provision.UPNFromEmail(domain)(person, 0)
	}
	if account.ImmutableID == "" {
		account.ImmutableID = provision.ImmutableIDFromSubject(person.Connection, person.ID)
	}
	return account, err
}

// userOf is the person in the tenant.
func userOf(person provision.Person) (entratest.User, error) {
	account, err := accountOf(person)
	return entratest.User{UPN: account.UPN, ImmutableID: account.ImmutableID, Enabled: true}, err
}
