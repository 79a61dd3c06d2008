package federation

import (
	"context"
	"fmt"
)

// AbandonRotation withdraws the new certificate, as long as the old key signs. Where the new one does, it is refused with
// [ErrLockout], and nothing is changed. Where there is no rotation, nothing is done.
//
// If the new key has signed meanwhile, its certificate stays the second one for [RotationOverlap]: the status is then
// [RotationPromoted], with the old certificate as the one that stays, and [Federator.RotateStep] removes the new one.
func (f *Federator) AbandonRotation(ctx context.Context, domain string, keys Keys,
	progress func(Event)) (RotationStatus, error) {
	r, err := f.rotation(ctx, domain, keys)
	if err != nil {
		return RotationStatus{}, err
	}
	if err := r.cannotAbandon(); err != nil {
		return f.statusWith(r, err)
	}
	step := r.abandonment()
	if step == nil {
		return f.statusOf(r)
	}
	return f.makeStep(ctx, r, step, progress)
}

// cannotAbandon says why the certificate that came last must stay, or nil.
func (r *rotation) cannotAbandon() error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", ErrLockout, r.domain, fmt.Sprintf(format, args...))
	}
	switch {
	case r.stage == RotationBroken, r.signing.expiredAt(r.now):
		return refuse("%s, of the key that signs, is not one that Entra accepts: go on, or plan with a new one", r.signing)
	case r.noted.Abandoned, r.stage == RotationSwitched && r.turnedBack():
		return nil
	case r.stage == RotationSwitched, r.stage == RotationPromoted:
		return refuse("%s, of the new key, signs: make the identity provider sign with the key of %s first", r.new, r.old)
	}
	return nil
}

// turnedBack reports whether the identity provider signs with the old key again, after the new one was promoted.
func (r *rotation) turnedBack() bool {
	recorded := r.record.Rotation
	return recorded != nil && recorded.New == r.first.text() && recorded.Old == r.second.text()
}

// abandonment is the step that withdraws the certificate, or nil where there is none or that is under way.
func (r *rotation) abandonment() stepMaker {
	switch {
	case r.stage == RotationSwitched:
		r.noted.Abandoned = true
		return (*Federator).promote
	case r.stage == RotationPromoted:
		return nil
	case r.stage == RotationAnnounced && !r.noted.SwitchedAt.IsZero():
		return (*Federator).turnRound
	case r.second != nil && !r.second.is(r.first) && !r.foreign():
		return (*Federator).withdraw
	case r.record.Rotation != nil:
		return (*Federator).forget
	}
	return nil
}

// withdraw takes the second certificate away. That it may not be switched to any more is stored first.
func (f *Federator) withdraw(ctx context.Context, r *rotation, progress func(Event)) (State, error) {
	noted := RotationRecord{Old: r.first.text(), New: r.second.text()}
	if err := f.claim(ctx, r, noted); err != nil {
		return State{}, err
	}
	r.step.write = Properties{"nextSigningCertificate": nil}
	r.step.reason = "The rotation is abandoned, and the key of this certificate will not sign"
	after, err := f.writeStep(ctx, r, progress)
	switch {
	case refusedNull(err):
		f.keepOld(ctx, r, progress, err)
		return r.before, f.end(ctx, r, noted, noted.New)
	case err != nil:
		return State{}, err
	}
	return after, f.end(ctx, r, noted, "")
}

// turnRound makes the new certificate the one that goes, once what its key signed is not under way any more.
func (f *Federator) turnRound(ctx context.Context, r *rotation, _ func(Event)) (State, error) {
	return r.before, f.claim(ctx, r, RotationRecord{
		Old: r.second.text(), New: r.first.text(), PromotedAt: r.now, Abandoned: true,
	})
}

// forget ends a rotation of which nothing is left in the tenant.
func (f *Federator) forget(ctx context.Context, r *rotation, _ func(Event)) (State, error) {
	return r.before, f.end(ctx, r, *r.record.Rotation, "")
}
