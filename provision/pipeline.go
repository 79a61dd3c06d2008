package provision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// run is one walk of one person through the steps.
type run struct {
	caller  // its step is where the run is
	errand  errand
	work    func(*run, context.Context) error // of a run that maintains
	person  Person
	publish func(Event)
	began   time.Time

	decision decision // which rule is the person's
	rules    Rules    // by which the run goes: with what that rule gives

	rec        Record    // the person's record; zero until there is one
	fresh      bool      // this run reserved the identity, so nobody has sent anything yet
	missing    []string  // marks of what a repair gives again; nil: this is no repair
	synced     bool      // a directory sync owns the account: nothing is ever written to it
	restoredAt time.Time // when this run brought a deleted account back; zero if it did not
	deleting   bool      // this run asked for the account's deletion
	account    Account
	unlease    func() // ends the person's lease; does nothing while there is none

	ripe       bool              // a write that refers to the account is worth trying
	groupNames map[string]string // by what name each group was found, by object ID
	joined     map[string]bool   // the groups that this run made the account a member of, by object ID
}

// step is one named step. Each is idempotent.
type step struct {
	name string
	run  func(context.Context) (outcome, error)
}

// steps are all steps of a person who signs in, in their order.
func (r *run) steps() []step {
	return slices.Concat(
		[]step{
			{StepSelect, r.selectPerson}, // a directory sync's own people end here
			{StepKnown, r.known},         // people who were ready before end here
			{StepToken, r.token},
			{StepReserve, r.reserve}, // the identity is chosen and remembered before the first write
			{StepCreate, r.create},
		},
		r.extra(StepCreate),
		onlyIf(r.person.Manager != "", step{StepManager, r.manager}),
		r.extra(StepManager),
		onlyIf(len(r.rules.Groups) > 0, step{StepGroups, r.groups}),
		r.extra(StepGroups),
		[]step{
			{StepLicense, r.license},
		},
		r.extra(StepLicense),
		[]step{
			{StepSettle, r.settleStep},
		},
	)
}

// onlyIf is a step that not all people, or not all rules, need.
func onlyIf(needed bool, s step) []step {
	if !needed {
		return nil
	}
	return []step{s}
}

// outcome is how a step that did not fail ended.
type outcome int

const (
	done     outcome = iota
	skipped          // there was nothing to do
	complete         // the account is complete: no further step is needed
)

// do takes the steps one after the other.
func (r *run) do(ctx context.Context) (Account, error) {
	defer func() { r.unlease() }()
	for _, s := range r.errand.steps(r) {
		r.step = s.name
		if ctx.Err() != nil {
			return Account{}, r.fail(ctx, r.stopped(ctx, nil))
		}
		r.tell(Event{State: Started})
		result, err := r.take(ctx, s)
		if err != nil {
			return Account{}, r.fail(ctx, err)
		}
		if result == skipped {
			r.tell(Event{State: Skipped})
			continue
		}
		r.tell(Event{State: Done})
		if result == complete {
			break
		}
	}
	return r.account, nil
}

// take takes one step, unless it would write to an account that a directory sync owns.
func (r *run) take(ctx context.Context, s step) (result outcome, err error) {
	ctx, seen := r.beginStep(ctx, s.name)
	err = errBroken
	defer func() { r.endStep(ctx, seen, s.name, result, err) }()
	return r.takeUnlessSynced(ctx, s)
}

func (r *run) takeUnlessSynced(ctx context.Context, s step) (outcome, error) {
	if r.synced && (s.name == StepManager || s.name == StepGroups || s.name == StepLicense) {
		return skipped, nil
	}
	return s.run(ctx)
}

// fail ends the run.
func (r *run) fail(ctx context.Context, err error) error {
	failure := &Error{Step: r.step, Person: r.person.Key(), Err: err}
	r.tell(Event{State: Failed, Reason: failure.Reason()})
	level := slog.LevelWarn
	switch failure.Reason() {
	case ReasonCanceled, ReasonRetired, ReasonNotAllowed:
		level = slog.LevelInfo
	}
	r.log.Log(ctx, level, r.errand.failure(), "step", r.step, "reason", failure.Reason(), "error", failure)
	return failure
}

func (r *run) tell(e Event) {
	e.Step, e.Message = r.step, stepMessage(r.step)
	e.At = r.p.now()
	e.Elapsed = e.At.Sub(r.began)
	r.publish(e)
}

// selectPerson ends the run for people whom the rules refuse, and for those whose accounts a directory sync owns.
func (r *run) selectPerson(context.Context) (outcome, error) {
	switch action := r.decision.action; action {
	case ActionProvision:
		return done, r.managerSupported()
	case ActionSkip:
		return r.skip()
	case ActionRefuse:
		return done, r.decision.refusal()
	default:
		return done, fmt.Errorf("the rules say %q, which is no action", action)
	}
}

// skip takes over what the sync gave a person.
func (r *run) skip() (outcome, error) {
	if err := errors.Join(required("UPN", r.person.UPN), required("ImmutableID", r.person.ImmutableID)); err != nil {
		return done, invalid(fmt.Errorf("a directory sync owns the people of connection %q, so the host must say what "+
			"it gave them: %w", r.person.Connection, err))
	}
	r.account = Account{ImmutableID: r.person.ImmutableID, UPN: r.person.UPN, Skipped: true}
	return complete, nil
}

// known ends the run for people who were ready before. Everybody else is worked on by one process at a time, if the
// store has leases.
func (r *run) known(ctx context.Context) (outcome, error) { return r.withLease(ctx, r.load) }

// withLease loads the record and, unless that completes the run, takes the person's lease, if the store has leases. Then
// the record is loaded anew.
func (r *run) withLease(ctx context.Context, load func(context.Context) (outcome, error)) (outcome, error) {
	result, err := load(ctx)
	leaser, ok := r.p.store.(Leaser)
	if err != nil || result == complete || !ok {
		return result, err
	}
	return r.lease(ctx, leaser, load)
}

// load takes over the person's record, if there is one.
func (r *run) load(ctx context.Context) (outcome, error) {
	rec, err := r.p.store.Load(ctx, r.person.Key())
	switch {
	case errors.Is(err, ErrNoRecord):
		return skipped, nil
	case err != nil:
		return done, r.storeError(ctx, "loading the record", err)
	}
	if err := r.refuseLeaver(rec); err != nil {
		return done, err
	}
	if err := r.person.agreesWith(rec.ImmutableID, rec.accountUPN()); err != nil {
		return done, err
	}
	r.remember(rec)
	if rec.ReadyAt.IsZero() {
		return done, nil
	}
	return complete, nil
}

// refuseLeaver ends a run that provisions somebody who was retired.
func (r *run) refuseLeaver(rec Record) error {
	if r.errand.kind == retiring || r.errand.kind == restoring || rec.RetiringAt.IsZero() {
		return nil
	}
	return fmt.Errorf("%w: retired on %s", ErrRetired, rec.RetiringAt.Format(time.DateOnly))
}

// token makes sure that the directory will have us, before anything is reserved.
func (r *run) token(ctx context.Context) (outcome, error) {
	source, ok := r.p.directory.(TokenSource)
	if !ok {
		return skipped, nil
	}
	err := r.retry(ctx, opAuthorize, reading, temporary, source.Authorize)
	if err != nil && sentinelOf(err) == nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", ErrUnauthorized, err)
	}
	return done, err
}

// extra are the host's own steps that run after one of ours.
func (r *run) extra(after string) []step {
	var steps []step
	for _, own := range r.p.extra {
		if own.after != after {
			continue
		}
		steps = append(steps, step{own.Name(), func(ctx context.Context) (outcome, error) {
			return done, r.retry(ctx, opStep, reading, temporaryOrMissing, func(ctx context.Context) error {
				return own.Run(ctx, r.person, r.account)
			})
		}})
	}
	return steps
}

// agreesWith checks that a person who comes with an identity gets exactly that one.
func (p Person) agreesWith(immutableID, upn string) error {
	if p.ImmutableID != "" && p.ImmutableID != immutableID {
		return &MismatchError{Property: propertyImmutableID, Given: p.ImmutableID, Has: immutableID}
	}
	if p.UPN != "" && !strings.EqualFold(p.UPN, upn) {
		return &MismatchError{Property: propertyUPN, Given: p.UPN, Has: upn}
	}
	return nil
}

// remember takes over a record as the store has it.
func (r *run) remember(rec Record) {
	r.rec = rec
	r.account = Account{
		ImmutableID: rec.ImmutableID,
		UPN:         rec.accountUPN(),
		ObjectID:    rec.ObjectID,
		ReadyAt:     rec.ReadyAt,
	}
	if !rec.Adopted {
		r.account.CreatedAt = rec.CreatedAt
	}
}

// The bounds of writing to the store.
const (
	maxSaves      = 10               // attempts against other processes that save the same record
	recordTimeout = 10 * time.Second // for recording what has happened already, even if the run is cancelled
)

// errOvertaken is returned by a change that another process made needless.
var errOvertaken = errors.New("another process was faster")

// save changes the person's record. When another process changed it meanwhile, the change is made again on top of
// that, so it must only fill in what is missing. What happened is recorded also of a person who was retired meanwhile,
// but then the run ends.
func (r *run) save(ctx context.Context, change func(*Record) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	for range maxSaves {
		rec := r.rec
		if err := change(&rec); err != nil {
			return err
		}
		saved, err := r.p.store.Save(ctx, rec)
		if err == nil {
			r.remember(saved)
			return r.refuseLeaver(saved)
		}
		if !errors.Is(err, ErrStaleRecord) {
			return r.storeError(ctx, "saving the record", err)
		}
		stored, err := r.p.store.Load(ctx, r.person.Key())
		if err != nil {
			return r.storeError(ctx, "loading the changed record", err)
		}
		r.remember(stored)
	}
	return fmt.Errorf("saving the record: other processes changed it %d times meanwhile", maxSaves)
}

// storeError tells a store that failed from a run that ended.
func (r *run) storeError(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return r.stopped(ctx, fmt.Errorf("%s: %w", doing, err))
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// timestamp is the time as stores keep it: in UTC, to the microsecond.
func (r *run) timestamp() time.Time { return r.p.now().UTC().Truncate(time.Microsecond) }
