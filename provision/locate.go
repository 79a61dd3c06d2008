package provision

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// VanishedError says that the account of a person who was never ready is not in the directory any more, neither active
// nor deleted. No second one is created by itself: somebody deleted the first. It matches [ErrNotFound].
type VanishedError struct {
	ObjectID    string
	ImmutableID string
	UPN         string
	CreatedAt   time.Time // when it was created or recognised
}

func (e *VanishedError) Error() string {
	return fmt.Sprintf("the account %s (ImmutableID %q, UPN %q) of %s is not in the directory any more: somebody deleted "+
		"it; to give the person a new one, call Retire and then Restore", e.ObjectID, e.ImmutableID, e.UPN,
		e.CreatedAt.Format(time.DateTime))
}

// Is reports whether target is [ErrNotFound].
func (e *VanishedError) Is(target error) bool { return target == ErrNotFound }

// place is where an account is.
type place int

const (
	amongActive  place = iota
	amongDeleted       // from where it can be restored
	nowhere            // in a directory that does not show deleted users, perhaps among them
)

// locate finds the account of the record, whose object ID is known. A replica that lags answers as if it were not there:
// that it is nowhere is believed after so long a time without a sight of it as any account takes to be known everywhere,
// and, unless this run tried to bring that about, only of an account that was not created or deleted a moment ago. That it
// is deleted is believed as late where it may have been brought back a moment ago.
func (r *run) locate(ctx context.Context, tried bool) (place, User, error) {
	var missed, deleted doubt
	for {
		at, user, err := r.look(ctx)
		switch {
		case err == nil && at == amongDeleted && r.mayBeBack() && !deleted.over(&r.caller):
		case !errors.Is(err, ErrNotFound):
			return at, user, err
		case missed.over(&r.caller) && (tried || r.aged()):
			return nowhere, User{}, nil
		}
		if err := r.wait(ctx, r.p.settle.Interval, 0, err); err != nil {
			return nowhere, User{}, err
		}
	}
}

// mayBeBack reports whether a person who leaves may have an active account although it is seen among the deleted ones: a
// run of Restore came to no end, or the account was active a moment ago and this run has not deleted it.
func (r *run) mayBeBack() bool {
	if r.errand.kind != retiring || r.deleting {
		return false
	}
	if r.rec.BlockedAt.IsZero() {
		return !r.rec.DeletedAt.IsZero()
	}
	return r.rec.DeletedAt.IsZero() && r.p.now().Sub(r.rec.BlockedAt) < maxLag
}

// look looks for the account once, first where it should be.
func (r *run) look(ctx context.Context) (at place, user User, err error) {
	places := []place{amongActive, amongDeleted}
	if !r.rec.DeletedAt.IsZero() {
		places = []place{amongDeleted, amongActive}
	}
	for _, at := range places {
		find := r.find
		if at == amongDeleted {
			find = r.findDeleted
		}
		user, err := find(ctx, UserKey{ObjectID: r.rec.ObjectID})
		if !errors.Is(err, ErrNotFound) {
			return at, user, err
		}
	}
	return nowhere, User{}, ErrNotFound
}

// lookLong looks for the account, and does not believe at once that it is deleted: it may have been restored a moment ago.
func (r *run) lookLong(ctx context.Context) (place, User, error) {
	var deleted doubt
	for {
		at, user, err := r.look(ctx)
		if err != nil || at != amongDeleted || deleted.over(&r.caller) {
			return at, user, err
		}
		if err := r.wait(ctx, r.p.settle.Interval, 0, nil); err != nil {
			return nowhere, User{}, err
		}
	}
}

// maxLag is how long after a change a replica may not know of it. Nothing is promised; the longest reports are of 20
// minutes.
const maxLag = time.Hour

// aged reports whether the account was created, and deleted, so long ago that every replica knows.
func (r *run) aged() bool {
	now := r.p.now()
	return now.Sub(r.rec.CreatedAt) >= maxLag && now.Sub(r.rec.DeletedAt) >= maxLag
}

// revisit looks at the account that an earlier run created or recognised and that was never ready: it may have been
// deleted since, or be another person's now.
func (r *run) revisit(ctx context.Context) (outcome, error) {
	at, user, err := r.lookLong(ctx)
	if errors.Is(err, ErrNotFound) && r.aged() {
		at, user, err = r.locate(ctx, false)
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return skipped, nil // it is young: the next steps wait until every replica has it
	case err != nil:
		return done, err
	case at == nowhere:
		return done, &VanishedError{ObjectID: r.rec.ObjectID, ImmutableID: r.rec.ImmutableID, UPN: r.rec.accountUPN(),
			CreatedAt: r.rec.CreatedAt}
	case user.ImmutableID != r.rec.ImmutableID:
		conflict := r.conflict(ConflictChanged, propertyImmutableID, user, nil)
		conflict.Deleted = at == amongDeleted
		return done, conflict
	case at == amongDeleted:
		return done, r.readmit(ctx, user)
	}
	r.synced = user.DirectorySynced
	return skipped, nil
}
