package provision_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// A Restore that crashed may have brought the account back and enabled it. A Retire that succeeds after it must have
// blocked it again, and deleted it if it is told so.
func TestALeaveAfterAReturnThatCrashedIsAsGoodAsTheFirst(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		leaving provision.Leaving
		place   string
	}{
		"blocking":                   {provision.Leaving{}, "active"},
		"deleting":                   {provision.Leaving{Delete: true}, "deleted"},
		"deleting, with all it has":  {provision.Leaving{Delete: true, KeepLicenses: true}, "deleted"},
		"deleting for good, at last": {provision.Leaving{Delete: true}, "purged"},
	} {
		for _, lag := range []time.Duration{0, 4 * time.Second} {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, lag %v, crash after the effect: %v", name, lag, after), func(t *testing.T) {
					t.Parallel()
					for crashAt := 1; returnAndLeave(t, tc.leaving, tc.place, lag, crashAt, after); crashAt++ {
						require.Less(t, crashAt, 100)
					}
				})
			}
		}
	}
}

// returnAndLeave reports whether the Restore did crash.
func returnAndLeave(
	t *testing.T, leaving provision.Leaving, place string, lag time.Duration, crashAt int, after bool,
) (crashed bool) {
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, account := readyPerson(t)
		require.NoError(t, p.Retire(t.Context(), contractor().Key(), leaving))
		time.Sleep(2 * time.Hour)
		dir.replica = func() time.Duration { return lag }
		process := &process{directory: dir, store: store, crashAt: crashAt, after: after}
		_ = newProvisioner(t, leavingConfig(&accountProcess{process, dir}, unleased{process})).
			Restore(t.Context(), contractor())
		if crashed = process.crashed; !crashed {
			return
		}
		leaving.Purge = place == "purged"
		require.NoError(t, p.Retire(t.Context(), contractor().Key(), leaving))
		v := dir.current(account.ObjectID)
		require.Equal(t, place, v.place, "crash at call %d", crashAt)
		require.False(t, v.user.AccountEnabled, "crash at call %d", crashAt)
		dir.calls = nil
		require.NoError(t, p.Retire(t.Context(), contractor().Key(), leaving))
		require.Equal(t, place, dir.current(account.ObjectID).place)
	})
	return crashed
}
