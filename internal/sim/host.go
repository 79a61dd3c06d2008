package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// errCrashed is all that a host sees of the world after it crashed.
var errCrashed = errors.New("crashed")

// host is one life of a host: a Provisioner and what it uses, from a start to a crash. All that is in memory ends with
// it; the store does not.
type host struct {
	w           *world
	number      int
	life        int    // of all lives of all hosts, from 0 on
	lives       int    // of this host, with this one
	name        string // of this life: a new one is somebody else to the directory and to the store
	store       *memory
	pace        *pace
	provisioner *provision.Provisioner

	ctx   context.Context
	kill  context.CancelFunc
	crash crash
	calls int
	begun [5][lanes]int // calls so far, of each person

	dead      bool
	diedAt    time.Duration
	storeFail bool // the store has failed at least once
}

// A host does two things at once for one person; and what was cut off may still arrive. Whoever is woken early goes on at
// instants apart: a batch that is made in a person's name may be cut short when the person's run leaves it.
const (
	laneRun   = iota // the run
	laneRenew        // the renewal of its lease
	laneLate         // calls that nobody waits for any more
	laneCut          // what is woken early
	lanes
)

// newHost starts a host.
func (w *world) newHost(number int) *host {
	h := &host{w: w, number: number, life: w.born, store: w.stores[w.plan.hosts[number].store]}
	w.born++
	h.lives = 1
	if before := w.lives[number]; before != nil {
		h.lives = before.lives + 1
	}
	h.name = "host " + strconv.Itoa(number+1) + "." + strconv.Itoa(h.lives)
	if crashes := w.plan.hosts[number].crashes; h.lives <= len(crashes) {
		h.crash = crashes[h.lives-1]
	}
	h.ctx, h.kill = context.WithCancel(context.Background())
	passwords := newDice(w.plan.seed, forPasswords, uint64(h.life))
	var err error
	h.provisioner, err = provision.New(provision.Config{
		Directory: directory{h},
		Store:     h.storeInUse(),
		Rules:     w.plan.rules,
		Settle:    w.plan.settle,
		Pacer:     h.pacer(),
		Sleep:     h.sleep,
		Rand:      &passwords,
	})
	if err != nil {
		panic(err) // the plan is wrong
	}
	w.note(h, 0, "starts")
	return h
}

// die ends the life. Who waits for it is sent away; what it has on the wire may still arrive.
func (h *host) die(down time.Duration) {
	h.dead, h.diedAt = true, h.w.now()
	h.w.downTo[h.number] = h.diedAt + down
	h.w.note(h, 0, "crashes, and is down for %v", down)
	h.kill()
}

// sleep is the Provisioner's Config.Sleep.
func (h *host) sleep(ctx context.Context, d time.Duration) error {
	who := personOf(ctx)
	return h.w.sleep(ctx, d, h.slot(who, laneRun), h.slot(who, laneCut))
}

// slot is the instant of a microsecond at which one lane of one person wakes up. No other one does.
func (h *host) slot(who, lane int) int { return ((h.life*len(h.begun)+who)*lanes + lane) % callerSlot }

func personOf(ctx context.Context) int {
	who, _ := ctx.Value(personKey{}).(int)
	return who
}

// call is one call from a host to the directory or to its store.
type call struct {
	h    *host
	op   string
	who  int
	lane int
	dice dice

	about []int  // the people whose accounts it changes
	text  string // what was asked, for the log
}

// begin makes a call, unless the host is dead or the caller has left.
func (h *host) begin(ctx context.Context, op string, lane int) (*call, error) {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	return h.beginLocked(ctx, op, lane)
}

func (h *host) beginLocked(ctx context.Context, op string, lane int) (*call, error) {
	if h.dead {
		return nil, errCrashed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	who := personOf(ctx)
	h.begun[who][lane]++
	return &call{h: h, op: op, who: who, lane: lane,
		dice: newDice(h.w.plan.seed, forCalls, uint64(h.life), uint64(who), uint64(lane), uint64(h.begun[who][lane]))}, nil
}

// beginRequest makes a call to the directory, and has it judged that it comes now.
func (h *host) beginRequest(ctx context.Context, r request) (*call, error) {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	c, err := h.beginLocked(ctx, r.op, laneRun)
	if err != nil {
		return nil, err
	}
	c.text, c.about = r.text, r.about
	h.w.judgePace(h, r.writes)
	return c, nil
}

// travel is the way to the other end.
func (c *call) travel(ctx context.Context, d time.Duration) error {
	cut := c.lane
	if cut == laneRun {
		cut = laneCut
	}
	return c.h.w.sleep(ctx, d, c.h.slot(c.who, c.lane), c.h.slot(c.who, cut))
}

// arrive lets a call take effect at the other end, and brings the answer back. The host may crash before or after that;
// if it has crashed already, the call may take effect, but what it answers is lost.
func (c *call) arrive(effect, lost func() error) error {
	h, w := c.h, c.h.w
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tenant.catchUp()
	if w.arrived++; w.arrived > maxCalls {
		return errGivenUp
	}
	if h.dead {
		if c.dice.in(50) { // it was on the wire already
			w.stray(c, "arrives without its host", lost())
		}
		return errCrashed
	}
	h.calls++
	crashes := h.calls == h.crash.call
	if crashes && !h.crash.after {
		h.die(h.crash.down)
		return errCrashed
	}
	err := effect()
	w.noteCall(c, "", err)
	if crashes {
		h.die(h.crash.down)
		return errCrashed
	}
	return err
}

// cutOff ends a call whose caller has left before it arrived. It may arrive all the same, later.
func (c *call) cutOff(cause error, write bool, lost func() error) {
	w := c.h.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if !write || c.dice.in(50) {
		return
	}
	late := c.dice.between(time.Millisecond, []time.Duration{time.Second, 20 * time.Second}[c.dice.below(2)])
	until := nextInstant(w.now()+late, c.h.slot(c.who, laneLate))
	time.AfterFunc(until-w.now(), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.tenant.catchUp()
		w.stray(c, fmt.Sprintf("arrives late, after its caller's %v", cause), lost())
	})
}
