package msgraph

import (
	"context"

	"github.com/entrafed/entrafed/internal/graph"
	"github.com/entrafed/entrafed/provision"
)

// FindDeletedUsers lists the deleted users who match the one key that is set. None is an empty list and no error.
//
// Graph renames a user that is deleted: its object ID, without the dashes, comes before the UPN, which is free for
// somebody else. FindDeletedUsers compares with the UPN of before, and returns that one. The search by UPN asks an index
// that trails behind the directory, so that a user who was deleted a moment ago may be missing.
//
// Source: https://learn.microsoft.com/graph/api/directory-deleteditems-list.
func (t *Tenant) FindDeletedUsers(ctx context.Context, key provision.UserKey) ([]provision.User, error) {
	ctx, done := carry(ctx)
	defer done()
	found, err := t.findDeleted(ctx, key)
	if err != nil {
		return nil, directoryError(err)
	}
	return usersOf(found), nil
}

func (t *Tenant) findDeleted(ctx context.Context, key provision.UserKey) ([]graph.User, error) {
	switch key {
	case provision.UserKey{}:
	case provision.UserKey{ObjectID: key.ObjectID}:
		return t.client.DeletedUsersByObjectID(ctx, key.ObjectID)
	case provision.UserKey{ImmutableID: key.ImmutableID}:
		return t.client.DeletedUsersByImmutableID(ctx, key.ImmutableID)
	case provision.UserKey{UserPrincipalName: key.UserPrincipalName}:
		return t.client.DeletedUsersByUPN(ctx, key.UserPrincipalName)
	}
	return nil, errUserKey
}

// RestoreUser brings a deleted user back, with another UPN if upn is not empty. Like CreateUser, it returns a few
// properties only.
//
// Source: https://learn.microsoft.com/graph/api/directory-deleteditems-restore; the other UPN is in the schema of Graph
// v1.0 and not on that page.
func (t *Tenant) RestoreUser(ctx context.Context, objectID, upn string) (provision.User, error) {
	ctx, done := carry(ctx)
	defer done()
	restored, err := t.client.RestoreUser(ctx, objectID, upn)
	return userOf(restored), directoryError(err)
}

// PurgeUser deletes a deleted user for good.
//
// Source: https://learn.microsoft.com/graph/api/directory-deleteditems-delete.
func (t *Tenant) PurgeUser(ctx context.Context, objectID string) error {
	ctx, done := carry(ctx)
	defer done()
	return directoryError(t.client.PurgeUser(ctx, objectID))
}
