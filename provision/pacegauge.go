package provision

import (
	"context"
	"time"
)

// PaceGauge is optionally implemented by a [Pacer] that can say what is left. [Config].MeterProvider shows it.
type PaceGauge interface {
	// Left says what is left now, and takes nothing. It is safe for concurrent use and stops when ctx ends.
	Left(ctx context.Context) (PaceLeft, error)
}

// PaceLeft is what is left of a [Pace].
type PaceLeft struct {
	// Writes is how many writes of PriorityHigh could be made at once; 0 while the directory asks for silence.
	Writes int

	// WriteShare is what share that is of the most that can be, from 0 to 1.
	WriteShare float64
}

// Left is what is left at a time. The pace must be valid.
func (p Pace) Left(state PaceState, now time.Time) PaceLeft {
	writes, units := p.buckets()
	state = state.within(now, writes, units)
	if state.HeldUntil.After(now) {
		return PaceLeft{}
	}
	empty := max(0, state.WritesFull.Sub(now)).Seconds() * writes.rate
	left := min(max(0, writes.size-empty), writes.size)
	return PaceLeft{Writes: int(left), WriteShare: left / writes.size}
}
