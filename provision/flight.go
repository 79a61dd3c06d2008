package provision

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// flights holds the runs under way, one per person. Callers join a run, follow it, and leave it; the last one to leave
// early cancels it.
type flights struct {
	mu      sync.Mutex
	running map[PersonKey]*flight
}

// flight is one run and what it has told so far.
type flight struct {
	errand errand
	ctx    context.Context // the run's: it outlives every single caller
	cancel context.CancelCauseFunc
	landed chan struct{} // closed when the run is over

	waiters   int  // guarded by flights.mu
	abandoned bool // guarded by flights.mu: nobody waits any more, and nobody may join

	mu      sync.Mutex
	events  []Event
	changed chan struct{} // closed and replaced when events or over change
	over    bool
	account Account
	err     error
}

// join makes the caller one of those who wait for the person's run of the same errand, and starts the run if there is
// none. The run's context carries the values of the first caller's. A run that everybody has left, and one of another
// errand, is waited for, not joined; but somebody who leaves is not provisioned meanwhile, and does not wait for that.
func (g *flights) join(ctx context.Context, key PersonKey, e errand, fly func(*flight)) (*flight, error) {
	for {
		f, boarded := g.board(ctx, key, e, fly)
		if boarded {
			return f, nil
		}
		switch {
		case f.errand.kind == retiring && e.kind == ensuring:
			return nil, ErrRetired
		case f.errand.kind == ensuring && e.kind == retiring:
			f.cancel(ErrRetired)
		}
		select {
		case <-f.landed:
		case <-ctx.Done():
			return nil, ended(ctx)
		}
	}
}

// board counts the caller in, on the run under way or on a new one, but not on an abandoned one or one of another errand.
func (g *flights) board(ctx context.Context, key PersonKey, e errand, fly func(*flight)) (f *flight, boarded bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f, ok := g.running[key]
	switch {
	case ok && (f.abandoned || f.errand != e):
		return f, false
	case ok:
		f.waiters++
		return f, true
	}
	f = &flight{errand: e, landed: make(chan struct{}), changed: make(chan struct{}), waiters: 1}
	f.ctx, f.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	g.running[key] = f
	go fly(f)
	return f, true
}

// leave counts the caller out. When nobody is left the run is cancelled.
func (g *flights) leave(f *flight) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.abandoned = true
		f.cancel(nil)
	}
}

// land publishes the result. Whoever comes after it starts another run.
func (g *flights) land(key PersonKey, f *flight, account Account, err error) {
	g.mu.Lock()
	delete(g.running, key)
	g.mu.Unlock()

	f.mu.Lock()
	f.account, f.err, f.over = account, err, true
	close(f.changed)
	f.mu.Unlock()
	close(f.landed)
}

// tell adds an event for everybody who follows.
func (f *flight) tell(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, e)
	close(f.changed)
	f.changed = make(chan struct{})
}

// follow hands the run's events to progress, from the first one on, in the caller's own goroutine, and returns the
// run's result, or an error once the caller's context ends.
func (f *flight) follow(ctx context.Context, progress func(Event)) (Account, error) {
	for seen := 0; ; {
		events, changed, over := f.since(seen)
		for _, e := range events {
			progress(e)
		}
		seen += len(events)
		if over {
			return f.account, f.err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Account{}, ended(ctx)
		}
	}
}

// since returns the events after the first seen ones, whether they are the last, and what to wait for if not.
func (f *flight) since(seen int) (events []Event, changed <-chan struct{}, over bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.events[seen:len(f.events):len(f.events)], f.changed, f.over
}

// step is where the run is now.
func (f *flight) step() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) == 0 {
		return f.errand.first()
	}
	return f.events[len(f.events)-1].Step
}

// ended says why a context ended: its error, and the cause where there is another one.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}
