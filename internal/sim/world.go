package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/entrafed/entrafed/internal/bubble"
	"github.com/entrafed/entrafed/provision"
)

// world is one history while it happens. It lives in a bubble of virtual time.
//
// Everything that happens in it happens at an instant of its own, which follows from the seed: whoever calls the
// directory or a store sleeps first, and wakes up at an instant that belongs to that caller alone (see [world.sleep]).
// So no two goroutines ever run at the same instant and do something that the other one could notice, and the order of
// all that happens is the same each time, on any machine. The mutex is there for the memory model.
type world struct {
	plan  plan
	began time.Time

	mu      sync.Mutex
	tenant  *tenant
	stores  []*memory
	lives   []*host // of each host the present life, or the last one
	downTo  []time.Duration
	born    int // lives so far
	callers sync.WaitGroup
	called  int // callers so far
	arrived int // calls so far
	took    time.Duration
	away    [3][5]away // of each host and person
	pace    *pace      // that all hosts share; nil: each has its own

	deployed bool // the rules have changed
	before   []provision.License

	*judge
	log log
}

// epoch is when virtual time begins: see [bubble.Run].
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// The bounds of a history. Whatever reaches them waits for ever.
const (
	maxCalls    = 50_000
	maxDuration = 24 * time.Hour
)

var errGivenUp = errors.New("the history is longer than any should be")

// history is what became of one seed.
type history struct {
	seed       uint64
	violations []violation
	calls      int           // to the directory and to the stores, until they arrived
	took       time.Duration // virtual time
	log        log
}

// simulate runs the history of a seed.
func simulate(seed uint64, logging bool) history {
	w := newWorld(drawPlan(seed), logging)
	if err := bubble.Run(w.run); err != nil {
		w.violate(ruleEnds, "%v", err)
	}
	return history{seed, w.violations, w.arrived, w.took, w.log}
}

func newWorld(p plan, logging bool) *world {
	w := &world{
		plan:   p,
		lives:  make([]*host, len(p.hosts)),
		downTo: make([]time.Duration, len(p.hosts)),
		log:    log{on: logging},
	}
	w.judge = newJudge(w)
	w.tenant = newTenant(&w.plan, w.now)
	for _, s := range p.stores {
		w.stores = append(w.stores, newMemory(s))
	}
	return w
}

// run is the history: everything that the plan says, the calm after it, and the judgement.
func (w *world) run(context.Context) {
	w.began = time.Now()
	w.notePlan()
	if w.plan.pace != nil {
		w.pace = newPace(*w.plan.pace)
	}
	for _, a := range w.plan.actions {
		w.start(func(c *caller) {
			c.sleep(a.at)
			a.kind.do(w, a, c)
		})
	}
	for _, r := range w.plan.reconcilers {
		w.start(func(c *caller) { w.keepReconciling(r, c) })
	}
	if w.plan.deployment.at > 0 {
		w.start(w.deploy)
	}
	w.callers.Wait()
	w.start(w.finish)
	w.callers.Wait()
	w.took = w.now()
}

// The instants of a microsecond are given out: those of hosts first, then those of callers.
const (
	slots      = 1000 // nanoseconds; the pipeline's own timers are multiples of it
	callerSlot = 800
)

// caller is a goroutine that acts from outside.
type caller struct {
	w    *world
	slot int
	dice dice
}

// start runs a caller.
func (w *world) start(do func(*caller)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := &caller{w, callerSlot + w.called%(slots-callerSlot), newDice(w.plan.seed, forSignIns, uint64(w.called))}
	w.called++
	w.callers.Go(func() { do(c) })
}

// now is the time since the history began.
func (w *world) now() time.Duration { return time.Since(w.began) }

// sleep waits for d, and on to the next instant that belongs to the slot. When ctx ends meanwhile, it does so with the
// slot cut: several contexts may end at one instant, and who returned at once might find some of them ended and some not.
func (w *world) sleep(ctx context.Context, d time.Duration, slot, cut int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := w.now()
	if now > maxDuration {
		return errGivenUp
	}
	if ctx.Done() == nil {
		time.Sleep(nextInstant(now+d, slot) - now)
		return nil
	}
	timer := time.NewTimer(nextInstant(now+d, slot) - now)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		now = w.now()
		time.Sleep(nextInstant(now, cut) - now)
		return ctx.Err()
	}
}

// nextInstant is the next one after at that belongs to a slot.
func nextInstant(at time.Duration, slot int) time.Duration {
	at++
	return at + (time.Duration(slot)-at%slots+slots)%slots
}

func (c *caller) sleep(d time.Duration) { _ = c.w.sleep(context.Background(), d, c.slot, c.slot) }

// alive is the present life of a host, which is started if it is down and has been for long enough.
func (w *world) alive(c *caller, number int) *host {
	for {
		h, wait := w.boot(number)
		if h != nil {
			return h
		}
		c.sleep(wait)
	}
}

func (w *world) boot(number int) (h *host, wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h := w.lives[number]; h != nil && !h.dead {
		return h, 0
	}
	if wait := w.downTo[number] - w.now(); wait > 0 {
		return nil, wait
	}
	w.lives[number] = w.newHost(number)
	return w.lives[number], 0
}

// personKey is where a context says for whom a call is made.
type personKey struct{}

// ensure signs a person in at a host, and has the answer judged.
func (w *world) ensure(c *caller, number, who int, patience time.Duration) error {
	leave := w.comeIn(c, number, who)
	a := w.visit(c, number, who, patience, "signs in",
		func(ctx context.Context, p *provision.Provisioner) (provision.Account, error) {
			return p.Ensure(ctx, w.plan.people[who].Person)
		})
	w.mu.Lock()
	defer w.mu.Unlock()
	leave(a.left)
	w.tenant.catchUp()
	w.noteAnswer(a)
	w.judgeAnswer(a)
	return a.err
}

// visit makes a call to a host for a person.
func (w *world) visit(c *caller, number, who int, patience time.Duration, what string,
	call func(context.Context, *provision.Provisioner) (provision.Account, error),
) answer {
	h := w.alive(c, number)
	ctx, cancel := context.WithTimeout(context.WithValue(h.ctx, personKey{}, who), patience)
	defer cancel()
	a := answer{h: h, who: who, began: w.now(), patience: patience}
	w.noteAt(h, who, what)
	a.account, a.err = call(ctx, h.provisioner)
	a.ended, a.left = w.now(), ctx.Err() != nil
	c.sleep(0)
	return a
}

// How everybody gets another chance when the storm is over: the pauses are longer than any lag, any lease and any 429.
const (
	calm          = 10 * time.Minute
	finalAttempts = 4
	finalPause    = 3 * time.Minute
)

// finish lets every host provision everybody in calm weather, and looks at what is left.
func (w *world) finish(c *caller) {
	c.sleep(max(0, w.plan.weather.lasts-w.now()) + calm)
	w.becalm()
	if w.plan.leaving {
		w.bringBack(c)
	}
	w.finishAll(c)
	if w.deployed {
		w.swapAll(c)
	}
	if len(w.plan.reconcilers) > 0 {
		w.reconcileAll(c)
	}
	if w.deployed || len(w.plan.reconcilers) > 0 {
		w.finishAll(c)
	}
	c.sleep(calm) // what is still under way ends
	w.locked(func() bool { w.audit(); return true })
}

// finishAll provisions everybody at every host.
func (w *world) finishAll(c *caller) {
	for number := range w.plan.hosts {
		for who := 1; who < len(w.plan.people); who++ {
			w.finishOne(c, number, who)
		}
	}
}

// becalm ends all that makes trouble.
func (w *world) becalm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(nil, 0, "the storm is over")
	w.plan.weather.writes, w.plan.weather.units = bucket{size: 1e6, perSecond: 1e6}, bucket{size: 1e6, perSecond: 1e6}
	for i := range w.plan.hosts {
		w.plan.hosts[i].crashes = nil
	}
	for _, h := range w.lives {
		if h != nil {
			h.crash = crash{}
		}
	}
}

// finishOne provisions one person at one host, who has the right answer after some attempts.
func (w *world) finishOne(c *caller, number, who int) {
	var problem string
	for range finalAttempts {
		err := w.ensure(c, number, who, time.Hour)
		if problem = w.problem(who, err); problem == "" {
			return
		}
		c.sleep(finalPause)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.violate(ruleArrives, "person %d at host %d, in calm weather: %s", who, number+1, problem)
}

// problem says why an answer is not the one that a person should get in the end, or "".
func (w *world) problem(who int, err error) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tenant.catchUp()
	switch {
	case w.plan.people[who].banned && errors.Is(err, provision.ErrRefused):
	case w.plan.people[who].refused && errors.Is(err, provision.ErrConflict):
	case err == nil: // who is told so wrongly has been judged already
	case w.meddled[who]:
	case errors.Is(err, provision.ErrNoLicense) && !w.seatFor(who):
	default:
		return err.Error()
	}
	return ""
}

// numbered is the number of the person who has a display name, or 0.
func (w *world) numbered(name string) int {
	for i, p := range w.plan.people {
		if i > 0 && p.DisplayName == name {
			return i
		}
	}
	return 0
}

// keyed is the number of the person who has a key, or 0.
func (w *world) keyed(key provision.PersonKey) int {
	for i, p := range w.plan.people {
		if i > 0 && p.Key() == key {
			return i
		}
	}
	return 0
}

// owner is the number of the person whose account an object is, or 0.
func (w *world) owner(o *object) int {
	if o == nil {
		return 0
	}
	if o.creator != 0 {
		return o.creator
	}
	for i, p := range w.plan.people {
		if i > 0 && p.immutableID == o.ImmutableID {
			return i
		}
	}
	return 0
}
