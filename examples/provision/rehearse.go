package main

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/provision"
)

// What -dry-run says would become of people, beside refused, failed and known.
const (
	wouldCreate = "would-create"
	wouldAdopt  = "would-adopt"
	wouldSkip   = "would-skip"
)

// rehearsal looks at the tenant for everybody and changes nothing. What happens between it and the real run it cannot
// know, nor what the directory will refuse.
type rehearsal struct {
	*job
	upn      func(provision.Person, int) (string, error)
	skus     []provision.SKU
	left     map[string]int // seats that nobody before would take, by SKU ID
	licenses []plannedLicense
	joins    []joining
	seed     maphash.Seed
	claimed  map[uint64]bool // hashes of the UPNs that people before would get
	met      map[uint64]bool // hashes of the keys of people before
}

// rehearsed is one person of it.
type rehearsed struct {
	line   int
	person provision.Person
	err    error // why they are refused, or were not looked at

	account provision.Account // what they come with, and the ImmutableID that they have or would get
	user    provision.User    // the account that is there
	found   bool
	owner   provision.User // of the first UPN that would be tried
	taken   bool
}

// rehearse says what would become of everybody.
func (j *job) rehearse(ctx context.Context) int {
	began := j.begin()
	r := &rehearsal{
		job: j, upn: provision.UPNFromEmail(strings.ToLower(j.rules.Domain)), seed: maphash.MakeSeed(),
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
		if bad != nil && !isBadLine(bad) {
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

// look looks at some people at once, and reports them in their order.
func (r *rehearsal) look(ctx context.Context, batch []*rehearsed) error {
	var all sync.WaitGroup
	for _, one := range batch {
		if one.err == nil {
			all.Go(func() { one.err = r.lookAt(ctx, one) })
		}
	}
	all.Wait()
	for _, one := range batch {
		outcome, err := r.outcome(ctx, one)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, provision.ErrUnauthorized), errors.Is(err, provision.ErrForbidden):
			return err // nobody else would get further
		}
		r.seat(outcome, one.user)
		line := r.line(one, outcome, err)
		if r.record(line); r.report.failed != nil {
			return nil
		}
		r.tell(line, one)
	}
	return ctx.Err()
}

// line is the report's line of a person.
func (r *rehearsal) line(one *rehearsed, outcome string, err error) reportLine {
	event := provision.BulkEvent{
		Person: one.person.Key(), Outcome: provision.BulkOutcome(outcome), Account: one.account,
	}
	if err != nil {
		event.Outcome = provision.BulkRefused
		event.Err = &provision.Error{Step: provision.StepReserve, Person: one.person.Key(), Err: err}
		switch event.Err.Reason() {
		case provision.ReasonThrottled, provision.ReasonUnavailable, provision.ReasonInternal:
			event.Outcome = provision.BulkFailed
		}
	}
	return newReportLine(event, one.line, r.Now())
}

// tell prints what would become of a person.
func (r *rehearsal) tell(line reportLine, one *rehearsed) {
	if r.flags.json {
		return
	}
	r.progress.Clear()
	text := fmt.Sprintf("line %d: %s %s: %s %s", line.Line, line.Connection, line.ID, line.Outcome, line.UPN)
	if one.found && !one.user.AccountEnabled && line.Outcome == wouldAdopt {
		text += " (blocked, and stays so)"
	}
	fmt.Fprintln(r.Stdout, strings.TrimSpace(terminal.Plain(text)))
}

// lookAt finds what the tenant has of a person.
func (r *rehearsal) lookAt(ctx context.Context, one *rehearsed) (err error) {
	p := one.person
	if err := p.Validate(); err != nil {
		return err
	}
	one.account = provision.Account{ImmutableID: p.ImmutableID, UPN: p.UPN}
	if r.skips(p) {
		if p.UPN == "" || p.ImmutableID == "" {
			return fmt.Errorf("%w: a directory sync owns the connection, so upn and immutable_id are required",
				provision.ErrInvalidPerson)
		}
		return nil
	}
	if p.ImmutableID == "" {
		one.account.ImmutableID = provision.ImmutableIDFromSubject(p.Connection, p.ID)
	}
	one.user, one.found, err = r.find(ctx, provision.UserKey{ImmutableID: one.account.ImmutableID})
	if err != nil || one.found {
		return err
	}
	if err := r.lookAmongDeleted(ctx, one); err != nil {
		return err
	}
	upn, err := r.upnOf(p, 0)
	if err != nil {
		return err
	}
	one.owner, one.taken, err = r.find(ctx, provision.UserKey{UserPrincipalName: upn})
	return err
}

// lookAmongDeleted refuses somebody who has a deleted account: a run brings nobody back whom somebody deleted.
func (r *rehearsal) lookAmongDeleted(ctx context.Context, one *rehearsed) error {
	var users []provision.User
	err := r.ask(ctx, func() (err error) {
		users, err = r.tenant.FindDeletedUsers(ctx, provision.UserKey{ImmutableID: one.account.ImmutableID})
		return err
	})
	for _, user := range users {
		if user.ImmutableID == one.account.ImmutableID {
			return &provision.ConflictError{
				Kind: provision.ConflictDeleted, Property: "onPremisesImmutableId", ImmutableID: user.ImmutableID,
				UPN: one.account.UPN, Owner: user, Deleted: true,
			}
		}
	}
	return err
}

func (r *rehearsal) skips(p provision.Person) bool {
	return slices.Contains(r.rules.SkipConnections, p.Connection)
}

// upnOf is the UPN that a person would get at an attempt.
func (r *rehearsal) upnOf(p provision.Person, attempt int) (string, error) {
	if p.UPN != "" {
		return p.UPN, nil
	}
	upn, err := r.upn(p, attempt)
	if err != nil {
		return "", fmt.Errorf("%w: %w", provision.ErrInvalidPerson, err)
	}
	return upn, nil
}

// outcome says what would become of a person, after those before.
func (r *rehearsal) outcome(ctx context.Context, one *rehearsed) (string, error) {
	p := one.person
	switch {
	case one.err != nil:
		return "", one.err
	case r.skips(p):
		return wouldSkip, nil
	case !first(r.met, r.hash(fmt.Sprintf("%q %q", p.Connection, p.ID))):
		return string(provision.BulkKnown), nil
	case one.found:
		return r.adopted(one)
	}
	upn, err := r.freeUPN(ctx, one)
	if err != nil {
		return "", err
	}
	one.account.UPN = upn
	return wouldCreate, nil
}

// adopted is somebody whose account is there.
func (r *rehearsal) adopted(one *rehearsed) (string, error) {
	has := one.user.UserPrincipalName
	if given := one.person.UPN; given != "" && !strings.EqualFold(given, has) {
		return "", &provision.MismatchError{Property: "userPrincipalName", Given: given, Has: has}
	}
	one.account.UPN, one.account.ObjectID = has, one.user.ObjectID
	return wouldAdopt, nil
}

// maxUPNs is how many UPNs the pipeline tries.
const maxUPNs = 20

// freeUPN is the first UPN of the person that nobody in the tenant has, nor anybody before in the input would get.
func (r *rehearsal) freeUPN(ctx context.Context, one *rehearsed) (string, error) {
	clash := &provision.ConflictError{Kind: provision.ConflictUPN, Property: "userPrincipalName", ImmutableID: one.account.ImmutableID}
	owner, taken := one.owner, one.taken
	for attempt := range maxUPNs {
		upn, err := r.upnOf(one.person, attempt)
		if err == nil && attempt > 0 {
			owner, taken, err = r.find(ctx, provision.UserKey{UserPrincipalName: upn})
		}
		if err != nil {
			return "", err
		}
		if !taken && first(r.claimed, r.hash(strings.ToLower(upn))) {
			return upn, nil
		}
		if clash.UPN, clash.Owner = upn, owner; one.person.UPN != "" {
			break
		}
	}
	return "", clash
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

// find reads a user, if there is one.
func (r *rehearsal) find(ctx context.Context, key provision.UserKey) (user provision.User, found bool, err error) {
	err = r.ask(ctx, func() (err error) {
		user, err = r.tenant.FindUser(ctx, key)
		return err
	})
	if errors.Is(err, provision.ErrNotFound) {
		return provision.User{}, false, nil
	}
	return user, err == nil, err
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
