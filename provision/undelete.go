package provision

import (
	"context"
	"errors"
	"strings"
)

// findDeleted finds the deleted user with a key: one whose ImmutableID is exactly ours, else the one who was deleted
// last. A directory that does not show deleted users has none.
func (r *run) findDeleted(ctx context.Context, key UserKey) (User, error) {
	directory, ok := r.p.directory.(DeletedUsers)
	if !ok {
		return User{}, ErrNotFound
	}
	var users []User
	err := r.retry(ctx, opFindDeletedUsers, reading, temporary, func(ctx context.Context) (err error) {
		users, err = directory.FindDeletedUsers(ctx, key)
		return err
	})
	if err != nil {
		return User{}, err
	}
	if len(users) == 0 {
		return User{}, ErrNotFound
	}
	likely := users[0]
	for _, user := range users[1:] {
		ours, likelyOurs := user.ImmutableID == r.rec.ImmutableID, likely.ImmutableID == r.rec.ImmutableID
		if ours && !likelyOurs || ours == likelyOurs && user.DeletedAt.After(likely.DeletedAt) {
			likely = user
		}
	}
	return likely, nil
}

// undelete brings a deleted account back under the UPN of the record, or under the next one if somebody has that now,
// and returns it with the UPN that it got. An answer that was lost is followed by a look: it may be back. One that is seen
// under another UPN than was asked for may be what a replica still shows of the time before it was deleted.
func (r *run) undelete(ctx context.Context, deleted User) (User, error) {
	var renamed doubt
	for attempt := 1; ; attempt++ {
		user, err := r.askBack(ctx, deleted)
		if err == nil {
			r.log.InfoContext(ctx, "account restored", "upn", user.UserPrincipalName, "object", user.ObjectID)
			return user, nil
		}
		switch {
		case errors.Is(err, ErrConflict) && conflictingUser(err) != deleted.ObjectID: // so it is not back
			if err := r.giveWay(ctx, attempt, err); err != nil {
				return User{}, err
			}
			continue
		case !temporaryOrMissing(err) && !errors.Is(err, ErrConflict):
			return User{}, err
		}
		user, missing := r.find(ctx, UserKey{ObjectID: deleted.ObjectID})
		switch {
		case errors.Is(missing, ErrNotFound):
			renamed = doubt{}
		case missing != nil:
			return User{}, missing
		case user.ImmutableID != r.rec.ImmutableID:
			return User{}, r.conflict(ConflictChanged, propertyImmutableID, user, err)
		case strings.EqualFold(user.UserPrincipalName, r.rec.accountUPN()) || renamed.over(&r.caller):
			return user, r.person.agreesWith(user.ImmutableID, user.UserPrincipalName)
		}
		if err := r.pause(ctx, attempt, err); err != nil {
			return User{}, err
		}
	}
}

// askBack asks once for a deleted account, under the UPN of the record.
func (r *run) askBack(ctx context.Context, deleted User) (user User, err error) {
	wanted, upn := r.rec.accountUPN(), ""
	if !strings.EqualFold(originalUPN(deleted), wanted) {
		upn = wanted
	}
	err = r.ask(ctx, opRestoreUser, writing, func(ctx context.Context) (err error) {
		user, err = r.p.directory.(DeletedUsers).RestoreUser(ctx, deleted.ObjectID, upn)
		return err
	})
	user.ObjectID = deleted.ObjectID
	if user.UserPrincipalName == "" {
		user.UserPrincipalName = wanted
	}
	return user, err
}

// originalUPN is the UPN that a deleted user had. Entra puts the object ID, without its hyphens, before it.
func originalUPN(deleted User) string {
	prefix := strings.ReplaceAll(deleted.ObjectID, "-", "")
	upn := deleted.UserPrincipalName
	if len(upn) > len(prefix) && strings.EqualFold(upn[:len(prefix)], prefix) {
		return upn[len(prefix):]
	}
	return upn
}

// giveWay follows a restoration that clashed. Where somebody has the account's UPN now, the next attempt asks for another
// one; a clash that another UPN does not mend is the error.
func (r *run) giveWay(ctx context.Context, attempt int, clash error) error {
	switch {
	case blamesAddress(clash):
		return r.addressConflict(User{}, clash)
	case blamesOnly(clash, propertyImmutableID):
		holder, err := r.find(ctx, UserKey{ImmutableID: r.rec.ImmutableID})
		switch {
		case err == nil:
			return r.conflict(ConflictImmutableID, propertyImmutableID, holder, clash)
		case !errors.Is(err, ErrNotFound):
			return err
		}
		return r.pause(ctx, attempt, clash)
	}
	holder, err := r.find(ctx, UserKey{UserPrincipalName: r.rec.accountUPN()})
	switch {
	case err != nil && !errors.Is(err, ErrNotFound):
		return err
	case err != nil && attempt < looksPerConflict:
		return r.pause(ctx, attempt, clash)
	case r.rec.DirectoryUPN != "" && r.person.UPN == "":
		return r.save(ctx, func(rec *Record) error { rec.DirectoryUPN = ""; return nil }) // the reserved one is next
	}
	return r.nextUPN(ctx, r.upnConflict(holder, clash))
}
