package provision_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// waits returns how long a run waited before each further attempt of a step, apart from waiting for its turn.
func waits(t *testing.T, p *provision.Provisioner, step string) ([]time.Duration, error) {
	t.Helper()
	var waits []time.Duration
	_, err := p.EnsureWithProgress(t.Context(), contractor(), func(e provision.Event) {
		if e.Step == step && e.State == provision.Waiting && e.Attempt > 0 {
			waits = append(waits, e.Wait)
		}
	})
	return waits, err
}

func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	for _, code := range []int{429, 503} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				for _, after := range []time.Duration{time.Second, 70 * time.Second} {
					dir.next("ChangeLicenses", fault{err: &provision.DirectoryError{Status: code, RetryAfter: after}})
				}
				got, err := waits(t, newProvisioner(t, licensed(config(dir, nil), standardSKU)), provision.StepLicense)
				require.NoError(t, err)
				require.Equal(t, []time.Duration{time.Second, 70 * time.Second}, got)
			})
		})
	}
}

func TestARetryAfterBeyondTheBudgetFailsAtOnce(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]error{429: provision.ErrThrottled, 503: provision.ErrUnavailable} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, began := newTenant(), time.Now()
				long := &provision.DirectoryError{Status: code, RetryAfter: 150 * time.Second}
				dir.next("ChangeLicenses", fault{err: long})
				_, err := newProvisioner(t, licensed(config(dir, nil), standardSKU)).Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, want)
				var failure *provision.Error
				require.ErrorAs(t, err, &failure)
				after, again := failure.RetryAfter()
				require.True(t, again)
				require.Equal(t, 150*time.Second, after)
				require.Equal(t, began, time.Now(), "without waiting")
			})
		})
	}
}

func TestWithoutRetryAfterTheBackoffIsExponentialWithFullJitter(t *testing.T) {
	t.Parallel()
	limits := []time.Duration{500, 1000, 2000, 4000, 8000, 8000, 8000}
	for _, answer := range []error{status(503), throttled(0), dropped(), concurrencyViolation()} {
		synctest.Test(t, func(t *testing.T) {
			dir := newTenant()
			for range limits {
				dir.next("ChangeLicenses", fault{err: answer})
			}
			got, err := waits(t, newProvisioner(t, licensed(config(dir, nil), standardSKU)), provision.StepLicense)
			require.NoError(t, err)
			require.Len(t, got, len(limits))
			below := 0
			for i, limit := range limits {
				require.LessOrEqual(t, got[i], limit*time.Millisecond)
				if got[i] < limit*time.Millisecond/2 {
					below++
				}
			}
			require.NotZero(t, below, "the jitter is full: some waits are below half of the limit")
		})
	}
}

func TestWithoutRandomnessTheBackoffIsItsLimitAndNobodyIsCreated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.next("FindUser", fault{err: status(503)}, fault{err: status(503)})
		c := config(dir, nil)
		c.Rand = iotest.ErrReader(errors.New("no entropy"))
		got, err := waits(t, newProvisioner(t, c), provision.StepCreate)
		require.ErrorContains(t, err, "no entropy")
		require.Equal(t, []time.Duration{500 * time.Millisecond, time.Second}, got)
		require.Empty(t, dir.mine())
	})
}

func TestWhenTheBudgetRunsOutTheErrorSaysWhatHeldItUp(t *testing.T) {
	t.Parallel()
	type verdict struct {
		sentinel error
		reason   provision.Reason
	}
	throttling := verdict{provision.ErrThrottled, provision.ReasonThrottled}
	down := verdict{provision.ErrUnavailable, provision.ReasonUnavailable}
	late := verdict{provision.ErrNotReady, provision.ReasonNotReady}
	lagging := badRequest("One or more property values specified are invalid.")
	for name, tc := range map[string]struct {
		method string
		answer error
		want   verdict
		step   string
	}{
		"throttled while looking":    {"FindUser", throttled(0), throttling, provision.StepCreate},
		"down while looking":         {"FindUser", status(500), down, provision.StepCreate},
		"throttled while creating":   {"CreateUser", throttled(0), throttling, provision.StepCreate},
		"down while creating":        {"CreateUser", dropped(), down, provision.StepCreate},
		"lagging while creating":     {"CreateUser", lagging, late, provision.StepCreate},
		"lagging while licensing":    {"ChangeLicenses", notFound(), late, provision.StepLicense},
		"down while licensing":       {"SKUs", status(502), down, provision.StepLicense},
		"concurrent while licensing": {"ChangeLicenses", concurrencyViolation(), late, provision.StepLicense},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, began := newTenant(), time.Now()
				dir.always(tc.method, fault{err: tc.answer})
				p := newProvisioner(t, licensed(config(dir, nil), standardSKU))
				_, err := p.Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, tc.want.sentinel)
				requireOneSentinel(t, err)
				requireStep(t, err, tc.step)
				var failure *provision.Error
				require.ErrorAs(t, err, &failure)
				require.Equal(t, tc.want.reason, failure.Reason())
				_, again := failure.RetryAfter()
				require.True(t, again)
				var answer *provision.DirectoryError
				require.ErrorAs(t, err, &answer, "the last answer is kept")
				require.LessOrEqual(t, time.Since(began), 2*time.Minute)
				require.Greater(t, time.Since(began), 100*time.Second)

				dir.script = map[string][]fault{}
				account, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err, "the next run continues")
				oneAccount(t, dir, account)
			})
		})
	}
}

func TestACallThatHangsIsCutByTheBudget(t *testing.T) {
	t.Parallel()
	hang := fault{before: func(ctx context.Context) { <-ctx.Done() }}
	for _, method := range []string{"FindUser", "CreateUser", "SKUs", "ChangeLicenses"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, began := newTenant(), time.Now()
				dir.next(method, hang)
				p := newProvisioner(t, licensed(config(dir, nil), standardSKU))
				_, err := p.Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, provision.ErrUnavailable)
				require.Equal(t, 2*time.Minute, time.Since(began))
				account, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				oneAccount(t, dir, account)
			})
		})
	}
}

func TestA429HoldsBackEverybody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.next("CreateUser", fault{err: throttled(20 * time.Second)})
		p := newProvisioner(t, config(dir, nil))
		go p.Ensure(t.Context(), contractor()) //nolint:errcheck // only its 429 matters here
		synctest.Wait()
		calls, began := dir.count(""), time.Now()

		var reason provision.Reason
		_, err := p.EnsureWithProgress(t.Context(), partner(), func(e provision.Event) {
			if e.State == provision.Waiting && reason == "" {
				require.Equal(t, 20*time.Second, e.Wait)
				require.Equal(t, calls, dir.count(""), "no call before the time that the directory asked for")
				reason = e.Reason
			}
		})
		require.NoError(t, err)
		require.Equal(t, provision.ReasonThrottled, reason)
		require.InDelta(t, 35*time.Second, time.Since(began), float64(time.Second))
	})
}

func TestWritesAreSpaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, began := newTenant(), time.Now()
		var at []time.Duration
		for range 6 {
			dir.next("CreateUser", fault{before: func(context.Context) { at = append(at, time.Since(began)) }})
		}
		c := config(dir, nil)
		c.Pace = provision.Pace{WritesPerSecond: 0.5, WriteBurst: 2}
		p := newProvisioner(t, c)
		errs := make(chan error)
		for i := range 6 {
			go func() {
				_, err := p.Ensure(t.Context(), provision.Person{Connection: "google", ID: fmt.Sprint(i)})
				errs <- err
			}()
		}
		for range 6 {
			require.NoError(t, <-errs)
		}
		require.Equal(t, []time.Duration{0, 0, 2 * time.Second, 4 * time.Second, 6 * time.Second, 8 * time.Second}, at,
			"a burst of two, then one in two seconds")
	})
}

func TestAQueueOfWritesThatIsLongerThanTheBudgetIsThrottling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config(newTenant(), nil)
		c.Pace = provision.Pace{WritesPerSecond: 0.001, WriteBurst: 1}
		p := newProvisioner(t, c)
		_, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		_, err = p.Ensure(t.Context(), partner())
		require.ErrorIs(t, err, provision.ErrThrottled)
		var failure *provision.Error
		require.ErrorAs(t, err, &failure)
		after, again := failure.RetryAfter()
		require.True(t, again)
		require.InDelta(t, 1000*time.Second, after, float64(time.Minute))
	})
}

func TestASleepThatFailsEndsTheRun(t *testing.T) {
	t.Parallel()
	broken := errors.New("the timer broke")
	c := config(newTenant(), nil)
	c.Sleep = func(context.Context, time.Duration) error { return broken }
	_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
	require.ErrorIs(t, err, broken)
	requireStep(t, err, provision.StepSettle)
}

// sentinels are all of which an error may match one.
func sentinels() []error {
	return []error{provision.ErrInvalidPerson, provision.ErrUnauthorized, provision.ErrForbidden, provision.ErrNotFound,
		provision.ErrConflict, provision.ErrNoLicense, provision.ErrThrottled, provision.ErrUnavailable,
		provision.ErrRetired, provision.ErrRefused, provision.ErrNotOwned, provision.ErrNotReady}
}

func requireOneSentinel(t testing.TB, err error) {
	t.Helper()
	var matched []error
	for _, s := range sentinels() {
		if errors.Is(err, s) {
			matched = append(matched, s)
		}
	}
	require.LessOrEqual(t, len(matched), 1, "%v matches %v", err, matched)
}
