package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMeasureCountsWhatIsAllocated(t *testing.T) {
	const size = 1 << 20
	var kept atomic.Pointer[[]byte]
	s, err := measure(t.Context(), func() error {
		b := make([]byte, size)
		kept.Store(&b)
		return nil
	}, 1, time.Nanosecond)
	require.NoError(t, err)
	require.GreaterOrEqual(t, s.bytes, float64(size))
	require.GreaterOrEqual(t, s.allocs, 1.0)
	require.Positive(t, s.ns)
}

func TestMeasureRunsAllWorkersAtOnce(t *testing.T) {
	t.Parallel()
	const workers = 3
	var calls atomic.Int64
	var together sync.WaitGroup
	together.Add(workers)
	_, err := measure(t.Context(), func() error {
		if call := calls.Add(1); call == 1 || call > 1+workers { // the first warms up
			return nil
		}
		together.Done()
		together.Wait() // would never end if they came one after the other
		return nil
	}, workers, time.Nanosecond)
	require.NoError(t, err)
	require.GreaterOrEqual(t, calls.Load(), int64(1+workers))
}

func TestMeasureReportsWhatFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for rule, failsAt := range map[string]int64{"at once": 1, "later": 2} {
		var calls atomic.Int64
		_, err := measure(t.Context(), func() error {
			if calls.Add(1) >= failsAt {
				return broken
			}
			return nil
		}, 2, time.Hour)
		require.ErrorIs(t, err, broken, rule)
	}
}

func TestMeasureEndsWhenInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := measure(ctx, func() error { cancel(); return nil }, 2, time.Hour)
	require.ErrorIs(t, err, context.Canceled)
}

func TestOperationsInATime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		so   stint
		in   time.Duration
		want int
	}{
		"as many as fit":     {stint{10, time.Second}, 2 * time.Second, 20},
		"a part of a second": {stint{1000, time.Second}, time.Millisecond, 1},
		"one at least":       {stint{1, time.Second}, time.Millisecond, 1},
	} {
		require.Equal(t, c.want, c.so.operationsIn(c.in), name)
	}
}
