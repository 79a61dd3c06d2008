package provision

import (
	"context"
	"errors"
	"strings"
)

// looksPerConflict is how often the directory is searched for the account behind a uniqueness clash before the
// creation is tried again: the clash may have been with a creation that failed in the end.
const looksPerConflict = 4

// looksPerAddress is how often it is searched when the clash is about an address. An alias of a group or a contact
// never shows up as a user.
const looksPerAddress = 3

// owner is the account behind a clash.
type owner struct {
	User
	deleted bool
}

// resolve follows a uniqueness clash: the account is ours already, or somebody else has the UPN and ours becomes the
// next one, or nobody can be seen yet. It returns nil when create should look at the record and go on.
func (r *run) resolve(ctx context.Context, attempt int, clash error) error {
	for look := 1; look <= looksPerConflict; look++ {
		found, err := r.owner(ctx, clash, look == looksPerConflict)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err == nil {
			if resolved, err := r.resolveWith(ctx, found, clash); resolved || err != nil {
				return err
			}
		}
		if look == looksPerAddress && blamesAddress(clash) {
			return r.nextUPN(ctx, r.addressConflict(User{}, clash))
		}
		if err := r.pause(ctx, (attempt-1)*looksPerConflict+look, clash); err != nil {
			return err
		}
	}
	return nil
}

// owner finds the account behind a clash: by our ImmutableID, by our UPN, by the object that the directory named, then
// the same way among deleted users. A deleted user frees the UPN, and many may have had it: only when nothing else is to
// be seen to the end is one of them the likely owner.
func (r *run) owner(ctx context.Context, clash error, last bool) (owner, error) {
	keys := []UserKey{{ImmutableID: r.rec.ImmutableID}, {UserPrincipalName: r.rec.UPN}}
	if id := conflictingUser(clash); id != "" {
		keys = append(keys, UserKey{ObjectID: id})
	}
	for _, key := range keys {
		user, err := r.find(ctx, key)
		if !errors.Is(err, ErrNotFound) {
			return owner{User: user}, err
		}
	}
	keys = []UserKey{{ImmutableID: r.rec.ImmutableID}}
	if last {
		keys = append(keys, UserKey{UserPrincipalName: r.rec.UPN})
	}
	for _, key := range keys {
		user, err := r.findDeleted(ctx, key)
		if !errors.Is(err, ErrNotFound) {
			return owner{User: user, deleted: true}, err
		}
	}
	return owner{}, ErrNotFound
}

// resolveWith decides what the account behind a clash means. An account that cannot be what the clash is about resolves
// nothing.
func (r *run) resolveWith(ctx context.Context, found owner, clash error) (resolved bool, err error) {
	switch {
	case found.ImmutableID == r.rec.ImmutableID && found.deleted:
		return true, r.readmit(ctx, found.User)
	case found.ImmutableID == r.rec.ImmutableID:
		return true, r.adopt(ctx, found.User, false)
	case strings.EqualFold(found.ImmutableID, r.rec.ImmutableID):
		conflict := r.conflict(ConflictImmutableID, propertyImmutableID, found.User, clash)
		conflict.Deleted = found.deleted
		return true, conflict
	case blamesOnly(clash, propertyImmutableID):
		return false, nil
	case found.deleted:
		return true, r.nextUPN(ctx, r.conflictDeleted(ConflictUPN, propertyUPN, found.User, clash))
	case blamesAddress(clash):
		return true, r.nextUPN(ctx, r.addressConflict(found.User, clash))
	case r.mayTakeOver(found.User):
		return true, r.takeOver(ctx, found.User, clash)
	}
	return true, r.nextUPN(ctx, r.upnConflict(found.User, clash))
}

// upnConflict is the error of a UPN that another account has.
func (r *run) upnConflict(owner User, clash error) *ConflictError {
	kind := ConflictUPN
	if owner.ObjectID != "" && owner.ImmutableID == "" {
		kind = ConflictUnclaimed
	}
	return r.conflict(kind, propertyUPN, owner, clash)
}

// addressConflict is the error of an address that another object has.
func (r *run) addressConflict(owner User, clash error) *ConflictError {
	conflict := r.conflict(ConflictAddress, propertyProxies, owner, clash)
	if blamesOnly(clash, propertyMail) {
		conflict.Property = propertyMail
	}
	conflict.Object = conflictingObject(clash)
	return conflict
}

// blamed lists the properties that a uniqueness clash names.
func blamed(clash error) []string {
	var answer *DirectoryError
	if !errors.As(clash, &answer) {
		return nil
	}
	var properties []string
	for _, d := range answer.Details {
		if d.Code == "ObjectConflict" && d.Target != "" {
			properties = append(properties, d.Target)
		}
	}
	if len(properties) > 0 {
		return properties
	}
	_, rest, _ := strings.Cut(answer.Message, "same value for property ")
	if fields := strings.Fields(rest); len(fields) > 0 {
		return fields[:1]
	}
	return nil
}

// blamesOnly reports whether a clash names properties, and none but these.
func blamesOnly(clash error, properties ...string) bool {
	named := blamed(clash)
	for _, name := range named {
		if !containsFold(properties, name) {
			return false
		}
	}
	return len(named) > 0
}

// blamesAddress reports whether a clash is about addresses alone, which groups and contacts have, too.
func blamesAddress(clash error) bool {
	return blamesOnly(clash, propertyProxies, propertyMail, "otherMails")
}

func containsFold(list []string, s string) bool {
	for _, item := range list {
		if strings.EqualFold(item, s) {
			return true
		}
	}
	return false
}

// conflictingObject is the object that a clash names, as its type, "_" and its object ID; or "".
func conflictingObject(clash error) string {
	var answer *DirectoryError
	if !errors.As(clash, &answer) {
		return ""
	}
	for _, d := range answer.Details {
		if d.Code == "ConflictingObjects" {
			return d.Target
		}
	}
	return ""
}

// conflictingUser is the object ID of the user that a clash names, as "User_" and a GUID, or "".
func conflictingUser(clash error) string {
	id, ok := strings.CutPrefix(conflictingObject(clash), "User_")
	if !ok {
		return ""
	}
	return id
}
