package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/entrafed/entrafed/provision"
)

// What a person is called in the stream follows from the person's number, and the number from that, so that nothing of it
// has to be kept.

// immutableIDFromID is the rule of the stream.
func immutableIDFromID(p provision.Person) (string, error) { return p.ID, nil }

// numberOf is the number in a name: "p0000017", "p0000017@contoso.com".
func numberOf(name string, people int) (int, error) {
	local, _, _ := strings.Cut(name, "@")
	n, err := strconv.Atoi(strings.TrimPrefix(local, "p"))
	if err != nil || n < 0 || n >= people {
		return 0, fmt.Errorf("%q is none of the %d people", name, people)
	}
	return n, nil
}

// flatDirectory is a directory without lag that keeps one byte for each person: how many accounts were created.
type flatDirectory struct {
	mu       sync.Mutex
	accounts []uint8
}

func newFlatDirectory(people int) *flatDirectory {
	return &flatDirectory{accounts: make([]uint8, people)}
}

func (d *flatDirectory) CreateUser(_ context.Context, user provision.NewUser) (provision.User, error) {
	n, err := numberOf(user.UserPrincipalName, len(d.accounts))
	if err != nil {
		return provision.User{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.accounts[n] > 0 {
		return provision.User{}, &provision.DirectoryError{Operation: "creating the user", Err: provision.ErrConflict}
	}
	d.accounts[n]++
	return accountOf(user.ImmutableID), nil
}

func (d *flatDirectory) CreateUsers(ctx context.Context, users []provision.NewUser) ([]provision.Created, error) {
	created := make([]provision.Created, len(users))
	for i, user := range users {
		created[i].User, created[i].Err = d.CreateUser(ctx, user)
	}
	return created, nil
}

func (d *flatDirectory) FindUser(_ context.Context, key provision.UserKey) (provision.User, error) {
	n, err := numberOf(key.ImmutableID, len(d.accounts))
	if err != nil {
		return provision.User{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.accounts[n] == 0 {
		return provision.User{}, &provision.DirectoryError{Operation: "finding the user", Err: provision.ErrNotFound}
	}
	return accountOf(key.ImmutableID), nil
}

func accountOf(immutableID string) provision.User {
	return provision.User{
		ObjectID: "object-" + immutableID, ImmutableID: immutableID, UserPrincipalName: immutableID + "@" + domain,
		AccountEnabled: true, UsageLocation: "DE",
	}
}

func (d *flatDirectory) SKUs(context.Context) ([]provision.SKU, error) { return nil, nil }

func (d *flatDirectory) ChangeLicenses(context.Context, string, provision.LicenseChange) error {
	return errNoLicences
}

var errNoLicences = errors.New("this directory has no licences")

// everybodyOnce reports an error unless everybody has one account.
func (d *flatDirectory) everybodyOnce() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n, accounts := range d.accounts {
		if accounts != 1 {
			return fmt.Errorf("person %d has %d accounts", n, accounts)
		}
	}
	return nil
}
