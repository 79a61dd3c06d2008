package provision

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// The backoff where the directory asks for no particular delay: https://learn.microsoft.com/graph/throttling.
const (
	firstBackoff = 500 * time.Millisecond
	lastBackoff  = 8 * time.Second
)

// errBudget is the cause of a run's context when its budget of time is used up.
var errBudget = errors.New("the budget of time is used up")

// finalError is a run that gives up: its budget or its context has ended. Whatever it wraps, nothing is tried again.
type finalError struct{ error }

func (e *finalError) Unwrap() error { return e.error }

// temporary reports whether a call that failed so may succeed later by itself.
func temporary(err error) bool {
	var final *finalError
	if errors.As(err, &final) {
		return false
	}
	var answer *DirectoryError
	return errors.Is(err, ErrThrottled) || errors.Is(err, ErrUnavailable) ||
		errors.As(err, &answer) && answer.Temporary()
}

// temporaryOrMissing is for users that are known to exist: a 404 is a replica that lags behind.
func temporaryOrMissing(err error) bool {
	return temporary(err) || errors.Is(err, ErrNotFound)
}

// caller makes calls to the directory for one piece of work: each when its turn comes, and again while that may help,
// within the work's budget of time.
type caller struct {
	p        *Provisioner
	log      *slog.Logger
	priority Priority
	raised   <-chan struct{} // closed when the priority becomes high; nil: never
	budget   time.Duration
	deadline time.Time
	step     string      // what is being done
	waiting  func(Event) // told before every wait
	refusal  error       // the 429 that the last call was refused with

	// For those who observe.
	attempts [operations]int32   // the calls of each kind in this step
	at       trace.SpanContext   // the step's
	shared   []trace.SpanContext // those of the steps that share the calls
}

// retry makes a call until it succeeds, fails for good, or the budget is used up.
func (c *caller) retry(
	ctx context.Context, op operation, cost Cost, again func(error) bool, call func(context.Context) error,
) error {
	for attempt := 1; ; attempt++ {
		err := c.ask(ctx, op, cost, call)
		if err == nil || !again(err) {
			return err
		}
		if err := c.pause(ctx, attempt, err); err != nil {
			return err
		}
	}
}

// ask makes one call to the directory when its turn comes. All calls go through it. One that writes is let finish once
// it has begun, so that its outcome is known.
func (c *caller) ask(ctx context.Context, op operation, cost Cost, call func(context.Context) error) error {
	c.heed()
	asked := c.p.observer.asks()
	if err := c.takeTurn(ctx, cost); err != nil {
		return err
	}
	c.heed()
	waited := c.p.observer.waitedSince(ctx, asked, c.priority)
	said := CallTrace{Priority: c.priority}
	callCtx := WithCallTrace(ctx, &said)
	if cost.Writes > 0 {
		var cancel context.CancelFunc
		callCtx, cancel = finishing(callCtx)
		defer cancel()
	}
	err := c.observed(callCtx, op, waited, &said, call)
	c.reportAnswer(ctx, cost, &said, err)
	if c.refusal = nil; errors.Is(err, ErrThrottled) {
		c.refusal = err
	}
	if err != nil && ctx.Err() != nil {
		return c.stopped(ctx, err)
	}
	return err
}

// finishing keeps the deadline of the run's context, which is its budget's, but not its cancellation.
func finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, _ := ctx.Deadline()
	return context.WithDeadline(context.WithoutCancel(ctx), deadline)
}

// pause waits before the next attempt: as long as the directory asked, else exponentially with full jitter.
func (c *caller) pause(ctx context.Context, attempt int, last error) error {
	delay := askedDelay(last)
	if delay == 0 {
		delay = c.p.jittered(backoff(attempt))
	}
	return c.wait(ctx, delay, attempt, last)
}

// backoff is the longest delay after the given number of attempts.
func backoff(attempts int) time.Duration {
	delay := firstBackoff
	for range attempts - 1 {
		if delay = 2 * delay; delay >= lastBackoff {
			return lastBackoff
		}
	}
	return delay
}

// jittered draws evenly from 0 to limit.
func (p *Provisioner) jittered(limit time.Duration) time.Duration {
	return time.Duration(float64(limit) * p.draw())
}

// draw draws evenly from 0 to 1. Without randomness it is 1: whoever waits by it is slower, not wrong.
func (p *Provisioner) draw() float64 {
	var b [8]byte
	if err := p.random(b[:]); err != nil {
		return 1
	}
	return float64(binary.BigEndian.Uint64(b[:])>>11) / (1 << 53)
}

// wait waits and says so, unless the budget does not allow it.
func (c *caller) wait(ctx context.Context, delay time.Duration, attempts int, last error) error {
	if ctx.Err() == nil && delay <= c.left() {
		waiting := Event{State: Waiting, Attempt: attempts, Wait: delay}
		if last != nil {
			waiting.Reason = waitReason(last)
			c.retried(ctx, last)
			c.log.DebugContext(ctx, "waiting", "step", c.step, "attempts", attempts, "wait", delay, "error", last)
		}
		c.waiting(waiting)
	}
	return c.rest(ctx, delay, last)
}

// rest waits, unless the budget does not allow it.
func (c *caller) rest(ctx context.Context, delay time.Duration, last error) error {
	if ctx.Err() != nil {
		return c.stopped(ctx, last)
	}
	if delay > c.left() {
		return c.exhausted(last)
	}
	err := c.p.sleep(ctx, delay)
	switch {
	case ctx.Err() != nil:
		return c.stopped(ctx, last)
	case err != nil:
		return &finalError{fmt.Errorf("waiting: %w", err)}
	}
	return nil
}

// waitReason is why a step goes on waiting: busy, throttled, unavailable, or not ready yet.
func waitReason(err error) Reason {
	if errors.Is(err, ErrLeaseHeld) {
		return ReasonBusy
	}
	if reason := reasonOf(err); reason == ReasonThrottled || reason == ReasonUnavailable {
		return reason
	}
	return ReasonNotReady
}

// left is what remains of the budget.
func (c *caller) left() time.Duration { return c.deadline.Sub(c.p.now()) }

// stopped says why the run's context ended: the budget, or nobody waits any more.
func (c *caller) stopped(ctx context.Context, last error) error {
	if errors.Is(context.Cause(ctx), errBudget) {
		return c.exhausted(last)
	}
	return &finalError{ended(ctx)}
}

// exhausted is the error of a budget that allows no further attempt. Throttling and failure stay what they are; all
// else that was worth waiting for is "not ready yet".
func (c *caller) exhausted(last error) error {
	if errors.Is(last, ErrThrottled) || errors.Is(last, ErrUnavailable) {
		return &finalError{fmt.Errorf("the budget of %v allows no further attempt: %w", c.budget, last)}
	}
	return &finalError{&notReadyError{budget: c.budget, last: last}}
}
