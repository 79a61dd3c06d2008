package main

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"github.com/entrafed/entrafed/examples/internal/peoplefile"
	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/provision"
)

// What -dry-run says would become of people, beside refused, failed and known.
const (
	wouldCreate = "would-create"
	wouldAdopt  = "would-adopt"
	wouldSkip   = "would-skip"
)

// rehearsal has the pipeline explain everybody, and changes nothing. What it adds is what people take from those who come
// after them in the input: UPNs and seats.
type rehearsal struct {
	*job
	skus     []provision.SKU
	left     map[string]int              // seats that nobody before would take, by SKU ID
	seatings []*seating                  // each alternative of each licence once
	licenses map[string][]plannedLicense // of the people of a rule, by its name; of everybody else
	joins    []joining
	seed     maphash.Seed
	claimed  map[uint64]bool // hashes of the UPNs that people before would get
	met      map[uint64]bool // hashes of the keys of people before
}

// rehearsed is one person of it.
type rehearsed struct {
	line        int
	person      provision.Person
	explanation provision.Explanation
	err         error // why there is none, or no whole one
}

// rehearse says what would become of everybody.
func (j *job) rehearse(ctx context.Context) int {
	began := j.begin()
	r := &rehearsal{
		job: j, licenses: map[string][]plannedLicense{}, seed: maphash.MakeSeed(),
		claimed: map[uint64]bool{}, met: map[uint64]bool{},
	}
	hide := j.progress.Show(ctx)
	err := r.all(ctx)
	hide()
	return j.finish(began, err, forecast{r.seats(), r.overbookings(), r.joins})
}

// atOnce is how many people are looked at together, at most.
const atOnce = 16

func (r *rehearsal) all(ctx context.Context) error {
	if err := r.countSeats(ctx); err != nil {
		return err
	}
	if err := r.lookUpGroups(ctx); err != nil {
		return err
	}
	size := atOnce
	if r.flags.concurrency > 0 {
		size = min(size, r.flags.concurrency)
	}
	var batch []*rehearsed
	index := 0
	for person, bad := range r.input.people() {
		if bad != nil && !peoplefile.IsBadLine(bad) {
			return errors.Join(r.look(ctx, batch), bad)
		}
		one := &rehearsed{line: r.input.lineOf(index), person: person}
		if bad != nil {
			one.err = fmt.Errorf("%w: %w", provision.ErrInvalidPerson, bad)
		}
		batch = append(batch, one)
		if index++; len(batch) < size {
			continue
		}
		if err := r.look(ctx, batch); err != nil {
			return err
		}
		batch = batch[:0]
	}
	return r.look(ctx, batch)
}

// look explains some people at once, and reports them in their order.
func (r *rehearsal) look(ctx context.Context, batch []*rehearsed) error {
	var all sync.WaitGroup
	for _, one := range batch {
		if one.err == nil {
			all.Go(func() { one.explanation, one.err = r.pipeline.Explain(ctx, one.person) })
		}
	}
	all.Wait()
	for _, one := range batch {
		line, err := r.judge(ctx, one)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, provision.ErrUnauthorized), errors.Is(err, provision.ErrForbidden):
			return err // nobody else would get further
		}
		r.seat(line.Outcome, one.explanation)
		if r.record(line); r.report.failed != nil {
			return nil
		}
		if err := r.tell(line, one); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// judge says what would become of a person, after those before. The error is the one of the line.
func (r *rehearsal) judge(ctx context.Context, one *rehearsed) (reportLine, error) {
	e := &one.explanation
	known := false
	if one.err == nil && e.Outcome != provision.OutcomeStop && e.Outcome != provision.OutcomeSkip {
		if known = r.comesAgain(one.person.Key()); !known && e.Outcome == provision.OutcomeCreate {
			one.err = r.claimUPN(ctx, one)
		}
	}
	if one.err != nil {
		failure := asError(one)
		e.Outcome, e.Reason = provision.OutcomeStop, failure.Reason()
		e.Obstacles = append([]string{failure.Error()}, e.Obstacles...)
		return r.line(one, failure.Reason().BulkOutcome(), failure), one.err
	}
	switch {
	case e.Outcome == provision.OutcomeStop:
		line := r.line(one, e.Reason.BulkOutcome(), nil)
		line.Reason, line.Public, line.Operator = string(e.Reason), e.Reason.Public(), shortened(e.Obstacles[0])
		return line, nil
	case e.Outcome == provision.OutcomeSkip:
		return r.line(one, wouldSkip, nil), nil
	case known:
		e.Outcome, e.UPN = provision.OutcomeKnown, "" // whichever the line before has
		return r.line(one, provision.BulkKnown, nil), nil
	case e.Outcome == provision.OutcomeCreate:
		return r.line(one, wouldCreate, nil), nil
	}
	return r.line(one, wouldAdopt, nil), nil
}

// line is the report's line of a person.
func (r *rehearsal) line(one *rehearsed, outcome provision.BulkOutcome, failure *provision.Error) reportLine {
	e := one.explanation
	event := provision.BulkEvent{
		Person: one.person.Key(), Outcome: outcome, Err: failure,
		Account: provision.Account{ImmutableID: e.ImmutableID, UPN: e.UPN},
	}
	if outcome == wouldAdopt {
		event.Account.ObjectID = e.Account.ObjectID
	}
	return newReportLine(event, one.line, r.Now())
}

// tell prints what would become of a person.
func (r *rehearsal) tell(line reportLine, one *rehearsed) error {
	switch {
	case r.flags.explain:
		return r.explain(line, one)
	case r.flags.json:
		return nil
	}
	r.progress.Clear()
	text := fmt.Sprintf("line %d: %s %s: %s %s", line.Line, line.Connection, line.ID, line.Outcome, line.UPN)
	if line.Outcome == wouldAdopt && !one.explanation.Account.Enabled {
		text += " (blocked, and stays so)"
	}
	_, err := fmt.Fprintln(r.Stdout, strings.TrimSpace(terminal.Plain(text)))
	return err
}

// asError is the error of somebody who could not be explained.
func asError(one *rehearsed) *provision.Error {
	var failure *provision.Error
	if errors.As(one.err, &failure) {
		return failure
	}
	return &provision.Error{Step: provision.StepReserve, Person: one.person.Key(), Err: one.err}
}

// maxUPNs is how many UPNs the pipeline tries.
const maxUPNs = 20

// claimUPN finds the first UPN that neither the tenant has nor anybody before in the input would get. The explanation has
// the first one that the tenant does not have.
func (r *rehearsal) claimUPN(ctx context.Context, one *rehearsed) error {
	e := &one.explanation
	_, domain, _ := strings.Cut(e.UPN, "@")
	choose := provision.UPNFromEmail(domain) // as the rule that decided
	upn, taken := e.UPN, false
	for attempt := len(e.TakenUPNs); taken || !first(r.claimed, r.hash(strings.ToLower(upn))); {
		e.TakenUPNs = append(e.TakenUPNs, upn)
		if attempt++; one.person.UPN != "" || attempt == maxUPNs {
			return &provision.ConflictError{
				Kind: provision.ConflictUPN, Property: "userPrincipalName", ImmutableID: e.ImmutableID, UPN: upn,
			}
		}
		var err error
		if upn, err = choose(one.person, attempt); err != nil {
			return fmt.Errorf("%w: %w", provision.ErrInvalidPerson, err)
		}
		if taken, err = r.isTaken(ctx, upn); err != nil {
			return err
		}
	}
	e.UPN = upn
	return nil
}

// isTaken reports whether the tenant has a UPN.
func (r *rehearsal) isTaken(ctx context.Context, upn string) (bool, error) {
	err := r.ask(ctx, func() error {
		_, err := r.tenant.FindUser(ctx, provision.UserKey{UserPrincipalName: upn})
		return err
	})
	if errors.Is(err, provision.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// comesAgain reports whether a person was in the input before.
func (r *rehearsal) comesAgain(key provision.PersonKey) bool {
	return !first(r.met, r.hash(fmt.Sprintf("%q %q", key.Connection, key.ID)))
}

// hash is remembered in place of a text: it is smaller, and one that two texts share would only make a wrong forecast.
func (r *rehearsal) hash(text string) uint64 { return maphash.String(r.seed, text) }

// first reports whether a hash comes for the first time.
func first(seen map[uint64]bool, hash uint64) bool {
	if seen[hash] {
		return false
	}
	seen[hash] = true
	return true
}

// How long a directory that is busy or out of order is asked again.
const (
	attempts   = 7
	firstPause = time.Second
)

// ask asks the directory, and again if that may help.
func (r *rehearsal) ask(ctx context.Context, call func() error) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		err := call()
		var answer *provision.DirectoryError
		if !errors.As(err, &answer) || !answer.Temporary() || attempt == attempts {
			return err
		}
		if err := r.Sleep(ctx, max(pause, answer.RetryAfter)); err != nil {
			return err
		}
		pause *= 2
	}
}
