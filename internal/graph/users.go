package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

// NewUser is a user to create.
type NewUser struct {
	UserPrincipalName string
	ImmutableID       string
	DisplayName       string
	MailNickname      string
	GivenName         string // empty: not sent
	Surname           string // empty: not sent
	UsageLocation     string // empty: not sent
	Password          string
	Attributes        map[string]string // further properties by Graph's names; an empty one is not sent
}

// User is a user as read. What Graph did not return is empty.
type User struct {
	ObjectID          string
	UserPrincipalName string
	ImmutableID       string
	DisplayName       string
	Mail              string
	EmployeeID        string
	UsageLocation     string
	AccountEnabled    bool
	DirectorySynced   bool
	SKUIDs            []string
	Licenses          []AssignedLicense
	CreatedAt         time.Time
	DeletedAt         time.Time
}

// userProperties are selected whenever a user is read: Graph leaves most of them out by default.
func userProperties() []string {
	return append(trackedProperties(), "licenseAssignmentStates", "createdDateTime", "deletedDateTime")
}

// trackedProperties are those of which Graph tells when they change. It takes licenseAssignmentStates in a delta query,
// and never tells of it: https://github.com/microsoftgraph/microsoft-graph-docs/issues/16690.
func trackedProperties() []string {
	return []string{
		"id", "userPrincipalName", "onPremisesImmutableId", "displayName", "mail", "employeeId", "accountEnabled",
		"usageLocation", "onPremisesSyncEnabled", "assignedLicenses",
	}
}

// users starts a request. A builder is good for one request only: kiota writes into the map of path parameters that all
// requests of a builder share.
func (c *Client) users() *users.UsersRequestBuilder {
	return users.NewUsersRequestBuilderInternal(nil, c.adapter)
}

// CreateUser calls POST /users: https://learn.microsoft.com/graph/api/user-post-users. Graph answers with its default
// properties only, so that the ImmutableID, the usage location and the state of the account are empty in the result.
func (c *Client) CreateUser(ctx context.Context, user NewUser) (User, error) {
	body, err := newUserBody(user)
	if err != nil {
		return User{}, err
	}
	return c.oneUser(ctx, createOperation, func(ctx context.Context) (User, error) {
		callOf(ctx).hide(user)
		answer, err := c.users().Post(ctx, body, nil)
		if err != nil {
			return User{}, err
		}
		return readUser(answer)
	})
}

const createOperation = "POST /users"

// hide keeps what the answer repeats of the users' passwords from being read.
func (call *call) hide(users ...NewUser) {
	for _, user := range users {
		call.secrets = append(call.secrets, user.Password)
	}
}

func newUserBody(user NewUser) (models.Userable, error) {
	if err := checkAttributes(user.Attributes); err != nil {
		return nil, err
	}
	password, enabled, change := models.NewPasswordProfile(), true, false
	password.SetPassword(&user.Password)
	password.SetForceChangePasswordNextSignIn(&change)

	body := models.NewUser()
	body.SetOdataType(nil) // POST /users takes nothing but users
	body.SetAccountEnabled(&enabled)
	body.SetUserPrincipalName(&user.UserPrincipalName)
	body.SetOnPremisesImmutableId(&user.ImmutableID)
	body.SetDisplayName(&user.DisplayName)
	body.SetMailNickname(&user.MailNickname)
	body.SetGivenName(nilIfEmpty(user.GivenName))
	body.SetSurname(nilIfEmpty(user.Surname))
	body.SetUsageLocation(nilIfEmpty(user.UsageLocation))
	body.SetPasswordProfile(password)
	setAttributes(body, user.Attributes, nil)
	return body, nil
}

func nilIfEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// UserByObjectID calls GET /users/{id}.
func (c *Client) UserByObjectID(ctx context.Context, id string) (User, error) {
	if err := checkGUID("object ID", id); err != nil {
		return User{}, err
	}
	keyOf := func(user User) string { return user.ObjectID }
	return c.userByKey(ctx, "GET /users/{id}", id, keyOf)
}

// UserByUPN calls GET /users/{userPrincipalName}.
func (c *Client) UserByUPN(ctx context.Context, upn string) (User, error) {
	if err := checkUPN(upn); err != nil {
		return User{}, err
	}
	keyOf := func(user User) string { return user.UserPrincipalName }
	return c.userByKey(ctx, "GET /users/{userPrincipalName}", upn, keyOf)
}

// checkGUID keeps what is not an identifier out of a path: Graph would take a UPN there just as well.
func checkGUID(name, id string) error {
	_, err := parseGUID(name, id)
	return err
}

func parseGUID(name, text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 { // Parse also takes longer and shorter forms
		return uuid.UUID{}, fmt.Errorf("graph: the %s %q is not a GUID of 36 characters", name, text)
	}
	return id, nil
}

// checkUPN keeps what Graph would not read as a UPN out of a path.
func checkUPN(upn string) error {
	if !strings.Contains(upn, "@") || strings.HasPrefix(upn, "$") || strings.ContainsAny(upn, " /\\") {
		return fmt.Errorf("graph: %q is not a user principal name: it must contain @, must not begin with $, and must "+
			"not contain spaces or slashes", upn)
	}
	return nil
}

// userByKey reads the user whose keyOf is key, and takes no other user for an answer.
func (c *Client) userByKey(ctx context.Context, operation, key string, keyOf func(User) string) (User, error) {
	config := users.UserItemRequestBuilderGetRequestConfiguration{
		QueryParameters: &users.UserItemRequestBuilderGetQueryParameters{Select: userProperties()},
	}
	return c.oneUser(ctx, operation, func(ctx context.Context) (User, error) {
		answer, err := c.users().ByUserId(key).Get(ctx, &config)
		if err != nil {
			return User{}, err
		}
		user, err := readUser(answer)
		if err == nil && !strings.EqualFold(keyOf(user), key) {
			return User{}, errors.New("it is about another user than was asked for")
		}
		return user, err
	})
}

// UserByImmutableID calls GET /users?$filter=onPremisesImmutableId eq '…'. Graph compares without regard to case; the
// result is the user whose ImmutableID is exactly id. If there is none, the error is what a read by key answers: 404
// with [CodeNotFound], although Graph answers this call with 200 and an empty list.
func (c *Client) UserByImmutableID(ctx context.Context, id string) (User, error) {
	filter := "onPremisesImmutableId eq '" + quoted(id) + "'"
	config := users.UsersRequestBuilderGetRequestConfiguration{
		QueryParameters: &users.UsersRequestBuilderGetQueryParameters{Filter: &filter, Select: userProperties()},
	}
	return c.oneUser(ctx, filterOperation, func(ctx context.Context) (User, error) {
		page, err := c.users().Get(ctx, &config)
		if err != nil {
			return User{}, err
		}
		return pick(page, id)
	})
}

const filterOperation = "GET /users?$filter=onPremisesImmutableId"

// pick finds the one user of the page with exactly this ImmutableID.
func pick(page models.UserCollectionResponseable, immutableID string) (User, error) {
	found, err := readUsers(page, func(user User) bool { return user.ImmutableID == immutableID })
	switch {
	case err != nil:
		return User{}, err
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return User{}, fmt.Errorf("%d users have the same onPremisesImmutableId", len(found))
	case page.GetOdataNextLink() != nil:
		return User{}, errors.New("it is only the first page of a list that can hold one user")
	}
	return User{}, &Error{
		Operation: filterOperation,
		Status:    http.StatusNotFound,
		Code:      CodeNotFound,
		Message:   "no user has this onPremisesImmutableId",
	}
}

func (c *Client) oneUser(ctx context.Context, operation string,
	read func(context.Context) (User, error)) (User, error) {
	var user User
	err := c.do(ctx, operation, func(ctx context.Context) (err error) {
		user, err = read(ctx)
		return err
	})
	return user, err
}

// readUsers reads the users of a page that are wanted. An answer without a list is none.
func readUsers(page models.UserCollectionResponseable, wanted func(User) bool) ([]User, error) {
	if page == nil || page.GetValue() == nil {
		return nil, errors.New("it holds no list of users")
	}
	found := []User{}
	for _, entry := range page.GetValue() {
		user, err := readUser(entry)
		if err != nil {
			return nil, err
		}
		if wanted(user) {
			found = append(found, user)
		}
	}
	return found, nil
}

func readUser(answer models.Userable) (User, error) {
	if answer == nil || value(answer.GetId()) == "" {
		return User{}, errors.New("it holds no user with an id")
	}
	return User{
		ObjectID:          *answer.GetId(),
		UserPrincipalName: value(answer.GetUserPrincipalName()),
		ImmutableID:       value(answer.GetOnPremisesImmutableId()),
		DisplayName:       value(answer.GetDisplayName()),
		Mail:              value(answer.GetMail()),
		EmployeeID:        value(answer.GetEmployeeId()),
		UsageLocation:     value(answer.GetUsageLocation()),
		AccountEnabled:    value(answer.GetAccountEnabled()),
		DirectorySynced:   value(answer.GetOnPremisesSyncEnabled()),
		SKUIDs:            readSKUIDs(answer.GetAssignedLicenses()),
		Licenses:          readAssignedLicenses(answer.GetLicenseAssignmentStates()),
		CreatedAt:         value(answer.GetCreatedDateTime()),
		DeletedAt:         value(answer.GetDeletedDateTime()),
	}, nil
}
