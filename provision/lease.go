package provision

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// Leaser is optionally implemented by a [Store] that several processes share, so that one of them at a time works on a
// person and the others wait for it instead of doing the same again. A lease is for saving work only: that nobody gets
// two accounts rests on the store's versions and on the directory's uniqueness, and holds without leases, and when a
// lease expires while its holder is at work.
//
// Methods are safe for concurrent use, stop when ctx ends, and refuse a key as those of Store do. Leases are
// independent of records: a person without a record can have one. Expiry is measured by one clock that all processes
// agree on within a few seconds: best the database's own. A clock that is ahead ends other processes' leases early,
// which costs double work; one that is behind makes a crash last longer for the person who waits.
type Leaser interface {
	// Acquire takes the person's lease for ttl, which is positive. While another lease of the person has neither
	// expired nor been released, the error matches [ErrLeaseHeld].
	Acquire(ctx context.Context, key PersonKey, ttl time.Duration) (Lease, error)

	// Renew makes the lease last for ttl from now on. If it was released, or another one of the person was acquired
	// since, the error matches [ErrLeaseLost]. Whether one that expired and was not acquired by anybody can still be
	// renewed is up to the implementation.
	Renew(ctx context.Context, lease Lease, ttl time.Duration) error

	// Release ends the lease before it expires. If it is held no more that is no error, and nothing changes: least of
	// all another lease of the same person.
	Release(ctx context.Context, lease Lease) error
}

// Lease is the right to work on a person, for a time.
type Lease struct {
	Key PersonKey

	// Token is this acquisition's alone: no other lease of the store ever has it. By it a holder who was late is kept
	// from renewing or releasing the lease of the next one.
	Token int64
}

// What a [Leaser] answers, for errors.Is.
var (
	ErrLeaseHeld = errors.New("provision: another process is at work for the person")
	ErrLeaseLost = errors.New("provision: the lease is not held any more")
)

// How long a crash keeps others waiting, and how often who waits looks.
const (
	leaseTTL      = 30 * time.Second
	leaseRenewal  = leaseTTL / 3
	leaseInterval = time.Second
)

// lease takes the person's lease and keeps it until the run ends. While another process has it, this run waits: for that
// one's success, which may complete this run too, as load finds, or for its end in failure or by a crash, after which this
// run goes on from where that one stopped.
func (r *run) lease(
	ctx context.Context, leaser Leaser, load func(context.Context) (outcome, error),
) (outcome, error) {
	for attempt := 1; ; attempt++ {
		lease, held := leaser.Acquire(ctx, r.person.Key(), leaseTTL)
		if held == nil {
			r.keep(ctx, leaser, lease)
		} else if !errors.Is(held, ErrLeaseHeld) {
			return done, r.storeError(ctx, "taking the lease", held)
		}
		result, err := load(ctx) // anew: another process may have changed the record until now
		if err != nil || result == complete || held == nil {
			return result, err
		}
		if err := r.wait(ctx, leaseInterval, attempt, held); err != nil {
			return done, err
		}
	}
}

// keep renews the lease until r.unlease is called, also while a run that was cancelled lets its last write finish, but
// not beyond the budget: a run that hangs for ever must not keep everybody else away.
func (r *run) keep(ctx context.Context, leaser Leaser, lease Lease) {
	ctx, stop := finishing(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		if err := r.renew(ctx, leaser, lease); err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "the person's lease is not renewed any more: another process may do the same again",
				"error", err)
		}
	}()
	r.unlease = func() {
		stop()
		<-stopped
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
		defer cancel()
		if err := leaser.Release(ctx, lease); err != nil {
			r.log.WarnContext(ctx, "the person's lease was not released: it expires by itself", "error", err)
		}
	}
}

// renew renews the lease again and again until ctx ends or the lease is lost. A store that fails is asked again the next
// time. The timer is the runtime's, as the budget's is: Config.Sleep is for what the run itself waits for.
func (r *run) renew(ctx context.Context, leaser Leaser, lease Lease) (err error) {
	defer func() {
		if v := recover(); v != nil { // the store's; nobody else would catch it in this goroutine
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	ticker := time.NewTicker(leaseRenewal)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		switch err := leaser.Renew(ctx, lease, leaseTTL); {
		case errors.Is(err, ErrLeaseLost):
			return err
		case err != nil:
			r.log.DebugContext(ctx, "renewing the person's lease failed", "error", err)
		}
	}
}
