package provision_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// datedTenant says when a user was created, as Graph does.
type datedTenant struct{ *tenant }

func (d datedTenant) FindUser(ctx context.Context, key provision.UserKey) (provision.User, error) {
	found, err := d.tenant.FindUser(ctx, key)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.users {
		if u.ObjectID == found.ObjectID {
			found.CreatedAt = u.createdAt
		}
	}
	return found, err
}

// storeWithoutLeases hides that a store is a Leaser.
type storeWithoutLeases struct{ provision.Store }

// Without leases two processes may be at work for one person: one has reserved the identity, and before it looks for the
// account, the other one finds the reservation, creates the account, and does not know it yet, because the answer is
// lost. It is a new one for both of them.
func TestAnAccountThatAnotherProcessCreatesMeanwhileIsDweltForAsWell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), storeWithoutLeases{provision.NewMemoryStore()}
		second := newProvisioner(t, config(datedTenant{dir}, store))
		dir.next("CreateUser", fault{err: dropped(), commit: true})
		dir.next("FindUser", fault{before: func(context.Context) {
			go func() { _, _ = second.Ensure(t.Context(), contractor()) }()
			time.Sleep(time.Millisecond)
		}})
		account, err := newProvisioner(t, config(datedTenant{dir}, store)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		user := oneAccount(t, dir, account)
		require.GreaterOrEqual(t, time.Since(user.createdAt)+time.Microsecond, 15*time.Second, "the dwell is kept")
	})
}

func TestAnAccountThatWasThereLongBeforeNeedsNoDwell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		person := contractor()
		dir.has(provision.ImmutableIDFromSubject(person.Connection, person.ID), "legacy@contoso.com").createdAt =
			time.Now().Add(-time.Hour)
		began := time.Now()
		account, err := newProvisioner(t, config(datedTenant{dir}, nil)).Ensure(t.Context(), person)
		require.NoError(t, err)
		require.Zero(t, account.CreatedAt)
		require.Less(t, time.Since(began), 5*time.Second)
	})
}
