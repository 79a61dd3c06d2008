package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// ErrUserChanged is an item of a plan, or of an undo file, whose user is not as it says any more: somebody else was at
// work, and the user is left as they are.
var ErrUserChanged = errors.New("provision: the user changed meanwhile")

// AdoptionResult is what became of one user.
type AdoptionResult struct {
	ObjectID string
	UPN      string
	Changed  bool  // false where nothing was to be done any more
	Detour   bool  // the UPN was moved away and back
	Err      error // why the user is not as wanted; nil if they are
}

// AdoptionDone counts what was done.
type AdoptionDone struct {
	Changed int
	Kept    int // were as wanted already
	Left    int // as the plan says
	Failed  int
}

// Apply carries out the plan, one user after the other in its order. It can be called again with the same plan after
// any error or crash, and then does what is missing.
//
// Each user is read again first, and left alone with [ErrUserChanged] if the UPN, the ImmutableID or the owner is not
// as the plan says. Then a record of how the user was is written to undo, and synced if undo is a file; only when that
// has succeeded is the user changed. Keep what was written: it is what [Adoption.Undo] reads. A second call should
// append to the same file, which must not be buffered. The ImmutableID is set directly; where the directory refuses
// that, by AdoptionRules.DetourByUPN, if set.
//
// progress is told the result of each user who is to be changed; nil is allowed. The failure of one user, for example a
// *[ConflictError], or [ErrForbidden] for one who holds an administrator's role, does not end the work. The error is
// what did: ctx, undo, a plan that is not valid, or a directory that does not answer.
func (a *Adoption) Apply(
	ctx context.Context, plan AdoptionPlan, undo io.Writer, progress func(AdoptionResult),
) (done AdoptionDone, err error) {
	if err := plan.Validate(); err != nil {
		return done, err
	}
	if !strings.EqualFold(plan.Domain, a.rules.Domain) {
		return done, fmt.Errorf("provision: the plan is for the domain %s, not %s", plan.Domain, a.rules.Domain)
	}
	for _, item := range plan.Items {
		switch {
		case item.Action == AdoptKeep:
			done.Kept++
			continue
		case !item.changes():
			done.Left++
			continue
		}
		result, err := a.applyItem(ctx, item, undo)
		if err != nil {
			return done, fmt.Errorf("provision: adopting %q: %w", item.UPN, err)
		}
		done.count(result)
		a.tell(ctx, result, progress)
	}
	return done, nil
}

// tell logs a result and hands it on.
func (a *Adoption) tell(ctx context.Context, result AdoptionResult, progress func(AdoptionResult)) {
	if result.Err != nil {
		a.p.logger.WarnContext(ctx, "user not adopted", "object", result.ObjectID, "upn", result.UPN, "error", result.Err)
	} else {
		a.p.logger.InfoContext(ctx, "user adopted", "object", result.ObjectID, "upn", result.UPN, "changed",
			result.Changed, "detour", result.Detour)
	}
	if progress != nil {
		progress(result)
	}
}

func (d *AdoptionDone) count(r AdoptionResult) {
	switch {
	case r.Err != nil:
		d.Failed++
	case r.Changed:
		d.Changed++
	default:
		d.Kept++
	}
}

// adoptee is the work on one user.
type adoptee struct {
	*run
	a      *Adoption
	record undoRecord
	result AdoptionResult
}

// applyItem changes one user. The error ends the work.
func (a *Adoption) applyItem(ctx context.Context, item AdoptionItem, undo io.Writer) (AdoptionResult, error) {
	return a.workOn(ctx, undoRecord{
		At: a.p.now().UTC().Truncate(time.Microsecond), ObjectID: item.ObjectID, UPN: item.UPN,
		ImmutableID: item.Have, Set: item.Want, Detour: a.detourUPN(item.ObjectID), sets: []string{item.Want},
	}, func(ctx context.Context, u *adoptee) error { return u.adopt(ctx, undo) })
}

// workOn does the work on one user, and tells errors about that user from those that end the work.
func (a *Adoption) workOn(
	ctx context.Context, record undoRecord, work func(context.Context, *adoptee) error,
) (AdoptionResult, error) {
	if ctx.Err() != nil {
		return AdoptionResult{}, ended(ctx)
	}
	r, background, end := a.p.background(ctx, stepAdopt)
	defer end()
	u := &adoptee{run: r, a: a, record: record,
		result: AdoptionResult{ObjectID: record.ObjectID, UPN: record.UPN}}
	err := work(background, u)
	var written *undoError
	switch {
	case ctx.Err() != nil, errors.As(err, &written):
		return u.result, err
	case errors.Is(err, ErrUnauthorized), errors.Is(err, ErrThrottled), errors.Is(err, ErrUnavailable):
		return u.result, err
	}
	u.result.Err = err
	return u.result, nil
}

// adopt brings one user from as planned to as wanted, from wherever an earlier attempt stopped.
func (u *adoptee) adopt(ctx context.Context, undo io.Writer) error {
	user, err := u.see(ctx)
	if err != nil {
		return err
	}
	away := u.away(user)
	switch {
	case user.DirectorySynced, !away && !u.asRecorded(user), !u.record.knows(user.ImmutableID):
		return fmt.Errorf("%w: UPN %q, ImmutableID %q, owned by a directory sync: %v", ErrUserChanged,
			user.UserPrincipalName, user.ImmutableID, user.DirectorySynced)
	case !away && user.ImmutableID == u.record.Set:
		return nil
	}
	if err := u.record.write(undo); err != nil {
		return err
	}
	u.result.Changed = true
	if away {
		return u.finishDetour(ctx)
	}
	err = u.set(ctx, &u.record.Set)
	switch {
	case u.record.Detour == "" || err != nil && !refused(err):
		return err
	case err == nil:
		return u.moveBack(ctx) // a replica that lags may not show that the user is away
	}
	if err := u.move(ctx, u.record.Detour); err != nil {
		return fmt.Errorf("moving the UPN away: %w", err)
	}
	return u.finishDetour(ctx)
}

// finishDetour sets the ImmutableID of a user whose UPN was moved away, and moves it back.
func (u *adoptee) finishDetour(ctx context.Context) error {
	u.result.Detour = true
	if err := u.setAway(ctx, &u.record.Set); err != nil {
		return u.stranded(err)
	}
	return u.moveBack(ctx)
}

func (u *adoptee) moveBack(ctx context.Context) error {
	if err := u.move(ctx, u.record.UPN); err != nil {
		return u.stranded(err)
	}
	return nil
}

// stranded is the error of a user who is still at the detour.
func (u *adoptee) stranded(err error) error {
	return fmt.Errorf("the user's UPN is %q until this is put right: apply the plan, or undo, again: %w", u.record.Detour,
		err)
}

// away reports whether the user's UPN is at the detour.
func (u *adoptee) away(user User) bool {
	return u.record.Detour != "" && strings.EqualFold(user.UserPrincipalName, u.record.Detour)
}

// detourUPN is where a user's UPN is moved to: always the same, and nobody else's. Empty without detours.
func (a *Adoption) detourUPN(objectID string) string {
	if a.rules.DetourByUPN == "" {
		return ""
	}
	return "detour-" + strings.ReplaceAll(objectID, "-", "") + "@" + a.rules.DetourByUPN
}

// asRecorded reports whether the user has the UPN of before, and an ImmutableID of before or after.
func (u *adoptee) asRecorded(user User) bool {
	return strings.EqualFold(user.UserPrincipalName, u.record.UPN) && u.record.knows(user.ImmutableID)
}

// see reads the user until consecutive reads have shown the same: what an earlier attempt did may not be everywhere
// yet, and a user who is away and not seen to be would stay there. Where nobody is ever away, one read that shows what
// is expected is enough: what follows can be done again without harm.
func (u *adoptee) see(ctx context.Context) (User, error) {
	var before User
	var missing error
	for same := 0; ; {
		user, err := u.find(ctx, UserKey{ObjectID: u.record.ObjectID})
		if err != nil && !errors.Is(err, ErrNotFound) {
			return User{}, err
		}
		if same > 0 && (err == nil) == (missing == nil) && alike(user, before) {
			same++
		} else {
			same = 1
		}
		if before, missing = user, err; same >= u.p.settle.Reads ||
			err == nil && u.record.Detour == "" && u.asRecorded(user) {
			return before, missing
		}
		if err := u.wait(ctx, u.p.settle.Interval, 0, nil); err != nil {
			return User{}, err
		}
	}
}

// alike reports whether two answers agree in what matters here.
func alike(a, b User) bool {
	return a.ImmutableID == b.ImmutableID && a.DirectorySynced == b.DirectorySynced &&
		strings.EqualFold(a.UserPrincipalName, b.UserPrincipalName)
}

// set sets the ImmutableID, or removes it if id points to "".
func (u *adoptee) set(ctx context.Context, id *string) error {
	err := u.update(ctx, temporaryOrMissing, UserChange{ImmutableID: id})
	if errors.Is(err, ErrConflict) {
		err = &ConflictError{Property: propertyImmutableID, ImmutableID: *id, UPN: u.record.UPN, Err: err}
	}
	return err
}

// setAway is set for a user who has just been moved: a replica that does not know of it yet refuses once more.
func (u *adoptee) setAway(ctx context.Context, id *string) error {
	for attempt := 1; ; attempt++ {
		err := u.set(ctx, id)
		if !refused(err) || attempt > u.p.settle.Reads {
			return err
		}
		if err := u.pause(ctx, attempt, err); err != nil {
			return err
		}
	}
}

// move changes the UPN.
func (u *adoptee) move(ctx context.Context, upn string) error {
	err := u.update(ctx, temporaryOrMissing, UserChange{UserPrincipalName: upn})
	if errors.Is(err, ErrConflict) {
		err = &ConflictError{Property: propertyUPN, ImmutableID: u.record.Set, UPN: upn, Err: err}
	}
	return err
}

func (u *adoptee) update(ctx context.Context, again func(error) bool, change UserChange) error {
	return u.retry(ctx, opUpdateUser, writing, again, func(ctx context.Context) error {
		return u.a.change.UpdateUser(ctx, u.record.ObjectID, change)
	})
}

// refused reports whether the directory understood a change and does not allow it, as it may for ImmutableIDs of users
// of a federated domain.
func refused(err error) bool {
	var answer *DirectoryError
	return errors.As(err, &answer) && answer.Status == http.StatusBadRequest && sentinelOf(err) == nil &&
		!answer.Temporary()
}
