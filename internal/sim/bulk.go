package main

import (
	"context"
	"iter"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// bulkBudget is how long a run of bulk work may take.
const bulkBudget = 6 * time.Minute

// provisionInBulk provisions everybody at one host at nearly the same time, as work that nobody waits for. Each has a call
// of EnsureAll: all that they do goes together in batches all the same, and each call's goroutines have the person's
// instants.
func (w *world) provisionInBulk(a action, _ *caller) {
	for who := 1; who < len(w.plan.people); who++ {
		w.start(func(c *caller) {
			c.sleep(c.dice.between(time.Millisecond, 400*time.Millisecond))
			w.bulk(c, a.host, who)
		})
	}
}

// bulk provisions a person in bulk at a host, when nothing else is going on there for the person.
func (w *world) bulk(c *caller, number, who int) {
	at := &w.away[number][who]
	w.until(c, func() bool {
		free := at.free() && !w.lingers(at)
		at.bulk = at.bulk || free
		return free
	})
	a := w.visit(c, number, who, time.Hour, "is provisioned in bulk",
		func(ctx context.Context, p *provision.Provisioner) (provision.Account, error) {
			return ensureAll(ctx, p, w.plan.people[who].Person)
		})
	w.outlast(c, a.h)
	w.locked(func() bool {
		at.bulk = false
		w.noteBulk(a)
		return true
	})
}

// outlast waits, if a host has crashed, until nothing of its bulk work can be under way. When exactly a call of EnsureAll
// ends then depends on which of its goroutines the scheduler runs first.
func (w *world) outlast(c *caller, h *host) {
	var over time.Duration
	w.locked(func() bool {
		if h.dead {
			over = h.diedAt + bulkBudget + time.Minute - w.now()
		}
		return true
	})
	if over > 0 {
		c.sleep(over)
	}
}

// noteBulk notes and judges what came of bulk work, unless the host crashed: nobody was told then.
func (w *world) noteBulk(a answer) {
	if a.h.dead {
		w.note(a.h, a.who, "ends its bulk work")
		return
	}
	w.noteAnswer(a)
	w.judgeBulk(a)
}

// ensureAll provisions one person in bulk.
func ensureAll(ctx context.Context, p *provision.Provisioner, one provision.Person) (account provision.Account, err error) {
	var people iter.Seq2[provision.Person, error] = func(yield func(provision.Person, error) bool) { yield(one, nil) }
	_, ended := p.EnsureAll(ctx, people, provision.Bulk{
		Concurrency: 1, Window: 1, Budget: bulkBudget, StopAfter: -1,
		Progress: func(e provision.BulkEvent) {
			account = e.Account
			if e.Err != nil {
				err = e.Err
			}
		},
	})
	if ended != nil {
		err = ended
	}
	return account, err
}

// judgeBulk: what a bulk reports is as true as what a sign-in is told, and it takes no longer than its runs may. One run
// of a sign-in may come before its own.
func (j *judge) judgeBulk(a answer) {
	end := a.began + 2*(bulkBudget+20*time.Second)
	if a.ended > end {
		j.violate(ruleEnds, "the bulk work at %s for person %d takes from %v to %v; at most until %v was right", a.h.name,
			a.who, a.began, a.ended, end)
	}
	j.judgeResult(a)
}
