package provision

import (
	"context"
	"errors"
	"time"
)

// When an account whose owner does not wait is added to a group, or gets a manager. A write refers to the account on
// one replica, and one that lags fails the write for everybody in it; writes are scarce, reads are not. A single read
// says little of the other replicas: with one of three behind, ten in a row find the account in 2 of 100 cases.
// The age is what most accounts take to be everywhere, and no longer than they settle anyway.
const (
	ripeAge      = 12 * time.Second
	ripeReads    = 10
	ripeInterval = time.Second
)

// ripen waits until a write that refers to the account is worth trying. A person who waits is let through by the first
// read that finds the account.
func (r *run) ripen(ctx context.Context) error {
	if r.ripe {
		return nil
	}
	if err := r.ageUntilReads(ctx); err != nil {
		return err
	}
	for found, missing := 0, 0; ; {
		_, err := r.find(ctx, UserKey{ObjectID: r.rec.ObjectID})
		switch {
		case err == nil:
			if found++; found >= r.readsUntilRipe() {
				r.ripe = true
				return nil
			}
			err = r.wait(ctx, ripeInterval, 0, nil)
		case errors.Is(err, ErrNotFound) && r.readsUntilRipe() == 1:
			missing++
			err = r.pause(ctx, missing, err)
		case errors.Is(err, ErrNotFound):
			found = 0
			err = r.wait(ctx, ripeInterval, 0, err)
		}
		if err != nil {
			return err
		}
	}
}

func (r *run) readsUntilRipe() int {
	if r.priority == PriorityLow && !r.rec.Adopted {
		return ripeReads
	}
	return 1
}

// ageUntilReads waits so long that the last of the consecutive reads comes when the account is old enough.
func (r *run) ageUntilReads(ctx context.Context) error {
	reads := r.readsUntilRipe()
	if reads == 1 {
		return nil
	}
	over := r.rec.CreatedAt.Add(ripeAge).Sub(r.p.now())
	over = min(over, ripeAge) // the clock that wrote CreatedAt may be ahead
	if wait := over - time.Duration(reads-1)*ripeInterval; wait > 0 {
		return r.wait(ctx, wait, 0, nil)
	}
	return nil
}
