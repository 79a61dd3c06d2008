package graph

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Organization is the tenant.
type Organization struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
}

// Organization calls GET /organization: https://learn.microsoft.com/graph/api/organization-list.
func (c *Client) Organization(ctx context.Context) (Organization, error) {
	const operation = "GET /organization"
	found, err := readAll[Organization](ctx, c, list{
		operation: operation, template: "/organization{?%24select}", query: map[string]string{"%24select": "id,displayName"},
	})
	if err == nil && len(found) != 1 {
		err = &Error{Operation: operation, Err: errors.New("it is not about one organization")}
	}
	if err != nil {
		return Organization{}, err
	}
	return found[0], nil
}

// ServerTime is the Date of an answer, whatever it answers: https://www.rfc-editor.org/rfc/rfc9110#field.date.
func (c *Client) ServerTime(ctx context.Context) (at time.Time, err error) {
	err = c.do(ctx, "GET /organization", func(ctx context.Context) error {
		target, err := (list{template: "/organization{?%24select}", query: map[string]string{"%24select": "id"}}).address(c, "")
		if err != nil {
			return err
		}
		_, err = c.adapter.SendPrimitive(ctx, getAt(target), "[]byte", nil)
		if callOf(ctx).status == 0 {
			return err
		}
		at, err = http.ParseTime(callOf(ctx).header.Get("Date"))
		return err
	})
	return at, err
}

// TokenValidationPolicy is the federatedTokenValidationPolicy, as far as it says when a federation is refused.
type TokenValidationPolicy struct {
	ValidatingDomains *struct {
		RootDomains string   `json:"rootDomains"`
		DomainNames []string `json:"domainNames"`
	} `json:"validatingDomains"`
}

// TokenValidationPolicy calls GET /policies/federatedTokenValidationPolicy:
// https://learn.microsoft.com/graph/api/federatedtokenvalidationpolicy-get.
func (c *Client) TokenValidationPolicy(ctx context.Context) (policy TokenValidationPolicy, err error) {
	err = c.do(ctx, "GET /policies/federatedTokenValidationPolicy", func(ctx context.Context) error {
		target, err := (list{template: "/policies/federatedTokenValidationPolicy"}).address(c, "")
		if err != nil {
			return err
		}
		return c.readJSON(ctx, getAt(target), &policy)
	})
	return policy, err
}

// TokenClaims are what the access token says of itself.
type TokenClaims struct {
	ClientID    string   // appid
	ObjectID    string   // oid
	Application bool     // it is an application's own, and no user's
	Permissions []string // roles of an application's token, scp of a user's
}

// maxToken is the length of the longest token that is looked into, in bytes.
const maxToken = 64 << 10

// TokenClaims obtains a token and looks into it. Microsoft says that a client should not: a token is meant for Graph, and
// may become unreadable at any time; ok is false then. What it says is good for advice to an operator and for nothing else.
func (c *Client) TokenClaims(ctx context.Context) (claims TokenClaims, ok bool, err error) {
	err = c.do(ctx, tokenOperation, func(ctx context.Context) error {
		token, err := c.access.token(ctx)
		claims, ok = claimsOf(token)
		return err
	})
	return claims, ok && err == nil, err
}

func claimsOf(token string) (TokenClaims, bool) {
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 3 {
		return TokenClaims{}, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return TokenClaims{}, false
	}
	var read struct {
		AppID string   `json:"appid"`
		OID   string   `json:"oid"`
		Roles []string `json:"roles"`
		Scope *string  `json:"scp"`
	}
	if json.Unmarshal(payload, &read) != nil {
		return TokenClaims{}, false
	}
	claims := TokenClaims{ClientID: read.AppID, ObjectID: read.OID, Application: read.Scope == nil, Permissions: read.Roles}
	if read.Scope != nil {
		claims.Permissions = strings.Fields(*read.Scope)
	}
	return claims, true
}
