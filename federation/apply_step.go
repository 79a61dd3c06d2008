package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// writeTimeout is how long one attempt of a write takes at most, and what finishes it when nobody waits any more.
	writeTimeout = time.Minute

	// writeAttempts is how often a write is made that was clearly not done.
	writeAttempts = 2

	// The pauses between two reads of a tenant that does not show a change yet.
	firstLook = time.Second // doubles
	lastLook  = 15 * time.Second

	// longPatience is how long a tenant is read that must show a change; shortPatience, one that need not.
	// Lags of up to two minutes are reported, most are of seconds.
	longPatience  = time.Minute
	shortPatience = 7 * time.Second
)

// errNotShown: the tenant does not show, in time, what it is read for.
var errNotShown = errors.New("not shown")

// step makes the next write, and reads until the tenant shows it.
func (a *application) step(ctx context.Context) error {
	k := a.outcome.Done
	for attempt := 1; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return a.stopped(err)
		}
		a.report(EventWriting, k, "Writing: "+a.what(k)+".")
		failure := a.write(ctx, a.plan.Writes[k])
		err := a.readUntil(ctx, a.patience(failure, attempt), a.what(k), func() bool { return a.position(k+1) > k })
		switch {
		case err == nil:
			a.passed(k, failure)
			return nil
		case failure == nil:
			return a.notShown(ctx, k, err)
		case attempt < writeAttempts && errors.Is(err, errNotShown) && unclear(failure) && a.position(k) == k:
			continue
		}
		return a.notDone(ctx, k, failure, err)
	}
}

// passed counts the writes that the tenant shows.
func (a *application) passed(k int, failure error) {
	position := a.position(k + 1)
	message := "Done: " + a.what(k) + "."
	if failure != nil {
		message = "Done, although the answer did not say so: " + a.what(k) + "."
	}
	a.outcome.Done = k + 1
	a.report(EventWritten, k, message)
	for k++; k < position; k++ {
		a.outcome.Done = k + 1
		a.report(EventFound, k, "Done before: "+a.what(k)+".")
	}
}

// write sends one write. It is let finish when ctx ends, so that its outcome is known.
func (a *application) write(ctx context.Context, w Write) error {
	id := a.outcome.State.configurationID() // what a write names is what was read, and Entra chose its ID
	return write(ctx, a.f, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
		defer cancel()
		a.f.log.InfoContext(ctx, "federation: writing", "plan", a.plan.ID, "operation", string(w.Operation),
			"domain", w.Domain, "id", id)
		return a.f.send(ctx, w, id)
	})
}

// send makes one request.
func (f *Federator) send(ctx context.Context, w Write, id string) error {
	if err := checkBody(w, f.now()); err != nil {
		return fmt.Errorf("%w: %w", ErrBlocked, err) // it was not so when the plan was checked
	}
	if w.Operation.ofGuests() {
		return f.sendGuests(ctx, w, id)
	}
	configurations, _ := f.dir.(Configurations)
	domains, _ := f.dir.(DomainChanges)
	switch w.Operation {
	case CreateConfiguration:
		_, err := configurations.CreateConfiguration(ctx, w.Domain, w.Body)
		return err
	case ChangeConfiguration:
		return configurations.ChangeConfiguration(ctx, w.Domain, id, w.Body)
	case DeleteConfiguration:
		return configurations.DeleteConfiguration(ctx, w.Domain, id)
	case PromoteDomain:
		return domains.PromoteDomain(ctx, w.Domain)
	default:
		return domains.ChangeDomain(ctx, w.Domain, w.Body)
	}
}

// unclear reports whether a write that failed so may have been done: the server failed, or no answer came.
func unclear(failure error) bool {
	var answer *DirectoryError
	if errors.Is(failure, ErrBlocked) {
		return false
	}
	return !errors.As(failure, &answer) || answer.Status < 400 || answer.Status >= 500 ||
		answer.Status == http.StatusRequestTimeout
}

// patience is how long the tenant is read after a write. A refusal can mean that the write was done before, by a run whose
// effect the reads did not show: "already exists", or not there any more.
func (a *application) patience(failure error, attempt int) time.Duration {
	switch {
	case failure == nil || unclear(failure):
		return longPatience
	case errors.Is(failure, ErrUnauthorized), errors.Is(failure, ErrForbidden), errors.Is(failure, ErrThrottled),
		errors.Is(failure, ErrBlocked):
		return 0
	case a.begun || attempt > 1:
		return longPatience
	}
	return shortPatience
}

// readUntil reads the tenant until it shows what is looked for. waitingFor is what to tell people that Graph must show yet.
// When ctx ends, the tenant is read once more, so that the state at the end is known.
func (a *application) readUntil(ctx context.Context, patience time.Duration, waitingFor string, shown func() bool) error {
	for waited, pause := time.Duration(0), firstLook; ; waited, pause = waited+pause, min(2*pause, lastLook) {
		if err := a.look(ctx); err != nil {
			return err
		}
		switch {
		case shown():
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case waited >= patience:
			return errNotShown
		case waited == 0 && waitingFor != "":
			a.report(EventWaiting, a.outcome.Done, "Reading until Graph shows it: "+waitingFor+".")
		}
		_ = a.f.sleep(ctx, pause) // a context that ended is seen above, after one more look
	}
}

// look reads the tenant, also when ctx has ended.
func (a *application) look(ctx context.Context) error {
	state, err := a.read(ctx)
	if err != nil && ctx.Err() != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
		defer cancel()
		state, err = a.read(ctx)
	}
	if err == nil || state.Domain != nil {
		a.outcome.State = state
	}
	return err
}

func (a *application) read(ctx context.Context) (State, error) {
	if !a.plan.ofGuests() {
		return a.f.state(ctx, a.domain)
	}
	var id string
	if before := a.plan.Before.Guests; before != nil {
		id = before.ID
	}
	return a.f.guestState(ctx, a.domain, id)
}
