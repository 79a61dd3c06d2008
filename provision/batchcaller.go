package provision

import (
	"context"

	"go.opentelemetry.io/otel/trace"
)

// sharer is what a run wants of a call that it shares with others.
type sharer interface {
	from() *caller // the run's
}

// callerFor returns a caller that makes the calls of a batch, and the context to make them in: with the longest budget
// and the highest priority of those who wait, so that nobody's short one fails the others. It tells all of them when it
// has to wait. Whoever is hurried later leaves: see share.
func callerFor[W sharer, R any](ctx context.Context, b *batch[W, R]) (*caller, context.Context, context.CancelFunc) {
	var c caller
	var shared []trace.SpanContext
	priority := PriorityLow
	b.each(func(w W) {
		from := w.from()
		priority = min(priority, from.priority)
		if c.p == nil || from.deadline.After(c.deadline) {
			c = *from
		}
		shared = append(shared, from.at)
	})
	if c.p == nil { // everybody has left already
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return nil, ctx, cancel
	}
	c.log, c.priority, c.raised = c.p.logger, priority, nil
	c.shared, c.attempts = shared, [operations]int32{}
	c.waiting = func(e Event) { b.each(func(w W) { w.from().waiting(e) }) }
	ctx, cancel := context.WithTimeoutCause(ctx, c.left(), errBudget)
	return &c, ctx, cancel
}

// share returns the result of a call that this run shares with others. A run that did not wait for it ends. One that
// began without anybody to wait for it, and has somebody now, gets errHurried: it makes its call without the others.
func share[K comparable, W sharer, R any](
	ctx context.Context, c *coalescer[K, W, R], key K, want W,
) (R, error) {
	by := want.from()
	by.heed()
	var hurried <-chan struct{}
	if by.priority == PriorityLow {
		hurried = by.raised
	}
	result, err := c.do(ctx, key, want, by.priority == PriorityLow, hurried)
	switch err {
	case errLeft:
		err = by.stopped(ctx, nil)
	case errHurried:
		by.heed()
	}
	return result, err
}
