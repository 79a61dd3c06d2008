package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// reconcilerPlan is a host that reconciles.
type reconcilerPlan struct {
	host    int
	at      time.Duration // when it begins
	every   time.Duration
	rounds  int
	full    int // percent of the rounds that look at everybody
	repairs []provision.DriftKind
}

func drawReconciler(d *dice, host int) reconcilerPlan {
	return reconcilerPlan{
		host:    host,
		at:      d.between(time.Second, 3*time.Minute),
		every:   d.between(20*time.Second, 3*time.Minute),
		rounds:  1 + d.below(4),
		full:    d.below(100),
		repairs: policies()[d.below(len(policies()))],
	}
}

// policies are what a host may be told to repair.
func policies() [4][]provision.DriftKind {
	return [4][]provision.DriftKind{
		{
			provision.DriftMissing, provision.DriftDeleted, provision.DriftDisabled, provision.DriftEnabled,
			provision.DriftImmutableID, provision.DriftUPN, provision.DriftLicense,
		},
		{provision.DriftDisabled, provision.DriftEnabled, provision.DriftLicense},
		{provision.DriftLicense},
		{},
	}
}

func (r reconcilerPlan) repairsKind(kind provision.DriftKind) bool {
	return slices.Contains(r.repairs, kind)
}

// isReconciling reports whether a call is part of a reconciliation, which is nobody's in particular.
func isReconciling(ctx context.Context) bool { return personOf(ctx) == nobody }

// nobody is for whom a reconciliation works.
const nobody = 0

// keepReconciling reconciles at one host again and again.
func (w *world) keepReconciling(r reconcilerPlan, c *caller) {
	c.sleep(r.at)
	for range r.rounds {
		w.reconcile(c, r, c.dice.in(r.full), c.dice.between(20*time.Second, 10*time.Minute))
		c.sleep(r.every)
	}
}

// reconciliation is what one came to.
type reconciliation struct {
	answer
	drifts []provision.Drift
}

// failed reports whether a repair of a person failed.
func (r reconciliation) failed(key provision.PersonKey) bool {
	return slices.ContainsFunc(r.drifts, func(d provision.Drift) bool { return d.Person == key && d.Err != nil })
}

// reconcile reconciles once at a host.
func (w *world) reconcile(c *caller, plan reconcilerPlan, full bool, patience time.Duration) reconciliation {
	var r reconciliation
	leave := w.keepUp(c, plan.host)
	r.answer = w.visit(c, plan.host, nobody, patience, "reconciles",
		func(ctx context.Context, p *provision.Provisioner) (provision.Account, error) {
			said, err := p.Reconcile(ctx, provision.Reconciliation{
				Full:   full,
				Repair: func(d provision.Drift) bool { return plan.repairsKind(d.Kind) },
				Person: func(_ context.Context, key provision.PersonKey) (provision.Person, error) {
					return w.plan.people[w.keyed(key)].Person, nil
				},
				Report: func(d provision.Drift) { r.drifts = append(r.drifts, d) },
			})
			if said.Drifts != len(r.drifts) {
				err = errors.Join(err, fmt.Errorf("%d drifts were found, and %d reported", said.Drifts, len(r.drifts)))
			}
			return provision.Account{}, err
		})
	w.mu.Lock()
	defer w.mu.Unlock()
	leave(r.left)
	for _, d := range r.drifts {
		w.note(r.h, w.keyed(d.Person), "drift %s: want %q, have %q, repaired %v: %v", d.Kind, d.Want, d.Have, d.Repaired, d.Err)
	}
	w.note(r.h, nobody, "has reconciled after %v: %v", r.ended-r.began, w.unlessDead(r.answer))
	w.judgeReconciliation(plan, r)
	return r
}

// keepUp lets a reconciliation begin when nothing else is going on at the host but sign-ins. The function that it returns
// ends it, with the world locked.
func (w *world) keepUp(c *caller, number int) (leave func(early bool)) {
	all := w.away[number][:]
	w.until(c, func() bool {
		if slices.ContainsFunc(all, func(a away) bool { return !a.free() || w.lingers(&a) }) {
			return false
		}
		for i := range all {
			all[i].upkeep = true
		}
		return true
	})
	return func(early bool) {
		for i := range all {
			all[i].upkeep = false
			if early {
				all[i].left = w.now()
			}
		}
	}
}

// unlessDead is the error of an answer, but not how a host died: that depends on what its goroutines saw first.
func (w *world) unlessDead(a answer) error {
	if a.h.dead {
		return errCrashed
	}
	return a.err
}

// judgeReconciliation: only those drifts are repaired that the policy names, and it ends soon after its caller has left.
func (j *judge) judgeReconciliation(plan reconcilerPlan, r reconciliation) {
	for _, d := range r.drifts {
		if (d.Repaired || d.Err != nil) && !plan.repairsKind(d.Kind) {
			j.violate(ruleReconciled, "%s repairs a drift of kind %q of person %d, which is not its policy", r.h.name, d.Kind,
				j.w.keyed(d.Person))
		}
	}
	end := r.began + r.patience + j.w.plan.settle.Budget + time.Minute
	if r.ended > end {
		j.violate(ruleEnds, "%s reconciles from %v to %v; at most until %v was right", r.h.name, r.began, r.ended, end)
	}
}

// reconcileAll has every host that reconciles look at everybody in calm weather. Nobody is drifted afterwards in a way
// that it repairs.
func (w *world) reconcileAll(c *caller) {
	for _, plan := range w.plan.reconcilers {
		r, problem := w.reconcile(c, plan, true, time.Hour), "" // finishes what was interrupted
		for range finalAttempts {
			r = w.reconcile(c, plan, true, time.Hour)
			if problem = w.reconcileProblem(r); problem == "" {
				break
			}
			c.sleep(finalPause)
		}
		w.locked(func() bool {
			if problem != "" {
				w.violate(ruleReconciled, "%s does not reconcile in calm weather: %s", r.h.name, problem)
			}
			for who := 1; who < len(w.plan.people); who++ {
				w.judgeReconciled(plan, r, who)
			}
			return true
		})
		c.sleep(finalPause) // what was repaired reaches every replica
	}
}

// reconcileProblem says why a reconciliation is not what it should be, or "".
func (w *world) reconcileProblem(r reconciliation) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.err != nil {
		return r.err.Error()
	}
	for _, d := range r.drifts {
		who := w.keyed(d.Person)
		switch {
		case d.Err == nil, w.meddled[who]:
		case errors.Is(d.Err, provision.ErrNoLicense) && !w.seatFor(who):
		default:
			return d.Err.Error()
		}
	}
	return ""
}

// judgeReconciled: after a reconciliation in calm weather nobody is drifted who is repaired.
func (j *judge) judgeReconciled(plan reconcilerPlan, r reconciliation, who int) {
	rec := r.h.store.records[who]
	o := j.w.tenant.byID(rec.ObjectID)
	if rec.ReadyAt.IsZero() || !rec.RetiringAt.IsZero() || o == nil {
		return
	}
	if plan.repairsKind(provision.DriftDeleted) && o.state == deleted && !r.failed(rec.Key) {
		j.violate(ruleReconciled, "%s has reconciled, and %s of person %d is still deleted", r.h.name, o.ObjectID, who)
	}
	if j.meddled[who] {
		return
	}
	if plan.repairsKind(provision.DriftDisabled) && !o.AccountEnabled {
		j.violate(ruleReconciled, "%s has reconciled, and %s of person %d is still blocked", r.h.name, o.UserPrincipalName, who)
	}
	if !plan.repairsKind(provision.DriftLicense) || !j.seatFor(who) {
		return
	}
	for _, mark := range givenBy(rec) {
		if !j.isGiven(o, mark) && !j.seated(o) { // another alternative, whoever gave it, is as good
			j.violate(ruleReconciled, "%s has reconciled, and %s of person %d still lacks %s", r.h.name, o.UserPrincipalName, who,
				mark)
		}
	}
	if len(j.w.stores) == 1 {
		j.unlicensed[who] = false // from here on they have what the rules say
	}
}

// isGiven reports whether an account has what a mark of Record.Licenses names.
func (j *judge) isGiven(o *object, mark string) bool {
	id, isGroup := strings.CutPrefix(mark, "group:")
	if !isGroup {
		return slices.Contains(o.SKUIDs, id)
	}
	g, err := j.w.tenant.findGroup(provision.GroupKey{ObjectID: id})
	return err == nil && j.w.tenant.inherits(o, g.UniqueName)
}

// judgeLook: a reconciliation reads no accounts but those of people whom its store knows.
func (j *judge) judgeLook(ctx context.Context, h *host, key provision.UserKey) {
	if key.ObjectID == "" || !isReconciling(ctx) {
		return
	}
	j.w.mu.Lock()
	defer j.w.mu.Unlock()
	if !slices.ContainsFunc(h.store.objects[:], func(ids []string) bool { return slices.Contains(ids, key.ObjectID) }) {
		j.violate(ruleForeign, "%s reconciles, and reads %s, which is not in its store", h.name, key.ObjectID)
	}
}

// afterwards waits until an account may be there that an administrator does something to.
func afterwards(c *caller) { c.sleep(c.dice.between(time.Second, 4*time.Minute)) }

// byHand has an administrator do something to the account of a person, if it is there.
func (w *world) byHand(a action, what string, do func(o *object) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tenant.catchUp()
	for _, o := range w.tenant.objects {
		if w.owner(o) == a.person && o.state == active {
			w.note(nil, a.person, "an administrator %s of %s: %v", what, o.ObjectID, do(o))
			return
		}
	}
}

const administrator = "administrator"

// unseatByHand takes a seat that was given directly.
func (w *world) unseatByHand(a action, c *caller) {
	afterwards(c)
	w.byHand(a, "takes a seat", func(o *object) bool {
		if len(o.direct) == 0 {
			return false
		}
		w.unlicensed[a.person] = true
		i := c.dice.below(len(o.direct))
		w.tenant.seat(o, slices.Delete(slices.Clone(o.direct), i, i+1))
		w.tenant.wrote(o, &c.dice, administrator)
		return true
	})
}

// removeByHand takes the person out of the groups that give licences.
func (w *world) removeByHand(a action, c *caller) {
	afterwards(c)
	w.byHand(a, "ends a membership", func(o *object) (was bool) {
		for _, g := range w.tenant.groups {
			i := slices.Index(g.members, o.ObjectID)
			if len(g.SKUIDs) == 0 || i < 0 {
				continue
			}
			w.unlicensed[a.person], was = true, true
			g.members = slices.Delete(g.members, i, i+1)
			w.tenant.process(g, o.ObjectID)
		}
		return was
	})
}

// blockByHand blocks the account.
func (w *world) blockByHand(a action, c *caller) {
	afterwards(c)
	w.byHand(a, "blocks the account", func(o *object) bool {
		o.AccountEnabled = false
		w.tenant.wrote(o, &c.dice, administrator)
		return true
	})
}
