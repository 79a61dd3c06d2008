package federation

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// rotationStep is the step that leaves a stage.
type rotationStep struct {
	next       string
	hindrances []hindrance
	make       stepMaker // nil: there is none

	// write are the properties that it changes in the tenant, and reason is why; nil: it writes nothing there.
	write  Properties
	reason string
}

// hindrance is something that the operator should know about a step. With a kind, the step is not made.
type hindrance struct {
	kind  error
	text  string
	until time.Time // when it is over, if time is what it takes
}

func (s *rotationStep) refuse(kind error, format string, args ...any) {
	s.hindrances = append(s.hindrances, hindrance{kind: kind, text: fmt.Sprintf(format, args...)})
}

func (s *rotationStep) warn(format string, args ...any) { s.refuse(nil, format, args...) }

// hold makes the step wait.
func (s *rotationStep) hold(now, until time.Time, format string, args ...any) {
	if now.Before(until) {
		s.hindrances = append(s.hindrances,
			hindrance{kind: ErrTooEarly, text: fmt.Sprintf(format, args...), until: until.UTC()})
	}
}

// has reports whether something of one of the kinds is in the way.
func (s *rotationStep) has(kinds ...error) bool {
	for _, h := range s.hindrances {
		for _, kind := range kinds {
			if errors.Is(h.kind, kind) {
				return true
			}
		}
	}
	return false
}

// prepare says what the step of the stage is.
func (r *rotation) prepare() {
	switch r.stage {
	case RotationIdle:
		r.prepareAnnouncement()
	case RotationAnnounced:
		r.prepareSwitch()
	case RotationSwitched:
		r.preparePromotion()
	case RotationPromoted:
		r.prepareRemoval()
	}
	switch {
	case r.stage == RotationBroken:
		r.breakUp()
	case !r.signing.begunAt(r.now):
		r.breakUp()
	case r.signing.expiredAt(r.now) && !r.leadsOut():
		r.breakUp()
	}
}

// leadsOut reports whether the step leads away from a certificate that has expired.
func (r *rotation) leadsOut() bool {
	return (r.stage == RotationIdle || r.stage == RotationAnnounced) && !r.step.has(ErrNoNextKey, ErrLockout)
}

// breakUp says what is broken, and what mends it.
func (r *rotation) breakUp() {
	r.stage = RotationBroken
	before := r.step
	r.step = rotationStep{}
	switch {
	case r.signing.expiredAt(r.now):
		r.step.refuse(ErrLockout, "%s, of the key that signs, expired on %s: Entra refuses what it signs. Plan with the "+
			"certificate of a new key", r.signing, date(r.signing.read.NotAfter))
		r.step.hindrances = append(r.step.hindrances, before.hindrances...)
	case !r.signing.begunAt(r.now):
		r.step.refuse(ErrLockout, "%s, of the key that signs, is valid only from %s: Entra refuses what it signs. Sign with "+
			"the key from before, or plan with the certificate of a new one", r.signing, date(r.signing.read.NotBefore))
	case r.other.is(r.first) || r.other.is(r.second):
		r.step.refuse(ErrLockout, "%s, of the key that signs, is neither certificate of the domain: Entra refuses everybody "+
			"(AADSTS5000811). Make the identity provider sign with the key of %s again, which Entra knows: that helps at "+
			"once. A plan with the certificate of the key that signs takes up to two hours to help", r.signing, r.other)
	default:
		r.step.refuse(ErrLockout, "%s, of the key that signs, is neither certificate of the domain: Entra refuses everybody "+
			"(AADSTS5000811). Plan with the certificate of the key that signs", r.signing)
	}
}

func (r *rotation) prepareAnnouncement() {
	s := &r.step
	if r.finished() {
		s.next = fmt.Sprintf("Notes that the rotation to %s is complete.", r.first)
		s.make = (*Federator).finish
		return
	}
	if r.second != nil && r.retired(r.second) {
		s.warn("the second certificate is still %s, of a key that was replaced or withdrawn: that does no harm, and the "+
			"next rotation overwrites it", r.second)
	}
	switch {
	case r.new == nil:
		s.refuse(ErrNoNextKey, "the identity provider has no other key than the one that signs: give it the next one")
		return
	case r.retired(r.new):
		s.refuse(ErrNoNextKey, "%s is of a key that was replaced or withdrawn: give the identity provider a new one, or plan "+
			"with that certificate to go back to it", r.new)
		return
	case r.new.read.NotBefore.Before(r.signing.read.NotBefore):
		s.refuse(ErrNoNextKey, "%s is older than %s, of the key that signs, so it looks like the one before: give the "+
			"identity provider a new one, or plan with that certificate to go back to it", r.new, r.signing)
		return
	}
	s.next = fmt.Sprintf("Tells Entra of the next key: %s becomes the second certificate.", r.new)
	s.make = (*Federator).announce
	s.write = Properties{"nextSigningCertificate": r.new.text()}
	s.reason = "Entra has to know the certificate of the next key before that signs"
	s.hindrances = append(s.hindrances, r.new.unfit(r.signing, r.now)...)
	switch {
	case r.foreign():
		s.refuse(ErrLockout, "the second certificate is %s, which is neither the identity provider's nor from here: somebody "+
			"else may be about to sign with its key. Find out who; a plan with the present settings removes it", r.second)
	case r.second != nil && !r.retired(r.second):
		s.warn("the second certificate is %s, from an earlier plan or rotation: it is overwritten", r.second)
	}
	if r.new.read.NotAfter.Before(r.signing.read.NotAfter) {
		s.warn("%s expires on %s, before %s does", r.new, date(r.new.read.NotAfter), r.signing)
	}
	r.warnOfExpiry(r.now)
}

func (r *rotation) prepareSwitch() {
	s := &r.step
	if !r.new.is(r.other) {
		s.refuse(ErrNoNextKey, "the identity provider does not have the key of %s any more, which Entra was told of: give it "+
			"back, or abandon the rotation", r.new)
		return
	}
	s.hindrances = append(s.hindrances, r.new.unfit(r.signing, r.now)...)
	since := r.since(r.noted.AnnouncedAt)
	if since.IsZero() && !r.signing.expiredAt(r.now) {
		r.warnOfExpiry(r.now)
		s.next = fmt.Sprintf("Begins the wait of two hours before the key of %s may sign: nobody has noted when Entra was "+
			"told of it.", r.new)
		s.make = (*Federator).beginWaitToSwitch
		return
	}
	_, can := r.keys.(Switcher)
	s.next = fmt.Sprintf("Makes the identity provider sign with the key of %s.", r.new)
	if !can {
		s.next = fmt.Sprintf("The identity provider's operator makes it sign with the key of %s.", r.new)
	}
	if !r.signing.expiredAt(r.now) {
		s.next += " Before that, try a sign-in with that key, if the identity provider can: only that shows whether Entra " +
			"accepts the second certificate before the first one expires."
	}
	s.next += " The step after this one should follow at once."
	s.make = (*Federator).switchKey
	r.warnOfExpiry(since)
	known := since.Add(RotationOverlap)
	until := known
	if r.signing.expiry().Before(until) {
		until = r.signing.expiry() // then waiting is pointless
	}
	s.hold(r.now, until, "Entra was told of %s at %s, and may not know it everywhere before %s",
		r.new, date(since), date(known))
	if !can && !s.has(ErrTooEarly) {
		s.refuse(ErrByHand, "this program cannot make the identity provider sign with the other key: its operator does it")
	}
}

func (r *rotation) preparePromotion() {
	s := &r.step
	s.next = fmt.Sprintf("Makes %s, of the key that signs, the first certificate, and %s the second. Do it now: if Entra "+
		"accepts only the first, people are refused (AADSTS5000811) until up to two hours after this. If they are, going "+
		"back to the key of %s at the identity provider helps at once.", r.new, r.old, r.old)
	s.make = (*Federator).promote
	s.write = Properties{"signingCertificate": r.new.text(), "nextSigningCertificate": orNil(r.old.text())}
	s.reason = "The certificate of the key that signs is to be the first one; the old one stays as a way back"
	if r.old.expiredAt(r.now) {
		// The old one is no way back any more, and Graph might refuse it.
		delete(s.write, "nextSigningCertificate")
		s.next = fmt.Sprintf("Makes %s, of the key that signs, the first certificate, in place of %s, which has expired.",
			r.new, r.old)
		s.reason = "The certificate of the key that signs is to be the first one; the old one has expired"
	}
}

func (r *rotation) prepareRemoval() {
	s := &r.step
	since := r.since(r.noted.PromotedAt)
	if since.IsZero() {
		s.next = fmt.Sprintf("Begins the wait of two hours before the second certificate is removed: nobody has noted when %s "+
			"became the first.", r.first)
		s.make = (*Federator).beginWaitToRemove
		return
	}
	s.next = fmt.Sprintf("Removes the second certificate: the key of %s does not sign any more.", r.old)
	s.make = (*Federator).remove
	s.write = Properties{"nextSigningCertificate": nil}
	s.reason = "The old key does not sign any more"
	until := since.Add(RotationOverlap)
	s.hold(r.now, until, "%s became the first certificate at %s, and may not be that everywhere before %s",
		r.first, date(since), date(until))
}

// warnOfExpiry tells early when the old certificate expires before the new one may be known everywhere.
func (r *rotation) warnOfExpiry(since time.Time) {
	known := since.Add(RotationOverlap)
	switch {
	case r.signing.expiredAt(r.now):
		r.step.warn("%s, of the key that signs, expired on %s: people cannot sign in. Waiting is pointless: go on at once",
			r.signing, date(r.signing.read.NotAfter))
	case r.signing.expiredAt(known):
		r.step.warn("%s, of the key that signs, expires on %s, before Entra may know %s everywhere. Until then the old key is "+
			"the better one; from then on, do not wait any more. Some people may be refused until %s",
			r.signing, date(r.signing.read.NotAfter), r.new, date(known))
	}
}

// refusal is why the step is not made, or nil. It is [ErrTooEarly] only where waiting is all that it takes.
func (r *rotation) refusal() error {
	var early, errs []error
	for _, h := range r.step.hindrances {
		if h.kind == nil {
			continue
		}
		err := fmt.Errorf("%w: %s: %s", h.kind, r.domain, h.text)
		if errors.Is(h.kind, ErrTooEarly) {
			early = append(early, err)
		} else {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		errs = early
	}
	return errors.Join(errs...)
}

// statusOf is what everybody may know of a rotation.
func (f *Federator) statusOf(r *rotation) (RotationStatus, error) {
	s := RotationStatus{
		Domain: r.domain, Stage: r.stage, Next: r.step.next, Allowed: r.step.make != nil && r.refusal() == nil,
		Signing: *r.signing.info(), Other: r.other.info(), Second: r.second.info(),
	}
	if r.first != nil {
		s.First = *r.first.info()
	}
	for _, h := range r.step.hindrances {
		s.Reasons = append(s.Reasons, h.text)
		if h.until.After(s.NotBefore) {
			s.NotBefore = h.until
		}
	}
	var err error
	if s.Allowed && r.step.write != nil {
		s.Plan, err = f.planRotation(r)
	}
	return s, err
}

// planRotation is what the step writes to the tenant.
func (f *Federator) planRotation(r *rotation) (*Plan, error) {
	w, _ := changeConfiguration(r.domain, *r.before.Configuration, r.step.write, r.step.reason+".")
	return f.newPlan(PurposeRotate, r.domain, r.before, []Write{w}, nil)
}

// String shows the status for people, one fact to a line.
func (s RotationStatus) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", s.Domain, s.Stage)
	line := func(name, text string) { fmt.Fprintf(&b, "  %-11s %s\n", name, text) }
	line("signs", s.Signing.String())
	if s.Other != nil {
		line("other key", s.Other.String())
	}
	line("first", s.First.String())
	if s.Second != nil {
		line("second", s.Second.String())
	}
	if s.Next != "" {
		line("next", s.Next)
	}
	switch {
	case s.Allowed:
		line("now", "yes")
	case !s.NotBefore.IsZero():
		line("not before", date(s.NotBefore))
	case s.Next != "":
		line("now", "no")
	}
	for _, reason := range s.Reasons {
		line("note", reason)
	}
	return b.String()
}
