package msgraph

import (
	"context"

	"github.com/entrafed/entrafed/provision"
)

// ListUsers returns one page of all users, 999 at most. A page may have fewer users than fit, or none, with more of them
// behind it. A cursor is opaque; it is of use in this tenant only, and not for long: one that is too old is an error that
// matches [provision.ErrCursorExpired].
//
// Source: https://learn.microsoft.com/graph/api/user-list.
func (t *Tenant) ListUsers(ctx context.Context, cursor string) (provision.UserPage, error) {
	ctx, done := carry(ctx)
	defer done()
	page, err := t.client.Users(ctx, cursor)
	if err != nil {
		return provision.UserPage{}, directoryError(err)
	}
	return provision.UserPage{Users: usersOf(page.Users), Next: page.Next}, nil
}

// UserChanges returns one page of the users who changed since the cursor, in any of the properties of [provision.User]
// but Licenses: Graph does not tell of a licence that a group could not give. The cursor between two rounds is good for
// seven days. One that is too old is an error that matches [provision.ErrCursorExpired], and only a new round from the
// cursor "" finds out what was missed.
//
// Source: https://learn.microsoft.com/graph/api/user-delta and https://learn.microsoft.com/graph/delta-query-overview.
func (t *Tenant) UserChanges(ctx context.Context, cursor string) (provision.ChangePage, error) {
	ctx, done := carry(ctx)
	defer done()
	page, err := t.client.UserChanges(ctx, cursor)
	if err != nil {
		return provision.ChangePage{}, directoryError(err)
	}
	changes := provision.ChangePage{Changed: page.Changed, Next: page.Next, Cursor: page.Cursor}
	for _, removed := range page.Removed {
		changes.Removed = append(changes.Removed, provision.RemovedUser(removed))
	}
	return changes, nil
}
