package provision

// Adopt says which accounts that are there already may become a person's, beyond an active account whose ImmutableID is
// exactly the person's.
type Adopt struct {
	// Deleted restores a deleted account whose ImmutableID is exactly the person's. Without it such an account is a
	// [ConflictError]: somebody deleted it, and a sign-in must not undo that.
	Deleted bool

	// InsecureByUPN also takes over an account without an ImmutableID, not owned by a directory sync, whose UPN is the
	// one that the person came with ([Person.UPN]), and gives it the person's ImmutableID. Whoever can choose the UPN
	// that the host sends then gets that account and all that is in it: it is safe only where the host itself, and
	// not the person or a social sign-in, says which UPN somebody has.
	InsecureByUPN bool
}
