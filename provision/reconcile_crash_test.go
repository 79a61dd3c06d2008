package provision_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// roundProcess is a process that reconciles, until it crashes.
type roundProcess struct {
	*leasedProcess
	dir *changingTenant
	mem *provision.MemoryStore
}

func (p *roundProcess) UpdateUser(ctx context.Context, id string, change provision.UserChange) error {
	return p.step(func() error { return p.dir.UpdateUser(ctx, id, change) })
}

func (p *roundProcess) RevokeSessions(ctx context.Context, id string) error {
	return p.step(func() error { return p.dir.RevokeSessions(ctx, id) })
}

func (p *roundProcess) DeleteUser(ctx context.Context, id string) error {
	return p.step(func() error { return p.dir.DeleteUser(ctx, id) })
}

func (p *roundProcess) FindDeletedUsers(
	ctx context.Context, key provision.UserKey,
) (users []provision.User, err error) {
	err = p.step(func() error { users, err = p.dir.FindDeletedUsers(ctx, key); return err })
	return users, err
}

func (p *roundProcess) RestoreUser(ctx context.Context, id, upn string) (user provision.User, err error) {
	err = p.step(func() error { user, err = p.dir.RestoreUser(ctx, id, upn); return err })
	return user, err
}

func (p *roundProcess) PurgeUser(ctx context.Context, id string) error {
	return p.dir.PurgeUser(ctx, id)
}

func (p *roundProcess) ListUsers(ctx context.Context, cursor string) (provision.UserPage, error) {
	return p.dir.ListUsers(ctx, cursor)
}

func (p *roundProcess) UserChanges(ctx context.Context, cursor string) (page provision.ChangePage, err error) {
	err = p.step(func() error { page, err = p.dir.UserChanges(ctx, cursor); return err })
	return page, err
}

func (p *roundProcess) LoadByObjectID(ctx context.Context, id string) (rec provision.Record, err error) {
	err = p.step(func() error { rec, err = p.mem.LoadByObjectID(ctx, id); return err })
	return rec, err
}

func (p *roundProcess) List(
	ctx context.Context, after provision.PersonKey, n int,
) (recs []provision.Record, err error) {
	err = p.step(func() error { recs, err = p.mem.List(ctx, after, n); return err })
	return recs, err
}

func (p *roundProcess) LoadCursor(ctx context.Context, name string) (value string, err error) {
	err = p.step(func() error { value, err = p.mem.LoadCursor(ctx, name); return err })
	return value, err
}

func (p *roundProcess) SaveCursor(ctx context.Context, name, value string) error {
	return p.step(func() error { return p.mem.SaveCursor(ctx, name, value) })
}

func TestARoundThatCrashesAnywhereIsDoneByTheNextOne(t *testing.T) {
	t.Parallel()
	for name, full := range map[string]bool{"a walk": true, "changes": false} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, crash after the effect: %v", name, after), func(t *testing.T) {
				t.Parallel()
				crashAt := 1
				for ; crashAndReconcile(t, full, crashAt, after); crashAt++ {
					require.Less(t, crashAt, 300)
				}
				require.Greater(t, crashAt, 50, "so many calls a round takes at least")
			})
		}
	}
}

// crashAndReconcile reports whether the first process did crash.
func crashAndReconcile(t *testing.T, full bool, crashAt int, after bool) (crashed bool) {
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, _ := provisioned(t)
		dir.page = 2
		people := []provision.Person{contractor()}
		for i := range 5 {
			person := provision.Person{Connection: "google", ID: fmt.Sprint(i), Email: fmt.Sprintf("p%d@example.net", i)}
			ensured(t, dir, store, p, person)
			people = append(people, person)
		}
		if !full {
			reconcile(t, p, provision.Reconciliation{})
		}
		ids := make([]string, len(people))
		for i, person := range people {
			ids[i] = recordOf(t, store, person).ObjectID
		}
		dir.edit(ids[0], func(u *provision.User) { u.AccountEnabled, u.ImmutableID = false, "another" })
		dir.purge(ids[1])
		dir.remove(ids[2])
		dir.edit(ids[3], func(u *provision.User) { u.UserPrincipalName = "renamed@contoso.com" })
		dir.edit(ids[4], func(u *provision.User) { u.SKUIDs = nil })
		retired(t, store, recordOf(t, store, people[5]))
		dir.changed(ids[5])

		process := &process{directory: dir, store: store, crashAt: crashAt, after: after}
		both := &roundProcess{&leasedProcess{process, store}, dir, store}
		_, err := newProvisioner(t, licensed(config(both, both), standardSKU)).
			Reconcile(t.Context(), provision.Reconciliation{Repair: always})
		if crashed = process.crashed; !crashed {
			require.NoError(t, err)
		}
		if err != nil {
			require.True(t, errors.Is(err, errCrashed), err)
		}

		time.Sleep(time.Minute) // in which the lease of the crashed one expires
		p = newProvisioner(t, licensed(config(dir, store), standardSKU))
		_, err = p.Reconcile(t.Context(), provision.Reconciliation{Repair: always})
		require.NoError(t, err, "crash at call %d", crashAt)
		for i, person := range people[:5] {
			account, err := p.Ensure(t.Context(), person)
			require.NoError(t, err)
			user, err := dir.tenant.FindUser(t.Context(), provision.UserKey{ObjectID: account.ObjectID})
			require.NoError(t, err)
			require.Equal(t, account.ImmutableID, user.ImmutableID)
			require.Equal(t, account.UPN, user.UserPrincipalName)
			require.True(t, user.AccountEnabled)
			require.Equal(t, []string{standardSKU}, user.SKUIDs)
			require.Equal(t, i != 1, account.ObjectID == ids[i], "only what was purged is made anew")
		}
		require.False(t, dir.user(ids[5]).AccountEnabled)
		require.Contains(t, dir.revoked, ids[5])
		require.Len(t, dir.users, len(people))
		require.Empty(t, dir.gone)
		found, done := reconcile(t, p, provision.Reconciliation{Full: true})
		require.Empty(t, found)
		require.Equal(t, len(people), done.Looked)
	})
	return crashed
}
