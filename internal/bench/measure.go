package main

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

// sample is one measurement of a cell. All fields are per operation.
type sample struct {
	ns     float64 // wall time
	bytes  float64 // allocated on the heap
	allocs float64
}

// measure runs work for a time with a number of workers. What was allocated before is collected first, so that no cell
// pays for another.
func measure(ctx context.Context, work operation, workers int, d time.Duration) (sample, error) {
	if err := work(); err != nil { // warm up
		return sample{}, err
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	runs, err := repeatAll(ctx, work, workers, d)
	runtime.ReadMemStats(&after)
	if err != nil {
		return sample{}, err
	}
	operations, perSecond := 0, 0.0
	for _, r := range runs {
		operations += r.operations
		perSecond += float64(r.operations) / r.elapsed.Seconds()
	}
	return sample{
		ns:     1e9 / perSecond,
		bytes:  float64(after.TotalAlloc-before.TotalAlloc) / float64(operations),
		allocs: float64(after.Mallocs-before.Mallocs) / float64(operations),
	}, nil
}

// stint is what one worker did. Each has its own time, so that nobody's rate depends on who ends last.
type stint struct {
	operations int
	elapsed    time.Duration
}

func repeatAll(ctx context.Context, work operation, workers int, d time.Duration) ([]stint, error) {
	stints, errs := make([]stint, workers), make([]error, workers)
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() { stints[i], errs[i] = repeat(ctx, work, d) })
	}
	group.Wait()
	return stints, errors.Join(errs...)
}

// lookAfter is about how often the clock is looked at: often enough to end in time, so rarely that it costs nothing.
const lookAfter = time.Millisecond

// repeat runs work until the time is over.
func repeat(ctx context.Context, work operation, d time.Duration) (stint, error) {
	var s stint
	start := time.Now()
	for batch := 1; ; batch = s.operationsIn(lookAfter) {
		for range batch {
			if err := work(); err != nil {
				return s, err
			}
		}
		s.operations += batch
		s.elapsed = max(time.Since(start), 1)
		if err := ctx.Err(); err != nil {
			return s, err
		}
		if s.elapsed >= d {
			return s, nil
		}
	}
}

// operationsIn is how many operations take a time at the rate so far, at least one.
func (s stint) operationsIn(d time.Duration) int {
	return max(1, int(float64(s.operations)*float64(d)/float64(s.elapsed)))
}
