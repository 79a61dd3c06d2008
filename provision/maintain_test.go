package provision_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// A swap that waits is given up in favour of a leave, and a write that has begun is let finish.
func TestALeaveDuringASwap(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first fault
		want  error // of the swap
	}{
		"that waits for its turn": {fault{err: throttled(time.Minute)}, provision.ErrRetired},
		"that writes":             {fault{before: func(context.Context) { time.Sleep(10 * time.Second) }}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, _, account := readyPerson(t)
				c := leavingConfig(dir, store)
				c.Rules.Licenses = []provision.License{seat(basicSKU)}
				p := newProvisioner(t, c)
				dir.next("ChangeLicenses", tc.first)
				swapped := make(chan error, 1)
				go func() { swapped <- p.SwapLicenses(t.Context(), contractor().Key()) }()
				time.Sleep(5 * time.Second)
				began := time.Now()
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
				require.Less(t, time.Since(began), 2*time.Minute)
				require.ErrorIs(t, <-swapped, tc.want)
				require.Empty(t, dir.user(account.ObjectID).SKUIDs)
				require.False(t, dir.user(account.ObjectID).AccountEnabled)
			})
		})
	}
}
