package graph

import (
	"context"
	"errors"
	"net/http"

	"github.com/microsoft/kiota-abstractions-go/serialization"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
)

// UserChange is what UpdateUser changes. What is nil or empty stays as it is.
type UserChange struct {
	AccountEnabled    *bool
	ImmutableID       *string // pointing to "": it is removed
	UserPrincipalName string
	UsageLocation     string
	DisplayName       string
	GivenName         string
	Surname           string
	Attributes        map[string]string
}

// UpdateUser calls PATCH /users/{id}: https://learn.microsoft.com/graph/api/user-update. With nothing to change there is
// nothing to call.
func (c *Client) UpdateUser(ctx context.Context, objectID string, change UserChange) error {
	if err := errors.Join(checkGUID("object ID", objectID), checkAttributes(change.Attributes)); err != nil {
		return err
	}
	if change.isEmpty() {
		return nil
	}
	body := change.body()
	return c.do(ctx, "PATCH /users/{id}", func(ctx context.Context) error {
		if _, err := c.users().ByUserId(objectID).Patch(ctx, body, nil); err != nil {
			return err
		}
		return done(ctx)
	})
}

func (change UserChange) isEmpty() bool {
	texts := change.UserPrincipalName + change.UsageLocation + change.DisplayName + change.GivenName + change.Surname
	for _, text := range change.Attributes {
		texts += text
	}
	return change.AccountEnabled == nil && change.ImmutableID == nil && texts == ""
}

func (change UserChange) body() models.Userable {
	body := models.NewUser()
	body.SetOdataType(nil)
	body.SetAccountEnabled(change.AccountEnabled)
	body.SetUserPrincipalName(nilIfEmpty(change.UserPrincipalName))
	body.SetUsageLocation(nilIfEmpty(change.UsageLocation))
	body.SetDisplayName(nilIfEmpty(change.DisplayName))
	body.SetGivenName(nilIfEmpty(change.GivenName))
	body.SetSurname(nilIfEmpty(change.Surname))
	body.SetOnPremisesImmutableId(nilIfEmpty(value(change.ImmutableID)))
	further := map[string]any{}
	if change.ImmutableID != nil && *change.ImmutableID == "" {
		// The models write no null without kiota's backing store, and that is a process-wide switch.
		further["onPremisesImmutableId"] = serialization.NewUntypedNull()
	}
	setAttributes(body, change.Attributes, further)
	return body
}

// RevokeSessions calls POST /users/{id}/revokeSignInSessions:
// https://learn.microsoft.com/graph/api/user-revokesigninsessions.
func (c *Client) RevokeSessions(ctx context.Context, objectID string) error {
	if err := checkGUID("object ID", objectID); err != nil {
		return err
	}
	return c.do(ctx, "POST /users/{id}/revokeSignInSessions", func(ctx context.Context) error {
		revoke := c.users().ByUserId(objectID).RevokeSignInSessions()
		answer, err := revoke.PostAsRevokeSignInSessionsPostResponse(ctx, nil)
		if err != nil || callOf(ctx).status == http.StatusNoContent { // documented is any 2xx; 200 has been seen
			return err
		}
		if answer == nil || !value(answer.GetValue()) {
			return errors.New("it does not say that the sessions were revoked")
		}
		return nil
	})
}

// DeleteUser calls DELETE /users/{id}: https://learn.microsoft.com/graph/api/user-delete. The user can be restored for 30
// days.
func (c *Client) DeleteUser(ctx context.Context, objectID string) error {
	if err := checkGUID("object ID", objectID); err != nil {
		return err
	}
	return c.do(ctx, "DELETE /users/{id}", func(ctx context.Context) error {
		if err := c.users().ByUserId(objectID).Delete(ctx, nil); err != nil {
			return err
		}
		return done(ctx)
	})
}

// SetManager calls PUT /users/{id}/manager/$ref: https://learn.microsoft.com/graph/api/user-post-manager.
func (c *Client) SetManager(ctx context.Context, objectID, managerObjectID string) error {
	err := errors.Join(checkGUID("object ID", objectID), checkGUID("manager's object ID", managerObjectID))
	if err != nil {
		return err
	}
	address := c.directoryObject(managerObjectID)
	body := models.NewReferenceUpdate()
	body.SetOdataId(&address)
	return c.do(ctx, "PUT /users/{id}/manager/$ref", func(ctx context.Context) error {
		if err := c.users().ByUserId(objectID).Manager().Ref().Put(ctx, body, nil); err != nil {
			return err
		}
		return done(ctx)
	})
}
