package provision

import (
	"context"
	"log/slog"
)

// Observed does what a run does for whoever observes it: steps, each with as many calls, or, with bare, the same without
// anything that observes. It is for counting allocations.
func Observed(ctx context.Context, p *Provisioner, bare bool, steps, calls int) error {
	r := &run{caller: caller{p: p, log: slog.New(slog.DiscardHandler)}}
	said := new(CallTrace)
	call := func(context.Context) error { return nil }
	work := step{"work", func(ctx context.Context) (outcome, error) {
		for range calls {
			if bare {
				if err := call(ctx); err != nil {
					return done, err
				}
				continue
			}
			waited := p.observer.waitedSince(ctx, p.observer.asks(), PriorityHigh)
			if err := r.observed(ctx, opFindUser, waited, said, call); err != nil {
				return done, err
			}
			r.retried(ctx, ErrUnavailable)
		}
		return done, nil
	}}
	take := r.take
	if bare {
		take = r.takeUnlessSynced
	}
	for range steps {
		if _, err := take(ctx, work); err != nil {
			return err
		}
	}
	return nil
}
