package graph

import (
	"context"
	"errors"
	"fmt"
	"strings"

	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
)

const (
	deletedPath      = "/directory/deletedItems"
	deletedUsers     = deletedPath + "/microsoft.graph.user"
	deletedOperation = "GET " + deletedUsers + "?$filter="
)

// DeletedUsersByObjectID lists the deleted user with this object ID, who is one at most:
// https://learn.microsoft.com/graph/api/directory-deleteditems-list. Graph also reads a deleted object by its ID, but
// then it is a directory object, of which it is not documented that the properties of a user can be selected.
func (c *Client) DeletedUsersByObjectID(ctx context.Context, id string) ([]User, error) {
	if err := checkGUID("object ID", id); err != nil {
		return nil, err
	}
	return c.deletedUsers(ctx, deletedQuery{
		operation: deletedOperation + "id", filter: "id eq '" + id + "'",
		wanted: func(user User) bool { return strings.EqualFold(user.ObjectID, id) },
	})
}

// DeletedUsersByImmutableID lists the deleted users with exactly this ImmutableID.
func (c *Client) DeletedUsersByImmutableID(ctx context.Context, id string) ([]User, error) {
	return c.deletedUsers(ctx, deletedQuery{
		operation: deletedOperation + "onPremisesImmutableId", filter: "onPremisesImmutableId eq '" + quoted(id) + "'",
		wanted: func(user User) bool { return user.ImmutableID == id },
	})
}

// DeletedUsersByUPN lists the deleted users who had this UPN. Graph puts the object ID, without its dashes, before the
// UPN of a user who is deleted; so the search is for the end of it, which only the slower index can do:
// https://learn.microsoft.com/graph/aad-advanced-queries.
func (c *Client) DeletedUsersByUPN(ctx context.Context, upn string) ([]User, error) {
	if err := checkUPN(upn); err != nil {
		return nil, err
	}
	return c.deletedUsers(ctx, deletedQuery{
		operation: deletedOperation + "userPrincipalName", filter: "endsWith(userPrincipalName,'" + quoted(upn) + "')",
		advanced: true,
		wanted:   func(user User) bool { return strings.EqualFold(user.UserPrincipalName, upn) },
	})
}

// deletedQuery is a search among the deleted users.
type deletedQuery struct {
	operation string
	filter    string
	advanced  bool            // the filter needs the index of advanced queries
	wanted    func(User) bool // what the filter means, exactly
}

func (q deletedQuery) request() *abstractions.RequestInformation {
	r := request(abstractions.GET, deletedUsers+"{?%24filter,%24select,%24top,%24count}", nil)
	r.QueryParameters["%24filter"] = q.filter
	r.QueryParameters["%24select"] = strings.Join(userProperties(), ",")
	r.QueryParameters["%24top"] = largestPage
	if q.advanced {
		r.QueryParameters["%24count"] = "true"
		r.Headers.Add("ConsistencyLevel", "eventual")
	}
	return r
}

func (c *Client) deletedUsers(ctx context.Context, q deletedQuery) (found []User, err error) {
	err = c.do(ctx, q.operation, func(ctx context.Context) error {
		callOf(ctx).limit = maxPage
		answer, err := c.adapter.Send(ctx, q.request(), models.CreateUserCollectionResponseFromDiscriminatorValue, nil)
		if err != nil {
			return err
		}
		page, _ := answer.(models.UserCollectionResponseable)
		all, err := readUsers(page, func(User) bool { return true })
		if err != nil {
			return err
		}
		if page.GetOdataNextLink() != nil {
			return fmt.Errorf("it is only the first page: more than %s deleted users have something like it", largestPage)
		}
		found = q.pick(all)
		return nil
	})
	return found, err
}

// pick finds those of the users who are wanted, each with the UPN of before.
func (q deletedQuery) pick(users []User) []User {
	found := []User{}
	for _, user := range users {
		user.UserPrincipalName = upnBefore(user)
		if q.wanted(user) {
			found = append(found, user)
		}
	}
	return found
}

// upnBefore is the UPN that a user had before it was deleted.
func upnBefore(user User) string {
	prefix := strings.ReplaceAll(user.ObjectID, "-", "")
	upn := user.UserPrincipalName
	if len(upn) > len(prefix) && strings.EqualFold(upn[:len(prefix)], prefix) {
		return upn[len(prefix):]
	}
	return upn
}

// RestoreUser calls POST /directory/deletedItems/{id}/restore:
// https://learn.microsoft.com/graph/api/directory-deleteditems-restore. newUserPrincipalName is in the schema of v1.0 and
// not on that page; without it a user whose UPN was given away meanwhile cannot be restored. Graph answers with its
// default properties only.
func (c *Client) RestoreUser(ctx context.Context, objectID, upn string) (User, error) {
	if err := checkGUID("object ID", objectID); err != nil {
		return User{}, err
	}
	return c.oneUser(ctx, "POST /directory/deletedItems/{id}/restore", func(ctx context.Context) (User, error) {
		r := request(abstractions.POST, deletedPath+"/{id}/restore", map[string]string{"id": objectID})
		if upn != "" {
			if err := setJSON(r, map[string]string{"newUserPrincipalName": upn}); err != nil {
				return User{}, err
			}
		}
		answer, err := c.adapter.Send(ctx, r, models.CreateUserFromDiscriminatorValue, nil)
		if err != nil {
			return User{}, err
		}
		restored, _ := answer.(models.Userable)
		user, err := readUser(restored)
		if err == nil && !strings.EqualFold(user.ObjectID, objectID) {
			return User{}, errors.New("it is about another user than was asked for")
		}
		return user, err
	})
}

// PurgeUser calls DELETE /directory/deletedItems/{id}:
// https://learn.microsoft.com/graph/api/directory-deleteditems-delete.
func (c *Client) PurgeUser(ctx context.Context, objectID string) error {
	if err := checkGUID("object ID", objectID); err != nil {
		return err
	}
	return c.remove(ctx, "DELETE "+deletedPath+"/{id}", deletedPath+"/{id}", map[string]string{"id": objectID})
}
