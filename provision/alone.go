package provision

import (
	"context"
	"fmt"
)

// alone does something about one person who is known, in the caller's own goroutine, while no run of the person is under
// way in this process, nor in another one that shares the store's leases. Runs that come meanwhile wait for it. The error
// is an *[Error] of the step.
func (p *Provisioner) alone(
	ctx context.Context, key PersonKey, errand, step string, work func(r *run, ctx context.Context) error,
) error {
	err := key.Validate()
	if err == nil {
		err = p.flights.alone(ctx, key, func() error { return p.aloneRun(ctx, key, errand, step, work) })
	}
	if err == nil {
		return nil
	}
	return &Error{Step: step, Person: key, Err: err}
}

// aloneRun is the run in which the work is done.
func (p *Provisioner) aloneRun(
	ctx context.Context, key PersonKey, errand, step string, work func(r *run, ctx context.Context) error,
) (err error) {
	r, ctx, end := p.background(ctx, step)
	defer end()
	r.about(key)
	ctx, seen := p.observer.beginRun(ctx, subject{errand: errand, connection: key.Connection})
	err = errBroken
	defer func() { r.endRun(ctx, seen, r.account, err) }()
	if err := r.takeLease(ctx); err != nil {
		return err
	}
	rec, err := p.store.Load(ctx, key)
	if err != nil {
		return r.storeError(ctx, "loading the record", err)
	}
	r.remember(rec)
	return work(r, ctx)
}

// alone calls work while no run of the person is under way. Runs that come meanwhile wait for its end, as they do for a
// run that everybody has left.
func (g *flights) alone(ctx context.Context, key PersonKey, work func() error) error {
	for {
		f, mine := g.reserve(key)
		if mine {
			defer g.land(key, f, Account{}, errExited)
			return work()
		}
		select {
		case <-f.landed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the run of the same person: %w", ended(ctx))
		}
	}
}

// reserve keeps others from starting a run, or returns the one that is under way.
func (g *flights) reserve(key PersonKey) (f *flight, mine bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f, ok := g.running[key]; ok {
		return f, false
	}
	f = &flight{landed: make(chan struct{}), abandoned: true, cancel: func(error) {}}
	g.running[key] = f
	return f, true
}
