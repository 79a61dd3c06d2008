package provision

import (
	"context"
	"log/slog"
	"time"
)

// Coalescer is the coalescer of wants that are numbers, for tests.
type Coalescer struct{ inner *coalescer[string, int, int] }

// Gathered is what one call of it is for.
type Gathered struct {
	batch   *batch[int, int]
	tickets map[int]*ticket[int, int]
}

func NewCoalescer(
	limit int, linger time.Duration, call func(ctx context.Context, key string, g *Gathered) error,
) *Coalescer {
	return &Coalescer{&coalescer[string, int, int]{
		limit: limit, linger: linger, sleep: sleep, log: slog.New(slog.DiscardHandler),
		queues: make(map[string]*queue[int, int]),
		call: func(ctx context.Context, key string, b *batch[int, int]) error {
			return call(ctx, key, &Gathered{b, make(map[int]*ticket[int, int])})
		},
	}}
}

func (c *Coalescer) Do(ctx context.Context, key string, want int, patient bool) (int, error) {
	return c.inner.do(ctx, key, want, patient, nil)
}

// DoUntil is Do for a patient caller who is in a hurry once hurried is closed.
func (c *Coalescer) DoUntil(ctx context.Context, key string, want int, hurried <-chan struct{}) (int, error) {
	return c.inner.do(ctx, key, want, true, hurried)
}

// Queues is how many keys something is kept for.
func (c *Coalescer) Queues() int {
	c.inner.mu.Lock()
	defer c.inner.mu.Unlock()
	return len(c.inner.queues)
}

// Take returns the wants that have not left.
func (g *Gathered) Take() []int {
	var wants []int
	for _, t := range g.batch.take() {
		wants = append(wants, t.want)
		g.tickets[t.want] = t
	}
	return wants
}

func (g *Gathered) Settle(want, result int, err error) { g.batch.settle(g.tickets[want], result, err) }

// ErrLeft is what a caller gets who did not wait, ErrHurried one who cannot wait any more.
var (
	ErrLeft    = errLeft
	ErrHurried = errHurried
)

// EnsureLow is one run for bulk work, in the goroutine of the caller.
func (p *Provisioner) EnsureLow(ctx context.Context, person Person) (Account, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.settle.Budget, errBudget)
	defer cancel()
	r := &run{
		caller: caller{
			p: p, log: p.logger, priority: PriorityLow, budget: p.settle.Budget, deadline: p.now().Add(p.settle.Budget),
		},
		person:  person.normalised(),
		publish: func(Event) {},
		began:   p.now(),
		unlease: func() {},
	}
	r.waiting = r.tell
	r.choose()
	return r.guarded(ctx)
}

// JoinAndLeave makes a new account a member of a group and ends that again.
func (p *Provisioner) JoinAndLeave(ctx context.Context, person Person, group string) (joined, left error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.settle.Budget, errBudget)
	defer cancel()
	rec, err := p.store.Load(ctx, person.Key())
	if err != nil {
		return err, nil
	}
	r := &run{
		caller:  caller{p: p, log: p.logger, budget: p.settle.Budget, deadline: p.now().Add(p.settle.Budget)},
		person:  person,
		publish: func(Event) {},
		began:   p.now(),
	}
	r.waiting = r.tell
	r.remember(rec)
	found, err := r.findGroup(ctx, group)
	if err != nil {
		return err, nil
	}
	return r.joinGroup(ctx, found), r.leaveGroup(ctx, found.ObjectID)
}

// MailNickname is what newUser makes of a UPN.
var MailNickname = mailNickname

// Check is what Ensure checks first.
func Check(p *Provisioner, person Person) error { return p.validate(person) }
