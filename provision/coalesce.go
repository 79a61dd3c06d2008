package provision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// coalescer gathers what concurrent callers want for the same key, so that one call does it for all of them. At most
// one call for a key is under way. What is wanted meanwhile goes together in the next one.
//
// A call belongs to none of its callers: it has a goroutine and a context of its own. The context carries the values of
// the first caller's, has no deadline, and ends early only when everybody has left.
type coalescer[K comparable, W, R any] struct {
	limit  int           // how many one call is for at most
	linger time.Duration // how long the patient wait for company
	sleep  func(ctx context.Context, d time.Duration) error
	log    *slog.Logger

	// call settles the tickets of the batch. Its error is the result of those that it has not settled.
	call func(ctx context.Context, key K, b *batch[W, R]) error

	mu     sync.Mutex
	queues map[K]*queue[W, R]
}

// queue is what is wanted for one key. The coalescer's mutex guards it.
type queue[W, R any] struct {
	waiting    []*ticket[W, R] // in the order in which they came
	running    bool            // a call is under way
	stopLinger func()          // nil: nobody lingers
}

// ticket is one caller's part in a call. The coalescer's mutex guards it, but result and err belong to the caller once
// done is closed.
type ticket[W, R any] struct {
	want  W
	ctx   context.Context
	due   bool         // it waits for no more company
	batch *batch[W, R] // nil while it waits for the call to begin
	left  bool         // the caller is gone
	done  chan struct{}

	settled bool
	result  R
	err     error
}

// batch is what one call is for.
type batch[W, R any] struct {
	mu      *sync.Mutex // the coalescer's
	tickets []*ticket[W, R]
	present int  // how many have not left
	taken   bool // it is too late to leave
	cancel  context.CancelFunc
}

// What becomes of a caller whom the call gave no result.
var (
	errHurried   = errors.New("the caller is in a hurry now")
	errLeft      = errors.New("the caller did not wait for the result")
	errUnsettled = errors.New("the call ended without a result")
)

// newCoalescer returns a coalescer that waits with the Provisioner's sleep.
func newCoalescer[K comparable, W, R any](
	p *Provisioner, limit int, linger time.Duration, call func(context.Context, K, *batch[W, R]) error,
) *coalescer[K, W, R] {
	return &coalescer[K, W, R]{
		limit: limit, linger: linger, sleep: p.sleep, log: p.logger, call: call, queues: make(map[K]*queue[W, R]),
	}
}

// do has want done for key and returns its result. A patient caller lingers for company first.
//
// When ctx ends before the call has taken the want, do returns errLeft at once, and the want is not part of the call.
// After that it waits for the result until the deadline of ctx, because what has begun is let finish. Likewise it returns
// errHurried when hurried is closed; nil never is.
func (c *coalescer[K, W, R]) do(
	ctx context.Context, key K, want W, patient bool, hurried <-chan struct{},
) (R, error) {
	var none R
	t := c.add(ctx, key, want, patient)
	defer disperse(ctx, c.sleep)
	select {
	case <-t.done:
		return t.result, t.err
	case <-hurried:
		if c.leave(key, t, false) {
			return none, errHurried
		}
	case <-ctx.Done():
	}
	select {
	case <-t.done:
		return t.result, t.err
	case <-ctx.Done():
	}
	if c.leave(key, t, false) {
		return none, errLeft
	}
	rest, stop := finishing(ctx)
	defer stop()
	select {
	case <-t.done:
	case <-rest.Done():
		if c.leave(key, t, true) {
			return none, errLeft
		}
	}
	return t.result, t.err
}

// disperse is where a run goes on at the same instant as others: one result woke all of them. What they do next (drawing a
// jitter, asking for a turn) depends on the order. The default sleep returns at once from a sleep of nothing, and nobody
// loses a moment; one that simulates time can let them go on one after the other, each time in the same order, although
// it sees no call of theirs in between. It is asked also when ctx has ended, as it has for all of them when a process
// goes down.
func disperse(ctx context.Context, sleep func(context.Context, time.Duration) error) {
	_ = sleep(context.WithoutCancel(ctx), 0)
}

// add puts the want into its queue.
func (c *coalescer[K, W, R]) add(ctx context.Context, key K, want W, patient bool) *ticket[W, R] {
	c.mu.Lock()
	defer c.mu.Unlock()
	q, ok := c.queues[key]
	if !ok {
		q = new(queue[W, R])
		c.queues[key] = q
	}
	t := &ticket[W, R]{
		want: want, ctx: context.WithoutCancel(ctx), due: !patient || c.linger <= 0, done: make(chan struct{}),
	}
	q.waiting = append(q.waiting, t)
	c.advance(key, q)
	return t
}

// leave takes the caller out, unless the result is there, or the call has taken the want and force is false. When nobody
// is left the call is cancelled.
func (c *coalescer[K, W, R]) leave(key K, t *ticket[W, R], force bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := t.batch
	switch {
	case t.settled, b != nil && b.taken && !force:
		return false
	case b == nil:
		q := c.queues[key]
		q.waiting = slices.DeleteFunc(q.waiting, func(other *ticket[W, R]) bool { return other == t })
		c.tidy(key, q)
		return true
	}
	t.left = true
	if b.present--; b.present == 0 {
		b.cancel()
	}
	return true
}

// advance begins the next call for the key, if one is due and none is under way. The caller holds c.mu.
func (c *coalescer[K, W, R]) advance(key K, q *queue[W, R]) {
	due := len(q.waiting) >= c.limit || slices.ContainsFunc(q.waiting, func(t *ticket[W, R]) bool { return t.due })
	switch {
	case !due && len(q.waiting) > 0:
		c.startLinger(key, q)
		return
	case !due || q.running:
		return
	}
	q.endLinger()
	n := min(c.limit, len(q.waiting))
	b := &batch[W, R]{mu: &c.mu, tickets: slices.Clone(q.waiting[:n]), present: n}
	q.waiting = slices.Delete(q.waiting, 0, n)
	q.running = true
	for _, t := range b.tickets {
		t.batch = b
	}
	var ctx context.Context
	ctx, b.cancel = context.WithCancel(b.tickets[0].ctx)
	go c.run(ctx, key, q, b)
	c.advance(key, q) // those who did not fit linger on
}

// startLinger gives those who wait the time to get company. The caller holds c.mu.
func (c *coalescer[K, W, R]) startLinger(key K, q *queue[W, R]) {
	if q.stopLinger != nil {
		return
	}
	ctx, stop := context.WithCancel(q.waiting[0].ctx)
	q.stopLinger = stop
	go func() {
		defer stop()
		defer func() {
			if v := recover(); v != nil { // the host's sleep; nobody else would catch it in this goroutine
				c.log.ErrorContext(ctx, "panic", "panic", v, "stack", string(debug.Stack()))
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if ctx.Err() != nil {
				return // the call began without the rest of the linger
			}
			q.stopLinger = nil
			for _, t := range q.waiting {
				t.due = true
			}
			c.advance(key, q)
		}()
		_ = c.sleep(ctx, c.linger) // a sleep that fails is over
	}()
}

// endLinger ends the waiting for company.
func (q *queue[W, R]) endLinger() {
	if q.stopLinger != nil {
		q.stopLinger()
		q.stopLinger = nil
	}
}

// tidy forgets a queue that nobody needs. The caller holds c.mu.
func (c *coalescer[K, W, R]) tidy(key K, q *queue[W, R]) {
	if len(q.waiting) > 0 {
		return
	}
	q.endLinger()
	if !q.running {
		delete(c.queues, key)
	}
}

// run makes one call. However it ends, everybody in it gets a result, and the next call begins.
func (c *coalescer[K, W, R]) run(ctx context.Context, key K, q *queue[W, R], b *batch[W, R]) {
	err := errExited
	defer func() {
		if v := recover(); v != nil {
			c.log.ErrorContext(ctx, "panic", "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", v)
		}
		if err == nil {
			err = errUnsettled
		}
		b.end(err)
		b.cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		q.running = false
		c.advance(key, q)
		c.tidy(key, q)
	}()
	err = c.call(ctx, key, b)
}

// take returns the tickets of those who have not left. From now on nobody can: call it when the work begins.
func (b *batch[W, R]) take() []*ticket[W, R] {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken = true
	return slices.DeleteFunc(slices.Clone(b.tickets), func(t *ticket[W, R]) bool { return t.left })
}

// each calls f for what is still waited for. f must be short, and must not use the coalescer.
func (b *batch[W, R]) each(f func(want W)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.tickets {
		if !t.left && !t.settled {
			f(t.want)
		}
	}
}

// settle gives a ticket its result. The first one counts.
func (b *batch[W, R]) settle(t *ticket[W, R], result R, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t.settle(result, err)
}

// settleAll gives the same result to all that have none.
func (b *batch[W, R]) settleAll(result R, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.tickets {
		t.settle(result, err)
	}
}

// end gives an error to all that have no result.
func (b *batch[W, R]) end(err error) {
	var none R
	b.settleAll(none, err)
}

func (t *ticket[W, R]) settle(result R, err error) {
	if t.settled {
		return
	}
	t.result, t.err, t.settled = result, err, true
	close(t.done)
}
