package provision

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Leaving says how far [Provisioner.Retire] goes. The zero value blocks the account, ends its sessions, and takes back
// what the pipeline gave.
type Leaving struct {
	KeepLicenses bool // leave the seats and the groups
	Delete       bool // move the account to the deleted users, from where it can be restored for 30 days
	Purge        bool // delete it for good; it implies Delete, and needs a directory that is a [DeletedUsers]

	// DeleteAdopted extends Delete and Purge to an account that the pipeline did not create but found. Without it such an
	// account is blocked, and its deletion refused with [ErrNotOwned].
	DeleteAdopted bool
}

// deletes reports whether the account is deleted.
func (l Leaving) deletes() bool { return l.Delete || l.Purge }

// Retire ends a person's access. Its steps are
//
//   - retire: it is recorded that the person has left. From here on [Provisioner.Ensure] answers [ErrRetired] and touches
//     nothing, whatever becomes of the other steps
//   - block: the account cannot sign in any more, and then its sessions are ended
//   - unlicense: it leaves the groups of [Rules], and of all its rules for the connection, and gives back the seats that the pipeline gave it
//   - delete and purge: where leaving says so
//
// Each is recorded. After any error, a crash, or in another process, calling Retire again continues where the last run
// stopped, and asks nothing of anybody once all is done; a later call may go further than an earlier one. Calls for one
// person with the same leaving share one run. What Ensure, SwapLicenses or Reconcile do for the person in this process is
// cancelled; in another process that shares a [Leaser] it is waited for. [Settle].Budget bounds the run.
//
// The person must have a record: the error of anybody else matches [ErrNoRecord]. An account that the pipeline neither
// created nor recognised is left alone; only one whose creation got no answer is looked for, during [Settle].Dwell. A
// deleted account is left as it is, except that Purge deletes it for good. An account that a directory sync owns is
// [ErrNotOwned]: the sync must end that access. One whose ImmutableID is not the person's any more is a [ConflictError].
// The person is recorded as retired in all these cases.
//
// The directory must be an [Accounts]. The error is an *[Error].
func (p *Provisioner) Retire(ctx context.Context, key PersonKey, leaving Leaving) error {
	return p.RetireWithProgress(ctx, key, leaving, nil)
}

// RetireWithProgress is [Provisioner.Retire] and tells what happens meanwhile, as [Provisioner.EnsureWithProgress] does.
func (p *Provisioner) RetireWithProgress(
	ctx context.Context, key PersonKey, leaving Leaving, progress func(Event),
) error {
	person := Person{Connection: key.Connection, ID: key.ID}
	err := errors.Join(person.Validate(), p.needAccounts(), p.needDeletedUsers(leaving.Purge))
	if err != nil {
		return &Error{Step: stepValidate, Person: key, Err: err}
	}
	_, err = p.attend(ctx, errand{kind: retiring, leaving: leaving}, person, progress)
	return err
}

func (p *Provisioner) needAccounts() error {
	if _, ok := p.directory.(Accounts); !ok {
		return fmt.Errorf("the directory is no Accounts: %w", errors.ErrUnsupported)
	}
	return nil
}

func (p *Provisioner) needDeletedUsers(needed bool) error {
	if _, ok := p.directory.(DeletedUsers); needed && !ok {
		return fmt.Errorf("the directory is no DeletedUsers: %w", errors.ErrUnsupported)
	}
	return nil
}

// stepsOut are the steps of a person who leaves, in their order.
func (r *run) stepsOut() []step {
	return []step{
		{StepRetire, r.retire},
		{StepToken, r.token},
		{StepBlock, r.block},
		{StepUnlicense, r.unlicense},
		{StepDelete, r.delete},
		{StepPurge, r.purge},
	}
}

// retire records that the person has left, so that no run begins any more, and then waits for one that has begun. A run
// of Restore may have been that one: then it is recorded again.
func (r *run) retire(ctx context.Context) (outcome, error) { return r.withLease(ctx, r.leave) }

// leave takes over the person's record and records in it that the person has left.
func (r *run) leave(ctx context.Context) (outcome, error) {
	if err := r.loadRecord(ctx); err != nil {
		return done, err
	}
	if err := r.stamp(ctx, func(rec *Record, now time.Time) { setOnce(&rec.RetiringAt, now) }); err != nil {
		return done, err
	}
	if r.hasLeft() {
		return complete, nil
	}
	return done, nil
}

// loadRecord takes over the record of a person who must have one.
func (r *run) loadRecord(ctx context.Context) error {
	rec, err := r.p.store.Load(ctx, r.person.Key())
	if err != nil {
		return r.storeError(ctx, "loading the record", err)
	}
	r.remember(rec)
	return nil
}

// hasLeft reports whether there is nothing left to do.
func (r *run) hasLeft() bool {
	leaving, rec := r.errand.leaving, r.rec
	if !rec.PurgedAt.IsZero() {
		return true
	}
	return !rec.BlockedAt.IsZero() && !leaving.Purge &&
		(leaving.KeepLicenses || !rec.UnlicensedAt.IsZero() || !rec.DeletedAt.IsZero()) &&
		(!leaving.Delete || !rec.DeletedAt.IsZero())
}

// block blocks the account, so that it gets no new session, and then ends those that it has.
func (r *run) block(ctx context.Context) (outcome, error) {
	if !r.rec.BlockedAt.IsZero() {
		return skipped, nil
	}
	if r.rec.CreatedAt.IsZero() {
		if found, err := r.lookForLost(ctx); !found || err != nil {
			return complete, err
		}
	}
	if here, err := r.here(ctx, false); !here || err != nil {
		return skipped, err
	}
	if err := r.shutOut(ctx); err != nil {
		return done, err
	}
	r.log.InfoContext(ctx, "account blocked", "object", r.rec.ObjectID)
	return done, r.stamp(ctx, func(rec *Record, now time.Time) {
		setOnce(&rec.BlockedAt, now)
		rec.DeletedAt = time.Time{}
	})
}

// lookForLost finds the account of a creation that never got an answer. An account that was there before the person's
// identity was reserved is not the pipeline's, and is left alone.
func (r *run) lookForLost(ctx context.Context) (found bool, err error) {
	for end := r.p.now().Add(r.p.settle.least()); ; {
		user, err := r.find(ctx, UserKey{ImmutableID: r.rec.ImmutableID})
		switch {
		case err == nil && (user.ImmutableID != r.rec.ImmutableID || r.predates(user)):
			return false, nil
		case err == nil && user.DirectorySynced:
			return false, notOwned(user, "a directory sync owns it: end the access where the sync reads it")
		case err == nil:
			return true, r.adopt(ctx, user, user.CreatedAt.IsZero())
		case !errors.Is(err, ErrNotFound):
			return false, err
		case !r.p.now().Before(end):
			return false, nil
		}
		if err := r.wait(ctx, r.p.settle.Interval, 0, err); err != nil {
			return false, err
		}
	}
}

// here reports whether the account can be written to, and refuses one that is not ours to touch. An account that is
// deleted or gone is recorded as such.
func (r *run) here(ctx context.Context, tried bool) (bool, error) {
	at, user, err := r.locate(ctx, tried)
	switch {
	case err != nil:
		return false, err
	case at == amongActive:
		return true, r.owned(user, false)
	}
	_, shown := r.p.directory.(DeletedUsers)
	return false, r.stamp(ctx, func(rec *Record, now time.Time) {
		setOnce(&rec.DeletedAt, now)
		if at == nowhere && shown {
			setOnce(&rec.PurgedAt, now)
		}
	})
}

// owned refuses an account that is not ours to block or to delete.
func (r *run) owned(user User, isDeleted bool) error {
	switch {
	case user.ImmutableID != r.rec.ImmutableID:
		conflict := r.conflict(ConflictChanged, propertyImmutableID, user, nil)
		conflict.Deleted = isDeleted
		return conflict
	case user.DirectorySynced:
		return notOwned(user, "a directory sync owns it: end the access where the sync reads it")
	}
	return nil
}

func notOwned(user User, why string) error {
	return fmt.Errorf("%w: user %s (UPN %q): %s", ErrNotOwned, user.ObjectID, user.UserPrincipalName, why)
}

// shutOut blocks the account and ends its sessions. In the other order a session might begin in between.
func (r *run) shutOut(ctx context.Context) error {
	accounts := r.p.directory.(Accounts)
	enabled := false
	err := r.retry(ctx, opUpdateUser, writing, temporaryOrMissing, func(ctx context.Context) error {
		return accounts.UpdateUser(ctx, r.rec.ObjectID, UserChange{AccountEnabled: &enabled})
	})
	if err != nil {
		return err
	}
	return r.retry(ctx, opRevokeSessions, writing, temporaryOrMissing, func(ctx context.Context) error {
		return accounts.RevokeSessions(ctx, r.rec.ObjectID)
	})
}

// unlicense takes the account out of the groups of the rules, and takes back the seats.
func (r *run) unlicense(ctx context.Context) (outcome, error) {
	if r.errand.leaving.KeepLicenses || !r.rec.UnlicensedAt.IsZero() || !r.rec.DeletedAt.IsZero() {
		return skipped, nil
	}
	if here, err := r.here(ctx, false); !here || err != nil {
		return skipped, err
	}
	if err := r.leaveGroups(ctx); err != nil {
		return done, err
	}
	if err := r.removeLicenses(ctx); err != nil {
		return done, err
	}
	return done, r.stamp(ctx, func(rec *Record, now time.Time) { setOnce(&rec.UnlicensedAt, now) })
}

// leaveGroups takes the account out of the groups of the rules. A group that is not there any more has no members.
func (r *run) leaveGroups(ctx context.Context) error {
	for _, name := range r.rules.Groups {
		group, err := r.findGroup(ctx, name)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err == nil {
			err = r.leaveGroup(ctx, group.ObjectID)
		}
		if err != nil {
			return fmt.Errorf("leaving the group %q: %w", name, err)
		}
	}
	return nil
}

// delete moves the account to the deleted users. The answer may be lost, and a replica that lags may not have the account
// yet: therefore the directory is looked at before every attempt, until the account is seen among the deleted users. Where
// those are not shown, it is enough that it is seen no more.
func (r *run) delete(ctx context.Context) (outcome, error) {
	if !r.errand.leaving.deletes() || !r.rec.DeletedAt.IsZero() {
		return skipped, nil
	}
	if err := r.mayDelete(); err != nil {
		return done, err
	}
	_, shown := r.p.directory.(DeletedUsers)
	for attempt := 1; ; attempt++ {
		if here, err := r.here(ctx, attempt > 1 && !shown); !here || err != nil {
			return done, err
		}
		r.deleting = true
		err := r.ask(ctx, opDeleteUser, writing, func(ctx context.Context) error {
			return r.p.directory.(Accounts).DeleteUser(ctx, r.rec.ObjectID)
		})
		if err == nil {
			r.log.InfoContext(ctx, "account deleted", "object", r.rec.ObjectID)
			return done, r.stamp(ctx, func(rec *Record, now time.Time) { setOnce(&rec.DeletedAt, now) })
		}
		if !temporaryOrMissing(err) {
			return done, err
		}
		if err := r.pause(ctx, attempt, err); err != nil {
			return done, err
		}
	}
}

// mayDelete refuses to delete an account that the pipeline did not create, unless that was asked for.
func (r *run) mayDelete() error {
	if !r.rec.Adopted || r.errand.leaving.DeleteAdopted {
		return nil
	}
	user := User{ObjectID: r.rec.ObjectID, UserPrincipalName: r.rec.accountUPN()}
	return notOwned(user, "it was there before the pipeline, and is not deleted unless Leaving.DeleteAdopted is set")
}

// purge deletes a deleted account for good. It looks before every attempt, as delete does: one that is nowhere to be seen
// any more is gone.
func (r *run) purge(ctx context.Context) (outcome, error) {
	if !r.errand.leaving.Purge || !r.rec.PurgedAt.IsZero() {
		return skipped, nil
	}
	if err := r.mayDelete(); err != nil {
		return done, err
	}
	sent := false
	for attempt := 1; ; attempt++ {
		at, user, err := r.locate(ctx, sent)
		switch {
		case err != nil:
			return done, err
		case at == nowhere:
			return done, r.purged(ctx)
		case at == amongDeleted:
			sent, err = true, r.purgeOnce(ctx, user)
			if err == nil {
				return done, r.purged(ctx)
			}
		default:
			err = fmt.Errorf("%w: user %s is not among the deleted users yet", ErrNotFound, r.rec.ObjectID)
		}
		if !temporaryOrMissing(err) {
			return done, err
		}
		if err := r.pause(ctx, attempt, err); err != nil {
			return done, err
		}
	}
}

func (r *run) purgeOnce(ctx context.Context, user User) error {
	if err := r.owned(user, true); err != nil {
		return err
	}
	return r.ask(ctx, opPurgeUser, writing, func(ctx context.Context) error {
		return r.p.directory.(DeletedUsers).PurgeUser(ctx, r.rec.ObjectID)
	})
}

// purged records that the account is gone for good.
func (r *run) purged(ctx context.Context) error {
	r.log.InfoContext(ctx, "account deleted for good", "object", r.rec.ObjectID)
	return r.stamp(ctx, func(rec *Record, now time.Time) {
		setOnce(&rec.DeletedAt, now)
		setOnce(&rec.PurgedAt, now)
	})
}

// stamp records how far the person has come, unless the record says so already.
func (r *run) stamp(ctx context.Context, change func(rec *Record, now time.Time)) error {
	at := r.timestamp()
	stamped := r.rec
	if change(&stamped, at); stamped == r.rec {
		return nil
	}
	return r.save(ctx, func(rec *Record) error {
		change(rec, at)
		return nil
	})
}

// setOnce sets a time that is not set yet.
func setOnce(t *time.Time, now time.Time) {
	if t.IsZero() {
		*t = now
	}
}
