package provision

import (
	"context"
	"errors"
	"time"
)

// removeLicenses takes back what the record says was given, and nothing else: groups are left, and seats are taken that
// are assigned directly. What the account does not hold any more, or inherits from a group, is no error, and neither is an
// account that is gone. Afterwards the record says that it is lost, so that the step "license" would give it anew.
func (r *run) removeLicenses(ctx context.Context) error {
	given := marksOf(r.rec.Licenses)
	if len(given) > 0 && r.rec.ObjectID != "" {
		if err := r.removeGiven(ctx, given); err != nil {
			return err
		}
	}
	at := r.timestamp()
	return r.save(ctx, func(rec *Record) error {
		rec.lose(given, at)
		rec.Licenses = editedMarks(rec.Licenses, nil, given)
		rec.LicensedAt = time.Time{}
		return nil
	})
}

// removeGiven takes back marks from the account. Groups come first: what they gave may depend on the seats. Seats that are
// not seen are taken all the same: the replica that answers may not know yet what was given.
func (r *run) removeGiven(ctx context.Context, given []string) error {
	if _, err := r.findSure(ctx); errors.Is(err, ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	for _, group := range markedGroups(given) {
		if err := r.leaveGroup(ctx, group); err != nil {
			return err
		}
	}
	return r.takeSeats(ctx, markedSeats(given))
}

// takeSeats takes back seats that were assigned directly, in one call. One that is not held, or comes from a group, must
// not keep the others.
func (r *run) takeSeats(ctx context.Context, skuIDs []string) error {
	if len(skuIDs) == 0 {
		return nil
	}
	err := r.changeLicenses(ctx, LicenseChange{Remove: skuIDs}, User{}, func(error) {})
	switch {
	case err == nil:
		r.log.InfoContext(ctx, "licences taken back", "object", r.rec.ObjectID, "skus", skuIDs)
		return nil
	case !isUnheld(err):
		return planRefusal(err, skuIDs[0])
	case len(skuIDs) == 1:
		return nil
	}
	for _, id := range skuIDs {
		if err := r.takeSeats(ctx, []string{id}); err != nil {
			return err
		}
	}
	return nil
}

// findSure reads the account. A replica that does not know it is not believed at once.
func (r *run) findSure(ctx context.Context) (User, error) {
	for look := 1; ; look++ {
		user, err := r.find(ctx, UserKey{ObjectID: r.rec.ObjectID})
		if !errors.Is(err, ErrNotFound) || look == looksPerSeat {
			return user, err
		}
		if err := r.pause(ctx, look, err); err != nil {
			return User{}, err
		}
	}
}
