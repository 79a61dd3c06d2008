package pipeline

import (
	"context"
	"sync/atomic"

	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
)

// counted counts the writes that provisioning asks for, those that are refused as well.
type counted struct {
	*msgraph.Tenant
	count atomic.Int64
}

var (
	_ provision.Directory   = (*counted)(nil)
	_ provision.TokenSource = (*counted)(nil)
	_ provision.Groups      = (*counted)(nil)
	_ provision.UserBatches = (*counted)(nil)
)

func (c *counted) writes() int { return int(c.count.Load()) }

func (c *counted) CreateUser(ctx context.Context, user provision.NewUser) (provision.User, error) {
	c.count.Add(1)
	return c.Tenant.CreateUser(ctx, user)
}

func (c *counted) CreateUsers(ctx context.Context, users []provision.NewUser) ([]provision.Created, error) {
	c.count.Add(int64(len(users)))
	return c.Tenant.CreateUsers(ctx, users)
}

func (c *counted) ChangeLicenses(ctx context.Context, objectID string, change provision.LicenseChange) error {
	c.count.Add(1)
	return c.Tenant.ChangeLicenses(ctx, objectID, change)
}

func (c *counted) AddMembers(ctx context.Context, groupID string, objectIDs []string) error {
	c.count.Add(1)
	return c.Tenant.AddMembers(ctx, groupID, objectIDs)
}
