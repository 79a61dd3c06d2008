package main

import (
	"context"
	"fmt"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// directory is the tenant as one life of a host sees it: behind a network, and behind the weather.
type directory struct{ h *host }

var (
	_ provision.Directory    = directory{}
	_ provision.Groups       = directory{}
	_ provision.Accounts     = directory{}
	_ provision.DeletedUsers = directory{}
)

// The calls to the directory.
const (
	opCreateUser       = "CreateUser"
	opFindUser         = "FindUser"
	opSKUs             = "SKUs"
	opChangeLicenses   = "ChangeLicenses"
	opFindGroup        = "FindGroup"
	opAddMembers       = "AddMembers"
	opRemoveMember     = "RemoveMember"
	opUpdateUser       = "UpdateUser"
	opRevokeSessions   = "RevokeSessions"
	opDeleteUser       = "DeleteUser"
	opFindDeletedUsers = "FindDeletedUsers"
	opRestoreUser      = "RestoreUser"
	opPurgeUser        = "PurgeUser"
)

// read makes a call that changes nothing.
func (h *host) read(ctx context.Context, op, text string, effect func(*dice) error) error {
	return h.ask(ctx, op, text, false, effect)
}

// write makes a call that changes something of some people. The judge watches it from its beginning to its end.
func (h *host) write(ctx context.Context, op, text string, about []int, effect func(*dice) error) error {
	h.w.beginWrite(h, op, about)
	defer h.w.endWrite(h, about)
	return h.ask(ctx, op, text, true, effect)
}

func (h *host) ask(ctx context.Context, op, text string, write bool, effect func(*dice) error) error {
	c, err := h.begin(ctx, op, laneRun)
	if err != nil {
		return err
	}
	c.text = text
	fault := h.w.plan.weather.fault(c, write)
	trace := provision.CallTraceOf(ctx)
	apply := func() error { return c.served(fault, write, trace, func() error { return effect(&c.dice) }) }
	trace.Duration = c.latency()
	if err := c.travel(ctx, trace.Duration); err != nil {
		c.cutOff(err, write, func() error { return effect(&c.dice) })
		return unanswered(op, err)
	}
	err = c.arrive(apply)
	if fault.hang && err == errHangs {
		<-ctx.Done()
		return unanswered(op, ctx.Err())
	}
	return err
}

// unanswered is what a call returns whose caller left.
func unanswered(op string, cause error) error {
	return &provision.DirectoryError{Operation: op, Err: cause}
}

var errHangs = fmt.Errorf("no answer comes")

// latency draws how long a call travels.
func (c *call) latency() time.Duration {
	if c.dice.in(3) {
		return c.dice.between(time.Second, 10*time.Second)
	}
	return c.dice.between(5*time.Millisecond, 400*time.Millisecond)
}

// served is what the directory does with a call: it counts it, and may fail before or after it takes effect.
func (c *call) served(f fault, write bool, trace *provision.CallTrace, effect func() error) error {
	if err := c.throttled(write, trace); err != nil {
		return err
	}
	if f.err == nil && !f.hang {
		return effect()
	}
	if f.commit {
		c.h.w.noteCall(c, "takes effect, and its answer is lost", effect())
	}
	if f.hang {
		return errHangs
	}
	return f.err
}

// throttled spends the call's units of the directory's limits.
func (c *call) throttled(write bool, trace *provision.CallTrace) error {
	weather, at := &c.h.w.plan.weather, c.h.w.now()
	limits := []*bucket{&weather.units}
	if write {
		limits = append(limits, &weather.writes)
	}
	for _, limit := range limits {
		wait, ok := limit.take(at, 1)
		if share := limit.share(); share >= 0.8 {
			trace.Load = max(trace.Load, share)
		}
		if !ok && weather.hints {
			return throttled(c.op, (wait + time.Second - 1).Truncate(time.Second))
		}
		if !ok {
			return throttled(c.op, 0)
		}
	}
	return nil
}

func (d directory) CreateUser(ctx context.Context, n provision.NewUser) (u provision.User, err error) {
	w := d.h.w
	w.judgeCreation(d.h, n)
	err = d.h.write(ctx, opCreateUser, n.UserPrincipalName+" "+n.ImmutableID, []int{w.numbered(n.DisplayName)},
		func(dice *dice) (err error) {
			if u, err = w.tenant.create(dice, d.h, n); err == nil {
				w.judgeAccounts()
			}
			return err
		})
	return u, err
}

func (d directory) FindUser(ctx context.Context, key provision.UserKey) (u provision.User, err error) {
	err = d.h.read(ctx, opFindUser, keyText(key), func(dice *dice) (err error) {
		u, err = d.h.w.tenant.find(dice, key)
		return err
	})
	return u, err
}

func (d directory) SKUs(ctx context.Context) (skus []provision.SKU, err error) {
	err = d.h.read(ctx, opSKUs, "", func(*dice) error {
		skus = append(skus, d.h.w.tenant.skus...)
		return nil
	})
	return skus, err
}

func (d directory) ChangeLicenses(ctx context.Context, objectID string, change provision.LicenseChange) error {
	return d.h.change(ctx, opChangeLicenses, objectID, func(dice *dice) error {
		return d.h.w.tenant.changeLicenses(dice, d.h, objectID, change)
	})
}

// change is a write to one object.
func (h *host) change(ctx context.Context, op, objectID string, effect func(*dice) error) error {
	return h.write(ctx, op, objectID, h.w.owners(objectID), effect)
}

func (d directory) FindGroup(ctx context.Context, key provision.GroupKey) (g provision.Group, err error) {
	err = d.h.read(ctx, opFindGroup, key.ObjectID+key.UniqueName, func(*dice) error {
		found, err := d.h.w.tenant.findGroup(key)
		if err == nil {
			g = found.Group
		}
		return err
	})
	return g, err
}

func (d directory) AddMembers(ctx context.Context, groupID string, objectIDs []string) error {
	return d.h.write(ctx, opAddMembers, fmt.Sprint(groupID, objectIDs), d.h.w.owners(objectIDs...), func(dice *dice) error {
		return d.h.w.tenant.addMembers(dice, groupID, objectIDs)
	})
}

func (d directory) RemoveMember(ctx context.Context, groupID, objectID string) error {
	return d.h.change(ctx, opRemoveMember, objectID, func(*dice) error {
		return d.h.w.tenant.removeMember(groupID, objectID)
	})
}

func (d directory) UpdateUser(ctx context.Context, objectID string, change provision.UserChange) error {
	return d.h.change(ctx, opUpdateUser, objectID, func(dice *dice) error {
		return d.h.w.tenant.update(dice, d.h, objectID, change)
	})
}

func (d directory) RevokeSessions(ctx context.Context, objectID string) error {
	return d.h.change(ctx, opRevokeSessions, objectID, func(dice *dice) error {
		return d.h.w.tenant.revoke(dice, objectID)
	})
}

func (d directory) DeleteUser(ctx context.Context, objectID string) error {
	return d.h.change(ctx, opDeleteUser, objectID, func(dice *dice) error {
		return d.h.w.tenant.remove(dice, d.h, objectID)
	})
}

func (d directory) FindDeletedUsers(ctx context.Context, key provision.UserKey) (users []provision.User, err error) {
	err = d.h.read(ctx, opFindDeletedUsers, keyText(key), func(dice *dice) error {
		users = d.h.w.tenant.findDeleted(dice, key)
		return nil
	})
	return users, err
}

func (d directory) RestoreUser(ctx context.Context, objectID, upn string) (u provision.User, err error) {
	err = d.h.change(ctx, opRestoreUser, objectID, func(dice *dice) (err error) {
		u, err = d.h.w.tenant.restore(dice, d.h, objectID, upn)
		return err
	})
	return u, err
}

func (d directory) PurgeUser(ctx context.Context, objectID string) error {
	return d.h.change(ctx, opPurgeUser, objectID, func(dice *dice) error {
		return d.h.w.tenant.purge(dice, d.h, objectID)
	})
}
