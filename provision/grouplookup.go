package provision

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"time"
)

// groupsFresh is how long a group is used before it is read again.
const groupsFresh = 10 * time.Minute

// looksPerGroup is how often a group is looked for before it is said not to exist: it may be new.
const looksPerGroup = 3

// findGroup finds a group by its object ID or its uniqueName. Runs that need it at the same time share one look-up.
func (r *run) findGroup(ctx context.Context, name string) (Group, error) {
	if _, err := r.p.groupDirectory(); err != nil {
		return Group{}, err
	}
	group, known := r.p.groups.known(name, r.p.now())
	if !known {
		var err error
		if group, err = share(ctx, r.p.groups.lookups, name, groupSearch{&r.caller}); err == errHurried {
			group, err = r.readGroup(ctx, name)
		}
		if err != nil {
			return Group{}, err
		}
	}
	if r.groupNames == nil {
		r.groupNames = make(map[string]string)
	}
	r.groupNames[group.ObjectID] = name
	return group, nil
}

// groupCache remembers the groups that were found. It is safe for concurrent use.
type groupCache struct {
	lookups *coalescer[string, groupSearch, Group]

	mu    sync.Mutex
	found map[string]foundGroup // by the name in the rules
}

type foundGroup struct {
	group Group
	at    time.Time
}

// groupSearch is one run's wish to know a group.
type groupSearch struct{ by *caller }

func (l groupSearch) from() *caller { return l.by }

func newGroupCache(p *Provisioner) *groupCache {
	return &groupCache{
		lookups: newCoalescer(p, math.MaxInt, 0, lookUpGroup),
		found:   make(map[string]foundGroup),
	}
}

// known returns a group that was found not long ago.
func (g *groupCache) known(name string, now time.Time) (Group, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	found, ok := g.found[name]
	return found.group, ok && now.Sub(found.at) < groupsFresh
}

func (g *groupCache) keep(name string, group Group, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.found[name] = foundGroup{group, now}
}

// forget makes the next one who needs the group look it up.
func (g *groupCache) forget(objectID string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, found := range g.found {
		if found.group.ObjectID == objectID {
			delete(g.found, name)
		}
	}
}

// lookUpGroup finds the group for all who wait, unless a look-up that has just ended found it.
func lookUpGroup(ctx context.Context, name string, b *batch[groupSearch, Group]) error {
	c, ctx, cancel := callerFor(ctx, b)
	defer cancel()
	if c == nil {
		return ctx.Err()
	}
	group, known := c.p.groups.known(name, c.p.now())
	if !known {
		var err error
		if group, err = c.readGroup(ctx, name); err != nil {
			return err
		}
		c.p.groups.keep(name, group, c.p.now())
	}
	b.settleAll(group, nil)
	return nil
}

// readGroup reads the group by its name in the rules.
func (c *caller) readGroup(ctx context.Context, name string) (Group, error) {
	key, kind := GroupKey{UniqueName: name}, "uniqueName"
	if isObjectID(name) {
		key, kind = GroupKey{ObjectID: strings.ToLower(name)}, "object ID"
	}
	for look := 1; ; look++ {
		group, err := c.readGroupByKey(ctx, key)
		switch {
		case err == nil && group.ObjectID == "":
			return Group{}, &GroupError{Group: name, Problem: "the directory found it but names no object ID"}
		case err == nil:
			return group, nil
		case !errors.Is(err, ErrNotFound):
			return Group{}, err
		case look == looksPerGroup:
			return Group{}, &GroupError{Group: name, Err: err, Problem: "the tenant has no group with this " + kind +
				": create it, or correct the name in the rules"}
		}
		if err := c.pause(ctx, look, err); err != nil {
			return Group{}, err
		}
	}
}

func (c *caller) readGroupByKey(ctx context.Context, key GroupKey) (group Group, err error) {
	groups, err := c.p.groupDirectory()
	if err != nil {
		return Group{}, err
	}
	err = c.retry(ctx, opFindGroup, reading, temporary, func(ctx context.Context) (err error) {
		group, err = groups.FindGroup(ctx, key)
		return err
	})
	return group, err
}

// isObjectID reports whether s is a GUID in its usual form, of 8, 4, 4, 4 and 12 hexadecimal digits.
func isObjectID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return false
		}
	}
	return true
}
