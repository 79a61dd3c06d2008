package provision_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestAHundredCallsForOnePersonAreOneRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		p := newProvisioner(t, licensed(config(dir, nil), standardSKU))
		accounts := make([]provision.Account, 100)
		errs := make([]error, 100)
		var all sync.WaitGroup
		for i := range accounts {
			all.Go(func() { accounts[i], errs[i] = p.Ensure(t.Context(), contractor()) })
		}
		all.Wait()
		for i := range accounts {
			require.NoError(t, errs[i])
			require.Equal(t, accounts[0], accounts[i])
		}
		oneAccount(t, dir, accounts[0])
		require.Equal(t, 1, dir.count("CreateUser"))
		require.Equal(t, 1, dir.count("ChangeLicenses"))
	})
}

func TestDifferentPeopleAreProvisionedSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, began := newTenant(), time.Now()
		p := newProvisioner(t, licensed(config(dir, nil), standardSKU))
		errs := make([]error, 50)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				person := provision.Person{Connection: "google", ID: fmt.Sprint(i), Email: "same.name@example.net"}
				_, errs[i] = p.Ensure(t.Context(), person)
			})
		}
		all.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Len(t, dir.mine(), 50)
		require.Equal(t, 15*time.Second, time.Since(began))
		require.Equal(t, 1, dir.count("SKUs"), "one read of the list serves all")
	})
}

func TestTwoProvisionersWithOneStoreWithoutLeasesMakeOneAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), unleased{provision.NewMemoryStore()}
		dir.lag = 3 * time.Second
		twoAtOnce(t, dir, newProvisioner(t, licensed(config(dir, store), standardSKU)),
			newProvisioner(t, licensed(config(dir, store), standardSKU)))
	})
}

func TestTwoProvisionersWithTwoStoresMakeOneAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.lag = 3 * time.Second
		twoAtOnce(t, dir, newProvisioner(t, licensed(config(dir, nil), standardSKU)),
			newProvisioner(t, licensed(config(dir, nil), standardSKU)))
	})
}

// twoAtOnce has both provision the same person, each holding its creation until the other is about to send it too.
func twoAtOnce(t *testing.T, dir *tenant, a, b *provision.Provisioner) {
	t.Helper()
	var sending sync.WaitGroup
	sending.Add(2)
	together := fault{before: func(context.Context) { sending.Done(); sending.Wait() }}
	dir.next("CreateUser", together, together)
	var accounts [2]provision.Account
	var errs [2]error
	var all sync.WaitGroup
	for i, p := range []*provision.Provisioner{a, b} {
		all.Go(func() { accounts[i], errs[i] = p.Ensure(t.Context(), contractor()) })
	}
	all.Wait()
	require.NoError(t, errors.Join(errs[:]...))
	oneAccount(t, dir, accounts[0])
	oneAccount(t, dir, accounts[1])
	require.GreaterOrEqual(t, dir.count("CreateUser"), 2)
}

func TestWhoJoinsLateGetsThePastEventsFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProvisioner(t, licensed(config(newTenant(), nil), standardSKU))
		var first, second []provision.Event
		var all sync.WaitGroup
		all.Go(func() {
			_, err := p.EnsureWithProgress(t.Context(), contractor(), func(e provision.Event) { first = append(first, e) })
			require.NoError(t, err)
		})
		all.Go(func() {
			time.Sleep(5 * time.Second)
			joined := time.Now()
			_, err := p.EnsureWithProgress(t.Context(), contractor(), func(e provision.Event) {
				if len(second) == 0 {
					require.Equal(t, 5*time.Second, joined.Sub(e.At), "the first event is the run's, not the caller's")
				}
				second = append(second, e)
			})
			require.NoError(t, err)
		})
		all.Wait()
		require.NotEmpty(t, first)
		require.Equal(t, first, second)
	})
}

func TestEventsTellTheRunInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.next("CreateUser", fault{err: throttled(2 * time.Second)})
		var told []string
		began, last := time.Now(), time.Duration(0)
		_, err := newProvisioner(t, config(dir, nil)).EnsureWithProgress(t.Context(), contractor(), func(e provision.Event) {
			require.Equal(t, e.Elapsed, e.At.Sub(began))
			require.GreaterOrEqual(t, e.Elapsed, last)
			last = e.Elapsed
			require.NotEmpty(t, e.Message)
			text := e.Step + " " + string(e.State)
			if e.State == provision.Waiting {
				text += fmt.Sprintf(" %v #%d %s", e.Wait.Round(time.Millisecond), e.Attempt, e.Reason)
			}
			told = append(told, text)
		})
		require.NoError(t, err)
		require.Equal(t, []string{
			"select started", "select done",
			"known started", "known skipped",
			"token started", "token skipped",
			"reserve started", "reserve done",
			"create started", "create waiting 2s #1 throttled", "create done",
			"license started", "license skipped",
			"settle started", "settle waiting 14s #0 ", "settle waiting 500ms #0 ", "settle waiting 500ms #0 ", "settle done",
		}, told)
	})
}

func TestTheLastEventOfAFailedRunSaysWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.next("CreateUser", fault{err: status(403)})
		var last provision.Event
		_, err := newProvisioner(t, config(dir, nil)).EnsureWithProgress(t.Context(), contractor(),
			func(e provision.Event) { last = e })
		require.ErrorIs(t, err, provision.ErrForbidden)
		require.Equal(t, provision.StepCreate, last.Step)
		require.Equal(t, provision.Failed, last.State)
		require.Equal(t, provision.ReasonForbidden, last.Reason)
	})
}

func TestProgressIsNeverCalledTwiceAtOnceNorAfterTheCallReturned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProvisioner(t, config(newTenant(), nil))
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i+1)*time.Second)
				defer cancel()
				var inside, returned atomic.Bool
				_, err := p.EnsureWithProgress(ctx, contractor(), func(provision.Event) {
					require.False(t, inside.Swap(true), "called twice at once")
					require.False(t, returned.Load(), "called after the return")
					time.Sleep(100 * time.Millisecond) // slow, and nobody else's business
					inside.Store(false)
				})
				returned.Store(true)
				if err != nil {
					require.ErrorIs(t, err, context.DeadlineExceeded)
				}
			})
		}
		all.Wait()
	})
}

func TestACallerWhoLeavesDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		p := newProvisioner(t, config(dir, nil))
		left := errors.New("the browser went away")
		ctx, leave := context.WithCancelCause(t.Context())
		var all sync.WaitGroup
		all.Go(func() { // the one who started the run
			_, err := p.Ensure(ctx, contractor())
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, left)
			var failure *provision.Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, provision.ReasonCanceled, failure.Reason())
			_, again := failure.RetryAfter()
			require.True(t, again)
		})
		synctest.Wait()
		all.Go(func() {
			account, err := p.Ensure(t.Context(), contractor())
			require.NoError(t, err)
			oneAccount(t, dir, account)
		})
		synctest.Wait()
		leave(left)
		all.Wait()
		require.Equal(t, 1, dir.count("CreateUser"))
	})
}

func TestWhenEverybodyHasLeftTheRunStopsAndLaterContinues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		p := newProvisioner(t, config(dir, nil))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := p.Ensure(ctx, contractor())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		calls := len(dir.calls)
		time.Sleep(time.Minute)
		require.Len(t, dir.calls, calls, "nobody waits, so nothing happens")

		account, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		oneAccount(t, dir, account)
		require.Equal(t, 1, dir.count("CreateUser"))
	})
}

func TestACreationThatHasBegunIsLetFinishAndIsRecorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), provision.NewMemoryStore()
		dir.next("CreateUser", fault{before: func(ctx context.Context) {
			time.Sleep(10 * time.Second)
			require.NoError(t, ctx.Err(), "the write was cut although it had begun")
		}})
		p := newProvisioner(t, licensed(config(dir, store), standardSKU))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := p.Ensure(ctx, contractor())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began), "the caller does not wait for it")

		time.Sleep(10 * time.Second)
		synctest.Wait()
		rec, err := store.Load(t.Context(), contractor().Key())
		require.NoError(t, err)
		require.False(t, rec.CreatedAt.IsZero())
		require.NotEmpty(t, rec.ObjectID)
		require.Equal(t, 0, dir.count("ChangeLicenses"), "no further step is begun")
	})
}

func TestWhoComesWhileAnAbandonedRunWindsDownStartsAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.next("CreateUser", fault{before: func(context.Context) { time.Sleep(10 * time.Second) }})
		p := newProvisioner(t, config(dir, nil))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := p.Ensure(ctx, contractor())
		require.ErrorIs(t, err, context.DeadlineExceeded)

		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = p.Ensure(impatient, contractor())
		require.ErrorIs(t, err, context.DeadlineExceeded)

		account, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		oneAccount(t, dir, account)
		require.Equal(t, 1, dir.count("CreateUser"))
	})
}

func TestAContextThatHasEndedStartsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := newTenant()
	_, err := newProvisioner(t, config(dir, nil)).Ensure(ctx, contractor())
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, dir.calls)
}

func TestTheRunSeesTheValuesOfTheFirstCallersContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		c := config(newTenant(), nil)
		c.Extra = []provision.Step{ownStep{"trace", func(ctx context.Context, _ provision.Person, _ provision.Account) error {
			require.Equal(t, "trace-1", ctx.Value(key{}))
			return nil
		}}}
		_, err := newProvisioner(t, c).Ensure(context.WithValue(t.Context(), key{}, "trace-1"), contractor())
		require.NoError(t, err)
	})
}

func TestWhoJoinsWithAnotherIdentityGetsAMismatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProvisioner(t, config(newTenant(), nil))
		var all sync.WaitGroup
		all.Go(func() {
			_, err := p.Ensure(t.Context(), contractor())
			require.NoError(t, err)
		})
		synctest.Wait()
		person := contractor()
		person.ImmutableID = "other"
		_, err := p.Ensure(t.Context(), person)
		require.ErrorIs(t, err, provision.ErrInvalidPerson)
		all.Wait()
	})
}

func TestAGoroutineThatTheHostEndsDoesNotHangTheCallers(t *testing.T) {
	t.Parallel()
	c := config(newTenant(), nil)
	c.Extra = []provision.Step{ownStep{"exits", func(context.Context, provision.Person, provision.Account) error {
		runtime.Goexit()
		return nil
	}}}
	_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
	require.ErrorContains(t, err, "Goexit")
}

func TestAPanicInProgressIsTheCallersOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		p := newProvisioner(t, config(dir, nil))
		require.Panics(t, func() {
			_, _ = p.EnsureWithProgress(t.Context(), contractor(), func(provision.Event) { panic("template") })
		})
		account, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		oneAccount(t, dir, account)
	})
}
