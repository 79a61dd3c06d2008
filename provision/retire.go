package provision

import (
	"context"
	"errors"
)

// Leaving says how far [Provisioner.Retire] goes. The zero value blocks the account, ends its sessions, and takes back
// what the pipeline gave.
type Leaving struct {
	KeepLicenses bool // leave the seats and the groups
	Delete       bool // move the account to the deleted users, from where it can be restored for 30 days
	Purge        bool // delete it for good; it implies Delete
}

// Retire is under construction.
func (p *Provisioner) Retire(ctx context.Context, key PersonKey, leaving Leaving) error {
	return errors.ErrUnsupported
}

// Restore is under construction.
func (p *Provisioner) Restore(ctx context.Context, key PersonKey) error {
	return errors.ErrUnsupported
}
