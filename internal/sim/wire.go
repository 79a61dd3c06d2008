package main

import (
	"context"
	"errors"
	"slices"
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
	_ provision.UserLists    = directory{}
	_ provision.UserBatches  = directory{}
)

// The calls to the directory.
const (
	opCreateUser       = "CreateUser"
	opFindUser         = "FindUser"
	opSKUs             = "SKUs"
	opChangeLicenses   = "ChangeLicenses"
	opTakeLicenses     = "TakeLicenses" // ChangeLicenses that gives nothing
	opFindGroup        = "FindGroup"
	opAddMembers       = "AddMembers"
	opRemoveMember     = "RemoveMember"
	opUpdateUser       = "UpdateUser"
	opRevokeSessions   = "RevokeSessions"
	opDeleteUser       = "DeleteUser"
	opFindDeletedUsers = "FindDeletedUsers"
	opRestoreUser      = "RestoreUser"
	opPurgeUser        = "PurgeUser"
	opListUsers        = "ListUsers"
	opUserChanges      = "UserChanges"
	opCreateUsers      = "CreateUsers"
)

// request is what a call asks of the directory.
type request struct {
	op      string
	text    string   // for the log
	about   []int    // the people whose accounts a write changes; 0 stands for an account that is nobody's
	writes  int      // how many writes the directory counts; 0: it is a read
	objects []string // those that it changes, where they are there already
}

// read makes a call that changes nothing.
func read[T any](ctx context.Context, h *host, op, text string, effect func(*dice) (T, error)) (T, error) {
	return ask(ctx, h, request{op: op, text: text}, effect)
}

// write makes a call that changes something of some people. The judge watches it from its beginning to its end.
func write[T any](ctx context.Context, h *host, r request, effect func(*dice) (T, error)) (T, error) {
	r.writes = max(1, r.writes)
	h.w.beginWrite(h, r)
	defer h.w.endWrite(h, r.about)
	return ask(ctx, h, r, effect)
}

// change is a write to one object that answers nothing.
func change(ctx context.Context, h *host, op, objectID string, effect func(*dice) error) error {
	_, err := write(ctx, h, h.w.to(op, objectID), nothing(effect))
	return err
}

// to is a write to objects.
func (w *world) to(op string, objectIDs ...string) request {
	return request{op: op, text: w.joined(objectIDs...), about: w.owners(objectIDs...), objects: objectIDs}
}

// nothing is an effect that answers nothing.
func nothing(effect func(*dice) error) func(*dice) (struct{}, error) {
	return func(d *dice) (struct{}, error) { return struct{}{}, effect(d) }
}

// ask makes a call to the directory.
func ask[T any](ctx context.Context, h *host, r request, effect func(*dice) (T, error)) (result T, err error) {
	c, err := h.beginRequest(ctx, r)
	if err != nil {
		return result, err
	}
	fault := h.w.plan.weather.fault(c, r.writes > 0)
	lost := func() error { _, err := effect(&c.dice); return err } // nobody gets what it answers
	trace := provision.CallTraceOf(ctx)
	trace.Duration = c.latency()
	if err := c.travel(ctx, trace.Duration); err != nil {
		c.cutOff(err, r.writes > 0, lost)
		return result, unanswered(r.op, err)
	}
	err = c.arrive(func() (err error) {
		if err = c.served(fault, r.writes, trace, lost); err == nil {
			result, err = effect(&c.dice)
		}
		return err
	}, lost)
	if errors.Is(err, errHangs) {
		_ = c.travel(ctx, maxDuration)
		err = unanswered(r.op, ctx.Err())
	}
	h.w.heedSilence(h, err)
	return result, err
}

// unanswered is what a call returns whose caller left.
func unanswered(op string, cause error) error {
	return &provision.DirectoryError{Operation: op, Err: cause}
}

var errHangs = errors.New("no answer comes")

// latency draws how long a call travels.
func (c *call) latency() time.Duration {
	if c.dice.in(3) {
		return c.dice.between(time.Second, 10*time.Second)
	}
	return c.dice.between(5*time.Millisecond, 400*time.Millisecond)
}

// served is what the directory does with a call before it takes effect: it counts it, and may fail. Then it may take
// effect all the same.
func (c *call) served(f fault, writes int, trace *provision.CallTrace, lost func() error) error {
	if err := c.throttled(writes, trace); err != nil {
		return err
	}
	if f.commit {
		c.h.w.noteCall(c, "takes effect, and its answer is lost", lost())
	}
	if f.hang {
		return errHangs
	}
	return f.err
}

// throttled spends the call's units of the directory's limits.
func (c *call) throttled(writes int, trace *provision.CallTrace) error {
	weather, at := &c.h.w.plan.weather, c.h.w.now()
	limits, cost := []*bucket{&weather.units, &weather.writes}, float64(max(1, writes))
	if writes == 0 {
		limits = limits[:1]
	}
	for _, limit := range limits {
		wait, ok := limit.take(at, cost)
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

func (d directory) CreateUser(ctx context.Context, n provision.NewUser) (provision.User, error) {
	w := d.h.w
	w.judgeCreation(d.h, n)
	r := request{
		op: opCreateUser, text: w.joined(n.UserPrincipalName, n.ImmutableID), about: []int{w.numbered(n.DisplayName)},
	}
	return write(ctx, d.h, r, func(dice *dice) (provision.User, error) { return w.create(dice, d.h, n) })
}

func (w *world) create(d *dice, by *host, n provision.NewUser) (provision.User, error) {
	user, err := w.tenant.create(d, by, n)
	if err == nil {
		w.judgeAccounts()
	}
	return user, err
}

func (d directory) FindUser(ctx context.Context, key provision.UserKey) (provision.User, error) {
	d.h.w.judgeLook(ctx, d.h, key)
	return read(ctx, d.h, opFindUser, keyText(key), func(dice *dice) (provision.User, error) {
		return d.h.w.tenant.find(dice, key)
	})
}

func (d directory) SKUs(ctx context.Context) ([]provision.SKU, error) {
	return read(ctx, d.h, opSKUs, "", func(*dice) ([]provision.SKU, error) {
		return slices.Clone(d.h.w.tenant.skus), nil
	})
}

func (d directory) ChangeLicenses(ctx context.Context, objectID string, licenses provision.LicenseChange) error {
	op := opChangeLicenses
	if len(licenses.Add) == 0 {
		op = opTakeLicenses
	}
	return change(ctx, d.h, op, objectID, func(dice *dice) error {
		return d.h.w.tenant.changeLicenses(dice, d.h.name, objectID, licenses)
	})
}

func (d directory) FindGroup(ctx context.Context, key provision.GroupKey) (provision.Group, error) {
	return read(ctx, d.h, opFindGroup, key.ObjectID+key.UniqueName, func(*dice) (provision.Group, error) {
		g, err := d.h.w.tenant.findGroup(key)
		if err != nil {
			return provision.Group{}, err
		}
		return g.Group, nil
	})
}

func (d directory) AddMembers(ctx context.Context, groupID string, objectIDs []string) error {
	_, err := write(ctx, d.h, d.h.w.to(opAddMembers, objectIDs...), nothing(func(dice *dice) error {
		return d.h.w.tenant.addMembers(dice, groupID, objectIDs)
	}))
	return err
}

func (d directory) RemoveMember(ctx context.Context, groupID, objectID string) error {
	return change(ctx, d.h, opRemoveMember, objectID, func(dice *dice) error {
		return d.h.w.tenant.removeMember(dice, groupID, objectID)
	})
}

func (d directory) UpdateUser(ctx context.Context, objectID string, user provision.UserChange) error {
	return change(ctx, d.h, opUpdateUser, objectID, func(dice *dice) error {
		d.h.w.judgeChange(objectID, user)
		return d.h.w.tenant.update(dice, d.h.name, objectID, user)
	})
}

func (d directory) RevokeSessions(ctx context.Context, objectID string) error {
	return change(ctx, d.h, opRevokeSessions, objectID, func(dice *dice) error {
		return d.h.w.tenant.revoke(dice, objectID)
	})
}

func (d directory) DeleteUser(ctx context.Context, objectID string) error {
	return change(ctx, d.h, opDeleteUser, objectID, func(dice *dice) error {
		return d.h.w.tenant.remove(dice, d.h.name, objectID)
	})
}

func (d directory) FindDeletedUsers(ctx context.Context, key provision.UserKey) ([]provision.User, error) {
	return read(ctx, d.h, opFindDeletedUsers, keyText(key), func(dice *dice) ([]provision.User, error) {
		return d.h.w.tenant.findDeleted(dice, key), nil
	})
}

func (d directory) RestoreUser(ctx context.Context, objectID, upn string) (provision.User, error) {
	return write(ctx, d.h, d.h.w.to(opRestoreUser, objectID), func(dice *dice) (provision.User, error) {
		return d.h.w.tenant.restore(dice, d.h, objectID, upn)
	})
}

func (d directory) PurgeUser(ctx context.Context, objectID string) error {
	return change(ctx, d.h, opPurgeUser, objectID, func(dice *dice) error {
		return d.h.w.tenant.purge(dice, d.h, objectID)
	})
}

func (d directory) ListUsers(ctx context.Context, cursor string) (provision.UserPage, error) {
	return read(ctx, d.h, opListUsers, cursor, func(dice *dice) (provision.UserPage, error) {
		return d.h.w.tenant.listUsers(dice), nil
	})
}

func (d directory) UserChanges(ctx context.Context, cursor string) (provision.ChangePage, error) {
	return read(ctx, d.h, opUserChanges, cursor, func(dice *dice) (provision.ChangePage, error) {
		if cursor != provision.CursorNow && dice.in(3) {
			return provision.ChangePage{}, expired(opUserChanges)
		}
		return d.h.w.tenant.userChanges(dice, cursor)
	})
}

// CreateUsers creates each user on its own: what goes wrong with one is nothing to the others.
func (d directory) CreateUsers(ctx context.Context, users []provision.NewUser) ([]provision.Created, error) {
	w := d.h.w
	r := request{op: opCreateUsers, writes: len(users)}
	for _, n := range users {
		w.judgeCreation(d.h, n)
		r.about = append(r.about, w.numbered(n.DisplayName))
		r.text = w.joined(r.text, n.UserPrincipalName, n.ImmutableID)
	}
	results, err := write(ctx, d.h, r, func(dice *dice) ([]provision.Created, error) {
		results := make([]provision.Created, len(users))
		for i, n := range users {
			results[i] = w.createInBatch(dice, d.h, n)
		}
		return results, nil
	})
	if err != nil {
		return nil, err
	}
	for _, result := range results {
		w.heedSilence(d.h, result.Err)
	}
	return results, nil
}

// createInBatch answers one request of a batch, which may fail alone.
func (w *world) createInBatch(d *dice, by *host, n provision.NewUser) (c provision.Created) {
	f := w.plan.weather.faultInBatch(by, d)
	if f.err == nil || f.commit {
		c.User, c.Err = w.create(d, by, n)
	}
	if f.err != nil {
		return provision.Created{Err: f.err}
	}
	return c
}
