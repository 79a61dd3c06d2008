package provision

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// reconciled reports whether a reconciliation looks at the person: not while Ensure or Retire is not done, and not at
// accounts that are gone for good.
func (r Record) reconciled() bool {
	ready := !r.ReadyAt.IsZero()
	if !r.RetiringAt.IsZero() {
		ready = !r.BlockedAt.IsZero()
	}
	return ready && r.ObjectID != "" && r.PurgedAt.IsZero()
}

// look is the work on one person in a round. Its run's record is the one that is compared.
type look struct {
	*run
	deleted bool                                             // the list of changes says so
	who     func(context.Context, PersonKey) (Person, error) // nil: only the key is known
}

// look looks at one person and reports what it finds. over says that there was something, or that the account could not
// be read: either way the person need not be looked at again. first says that the person was not counted yet.
func (rd *round) look(ctx context.Context, s suspect, first bool) (over bool, err error) {
	if ctx.Err() != nil {
		return false, ended(ctx)
	}
	if first {
		rd.result.Looked++
	}
	drifts, err := rd.examine(ctx, s)
	for _, d := range drifts { // the lease is released by now
		rd.report(ctx, d)
	}
	return len(drifts) > 0 || err != nil, rd.unread(ctx, s.rec, err)
}

// examine returns the drifts of one person, which were repaired if they are to be. For that, nobody else is to be at work
// for the person.
func (rd *round) examine(ctx context.Context, s suspect) (drifts []Drift, err error) {
	ctx, seen := rd.p.observer.beginLook(ctx, s.rec)
	err = errBroken
	defer func() { rd.p.observer.endLook(seen, drifts, err) }()
	r, watching, end := rd.work(ctx, s.rec.Key)
	defer end()
	r.remember(s.rec)
	l := &look{run: r, deleted: s.deleted, who: rd.Person}
	have, err := l.observe(watching)
	switch {
	case err != nil || len(have.drifts) == 0:
		return nil, err
	case !rd.repairs:
		return rd.conclude(watching, l)
	}
	err = rd.p.maintain(ctx, s.rec.Key, repairing, func(r *run, ctx context.Context) (err error) {
		drifts, err = rd.conclude(ctx, &look{run: r, deleted: s.deleted, who: rd.Person})
		return err
	})
	if errors.Is(err, ErrNoRecord) || errors.Is(err, ErrRetired) {
		return nil, nil // there is nobody any more, or somebody who has just left
	}
	return drifts, err
}

// conclude looks again and again, and repairs what is to be.
func (rd *round) conclude(ctx context.Context, l *look) ([]Drift, error) {
	have, err := l.confirm(ctx)
	if err != nil {
		return nil, err
	}
	for i := range have.drifts {
		d := &have.drifts[i]
		if d.At = l.p.now(); rd.Repair(*d) {
			err := l.repair(ctx, *d, have.user)
			switch {
			case errors.Is(err, ErrRetired): // who has just left has no drift any more
				return have.drifts[:i], nil
			case err != nil:
				d.Err = &Error{Step: StepReconcile, Person: d.Person, Err: err}
			}
			d.Repaired = d.Err == nil
		}
	}
	return have.drifts, nil
}

// observation is what one look at the account showed.
type observation struct {
	user   User // zero when it is not there
	drifts []Drift
}

// confirm looks until consecutive looks have shown the same. A single one proves nothing: the replicas answer in turn.
func (l *look) confirm(ctx context.Context) (observation, error) {
	var before observation
	for same := 0; ; {
		if err := l.reload(ctx); err != nil {
			return before, err
		}
		have, err := l.observe(ctx)
		if err != nil {
			return have, err
		}
		if same == 0 || slices.Equal(have.drifts, before.drifts) {
			same++
		} else {
			same = 1
		}
		if same >= l.p.settle.Reads {
			return have, nil
		}
		before = have
		if err := l.wait(ctx, l.p.settle.Interval, 0, nil); err != nil {
			return have, err
		}
	}
}

// reload takes over the record as it is now: somebody else may have provisioned or retired the person meanwhile.
func (l *look) reload(ctx context.Context) error {
	rec, err := l.p.store.Load(ctx, l.person.Key())
	if err != nil && !errors.Is(err, ErrNoRecord) {
		return l.storeError(ctx, "loading the record", err)
	}
	l.remember(rec)
	return nil
}

// observe looks at the account once, and says how it differs from what is remembered.
func (l *look) observe(ctx context.Context) (observation, error) {
	if !l.rec.reconciled() {
		return observation{}, nil
	}
	user, err := l.find(ctx, UserKey{ObjectID: l.rec.ObjectID})
	switch {
	case err == nil:
		return observation{user, l.compare(user)}, nil
	case !errors.Is(err, ErrNotFound):
		return observation{}, err
	case !l.rec.RetiringAt.IsZero(): // so much the better
		return observation{}, nil
	}
	deleted, err := l.findDeleted(ctx)
	switch {
	case err != nil:
		return observation{}, err
	case deleted:
		return observation{drifts: []Drift{l.drift(DriftDeleted, l.rec.accountUPN(), "deleted")}}, nil
	}
	return observation{drifts: []Drift{l.drift(DriftMissing, l.rec.accountUPN(), "")}}, nil
}

// findDeleted reports whether the account is among the deleted users, or must be on its way there.
func (l *look) findDeleted(ctx context.Context) (bool, error) {
	directory, ok := l.p.directory.(DeletedUsers)
	if !ok {
		return l.deleted, nil
	}
	var users []User
	err := l.retry(ctx, opFindDeletedUsers, reading, temporary, func(ctx context.Context) (err error) {
		users, err = directory.FindDeletedUsers(ctx, UserKey{ObjectID: l.rec.ObjectID})
		return err
	})
	return len(users) > 0 || l.deleted, err
}

// compare lists how an account differs from what is remembered of it.
func (l *look) compare(user User) (drifts []Drift) {
	if !l.rec.RetiringAt.IsZero() {
		if user.AccountEnabled {
			drifts = append(drifts, l.drift(DriftEnabled, "disabled", "enabled"))
		}
		return drifts
	}
	if user.ImmutableID != l.rec.ImmutableID {
		drifts = append(drifts, l.drift(DriftImmutableID, l.rec.ImmutableID, user.ImmutableID))
	}
	if !strings.EqualFold(user.UserPrincipalName, l.rec.accountUPN()) {
		drifts = append(drifts, l.drift(DriftUPN, l.rec.accountUPN(), user.UserPrincipalName))
	}
	if !user.AccountEnabled {
		drifts = append(drifts, l.drift(DriftDisabled, "enabled", "disabled"))
	}
	if want, have := missingLicenses(l.rec.Licenses, user); want != "" {
		drifts = append(drifts, l.drift(DriftLicense, want, have))
	}
	return drifts
}

func (l *look) drift(kind DriftKind, want, have string) Drift {
	return Drift{Person: l.rec.Key, ObjectID: l.rec.ObjectID, Kind: kind, Want: want, Have: have}
}
