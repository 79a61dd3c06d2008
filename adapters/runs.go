package adapters

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// runs holds the provisioning that this process does on behalf of browsers. A run goes on while its browser is between
// two requests. What it knows is only for showing: a replica without it starts one of its own, and the pipeline makes
// sure that there is one account.
type runs struct {
	people  People
	profile Profiler // nil: what the host stated is all there is
	now     func() time.Time
	log     *slog.Logger
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	byPerson map[provision.PersonKey]*run
	ended    []*run // in the order in which they ended, nearly
}

// keepResult is how long an ended run is kept for the browser to come and see it.
const keepResult = time.Minute

func newRuns(people People, profile Profiler, now func() time.Time, log *slog.Logger) *runs {
	ctx, cancel := context.WithCancel(context.Background())
	return &runs{
		people: people, profile: profile, now: now, log: log, ctx: ctx, cancel: cancel, byPerson: map[provision.PersonKey]*run{},
	}
}

var errClosed = errors.New("adapters: the Bridge is closed")

// of returns the person's run and starts it if there is none. What ended before this sign-in came to it says nothing any
// more, for a person may have left since; and a failed run is started again if the person asks for it. The run's context has
// the values of the first request's, so that its trace goes on, and outlives the request.
func (rs *runs) of(ctx context.Context, person identified, retry bool) (*run, error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.ctx.Err() != nil {
		return nil, errClosed
	}
	rs.sweep()
	if known, ok := rs.byPerson[person.Person.Key()]; ok && !known.over(person.Since, retry) {
		return known, nil
	}
	started := &run{
		key: person.Person.Key(), steps: []stepView{}, changed: make(chan struct{}), ended: make(chan struct{}),
	}
	rs.byPerson[started.key] = started
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(rs.ctx, cancel)
	rs.running.Go(func() {
		defer cancel()
		defer stop()
		rs.perform(ctx, person.SignedIn, started)
	})
	return started, nil
}

// errExited is the result of a run whose goroutine was ended by code of the host.
var errExited = errors.New("adapters: the run's goroutine was ended by the host (runtime.Goexit)")

// perform is one run, up to its end. A panic of the host's ends this run and not the process, as net/http does it where the
// host is called by a handler; and where the host ends the goroutine, the run has ended as well.
func (rs *runs) perform(ctx context.Context, person SignedIn, r *run) {
	account, err := provision.Account{}, errExited
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("adapters: a panic of the host's: %v", value)
			rs.logCrash(ctx, person, "a panic of the host's", "panic", value)
		} else if errors.Is(err, errExited) {
			rs.logCrash(ctx, person, "the host ended a goroutine of the Bridge's")
		}
		r.end(account, err, rs.now())
		rs.mu.Lock()
		defer rs.mu.Unlock()
		rs.ended = append(rs.ended, r)
	}()
	account, err = rs.ensure(ctx, person, r.add)
}

// logCrash is called by what the crash deferred: the stack shows where it happened.
func (rs *runs) logCrash(ctx context.Context, person SignedIn, what string, details ...any) {
	rs.log.ErrorContext(ctx, what, append(details, "connection", person.Person.Connection, "stack", string(debug.Stack()))...)
}

// ensure asks the host for the whole profile, and then the pipeline for the account.
func (rs *runs) ensure(ctx context.Context, person SignedIn, progress func(provision.Event)) (account provision.Account, err error) {
	whole := person.Person
	if rs.profile != nil {
		if whole, err = rs.profile.Profile(ctx, person); err != nil {
			return provision.Account{}, fmt.Errorf("%w has no profile: %w", errHost, err)
		}
		if whole.Key() != person.Person.Key() {
			return provision.Account{}, fmt.Errorf("%w returned the profile of somebody else", errHost)
		}
	}
	return rs.people.EnsureWithProgress(ctx, whole, progress)
}

// profilerOf is the Authenticator as a Profiler, or nil if it is none.
func profilerOf(host Authenticator) Profiler {
	profiler, _ := host.(Profiler)
	return profiler
}

// sweep forgets what ended a while ago. It looks at no more than it forgets, and one.
func (rs *runs) sweep() {
	oldest := rs.now().Add(-keepResult)
	for len(rs.ended) > 0 && rs.ended[0].at.Before(oldest) {
		over := rs.ended[0]
		rs.ended[0], rs.ended = nil, rs.ended[1:]
		if rs.byPerson[over.key] == over {
			delete(rs.byPerson, over.key)
		}
	}
}

func (rs *runs) close(ctx context.Context) error {
	rs.mu.Lock()
	rs.cancel()
	rs.mu.Unlock()
	done := make(chan struct{})
	go func() { rs.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run is the provisioning of one person.
type run struct {
	key   provision.PersonKey
	ended chan struct{} // closed when the result is there

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever there is news
	steps   []stepView
	at      time.Time // when it ended; it does not change any more
	account provision.Account
	err     error
}

func (r *run) add(e provision.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = fold(r.steps, e)
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *run) end(account provision.Account, err error, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.account, r.err, r.at = account, err, at
	close(r.ended)
}

// wait reports whether the run ended before ctx did.
func (r *run) wait(ctx context.Context) bool {
	select {
	case <-r.ended:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *run) result() (provision.Account, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.account, r.err
}

// over reports whether another run must begin: because this one ended before a time, or because it failed and is retried.
func (r *run) over(since time.Time, retry bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := !r.at.IsZero() && r.at.Before(since)
	return before || retry && r.err != nil
}

// follow returns what is known now, and a channel that is closed when there is more.
func (r *run) follow() ([]stepView, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.steps), r.changed
}

func (r *run) view() []stepView {
	view, _ := r.follow()
	return view
}

// stepView is a step as the person sees it.
type stepView struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	State string `json:"state"` // "doing", "done" or "failed"
}

// fold adds an event to the steps. Steps with nothing to do are not worth showing.
func fold(steps []stepView, e provision.Event) []stepView {
	at := slices.IndexFunc(steps, func(s stepView) bool { return s.Name == e.Step })
	switch {
	case e.State == provision.Skipped && at < 0:
		return steps
	case e.State == provision.Skipped:
		return slices.Delete(steps, at, at+1)
	case at < 0:
		return append(steps, stepView{Name: e.Step, Label: e.Message, State: stateOf(e.State)})
	}
	steps[at].State = stateOf(e.State)
	return steps
}

func stateOf(s provision.State) string {
	switch s {
	case provision.Done:
		return "done"
	case provision.Failed:
		return "failed"
	}
	return "doing"
}
