package provision

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// flights holds the runs under way, one per person. Callers join a run, follow it, and leave it; the last one to leave
// early cancels it.
type flights struct {
	mu      sync.Mutex
	running map[PersonKey]*flight
}

// flight is one run and what it has told so far.
type flight struct {
	ctx    context.Context // the run's: it outlives every single caller
	cancel context.CancelCauseFunc
	landed chan struct{} // closed when the run is over
	plan   plan
	raised chan struct{} // closed under flights.mu when the priority is high

	waiters   int  // guarded by flights.mu
	abandoned bool // guarded by flights.mu: nobody waits any more, and nobody may join

	mu      sync.Mutex
	brief   bool // only the last event is kept, because nobody follows yet
	events  []Event
	changed chan struct{} // closed when events or over change; nil: nobody waits for that
	over    bool
	account Account
	err     error
	span    trace.Span   // the run's, once it has begun; nil: nobody is told
	links   []trace.Link // to the callers who joined before
}

// plan is what a run is for and how it goes about it, as whoever starts it wants it.
type plan struct {
	errand   errand
	work     func(*run, context.Context) error // of a run that maintains
	priority Priority
	budget   time.Duration
	brief    bool // whoever starts it does not follow it: of its events only the last one is kept
	apart    bool // its span begins a trace of its own
}

// boarding is how a caller came to a run.
type boarding int

const (
	started boarding = iota // the run is the caller's own
	joined                  // it was under way
	barred                  // everybody has left it, or it is for something else: it is waited for, not joined
)

// join makes the caller one of those who wait for the person's run of the same errand, and starts the run if there is
// none. The run's context carries the values of the first caller's. A run that everybody has left, and one of another
// errand, is waited for, not joined; but for somebody who leaves nothing else is done meanwhile, nor waited for: a run of
// Ensure fails, and one that was there before is cancelled.
func (g *flights) join(ctx context.Context, key PersonKey, plan plan, fly func(*flight)) (*flight, boarding, error) {
	for {
		f, how := g.board(ctx, key, plan, fly)
		if how != barred {
			return f, how, nil
		}
		switch {
		case f.plan.errand.kind == retiring && plan.errand.kind == ensuring:
			return nil, barred, ErrRetired
		case plan.errand.kind == retiring && (f.plan.errand.kind == ensuring || f.plan.errand.maintains()):
			f.cancel(ErrRetired)
		}
		select {
		case <-f.landed:
		case <-ctx.Done():
			return nil, barred, ended(ctx)
		}
	}
}

// board counts the caller in, on the run under way or on a new one, but not on an abandoned one or one of another errand.
// A run that is joined for a higher priority than its own has that one from now on.
func (g *flights) board(ctx context.Context, key PersonKey, plan plan, fly func(*flight)) (*flight, boarding) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f, ok := g.running[key]
	switch {
	case ok && (f.abandoned || f.plan.errand != plan.errand || plan.errand.maintains()):
		return f, barred
	case ok:
		f.waiters++
		f.adapt(plan)
		return f, joined
	}
	f = &flight{
		landed: make(chan struct{}), plan: plan, raised: make(chan struct{}), brief: true, waiters: 1,
	}
	f.ctx, f.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	f.adapt(plan)
	g.running[key] = f
	go fly(f)
	return f, started
}

// adapt makes the run do for one more caller: its priority becomes the highest that any of them wants, and its events
// are all kept once there is somebody who follows it. flights.mu is held.
func (f *flight) adapt(plan plan) {
	if plan.priority == PriorityHigh {
		select {
		case <-f.raised:
		default:
			close(f.raised)
		}
	}
	if !plan.brief {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.brief = false
	}
}

// maintained reports whether the person's run under way is one that maintains.
func (g *flights) maintained(key PersonKey) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	f, ok := g.running[key]
	return ok && f.plan.errand.maintains()
}

// leave counts the caller out. When nobody is left the run is cancelled, and lands soon.
func (g *flights) leave(f *flight) (abandoned bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.abandoned = true
		f.cancel(nil)
	}
	return f.abandoned
}

// land publishes the result. Whoever comes after it starts another run.
func (g *flights) land(key PersonKey, f *flight, account Account, err error) {
	g.mu.Lock()
	delete(g.running, key)
	g.mu.Unlock()

	f.mu.Lock()
	f.account, f.err, f.over = account, err, true
	f.wake()
	f.mu.Unlock()
	close(f.landed)
}

// tell adds an event for everybody who follows.
func (f *flight) tell(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.brief {
		f.events = f.events[:0]
	}
	f.events = append(f.events, e)
	f.wake()
}

// wake wakes those who follow the run. f.mu is held.
func (f *flight) wake() {
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

// follow hands the run's events to progress, from the first one that is kept, in the caller's own goroutine, and returns
// the run's result, or an error once the caller's context ends. Without progress only the end wakes the caller.
func (f *flight) follow(ctx context.Context, progress func(Event)) (Account, error) {
	if progress == nil {
		select {
		case <-f.landed:
			return f.result()
		case <-ctx.Done():
			return Account{}, ended(ctx)
		}
	}
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
	if f.changed == nil && !f.over {
		f.changed = make(chan struct{})
	}
	return f.events[seen:len(f.events):len(f.events)], f.changed, f.over
}

// step is where the run is now.
func (f *flight) step() string {
	if last, ok := f.last(); ok {
		return last.Step
	}
	return f.plan.errand.first()
}

// last is what happened last, if anything did.
func (f *flight) last() (e Event, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) == 0 {
		return Event{}, false
	}
	return f.events[len(f.events)-1], true
}

// result is what the run came to, once it is over.
func (f *flight) result() (Account, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.account, f.err
}

// failure is why the run's result is not the person's account; nil if it is.
func (f *flight) failure(person Person, account Account, err error) *Error {
	if err == nil {
		err = person.agreesWith(account.ImmutableID, account.UPN)
	}
	if err == nil {
		return nil
	}
	var failure *Error
	if !errors.As(err, &failure) {
		failure = &Error{Step: f.step(), Person: person.Key(), Err: err}
	}
	return failure
}

// overdue is the error of a caller whose budget ended before the run's: it says what the run is waiting for.
func (f *flight) overdue(budget time.Duration) error {
	last, _ := f.last()
	switch {
	case last.State == Waiting && last.Reason == ReasonThrottled:
		return fmt.Errorf("not finished within %v: %w", budget, ErrThrottled)
	case last.State == Waiting && last.Reason == ReasonUnavailable:
		return fmt.Errorf("not finished within %v: %w", budget, ErrUnavailable)
	}
	return &notReadyError{budget: budget}
}

// ended says why a context ended: its error, and the cause where there is another one.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}
