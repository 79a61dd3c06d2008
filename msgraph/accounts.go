package msgraph

import (
	"context"

	"github.com/entrafed/entrafed/internal/graph"
	"github.com/entrafed/entrafed/provision"
)

// UpdateUser changes what is set in change, all of it or nothing. Attributes are sent as CreateUser does it, and an empty
// one stays as it is. With nothing to change no call is made.
//
// A user whom a directory sync owns, or who holds a role of an administrator, is refused by Graph. Whether the ImmutableID
// of a user in a federated domain can be changed or removed has been reported both ways.
//
// Source: https://learn.microsoft.com/graph/api/user-update.
func (t *Tenant) UpdateUser(ctx context.Context, objectID string, change provision.UserChange) error {
	ctx, done := carry(ctx)
	defer done()
	return directoryError(t.client.UpdateUser(ctx, objectID, graph.UserChange(change)))
}

// RevokeSessions makes everything that the user is signed in to ask for a new sign-in. It takes effect within a few
// minutes.
//
// Source: https://learn.microsoft.com/graph/api/user-revokesigninsessions.
func (t *Tenant) RevokeSessions(ctx context.Context, objectID string) error {
	ctx, done := carry(ctx)
	defer done()
	return directoryError(t.client.RevokeSessions(ctx, objectID))
}

// DeleteUser moves the user to the deleted ones, from where [Tenant.RestoreUser] brings it back for 30 days. Its seats
// are free at once.
//
// Source: https://learn.microsoft.com/graph/api/user-delete.
func (t *Tenant) DeleteUser(ctx context.Context, objectID string) error {
	ctx, done := carry(ctx)
	defer done()
	return directoryError(t.client.DeleteUser(ctx, objectID))
}

// SetManager makes a user another one's manager, in place of whoever was.
//
// Source: https://learn.microsoft.com/graph/api/user-post-manager.
func (t *Tenant) SetManager(ctx context.Context, objectID, managerObjectID string) error {
	ctx, done := carry(ctx)
	defer done()
	return directoryError(t.client.SetManager(ctx, objectID, managerObjectID))
}
