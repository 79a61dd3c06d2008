package adaptertest

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/entrafed/entrafed/federation/entratest"
)

// clock stands still and jumps, or is the real one.
type clock struct {
	standing *entratest.Clock
	real     atomic.Bool
}

// newClock begins at the present, so that what looks at the real time finds nothing expired.
func newClock() *clock {
	return &clock{standing: entratest.NewClock(time.Now().UTC().Truncate(time.Second))}
}

// Now returns the time.
func (c *clock) Now() time.Time {
	if c.real.Load() {
		return time.Now()
	}
	return c.standing.Now()
}

// ofTenant is the clock as a tenant takes it.
func (c *clock) ofTenant() *entratest.Clock {
	if c.real.Load() {
		return nil
	}
	return c.standing
}

// realPause is what passes of the real time where d would of the other: enough for two times to differ by a second.
const realPause = 1100 * time.Millisecond

// Sleep lets time pass.
func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	if !c.real.Load() {
		return c.standing.Sleep(ctx, d)
	}
	timer := time.NewTimer(min(d, realPause))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
