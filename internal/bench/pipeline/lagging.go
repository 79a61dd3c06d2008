package pipeline

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// lagging is a directory all of whose replicas show a new account at the same time, exactly lag after it was created, and
// the sign-in service's trails behind them.
type lagging struct {
	lag    time.Duration
	behind time.Duration

	mu      sync.Mutex
	draw    *rand.Rand
	created map[string]time.Time // by ImmutableID
}

func newLagging(lag, behind time.Duration) *lagging {
	return &lagging{lag: lag, behind: behind, draw: rand.New(rand.NewPCG(4, uint64(lag))), created: map[string]time.Time{}}
}

// How long a call takes, there and back.
const (
	fastestCall = 30 * time.Millisecond
	slowestCall = 150 * time.Millisecond
)

// readyAt is when the sign-in service knows the account.
func (d *lagging) readyAt(immutableID string) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.created[immutableID].Add(d.lag + d.behind)
}

// call has something happen in the middle of a call.
func (d *lagging) call(happens func() error) error {
	d.mu.Lock()
	half := (fastestCall + time.Duration(d.draw.Int64N(int64(slowestCall-fastestCall)))) / 2
	d.mu.Unlock()
	time.Sleep(half)
	defer time.Sleep(half)
	d.mu.Lock()
	defer d.mu.Unlock()
	return happens()
}

func (d *lagging) CreateUser(_ context.Context, user provision.NewUser) (provision.User, error) {
	var created provision.User
	err := d.call(func() error {
		if _, ok := d.created[user.ImmutableID]; ok {
			return &provision.DirectoryError{Operation: "creating the user", Err: provision.ErrConflict}
		}
		d.created[user.ImmutableID] = time.Now()
		created = d.user(user.ImmutableID)
		return nil
	})
	return created, err
}

func (d *lagging) FindUser(_ context.Context, key provision.UserKey) (provision.User, error) {
	var found provision.User
	err := d.call(func() error {
		at, ok := d.created[key.ImmutableID]
		if !ok || time.Since(at) < d.lag {
			return &provision.DirectoryError{Operation: "finding the user", Err: provision.ErrNotFound}
		}
		found = d.user(key.ImmutableID)
		return nil
	})
	return found, err
}

func (d *lagging) user(immutableID string) provision.User {
	return provision.User{ObjectID: "object-" + immutableID, ImmutableID: immutableID}
}

func (d *lagging) SKUs(context.Context) ([]provision.SKU, error) { return nil, nil }

func (d *lagging) ChangeLicenses(context.Context, string, provision.LicenseChange) error {
	return errNoLicences
}
