package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// The times of the leases: one that does not expire while a test runs, and one that does so at once.
const (
	long    = 24 * time.Hour
	instant = time.Millisecond
)

// How long to wait for an expiry, and how often to look. Nothing is decided by it but when to give up.
const (
	patience = time.Minute
	interval = 5 * time.Millisecond
)

func acquire(t *testing.T, s provision.Leaser, id string) provision.Lease {
	t.Helper()
	lease, err := s.Acquire(t.Context(), person(id), long)
	require.NoError(t, err)
	require.Equal(t, person(id), lease.Key)
	return lease
}

func requireHeld(t *testing.T, s provision.Leaser, id string) {
	t.Helper()
	_, err := s.Acquire(t.Context(), person(id), long)
	require.ErrorIs(t, err, provision.ErrLeaseHeld)
}

// acquireExpired acquires a lease as soon as the present one has expired.
func acquireExpired(t *testing.T, s provision.Leaser, id string) provision.Lease {
	t.Helper()
	for waited := time.Duration(0); waited < patience; waited += interval {
		lease, err := s.Acquire(t.Context(), person(id), long)
		if err == nil {
			return lease
		}
		require.ErrorIs(t, err, provision.ErrLeaseHeld)
		time.Sleep(interval)
	}
	require.FailNow(t, "the lease does not expire")
	return provision.Lease{}
}

func heldLease(t *testing.T, s provision.Leaser) {
	lease := acquire(t, s, "1")
	requireHeld(t, s, "1")
	require.NoError(t, s.Renew(t.Context(), lease, long))
	requireHeld(t, s, "1")
}

func leasesAreIndependent(t *testing.T, s provision.Leaser) {
	for _, key := range lookalikes() {
		lease, err := s.Acquire(t.Context(), key, long)
		require.NoError(t, err)
		require.Equal(t, key, lease.Key)
	}
	for _, key := range lookalikes() {
		_, err := s.Acquire(t.Context(), key, long)
		require.ErrorIs(t, err, provision.ErrLeaseHeld)
	}
	key := provision.PersonKey{Connection: many(128), ID: many(512)}
	_, err := s.Acquire(t.Context(), key, long)
	require.NoError(t, err)
}

func releasedLease(t *testing.T, s provision.Leaser) {
	other := acquire(t, s, "2")
	for range 3 {
		lease := acquire(t, s, "1")
		requireHeld(t, s, "1")
		require.NoError(t, s.Release(t.Context(), lease))
	}
	requireHeld(t, s, "2")
	require.NoError(t, s.Renew(t.Context(), other, long))
}

func expiredLease(t *testing.T, s provision.Leaser) {
	_, err := s.Acquire(t.Context(), person("1"), instant)
	require.NoError(t, err)
	acquireExpired(t, s, "1")
	requireHeld(t, s, "1")
}

func renewedLease(t *testing.T, s provision.Leaser) {
	lease := acquire(t, s, "1")
	require.NoError(t, s.Renew(t.Context(), lease, long))
	requireHeld(t, s, "1")
	require.NoError(t, s.Renew(t.Context(), lease, instant))
	acquireExpired(t, s, "1")
}

func renewReleased(t *testing.T, s provision.Leaser) {
	lease := acquire(t, s, "1")
	require.NoError(t, s.Release(t.Context(), lease))
	require.ErrorIs(t, s.Renew(t.Context(), lease, long), provision.ErrLeaseLost)
	acquire(t, s, "1")
}

func lostLease(t *testing.T, s provision.Leaser) {
	late, err := s.Acquire(t.Context(), person("1"), instant)
	require.NoError(t, err)
	next := acquireExpired(t, s, "1")
	require.ErrorIs(t, s.Renew(t.Context(), late, long), provision.ErrLeaseLost)
	require.NoError(t, s.Release(t.Context(), late))
	requireHeld(t, s, "1")
	require.NoError(t, s.Renew(t.Context(), next, long))

	another := next // a token belongs to one person
	another.Key = person("2")
	require.ErrorIs(t, s.Renew(t.Context(), another, long), provision.ErrLeaseLost)
	require.NoError(t, s.Release(t.Context(), another))
	requireHeld(t, s, "1")
}

func releaseTwice(t *testing.T, s provision.Leaser) {
	lease := acquire(t, s, "1")
	require.NoError(t, s.Release(t.Context(), lease))
	require.NoError(t, s.Release(t.Context(), lease))
	acquire(t, s, "1")
	require.NoError(t, s.Release(t.Context(), lease))
	requireHeld(t, s, "1")
}

func tokensAreUnique(t *testing.T, s provision.Leaser) {
	seen := map[int64]bool{}
	for i := range 10 {
		lease := acquire(t, s, fmt.Sprint(i%3))
		require.False(t, seen[lease.Token], "token %d was used before", lease.Token)
		seen[lease.Token] = true
		require.NoError(t, s.Release(t.Context(), lease))
	}
}

func acquireRace(t *testing.T, s provision.Leaser) {
	for range 3 { // after a release it starts anew
		leases := make([]provision.Lease, crowd)
		errs := atOnce(crowd, func(i int) (err error) {
			leases[i], err = s.Acquire(t.Context(), person("1"), long)
			return err
		})
		winner := leases[oneWins(t, errs, provision.ErrLeaseHeld)]
		require.NoError(t, s.Renew(t.Context(), winner, long))
		require.NoError(t, s.Release(t.Context(), winner))
	}
}

func acquireExpiredRace(t *testing.T, s provision.Leaser) {
	_, err := s.Acquire(t.Context(), person("1"), instant)
	require.NoError(t, err)
	for waited := time.Duration(0); waited < patience; waited += interval {
		leases := make([]provision.Lease, crowd)
		errs := atOnce(crowd, func(i int) (err error) {
			leases[i], err = s.Acquire(t.Context(), person("1"), long)
			return err
		})
		if slices.Contains(errs, nil) {
			require.NoError(t, s.Renew(t.Context(), leases[oneWins(t, errs, provision.ErrLeaseHeld)], long))
			return
		}
		time.Sleep(interval)
	}
	require.FailNow(t, "the lease does not expire")
}

func badLeaseKeys(t *testing.T, s provision.Leaser) {
	for _, text := range []string{"\x00", "a\x00b", "\xff"} {
		for _, key := range []provision.PersonKey{{Connection: text, ID: "1"}, {Connection: "google", ID: text}} {
			_, err := s.Acquire(t.Context(), key, long)
			require.ErrorIs(t, err, provision.ErrInvalidRecord)
			require.ErrorIs(t, s.Renew(t.Context(), provision.Lease{Key: key}, long), provision.ErrInvalidRecord)
			require.ErrorIs(t, s.Release(t.Context(), provision.Lease{Key: key}), provision.ErrInvalidRecord)
		}
	}
}

func leasesStopWithContext(t *testing.T, s provision.Leaser) {
	lease := acquire(t, s, "1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Acquire(ctx, person("2"), long)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.Renew(ctx, lease, long), context.Canceled)
	require.ErrorIs(t, s.Release(ctx, lease), context.Canceled)
	requireHeld(t, s, "1")
	acquire(t, s, "2")
}
