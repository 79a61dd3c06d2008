package provision

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// joinLinger is how long somebody who does not wait waits for others to join the group with.
const joinLinger = time.Second

// writesPerLoss is how often an addition is sent while its outcome is not known.
const writesPerLoss = 3

// lane is one queue of people who join a group. People who wait do not share a write with bulk work.
type lane struct {
	groupID  string
	priority Priority
}

// joining is one account to be added to a group.
type joining struct {
	by       *caller
	objectID string
	untried  bool // it cannot be a member: it is new, and no write that might have added it was sent
}

func (j joining) from() *caller { return j.by }

// joinResult is what became of it.
type joinResult struct {
	unsure bool // a write that may have added it was sent, and its outcome is not known
}

type (
	joiner = ticket[joining, joinResult]
	joins  = coalescer[lane, joining, joinResult]
)

// errGroupGone: the group was found once and is there no more.
var errGroupGone = errors.New("the group is gone")

func newJoins(p *Provisioner) *joins {
	return newCoalescer(p, MaxMembers, joinLinger,
		func(ctx context.Context, to lane, b *batch[joining, joinResult]) error {
			return addMembers(ctx, to.groupID, b)
		})
}

// addMembers adds the accounts of a batch to a group.
func addMembers(ctx context.Context, groupID string, b *batch[joining, joinResult]) error {
	c, ctx, cancel := callerFor(ctx, b)
	defer cancel()
	if c == nil {
		return ctx.Err()
	}
	groups, err := c.p.groupDirectory()
	if err != nil {
		return err
	}
	a := &addition{c: c, groups: groups, groupID: groupID, batch: b, unsure: make(map[*joiner]bool)}
	var all []*joiner
	err = a.send(ctx, func() []*joiner { all = b.take(); return all })
	if len(all) == 0 {
		return err // nothing was sent
	}
	a.conclude(ctx, all, err)
	return nil
}

// addition is one batch on its way into a group. A write adds all or none, so one account that cannot be added fails
// all others with it: they are tried again without it.
type addition struct {
	c       *caller
	groups  Groups
	groupID string
	batch   *batch[joining, joinResult]

	unsure map[*joiner]bool // those who were in a write whose outcome is not known
	lost   []*joiner        // the last such write
	proof  []*joiner        // those of it who were no members before: one of them now says that it was carried out
}

// add sends one write for some of the batch and settles them.
func (a *addition) add(ctx context.Context, members []*joiner) {
	if len(members) == 0 {
		return
	}
	a.conclude(ctx, members, a.send(ctx, func() []*joiner { return members }))
}

// send makes one write. The members are asked for when its turn has come.
func (a *addition) send(ctx context.Context, members func() []*joiner) error {
	return a.c.ask(ctx, opAddMembers, writing, func(ctx context.Context) error {
		var ids []string
		for _, m := range members() {
			ids = append(ids, m.want.objectID)
		}
		if len(ids) == 0 {
			return nil
		}
		return a.groups.AddMembers(ctx, a.groupID, ids)
	})
}

// conclude draws the conclusions from the answer to a write, with more writes where one answer does not hold for all.
func (a *addition) conclude(ctx context.Context, members []*joiner, err error) {
	for attempt := 1; errors.Is(err, ErrUnavailable) && temporary(err); attempt++ {
		a.lose(members)
		if attempt == writesPerLoss || a.c.pause(ctx, attempt, err) != nil {
			break
		}
		err = a.send(ctx, func() []*joiner { return members })
	}
	switch {
	case errors.Is(err, ErrAlreadyMember) && len(members) == 1:
		a.settle(members, nil)
	case errors.Is(err, ErrAlreadyMember):
		a.withoutMembers(ctx, members)
	case missingReference(err):
		a.withoutLate(ctx, members, err)
	case refusedAsSuch(err) && len(members) > 1:
		a.afterRefusal(ctx, members, err)
	default:
		a.settle(members, err)
	}
}

// lose remembers a write whose outcome is not known.
func (a *addition) lose(members []*joiner) {
	if proof, _ := splitJoiners(members, a.untried); len(proof) > 0 {
		a.lost, a.proof = members, proof
	}
	for _, m := range members {
		a.unsure[m] = true
	}
}

// untried reports whether the account cannot be a member.
func (a *addition) untried(m *joiner) bool { return m.want.untried && !a.unsure[m] }

func (a *addition) settle(members []*joiner, err error) {
	for _, m := range members {
		a.batch.settle(m, joinResult{unsure: a.unsure[m]}, err)
	}
}

// withoutMembers follows a write that found a member among several.
func (a *addition) withoutMembers(ctx context.Context, members []*joiner) {
	if proof := commonJoiners(a.proof, members); len(proof) > 0 {
		a.afterLoss(ctx, members, proof[0])
		return
	}
	untried, others := splitJoiners(members, a.untried)
	if len(untried) == 0 || len(others) == 0 {
		a.halves(ctx, members)
		return
	}
	a.add(ctx, untried)
	a.add(ctx, others)
}

// afterLoss finds out whether a lost write was carried out. If an account that was no member before is one now, then it
// was, as a rule, and everybody in it is a member. But a host that does not share the store may have added that very
// account, so it speaks for nobody else: each of the others is asked about alone. It costs writes, and only after a loss.
func (a *addition) afterLoss(ctx context.Context, members []*joiner, probe *joiner) {
	lost := a.lost
	a.lost, a.proof = nil, nil
	err := a.send(ctx, func() []*joiner { return []*joiner{probe} })
	a.conclude(ctx, []*joiner{probe}, err)
	_, others := splitJoiners(members, amongJoiners([]*joiner{probe}))
	if !errors.Is(err, ErrAlreadyMember) {
		a.withoutMembers(ctx, others)
		return
	}
	inIt, others := splitJoiners(others, amongJoiners(lost))
	for _, m := range inIt {
		a.add(ctx, []*joiner{m})
	}
	a.add(ctx, others)
}

// withoutLate follows a write that found an account or the group missing. Accounts that are behind are left to their
// runs, which come again; everybody else is tried without them.
func (a *addition) withoutLate(ctx context.Context, members []*joiner, err error) {
	behind, others := splitJoiners(members, func(m *joiner) bool { return namesIn(err, m.want.objectID) })
	if len(behind) == 0 && !namesIn(err, a.groupID) {
		behind, others = splitJoiners(members, func(m *joiner) bool { return a.missing(ctx, m) })
	}
	switch {
	case len(behind) > 0:
		a.settle(behind, err)
		a.add(ctx, others)
	case a.gone(ctx):
		a.settle(others, fmt.Errorf("%w: %w", errGroupGone, err))
	case len(others) == 1:
		a.settle(others, err)
	default:
		a.halves(ctx, others)
	}
}

// afterRefusal finds out whether the directory refuses somebody or the group: two accounts that are refused one by one
// stand for all.
func (a *addition) afterRefusal(ctx context.Context, members []*joiner, err error) {
	for range 2 {
		if len(members) == 0 {
			return
		}
		one := members[:1]
		members = members[1:]
		again := a.send(ctx, func() []*joiner { return one })
		a.conclude(ctx, one, again)
		if !refusedAsSuch(again) {
			a.halves(ctx, members)
			return
		}
	}
	a.settle(members, err)
}

func (a *addition) halves(ctx context.Context, members []*joiner) {
	a.add(ctx, members[:len(members)/2])
	a.add(ctx, members[len(members)/2:])
}

// missing reports whether one read does not find the account.
func (a *addition) missing(ctx context.Context, m *joiner) bool {
	err := a.c.ask(ctx, opFindUser, reading, func(ctx context.Context) error {
		_, err := a.c.p.directory.FindUser(ctx, UserKey{ObjectID: m.want.objectID})
		return err
	})
	return errors.Is(err, ErrNotFound)
}

// gone reports whether the group is not there any more.
func (a *addition) gone(ctx context.Context) bool {
	for look := 1; look <= looksPerGroup; look++ {
		_, err := a.c.readGroupByKey(ctx, GroupKey{ObjectID: a.groupID})
		if !errors.Is(err, ErrNotFound) {
			return false
		}
		if look < looksPerGroup && a.c.pause(ctx, look, err) != nil {
			return false
		}
	}
	return true
}

// missingReference reports whether an answer says that something it refers to is missing on the replica that answered.
func missingReference(err error) bool {
	var answer *DirectoryError
	return errors.Is(err, ErrNotFound) || errors.As(err, &answer) && answer.says("not a valid reference update")
}

// refusedAsSuch reports whether the directory refuses the write as such.
func refusedAsSuch(err error) bool {
	var answer *DirectoryError
	return errors.As(err, &answer) && answer.Status == http.StatusBadRequest && answer.kind() == nil &&
		!errors.Is(err, ErrAlreadyMember) && !temporary(err)
}

// namesIn reports whether the directory's answer names an object.
func namesIn(err error, objectID string) bool {
	var answer *DirectoryError
	return objectID != "" && errors.As(err, &answer) && answer.says(objectID)
}

// splitJoiners separates those for whom f is true from the others.
func splitJoiners(members []*joiner, f func(*joiner) bool) (those, others []*joiner) {
	for _, m := range members {
		if f(m) {
			those = append(those, m)
		} else {
			others = append(others, m)
		}
	}
	return those, others
}

// commonJoiners are the members who are in the list.
func commonJoiners(list, members []*joiner) []*joiner {
	those, _ := splitJoiners(members, amongJoiners(list))
	return those
}

func amongJoiners(list []*joiner) func(*joiner) bool {
	return func(m *joiner) bool { return slices.Contains(list, m) }
}
