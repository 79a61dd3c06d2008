package provision_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// A Restore that crashed may have enabled the account. A Retire that succeeds after it must have blocked it again.
func TestALeaveAfterAReturnThatCrashedBlocksTheAccountAgain(t *testing.T) {
	t.Parallel()
	for crashAt := 1; ; crashAt++ {
		crashed := false
		synctest.Test(t, func(t *testing.T) {
			dir, store, p, account := readyPerson(t)
			require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
			process := &process{directory: dir, store: store, crashAt: crashAt}
			_ = newProvisioner(t, leavingConfig(&accountProcess{process, dir}, process)).Restore(t.Context(), contractor())
			crashed = process.crashed
			if !crashed {
				return
			}
			require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
			require.False(t, dir.user(account.ObjectID).AccountEnabled, "crash at call %d", crashAt)
		})
		if !crashed {
			return
		}
		require.Less(t, crashAt, 100)
	}
}
