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
	weight int  // how often it is drawn, compared with the others
	leaves bool // it is drawn in histories only in which people leave
	do     func(*world, action, *caller)
}

func kinds() []kind {
	return []kind{
		{"signs in", 60, false, (*world).signIn},
		{"signs in and leaves", 20, false, (*world).signInBriefly},
		{"signs in everywhere", 10, false, (*world).signInEverywhere},
		{"crash", 7, false, (*world).crashNow},
		{"crash that loses the store", 3, false, (*world).crashForgetting},
		{"is retired", 35, true, (*world).retire},
		{"is restored", 25, true, (*world).restore},
		{"is deleted by an administrator", 3, true, (*world).deleteByHand},
	}
}

func drawAction(d *dice, p *plan, number int) action {
	a := action{
		host:     d.below(len(p.hosts)),
		person:   number,
		at:       d.between(0, []time.Duration{time.Second, time.Second, 90 * time.Second, 6 * time.Minute}[d.below(4)]),
		patience: 5 * time.Minute,
		retries:  d.below(3),
	}
	all, total := kinds(), 0
	all = slices.DeleteFunc(all, func(k kind) bool { return k.leaves && !p.leaving })
	for _, k := range all {
		total += k.weight
	}
	drawn := d.below(total)
	for _, k := range all {
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
