package provision

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Config is what a [Provisioner] is made of. Directory and Rules are required; every other zero value is a default.
type Config struct {
	// Directory is the tenant. Required. If it is also a [TokenSource], the step "token" asks it first.
	Directory Directory

	// Store remembers identities and progress. Nil: a [MemoryStore], which forgets when the process ends. If it is also a
	// [Leaser], the processes that share it do not work on one person at the same time.
	Store Store

	// Rules say which accounts people get. Required.
	Rules Rules

	// Extra are the host's own steps, in the order in which they run: after the licences are assigned and before the
	// account settles, or where a [PlacedStep] says.
	Extra []Step

	// Settle bounds the waiting. Its zero value is the default.
	Settle Settle

	// Pacer shares out what the directory allows. Nil: a [MemoryPacer] of this Provisioner's own, made from Pace. Several
	// Provisioners that call one tenant under one application should share one: a MemoryPacer in one process, the one of
	// package sqlstore in many.
	Pacer Pacer

	// Pace is how much of what the directory allows is used, where Pacer is nil. Its zero value is the default.
	Pace Pace

	// Priority is that of all calls. The zero value is PriorityHigh: a person is waiting. PriorityLow is for a
	// Provisioner that does nothing but bulk work.
	Priority Priority

	// Now is the clock of all times that are recorded, reported and compared. Nil: time.Now. Beside it, timers of the
	// runtime cut a call that is still under way when the budget ends, and renew the lease of a [Leaser].
	Now func() time.Time

	// Sleep waits for d, or returns an error as soon as ctx ends. A d of 0 is where several runs go on at one instant: it
	// may return at once. Nil: a timer.
	Sleep func(ctx context.Context, d time.Duration) error

	// Rand is the source of passwords and of jitter; it need not be safe for concurrent use. Nil: crypto/rand.Reader.
	// It must be unpredictable outside of tests: a password, although never used, would open an account in a domain
	// whose federation is removed one day.
	Rand io.Reader

	// Logger gets one record for each account that was created, recognised, or not provisioned, and the steps and retries
	// at level Debug. The package's documentation lists the messages to watch. Nil: nothing is logged.
	Logger *slog.Logger

	// TracerProvider gets a span for each run, step and call to the directory, as the package's documentation says. Nil:
	// there are none, whatever OpenTelemetry's global provider is.
	TracerProvider trace.TracerProvider

	// MeterProvider gets the metrics that the package's documentation lists. Nil: there are none, whatever OpenTelemetry's
	// global provider is. What is left of the pace is shown if the Pacer is a [PaceGauge]; it is asked whenever metrics are
	// collected, for as long as the MeterProvider lives.
	MeterProvider metric.MeterProvider
}

// Provisioner makes sure that people exist in Entra. It is safe for concurrent use.
type Provisioner struct {
	directory Directory
	store     Store
	rules     Rules
	extra     []placedStep
	settle    Settle
	now       func() time.Time
	sleep     func(ctx context.Context, d time.Duration) error
	logger    *slog.Logger
	observer  *observer

	flights  flights
	pacer    Pacer
	lanes    lanes
	priority Priority
	skus     skuCache
	groups   *groupCache

	joins     *joins
	creations *creations // nil: the directory creates users one by one

	randMu sync.Mutex
	rand   io.Reader
}

// New checks the configuration and returns a Provisioner. The error lists all that is wrong. Nothing is asked of the
// directory or of the store.
func New(config Config) (*Provisioner, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	p := &Provisioner{
		directory: config.Directory,
		store:     config.Store,
		rules:     config.Rules.withDefaults(),
		extra:     placed(config.Extra),
		settle:    config.Settle.withDefaults(),
		now:       config.Now,
		sleep:     config.Sleep,
		logger:    config.Logger,
		flights:   flights{running: make(map[PersonKey]*flight)},
		pacer:     config.Pacer,
		lanes:     newLanes(),
		priority:  config.Priority,
		skus:      newSKUCache(),
		rand:      config.Rand,
	}
	if p.store == nil {
		p.store = NewMemoryStore()
	}
	if p.now == nil {
		p.now = time.Now
	}
	if p.pacer == nil {
		p.pacer = newMemoryPacer(config.Pace, p.now)
	}
	if p.sleep == nil {
		p.sleep = sleep
	}
	if p.logger == nil {
		p.logger = slog.New(slog.DiscardHandler)
	}
	if p.rand == nil {
		p.rand = rand.Reader
	}
	var err error
	if p.observer, err = newObserver(config, p.pacer, p.now); err != nil {
		return nil, fmt.Errorf("provision: bad configuration: Config.MeterProvider: %w", err)
	}
	p.groups, p.joins, p.creations = newGroupCache(p), newJoins(p), newCreations(p)
	return p, nil
}

func (c Config) validate() error {
	var problems []error
	if c.Directory == nil {
		problems = append(problems, errors.New("Config.Directory is required"))
	}
	problems = append(problems, c.Rules.Validate(), c.Rules.Adopt.validate(c.Directory), c.Settle.validate(),
		c.Pace.Validate())
	_, ok := c.Directory.(Groups)
	problems = append(problems, c.Rules.validateFor(ok || c.Directory == nil))
	if c.Pacer != nil && c.Pace != (Pace{}) {
		problems = append(problems, errors.New("Config.Pace is for Provisioners without a Pacer: give it to the Pacer"))
	}
	if c.Priority != PriorityHigh && c.Priority != PriorityLow {
		problems = append(problems, fmt.Errorf("Config.Priority %d is neither PriorityHigh nor PriorityLow", c.Priority))
	}
	problems = append(problems, validateExtra(c.Extra))
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("provision: bad configuration: %w", err)
	}
	return nil
}

// Ensure makes sure that the person has an account that is licensed and ready to sign in, exactly once, and returns it.
// For a person who was ready before it asks the store only.
//
// It is idempotent: after any error, a crash, or in another process, calling it again continues where the last run
// stopped. Calls for one person at the same time share one run in this process; those that join it take its result,
// and what their Person says beyond the key, the UPN and the ImmutableID is not used. A run of [Provisioner.EnsureAll]
// that Ensure joins is hurried from then on, and waited for no longer than Settle.Budget.
//
// When ctx ends, Ensure returns at once. The run goes on for whoever else waits; if nobody does, it is cancelled. A
// creation or a licence assignment that has begun is let finish and is recorded even then.
//
// Somebody who was retired gets an error that matches [ErrRetired], and nothing is touched: see [Provisioner.Retire].
//
// The error is an *[Error].
func (p *Provisioner) Ensure(ctx context.Context, person Person) (Account, error) {
	return p.EnsureWithProgress(ctx, person, nil)
}

// EnsureWithProgress is [Provisioner.Ensure] and tells what happens meanwhile. A caller that joins a run first gets all
// events that the run has had, in their order, and then each as it happens; of a run of [Provisioner.EnsureAll] only the
// last one, because nobody was there to be told the others.
//
// progress is called in the caller's own goroutine: never twice at once, and never after EnsureWithProgress returned. A
// slow progress delays its own caller and nobody else.
func (p *Provisioner) EnsureWithProgress(
	ctx context.Context, person Person, progress func(Event),
) (Account, error) {
	if err := p.validate(person); err != nil {
		return Account{}, &Error{Step: stepValidate, Person: person.Key(), Err: err}
	}
	return p.attend(ctx, errand{kind: ensuring}, person.normalised(), progress)
}

// attend joins the person's run of an errand, or starts it, and follows it to its end. progress may be nil.
func (p *Provisioner) attend(
	ctx context.Context, e errand, person Person, progress func(Event),
) (Account, error) {
	key := person.Key()
	if ctx.Err() != nil {
		return Account{}, &Error{Step: e.first(), Person: key, Err: ended(ctx)}
	}
	if e.kind == ensuring && p.flights.maintained(key) {
		if account, ready := p.wasReady(ctx, person); ready {
			return account, nil
		}
	}
	how := plan{errand: e, priority: p.priority, budget: p.settle.Budget}
	f, came, err := p.flights.join(ctx, key, how, p.flyer(person))
	if err != nil {
		return Account{}, &Error{Step: e.first(), Person: key, Err: err}
	}
	defer p.flights.leave(f)
	if came == joined {
		p.observer.link(ctx, f)
		if failure := p.refused(e, person); failure != nil {
			return Account{}, failure
		}
	}

	account, err := p.follow(ctx, f, progress)
	if failure := f.failure(person, account, err); failure != nil {
		return Account{}, failure
	}
	return account, nil
}

// refused is the error of a person who is refused; nil for everybody else. A run that others began was decided by what
// they said of the person.
func (p *Provisioner) refused(e errand, person Person) *Error {
	if e.kind != ensuring {
		return nil
	}
	if err := p.rules.decide(person).refusal(); err != nil {
		return &Error{Step: StepSelect, Person: person.Key(), Err: err}
	}
	return nil
}

// wasReady is what the first steps of a run would find of somebody who was ready before: they do not wait for bulk work.
func (p *Provisioner) wasReady(ctx context.Context, person Person) (account Account, ready bool) {
	r := &run{caller: caller{p: p}, person: person}
	if r.choose(); r.decision.action != ActionProvision {
		return Account{}, false
	}
	result, err := r.load(ctx)
	return r.account, err == nil && result == complete
}

// follow waits for the run's end, but not for longer than a sign-in may take: a run of [Provisioner.EnsureAll] may.
func (p *Provisioner) follow(ctx context.Context, f *flight, progress func(Event)) (Account, error) {
	if f.plan.budget <= p.settle.Budget {
		return f.follow(ctx, progress)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.settle.Budget, errBudget)
	defer cancel()
	account, err := f.follow(ctx, progress)
	if err != nil && errors.Is(err, errBudget) {
		err = f.overdue(p.settle.Budget)
	}
	return account, err
}

// flyer returns what runs for the person.
func (p *Provisioner) flyer(person Person) func(*flight) {
	return func(f *flight) { p.fly(f, person) }
}

// fly is one run, in a goroutine of its own, from the first event to the landing.
func (p *Provisioner) fly(f *flight, person Person) {
	defer f.cancel(nil)
	ctx, cancel := context.WithTimeoutCause(f.ctx, f.plan.budget, errBudget)
	defer cancel()
	began := p.now()
	r := &run{
		caller: caller{
			p:        p,
			log:      p.logger.With("connection", person.Connection, "person", person.ID),
			priority: f.plan.priority,
			raised:   f.raised,
			budget:   f.plan.budget,
			deadline: began.Add(f.plan.budget),
		},
		errand:  f.plan.errand,
		work:    f.plan.work,
		person:  person,
		publish: f.tell,
		began:   began,
		unlease: func() {},
	}
	r.waiting = r.tell
	r.choose()
	ctx, seen := p.observer.beginRun(ctx, subject{
		errand: f.plan.errand.kind.String(), connection: person.Connection, apart: f.plan.apart,
	})
	f.observed(seen.span)
	account, err := Account{}, error(&Error{Step: f.plan.errand.first(), Person: person.Key(), Err: errExited})
	defer func() {
		r.endRun(ctx, seen, account, err)
		p.flights.land(person.Key(), f, account, err)
	}()
	account, err = r.guarded(ctx)
}

// errExited is the result of a run whose goroutine was ended by code of the host.
var errExited = errors.New("the run's goroutine was ended from outside (runtime.Goexit)")

// guarded turns a panic in the host's code (a rule, a step, a store, a directory) into an error: it would otherwise end
// the process, because the run is not in the goroutine of the request.
func (r *run) guarded(ctx context.Context) (account Account, err error) {
	defer func() {
		if v := recover(); v != nil {
			r.log.ErrorContext(ctx, "panic", "step", r.step, "panic", v, "stack", string(debug.Stack()))
			account, err = Account{}, r.fail(ctx, fmt.Errorf("panic: %v", v))
		}
	}()
	return r.do(ctx)
}

// random fills b from the configured source, which need not be safe for concurrent use.
func (p *Provisioner) random(b []byte) error {
	p.randMu.Lock()
	defer p.randMu.Unlock()
	_, err := io.ReadFull(p.rand, b)
	return err
}

// sleep is the default Config.Sleep.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
