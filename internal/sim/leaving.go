package main

import (
	"context"
	"errors"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// away says what is going on at one host for one person. Calls that wait for one and the same run to end would go on at
// the same instant, in any order; so those that are for something else come in one after the other: retiring, restoring
// and changing licences, bulk work, and reconciling. Signing in goes with each of them but the first three.
type away struct {
	busy   bool          // a call of Retire, Restore or SwapLicenses is under way
	barred int           // sign-ins that may be waiting for a run that everybody has left
	left   time.Duration // when a caller left early for the last time
	bulk   bool          // bulk work is under way
	upkeep bool          // a reconciliation is
}

// free reports whether something else than a sign-in may begin.
func (a *away) free() bool { return !a.busy && a.barred == 0 && !a.bulk && !a.upkeep }

// lingers reports whether a run may be under way that everybody has left.
func (w *world) lingers(a *away) bool { return a.left > 0 && w.now() < a.left+w.lingering() }

// lingering is how long a run goes on after everybody has left it.
func (w *world) lingering() time.Duration {
	longest := w.plan.settle.Budget
	if w.plan.bulk {
		longest = bulkBudget
	}
	return longest + 20*time.Second
}

// comeIn lets a sign-in begin that is not to meet a call of Retire or Restore. The function that it returns ends it, with
// the world locked.
func (w *world) comeIn(c *caller, number, who int) (leave func(early bool)) {
	at := &w.away[number][who]
	w.until(c, func() bool { return !at.busy })
	w.mu.Lock()
	defer w.mu.Unlock()
	barred := 0
	if at.upkeep || w.lingers(at) {
		barred = 1
	}
	at.barred += barred
	return func(early bool) {
		at.barred -= barred
		if early {
			at.left = w.now()
		}
	}
}

// until waits until a condition holds.
func (w *world) until(c *caller, holds func() bool) {
	for !w.locked(holds) {
		c.sleep(time.Second)
	}
}

func (w *world) locked(holds func() bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tenant.catchUp()
	return holds()
}

// sendAway makes a call of Retire, Restore or SwapLicenses.
func (w *world) sendAway(c *caller, number, who int, patience time.Duration, stays bool, what string,
	call func(context.Context, *provision.Provisioner) error,
) answer {
	at := &w.away[number][who]
	w.until(c, func() bool {
		free := at.free()
		at.busy = at.busy || free
		return free
	})
	a := w.visit(c, number, who, patience, what,
		func(ctx context.Context, p *provision.Provisioner) (provision.Account, error) {
			return provision.Account{}, call(ctx, p)
		})
	w.mu.Lock()
	defer w.mu.Unlock()
	at.busy = false
	a.stays = stays
	if a.left {
		at.left = w.now()
	}
	w.noteAnswer(a)
	w.judgeTime(a)
	if a.err != nil {
		w.judgeError(a)
	}
	return a
}

// retire ends a person's access at one host, and tries again if that fails.
func (w *world) retire(a action, c *caller) {
	leaving := provision.Leaving{
		KeepLicenses: c.dice.in(40), Delete: c.dice.in(40), Purge: c.dice.in(15), DeleteAdopted: c.dice.in(60),
	}
	for attempt := 0; attempt <= a.retries; attempt++ {
		if attempt > 0 {
			c.sleep(c.dice.between(time.Second, 40*time.Second))
		}
		told := w.sendAway(c, a.host, a.person, a.patience, false, "is retired",
			func(ctx context.Context, p *provision.Provisioner) error {
				return p.Retire(ctx, w.plan.people[a.person].Key(), leaving)
			})
		if told.err == nil {
			w.locked(func() bool { w.judgeRetire(told); return true })
			return
		}
	}
}

// restore takes back what retire did, at one host, and tries again if that fails.
func (w *world) restore(a action, c *caller) {
	for attempt := 0; attempt <= a.retries; attempt++ {
		if attempt > 0 {
			c.sleep(c.dice.between(time.Second, 40*time.Second))
		}
		if w.restoreOnce(c, a.host, a.person, a.patience) == nil {
			return
		}
	}
}

func (w *world) restoreOnce(c *caller, number, who int, patience time.Duration) error {
	gone := &w.departures[who]
	w.locked(func() bool { gone.restoring++; return true })
	told := w.sendAway(c, number, who, patience, false, "is restored",
		func(ctx context.Context, p *provision.Provisioner) error {
			return p.Restore(ctx, w.plan.people[who].Person)
		})
	w.locked(func() bool {
		gone.restoring--
		gone.restored = w.now()
		return true
	})
	return told.err
}

// longestLag is how long the pipeline does not believe that an account is gone for good, where nobody told it.
const longestLag = time.Hour

// bringBack restores everybody in calm weather.
func (w *world) bringBack(c *caller) {
	c.sleep(longestLag)
	for who := 1; who < len(w.plan.people); who++ {
		var err error
		for range finalAttempts {
			if err = w.restoreOnce(c, 0, who, time.Hour); err == nil || errors.Is(err, provision.ErrNoRecord) {
				err = nil
				break
			}
			c.sleep(finalPause)
		}
		w.locked(func() bool {
			if err != nil && !w.meddled[who] {
				w.violate(ruleArrives, "person %d cannot be restored in calm weather: %v", who, err)
			}
			return true
		})
	}
}

// deleteByHand has somebody delete the person's account who does not say so to any host. What becomes of the person then
// is an administrator's to decide: nothing but the rules that hold for everybody is asked for.
func (w *world) deleteByHand(a action, c *caller) {
	w.byHand(a, "deletes the account", func(o *object) bool {
		w.meddled[a.person] = true
		return w.tenant.remove(&c.dice, administrator, o.ObjectID) == nil
	})
}

// deleteLater does so when an account may be there.
func (w *world) deleteLater(a action, c *caller) {
	afterwards(c)
	w.deleteByHand(a, c)
}

// departure is what the judge knows of somebody who leaves and comes back.
type departure struct {
	retired   bool
	changed   time.Duration // when the store learned that the person has left, or is back
	restoring int           // calls of Restore under way
	restored  time.Duration // when the last one ended
}

// strayTime is how long after its caller has left a write may arrive.
const strayTime = time.Minute

// judgeDeparture follows what the store says of somebody who leaves or comes back.
func (j *judge) judgeDeparture(who int, before, rec provision.Record) {
	gone := &j.departures[who]
	if retired := !rec.RetiringAt.IsZero(); retired != gone.retired {
		gone.retired, gone.changed = retired, j.w.now()
	}
	if !before.PurgedAt.IsZero() && rec.CreatedAt.IsZero() {
		j.told[who] = provision.Account{} // another account will be made
	}
}

// retiredFor reports whether the person had left before the given time, for so long that no run that began before that is
// still under way, and has not come back since.
func (j *judge) retiredFor(who int, at time.Duration) bool {
	gone := j.departures[who]
	return gone.retired && at-gone.changed > j.w.lingering()
}

// judgeRetired: whoever has left is told so at a sign-in, and nothing else.
func (j *judge) judgeRetired(a answer) {
	excused := a.left || a.h.dead || a.h.storeFail
	if j.retiredFor(a.who, a.began) && !errors.Is(a.err, provision.ErrRetired) && (a.err == nil || !excused) {
		j.violate(ruleRetired, "%s tells person %d, who was retired, %v", a.h.name, a.who, a.err)
	}
}

// judgeLate: nothing is created for somebody who has left.
func (j *judge) judgeLate(h *host, op string, who int) {
	if j.retiredFor(who, j.w.now()) {
		j.violate(ruleRetired, "%s sends %s for person %d, who was retired", h.name, op, who)
	}
}

// judgeRetire: after a finished Retire the account is not enabled. A Restore at the same time may have enabled it again.
func (j *judge) judgeRetire(a answer) {
	gone := j.departures[a.who]
	rec := a.h.store.records[a.who]
	o := j.w.tenant.byID(rec.ObjectID)
	switch {
	case rec.CreatedAt.IsZero() || o == nil || o.state != active || !o.AccountEnabled || j.meddled[a.who]:
	case gone.restoring > 0 || gone.restored > 0 && a.began-gone.restored < strayTime:
	default:
		j.violate(ruleRetired, "%s has retired person %d, whose account %s is enabled", a.h.name, a.who, o.ObjectID)
	}
}

// unsettled reports whether what the person has may have changed since the answer was decided.
func (j *judge) unsettled(a answer) bool {
	gone := j.departures[a.who]
	return j.meddled[a.who] || gone.retired || gone.changed > 0 && a.began-gone.changed < strayTime
}

// judgeChange: the ImmutableID of an account is for ever.
func (j *judge) judgeChange(objectID string, change provision.UserChange) {
	if change.ImmutableID != nil {
		j.violate(ruleIdentity, "the ImmutableID of %s is changed to %q", objectID, *change.ImmutableID)
	}
}

// stray is a write that arrives when nobody waits for it any more. One that takes something away from somebody who is
// back meanwhile, or gives it to somebody who has left, is nothing that a host could know of.
func (w *world) stray(c *call, how string, err error) {
	w.noteCall(c, how, err)
	if err != nil {
		return
	}
	for _, who := range c.about {
		if w.plan.relicenses() {
			w.astray[who] = w.astray[who] || c.op == opChangeLicenses || c.op == opAddMembers
			w.unlicensed[who] = w.unlicensed[who] || c.op == opTakeLicenses || c.op == opRemoveMember
		}
		if w.plan.leaving {
			w.meddled[who] = w.meddled[who] || w.isLate(c, who)
		}
	}
}

// isLate reports whether a write came too late for what the person is now.
func (w *world) isLate(c *call, who int) bool {
	retired, late := w.departures[who].retired, false
	switch c.op {
	case opRemoveMember, opTakeLicenses, opDeleteUser, opPurgeUser:
		late = !retired
	case opCreateUser, opCreateUsers:
		late = retired
	case opUpdateUser, opRestoreUser:
		late = true
	default:
		return false
	}
	holder := c.h.store.holder(who, w.now())
	return late || holder != nil && holder != c.h
}
