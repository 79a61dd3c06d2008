package msgraph

import (
	"context"
	"errors"

	"github.com/entrafed/entrafed/internal/graph"
	"github.com/entrafed/entrafed/provision"
)

// FindGroup reads one group by the one key that is set. An ObjectID must be a GUID, a UniqueName has at most 128
// characters.
//
// Source: https://learn.microsoft.com/graph/api/group-get.
func (t *Tenant) FindGroup(ctx context.Context, key provision.GroupKey) (provision.Group, error) {
	ctx, done := carry(ctx)
	defer done()
	found, err := t.findGroup(ctx, key)
	return provision.Group(found), directoryError(err)
}

func (t *Tenant) findGroup(ctx context.Context, key provision.GroupKey) (graph.Group, error) {
	switch key {
	case provision.GroupKey{}:
	case provision.GroupKey{ObjectID: key.ObjectID}:
		return t.client.GroupByObjectID(ctx, key.ObjectID)
	case provision.GroupKey{UniqueName: key.UniqueName}:
		return t.client.GroupByUniqueName(ctx, key.UniqueName)
	}
	return graph.Group{}, errors.New("msgraph: a group is found by exactly one of ObjectID and UniqueName")
}

// AddMembers adds 1 to 20 users to a group, all of them or none. It is one write, however many there are. What the group
// gives to its members takes Entra some time.
//
// Source: https://learn.microsoft.com/graph/api/group-post-members.
func (t *Tenant) AddMembers(ctx context.Context, groupID string, objectIDs []string) error {
	ctx, done := carry(ctx)
	defer done()
	return directoryError(t.client.AddMembers(ctx, groupID, objectIDs))
}

// RemoveMember takes a user out of a group. The user stays as it is.
//
// Source: https://learn.microsoft.com/graph/api/group-delete-members.
func (t *Tenant) RemoveMember(ctx context.Context, groupID, objectID string) error {
	ctx, done := carry(ctx)
	defer done()
	return directoryError(t.client.RemoveMember(ctx, groupID, objectID))
}
