package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// stepMaker makes a step, and returns the tenant as it is then.
type stepMaker func(f *Federator, ctx context.Context, r *rotation, progress func(Event)) (State, error)

// RotateStep makes the next step of the rotation, and returns the status after it. Calling it again and again, until the
// stage is [RotationIdle] with the new certificate, is a whole rotation; it may be a different process each time, and a
// process that was stopped anywhere. progress is called from this goroutine. Nil: not.
//
// A step that must wait is refused with [ErrTooEarly]; one that would make Entra refuse what the identity provider signs,
// with [ErrLockout]; one that is made at the identity provider by hand, with [ErrByHand]; and with [ErrNoNextKey] where there
// is nothing to change to. Nothing was changed then. Of two processes at once, one may get [ErrStale] or [ErrChanged], and
// has changed nothing in the tenant. With any error, the status is that before the step.
//
// Waits are measured by the Federator's clock, from a time that was stored after the tenant had shown the change. Where that
// time is not in the store, the step is to store the present one.
func (f *Federator) RotateStep(ctx context.Context, domain string, keys Keys,
	progress func(Event)) (RotationStatus, error) {
	r, err := f.rotation(ctx, domain, keys)
	if err != nil {
		return RotationStatus{}, err
	}
	if err := r.refusal(); err != nil {
		return f.statusWith(r, err)
	}
	return f.makeStep(ctx, r, r.step.make, progress)
}

// makeStep makes a step, and says what there is then.
func (f *Federator) makeStep(ctx context.Context, r *rotation, step stepMaker,
	progress func(Event)) (RotationStatus, error) {
	after, err := step(f, ctx, r, progress)
	if err != nil {
		return f.statusWith(r, err)
	}
	// A replica of the tenant that is late would show the stage before: what the write left behind counts.
	done, err := f.rotationAfter(ctx, r, after)
	if err != nil {
		return f.statusWith(r, err)
	}
	return f.statusOf(done)
}

// statusWith is the status beside an error.
func (f *Federator) statusWith(r *rotation, why error) (RotationStatus, error) {
	s, err := f.statusOf(r)
	return s, errors.Join(why, err)
}

// announce tells Entra of the new certificate.
func (f *Federator) announce(ctx context.Context, r *rotation, progress func(Event)) (State, error) {
	noted := r.noted
	noted.AnnouncedAt, noted.SwitchedAt, noted.PromotedAt = time.Time{}, time.Time{}, time.Time{}
	if err := f.claim(ctx, r, noted); err != nil {
		return State{}, err
	}
	after, err := f.writeStep(ctx, r, progress)
	if err != nil {
		return State{}, err
	}
	return after, f.note(ctx, r, func(kept *RotationRecord, now time.Time) { kept.AnnouncedAt = now })
}

// switchKey makes the identity provider sign with the new key. That it is about to is stored first, so that nobody withdraws
// the certificate meanwhile.
func (f *Federator) switchKey(ctx context.Context, r *rotation, progress func(Event)) (State, error) {
	noted := r.noted
	noted.SwitchedAt = r.now
	if err := f.claim(ctx, r, noted); err != nil {
		return State{}, err
	}
	f.log.InfoContext(ctx, "federation: switching the signing key", "domain", r.domain, "certificate", r.new.String())
	switcher, can := r.keys.(Switcher)
	if !can {
		return State{}, ErrByHand // refused before
	}
	if err := switcher.Switch(ctx, r.new.read); err != nil {
		return State{}, fmt.Errorf("federation: the identity provider did not switch to the key of %s for %s: %w",
			r.new, r.domain, err)
	}
	active, _, err := r.keys.Certificates(ctx)
	if err != nil {
		return State{}, fmt.Errorf("federation: the identity provider was told to sign with the key of %s, and does not say "+
			"whether it does: %w", r.new, err)
	}
	if !r.new.is(providerCertificate(active)) {
		return State{}, fmt.Errorf("federation: the identity provider was told to sign with the key of %s, and still signs "+
			"with another: see why, then make the step again", r.new)
	}
	f.tell(progress, Event{Kind: EventSwitched,
		Message: fmt.Sprintf("The identity provider signs with the key of %s.", r.new)})
	return r.before, nil
}

// promote makes the certificate of the key that signs the first one.
func (f *Federator) promote(ctx context.Context, r *rotation, progress func(Event)) (State, error) {
	noted := r.noted
	noted.PromotedAt = time.Time{}
	if noted.SwitchedAt.IsZero() {
		noted.SwitchedAt = r.now
	}
	if err := f.claim(ctx, r, noted); err != nil {
		return State{}, err
	}
	after, err := f.writeStep(ctx, r, progress)
	if err != nil {
		return State{}, err
	}
	return after, f.note(ctx, r, func(kept *RotationRecord, now time.Time) { kept.PromotedAt = now })
}

// remove takes the old certificate away, and ends the rotation. A tenant that refuses to have none keeps it.
func (f *Federator) remove(ctx context.Context, r *rotation, progress func(Event)) (State, error) {
	if err := f.claim(ctx, r, r.noted); err != nil {
		return State{}, err
	}
	after, err := f.writeStep(ctx, r, progress)
	switch {
	case refusedNull(err):
		f.keepOld(ctx, r, progress, err)
		return r.before, f.end(ctx, r, r.noted, r.noted.Old)
	case err != nil:
		return State{}, err
	}
	return after, f.end(ctx, r, r.noted, r.noted.replaced())
}

// finish ends a rotation whose last process was stopped before it could.
func (f *Federator) finish(ctx context.Context, r *rotation, _ func(Event)) (State, error) {
	ended := *r.record.Rotation
	return r.before, f.end(ctx, r, ended, ended.replaced())
}

// replaced is the certificate of the old key, if that is not to come back; "" is none. One whose successor nobody saw come may
// be the next one, whose record was lost.
func (r RotationRecord) replaced() string {
	if r.AnnouncedAt.IsZero() || r.Abandoned {
		return ""
	}
	return r.Old
}

// refusedNull reports whether the tenant refuses to have no second certificate. Whether it does is documented nowhere.
func refusedNull(err error) bool {
	var answer *DirectoryError
	return errors.As(err, &answer) && answer.Status == http.StatusBadRequest
}

func (f *Federator) keepOld(ctx context.Context, r *rotation, progress func(Event), err error) {
	f.log.WarnContext(ctx, "federation: the tenant keeps the old certificate", "domain", r.domain,
		"certificate", r.second.String(), "error", err)
	f.tell(progress, Event{Kind: EventFound, Message: fmt.Sprintf("The tenant does not let %s be removed: it stays "+
		"as the second certificate, until the next rotation overwrites it. (%v)", r.second, err)})
}

// beginWaitToSwitch notes that the new certificate is in the tenant.
func (f *Federator) beginWaitToSwitch(ctx context.Context, r *rotation, _ func(Event)) (State, error) {
	noted := r.noted
	noted.AnnouncedAt = r.now
	return r.before, f.claim(ctx, r, noted)
}

// beginWaitToRemove notes that the new certificate is the first one.
func (f *Federator) beginWaitToRemove(ctx context.Context, r *rotation, _ func(Event)) (State, error) {
	noted := r.noted
	noted.PromotedAt = r.now
	return r.before, f.claim(ctx, r, noted)
}

// writeStep writes what the step changes in the tenant.
func (f *Federator) writeStep(ctx context.Context, r *rotation, progress func(Event)) (State, error) {
	plan, err := f.planRotation(r)
	if err != nil {
		return State{}, err
	}
	outcome, err := f.Apply(ctx, plan, progress)
	return outcome.State, err
}

// claim stores the record before the step is made, unless another process has changed it since it was read: then that one is
// at work, and this one does nothing.
func (f *Federator) claim(ctx context.Context, r *rotation, noted RotationRecord) error {
	record := r.record
	record.Rotation = &noted
	record.Certificates = slices.Clone(record.Certificates)
	for _, c := range []string{noted.Old, noted.New} {
		if c != "" && !slices.Contains(record.Certificates, c) {
			record.Certificates = append(record.Certificates, c)
		}
	}
	return f.save(ctx, r.domain, r.document, record)
}

// note adds a time to the record, after the step was made. A rotation that another process has put there meanwhile is left
// alone: its times are its own.
func (f *Federator) note(ctx context.Context, r *rotation, change func(*RotationRecord, time.Time)) error {
	now := f.now().UTC()
	return f.remember(ctx, r.domain, func(record *Record) {
		if kept := record.Rotation; kept != nil && kept.same(r.noted) {
			change(kept, now)
		}
	})
}

// end forgets a rotation, and remembers the certificate whose key must not come back by mistake; "" is none.
func (f *Federator) end(ctx context.Context, r *rotation, ended RotationRecord, retired string) error {
	return f.remember(ctx, r.domain, func(record *Record) {
		if record.Rotation != nil && record.Rotation.same(ended) {
			record.Rotation = nil
		}
		if retired != "" && !slices.Contains(record.Retired, retired) {
			record.Retired = append(record.Retired, retired)
		}
	})
}

// same reports whether both are a change between the same two certificates.
func (r RotationRecord) same(other RotationRecord) bool {
	return r.Old == other.Old && r.New == other.New
}
