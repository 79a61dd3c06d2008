package provision_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestWaitEndsWhenWhatWasLeftHasLanded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), provision.NewMemoryStore()
		ctx, leave := context.WithCancel(t.Context())
		dir.next("CreateUser", fault{before: func(context.Context) {
			leave()
			time.Sleep(3 * time.Second) // the directory takes its time
		}})
		p := newProvisioner(t, config(dir, store))
		began := time.Now()
		_, err := p.Ensure(ctx, contractor())
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, time.Since(began), "who leaves does not wait")

		require.NoError(t, p.Wait(t.Context()))
		require.Equal(t, 3*time.Second, time.Since(began))
		rec, err := store.Load(t.Context(), contractor().Key())
		require.NoError(t, err)
		require.False(t, rec.CreatedAt.IsZero(), "what was done is remembered")
		_, err = store.Acquire(t.Context(), contractor().Key(), time.Minute)
		require.NoError(t, err, "the lease is given back")
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProvisioner(t, config(newTenant(), nil))
		require.NoError(t, p.Wait(t.Context()), "nothing is under way")
		go func() { _, _ = p.Ensure(t.Context(), contractor()) }()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, p.Wait(ctx), context.DeadlineExceeded)
		require.NoError(t, p.Wait(t.Context()))
	})
}
