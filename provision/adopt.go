package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Adopt says which accounts that are there already may become a person's, beyond an active account whose ImmutableID is
// exactly the person's.
//
// That one always does. If a directory sync owns it, it is recognised and never written to: it gets no groups and no
// licences, because whoever runs the sync decides that. If it is blocked it is recognised and stays blocked: Entra refuses
// the sign-in, and says why.
type Adopt struct {
	// Deleted restores a deleted account whose ImmutableID is exactly the person's, with the person's UPN, which becomes
	// the next one of the rule if somebody has it now. Without it such an account is a [ConflictError]: somebody deleted
	// it, and a sign-in must not undo that. An account that was blocked before it was deleted is a ConflictError in
	// either case, and so is one that a directory sync owns.
	//
	// It needs a directory that is a [DeletedUsers].
	Deleted bool

	// InsecureByUPN also takes over an account without an ImmutableID, not owned by a directory sync and not blocked, whose
	// UPN is the one that the person came with ([Person.UPN]), and gives it the person's ImmutableID. Whoever can choose
	// the UPN that the host sends then gets that account and all that is in it: it is safe only where the host itself,
	// and not the person or a social sign-in, says which UPN somebody has. A UPN that a rule chose never does this.
	//
	// It needs a directory that is an [Accounts]. Some tenants refuse the change of an ImmutableID while the UPN is in a
	// federated domain; then it has to be made by hand, in the tenant's onmicrosoft.com domain.
	InsecureByUPN bool
}

// validate lists what the directory cannot do.
func (a Adopt) validate(directory Directory) error {
	var problems []error
	if _, ok := directory.(DeletedUsers); a.Deleted && directory != nil && !ok {
		problems = append(problems, errors.New("Rules.Adopt.Deleted: the directory is no DeletedUsers"))
	}
	if _, ok := directory.(Accounts); a.InsecureByUPN && directory != nil && !ok {
		problems = append(problems, errors.New("Rules.Adopt.InsecureByUPN: the directory is no Accounts"))
	}
	return errors.Join(problems...)
}

// lookAndAdopt takes over the account with our ImmutableID, if it can be seen.
func (r *run) lookAndAdopt(ctx context.Context, untouched bool) (adopted bool, err error) {
	user, err := r.find(ctx, UserKey{ImmutableID: r.rec.ImmutableID})
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case user.ImmutableID != r.rec.ImmutableID:
		return false, r.conflict(ConflictImmutableID, propertyImmutableID, user, nil)
	}
	return true, r.adopt(ctx, user, untouched)
}

// adopt takes over an account whose ImmutableID is exactly ours. untouched says that it was there before anything was
// sent for this person.
func (r *run) adopt(ctx context.Context, user User, untouched bool) error {
	upn := user.UserPrincipalName
	if upn == "" {
		upn = r.rec.UPN
	}
	if err := r.person.agreesWith(user.ImmutableID, upn); err != nil {
		return err
	}
	if user.ObjectID == "" {
		return errors.New("the directory found the user but names no object ID")
	}
	r.log.InfoContext(ctx, "account recognised", "upn", upn, "object", user.ObjectID, "enabled", user.AccountEnabled,
		"synced", user.DirectorySynced)
	r.synced = user.DirectorySynced
	// Without leases another process may have found the reservation, and created the account before this one looked: then
	// it is a new one for both.
	return r.recognise(ctx, user.ObjectID, upn, r.predates(user) || untouched && user.CreatedAt.IsZero())
}

// recognise records that the account exists, and the UPN that it has: the assertion must name that one.
func (r *run) recognise(ctx context.Context, objectID, upn string, untouched bool) error {
	at := r.timestamp()
	return r.save(ctx, func(rec *Record) error {
		if rec.CreatedAt.IsZero() {
			rec.CreatedAt, rec.Adopted = at, untouched
		}
		rec.ObjectID, rec.DirectoryUPN = objectID, ""
		if !strings.EqualFold(upn, rec.UPN) {
			rec.DirectoryUPN = upn
		}
		return nil
	})
}

// clockSkew is how much the directory's clock and ours may differ.
const clockSkew = 5 * time.Minute

// predates reports whether an account was there before the person's identity was reserved, so that it is surely not
// the pipeline's work. It is not known of an account whose age the directory does not tell.
func (r *run) predates(user User) bool {
	return !user.CreatedAt.IsZero() && user.CreatedAt.Add(clockSkew).Before(r.rec.ReservedAt)
}

// lookAmongDeleted brings back the deleted account with our ImmutableID, if there is one and the rules allow it.
func (r *run) lookAmongDeleted(ctx context.Context) (readmitted bool, err error) {
	user, err := r.findDeleted(ctx, UserKey{ImmutableID: r.rec.ImmutableID})
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case user.ImmutableID != r.rec.ImmutableID:
		return false, nil // whether it is in the way, the directory says
	}
	return true, r.readmit(ctx, user)
}

// readmit brings back a deleted account whose ImmutableID is exactly ours.
func (r *run) readmit(ctx context.Context, deleted User) error {
	if err := r.mayReadmit(deleted); err != nil {
		return err
	}
	user, err := r.undelete(ctx, deleted)
	if err != nil {
		return err
	}
	r.restoredAt = r.p.now()
	if err := r.loseLicenses(ctx); err != nil {
		return err
	}
	untouched := r.fresh || deleted.CreatedAt.IsZero() || r.predates(deleted)
	return r.recognise(ctx, user.ObjectID, user.UserPrincipalName, untouched)
}

// mayReadmit is nil if the rules allow a deleted account to be brought back.
func (r *run) mayReadmit(deleted User) error {
	switch {
	case !r.rules.Adopt.Deleted || deleted.DirectorySynced:
		return r.conflictDeleted(ConflictDeleted, propertyImmutableID, deleted, nil)
	case !deleted.AccountEnabled:
		return r.conflictDeleted(ConflictBlocked, propertyImmutableID, deleted, nil)
	}
	return nil
}

// loseLicenses records that the licences are to be given again: the deletion freed their seats.
func (r *run) loseLicenses(ctx context.Context) error {
	return r.stamp(ctx, func(rec *Record, now time.Time) {
		rec.lose(marksOf(rec.Licenses), now)
		rec.LicensedAt = time.Time{}
	})
}

// mayTakeOver reports whether the rules allow an account to become the person's by its UPN.
func (r *run) mayTakeOver(user User) bool {
	return r.rules.Adopt.InsecureByUPN && r.person.UPN != "" && user.ObjectID != "" && user.ImmutableID == "" &&
		!user.DirectorySynced && strings.EqualFold(user.UserPrincipalName, r.person.UPN)
}

// takeOver gives our ImmutableID to an account that has none, and waits until it can be found by it.
func (r *run) takeOver(ctx context.Context, user User, clash error) error {
	if !user.AccountEnabled {
		return r.conflict(ConflictBlocked, propertyUPN, user, clash)
	}
	immutableID := r.rec.ImmutableID
	change := UserChange{ImmutableID: &immutableID}
	err := r.retry(ctx, opUpdateUser, writing, temporaryOrMissing, func(ctx context.Context) error {
		return r.p.directory.(Accounts).UpdateUser(ctx, user.ObjectID, change)
	})
	switch {
	case errors.Is(err, ErrConflict):
		return r.conflict(ConflictImmutableID, propertyImmutableID, User{}, err)
	case errors.Is(err, ErrForbidden):
		return fmt.Errorf("giving user %s the ImmutableID %q: %w; %s", user.ObjectID, r.rec.ImmutableID, err, adminsOnly)
	case err != nil:
		return fmt.Errorf("giving user %s the ImmutableID %q: %w", user.ObjectID, r.rec.ImmutableID, err)
	}
	r.log.WarnContext(ctx, "account taken over by its UPN", "upn", user.UserPrincipalName, "object", user.ObjectID)
	taken, err := r.seen(ctx, UserKey{ImmutableID: r.rec.ImmutableID})
	if err != nil {
		return err
	}
	if taken.ObjectID != user.ObjectID || taken.ImmutableID != r.rec.ImmutableID {
		return r.conflict(ConflictImmutableID, propertyImmutableID, taken, clash)
	}
	return r.adopt(ctx, taken, true)
}

// seen reads a user who is known to exist, again and again until a replica has it.
func (r *run) seen(ctx context.Context, key UserKey) (user User, err error) {
	err = r.retry(ctx, opFindUser, reading, temporaryOrMissing, func(ctx context.Context) (err error) {
		user, err = r.p.directory.FindUser(ctx, key)
		return err
	})
	return user, err
}
