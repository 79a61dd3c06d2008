package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// How long between looks at what a group has given: at first, and at most. A look costs resource units, and nobody waits
// for bulk work.
const (
	groupLook        = time.Second
	groupLookMax     = 8 * time.Second
	groupBulkLook    = 5 * time.Second
	groupBulkLookMax = 20 * time.Second
)

// inherited is the user's licence of a subscription from a group.
func (u User) inherited(group Group, sku SKU) (AssignedLicense, bool) {
	i := slices.IndexFunc(u.Licenses, func(l AssignedLicense) bool {
		return strings.EqualFold(l.GroupID, group.ObjectID) && strings.EqualFold(l.SKUID, sku.ID)
	})
	if i < 0 {
		return AssignedLicense{}, false
	}
	return u.Licenses[i], true
}

// standing says how far the directory is with giving a user what the group gives: done, pending (errPending), or refused.
// One that fails decides for all of them.
func (o offer) standing(user User, tenant []SKU) error {
	var failed []AssignedLicense
	pending := false
	for _, s := range o.give {
		l, ok := user.inherited(o.group, s)
		switch {
		case ok && (l.State == stateError || l.State == stateActiveWithError || l.State == stateDisabled):
			failed = append(failed, l)
		case !ok || l.State != stateActive:
			pending = true
		}
	}
	switch {
	case len(failed) > 0:
		return o.groupRefusal(failed, tenant)
	case pending:
		return errPending
	}
	return nil
}

// errPending is a group whose licences the directory has not worked out for the account yet.
var errPending = errors.New("the directory has not worked out yet what the group gives")

// giveByGroup makes the account a member of a group and waits for what the group gives. Of a group that was left before,
// a replica that lags shows what it gave then.
func (g *giving) giveByGroup(ctx context.Context, o offer) error {
	pending := func(user User) error { return o.standing(user, g.skus) }
	if slices.Contains(g.lost, o.mark()) {
		pending = g.steady(func(err error) bool { return !errors.Is(err, errPending) }, pending)
	}
	return g.joinForLicense(ctx, o, pending)
}

// joinForLicense makes the account a member of a group, unless somebody else did, and waits until pending says something
// else than errPending.
func (g *giving) joinForLicense(ctx context.Context, o offer, pending func(User) error) error {
	began := g.p.now()
	if o.foreign {
		pending = o.whileMember(pending)
	} else if err := g.joinGroup(ctx, o.group); err != nil {
		return fmt.Errorf("joining group %q, which gives the licence: %w", o.license.Group, err)
	}
	err := g.awaitGroup(ctx, pending)
	if err == nil {
		g.log.InfoContext(ctx, "licences given by a group", "object", g.rec.ObjectID, "group", o.group.ObjectID)
		g.p.skus.spend(o.group.SKUIDs, began)
	}
	return err
}

// whileMember is pending for somebody else's membership. When it shows no more, it has ended, or a replica that lags had
// shown one that was ended before: then the licence is decided about anew, and a membership that is ours is recorded first.
func (o offer) whileMember(pending func(User) error) func(User) error {
	return func(user User) error {
		if !o.memberOf(user) {
			return errNextAlternative
		}
		return pending(user)
	}
}

// awaitGroup reads the account until pending says something else than errPending.
func (g *giving) awaitGroup(ctx context.Context, pending func(User) error) error {
	delay, limit := groupLook, groupLookMax
	if g.priority == PriorityLow {
		delay, limit = groupBulkLook, groupBulkLookMax
	}
	for look := 1; ; look++ {
		if err := g.wait(ctx, delay, look, errPending); err != nil {
			return err
		}
		user, err := g.find(ctx, UserKey{ObjectID: g.rec.ObjectID})
		if err == nil {
			g.user = user
			err = pending(user)
		}
		if !errors.Is(err, errPending) && !errors.Is(err, ErrNotFound) {
			return err
		}
		delay = min(2*delay, limit)
	}
}

// rejoin leaves a group and joins it again, so that the directory works out anew what it gives. A replica that lags shows
// what was before that: it is not believed at once that nothing is given any more, nor that it is refused again.
func (g *giving) rejoin(ctx context.Context, o offer) error {
	if err := g.leaveGroup(ctx, o.group.ObjectID); err != nil {
		return err
	}
	gone := func(err error) bool { return err == nil }
	err := g.awaitGroup(ctx, g.steady(gone, func(user User) error {
		if o.memberOf(user) {
			return errPending
		}
		return nil
	}))
	if err != nil {
		return err
	}
	o.foreign = false // whoever made the account a member, it was us who ended that
	return g.joinForLicense(ctx, o, g.steady(isInTheWay, func(user User) error { return o.standing(user, g.skus) }))
}

// steady is pending, but what is doubted is pending as well until it has been shown, without a break, for so long as any
// change takes to be known everywhere.
func (g *giving) steady(doubted func(error) bool, pending func(User) error) func(User) error {
	var doubts doubt
	return func(user User) error {
		err := pending(user)
		switch {
		case !doubted(err):
			doubts = doubt{}
		case !doubts.over(&g.caller):
			return errPending
		}
		return err
	}
}
