package provision

import (
	"fmt"
	"strings"
)

// ConflictError says that the UPN, the ImmutableID or an address meant for a person belongs to somebody else, or to an
// account that may not become the person's. It names both, and says what can be done. It matches [ErrConflict].
type ConflictError struct {
	Kind     ConflictKind
	Property string // "userPrincipalName", "onPremisesImmutableId", "proxyAddresses" or "mail"

	// ImmutableID and UPN are what the person has, or was to get.
	ImmutableID string
	UPN         string

	// Owner is the account that is in the way. Its fields are empty when the value is held by a reservation in the
	// [Store], or by an object that is not a user: a group, a contact.
	Owner   User
	Deleted bool   // Owner is among the deleted users
	Object  string // what the directory called the object in the way, for example "Group_" and its object ID; may be empty

	Err error // what the directory or the store said; may be nil
}

// ConflictKind is a stable code for what is in the way.
type ConflictKind string

// The kinds of conflict.
const (
	ConflictReserved    ConflictKind = "reserved"     // another person's record in the store has the value
	ConflictUPN         ConflictKind = "upn"          // an account with another ImmutableID has, or had, the UPN
	ConflictUnclaimed   ConflictKind = "unclaimed"    // an account without an ImmutableID has the UPN
	ConflictAddress     ConflictKind = "address"      // an account, a group or a contact has the address
	ConflictImmutableID ConflictKind = "immutable-id" // another account has the ImmutableID, or has it in other capitals
	ConflictDeleted     ConflictKind = "deleted"      // a deleted account has exactly the ImmutableID, and stays deleted
	ConflictBlocked     ConflictKind = "blocked"      // the account to restore or to take over is blocked
	ConflictChanged     ConflictKind = "changed"      // the person's account was given another ImmutableID, or lost it
)

// The properties that a ConflictError names.
const (
	propertyUPN         = "userPrincipalName"
	propertyImmutableID = "onPremisesImmutableId"
	propertyProxies     = "proxyAddresses"
	propertyMail        = "mail"
)

func (e *ConflictError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the person's account (ImmutableID %q, UPN %q) clashes in %s with %s", e.ImmutableID, e.UPN, e.Property,
		e.holder())
	if cause := e.cause(); cause != "" {
		fmt.Fprintf(&b, ": %s", cause)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, " (%v)", e.Err)
	}
	if remedy := e.remedy(); remedy != "" {
		fmt.Fprintf(&b, "; %s", remedy)
	}
	return b.String()
}

// holder describes what is in the way.
func (e *ConflictError) holder() string {
	switch {
	case e.Owner.ObjectID == "" && e.Object != "":
		return "the object " + e.Object
	case e.Owner.ObjectID == "" && e.Kind == ConflictReserved:
		return "another person's reservation in the store"
	case e.Owner.ObjectID == "":
		return "an object that is not a visible user: a group, a contact, a deleted user"
	}
	is := ""
	if e.Deleted {
		is += ", deleted"
	}
	if e.Owner.DirectorySynced {
		is += ", owned by a directory sync"
	}
	return fmt.Sprintf("user %s (ImmutableID %q, UPN %q%s)", e.Owner.ObjectID, e.Owner.ImmutableID,
		e.Owner.UserPrincipalName, is)
}

// cause says why the account in the way cannot be the person's.
func (e *ConflictError) cause() string {
	switch e.Kind {
	case ConflictReserved:
		return "the pipeline promised it to somebody else"
	case ConflictUPN:
		return "an account is recognised by its ImmutableID alone, and this one has another"
	case ConflictUnclaimed:
		return "an account is recognised by its ImmutableID alone, and this one has none"
	case ConflictAddress:
		return "an address belongs to one object of the tenant"
	case ConflictImmutableID:
		return "ImmutableIDs are compared byte for byte, and the directory keeps them unique"
	case ConflictDeleted:
		if e.Owner.DirectorySynced {
			return "the account is the person's, but it was deleted, and a directory sync owns it"
		}
		return "the account is the person's, but somebody deleted it, and a sign-in does not undo that"
	case ConflictBlocked:
		return "the account is blocked, which was somebody's decision, and a sign-in does not undo that"
	case ConflictChanged:
		return "the account was the person's, and its ImmutableID was changed since"
	}
	return ""
}

// remedy says what the operator can do.
func (e *ConflictError) remedy() string {
	switch e.Kind {
	case ConflictReserved:
		return "correct the host, which gave two people one identity, or the rule that chose it"
	case ConflictUPN:
		if e.Deleted {
			return "delete the deleted account for good, or give the person another UPN"
		}
		return "rename the other account, or give the person another UPN"
	case ConflictUnclaimed:
		return fmt.Sprintf("if the account is this person's, set its onPremisesImmutableId to %q by hand; if not, give the "+
			"person another UPN. (Adopt.InsecureByUPN would take over every such account: it is safe only where the host "+
			"itself, and not the person or a social sign-in, says which UPN somebody has)", e.ImmutableID)
	case ConflictAddress:
		return "take the address from the other object, or give the person another UPN"
	case ConflictImmutableID:
		return "change the other account's onPremisesImmutableId, or what chose this one"
	case ConflictDeleted:
		if e.Owner.DirectorySynced {
			return "have the sync bring it back, or delete it for good (Entra admin centre, Deleted users)"
		}
		return "restore it, or delete it for good, after which the person gets a new one (Entra admin centre, Deleted " +
			"users); with Adopt.Deleted such accounts are restored when their owners sign in"
	case ConflictBlocked:
		if e.Deleted {
			return "restore and enable it, or delete it for good (Entra admin centre, Deleted users)"
		}
		return "enable the account if the person may have it"
	case ConflictChanged:
		return fmt.Sprintf("set the account's onPremisesImmutableId to %q again if it is still this person's; if not, move "+
			"the person by hand in the store", e.ImmutableID)
	}
	return ""
}

// Is reports whether target is [ErrConflict].
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// Unwrap returns what the directory or the store said.
func (e *ConflictError) Unwrap() error { return e.Err }

// conflict is a ConflictError with the account that is in the way.
func (r *run) conflict(kind ConflictKind, property string, owner User, cause error) *ConflictError {
	return &ConflictError{Kind: kind, Property: property, ImmutableID: r.rec.ImmutableID, UPN: r.rec.accountUPN(),
		Owner: owner, Err: cause}
}

// conflictDeleted is a ConflictError with an account that is among the deleted users.
func (r *run) conflictDeleted(kind ConflictKind, property string, owner User, cause error) *ConflictError {
	clash := r.conflict(kind, property, owner, cause)
	clash.Deleted = true
	return clash
}
