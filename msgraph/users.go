package msgraph

import (
	"context"
	"errors"

	"github.com/entrafed/entrafed/internal/graph"
	"github.com/entrafed/entrafed/provision"
)

// CreateUser creates a user whose account is enabled. Graph answers with a few properties only, so that of the result
// just ObjectID, UserPrincipalName, DisplayName and Mail are filled in.
//
// Attributes are sent by their names, as text; businessPhones and otherMails, which are lists, with one element. An empty
// one is not sent. A name that is not made of letters, or is that of a property with a field of its own, is an error.
//
// Source: https://learn.microsoft.com/graph/api/user-post-users.
func (t *Tenant) CreateUser(ctx context.Context, user provision.NewUser) (provision.User, error) {
	ctx, done := carry(ctx)
	defer done()
	created, err := t.client.CreateUser(ctx, graph.NewUser(user))
	return userOf(created), directoryError(err)
}

// CreateUsers creates up to 20 users in one request, each as CreateUser does. They are created at the same time, and each
// succeeds or fails for itself, with the status, details and Retry-After of its own answer. A user of whom the answer says
// nothing that can be used may have been created: its error has the status 0.
//
// Source: https://learn.microsoft.com/graph/json-batching.
func (t *Tenant) CreateUsers(ctx context.Context, users []provision.NewUser) ([]provision.Created, error) {
	ctx, done := carry(ctx)
	defer done()
	batch := make([]graph.NewUser, len(users))
	for i, user := range users {
		batch[i] = graph.NewUser(user)
	}
	answers, err := t.client.CreateUsers(ctx, batch)
	if err != nil {
		return nil, directoryError(err)
	}
	created := make([]provision.Created, len(answers))
	for i, answer := range answers {
		created[i] = provision.Created{User: userOf(answer.User), Err: directoryError(answer.Err)}
	}
	return created, nil
}

// FindUser reads one user by the one key that is set. An ObjectID must be a GUID.
//
// Graph compares an ImmutableID without regard to case, and answers an empty list if there is none; FindUser compares
// exactly, and its error is the one of a read by key: status 404, code "Request_ResourceNotFound".
//
// Source: https://learn.microsoft.com/graph/api/user-get and https://learn.microsoft.com/graph/api/user-list.
func (t *Tenant) FindUser(ctx context.Context, key provision.UserKey) (provision.User, error) {
	ctx, done := carry(ctx)
	defer done()
	found, err := t.find(ctx, key)
	return userOf(found), directoryError(err)
}

func (t *Tenant) find(ctx context.Context, key provision.UserKey) (graph.User, error) {
	switch key {
	case provision.UserKey{}:
	case provision.UserKey{ObjectID: key.ObjectID}:
		return t.client.UserByObjectID(ctx, key.ObjectID)
	case provision.UserKey{ImmutableID: key.ImmutableID}:
		return t.client.UserByImmutableID(ctx, key.ImmutableID)
	case provision.UserKey{UserPrincipalName: key.UserPrincipalName}:
		return t.client.UserByUPN(ctx, key.UserPrincipalName)
	}
	return graph.User{}, errUserKey
}

var errUserKey = errors.New("msgraph: a user is found by exactly one of ObjectID, ImmutableID and UserPrincipalName")

func userOf(u graph.User) provision.User {
	return provision.User{
		ObjectID: u.ObjectID, UserPrincipalName: u.UserPrincipalName, ImmutableID: u.ImmutableID,
		DisplayName: u.DisplayName, Mail: u.Mail, EmployeeID: u.EmployeeID, UsageLocation: u.UsageLocation,
		AccountEnabled: u.AccountEnabled, DirectorySynced: u.DirectorySynced, SKUIDs: u.SKUIDs,
		Licenses: licensesOf(u.Licenses), CreatedAt: u.CreatedAt, DeletedAt: u.DeletedAt,
	}
}

func usersOf(read []graph.User) []provision.User {
	users := make([]provision.User, 0, len(read))
	for _, user := range read {
		users = append(users, userOf(user))
	}
	return users
}
