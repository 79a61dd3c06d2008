package graph

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// DomainUser is a user, as far as the federation of their domain is concerned.
type DomainUser struct {
	ID                string `json:"id"`
	UserPrincipalName string `json:"userPrincipalName"`
	ImmutableID       string `json:"onPremisesImmutableId"`
	Mail              string `json:"mail"`
	EmployeeID        string `json:"employeeId"`
	AccountEnabled    bool   `json:"accountEnabled"`
	Synced            bool   `json:"onPremisesSyncEnabled"`
}

const selectDomainUser = "id,userPrincipalName,onPremisesImmutableId,mail,employeeId,accountEnabled,onPremisesSyncEnabled"

// UsersOfDomain calls GET /users for those whose UPN ends with @domain: https://learn.microsoft.com/graph/api/user-list. The
// filter needs the index of advanced queries, which trails behind: https://learn.microsoft.com/graph/aad-advanced-queries.
// The first page has the cursor "".
func (c *Client) UsersOfDomain(ctx context.Context, domain, cursor string) (users []DomainUser, next string, err error) {
	if err := checkDomain(domain); err != nil {
		return nil, "", err
	}
	return readPage[DomainUser](ctx, c, list{
		operation: "GET /users?$filter=endsWith", template: "/users{?%24filter,%24select,%24top,%24count}",
		query: map[string]string{
			"%24filter": "endsWith(userPrincipalName,'@" + domain + "')", "%24select": selectDomainUser,
			"%24top": largestPage, "%24count": "true",
		},
	}, cursor)
}

// GlobalAdministratorRole is the template of the role, which is the same in every tenant:
// https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference#global-administrator.
const GlobalAdministratorRole = "62e90394-69f5-4237-9190-012177145e10"

// GlobalAdministrators calls GET /directoryRoles(roleTemplateId='…')/members:
// https://learn.microsoft.com/graph/api/directoryrole-list-members. Members that are no users, such as applications, are
// left out. Without a permission to read users Graph shows the IDs of the members alone, which is an error with status 403:
// https://learn.microsoft.com/graph/permissions-overview#limited-information-returned-for-inaccessible-member-objects.
func (c *Client) GlobalAdministrators(ctx context.Context) ([]DomainUser, error) {
	const operation = "GET /directoryRoles(roleTemplateId)/members"
	type member struct {
		Type string `json:"@odata.type"`
		DomainUser
	}
	members, err := readAll[member](ctx, c, list{
		operation: operation,
		template:  "/directoryRoles(roleTemplateId='" + GlobalAdministratorRole + "')/members{?%24select}",
		query:     map[string]string{"%24select": selectDomainUser},
	})
	if err != nil {
		return nil, err
	}
	var users []DomainUser
	for _, m := range members {
		switch {
		case m.UserPrincipalName != "":
			users = append(users, m.DomainUser)
		case m.Type == "#microsoft.graph.user":
			return nil, &Error{
				Operation: operation, Status: http.StatusForbidden, Code: "Authorization_RequestDenied",
				Message: "the members are shown by their IDs alone: who they are takes a permission to read users, User.Read.All",
			}
		}
	}
	return users, nil
}

// Me calls GET /me: https://learn.microsoft.com/graph/api/user-get. It is nil where an application calls for itself.
func (c *Client) Me(ctx context.Context) (*DomainUser, error) {
	var me DomainUser
	err := c.do(ctx, "GET /me", func(ctx context.Context) error {
		target, err := (list{template: "/me{?%24select}", query: map[string]string{"%24select": selectDomainUser}}).
			address(c, "")
		if err != nil {
			return err
		}
		return c.readJSON(ctx, getAt(target), &me)
	})
	var answered *Error
	if errors.As(err, &answered) && answered.Status == http.StatusBadRequest &&
		strings.Contains(answered.Message, "delegated") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &me, nil
}
