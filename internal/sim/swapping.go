package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// deploy changes the rules: every host goes down and starts again with other licences.
func (w *world) deploy(c *caller) {
	c.sleep(w.plan.deployment.at)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(nil, 0, "the rules change")
	w.before = w.plan.rules.Licenses
	w.deployed = true
	w.plan.rules.Licenses = w.plan.deployment.licenses
	for _, h := range w.lives {
		if h != nil && !h.dead {
			h.die(c.dice.between(time.Second, 10*time.Second))
		}
	}
}

// swap moves a person to the present licences, some time after the rules have changed, and tries again if that fails.
func (w *world) swap(a action, c *caller) {
	c.sleep(max(0, w.plan.deployment.at-w.now()) + c.dice.between(time.Second, 2*time.Minute))
	for attempt := 0; attempt <= a.retries; attempt++ {
		if attempt > 0 {
			c.sleep(c.dice.between(time.Second, 40*time.Second))
		}
		if w.swapOnce(c, a.host, a.person, a.patience).err == nil {
			return
		}
	}
}

func (w *world) swapOnce(c *caller, number, who int, patience time.Duration) answer {
	return w.sendAway(c, number, who, patience, true, "is moved to the present licences",
		func(ctx context.Context, p *provision.Provisioner) error {
			if len(w.plan.rules.Connections) > 0 {
				return p.SwapLicensesOf(ctx, w.plan.people[who].Person)
			}
			return p.SwapLicenses(ctx, w.plan.people[who].Key())
		})
}

// swapAll moves everybody to the present licences in calm weather, and looks when the directory has worked out what that
// means.
func (w *world) swapAll(c *caller) {
	var moved [5]answer
	for who := 1; who < len(w.plan.people); who++ {
		moved[who] = w.swapInTheEnd(c, who)
	}
	c.sleep(finalPause)
	w.locked(func() bool {
		for _, told := range moved {
			if told.h != nil && told.err == nil {
				w.judgeSwap(told.h.store.records[told.who])
			}
		}
		return true
	})
}

// swapInTheEnd moves one person, who must be moved after some attempts.
func (w *world) swapInTheEnd(c *caller, who int) answer {
	for attempt := 1; ; attempt++ {
		told := w.swapOnce(c, 0, who, time.Hour)
		problem := w.swapProblem(told)
		if problem == "" {
			return told
		}
		if attempt == finalAttempts {
			w.locked(func() bool {
				w.violate(ruleSwapped, "person %d is not moved to the present licences in calm weather: %s", who, problem)
				return true
			})
			return told
		}
		c.sleep(finalPause)
	}
}

// swapProblem says why a move to the present licences is not what it should be, or "".
func (w *world) swapProblem(a answer) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case a.err == nil, w.meddled[a.who], errors.Is(a.err, provision.ErrNoRecord), w.plan.people[a.who].refused:
	case errors.Is(a.err, provision.ErrNoLicense) && !w.seatFor(a.who):
	default:
		return a.err.Error()
	}
	return ""
}

// judgeSwap: what was given and is no alternative any more is gone, and the present licences are there.
func (j *judge) judgeSwap(rec provision.Record) {
	who := j.w.keyed(rec.Key)
	o := j.w.tenant.byID(rec.ObjectID)
	if o == nil || o.state != active || j.meddled[who] || j.astray[who] || j.unlicensed[who] || rec.ReadyAt.IsZero() {
		return
	}
	for _, mark := range givenBy(rec) {
		if !slices.Contains(j.marks(who), mark) {
			j.violate(ruleSwapped, "person %d was moved to the present licences, and %s is still given", who, mark)
		}
	}
	for _, id := range o.direct {
		if !slices.Contains(j.marks(who), id) && !j.forgotten[who] {
			j.violate(ruleSwapped, "person %d was moved to the present licences, and has a seat of %s", who, id)
		}
	}
	for _, g := range j.w.tenant.groups {
		mark := "group:" + g.ObjectID
		if len(g.SKUIDs) > 0 && slices.Contains(g.members, o.ObjectID) && !slices.Contains(j.marks(who), mark) &&
			!j.forgotten[who] {
			j.violate(ruleSwapped, "person %d was moved to the present licences, and is a member of %s", who, g.UniqueName)
		}
	}
	if !j.seated(o) {
		j.violate(ruleSwapped, "person %d was moved to the present licences, and has the seats %v", who, o.SKUIDs)
	}
}

// marks are what the present rules may give to a person, as Record.Licenses names it.
func (j *judge) marks(who int) (marks []string) {
	for _, license := range j.w.licensesOf(who) {
		for _, l := range alternatives(license) {
			if l.Group == "" {
				marks = append(marks, j.skusOf(l)...)
				continue
			}
			g, _ := j.w.tenant.findGroup(provision.GroupKey{UniqueName: l.Group})
			marks = append(marks, "group:"+g.ObjectID)
		}
	}
	return marks
}

// givenBy are the marks of what a record says was given.
func givenBy(rec provision.Record) []string {
	return slices.DeleteFunc(strings.Fields(rec.Licenses), func(mark string) bool { return strings.HasPrefix(mark, "lost:") })
}
