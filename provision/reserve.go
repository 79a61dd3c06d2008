package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// reserve chooses the person's identity and remembers it, before anything is written to the directory. Whatever happens
// afterwards, every later run and every other process goes on with this one.
func (r *run) reserve(ctx context.Context) (outcome, error) {
	if err := r.seatsAhead(ctx); err != nil {
		return done, err
	}
	if r.rec.Version != 0 {
		return skipped, nil
	}
	immutableID, err := r.rules.immutableID(r.person)
	if err != nil {
		return done, err
	}
	rec := Record{Key: r.person.Key(), ImmutableID: immutableID, ReservedAt: r.timestamp()}
	for rec.UPNAttempt = 0; rec.UPNAttempt < maxUPNAttempts; rec.UPNAttempt++ {
		before := rec.UPN
		if rec.UPN, err = r.rules.upn(r.person, rec.UPNAttempt); err != nil {
			return done, err
		}
		if strings.EqualFold(rec.UPN, before) {
			return done, reservedConflict(propertyUPN, rec, ErrUPNTaken) // there is no other one to try
		}
		stored, err := r.p.store.Reserve(ctx, rec)
		switch {
		case err == nil:
			return done, r.reserved(rec, stored)
		case errors.Is(err, ErrImmutableIDTaken):
			return done, reservedConflict(propertyImmutableID, rec, err)
		case !errors.Is(err, ErrUPNTaken):
			return done, r.storeError(ctx, "reserving the identity", err)
		}
	}
	return done, reservedConflict(propertyUPN, rec, ErrUPNTaken)
}

// reservedConflict is the error of an identity that another person's record holds.
func reservedConflict(property string, rec Record, cause error) error {
	return &ConflictError{Kind: ConflictReserved, Property: property, ImmutableID: rec.ImmutableID, UPN: rec.UPN, Err: cause}
}

// reserved takes over the stored record, which is another process's if that was faster.
func (r *run) reserved(wanted, stored Record) error {
	if err := r.refuseLeaver(stored); err != nil {
		return err
	}
	if err := r.person.agreesWith(stored.ImmutableID, stored.accountUPN()); err != nil {
		return err
	}
	r.fresh = stored.Version == 1 && stored.UPN == wanted.UPN && stored.ReservedAt.Equal(wanted.ReservedAt)
	r.remember(stored)
	return nil
}

// nextUPN moves the reservation to the next free UPN, because somebody has the present one in the directory. A UPN that
// the host gave is never replaced: then the conflict is the error.
func (r *run) nextUPN(ctx context.Context, clash *ConflictError) error {
	if r.person.UPN != "" {
		return clash
	}
	taken := r.rec
	upn := taken.UPN
	for attempt := taken.UPNAttempt + 1; attempt < maxUPNAttempts; attempt++ {
		before := upn
		var err error
		if upn, err = r.rules.upn(r.person, attempt); err != nil {
			return err
		}
		if strings.EqualFold(upn, before) {
			break
		}
		err = r.save(ctx, func(rec *Record) error {
			if rec.UPN != taken.UPN || !rec.CreatedAt.Equal(taken.CreatedAt) {
				return errOvertaken
			}
			rec.UPN, rec.UPNAttempt = upn, attempt
			return nil
		})
		if err == nil || errors.Is(err, errOvertaken) {
			return nil
		}
		if !errors.Is(err, ErrUPNTaken) {
			return err
		}
	}
	clash.UPN, clash.Err = taken.UPN, fmt.Errorf("no free UPN was found: %w", clash.Err)
	return clash
}
