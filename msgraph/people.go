package msgraph

import (
	"context"
	"time"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/internal/graph"
)

// Users implements [federation.Users], 999 people a page. It needs User.Read.All. The index that is searched trails behind:
// somebody who was created a minute ago may be missing.
func (t *Tenant) Users(ctx context.Context, domain, cursor string) (federation.UserPage, error) {
	found, next, err := t.client.UsersOfDomain(ctx, domain, cursor)
	if err != nil {
		return federation.UserPage{}, federationError(err)
	}
	return federation.UserPage{Users: domainUsers(found), Next: next}, nil
}

// GlobalAdministrators implements [federation.Administrators]. It needs RoleManagement.Read.Directory and User.Read.All:
// without the second, Graph does not say who the members are. Members by way of a group are not listed.
func (t *Tenant) GlobalAdministrators(ctx context.Context) ([]federation.User, error) {
	found, err := t.client.GlobalAdministrators(ctx)
	return domainUsers(found), federationError(err)
}

// Caller implements [federation.Administrators]. Of a user it needs User.Read. The permissions are read from the access
// token, which is for advice alone: Microsoft promises nothing of its form.
func (t *Tenant) Caller(ctx context.Context) (federation.Caller, error) {
	claims, readable, err := t.client.TokenClaims(ctx)
	if err != nil {
		return federation.Caller{}, federationError(err)
	}
	if readable && claims.Application {
		return federation.Caller{Application: true, ID: claims.ClientID, Permissions: claims.Permissions}, nil
	}
	me, err := t.client.Me(ctx)
	switch {
	case err != nil:
		return federation.Caller{}, federationError(err)
	case me == nil:
		return federation.Caller{Application: true, ID: claims.ClientID, Permissions: claims.Permissions}, nil
	}
	return federation.Caller{User: domainUser(*me), ID: me.ID, Permissions: claims.Permissions}, nil
}

// Organization implements [federation.Organizations]. It needs Organization.Read.All.
func (t *Tenant) Organization(ctx context.Context) (federation.Organization, error) {
	found, err := t.client.Organization(ctx)
	return federation.Organization{ID: found.ID, Name: found.DisplayName}, federationError(err)
}

// ServerTime implements [federation.Clock]. It needs no permission.
func (t *Tenant) ServerTime(ctx context.Context) (time.Time, error) {
	at, err := t.client.ServerTime(ctx)
	return at, federationError(err)
}

// TokenValidationPolicy implements [federation.TokenPolicies]. It needs Policy.Read.All.
func (t *Tenant) TokenValidationPolicy(ctx context.Context) (federation.TokenValidationPolicy, error) {
	found, err := t.client.TokenValidationPolicy(ctx)
	if err != nil || found.ValidatingDomains == nil {
		return federation.TokenValidationPolicy{}, federationError(err)
	}
	return federation.TokenValidationPolicy(*found.ValidatingDomains), nil
}

func domainUsers(found []graph.DomainUser) []federation.User {
	var users []federation.User
	for _, u := range found {
		users = append(users, domainUser(u))
	}
	return users
}

func domainUser(u graph.DomainUser) federation.User {
	return federation.User{
		ObjectID:          u.ID,
		UserPrincipalName: u.UserPrincipalName,
		ImmutableID:       u.ImmutableID,
		Mail:              u.Mail,
		EmployeeID:        u.EmployeeID,
		Enabled:           u.AccountEnabled,
		Synced:            u.Synced,
	}
}
