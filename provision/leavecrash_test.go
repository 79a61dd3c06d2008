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

// errand is a call for the contractor that a crash interrupts, and what must be true when it has come to its end.
type errand struct {
	prepare func(t *testing.T, dir *accountTenant, p *provision.Provisioner)
	do      func(ctx context.Context, p *provision.Provisioner) error
	check   func(t *testing.T, dir *accountTenant, store provision.Store, p *provision.Provisioner)
}

func retires(leaving provision.Leaving) func(context.Context, *provision.Provisioner) error {
	return func(ctx context.Context, p *provision.Provisioner) error {
		return p.Retire(ctx, contractor().Key(), leaving)
	}
}

func restores(ctx context.Context, p *provision.Provisioner) error {
	return p.Restore(ctx, contractor())
}

// hasLeft checks that the account is where it should be, and its record says all that happened.
func hasLeft(place string, set ...string) func(*testing.T, *accountTenant, provision.Store, *provision.Provisioner) {
	return func(t *testing.T, dir *accountTenant, store provision.Store, _ *provision.Provisioner) {
		require.Equal(t, append([]string{"retiring", "blocked"}, set...), times(contractorsRecord(t, store)))
		require.Len(t, dir.in(place), 1)
		require.False(t, dir.in(place)[0].AccountEnabled)
		require.Empty(t, dir.in(place)[0].SKUIDs)
		require.Empty(t, dir.members[allStaff])
		require.NotEmpty(t, dir.revoked)
	}
}

// isBack checks that the person is provisioned as ever, with so many accounts having been created so far.
func isBack(created int) func(*testing.T, *accountTenant, provision.Store, *provision.Provisioner) {
	return func(t *testing.T, dir *accountTenant, store provision.Store, p *provision.Provisioner) {
		require.Empty(t, times(contractorsRecord(t, store)))
		back(t, dir, p, contractor())
		ours := 0
		for id := range dir.history {
			if dir.current(id).user.ImmutableID == ourID {
				ours++
			}
		}
		require.Equal(t, created, ours)
	}
}

func TestACrashAtAnyCallOfRetireOrRestoreIsResumed(t *testing.T) {
	t.Parallel()
	retired := func(leaving provision.Leaving) func(*testing.T, *accountTenant, *provision.Provisioner) {
		return func(t *testing.T, _ *accountTenant, p *provision.Provisioner) {
			require.NoError(t, p.Retire(t.Context(), contractor().Key(), leaving))
			time.Sleep(2 * time.Hour)
		}
	}
	lagging := func(_ *testing.T, dir *accountTenant, _ *provision.Provisioner) {
		dir.replica = func() time.Duration { return 4 * time.Second }
	}
	all := func(*testing.T, *accountTenant, *provision.Provisioner) {}
	for name, e := range map[string]errand{
		"blocking": {all, retires(provision.Leaving{}), hasLeft("active", "unlicensed")},
		"deleting": {all, retires(provision.Leaving{Delete: true}), hasLeft("deleted", "unlicensed", "deleted")},
		"purging":  {all, retires(provision.Leaving{Purge: true}), hasLeft("purged", "unlicensed", "deleted", "purged")},
		"purging with lag": {lagging, retires(provision.Leaving{Purge: true}),
			hasLeft("purged", "unlicensed", "deleted", "purged")},
		"purging with lost answers": {func(_ *testing.T, dir *accountTenant, _ *provision.Provisioner) {
			for _, method := range []string{"UpdateUser", "RevokeSessions", "DeleteUser", "PurgeUser"} {
				dir.next(method, fault{err: dropped(), commit: true})
			}
		}, retires(provision.Leaving{Purge: true}), hasLeft("purged", "unlicensed", "deleted", "purged")},
		"restoring a blocked one": {retired(provision.Leaving{}), restores, isBack(1)},
		"restoring a deleted one": {retired(provision.Leaving{Delete: true}), restores, isBack(1)},
		"restoring a deleted one with lag": {func(t *testing.T, dir *accountTenant, p *provision.Provisioner) {
			retired(provision.Leaving{Delete: true})(t, dir, p)
			lagging(t, dir, p)
		}, restores, isBack(1)},
		"restoring a deleted one whose UPN is taken": {func(t *testing.T, dir *accountTenant, p *provision.Provisioner) {
			retired(provision.Leaving{Delete: true})(t, dir, p)
			dir.had("somebody-else", ourUPN)
		}, restores, isBack(1)},
		"restoring a purged one": {retired(provision.Leaving{Purge: true}), restores, isBack(2)},
	} {
		for _, leases := range []bool{false, true} {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, leases %v, crash after the effect: %v", name, leases, after), func(t *testing.T) {
					t.Parallel()
					for crashAt := 1; crashAndContinue(t, e, leases, crashAt, after); crashAt++ {
						require.Less(t, crashAt, 100)
					}
				})
			}
		}
	}
}

// crashAndContinue reports whether the first process did crash.
func crashAndContinue(t *testing.T, e errand, leases bool, crashAt int, after bool) (crashed bool) {
	synctest.Test(t, func(t *testing.T) {
		dir, memory, second, _ := readyPerson(t)
		e.prepare(t, dir, second)
		p := &process{directory: dir, store: memory, crashAt: crashAt, after: after}
		store := provision.Store(unleased{p})
		if leases {
			store = &leasedProcess{p, memory}
		}
		first := newProvisioner(t, leavingConfig(&accountProcess{p, dir}, store))
		err := e.do(t.Context(), first)
		if crashed = p.crashed; crashed {
			if err != nil {
				require.ErrorIs(t, err, errCrashed)
			}
			err = e.do(t.Context(), second)
			// While a replica lags, a deletion and its answer may both be lost. The budget may end in the middle of a call.
			if errors.Is(err, provision.ErrNotReady) || errors.Is(err, provision.ErrUnavailable) {
				time.Sleep(2 * time.Hour)
				err = e.do(t.Context(), second)
			}
		}
		require.NoError(t, err, "crash at call %d", crashAt)
		e.check(t, dir, memory, second)
	})
	return crashed
}
