package graph

import (
	"context"
	"errors"
	"fmt"
	"strings"

	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
)

// Group is a group as read.
type Group struct {
	ObjectID    string
	UniqueName  string
	DisplayName string
	SKUIDs      []string
}

const selectGroup = "id,uniqueName,displayName,assignedLicenses"

// GroupByObjectID calls GET /groups/{id}: https://learn.microsoft.com/graph/api/group-get.
func (c *Client) GroupByObjectID(ctx context.Context, id string) (Group, error) {
	if err := checkGUID("group ID", id); err != nil {
		return Group{}, err
	}
	keyOf := func(group Group) string { return group.ObjectID }
	return c.groupByKey(ctx, "GET /groups/{id}", "/groups/{key}", id, keyOf)
}

// GroupByUniqueName calls GET /groups(uniqueName='…').
func (c *Client) GroupByUniqueName(ctx context.Context, name string) (Group, error) {
	if name == "" || len(name) > maxUniqueName {
		return Group{}, fmt.Errorf("graph: a group's unique name has 1 to %d characters, not %d", maxUniqueName, len(name))
	}
	keyOf := func(group Group) string { return group.UniqueName }
	return c.groupByKey(ctx, "GET /groups(uniqueName)", "/groups(uniqueName='{key}')", name, keyOf)
}

// maxUniqueName is the length of the longest uniqueName: https://learn.microsoft.com/graph/api/resources/group.
const maxUniqueName = 128

// groupByKey reads the group whose keyOf is key, and takes no other group for an answer.
func (c *Client) groupByKey(ctx context.Context, operation, template, key string,
	keyOf func(Group) string) (group Group, err error) {
	err = c.do(ctx, operation, func(ctx context.Context) error {
		r := request(abstractions.GET, template+"{?%24select}", map[string]string{"key": quoted(key)})
		r.QueryParameters["%24select"] = selectGroup
		answer, err := c.adapter.Send(ctx, r, models.CreateGroupFromDiscriminatorValue, nil)
		if err != nil {
			return err
		}
		read, err := readGroup(answer)
		if err == nil && !strings.EqualFold(keyOf(read), key) {
			return errors.New("it is about another group than was asked for")
		}
		group = read
		return err
	})
	return group, err
}

// quoted doubles the quotes of a literal.
func quoted(literal string) string { return strings.ReplaceAll(literal, "'", "''") }

func readGroup(answer any) (Group, error) {
	group, ok := answer.(models.Groupable)
	if !ok || value(group.GetId()) == "" {
		return Group{}, errors.New("it holds no group with an id")
	}
	return Group{
		ObjectID:    *group.GetId(),
		UniqueName:  value(group.GetUniqueName()),
		DisplayName: value(group.GetDisplayName()),
		SKUIDs:      readSKUIDs(group.GetAssignedLicenses()),
	}, nil
}

// MaxMembers is how many members one call adds.
const MaxMembers = 20

// AddMembers calls PATCH /groups/{id} with members@odata.bind, which adds all of them or none:
// https://learn.microsoft.com/graph/api/group-post-members. One member is added in the same way. POST
// /groups/{id}/members/$ref would do as well and costs the same one write; a second way would only have answers of its
// own to be understood.
func (c *Client) AddMembers(ctx context.Context, groupID string, objectIDs []string) error {
	body, err := c.membersBody(groupID, objectIDs)
	if err != nil {
		return err
	}
	return c.do(ctx, "PATCH /groups/{id}", func(ctx context.Context) error {
		r := request(abstractions.PATCH, "/groups/{group}", map[string]string{"group": groupID})
		if err := setJSON(r, body); err != nil {
			return err
		}
		return c.sendOnly(ctx, r)
	})
}

func (c *Client) membersBody(groupID string, objectIDs []string) (map[string][]string, error) {
	if err := checkGUID("group ID", groupID); err != nil {
		return nil, err
	}
	if len(objectIDs) == 0 || len(objectIDs) > MaxMembers {
		return nil, fmt.Errorf("graph: one call adds 1 to %d members, not %d", MaxMembers, len(objectIDs))
	}
	var members []string
	for _, id := range objectIDs {
		if err := checkGUID("object ID", id); err != nil {
			return nil, err
		}
		members = append(members, c.directoryObject(id))
	}
	return map[string][]string{"members@odata.bind": members}, nil
}

// RemoveMember calls DELETE /groups/{id}/members/{id}/$ref: https://learn.microsoft.com/graph/api/group-delete-members.
// Without /$ref Graph would delete the user, and not the membership.
func (c *Client) RemoveMember(ctx context.Context, groupID, objectID string) error {
	if err := errors.Join(checkGUID("group ID", groupID), checkGUID("object ID", objectID)); err != nil {
		return err
	}
	return c.remove(ctx, "DELETE /groups/{id}/members/{id}/$ref", "/groups/{group}/members/{member}/$ref",
		map[string]string{"group": groupID, "member": objectID})
}
