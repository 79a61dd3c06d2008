package provision

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Bulk says how [Provisioner.EnsureAll] goes about it. The zero value is ready to use.
type Bulk struct {
	// Concurrency is how many people are worked on at once. 0: 1000. Each waits for a quarter of a minute or more until
	// the account is ready, and in that time a tenant can take several hundred writes: with fewer people at once its
	// limit is not used up. With a Window that is smaller: as many as that.
	Concurrency int

	// Window is how many people may be taken from the input and not be reported yet, at least Concurrency. Somebody who
	// takes long holds back the reports of those who come after, but not their work until the window is full. It bounds
	// the memory: about 1 KiB each. 0: ten times Concurrency.
	Window int

	// Budget bounds the run of one person, with all retries, in place of Settle.Budget. 0: 30 minutes. It is long because
	// nobody waits: bulk work is what a directory throttles first.
	Budget time.Duration

	// Skip is how many people at the beginning of the input are passed over: [BulkReport.Next] of a bulk that was
	// stopped.
	Skip int

	// StopAfter ends the bulk when so many people in a row, in the order in which their runs end, failed for a reason
	// that nobody after them is likely to get past: [ErrUnauthorized], [ErrForbidden], and [ReasonInternal], which is
	// the store or a step of the host's own. Who never came so far (known before, skipped, invalid) does not count.
	// These failures are then not reported, so that the bulk resumes with them. 0: 5. Negative: never.
	StopAfter int

	// StopAtInput says which errors of the input end the bulk: those of a file that breaks off, unlike those of one bad
	// line. Who was taken before is finished. Nil: none do.
	StopAtInput func(error) bool

	// Progress is told what became of each person, in the order of the input. It is called in the goroutine of
	// EnsureAll: never twice at once, and never after EnsureAll returned. A slow Progress slows down the bulk. Nil:
	// nobody is told.
	Progress func(BulkEvent)
}

// BulkEvent is what became of one person of the input.
type BulkEvent struct {
	Index   int // in the input, from 0
	Person  PersonKey
	Outcome BulkOutcome
	Account Account // where Outcome is BulkCreated, BulkKnown, BulkAdopted or BulkSkipped
	Err     *Error  // where it is BulkRefused or BulkFailed
}

// BulkOutcome is what became of one person.
type BulkOutcome string

// The outcomes.
const (
	BulkCreated BulkOutcome = "created" // the account was made by this pipeline, and is ready now
	BulkKnown   BulkOutcome = "known"   // the person was ready before, or another run made them so meanwhile
	BulkAdopted BulkOutcome = "adopted" // an account was there and is the person's: found by its ImmutableID, as a rule
	BulkSkipped BulkOutcome = "skipped" // a directory sync owns the person: [Rules.SkipConnections], [ActionSkip]
	BulkRefused BulkOutcome = "refused" // something about the person must be changed first
	BulkFailed  BulkOutcome = "failed"  // the same person may succeed another time
)

// BulkReport is what a bulk did. It covers the people whom Progress was told of, and nobody else.
type BulkReport struct {
	// Next is the index of the first person who is not finished. Everybody before is, or was skipped by Bulk.Skip; of
	// those after it some may be, which a bulk that resumes here finds out by itself.
	Next int

	Outcomes map[BulkOutcome]int // how many people each outcome had
	Reasons  map[Reason]int      // how many were refused or failed for each reason
}

// reported is how many people were reported.
func (b *bulkRun) reported() (n int) {
	for _, count := range b.report.Outcomes {
		n += count
	}
	return n
}

// Failed is how many people have no account that is ready.
func (r BulkReport) Failed() int { return r.Outcomes[BulkRefused] + r.Outcomes[BulkFailed] }

// EnsureAll makes sure of everybody in people what [Provisioner.Ensure] makes sure of one: a million people in constant
// memory. It is idempotent in the same way, and so can be repeated after an error or a crash, from the beginning or from
// [BulkReport.Next] on.
//
// The runs have [PriorityLow] and a budget of their own. A person who signs in while the bulk is at work for them joins
// that run, which is hurried from then on. A person who is in the input twice is one account; the second is known.
// A failure that may pass is tried again within the budget, and then reported like any other.
//
// people is called once, in a goroutine of its own, and not after EnsureAll returned. It is asked for the next person
// when there is room in the window, never sooner. An error that comes with a person is that person's: they are refused,
// and the bulk goes on. An input that blocks must itself stop doing so when ctx ends.
//
// When ctx ends nobody else is begun. A creation or a licence assignment that has begun is let finish and is recorded,
// and then EnsureAll returns. The same happens after StopAfter failures.
//
// The error is nil when all of the input was gone through, whatever became of the people. Otherwise it says why it was
// not: ctx, the input, or the *[Error] of somebody whom others would have followed; or the Bulk is not valid, and then
// nothing was done. The report is good with any error.
func (p *Provisioner) EnsureAll(ctx context.Context, people iter.Seq2[Person, error], bulk Bulk) (BulkReport, error) {
	report := BulkReport{Next: max(0, bulk.Skip), Outcomes: map[BulkOutcome]int{}, Reasons: map[Reason]int{}}
	if err := bulk.validate(p.settle); err != nil {
		return report, err
	}
	b := newBulkRun(p, bulk.withDefaults(), report)
	err := errBroken
	ctx, seen := p.observer.beginRun(ctx, subject{errand: errandBulk})
	defer func() { p.observer.endWork(ctx, seen, err, keyPeople.Int(b.reported())) }()
	ctx, b.stop = context.WithCancelCause(ctx)
	defer b.drain() // nothing to drain, unless Progress panicked
	go b.pull(ctx, people)
	for r := range b.landed {
		b.take(r)
	}
	b.release(true)
	err = b.verdict(ctx)
	return b.report, err
}

const (
	defaultBulkConcurrency = 1000
	defaultBulkBudget      = 30 * time.Minute
	defaultBulkStopAfter   = 5
	windowPerConcurrency   = 10
)

func (b Bulk) withDefaults() Bulk {
	if b.Concurrency == 0 {
		b.Concurrency = defaultBulkConcurrency
		if b.Window > 0 {
			b.Concurrency = min(b.Concurrency, b.Window)
		}
	}
	if b.Window == 0 {
		b.Window = windowPerConcurrency * b.Concurrency
	}
	if b.Budget == 0 {
		b.Budget = defaultBulkBudget
	}
	if b.StopAfter == 0 {
		b.StopAfter = defaultBulkStopAfter
	}
	if b.Progress == nil {
		b.Progress = func(BulkEvent) {}
	}
	if b.StopAtInput == nil {
		b.StopAtInput = func(error) bool { return false }
	}
	return b
}

// maxWindow keeps a wrong number from taking all memory.
const maxWindow = 1_000_000

func (b Bulk) validate(settle Settle) error {
	var problems []error
	wrong := func(condition bool, format string, args ...any) {
		if condition {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	wrong(b.Concurrency < 0, "Bulk.Concurrency is negative")
	wrong(b.Window < 0, "Bulk.Window is negative")
	wrong(b.Budget < 0, "Bulk.Budget is negative")
	wrong(b.Skip < 0, "Bulk.Skip is negative")
	d := b.withDefaults()
	wrong(b.Window > 0 && d.Window < d.Concurrency, "Bulk.Window is less than Bulk.Concurrency")
	wrong(d.Window > maxWindow, "Bulk.Window is %d; %d is the most", d.Window, maxWindow)
	wrong(b.Budget >= 0 && d.Budget <= settle.least(), "Bulk.Budget is not longer than what Settle.Dwell, or Settle.Reads "+
		"times Settle.Interval, takes: nobody would ever be ready")
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("provision: bad bulk: %w", err)
	}
	return nil
}

// stepInput is where a person fails whom the input could not give.
const stepInput = "input"

// BulkOutcome is what [Provisioner.EnsureAll] reports of somebody who fails for the reason: it tells the people who must be
// changed from those who need only be tried again.
func (r Reason) BulkOutcome() BulkOutcome {
	switch r {
	case ReasonInvalidPerson, ReasonConflict, ReasonRetired, ReasonRefused, ReasonNotAllowed:
		return BulkRefused
	}
	return BulkFailed
}
