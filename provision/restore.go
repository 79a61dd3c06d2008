package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Restore takes back what [Provisioner.Retire] did, so that the person is provisioned again: a deleted account is
// brought back with the UPN it had, or, if somebody has that now, with the next one of the rule; then it is enabled, and
// waited for as [Settle] says. The next [Provisioner.Ensure] gives it groups and licences, also where replicas that lag
// still show what Retire took back.
//
// A person whose account is gone for good, by Purge or after 30 days among the deleted users, starts anew: the next
// Ensure creates another account, with the same ImmutableID and UPN. A person who was not retired is left as is.
//
// Of person, Connection and ID are enough; the other fields are used where a UPN must be chosen, as Ensure uses them. A
// UPN that the host gives is never replaced: if somebody has it, that is a [ConflictError].
//
// Restore is idempotent and continues after any error, a crash, or in another process; until it has succeeded the person
// stays retired. An account that a directory sync owns is not written to, and one that such a sync must bring back is
// [ErrNotOwned]. One whose ImmutableID is not the person's any more is a ConflictError; the error of a person without a
// record matches [ErrNoRecord].
//
// The directory must be an [Accounts], and a [DeletedUsers] if the account was deleted. The error is an *[Error].
func (p *Provisioner) Restore(ctx context.Context, person Person) error {
	return p.RestoreWithProgress(ctx, person, nil)
}

// RestoreWithProgress is [Provisioner.Restore] and tells what happens meanwhile, as [Provisioner.EnsureWithProgress]
// does.
func (p *Provisioner) RestoreWithProgress(ctx context.Context, person Person, progress func(Event)) error {
	if err := errors.Join(person.Validate(), p.needAccounts()); err != nil {
		return &Error{Step: stepValidate, Person: person.Key(), Err: err}
	}
	_, err := p.attend(ctx, errand{kind: restoring}, person.normalised(), progress)
	return err
}

// stepsBack are the steps of a person who comes back, in their order.
func (r *run) stepsBack() []step {
	return []step{
		{StepKnown, r.knownLeaver}, // people who did not leave end here
		{StepToken, r.token},
		{StepRestore, r.bringBack},
		{StepEnable, r.enable},
	}
}

// knownLeaver ends the run for people who did not leave. Everybody else is worked on by one process at a time, if the
// store has leases.
func (r *run) knownLeaver(ctx context.Context) (outcome, error) {
	return r.withLease(ctx, r.loadLeaver)
}

func (r *run) loadLeaver(ctx context.Context) (outcome, error) {
	if err := r.loadRecord(ctx); err != nil {
		return done, err
	}
	if err := r.person.agreesWith(r.rec.ImmutableID, r.rec.accountUPN()); err != nil {
		return done, err
	}
	if r.rec.RetiringAt.IsZero() {
		return complete, nil
	}
	return done, nil
}

// bringBack brings the account back from the deleted users, if it is there.
func (r *run) bringBack(ctx context.Context) (outcome, error) {
	if !r.hasAccount() {
		return skipped, nil
	}
	hidden := r.p.needDeletedUsers(true)
	at, user, err := r.locate(ctx, hidden != nil && !r.rec.DeletedAt.IsZero())
	switch {
	case err != nil:
		return done, err
	case at == nowhere && hidden != nil:
		return done, fmt.Errorf("user %s may be among the deleted users: %w", r.rec.ObjectID, hidden)
	case at == nowhere:
		return done, r.purged(ctx)
	case user.ImmutableID != r.rec.ImmutableID:
		return done, r.owned(user, at == amongDeleted)
	case at == amongDeleted:
		return done, r.broughtBack(ctx, user)
	}
	r.synced = user.DirectorySynced
	return done, nil
}

// broughtBack brings a deleted account back and records the UPN that it got.
func (r *run) broughtBack(ctx context.Context, deleted User) error {
	if err := r.owned(deleted, true); err != nil {
		return err
	}
	if err := r.unblocked(ctx); err != nil {
		return err
	}
	user, err := r.undelete(ctx, deleted)
	if err != nil {
		return err
	}
	return r.stamp(ctx, func(rec *Record, _ time.Time) {
		rec.DirectoryUPN = ""
		if !strings.EqualFold(user.UserPrincipalName, rec.UPN) {
			rec.DirectoryUPN = user.UserPrincipalName
		}
	})
}

// enable lets the account sign in again, and waits until that is known everywhere: a sign-in that came earlier would find
// the account blocked, or deleted. Then the person has not left any more, and is not ready either.
func (r *run) enable(ctx context.Context) (outcome, error) {
	if r.hasAccount() && !r.synced {
		if err := r.unblocked(ctx); err != nil {
			return done, err
		}
		if err := r.letIn(ctx); err != nil {
			return done, err
		}
		r.restoredAt = r.p.now()
		if err := r.settled(ctx, func(user User) bool { return user.AccountEnabled }); err != nil {
			return done, err
		}
	}
	r.log.InfoContext(ctx, "person restored", "object", r.rec.ObjectID)
	at := r.timestamp()
	return done, r.save(ctx, func(rec *Record) error {
		if !rec.PurgedAt.IsZero() {
			rec.CreatedAt, rec.ObjectID, rec.DirectoryUPN, rec.Adopted, rec.Licenses = time.Time{}, "", "", false, ""
		}
		rec.lose(marksOf(rec.Licenses), at) // a deletion frees seats, and so may a leave that came to no end
		for _, t := range []*time.Time{
			&rec.RetiringAt, &rec.BlockedAt, &rec.UnlicensedAt, &rec.DeletedAt, &rec.PurgedAt,
			&rec.LicensedAt, &rec.JoinedAt, &rec.ReadyAt,
		} {
			*t = time.Time{}
		}
		return nil
	})
}

// unblocked records, before the account is touched, that it may not be blocked any more: if this run ends before its end,
// Retire must look where it is, and block it anew.
func (r *run) unblocked(ctx context.Context) error {
	return r.stamp(ctx, func(rec *Record, _ time.Time) { rec.BlockedAt = time.Time{} })
}

// hasAccount reports whether there is an account that is not gone for good.
func (r *run) hasAccount() bool { return !r.rec.CreatedAt.IsZero() && r.rec.PurgedAt.IsZero() }

// letIn enables the account. One that is not there was deleted a moment ago, and seen on a replica that did not know.
func (r *run) letIn(ctx context.Context) error {
	enabled := true
	for attempt := 1; r.hasAccount() && !r.synced; attempt++ {
		err := r.ask(ctx, opUpdateUser, writing, func(ctx context.Context) error {
			return r.p.directory.(Accounts).UpdateUser(ctx, r.rec.ObjectID, UserChange{AccountEnabled: &enabled})
		})
		if err == nil || !temporaryOrMissing(err) {
			return err
		}
		missing := errors.Is(err, ErrNotFound)
		if err := r.pause(ctx, attempt, err); err != nil {
			return err
		}
		if missing {
			if _, err := r.bringBack(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
