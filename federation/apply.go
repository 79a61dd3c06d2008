package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Outcome says in which state the domain is after [Federator.Apply], whether that succeeded or not.
type Outcome struct {
	// Done is how many of the plan's writes are done.
	Done int `json:"done"`

	// State is the tenant as it was last read.
	State State `json:"state"`

	// Undo is the ID to go back with: see [RevertSettings]. It is the plan's ID, and empty until the way back is stored.
	Undo string `json:"undo,omitempty"`
}

// Event is progress, in the order in which things happen.
type Event struct {
	At      time.Time `json:"at"`
	Kind    EventKind `json:"kind"`
	Write   *Write    `json:"write,omitempty"` // the write it is about
	Index   int       `json:"index,omitempty"` // of the write, from 1
	Total   int       `json:"total,omitempty"`
	Message string    `json:"message"` // a sentence for people
}

// EventKind is a kind of progress.
type EventKind string

// The kinds of event.
const (
	EventChecked EventKind = "checked" // the tenant is as the plan expects
	EventUndo    EventKind = "undo"    // the way back is stored
	EventWriting EventKind = "writing"
	EventWritten EventKind = "written" // Graph shows the change
	EventFound   EventKind = "found"   // the write was done before, by this program or one that was stopped
	EventWaiting EventKind = "waiting" // for Graph to show a change, or for Entra to act on it
	EventLive    EventKind = "live"    // Entra acts on it
)

// Apply makes the plan's writes, in their order, and nothing else.
//
// Where the program ended in the middle of an earlier Apply of the same plan, it goes on there: the tenant is then as it
// must be after one of the writes. In any other state, nothing is written, and the error matches [ErrChanged] and says what
// is different. A plan with a finding of severity [SeverityError], one that contradicts itself, and one that would put a
// certificate into the tenant that Entra cannot use are refused with [ErrBlocked]; one whose writes the Directory cannot
// make, with [ErrUnsupported]; and one that takes away the certificate of the key that a rotation has switched to since the
// plan was made, with ErrChanged. Nothing was written then.
//
// The state before the first write is stored first, under the plan's ID, and with it the certificates that the plan brings.
// After each write the tenant is read until it shows the change, for up to a minute; if it does not by then, the error
// matches [ErrNotLive]. After a write whose answer was lost or was a failure of the server, the tenant is read to learn what
// became of it. If it was clearly not done, it is made once more; otherwise the error says in which state the domain is.
// After any error, Apply of the same plan may be called again.
//
// A context that ends between two writes stops before the next one. A write that has begun is let finish, within a minute.
//
// progress is called from this goroutine. Nil: not.
func (f *Federator) Apply(ctx context.Context, plan *Plan, progress func(Event)) (Outcome, error) {
	if plan == nil {
		return Outcome{}, errors.New("federation: there is no plan to apply: it is nil")
	}
	a := &application{f: f, plan: plan, domain: strings.ToLower(plan.Domain), progress: progress}
	err := a.run(ctx)
	return a.outcome, err
}

// application is one run of Apply.
type application struct {
	f        *Federator
	plan     *Plan
	domain   string  // of the plan, in lower case
	states   []State // before the first write, and after each
	progress func(Event)
	begun    bool   // an earlier run has begun to write, so that a read may be older than that
	noted    string // the ID of the configuration that the record has
	outcome  Outcome
}

func (a *application) run(ctx context.Context) error {
	if err := a.check(); err != nil {
		return err
	}
	if err := a.recall(ctx); err != nil {
		return err
	}
	if err := a.find(ctx); err != nil {
		return err
	}
	if len(a.plan.Writes) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return a.stopped(err)
	}
	if err := a.keep(ctx); err != nil {
		return err
	}
	for {
		if err := a.note(ctx); err != nil || a.outcome.Done == len(a.plan.Writes) {
			return err
		}
		if err := a.step(ctx); err != nil {
			return err
		}
	}
}

// name is that of the record.
func (a *application) name() string {
	if a.plan.ofGuests() {
		return guestsName(a.domain)
	}
	return a.domain
}

// recall looks whether an earlier run has begun to write, and whether the record is still one that the plan goes with.
func (a *application) recall(ctx context.Context) error {
	r, _, err := a.f.record(ctx, a.name())
	if err != nil {
		return err
	}
	a.noted = r.Configuration
	a.begun = slices.ContainsFunc(r.Undo, a.isOurs)
	if a.begun {
		a.outcome.Undo = a.plan.ID
		return nil
	}
	return a.checkRotation(r)
}

func (a *application) isOurs(u Undo) bool { return u.Plan == a.plan.ID }

// find reads the tenant, and finds after how many of the writes it is as it is.
func (a *application) find(ctx context.Context) error {
	patience := shortPatience // reads may come from replicas that differ
	if a.begun {
		patience = longPatience
	}
	position := -1
	err := a.readUntil(ctx, patience, "", func() bool {
		position = a.position(0)
		return position >= 0
	})
	switch {
	case errors.Is(err, errNotShown):
		return fmt.Errorf("%w: %s. Nothing was written by this run. Make a new plan",
			ErrChanged, strings.Join(a.nearest(), "; "))
	case err != nil:
		return a.unreadable(err)
	}
	a.outcome.Done = position
	a.report(EventChecked, -1, a.checked())
	for k := range position {
		a.report(EventFound, k, "Done before: "+a.what(k)+".")
	}
	return nil
}

func (a *application) checked() string {
	done, total := a.outcome.Done, len(a.plan.Writes)
	switch {
	case total == 0:
		return a.domain + " is as it should be: nothing has to be written."
	case done == 0:
		return a.domain + " is as it was when the plan was made."
	case done == total:
		return fmt.Sprintf("%s is as it must be after the plan: nothing has to be written.", a.domain)
	}
	return fmt.Sprintf("%s is as it must be after %d of %s: going on there.", a.domain, done, count(total, "write", "writes"))
}

// position is the number of writes, of least at least, after which the tenant is as it was last read; -1 if it never is.
func (a *application) position(least int) int {
	for k := least; k < len(a.states); k++ {
		if len(a.states[k].differences(a.outcome.State)) == 0 {
			return k
		}
	}
	return -1
}

// nearest are the differences to the state before the first write, or, once there were writes, to the state that the tenant
// is most like.
func (a *application) nearest() []string {
	if !a.begun {
		return a.states[0].differences(a.outcome.State)
	}
	all := make([][]string, len(a.states))
	for k, s := range a.states {
		all[k] = s.differences(a.outcome.State)
	}
	return slices.MinFunc(all, func(x, y []string) int { return len(x) - len(y) })
}

// keep stores the way back and the certificates, before anything is written.
func (a *application) keep(ctx context.Context) error {
	undo := Undo{Plan: a.plan.ID, Purpose: a.plan.Purpose, At: a.f.now().UTC(), Before: a.plan.Before}
	err := a.f.remember(ctx, a.name(), func(r *Record) {
		if !slices.ContainsFunc(r.Undo, a.isOurs) {
			r.Undo = append(r.Undo, undo)
		}
		for _, c := range a.plan.certificates() {
			r.Certificates = append(slices.DeleteFunc(r.Certificates, func(kept string) bool { return kept == c }), c)
		}
	})
	if err != nil {
		return fmt.Errorf("%w. Without a way back, nothing was written by this run", err)
	}
	a.outcome.Undo = a.plan.ID
	a.report(EventUndo, -1, "The way back is stored under "+a.plan.ID+".")
	return nil
}

// certificates are those that the plan's writes bring, each once.
func (p *Plan) certificates() (all []string) {
	for _, w := range p.Writes {
		for _, name := range certificateProperties() {
			if text, _ := w.Body[name].(string); text != "" && !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	return all
}

// note stores which federation is ours, and at the end of a way back that no rotation is under way any more.
func (a *application) note(ctx context.Context) error {
	id := a.outcome.State.configurationID()
	ours := slices.ContainsFunc(a.plan.Writes[:a.outcome.Done], func(w Write) bool { return w.Operation.ofFederation() })
	reverted := a.plan.Purpose == PurposeRevert && a.outcome.Done == len(a.plan.Writes)
	if (!ours || id == a.noted) && !reverted {
		return nil
	}
	err := a.f.remember(context.WithoutCancel(ctx), a.name(), func(r *Record) {
		if ours {
			r.Configuration = id
		}
		if reverted {
			r.Rotation = nil
		}
	})
	if err != nil {
		return fmt.Errorf("%w, with %s done. The way back is stored. Mend the store, and apply the plan again",
			err, a.progressed())
	}
	a.noted = id
	return nil
}

// ofFederation reports whether the operation is one of a federation itself.
func (o Operation) ofFederation() bool {
	return o != ChangeDomain && o != PromoteDomain
}

// configurationID is the ID of the federation, of the domain or of a partner.
func (s State) configurationID() string {
	switch {
	case s.Guests != nil:
		return s.Guests.ID
	case s.Configuration != nil:
		return s.Configuration.ID
	}
	return ""
}

// report tells of progress; k is the index of the write, -1 if it is about none.
func (a *application) report(kind EventKind, k int, message string) {
	e := Event{Kind: kind, Total: len(a.plan.Writes), Message: message}
	if k >= 0 {
		w := a.plan.Writes[k]
		e.Write, e.Index = &w, k+1
	}
	a.f.tell(a.progress, e)
}

// what names a write for people.
func (a *application) what(k int) string {
	w := a.plan.Writes[k]
	name := w.Domain
	if name == "" {
		name = a.domain
	}
	return string(w.Operation) + " " + strings.ToLower(name)
}
