package provision_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// requireReleased requires that nobody holds the person's lease.
func requireReleased(t *testing.T, store provision.Leaser) {
	t.Helper()
	_, err := store.Acquire(t.Context(), contractor().Key(), time.Second)
	require.NoError(t, err)
}

// requireHeld requires that somebody holds it.
func requireHeld(t *testing.T, store provision.Leaser) {
	t.Helper()
	_, err := store.Acquire(t.Context(), contractor().Key(), time.Second)
	require.ErrorIs(t, err, provision.ErrLeaseHeld)
}

func TestOneProcessWorksAndTheOtherWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), provision.NewMemoryStore()
		dir.lag = 3 * time.Second
		c := licensed(config(dir, store), standardSKU)
		began := time.Now()
		var all sync.WaitGroup
		var first provision.Account
		all.Go(func() {
			var err error
			first, err = newProvisioner(t, c).Ensure(t.Context(), contractor())
			require.NoError(t, err)
		})
		synctest.Wait()
		var waited []provision.Event
		second, err := newProvisioner(t, c).EnsureWithProgress(t.Context(), contractor(), func(e provision.Event) {
			if e.State == provision.Waiting {
				waited = append(waited, e)
			}
		})
		require.NoError(t, err)
		took := time.Since(began)
		all.Wait()
		require.Equal(t, first, second)
		require.Equal(t, 1, dir.count("CreateUser"))
		require.Equal(t, 1, dir.count("ChangeLicenses"))
		oneAccount(t, dir, second)
		require.Less(t, took, 17*time.Second, "not much longer than the first")
		require.Len(t, waited, int(took/time.Second))
		for i, e := range waited {
			require.Equal(t, provision.StepKnown, e.Step)
			require.Equal(t, provision.ReasonBusy, e.Reason)
			require.Equal(t, i+1, e.Attempt)
			require.Equal(t, time.Second, e.Wait)
		}
		requireReleased(t, store)
	})
}

func TestWhereOneProcessFailsTheOtherGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), provision.NewMemoryStore()
		dir.next("ChangeLicenses", fault{
			before: func(context.Context) { time.Sleep(5 * time.Second) },
			err:    status(403),
		})
		c := licensed(config(dir, store), standardSKU)
		var all sync.WaitGroup
		all.Go(func() {
			_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
			require.ErrorIs(t, err, provision.ErrForbidden)
		})
		synctest.Wait()
		account, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		all.Wait()
		oneAccount(t, dir, account)
		require.Equal(t, 1, dir.count("CreateUser"), "it goes on from where the other stopped")
	})
}

func TestTheLeaseOfACrashedProcessIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), provision.NewMemoryStore()
		_, err := store.Acquire(t.Context(), contractor().Key(), 30*time.Second)
		require.NoError(t, err)
		began := time.Now()
		account, err := newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, began.Add(30*time.Second).UTC(), account.CreatedAt)
		oneAccount(t, dir, account)
	})
}

func TestALeaseThatIsHeldForLongerThanTheBudgetIsNotReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), provision.NewMemoryStore()
		_, err := store.Acquire(t.Context(), contractor().Key(), time.Hour)
		require.NoError(t, err)
		began := time.Now()
		_, err = newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrNotReady)
		require.ErrorContains(t, err, "another process is at work")
		requireOneSentinel(t, err)
		requireStep(t, err, provision.StepKnown)
		var failure *provision.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, provision.ReasonNotReady, failure.Reason())
		_, again := failure.RetryAfter()
		require.True(t, again)
		require.Equal(t, 2*time.Minute, time.Since(began))
		require.Empty(t, dir.calls)
		requireHeld(t, store)
	})
}

func TestTheLeaseIsRenewedWhileTheRunWorks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), provision.NewMemoryStore()
		dir.next("CreateUser", fault{err: throttled(90 * time.Second)})
		var all sync.WaitGroup
		all.Go(func() {
			_, err := newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor())
			require.NoError(t, err)
		})
		for range 104 {
			synctest.Wait()
			requireHeld(t, store)
			time.Sleep(time.Second)
		}
		all.Wait()
		requireReleased(t, store)
	})
}

func TestTheLeaseIsReleasedHoweverTheRunEnds(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(dir *tenant, c *provision.Config, cancel func()){
		"well":              func(*tenant, *provision.Config, func()) {},
		"refused":           func(dir *tenant, _ *provision.Config, _ func()) { dir.next("CreateUser", fault{err: status(403)}) },
		"without time left": func(dir *tenant, _ *provision.Config, _ func()) { dir.always("CreateUser", fault{err: status(503)}) },
		"canceled": func(dir *tenant, _ *provision.Config, cancel func()) {
			dir.next("FindUser", fault{before: func(context.Context) { cancel() }})
		},
		"by a panic": func(_ *tenant, c *provision.Config, _ func()) {
			c.Extra = []provision.Step{ownStep{"breaks", func(context.Context, provision.Person, provision.Account) error {
				panic("broken")
			}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newTenant(), provision.NewMemoryStore()
				c := config(dir, store)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				change(dir, &c, cancel)
				_, err := newProvisioner(t, c).Ensure(ctx, contractor())
				require.Equal(t, name == "well", err == nil, "%v", err)
				synctest.Wait()
				requireReleased(t, store)
			})
		})
	}
}

func TestARunThatHangsDoesNotKeepTheLeaseForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), provision.NewMemoryStore()
		dir.next("CreateUser", fault{before: func(context.Context) { time.Sleep(time.Hour) }}) // deaf to its context
		began := time.Now()
		go newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor()) //nolint:errcheck // it hangs
		synctest.Wait()
		requireHeld(t, store)
		time.Sleep(2*time.Minute + 30*time.Second)
		requireReleased(t, store)

		account, err := newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Less(t, time.Since(began), 10*time.Minute)
		time.Sleep(time.Hour)
		oneAccount(t, dir, account)
	})
}

func TestAPersonWhoIsReadyNeedsNoLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), provision.NewMemoryStore()
		_, err := newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		_, err = store.Acquire(t.Context(), contractor().Key(), time.Hour)
		require.NoError(t, err)
		began := time.Now()
		_, err = newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, began, time.Now())
	})
}

func TestWhoGetsTheLeaseLooksAtTheRecordAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, inner := newTenant(), provision.NewMemoryStore()
		store := &leaser{MemoryStore: inner}
		var once sync.Once
		store.acquire = func(ctx context.Context, key provision.PersonKey, ttl time.Duration) (provision.Lease, error) {
			once.Do(func() { // another process does it all after this one has looked
				_, err := newProvisioner(t, config(dir, inner)).Ensure(ctx, contractor())
				require.NoError(t, err)
				dir.calls = nil
			})
			return inner.Acquire(ctx, key, ttl)
		}
		account, err := newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Empty(t, dir.calls)
		oneAccount(t, dir, account)
		requireReleased(t, inner)
	})
}

func TestWhoWaitsMayLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), provision.NewMemoryStore()
		_, err := store.Acquire(t.Context(), contractor().Key(), time.Hour)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		_, err = newProvisioner(t, config(dir, store)).Ensure(ctx, contractor())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		requireHeld(t, store)
	})
}

func TestALeaseThatCannotBeTakenEndsTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), &leaser{MemoryStore: provision.NewMemoryStore()}
		store.acquire = func(context.Context, provision.PersonKey, time.Duration) (provision.Lease, error) {
			return provision.Lease{}, errDisk
		}
		_, err := newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, errDisk)
		requireStep(t, err, provision.StepKnown)
		require.Empty(t, dir.calls)
	})
}

func TestALeaseThatFailsLaterChangesNothingForThePerson(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		renew   func(ctx context.Context, lease provision.Lease, ttl time.Duration) error
		release func(ctx context.Context, lease provision.Lease) error
		renewed int64
		logged  string
	}{
		"a store that fails is asked again": {
			renew:   func(context.Context, provision.Lease, time.Duration) error { return errDisk },
			renewed: 8},
		"a lost lease is not renewed": {
			renew:   func(context.Context, provision.Lease, time.Duration) error { return provision.ErrLeaseLost },
			renewed: 1, logged: "not renewed any more"},
		"a panic is caught": {
			renew:   func(context.Context, provision.Lease, time.Duration) error { panic("broken") },
			renewed: 1, logged: "panic: broken"},
		"a lease that is not released expires": {
			release: func(context.Context, provision.Lease) error { return errDisk },
			renewed: 8, logged: "was not released"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, inner := newTenant(), provision.NewMemoryStore()
				dir.next("CreateUser", fault{err: throttled(70 * time.Second)})
				var renewed atomic.Int64
				store := &leaser{MemoryStore: inner, release: tc.release}
				store.renew = func(ctx context.Context, lease provision.Lease, ttl time.Duration) error {
					renewed.Add(1)
					if tc.renew != nil {
						return tc.renew(ctx, lease, ttl)
					}
					return inner.Renew(ctx, lease, ttl)
				}
				var log bytes.Buffer
				c := config(dir, store)
				c.Logger = slog.New(slog.NewTextHandler(&log, nil))
				account, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
				require.NoError(t, err)
				oneAccount(t, dir, account)
				require.Equal(t, tc.renewed, renewed.Load())
				require.Contains(t, log.String(), tc.logged)
				require.Equal(t, tc.logged != "", bytes.Contains(log.Bytes(), []byte("lease")))
			})
		})
	}
}

func TestAPanicInReleaseIsCaught(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &leaser{MemoryStore: provision.NewMemoryStore()}
		store.release = func(context.Context, provision.Lease) error { panic("broken") }
		_, err := newProvisioner(t, config(newTenant(), store)).Ensure(t.Context(), contractor())
		require.ErrorContains(t, err, "panic: broken")
		var failure *provision.Error
		require.True(t, errors.As(err, &failure))
	})
}
