package provision_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestAThousandBulkCallsLeaveTheNextTurnToASignIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newLimitedTenant(3000)
		pacer := newPacer(t, provision.Pace{WritesPerSecond: 10, WriteBurst: 100})
		bulk, people := paced(t, dir, pacer, provision.PriorityLow), paced(t, dir, pacer, provision.PriorityHigh)
		wait := ensureAll(t, bulk, 0, 1000)
		time.Sleep(30*time.Second + time.Millisecond)
		began := time.Now()
		_, err := people.EnsureWithProgress(t.Context(), partner(), func(e provision.Event) {
			require.NotEqual(t, provision.ReasonThrottled, e.Reason)
		})
		require.NoError(t, err)
		require.InDelta(t, 15*time.Second, time.Since(began), float64(time.Millisecond), "no longer than alone")
		wait()
		require.Zero(t, dir.refused)
	})
}

func TestBulkRunsAtTheFullRateWhenNobodySignsIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newLimitedTenant(3000)
		bulk := paced(t, dir, newPacer(t, provision.Pace{WritesPerSecond: 10, WriteBurst: 100}), provision.PriorityLow)
		ensureAll(t, bulk, 0, 400)()
		at := dir.times(provision.PriorityLow)
		require.Len(t, at, 400)
		for i, at := range at {
			due := max(0, time.Duration(i+1-75)*100*time.Millisecond) // three quarters of the bucket at once
			require.InDelta(t, due, at, float64(10*time.Millisecond), "write %d", i)
		}
	})
}

func TestASignInTakesFromTheReserveAndBulkPaysForIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newLimitedTenant(3000)
		pacer := newPacer(t, provision.Pace{WritesPerSecond: 10, WriteBurst: 100})
		bulk, people := paced(t, dir, pacer, provision.PriorityLow), paced(t, dir, pacer, provision.PriorityHigh)
		wait := ensureAll(t, bulk, 0, 300)
		time.Sleep(10*time.Second + 10*time.Millisecond)
		ensureAll(t, people, 1000, 25)()
		wait()
		require.Len(t, dir.times(provision.PriorityHigh), 25)
		for _, at := range dir.times(provision.PriorityHigh) {
			require.InDelta(t, 10*time.Second, at, float64(50*time.Millisecond), "25 at once")
		}
		low := dir.times(provision.PriorityLow)
		require.InDelta(t, 25*time.Second, low[len(low)-1], float64(100*time.Millisecond), "22.5 seconds, and 25 turns more")
	})
}

// One person after the other comes, and each gets the next turn.
func TestBulkCallsAreServedInTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		bulk := paced(t, dir, newPacer(t, provision.Pace{WritesPerSecond: 1, WriteBurst: 1}), provision.PriorityLow)
		var want []string
		var all sync.WaitGroup
		for i := range 20 {
			person := provision.Person{Connection: "google", ID: fmt.Sprint(i), Email: fmt.Sprintf("user%d@example.net", i)}
			want = append(want, fmt.Sprintf("CreateUser user%d@contoso.com", i))
			all.Go(func() {
				_, err := bulk.Ensure(t.Context(), person)
				require.NoError(t, err)
			})
			synctest.Wait()
		}
		all.Wait()
		created := slices.DeleteFunc(dir.calls, func(call string) bool { return !slices.Contains(want, call) })
		require.Equal(t, want, created)
	})
}

func TestReadingDoesNotQueueBehindWriting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, began := newTenant(), time.Now()
		bulk := paced(t, dir, newPacer(t, provision.Pace{WritesPerSecond: 0.01, WriteBurst: 1}), provision.PriorityLow)
		first := ensureAll(t, bulk, 0, 1)
		synctest.Wait()
		wait := ensureAll(t, bulk, 1, 5)
		first()
		require.InDelta(t, 15*time.Second, time.Since(began), float64(time.Second))
		wait()
	})
}

func TestAQueuedCallThatIsCancelledLosesNoTurnAndBlocksNobody(t *testing.T) {
	t.Parallel()
	for name, victim := range map[string]int{"the head": 1, "one in the middle": 2, "the last": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newLimitedTenant(3000)
				pacer := newPacer(t, provision.Pace{WritesPerSecond: 0.1, WriteBurst: 1})
				bulk := paced(t, dir, pacer, provision.PriorityLow)
				var all sync.WaitGroup
				var cancels []context.CancelFunc
				errs := make([]error, 4)
				for i := range errs {
					ctx, cancel := context.WithCancel(t.Context())
					cancels = append(cancels, cancel)
					all.Go(func() { _, errs[i] = bulk.Ensure(ctx, somebodyElse(i)) })
					synctest.Wait()
				}
				time.Sleep(5 * time.Second)
				cancels[victim]()
				all.Wait()
				for i, err := range errs {
					if i == victim {
						require.ErrorIs(t, err, context.Canceled)
						continue
					}
					require.NoError(t, err)
				}
				require.Len(t, dir.times(provision.PriorityLow), 3)
				for i, at := range dir.times(provision.PriorityLow) {
					require.InDelta(t, time.Duration(i)*10*time.Second, at, float64(time.Second))
				}
			})
		})
	}
}

func TestABookedTurnIsGivenBackByWhoeverLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newLimitedTenant(3000)
		people := paced(t, dir, newPacer(t, provision.Pace{WritesPerSecond: 0.1, WriteBurst: 1}), provision.PriorityHigh)
		wait := ensureAll(t, people, 0, 1)
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error)
		go func() {
			_, err := people.Ensure(ctx, somebodyElse(1)) // books the turn after 10 seconds
			left <- err
		}()
		time.Sleep(time.Second)
		cancel()
		require.ErrorIs(t, <-left, context.Canceled)
		synctest.Wait()
		ensureAll(t, people, 2, 1)()
		wait()
		require.Equal(t, []time.Duration{0, 10 * time.Second}, dir.times(provision.PriorityHigh))
	})
}

func TestTwoHundredWhoWaitedForAHoldComeBackSpaced(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		priority provision.Priority
		silent   bool
	}{
		"sign-ins":                      {provision.PriorityHigh, false},
		"bulk":                          {provision.PriorityLow, false},
		"sign-ins, without Retry-After": {provision.PriorityHigh, true},
		"bulk, without Retry-After":     {provision.PriorityLow, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newLimitedTenant(3000)
				dir.silent = tc.silent
				dir.writes.level = 3100 // another program has used it up
				p := paced(t, dir, newPacer(t, provision.Pace{}), tc.priority)
				first := ensureAll(t, p, 0, 1)
				synctest.Wait()
				require.Equal(t, 1, dir.refused)
				ensureAll(t, p, 1, 200)()
				first()
				at := dir.times(tc.priority)
				require.Len(t, at, 201)
				for i := range at {
					within := 0 // a second from here
					for _, other := range at[i:] {
						if other < at[i]+time.Second {
							within++
						}
					}
					require.LessOrEqual(t, within, 18, "at %v", at[i])
				}
				if !tc.silent {
					require.Equal(t, 1, dir.refused, "no second 429")
				}
			})
		})
	}
}

func TestTurnsThatWereBookedWaitForAHoldThatComesMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newLimitedTenant(3000)
		p := paced(t, dir, newPacer(t, provision.Pace{WritesPerSecond: 1, WriteBurst: 1}), provision.PriorityHigh)
		wait := ensureAll(t, p, 0, 60) // for the next minute
		time.Sleep(9500 * time.Millisecond)
		dir.limits.Lock()
		dir.writes.drain(time.Now())
		dir.writes.level = 3600 // another program
		dir.limits.Unlock()
		wait()
		require.Equal(t, 1, dir.refused)
		at := dir.times(provision.PriorityHigh)
		require.Len(t, at, 60)
		for i := 10; i < 60; i++ {
			require.InDelta(t, time.Duration(i+31)*time.Second, at[i], float64(2*time.Second), "30 seconds of silence")
		}
	})
}

func TestAHoldIsWaitedForHoweverLongItIs(t *testing.T) {
	t.Parallel()
	for _, priority := range []provision.Priority{provision.PriorityHigh, provision.PriorityLow} {
		synctest.Test(t, func(t *testing.T) {
			dir, began := newTenant(), time.Now()
			dir.next("CreateUser", fault{err: throttled(10 * time.Minute)})
			p := paced(t, dir, newPacer(t, provision.Pace{Reserve: -1}), priority)
			first := ensureAll(t, p, 0, 1)
			synctest.Wait()
			calls := dir.count("")
			wait := ensureAll(t, p, 1, 20)
			time.Sleep(10*time.Minute - time.Nanosecond)
			require.Equal(t, calls, dir.count(""), "nobody calls, reading or writing")
			wait()
			first()
			require.InDelta(t, 10*time.Minute+15*time.Second, time.Since(began), float64(5*time.Second))
		})
	}
}

func TestASignInThatTheHoldOutlastsFailsAtOnceAndTakesNoTurn(t *testing.T) {
	t.Parallel()
	for _, priority := range []provision.Priority{provision.PriorityHigh, provision.PriorityLow} {
		synctest.Test(t, func(t *testing.T) {
			pacer := newPacer(t, provision.Pace{WritesPerSecond: 0.1, WriteBurst: 10, Reserve: -1})
			hold := provision.TurnReport{Throttled: true, RetryAfter: 10 * time.Minute, Scope: "Tenant_Application/Read"}
			require.NoError(t, pacer.Report(t.Context(), hold))
			dir, began := newLimitedTenant(3000), time.Now()
			c := config(dir, nil)
			c.Pacer, c.Priority = pacer, priority
			_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
			require.ErrorIs(t, err, provision.ErrThrottled)
			requireStep(t, err, provision.StepCreate)
			var failure *provision.Error
			require.ErrorAs(t, err, &failure)
			after, again := failure.RetryAfter()
			require.True(t, again)
			require.InDelta(t, 10*time.Minute, after, float64(10*time.Second))
			require.Equal(t, began, time.Now())
			require.Zero(t, dir.count(""))
			time.Sleep(11 * time.Minute)
			turn, err := pacer.Turn(t.Context(), provision.TurnRequest{Cost: provision.Cost{Writes: 10}})
			require.NoError(t, err)
			require.Equal(t, provision.Turn{Taken: true}, turn)
		})
	}
}

func TestABulkCallWhoseBudgetTheQueueOutlastsWasThrottled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, began := newLimitedTenant(3000), time.Now()
		c := config(dir, nil)
		c.Pacer = newPacer(t, provision.Pace{WritesPerSecond: 0.01, WriteBurst: 1})
		c.Priority = provision.PriorityLow
		p := newProvisioner(t, c)
		var all sync.WaitGroup
		errs := make([]error, 3)
		for i := range errs {
			all.Go(func() { _, errs[i] = p.Ensure(t.Context(), somebodyElse(i)) })
			synctest.Wait()
		}
		all.Wait()
		require.NoError(t, errs[0])
		require.NoError(t, errs[1], "its turn comes after 100 seconds")
		require.ErrorIs(t, errs[2], provision.ErrThrottled)
		require.LessOrEqual(t, time.Since(began), 2*time.Minute)
		require.Len(t, dir.times(provision.PriorityLow), 2)
	})
}

// All limits are a tenth, so that fewer people do.
func TestBulkNeverMeetsALimitOfTheDirectory(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		share, rate float64
	}{
		"by default":           {0.085, 1.7},
		"with the whole share": {0.1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newLimitedTenant(300)
				dir.units.capacity = 350
				pacer := newPacer(t, provision.Pace{Share: tc.share})
				ensureAll(t, paced(t, dir, pacer, provision.PriorityLow), 0, 400)()
				at := dir.times(provision.PriorityLow)
				require.Len(t, at, 400)
				require.Zero(t, dir.refused, "neither limited nor shed")
				burst := 0.75 * 150 * tc.rate
				require.InDelta(t, (400-burst)/tc.rate, at[len(at)-1].Seconds(), 1, "as fast as that allows")
			})
		})
	}
}

func TestBulkYieldsToOtherProgramsThatShareTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newLimitedTenant(3000)
		dir.writes.level = 2500 // by another program: 83 %, at which low priority is shed
		p := paced(t, dir, newPacer(t, provision.Pace{Share: 1}), provision.PriorityLow)
		first := ensureAll(t, p, 0, 1)
		synctest.Wait()
		ensureAll(t, p, 1, 300)()
		first()
		require.Equal(t, 1, dir.refused, "the one that found out")
	})
}

// recordingPacer remembers what it is asked and told.
type recordingPacer struct {
	provision.Pacer
	mu      sync.Mutex
	turns   []provision.TurnRequest
	reports []provision.TurnReport
	fail    func(call int) error // of Turn
	deaf    error                // of Report
}

func (p *recordingPacer) Turn(ctx context.Context, r provision.TurnRequest) (provision.Turn, error) {
	p.mu.Lock()
	p.turns = append(p.turns, r)
	call := len(p.turns)
	p.mu.Unlock()
	if p.fail != nil {
		if err := p.fail(call); err != nil {
			return provision.Turn{}, err
		}
	}
	return p.Pacer.Turn(ctx, r)
}

func (p *recordingPacer) Report(ctx context.Context, r provision.TurnReport) error {
	p.mu.Lock()
	p.reports = append(p.reports, r)
	p.mu.Unlock()
	if p.deaf != nil {
		return p.deaf
	}
	return p.Pacer.Report(ctx, r)
}

func TestEveryCallTakesATurnOfItsCost(t *testing.T) {
	t.Parallel()
	for _, priority := range []provision.Priority{provision.PriorityHigh, provision.PriorityLow} {
		synctest.Test(t, func(t *testing.T) {
			dir, pacer := newTenant(), &recordingPacer{Pacer: newPacer(t, provision.Pace{})}
			c := licensed(config(dir, nil), standardSKU)
			c.Pacer, c.Priority = pacer, priority
			_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
			require.NoError(t, err)
			costs := map[string]provision.Cost{"FindUser": {Units: 1}, "SKUs": {Units: 2},
				"CreateUser": {Writes: 1, Units: 1}, "ChangeLicenses": {Writes: 1, Units: 1}}
			require.Len(t, pacer.turns, len(dir.calls))
			require.Len(t, pacer.reports, len(dir.calls))
			for i, call := range dir.calls {
				var method string
				fmt.Sscan(call, &method)
				require.Equal(t, costs[method], pacer.turns[i].Cost, call)
				require.Equal(t, priority, pacer.turns[i].Priority)
				require.Positive(t, pacer.turns[i].Limit)
				require.Equal(t, provision.TurnReport{Cost: costs[method]}, pacer.reports[i], call)
			}
		})
	}
}

func TestThePacerIsToldWhatTheDirectoryAnswered(t *testing.T) {
	t.Parallel()
	cost := provision.Cost{Writes: 1, Units: 1}
	loaded := func(ctx context.Context) {
		provision.CallTraceOf(ctx).Load, provision.CallTraceOf(ctx).Scope = 0.9, "Tenant_Application/Write"
	}
	for name, tc := range map[string]struct {
		fault fault
		want  []provision.TurnReport // before that of the attempt that succeeds
	}{
		"nothing of note": {fault{}, nil},
		"its load": {fault{err: status(503), before: loaded}, []provision.TurnReport{
			{Cost: cost, Load: 0.9, Scope: "Tenant_Application/Write"}}},
		"a 429": {fault{err: throttled(7 * time.Second), before: loaded}, []provision.TurnReport{
			{Cost: cost, Load: 0.9, Scope: "Tenant_Application/Write", Throttled: true, RetryAfter: 7 * time.Second}}},
		"a lag":                     {fault{err: notFound()}, []provision.TurnReport{{Cost: cost}}},
		"no answer":                 {fault{err: dropped()}, nil},
		"a failure without a load":  {fault{err: status(500)}, nil},
		"what another service says": {fault{err: provision.ErrThrottled}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, pacer := newTenant(), &recordingPacer{Pacer: newPacer(t, provision.Pace{})}
				dir.next("ChangeLicenses", tc.fault)
				c := licensed(config(dir, nil), standardSKU)
				c.Pacer = pacer
				_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
				require.NoError(t, err)
				var reports []provision.TurnReport // of writes, after the creation
				for _, r := range pacer.reports {
					if r.Cost == cost {
						reports = append(reports, r)
					}
				}
				require.Equal(t, append(tc.want, provision.TurnReport{Cost: cost}), reports[1:])
			})
		})
	}
}

func TestWhereTheDirectoryNamesNoTimeTheJitterIsTheProvisioners(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, pacer := newTenant(), &recordingPacer{Pacer: newPacer(t, provision.Pace{})}
		for range 5 {
			dir.next("FindUser", fault{err: throttled(0)})
		}
		c := config(dir, nil)
		c.Pacer = pacer
		_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		seen := map[float64]bool{}
		for _, r := range pacer.reports[:5] {
			require.True(t, r.Throttled)
			require.GreaterOrEqual(t, r.Jitter, 0.0)
			require.LessOrEqual(t, r.Jitter, 1.0)
			seen[r.Jitter] = true
		}
		require.Len(t, seen, 5)
	})
}

func TestAPacerThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	broken := errors.New("the database is away")
	for name, tc := range map[string]struct {
		fails int
		want  error
	}{
		"for a while": {6, nil},
		"for good":    {1 << 30, provision.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, pacer := newTenant(), &recordingPacer{Pacer: newPacer(t, provision.Pace{})}
				pacer.fail = func(call int) error {
					if call <= tc.fails {
						return broken
					}
					return nil
				}
				c := config(dir, nil)
				c.Pacer = pacer
				_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
				if tc.want == nil {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, tc.want)
				require.ErrorIs(t, err, broken)
				require.ErrorContains(t, err, "asking the pacer for a turn")
				requireOneSentinel(t, err)
				require.Zero(t, dir.count(""), "no call without a turn")
			})
		})
	}
}

func TestAPacerThatCannotBeToldIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, pacer := newTenant(), &recordingPacer{Pacer: newPacer(t, provision.Pace{}), deaf: errors.New("read-only")}
		dir.next("CreateUser", fault{err: throttled(time.Second)})
		var log bytes.Buffer
		c := config(dir, nil)
		c.Pacer, c.Logger = pacer, slog.New(slog.NewTextHandler(&log, nil))
		_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Contains(t, log.String(), "the pacer was not told")
		require.Contains(t, log.String(), "read-only")
	})
}

// stubbornPacer says "not yet, but at once" for a while.
type stubbornPacer struct {
	provision.Pacer
	noes int
}

func (p *stubbornPacer) Turn(ctx context.Context, r provision.TurnRequest) (provision.Turn, error) {
	if p.noes--; p.noes >= 0 {
		return provision.Turn{}, nil
	}
	return p.Pacer.Turn(ctx, r)
}

func TestAPacerIsNotAskedWithoutAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config(newTenant(), nil)
		c.Pacer = &stubbornPacer{Pacer: newPacer(t, provision.Pace{}), noes: 100}
		began := time.Now()
		_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, 15*time.Second+100*time.Millisecond, time.Since(began).Round(time.Millisecond))
	})
}

func TestTheHostsOwnStepsDoNotHoldBackTheDirectory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		c := config(newTenant(), nil)
		c.Extra = []provision.Step{ownStep{name: "crm", run: func(context.Context, provision.Person, provision.Account) error {
			if tries++; tries == 1 {
				return fmt.Errorf("the CRM is busy: %w", provision.ErrThrottled)
			}
			return nil
		}}}
		pacer := &recordingPacer{Pacer: newPacer(t, provision.Pace{})}
		c.Pacer = pacer
		_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		for _, r := range pacer.reports {
			require.False(t, r.Throttled)
		}
	})
}
