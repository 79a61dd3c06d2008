package provision_test

import (
	"context"
	"errors"
	"math/rand/v2"
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

// record is a call that takes a time and doubles every want; it remembers its batches.
type callRecord struct {
	took time.Duration

	mu      sync.Mutex
	batches [][]int
	at      []time.Time
	running map[string]int
	crowded bool // two calls for one key were under way
}

func (r *callRecord) call(ctx context.Context, key string, g *provision.Gathered) error {
	wants := g.Take()
	r.mu.Lock()
	r.batches = append(r.batches, slices.Sorted(slices.Values(wants)))
	r.at = append(r.at, time.Now())
	if r.running == nil {
		r.running = make(map[string]int)
	}
	r.running[key]++
	r.crowded = r.crowded || r.running[key] > 1
	r.mu.Unlock()
	time.Sleep(r.took)
	r.mu.Lock()
	r.running[key]--
	r.mu.Unlock()
	for _, want := range wants {
		g.Settle(want, 2*want, nil)
	}
	return nil
}

// wantAll has everybody want their number, and requires that each gets its own result.
func wantAll(t *testing.T, all *sync.WaitGroup, c *provision.Coalescer, key string, patient bool, wants ...int) {
	for _, want := range wants {
		all.Go(func() {
			got, err := c.Do(t.Context(), key, want, patient)
			require.NoError(t, err)
			require.Equal(t, 2*want, got)
		})
	}
}

func upTo(n int) (numbers []int) {
	for i := range n {
		numbers = append(numbers, i)
	}
	return numbers
}

// Whoever is in a hurry leaves those who wait for their call, but not a call that is under way.
func TestWhoIsHurriedGoesWithoutTheOthers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		after time.Duration
		want  error
	}{
		"while all linger":           {500 * time.Millisecond, provision.ErrHurried},
		"when the call is under way": {1500 * time.Millisecond, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := callRecord{took: time.Second}
				c := provision.NewCoalescer(20, time.Second, r.call)
				hurried := make(chan struct{})
				time.AfterFunc(tc.after, func() { close(hurried) })
				var all sync.WaitGroup
				all.Go(func() {
					_, err := c.DoUntil(t.Context(), "a", 1, hurried)
					require.ErrorIs(t, err, tc.want)
				})
				wantAll(t, &all, c, "a", true, 2)
				all.Wait()
				require.Len(t, r.batches, 1)
				require.Equal(t, tc.want == nil, slices.Contains(r.batches[0], 1))
				require.Zero(t, c.Queues())
			})
		})
	}
}

func TestPatientWantsGoTogetherAfterTheLinger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r callRecord
		c := provision.NewCoalescer(20, time.Second, r.call)
		began := time.Now()
		var all sync.WaitGroup
		wantAll(t, &all, c, "a", true, 1)
		time.Sleep(900 * time.Millisecond)
		wantAll(t, &all, c, "a", true, 2, 3)
		all.Wait()
		require.Equal(t, [][]int{{1, 2, 3}}, r.batches)
		require.Equal(t, time.Second, r.at[0].Sub(began), "the linger counts from the first")
		require.Zero(t, c.Queues(), "nothing is kept")
	})
}

func TestAFullBatchDoesNotLinger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r callRecord
		c := provision.NewCoalescer(20, time.Second, r.call)
		began := time.Now()
		var all sync.WaitGroup
		wantAll(t, &all, c, "a", true, upTo(45)...)
		all.Wait()
		require.Len(t, r.batches, 3)
		require.Equal(t, []int{20, 20, 5}, []int{len(r.batches[0]), len(r.batches[1]), len(r.batches[2])})
		require.Equal(t, began, r.at[1], "two are full at once")
		require.LessOrEqual(t, r.at[2].Sub(began), time.Second, "the rest lingers")
	})
}

func TestWhoDoesNotWaitTakesEverybodyAlongAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r callRecord
		c := provision.NewCoalescer(20, time.Second, r.call)
		began := time.Now()
		var all sync.WaitGroup
		wantAll(t, &all, c, "a", true, 1, 2)
		synctest.Wait()
		wantAll(t, &all, c, "a", false, 3)
		all.Wait()
		require.Equal(t, [][]int{{1, 2, 3}}, r.batches)
		require.Equal(t, began, r.at[0])
	})
}

func TestWhatGathersDuringACallGoesTogetherInTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := callRecord{took: 300 * time.Millisecond}
		c := provision.NewCoalescer(20, time.Second, r.call)
		began := time.Now()
		var all sync.WaitGroup
		wantAll(t, &all, c, "a", false, 1)
		synctest.Wait()
		wantAll(t, &all, c, "a", false, 2, 3)
		time.Sleep(100 * time.Millisecond)
		wantAll(t, &all, c, "a", false, 4)
		all.Wait()
		require.Equal(t, [][]int{{1}, {2, 3, 4}}, r.batches)
		require.Equal(t, 300*time.Millisecond, r.at[1].Sub(began))
		require.False(t, r.crowded)
	})
}

func TestALingerThatEndsDuringACallIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := callRecord{took: 3 * time.Second}
		c := provision.NewCoalescer(20, time.Second, r.call)
		began := time.Now()
		var all sync.WaitGroup
		wantAll(t, &all, c, "a", false, 1)
		synctest.Wait()
		wantAll(t, &all, c, "a", true, 2)
		all.Wait()
		require.Equal(t, 3*time.Second, r.at[1].Sub(began))
	})
}

func TestKeysDoNotShareCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r callRecord
		c := provision.NewCoalescer(20, time.Second, r.call)
		var all sync.WaitGroup
		wantAll(t, &all, c, "a", true, 1, 2)
		wantAll(t, &all, c, "b", true, 3)
		all.Wait()
		require.ElementsMatch(t, [][]int{{1, 2}, {3}}, r.batches)
	})
}

func TestWhoLeavesBeforeTheCallIsNotPartOfIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r callRecord
		c := provision.NewCoalescer(20, time.Second, r.call)
		leaving, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			_, err := c.Do(leaving, "a", 1, true)
			require.ErrorIs(t, err, provision.ErrLeft)
		})
		wantAll(t, &all, c, "a", true, 2)
		synctest.Wait()
		leave()
		all.Wait()
		require.Equal(t, [][]int{{2}}, r.batches)
	})
}

func TestTheFirstWhoLeavesDuringTheCallCancelsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var cancelled error
		c := provision.NewCoalescer(20, time.Second, func(ctx context.Context, _ string, g *provision.Gathered) error {
			wants := g.Take()
			time.Sleep(5 * time.Second)
			cancelled = ctx.Err()
			for _, want := range wants {
				g.Settle(want, 2*want, nil)
			}
			return nil
		})
		leaving, leave := context.WithTimeout(t.Context(), 3*time.Second)
		defer leave()
		var all sync.WaitGroup
		all.Go(func() {
			_, err := c.Do(leaving, "a", 1, true)
			require.ErrorIs(t, err, provision.ErrLeft)
		})
		synctest.Wait()
		wantAll(t, &all, c, "a", true, 2)
		all.Wait()
		require.NoError(t, cancelled)
	})
}

// What has begun is let finish: who is cancelled gets the result until the deadline.
func TestWhoIsCancelledDuringTheCallGetsTheResult(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := callRecord{took: 5 * time.Second}
		c := provision.NewCoalescer(20, time.Second, r.call)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var all sync.WaitGroup
		all.Go(func() {
			got, err := c.Do(ctx, "a", 1, false)
			require.NoError(t, err)
			require.Equal(t, 2, got)
		})
		synctest.Wait()
		cancel()
		all.Wait()
	})
}

func TestACallThatEverybodyHasLeftIsCancelled(t *testing.T) {
	t.Parallel()
	for name, taken := range map[string]bool{"before it took the wants": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				cancelled := make(chan time.Duration, 1)
				call := func(ctx context.Context, _ string, g *provision.Gathered) error {
					if taken {
						g.Take()
					}
					<-ctx.Done()
					cancelled <- time.Since(began)
					return ctx.Err()
				}
				c := provision.NewCoalescer(20, 100*time.Millisecond, call)
				for _, after := range []time.Duration{time.Second, 2 * time.Second} {
					ctx, cancel := context.WithTimeout(t.Context(), after)
					defer cancel()
					go func() { _, _ = c.Do(ctx, "a", 1, true) }()
				}
				require.Equal(t, 2*time.Second, <-cancelled)
				synctest.Wait()
				require.Zero(t, c.Queues())
			})
		})
	}
}

func TestHoweverACallEndsNobodyHangs(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, tc := range map[string]struct {
		end  func() error
		want string
	}{
		"with an error":  {func() error { return broken }, "broken"},
		"without a word": {func() error { return nil }, "without a result"},
		"with a panic":   {func() error { panic("no memory") }, "panic: no memory"},
		"with Goexit":    {func() error { runtime.Goexit(); return nil }, "Goexit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				first := true
				c := provision.NewCoalescer(3, time.Second, func(_ context.Context, _ string, g *provision.Gathered) error {
					wants := g.Take()
					g.Settle(wants[0], 2*wants[0], nil)
					if first {
						first = false
						return tc.end()
					}
					return broken
				})
				var all sync.WaitGroup
				var served, failed atomic.Int32
				for want := range 3 {
					all.Go(func() {
						got, err := c.Do(t.Context(), "a", want, true)
						if err == nil {
							require.Equal(t, 2*want, got, "who had a result keeps it")
							served.Add(1)
							return
						}
						require.ErrorContains(t, err, tc.want)
						failed.Add(1)
					})
				}
				all.Wait()
				require.EqualValues(t, 1, served.Load())
				require.EqualValues(t, 2, failed.Load())
				_, err := c.Do(t.Context(), "a", 7, true)
				require.NoError(t, err, "the next call is made")
				synctest.Wait()
				require.Zero(t, c.Queues())
			})
		})
	}
}

// Hundreds come, wait, and leave at any time. Everybody gets the own result or has left, and nobody is done twice.
func TestManyAtOnceGetTheirOwnResults(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	doneFor := make(map[int]int)
	c := provision.NewCoalescer(20, time.Millisecond, func(_ context.Context, _ string, g *provision.Gathered) error {
		wants := g.Take()
		mu.Lock()
		for _, want := range wants {
			doneFor[want]++
		}
		mu.Unlock()
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
		for _, want := range wants {
			g.Settle(want, 2*want, nil)
		}
		return nil
	})
	var all sync.WaitGroup
	var left atomic.Int32
	for want := range 2000 {
		all.Go(func() {
			ctx := t.Context()
			if want%3 == 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, time.Duration(rand.IntN(2000))*time.Microsecond)
				defer cancel()
			}
			got, err := c.Do(ctx, []string{"a", "b", "c"}[want%7%3], want, want%2 == 0)
			if errors.Is(err, provision.ErrLeft) {
				left.Add(1)
				return
			}
			require.NoError(t, err)
			require.Equal(t, 2*want, got)
		})
	}
	all.Wait()
	require.Eventually(t, func() bool { return c.Queues() == 0 }, time.Minute, time.Millisecond)
	for want, times := range doneFor {
		require.Equal(t, 1, times, "%d", want)
	}
	require.GreaterOrEqual(t, len(doneFor)+int(left.Load()), 2000)
}

// A simulation cannot tell apart who goes on at one instant, unless it is asked to let them go on one by one.
func TestWhoSharesACallGoesOnThroughTheSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		slept := 0
		c := inGroups(config(newGroupTenant(), nil), "staff")
		c.Sleep = func(ctx context.Context, d time.Duration) error {
			if d == 0 {
				mu.Lock()
				defer mu.Unlock()
				slept++
				return ctx.Err()
			}
			time.Sleep(d)
			return ctx.Err()
		}
		for _, err := range ensureLow(t.Context(), newProvisioner(t, quick(c)), hires(5)) {
			require.NoError(t, err)
		}
		require.GreaterOrEqual(t, slept, 5)
	})
}
