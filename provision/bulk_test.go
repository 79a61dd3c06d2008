package provision_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestABulkReportsInTheOrderOfItsInput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		c := config(dir, nil)
		c.Extra = []provision.Step{&meanwhile{lasts: func(p provision.Person) time.Duration {
			return time.Duration(int(p.ID[6]-'0')*37%10) * time.Minute / 10
		}}}
		var log bulkLog
		report, err := newProvisioner(t, c).EnsureAll(t.Context(), crowd(100), log.to(provision.Bulk{}))
		require.NoError(t, err)
		require.Equal(t, 100, report.Next)
		require.Equal(t, map[provision.BulkOutcome]int{provision.BulkCreated: 100}, report.Outcomes)
		require.Empty(t, report.Reasons)
		require.Zero(t, report.Failed())
		for i, e := range log.events {
			require.Equal(t, i, e.Index)
			require.Equal(t, member(i).Key(), e.Person)
			require.Equal(t, member(i).ID+"@contoso.com", e.Account.UPN)
			require.False(t, e.Account.ReadyAt.IsZero())
			require.Nil(t, e.Err)
		}
		require.Len(t, dir.mine(), 100)
	})
}

func TestWhatBecomesOfEachPersonOfABulk(t *testing.T) {
	t.Parallel()
	bad := errors.New("line 7: no ID")
	person := func(change func(*provision.Person)) provision.Person {
		p := contractor()
		change(&p)
		return p
	}
	for _, c := range []struct {
		name    string
		arrange func(t *testing.T, dir *tenant, p *provision.Provisioner)
		person  provision.Person
		bad     error
		want    provision.BulkOutcome
		reason  provision.Reason
		is      error
	}{
		{name: "somebody new is created", person: contractor(), want: provision.BulkCreated},
		{name: "who was ready before is known", person: contractor(), want: provision.BulkKnown,
			arrange: func(t *testing.T, _ *tenant, p *provision.Provisioner) {
				_, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
			}},
		{name: "an account that is there is adopted", person: contractor(), want: provision.BulkAdopted,
			arrange: func(_ *testing.T, dir *tenant, _ *provision.Provisioner) {
				dir.has(provision.ImmutableIDFromSubject("google", "104"), "somebody@contoso.com")
			}},
		{name: "a sync's own people are skipped", want: provision.BulkSkipped,
			person: provision.Person{Connection: "ldap", ID: "1", UPN: "employee@contoso.com", ImmutableID: "abc"}},
		{name: "an invalid person is refused", want: provision.BulkRefused, reason: provision.ReasonInvalidPerson,
			person: person(func(p *provision.Person) { p.UsageLocation = "UK" }), is: provision.ErrInvalidPerson},
		{name: "a line that cannot be read is refused", bad: bad, want: provision.BulkRefused,
			reason: provision.ReasonInvalidPerson, is: bad},
		{name: "somebody whose UPN is taken is refused", want: provision.BulkRefused,
			reason: provision.ReasonConflict, is: provision.ErrConflict,
			person: person(func(p *provision.Person) { p.UPN = "boss@contoso.com" }),
			arrange: func(_ *testing.T, dir *tenant, _ *provision.Provisioner) {
				dir.has("another", "boss@contoso.com")
			}},
		{name: "what the directory refuses is refused", person: contractor(), want: provision.BulkRefused,
			reason: provision.ReasonRefused,
			arrange: func(_ *testing.T, dir *tenant, _ *provision.Provisioner) {
				dir.next("CreateUser", fault{err: badRequest("Property displayName is invalid.")})
			}},
		{name: "without a seat it fails", person: contractor(), want: provision.BulkFailed,
			reason: provision.ReasonNoLicense, is: provision.ErrNoLicense,
			arrange: func(_ *testing.T, dir *tenant, _ *provision.Provisioner) { dir.skus = nil }},
		{name: "a directory that is down fails it", person: contractor(), want: provision.BulkFailed,
			reason: provision.ReasonUnavailable, is: provision.ErrUnavailable,
			arrange: func(_ *testing.T, dir *tenant, _ *provision.Provisioner) {
				dir.chaos = func(string) fault { return fault{err: status(503)} }
			}},
		{name: "a lonely forbidden is reported at the end", person: contractor(), want: provision.BulkFailed,
			reason: provision.ReasonForbidden, is: provision.ErrForbidden,
			arrange: func(_ *testing.T, dir *tenant, _ *provision.Provisioner) {
				dir.next("CreateUser", fault{err: status(403)})
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				conf := licensed(config(dir, nil), standardSKU)
				conf.Rules.SkipConnections = []string{"ldap"}
				p := newProvisioner(t, conf)
				if c.arrange != nil {
					c.arrange(t, dir, p)
				}
				var log bulkLog
				input := func(yield func(provision.Person, error) bool) { yield(c.person, c.bad) }
				report, err := p.EnsureAll(t.Context(), input, log.to(provision.Bulk{}))
				require.NoError(t, err)
				require.Equal(t, 1, report.Next)
				require.Equal(t, map[provision.BulkOutcome]int{c.want: 1}, report.Outcomes)
				e := log.events[0]
				require.Equal(t, c.want, e.Outcome)
				require.Equal(t, c.person.Key(), e.Person)
				if c.reason == "" {
					require.Nil(t, e.Err)
					require.NotEmpty(t, e.Account.UPN)
					return
				}
				require.Equal(t, c.reason, e.Err.Reason())
				require.Equal(t, map[provision.Reason]int{c.reason: 1}, report.Reasons)
				require.Equal(t, 1, report.Failed())
				require.NotEmpty(t, e.Err.Public())
				if c.is != nil {
					require.ErrorIs(t, e.Err, c.is)
				}
			})
		})
	}
}

func TestABulkPullsNoFurtherThanItsWindow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                string
		bulk                provision.Bulk
		concurrency, window int
	}{
		{"both given", provision.Bulk{Concurrency: 7, Window: 20}, 7, 20},
		{"one by one", provision.Bulk{Concurrency: 1, Window: 1}, 1, 1},
		{"the window follows the concurrency", provision.Bulk{Concurrency: 3}, 3, 30},
		{"the concurrency follows a small window", provision.Bulk{Window: 5}, 5, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var pulled, reported, most atomic.Int64
				input := func(yield func(provision.Person, error) bool) {
					for i := range 100 {
						most.Store(max(most.Load(), pulled.Add(1)-reported.Load()))
						if !yield(member(i), nil) {
							return
						}
					}
				}
				work := &meanwhile{lasts: func(p provision.Person) time.Duration {
					if p.ID == member(0).ID {
						return 20 * time.Minute // keeps everybody's report back
					}
					return time.Second
				}}
				conf := config(newTenant(), nil)
				conf.Extra = []provision.Step{work}
				c.bulk.Progress = func(provision.BulkEvent) { reported.Add(1) }
				_, err := newProvisioner(t, conf).EnsureAll(t.Context(), input, c.bulk)
				require.NoError(t, err)
				require.Equal(t, int64(100), reported.Load())
				require.Equal(t, int64(c.window), most.Load(), "while the first one took long, the window filled")
				require.Equal(t, int64(c.concurrency), work.most.Load())
			})
		})
	}
}

// Accounts take a quarter of a minute to settle, and still every write that the pace allows is made.
func TestABulkUsesUpTheWriteBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n, rate = 3000, 20
		dir, began := newTenant(), time.Now()
		c := config(dir, nil)
		c.Pace = provision.Pace{WritesPerSecond: rate}
		_, err := newProvisioner(t, c).EnsureAll(t.Context(), crowd(n), provision.Bulk{})
		require.NoError(t, err)
		require.Len(t, dir.mine(), n)
		require.Less(t, time.Since(began), n*time.Second/rate+30*time.Second)
	})
}

// Not in a bubble of synctest, where timers that were stopped are kept.
func TestTheMemoryOfABulkDoesNotGrowWithItsInput(t *testing.T) {
	stub := &unkeeping{records: map[provision.PersonKey]provision.Record{}}
	clock := newClock() // nobody really waits
	c := config(stub, stub)
	c.Settle.Reads, c.Now, c.Sleep = 1, clock.Now, clock.Sleep
	c.Pace = provision.Pace{WritesPerSecond: 1e6, WriteBurst: 1e6, UnitsPerSecond: 1e6, UnitBurst: 1e6}
	heap := map[int]uint64{}
	report, err := newProvisioner(t, c).EnsureAll(t.Context(), crowd(100_000), provision.Bulk{
		Concurrency: 50,
		Progress: func(e provision.BulkEvent) {
			if e.Index == 20_000 || e.Index == 95_000 {
				heap[e.Index] = inUse()
			}
		},
	})
	require.NoError(t, err)
	require.Equal(t, map[provision.BulkOutcome]int{provision.BulkAdopted: 100_000}, report.Outcomes)
	const noise = 2 << 20 // 28 bytes for each of those between
	require.Less(t, float64(heap[95_000]), 1.5*float64(max(heap[20_000], noise)), "%v", heap)
}

func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Stopped at any call to the directory, and resumed where the report says, a bulk leaves nobody out and reports nobody
// twice.
func TestABulkResumesExactlyWhereItStopped(t *testing.T) {
	t.Parallel()
	const n = 6
	for stopAt := 1; ; stopAt++ {
		stopped := false
		synctest.Test(t, func(t *testing.T) {
			dir, store := newTenant(), provision.NewMemoryStore()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var calls atomic.Int64
			dir.chaos = func(string) fault {
				if calls.Add(1) == int64(stopAt) {
					cancel()
				}
				return fault{}
			}
			var log bulkLog
			bulk := log.to(provision.Bulk{Concurrency: 2, Window: 3})
			first, err := newProvisioner(t, licensed(config(dir, store), standardSKU)).EnsureAll(ctx, crowd(n), bulk)
			stopped = ctx.Err() != nil
			require.Len(t, log.events, first.Next, "the report is of those who are finished")
			if err != nil {
				require.ErrorIs(t, err, context.Canceled)
			}

			bulk.Skip = first.Next
			second, err := newProvisioner(t, licensed(config(dir, store), standardSKU)).EnsureAll(t.Context(), crowd(n), bulk)
			require.NoError(t, err)
			require.Equal(t, n, second.Next)
			require.Equal(t, []int{0, 1, 2, 3, 4, 5}, log.indexes())
			require.Len(t, dir.mine(), n)
			require.Equal(t, n, dir.skus[0].Consumed)
			require.Zero(t, second.Failed())
		})
		if !stopped {
			require.Greater(t, stopAt, 4*n, "every call was a place to stop at")
			return
		}
	}
}

func TestStoppingABulkLetsBegunWritesFinish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), provision.NewMemoryStore()
		ctx, cancel := context.WithCancel(t.Context())
		dir.next("CreateUser", fault{before: func(context.Context) { cancel(); time.Sleep(5 * time.Second) }})
		began := time.Now()
		report, err := newProvisioner(t, config(dir, store)).EnsureAll(ctx, crowd(3), provision.Bulk{Concurrency: 1})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 5*time.Second, time.Since(began), "it waits for the write and for nothing else")
		require.Zero(t, report.Next)
		require.Empty(t, report.Outcomes)
		require.Len(t, dir.mine(), 1)
		rec, err := store.Load(t.Context(), member(0).Key())
		require.NoError(t, err)
		require.Equal(t, dir.mine()[0].ObjectID, rec.ObjectID, "the account is remembered")
	})
}

func TestWhoIsInTheInputTwiceIsOneAccount(t *testing.T) {
	t.Parallel()
	for _, between := range []int{0, 3, 40} {
		t.Run(fmt.Sprintf("%d others between", between), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				list := []provision.Person{contractor()}
				for i := range between {
					list = append(list, member(i))
				}
				list = append(list, contractor())
				var log bulkLog
				_, err := newProvisioner(t, licensed(config(dir, nil), standardSKU)).
					EnsureAll(t.Context(), people(list...), log.to(provision.Bulk{Concurrency: 5}))
				require.NoError(t, err)
				require.Len(t, dir.mine(), between+1)
				require.Equal(t, provision.BulkCreated, log.events[0].Outcome)
				require.Equal(t, provision.BulkKnown, log.events[between+1].Outcome)
				require.Equal(t, log.events[0].Account, log.events[between+1].Account)
			})
		})
	}
}

func TestTheSecondOfTwoWithOneKeyMustAgreeWithTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		other := contractor()
		other.UPN = "another@contoso.com"
		var log bulkLog
		_, err := newProvisioner(t, config(newTenant(), nil)).
			EnsureAll(t.Context(), people(contractor(), other), log.to(provision.Bulk{}))
		require.NoError(t, err)
		require.Equal(t, []provision.BulkOutcome{provision.BulkCreated, provision.BulkRefused}, log.outcomes())
		var mismatch *provision.MismatchError
		require.ErrorAs(t, log.events[1].Err, &mismatch)
	})
}

func TestAnErrorOfTheInputIsThatPersonsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bulkLog
		report, err := newProvisioner(t, config(newTenant(), nil)).
			EnsureAll(t.Context(), broken(3, io.ErrNoProgress), log.to(provision.Bulk{}))
		require.NoError(t, err)
		require.Equal(t, 6, report.Next)
		require.Equal(t, map[provision.BulkOutcome]int{provision.BulkCreated: 5, provision.BulkRefused: 1}, report.Outcomes)
		require.ErrorIs(t, log.events[3].Err, io.ErrNoProgress)
		require.Equal(t, "input", log.events[3].Err.Step)
	})
}

func TestAnErrorThatEndsTheInputEndsTheBulkAfterThoseBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bulkLog
		bulk := log.to(provision.Bulk{StopAtInput: func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }})
		report, err := newProvisioner(t, config(newTenant(), nil)).
			EnsureAll(t.Context(), broken(3, io.ErrUnexpectedEOF), bulk)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Equal(t, 3, report.Next)
		require.Equal(t, []int{0, 1, 2}, log.indexes(), "who was begun is finished")

		bulk.Skip = 5
		_, err = newProvisioner(t, config(newTenant(), nil)).EnsureAll(t.Context(), broken(3, io.ErrUnexpectedEOF), bulk)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "also among those who are skipped")
	})
}

// broken is six people, with an error in the place of one.
func broken(at int, err error) iter.Seq2[provision.Person, error] {
	return func(yield func(provision.Person, error) bool) {
		for i := range 6 {
			if i == at && !yield(provision.Person{}, err) || i != at && !yield(member(i), nil) {
				return
			}
		}
	}
}

func TestAnInputThatPanicsIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		input := func(yield func(provision.Person, error) bool) {
			yield(contractor(), nil)
			panic("the input is broken")
		}
		report, err := newProvisioner(t, config(newTenant(), nil)).EnsureAll(t.Context(), input, provision.Bulk{})
		require.ErrorContains(t, err, "after 1 people: panic: the input is broken")
		require.Equal(t, 1, report.Next)
	})
}

func TestAnInputThatEndsItsGoroutineIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		input := func(func(provision.Person, error) bool) { runtime.Goexit() }
		_, err := newProvisioner(t, config(newTenant(), nil)).EnsureAll(t.Context(), input, provision.Bulk{})
		require.ErrorContains(t, err, "runtime.Goexit")
	})
}

func TestAProgressThatPanicsLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProvisioner(t, config(newTenant(), nil))
		require.PanicsWithValue(t, "the report is broken", func() {
			_, _ = p.EnsureAll(t.Context(), crowd(100), provision.Bulk{
				Concurrency: 10, Progress: func(provision.BulkEvent) { panic("the report is broken") },
			})
		})
		synctest.Wait() // and the bubble ends: no goroutine is left
	})
}

func TestSkippingMoreThanThereIsShowsThatTheInputIsAnother(t *testing.T) {
	t.Parallel()
	p := newProvisioner(t, config(newTenant(), nil))
	_, err := p.EnsureAll(t.Context(), crowd(3), provision.Bulk{Skip: 4})
	require.ErrorContains(t, err, "the input has 3 people, and 4 were to be skipped")
	report, err := p.EnsureAll(t.Context(), crowd(3), provision.Bulk{Skip: 3})
	require.NoError(t, err, "everything was done before")
	require.Equal(t, 3, report.Next)
}

func TestABulkThatEndsWhileItSkipsBeginsNobody(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	input := func(yield func(provision.Person, error) bool) {
		for i := range 10 {
			if i == 3 {
				cancel()
			}
			if !yield(member(i), nil) {
				return
			}
		}
	}
	report, err := newProvisioner(t, config(dir, nil)).EnsureAll(ctx, input, provision.Bulk{Skip: 7})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 7, report.Next)
	require.Empty(t, dir.calls)
}

func TestABulkStopsWhereNobodyGetsPast(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		bulk      provision.Bulk
		directory func(method string) fault
		is        error
		next      int // and so many are reported
		asked     int // so many people at most have come to the directory
	}{
		{"no access", provision.Bulk{Concurrency: 10}, allFail(401), provision.ErrUnauthorized, 0, 14},
		{"no permission", provision.Bulk{Concurrency: 10}, allFail(403), provision.ErrForbidden, 0, 14},
		{"one by one", provision.Bulk{Concurrency: 1, Window: 10}, allFail(403), provision.ErrForbidden, 0, 5},
		{"as many as wanted", provision.Bulk{Concurrency: 1, Window: 50, StopAfter: 17}, allFail(403),
			provision.ErrForbidden, 0, 17},
		{"a window that is too small to hold them back", provision.Bulk{Concurrency: 1, Window: 1}, allFail(403),
			provision.ErrForbidden, 4, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newTenant(), provision.NewMemoryStore()
				dir.chaos = c.directory
				var log bulkLog
				report, err := newProvisioner(t, config(dir, store)).EnsureAll(t.Context(), crowd(200), log.to(c.bulk))
				require.ErrorIs(t, err, c.is)
				require.ErrorContains(t, err, "in a row")
				require.Equal(t, c.next, report.Next)
				require.Len(t, log.events, c.next)
				require.LessOrEqual(t, dir.count("FindUser"), c.asked)

				dir.chaos, c.bulk.Skip = nil, report.Next // somebody has granted it
				report, err = newProvisioner(t, config(dir, store)).EnsureAll(t.Context(), crowd(200), log.to(c.bulk))
				require.NoError(t, err)
				require.Equal(t, 200-c.next, report.Outcomes[provision.BulkCreated])
				require.Len(t, log.events, 200)
			})
		})
	}
}

func allFail(code int) func(string) fault {
	return func(string) fault { return fault{err: status(code)} }
}

func TestABulkDoesNotStopForFailuresOfSomePeople(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		bulk   provision.Bulk
		fails  func(i int) bool
		failed int
	}{
		{"four in a row, and the fifth works", provision.Bulk{}, func(i int) bool { return i%5 != 4 }, 40},
		{"never", provision.Bulk{StopAfter: -1}, func(i int) bool { return i < 30 }, 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				conf := config(dir, nil)
				conf.Extra = []provision.Step{refusing{c.fails}}
				c.bulk.Concurrency = 1
				var log bulkLog
				report, err := newProvisioner(t, conf).EnsureAll(t.Context(), crowd(50), log.to(c.bulk))
				require.NoError(t, err)
				require.Equal(t, map[provision.Reason]int{provision.ReasonForbidden: c.failed}, report.Reasons)
				for i, e := range log.events {
					require.Equal(t, i, e.Index)
					require.Equal(t, c.fails(i), e.Err != nil)
				}
			})
		})
	}
}

// refusing is a host's step that is forbidden for some people.
type refusing struct{ whom func(i int) bool }

func (refusing) Name() string { return "refusing" }

func (r refusing) Run(_ context.Context, p provision.Person, _ provision.Account) error {
	var i int
	if _, err := fmt.Sscanf(p.ID, "m%d", &i); err != nil {
		return err
	}
	if r.whom(i) {
		return provision.ErrForbidden
	}
	return nil
}

// A million people who are known, and somebody who is not allowed before them: nobody shows whether it is a streak.
func TestAFailureIsNotHeldBackForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), provision.NewMemoryStore()
		p := newProvisioner(t, config(dir, store))
		_, err := p.EnsureAll(t.Context(), crowd(100), provision.Bulk{})
		require.NoError(t, err)
		dir.next("CreateUser", fault{err: status(403)})
		input := func(yield func(provision.Person, error) bool) {
			if yield(contractor(), nil) {
				crowd(100)(yield)
			}
		}
		var log bulkLog
		_, err = p.EnsureAll(t.Context(), input, log.to(provision.Bulk{Concurrency: 3, Window: 10}))
		require.NoError(t, err)
		require.Len(t, log.events, 101)
		require.Equal(t, provision.BulkFailed, log.events[0].Outcome)
	})
}

func TestABulkHasABudgetOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		bulk provision.Bulk
		want provision.BulkOutcome
	}{
		{"half an hour", provision.Bulk{}, provision.BulkCreated},
		{"a minute", provision.Bulk{Budget: time.Minute}, provision.BulkFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				dir.next("CreateUser", fault{err: throttled(10 * time.Minute)}, fault{err: throttled(10 * time.Minute)})
				var log bulkLog
				_, err := newProvisioner(t, config(dir, nil)).EnsureAll(t.Context(), crowd(1), log.to(c.bulk))
				require.NoError(t, err)
				require.Equal(t, []provision.BulkOutcome{c.want}, log.outcomes())
			})
		})
	}
}

// prioritised tells the priority of each call of the tenant.
func prioritised(dir *tenant) func() []provision.Priority {
	var mu sync.Mutex
	var seen []provision.Priority
	dir.chaos = func(string) fault {
		return fault{before: func(ctx context.Context) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, provision.CallTraceOf(ctx).Priority)
		}}
	}
	return func() []provision.Priority {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(seen)
	}
}

func TestABulkHasTheLowPriority(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		seen := prioritised(dir)
		_, err := newProvisioner(t, licensed(config(dir, nil), standardSKU)).EnsureAll(t.Context(), crowd(3), provision.Bulk{})
		require.NoError(t, err)
		require.Equal(t, []provision.Priority{provision.PriorityLow}, slices.Compact(seen()))
	})
}

func TestASignInThatJoinsABulkRunHurriesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		seen := prioritised(dir)
		p := newProvisioner(t, licensed(config(dir, nil), standardSKU))
		var all sync.WaitGroup
		all.Go(func() {
			report, err := p.EnsureAll(t.Context(), people(contractor(), partner()), provision.Bulk{})
			require.NoError(t, err)
			require.Equal(t, 2, report.Outcomes[provision.BulkCreated])
		})
		time.Sleep(5 * time.Second)
		before := len(seen())
		require.Equal(t, []provision.Priority{provision.PriorityLow}, slices.Compact(seen()))
		var events []provision.Event
		account, err := p.EnsureWithProgress(t.Context(), contractor(), func(e provision.Event) { events = append(events, e) })
		require.NoError(t, err)
		all.Wait()
		require.Len(t, dir.mine(), 2)
		require.Equal(t, "contractor@contoso.com", account.UPN)
		after := seen()[before:]
		slices.Sort(after)
		require.Equal(t, []provision.Priority{
			provision.PriorityHigh, provision.PriorityHigh, provision.PriorityHigh, // the three reads of the contractor
			provision.PriorityLow, provision.PriorityLow, provision.PriorityLow, // and those of the partner
		}, after)
		require.Equal(t, provision.StepSettle, events[0].Step, "it is told where the run is")
		require.Equal(t, provision.Waiting, events[0].State)
		require.Equal(t, provision.Done, events[len(events)-1].State)
	})
}

func TestASignInWaitsForABulkRunNoLongerThanItsOwnBudget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		last error
		is   error
	}{
		{"throttled", throttled(10 * time.Minute), provision.ErrThrottled},
		{"unavailable", &provision.DirectoryError{Operation: "call", Status: 503, RetryAfter: 10 * time.Minute},
			provision.ErrUnavailable},
		{"not ready", &provision.DirectoryError{Operation: "call", Status: 409, Code: "Directory_ConcurrencyViolation",
			RetryAfter: 10 * time.Minute}, provision.ErrNotReady},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				dir.next("CreateUser", fault{err: c.last})
				p := newProvisioner(t, config(dir, nil))
				var all sync.WaitGroup
				all.Go(func() {
					report, err := p.EnsureAll(t.Context(), people(contractor()), provision.Bulk{})
					require.NoError(t, err)
					require.Equal(t, 1, report.Outcomes[provision.BulkCreated], "the bulk goes on")
				})
				time.Sleep(time.Minute)
				began := time.Now()
				_, err := p.Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, c.is)
				require.Equal(t, 2*time.Minute, time.Since(began))
				var failure *provision.Error
				require.ErrorAs(t, err, &failure)
				require.Equal(t, provision.StepCreate, failure.Step)
				_, again := failure.RetryAfter()
				require.True(t, again)
				all.Wait()
				require.Len(t, dir.mine(), 1)
			})
		})
	}
}

func TestTheContextOfASignInEndsItsWaitForABulkRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProvisioner(t, config(newTenant(), nil))
		var all sync.WaitGroup
		all.Go(func() {
			_, err := p.EnsureAll(t.Context(), people(contractor()), provision.Bulk{})
			require.NoError(t, err)
		})
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		_, err := p.Ensure(ctx, contractor())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, provision.ErrNotReady)
		require.Equal(t, 3*time.Second, time.Since(began))
		all.Wait()
	})
}

func TestABulkThatStopsLeavesARunToTheSignInThatJoinedIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		p := newProvisioner(t, config(dir, nil))
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			began := time.Now()
			report, err := p.EnsureAll(ctx, people(contractor()), provision.Bulk{})
			require.ErrorIs(t, err, context.Canceled)
			require.Zero(t, report.Next)
			require.Equal(t, 2*time.Second, time.Since(began))
		})
		time.Sleep(time.Second)
		all.Go(func() {
			account, err := p.Ensure(t.Context(), contractor())
			require.NoError(t, err)
			oneAccount(t, dir, account)
		})
		time.Sleep(time.Second)
		cancel()
		all.Wait()
	})
}

func TestABulkGoesOnWhereTheSignInItJoinedGaveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.next("CreateUser", fault{err: throttled(10 * time.Minute)})
		p := newProvisioner(t, config(dir, nil))
		var all sync.WaitGroup
		all.Go(func() {
			_, err := p.Ensure(t.Context(), contractor())
			require.ErrorIs(t, err, provision.ErrThrottled)
		})
		synctest.Wait()
		var log bulkLog
		_, err := p.EnsureAll(t.Context(), people(contractor()), log.to(provision.Bulk{}))
		require.NoError(t, err)
		require.Equal(t, []provision.BulkOutcome{provision.BulkCreated}, log.outcomes())
		all.Wait()
	})
}

func TestWhoIsMadeBySignInMeanwhileIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProvisioner(t, config(newTenant(), nil))
		var all sync.WaitGroup
		all.Go(func() {
			_, err := p.Ensure(t.Context(), contractor())
			require.NoError(t, err)
		})
		time.Sleep(time.Second)
		var log bulkLog
		_, err := p.EnsureAll(t.Context(), people(contractor()), log.to(provision.Bulk{}))
		require.NoError(t, err)
		require.Equal(t, []provision.BulkOutcome{provision.BulkKnown}, log.outcomes())
		all.Wait()
	})
}

// Somebody has just left a run for the person, which is still finishing its write.
func TestABulkWaitsForARunThatWasAbandoned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.next("CreateUser", fault{before: func(context.Context) { time.Sleep(20 * time.Second) }})
		p := newProvisioner(t, config(dir, nil))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := p.Ensure(ctx, contractor())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var log bulkLog
		_, err = p.EnsureAll(t.Context(), people(contractor()), log.to(provision.Bulk{}))
		require.NoError(t, err)
		require.Equal(t, []provision.BulkOutcome{provision.BulkCreated}, log.outcomes())
		oneAccount(t, dir, log.events[0].Account)
	})
}

func TestABulkWhoseContextHasEndedBeginsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := newTenant()
	input := func(func(provision.Person, error) bool) { t.Error("the input was asked") }
	report, err := newProvisioner(t, config(dir, nil)).EnsureAll(ctx, input, provision.Bulk{Skip: 7})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 7, report.Next)
}

func TestABulkThatIsNotValidIsRefusedWithAllThatIsWrong(t *testing.T) {
	t.Parallel()
	p := newProvisioner(t, config(newTenant(), nil))
	for _, c := range []struct {
		name string
		bulk provision.Bulk
		want []string
	}{
		{"everything negative", provision.Bulk{Concurrency: -1, Window: -1, Budget: -1, Skip: -1},
			[]string{"Concurrency is negative", "Window is negative", "Budget is negative", "Skip is negative"}},
		{"a window below the concurrency", provision.Bulk{Concurrency: 5, Window: 4}, []string{"less than"}},
		{"a window out of all proportion", provision.Bulk{Window: 1 << 30}, []string{"1000000 is the most"}},
		{"no time to settle", provision.Bulk{Budget: 15 * time.Second}, []string{"nobody would ever be ready"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			input := func(func(provision.Person, error) bool) { t.Error("the input was asked") }
			_, err := p.EnsureAll(t.Context(), input, c.bulk)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}
