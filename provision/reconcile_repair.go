package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// What keeps a repair from being tried.
var (
	errNoAccounts = fmt.Errorf("%w: the Directory has no Accounts, by which accounts are changed", errors.ErrUnsupported)
	errNoDeleted  = fmt.Errorf("%w: the Directory has no DeletedUsers, which tell a deleted account from a missing one",
		errors.ErrUnsupported)
	errSynced    = errors.New("a directory sync owns the account: change it where the sync takes it from")
	errNoLicense = errors.New("the rules give no licence any more")
)

// repair puts one drift right. Done again it changes nothing more.
func (l *look) repair(ctx context.Context, d Drift, user User) error {
	switch d.Kind {
	case DriftMissing:
		return l.forget(ctx)
	case DriftDeleted:
		return l.restore(ctx)
	case DriftDisabled:
		enabled := true
		return l.change(ctx, "enabling the account", user, UserChange{AccountEnabled: &enabled})
	case DriftEnabled:
		return l.block(ctx, user)
	case DriftImmutableID:
		return l.change(ctx, "setting the ImmutableID", user, UserChange{ImmutableID: &l.rec.ImmutableID})
	case DriftUPN:
		return l.rename(ctx, d.Have)
	case DriftLicense:
		return l.licenseAgain(ctx, d)
	}
	return fmt.Errorf("a drift of kind %q cannot be repaired", d.Kind)
}

// forget makes the record as it was before the account was created. The identity stays: there will be one account with
// it again, and never two.
func (l *look) forget(ctx context.Context) error {
	if _, ok := l.p.directory.(DeletedUsers); !ok {
		return errNoDeleted
	}
	return l.correct(ctx, func(rec *Record) {
		rec.ObjectID, rec.DirectoryUPN, rec.Licenses, rec.Adopted = "", "", "", false
		rec.CreatedAt, rec.LicensedAt, rec.JoinedAt, rec.ReadyAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	})
}

// rename records the UPN that the account has.
func (l *look) rename(ctx context.Context, upn string) error {
	if upn == "" {
		return errors.New("the directory names no UPN")
	}
	return l.correct(ctx, func(rec *Record) {
		rec.DirectoryUPN = upn
		if strings.EqualFold(upn, rec.UPN) {
			rec.DirectoryUPN = ""
		}
	})
}

// correct changes the record, unless it has become another account's, or the person was retired, meanwhile.
func (l *look) correct(ctx context.Context, change func(*Record)) error {
	objectID := l.rec.ObjectID
	return l.save(ctx, func(rec *Record) error {
		if rec.ObjectID != objectID || !rec.RetiringAt.IsZero() {
			return errOvertaken
		}
		change(rec)
		return nil
	})
}

// restore brings the account back. One that is there is as good: the answer to an earlier attempt may have been lost. A
// replica that lags may not know yet that it was deleted.
func (l *look) restore(ctx context.Context) error {
	directory, ok := l.p.directory.(DeletedUsers)
	if !ok {
		return errNoDeleted
	}
	for attempt := 1; ; attempt++ {
		err := l.ask(ctx, opRestoreUser, writing, func(ctx context.Context) error {
			_, err := directory.RestoreUser(ctx, l.rec.ObjectID, "")
			return err
		})
		if errors.Is(err, ErrNotFound) {
			if _, findErr := l.find(ctx, UserKey{ObjectID: l.rec.ObjectID}); findErr == nil {
				return nil
			}
		}
		if err == nil || !temporaryOrMissing(err) {
			return doing("restoring the account", err)
		}
		if err := l.pause(ctx, attempt, err); err != nil {
			return doing("restoring the account", err)
		}
	}
}

// block keeps the account from signing in, and ends its sessions. It does so before as well: a crash between the two
// writes would leave an account that is blocked as it should be, and sessions that nobody looks for.
func (l *look) block(ctx context.Context, user User) error {
	enabled := false
	_ = l.revoke(ctx, func(error) bool { return false }) // what matters is that it is blocked
	if err := l.change(ctx, "blocking the account", user, UserChange{AccountEnabled: &enabled}); err != nil {
		return err
	}
	return doing("ending the account's sessions", l.revoke(ctx, temporaryOrMissing))
}

func (l *look) revoke(ctx context.Context, again func(error) bool) error {
	directory, ok := l.p.directory.(Accounts)
	if !ok {
		return errNoAccounts
	}
	return l.retry(ctx, opRevokeSessions, writing, again, func(ctx context.Context) error {
		return directory.RevokeSessions(ctx, l.rec.ObjectID)
	})
}

// change changes the account, which was seen to be there.
func (l *look) change(ctx context.Context, what string, user User, change UserChange) error {
	directory, ok := l.p.directory.(Accounts)
	switch {
	case !ok:
		return errNoAccounts
	case user.DirectorySynced:
		return doing(what, errSynced)
	}
	err := l.retry(ctx, opUpdateUser, writing, temporaryOrMissing, func(ctx context.Context) error {
		return directory.UpdateUser(ctx, l.rec.ObjectID, change)
	})
	return doing(what, err)
}

// licenseAgain takes the pipeline's step again, as the last thing that the look does. The record keeps what was given: if
// the step fails, or this process does, the person signs in as before, and the next look finds the same drift.
func (l *look) licenseAgain(ctx context.Context, d Drift) error {
	err := l.identify(ctx)
	if err == nil {
		err = l.decision.mayLicense()
	}
	if err != nil {
		return doing("licensing", err)
	}
	l.missing = marksOf(d.Want)
	result, err := l.license(ctx)
	if err == nil && result == skipped {
		err = errNoLicense
	}
	return doing("licensing", err)
}

// identify has the host say who the person is, and the rules decide anew.
func (l *look) identify(ctx context.Context) error {
	if l.who == nil {
		return nil
	}
	person, err := l.who(ctx, l.rec.Key)
	if err == nil {
		err = person.Validate()
	}
	switch {
	case err != nil:
		return doing("Reconciliation.Person", err)
	case person.Key() != l.rec.Key:
		return errors.New("Reconciliation.Person has returned another person")
	}
	l.person, l.errand.known = person.normalised(), true
	l.choose()
	return nil
}

// doing says what failed.
func doing(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
