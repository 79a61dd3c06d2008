package provision

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What the calls cost: https://learn.microsoft.com/graph/throttling-limits. A call with $select that reads one object,
// or a filtered list, costs one resource unit, and so does a change.
var (
	reading = units(1)  // stops when the run is cancelled
	writing = writes(1) // once begun is let finish, so that its outcome is known
)

// units is what a call costs that reads for so many resource units.
func units(n int) Cost { return Cost{Units: n} }

// writes is what a call costs that changes so much: a batch counts as many writes as it has requests.
func writes(n int) Cost { return Cost{Writes: n, Units: n} }

// lanes are the queues of this Provisioner's calls with low priority. Only the head of each asks the pacer, so that a
// thousand waiting calls take nothing ahead. Reading has a lane of its own: it is paid from another bucket, and need not
// wait behind those who wait for writes.
type lanes struct {
	reading, writing chan struct{} // hold a token while there is a head
}

func newLanes() lanes {
	return lanes{reading: make(chan struct{}, 1), writing: make(chan struct{}, 1)}
}

func (l lanes) of(cost Cost) chan struct{} {
	if cost.Writes > 0 {
		return l.writing
	}
	return l.reading
}

// leastWait keeps a pacer that says "not yet, but at once" from being asked without a pause.
const leastWait = time.Millisecond

// noticeable is the shortest wait for a turn that is told: less is over before anybody has read it.
const noticeable = 100 * time.Millisecond

// takeTurn waits until the call may be made.
func (c *caller) takeTurn(ctx context.Context, cost Cost) error {
	if ctx.Err() != nil {
		return c.stopped(ctx, nil)
	}
	c.heed()
	leave, err := c.queue(ctx, cost)
	if err != nil {
		return err
	}
	defer leave()
	return c.awaitTurn(ctx, cost)
}

// queue waits, with low priority, until the caller is the head of its lane: first come, first served.
func (c *caller) queue(ctx context.Context, cost Cost) (leave func(), err error) {
	if c.priority == PriorityHigh {
		return func() {}, nil
	}
	lane := c.p.lanes.of(cost)
	leave = func() { <-lane }
	select {
	case lane <- struct{}{}:
		return leave, nil
	default:
	}
	c.waiting(Event{State: Waiting, Reason: ReasonThrottled})
	defer disperse(ctx, c.p.sleep) // whoever left the lane goes on at the same instant
	select {
	case lane <- struct{}{}:
		return leave, nil
	case <-c.raised:
		return func() {}, nil
	case <-ctx.Done():
		return nil, c.stopped(ctx, &heldBackError{after: c.refusal})
	}
}

// heed raises the priority once somebody waits for the work.
func (c *caller) heed() {
	select {
	case <-c.raised:
		c.priority = PriorityHigh
	default:
	}
}

// awaitTurn asks the pacer until it has a turn, and waits for it.
func (c *caller) awaitTurn(ctx context.Context, cost Cost) error {
	request := TurnRequest{Cost: cost}
	for {
		c.heed()
		request.Priority, request.Limit = c.priority, c.left()
		turn, err := c.p.pacer.Turn(ctx, request)
		if err != nil {
			return c.noPacer(ctx, err)
		}
		if turn.Taken && turn.Wait <= 0 {
			return nil
		}
		if err := c.sitOut(ctx, turn); err != nil {
			if turn.Taken {
				c.report(ctx, TurnReport{Cost: cost, Unused: true})
			}
			return err
		}
		request.Booked = turn.Taken
	}
}

// sitOut waits until the turn comes, or until it is worth asking again.
func (c *caller) sitOut(ctx context.Context, turn Turn) error {
	held := &heldBackError{wait: turn.Wait, after: c.refusal}
	if turn.Wait < noticeable {
		return c.rest(ctx, max(turn.Wait, leastWait), held)
	}
	return c.wait(ctx, turn.Wait, 0, held)
}

// noPacer is the error of a pacer that fails. It may pass, as a failure of the directory may.
func (c *caller) noPacer(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return c.stopped(ctx, err)
	}
	return fmt.Errorf("%w: asking the pacer for a turn: %w", ErrUnavailable, err)
}

// reportAnswer tells the pacer what the directory said about its limits. For what a batch says about one of its
// requests, it is called once more with the error of that.
func (c *caller) reportAnswer(ctx context.Context, cost Cost, trace *CallTrace, err error) {
	report := TurnReport{Cost: cost, Load: trace.Load, Scope: trace.Scope}
	var answer *DirectoryError
	switch {
	case errors.Is(err, ErrThrottled) && errors.As(err, &answer):
		report.Throttled, report.RetryAfter = true, answer.RetryAfter
		c.warnOfHold(ctx, trace.Scope, answer.RetryAfter)
		if answer.RetryAfter <= 0 {
			report.Jitter = c.p.draw()
		}
	case err != nil && temporary(err) && report.load() == 0:
		return // no answer, or none that says anything about limits
	}
	c.report(ctx, report)
}

// reportTimeout bounds telling the pacer, which is done also when nobody waits for the run any more.
const reportTimeout = 5 * time.Second

func (c *caller) report(ctx context.Context, report TurnReport) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportTimeout)
	defer cancel()
	if err := c.p.pacer.Report(ctx, report); err != nil {
		c.log.WarnContext(ctx, "the pacer was not told", "step", c.step, "throttled", report.Throttled, "error", err)
	}
}
