package provision

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Settle says how long to wait for whom. Every replica of the directory must know an account before its owner is sent
// to sign in: Entra's sign-in service reads from replicas of its own, and answers AADSTS51004 to an account that it
// does not know yet. Microsoft publishes no figure; see
// https://devblogs.microsoft.com/identity on designing for eventual consistency.
type Settle struct {
	// Budget bounds one run, from its first step to its last, with all retries. 0: 2 minutes. What is not finished
	// then fails with [ErrNotReady], [ErrThrottled] or [ErrUnavailable], and the next run continues.
	Budget time.Duration

	// Dwell is the least time between the creation of an account and its first use. 0: 15 seconds. Negative: none.
	// It is waited for once, and only for accounts that the pipeline created.
	Dwell time.Duration

	// Reads is how many consecutive reads must find the account. 0: 3.
	Reads int

	// Interval is the time between them. 0: 500 milliseconds. It bounds how long after the last replica an account is
	// ready, where that takes longer than Dwell: about Reads times Interval. While an account is waited for, each read
	// costs one resource unit, of the 297 in a second that the default [Pace] allows.
	Interval time.Duration
}

func (s Settle) withDefaults() Settle {
	if s.Budget == 0 {
		s.Budget = 2 * time.Minute
	}
	if s.Dwell == 0 {
		s.Dwell = 15 * time.Second
	}
	if s.Reads == 0 {
		s.Reads = 3
	}
	if s.Interval == 0 {
		s.Interval = 500 * time.Millisecond
	}
	s.Dwell = max(0, s.Dwell)
	return s
}

func (s Settle) validate() error {
	var problems []error
	if s.Budget < 0 {
		problems = append(problems, errors.New("Settle.Budget is negative"))
	}
	if s.Reads < 0 {
		problems = append(problems, errors.New("Settle.Reads is negative"))
	}
	if s.Interval < 0 {
		problems = append(problems, errors.New("Settle.Interval is negative"))
	}
	if d := s.withDefaults(); len(problems) == 0 && d.least() >= d.Budget {
		problems = append(problems, errors.New("Settle.Budget is not longer than what Dwell, or Reads times Interval, "+
			"takes: nobody would ever be ready"))
	}
	return errors.Join(problems...)
}

// least is the shortest time from creation to readiness.
func (s Settle) least() time.Duration { return max(s.Dwell, s.reading()) }

// reading is the time from the first of the consecutive reads to the last.
func (s Settle) reading() time.Duration { return time.Duration(s.Reads-1) * s.Interval }

// settleStep waits until the account has settled, and remembers it.
func (r *run) settleStep(ctx context.Context) (outcome, error) {
	if err := r.settled(ctx, func(User) bool { return true }); err != nil {
		return done, err
	}
	return done, r.ready(ctx)
}

// settled waits until consecutive reads find the account as it should be. A single one proves nothing: the replicas answer
// in turn.
func (r *run) settled(ctx context.Context, asItShould func(User) bool) error {
	if err := r.dwell(ctx); err != nil {
		return err
	}
	found, failed := 0, 0
	for {
		user, err := r.readByImmutableID(ctx)
		if err == nil && !asItShould(user) {
			err = fmt.Errorf("%w: the account is not yet as it should be", ErrNotFound)
		}
		switch {
		case err == nil:
			if found++; found == r.p.settle.Reads {
				return nil
			}
			failed = 0
			err = r.wait(ctx, r.p.settle.Interval, 0, nil)
		case errors.Is(err, ErrNotFound):
			found, failed = 0, 0
			err = r.wait(ctx, r.p.settle.Interval, 0, err)
		case temporary(err):
			found, failed = 0, failed+1
			err = r.pause(ctx, failed, err)
		}
		if err != nil {
			return err
		}
	}
}

// dwell waits so long that the last of the consecutive reads comes when the dwell since the creation, or since the
// account was brought back, is over.
func (r *run) dwell(ctx context.Context) error {
	since := r.rec.CreatedAt
	if !r.restoredAt.IsZero() {
		since = r.restoredAt // not every replica knows the account again
	} else if r.rec.Adopted {
		return nil
	}
	over := since.Add(r.p.settle.Dwell).Sub(r.p.now())
	over = min(over, r.p.settle.Dwell) // the clock that wrote CreatedAt may be ahead
	if wait := over - r.p.settle.reading(); wait > 0 {
		return r.wait(ctx, wait, 0, nil)
	}
	return nil
}

// ready remembers that the person never has to wait again.
func (r *run) ready(ctx context.Context) error {
	at := r.timestamp()
	return r.save(ctx, func(rec *Record) error {
		if rec.ReadyAt.IsZero() {
			rec.ReadyAt = at
		}
		rec.forgetLost(lostOf(rec.Licenses, at)) // also where the rules give no licence any more
		return nil
	})
}
