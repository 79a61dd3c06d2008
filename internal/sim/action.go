package main

import (
	"slices"
	"time"
)

// action is one thing that happens from outside.
type action struct {
	kind     kind
	at       time.Duration // since the history began
	host     int
	person   int
	patience time.Duration // how long the caller waits for one answer
	retries  int           // how often the caller tries again
}

// kind is one kind of action. A new one is a row of [kinds] and the method that the row names.
type kind struct {
	name   string
	weight int // how often it is drawn, compared with the others
	in     histories
	do     func(*world, action, *caller)
}

// histories are those in which a kind of action is drawn.
type histories int

const (
	all         histories = iota
	leaving               // people are retired and restored
	reconciling           // a host reconciles, and mends what administrators do
	bulky                 // people are provisioned in bulk
	deploying             // the rules change
)

func kinds() [14]kind {
	return [...]kind{
		{"signs in", 60, all, (*world).signIn},
		{"signs in and leaves", 20, all, (*world).signInBriefly},
		{"signs in everywhere", 10, all, (*world).signInEverywhere},
		{"crash", 7, all, (*world).crashNow},
		{"crash that loses the store", 3, all, (*world).crashForgetting},
		{"is retired", 35, leaving, (*world).retire},
		{"is restored", 25, leaving, (*world).restore},
		{"is deleted by an administrator", 3, leaving, (*world).deleteByHand},
		{"loses a seat to an administrator", 25, reconciling, (*world).unseatByHand},
		{"is taken out of a group by an administrator", 20, reconciling, (*world).removeByHand},
		{"is blocked by an administrator", 25, reconciling, (*world).blockByHand},
		{"is deleted by an administrator", 5, reconciling, (*world).deleteLater},
		{"are provisioned in bulk", 40, bulky, (*world).provisionInBulk},
		{"is moved to the present licences", 40, deploying, (*world).swap},
	}
}

// kinds are those that are drawn in this history.
func (p *plan) kinds() []kind {
	drawn := [...]bool{
		all: true, leaving: p.leaving, reconciling: len(p.reconcilers) > 0, bulky: p.bulk, deploying: p.deployment.at > 0,
	}
	every := kinds()
	return slices.DeleteFunc(every[:], func(k kind) bool { return !drawn[k.in] })
}

func drawAction(d *dice, p *plan, kinds []kind, number int) action {
	a := action{
		host:     d.below(len(p.hosts)),
		person:   number,
		at:       d.between(0, []time.Duration{time.Second, time.Second, 90 * time.Second, 6 * time.Minute}[d.below(4)]),
		patience: 5 * time.Minute,
		retries:  d.below(3),
	}
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	drawn := d.below(total)
	for _, k := range kinds {
		if drawn -= k.weight; drawn < 0 {
			a.kind = k
			break
		}
	}
	return a
}

// signIn signs a person in at one host, and again if that fails.
func (w *world) signIn(a action, c *caller) {
	for attempt := 0; attempt <= a.retries; attempt++ {
		if attempt > 0 {
			c.sleep(c.dice.between(time.Second, 40*time.Second))
		}
		if w.ensure(c, a.host, a.person, a.patience) == nil {
			return
		}
	}
}

// signInBriefly signs a person in who does not wait for long.
func (w *world) signInBriefly(a action, c *caller) {
	a.patience = c.dice.between(time.Millisecond, []time.Duration{time.Second, 40 * time.Second}[c.dice.below(2)])
	w.signIn(a, c)
}

// signInEverywhere signs a person in at all hosts at nearly the same time.
func (w *world) signInEverywhere(a action, _ *caller) {
	for host := range w.plan.hosts {
		at := a
		at.host = host
		w.start(func(c *caller) {
			c.sleep(c.dice.between(time.Millisecond, time.Second))
			w.signIn(at, c)
		})
	}
}

// crashNow ends the life of a host between two calls, or in the middle of some.
func (w *world) crashNow(a action, c *caller) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h := w.lives[a.host]; h != nil && !h.dead {
		h.die(c.dice.between(time.Second, time.Minute))
	}
}

// crashForgetting ends the life of a host and takes its store with it, if no other host uses that.
func (w *world) crashForgetting(a action, c *caller) {
	w.crashNow(a, c)
	w.mu.Lock()
	defer w.mu.Unlock()
	store := w.plan.hosts[a.host].store
	for i, other := range w.plan.hosts {
		if i != a.host && other.store == store {
			return
		}
	}
	w.stores[store] = newMemory(w.plan.stores[store])
	w.note(nil, 0, "store %d is lost", store+1)
}
