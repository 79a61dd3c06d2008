package provision

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// MemoryPacer is a [Pacer] in this process, for one Provisioner or for several that call one tenant: one for people who
// sign in, say, and one for bulk work. Processes that share a database are better off with the one of package sqlstore;
// without it, divide the budget by [Pace].Share.
type MemoryPacer struct {
	pace Pace
	now  func() time.Time

	mu    sync.Mutex
	state PaceState
}

var (
	_ Pacer     = (*MemoryPacer)(nil)
	_ PaceGauge = (*MemoryPacer)(nil)
)

// NewMemoryPacer returns a pacer with full buckets. now is its clock; nil: time.Now. The error lists all that is wrong
// with the pace.
func NewMemoryPacer(pace Pace, now func() time.Time) (*MemoryPacer, error) {
	if err := pace.Validate(); err != nil {
		return nil, fmt.Errorf("provision: bad pace: %w", err)
	}
	return newMemoryPacer(pace, now), nil
}

// newMemoryPacer is NewMemoryPacer with a pace that is known to be valid.
func newMemoryPacer(pace Pace, now func() time.Time) *MemoryPacer {
	if now == nil {
		now = time.Now
	}
	return &MemoryPacer{pace: pace, now: now}
}

// Turn implements [Pacer].
func (p *MemoryPacer) Turn(ctx context.Context, request TurnRequest) (turn Turn, err error) {
	if ctx.Err() != nil {
		return Turn{}, ended(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state, turn = p.pace.Turn(p.state, p.now(), request)
	return turn, nil
}

// Report implements [Pacer].
func (p *MemoryPacer) Report(ctx context.Context, report TurnReport) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = p.pace.Report(p.state, p.now(), report)
	return nil
}

// Left implements [PaceGauge].
func (p *MemoryPacer) Left(ctx context.Context) (PaceLeft, error) {
	if ctx.Err() != nil {
		return PaceLeft{}, ended(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pace.Left(p.state, p.now()), nil
}
