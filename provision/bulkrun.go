package provision

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"sync"
)

// bulkRun is one call of EnsureAll. The input is pulled by one goroutine, which begins a run for each person; each run
// has another one that waits for it; what they come to is put in order by the goroutine of the call.
type bulkRun struct {
	p *Provisioner
	Bulk

	stop    context.CancelCauseFunc
	window  chan struct{} // a token for everybody who was pulled and is not reported
	working chan struct{} // a token for everybody who is worked on
	workers sync.WaitGroup
	landed  chan bulkResult // closed when the input has ended and nobody is worked on
	end     error           // how the input ended; written before landed is closed

	// What follows belongs to the goroutine of the call.
	report   BulkReport
	waiting  map[int]bulkResult // what has landed and is not reported, by index
	streak   int                // how many hopeless failures came one after the other
	hopeless error              // that they ended the bulk
}

// bulkResult is what became of one person, if they are finished.
type bulkResult struct {
	BulkEvent
	finished bool
}

func newBulkRun(p *Provisioner, bulk Bulk, report BulkReport) *bulkRun {
	return &bulkRun{
		p: p, Bulk: bulk, report: report,
		window:  make(chan struct{}, bulk.Window),
		working: make(chan struct{}, bulk.Concurrency),
		landed:  make(chan bulkResult),
		waiting: make(map[int]bulkResult),
	}
}

// Why a bulk ends before its input.
var (
	errBulkEnded   = errors.New("the bulk has ended")
	errInputExited = errors.New("the input ended its goroutine (runtime.Goexit)")
)

// pull goes through the input until it ends, and then waits for those who are worked on.
func (b *bulkRun) pull(ctx context.Context, people iter.Seq2[Person, error]) {
	defer close(b.landed)
	defer b.workers.Wait()
	b.end = errInputExited
	b.end = b.begin(ctx, people)
}

// begin begins a run for everybody in the input.
func (b *bulkRun) begin(ctx context.Context, people iter.Seq2[Person, error]) (err error) {
	index := 0
	defer func() {
		if v := recover(); v != nil {
			b.p.logger.ErrorContext(ctx, "panic in the input of a bulk", "index", index, "panic", v,
				"stack", string(debug.Stack()))
			err = fmt.Errorf("provision: the input after %d people: panic: %v", index, v)
		}
	}()
	if !b.room(ctx) {
		return context.Cause(ctx)
	}
	for person, bad := range people {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case bad != nil && b.StopAtInput(bad):
			return fmt.Errorf("provision: the input after %d people: %w", index, bad)
		}
		if index++; index <= b.Skip {
			continue
		}
		b.beginOne(ctx, index-1, person, bad)
		if !b.room(ctx) {
			return context.Cause(ctx)
		}
	}
	if index < b.Skip {
		return fmt.Errorf("provision: the input has %d people, and %d were to be skipped: it is not the same", index, b.Skip)
	}
	return nil
}

// room waits until one more person may be pulled. It is false when the bulk ends.
func (b *bulkRun) room(ctx context.Context) bool {
	for _, tokens := range []chan struct{}{b.window, b.working} {
		select {
		case tokens <- struct{}{}:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// beginOne begins the run of one person. Runs begin in the order of the input, so that of two people with the same key
// the first one's comes first.
func (b *bulkRun) beginOne(ctx context.Context, index int, person Person, bad error) {
	key := person.Key()
	if bad != nil {
		b.land(index, key, &Error{Step: stepInput, Person: key, Err: invalid(bad)})
		return
	}
	if err := b.p.validate(person); err != nil {
		b.land(index, key, &Error{Step: stepValidate, Person: key, Err: err})
		return
	}
	person = person.normalised()
	f, how := b.board(ctx, person)
	b.workers.Go(func() {
		r := b.await(ctx, person, f, how)
		r.Index, r.Person = index, key
		b.landed <- r
	})
}

// land ends the work for a person for whom there was none.
func (b *bulkRun) land(index int, key PersonKey, failure *Error) {
	b.landed <- bulkResult{finished: true, BulkEvent: BulkEvent{
		Index: index, Person: key, Outcome: failure.Reason().BulkOutcome(), Err: failure,
	}}
}

// board joins the person's run, or starts one.
func (b *bulkRun) board(ctx context.Context, person Person) (*flight, boarding) {
	how := plan{errand: errand{kind: ensuring}, priority: PriorityLow, budget: b.Budget, brief: true, apart: true}
	f, came := b.p.flights.board(ctx, person.Key(), how, b.p.flyer(person))
	if came == joined {
		b.p.observer.link(ctx, f)
	}
	return f, came
}

// await waits for what becomes of a person. A run that somebody else started has that one's budget: if that was not
// enough, another one follows with ours.
func (b *bulkRun) await(ctx context.Context, person Person, f *flight, how boarding) bulkResult {
	for {
		if landed := b.landing(ctx, f, how); !landed {
			return bulkResult{}
		}
		if how != barred {
			r := b.result(ctx, person, f, how)
			if how == started || !r.passing() {
				return r
			}
		}
		if ctx.Err() != nil {
			return bulkResult{}
		}
		f, how = b.board(ctx, person)
	}
}

// landing waits until the run is over. When the bulk ends first, a run for which nobody else waits is cancelled and
// waited for all the same, because a write that has begun is let finish; one for which a person waits is left alone.
func (b *bulkRun) landing(ctx context.Context, f *flight, how boarding) (landed bool) {
	select {
	case <-f.landed:
		if how != barred {
			b.p.flights.leave(f)
		}
		return true
	case <-ctx.Done():
	}
	if how == barred || b.p.flights.leave(f) {
		<-f.landed
		return true
	}
	return false
}

// result is what a run that is over came to.
func (b *bulkRun) result(ctx context.Context, person Person, f *flight, how boarding) bulkResult {
	account, err := f.result()
	failure := f.failure(person, account, err)
	if failure == nil && how == joined {
		failure = b.p.refused(f.plan.errand, person)
	}
	if failure != nil {
		stopped := ctx.Err() != nil && failure.Reason() == ReasonCanceled
		return bulkResult{finished: !stopped, BulkEvent: BulkEvent{Outcome: failure.Reason().BulkOutcome(), Err: failure}}
	}
	outcome := madeOf(account, f.step())
	if how == joined && outcome != BulkSkipped {
		outcome = BulkKnown
	}
	return bulkResult{finished: true, BulkEvent: BulkEvent{Outcome: outcome, Account: account}}
}

// madeOf is what became of a person whose run ended well, in the given step.
func madeOf(account Account, last string) BulkOutcome {
	switch {
	case account.Skipped:
		return BulkSkipped
	case last == StepKnown:
		return BulkKnown
	case account.CreatedAt.IsZero():
		return BulkAdopted
	}
	return BulkCreated
}

// passing reports a failure that may pass by itself.
func (r bulkResult) passing() bool {
	if r.Err == nil {
		return false
	}
	_, again := r.Err.RetryAfter()
	return again
}

// take puts one result in its place, and reports all that have nobody unfinished before them.
func (b *bulkRun) take(r bulkResult) {
	b.waiting[r.Index] = r
	if r.finished {
		b.count(r)
	}
	<-b.working // only now, so that nobody is begun after the failure that ends the bulk
	b.release(len(b.waiting) >= b.Window)
}

// count ends the bulk when too many people in a row failed for the same kind of reason.
func (b *bulkRun) count(r bulkResult) {
	switch {
	case b.hopeless != nil:
	case r.hopeless():
		if b.streak++; b.streak == b.StopAfter {
			b.hopeless = fmt.Errorf("provision: the bulk was stopped because %d people in a row failed, the last one so: %w",
				b.streak, r.Err)
			b.stop(errBulkEnded)
		}
	case r.tried():
		b.streak = 0
	}
}

// hopeless tells the failures that nobody after this person is likely to get past.
func (r bulkResult) hopeless() bool {
	if r.Err == nil {
		return false
	}
	reason := r.Err.Reason()
	return reason == ReasonUnauthorized || reason == ReasonForbidden || reason == ReasonInternal
}

// tried reports whether the person came so far that a wrong credential, say, would have shown.
func (r bulkResult) tried() bool {
	if r.Err == nil {
		return r.Outcome == BulkCreated || r.Outcome == BulkAdopted
	}
	switch r.Err.Reason() {
	case ReasonNoLicense, ReasonRefused, ReasonNotReady:
		return true
	}
	return false
}

// release reports what is finished, from the first one that is not reported on. A hopeless failure is held back until
// it shows whether the bulk ends there, unless it has to be released: nobody is left who could show it, or the window
// is full.
func (b *bulkRun) release(all bool) {
	for {
		r, ok := b.waiting[b.report.Next]
		switch {
		case !ok || !r.finished:
			return
		case r.hopeless() && (b.hopeless != nil || b.streak > 0 && b.StopAfter > 0 && !all):
			return
		}
		delete(b.waiting, b.report.Next)
		b.report.Next++
		b.report.Outcomes[r.Outcome]++
		if r.Err != nil {
			b.report.Reasons[r.Err.Reason()]++
		}
		b.Progress(r.BulkEvent)
		<-b.window
	}
}

// verdict says why the bulk ended before its input; nil if it did not.
func (b *bulkRun) verdict(ctx context.Context) error {
	switch {
	case b.hopeless != nil:
		return b.hopeless
	case b.end == nil && len(b.waiting) == 0:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("provision: the bulk was stopped before person %d: %w", b.report.Next, ended(ctx))
	}
	return b.end
}

// drain ends what is under way and waits for it.
func (b *bulkRun) drain() {
	b.stop(errBulkEnded)
	for range b.landed {
	}
}
