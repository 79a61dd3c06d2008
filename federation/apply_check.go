package federation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// check refuses a plan that must not or cannot be applied, and works out the states that it leads through. It makes no call.
func (a *application) check() error {
	var errs []error
	if a.plan.ID == "" {
		errs = append(errs, errors.New("it has no ID, so that there would be no way back"))
	}
	if a.plan.Domain == "" {
		errs = append(errs, errors.New("it names no domain"))
	}
	for _, found := range a.plan.Findings {
		if found.Severity == SeverityError {
			errs = append(errs, errors.New(found.Summary))
		}
	}
	a.states = []State{a.plan.Before}
	for k, w := range a.plan.Writes {
		present := a.states[k]
		if err := a.checkWrite(w, present); err != nil {
			errs = append(errs, fmt.Errorf("write %d of %d (%s): %w", k+1, len(a.plan.Writes), a.what(k), err))
		}
		a.states = append(a.states, present.after(w))
	}
	if len(errs) > 0 {
		return fmt.Errorf("%w: %w", ErrBlocked, errors.Join(errs...))
	}
	return a.checkDirectory()
}

// checkWrite says why a write cannot be made in the state that it would find.
func (a *application) checkWrite(w Write, present State) error {
	if w.Operation.ofGuests() != a.plan.ofGuests() {
		return fmt.Errorf("a plan to %s does not have such a write", a.plan.Purpose)
	}
	if err := a.checkTarget(w, present); err != nil {
		return err
	}
	return checkBody(w, a.f.now())
}

// checkTarget says why what a write is about cannot be written to. Whatever a plan says that was read from a file, it
// writes to its own domain only: no other one's state was looked at.
func (a *application) checkTarget(w Write, present State) error {
	own := strings.EqualFold(w.Domain, a.plan.Domain)
	switch w.Operation {
	case CreateConfiguration:
		return firstOf(wrongUnless(own, "it is not about the plan's domain"),
			wrongUnless(present.Domain != nil, "the tenant does not have the domain"),
			wrongUnless(present.Configuration == nil, "the domain has a federation already"))
	case ChangeConfiguration, DeleteConfiguration:
		return firstOf(wrongUnless(own, "it is not about the plan's domain"),
			wrongUnless(present.Configuration != nil, "the domain has no federation"))
	case PromoteDomain:
		return firstOf(wrongUnless(own, "it is not about the plan's domain"),
			wrongUnless(present.Domain != nil, "the tenant does not have the domain"))
	case ChangeDomain:
		return firstOf(wrongUnless(w.Domain != "", "it names no domain"),
			wrongUnless(makesDefault(w), "only isDefault can be changed, to true"))
	case CreateGuests:
		return wrongUnless(present.Guests == nil, "the partner has a federation already")
	case ChangeGuests, DeleteGuests:
		return wrongUnless(present.Guests != nil, "the partner has no federation")
	case AddGuestDomain, RemoveGuestDomain:
		return firstOf(wrongUnless(w.Domain != "", "it names no domain"),
			wrongUnless(present.Guests != nil, "the partner has no federation"))
	}
	return errors.New("there is no such operation")
}

func wrongUnless(right bool, what string) error {
	if right {
		return nil
	}
	return errors.New(what)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkRotation refuses a plan that takes away the certificate of the key that a rotation has switched to: the tenant does not
// show whether that was so when the plan was made. A finding says that somebody was asked.
func (a *application) checkRotation(r Record) error {
	before, end := a.plan.Before.Configuration, a.states[len(a.states)-1].Configuration
	if r.Rotation == nil || !r.Rotation.hasSwitched() || before == nil || end == nil ||
		!before.knows(r.Rotation.New) || end.knows(r.Rotation.New) ||
		slices.ContainsFunc(a.plan.Findings, func(f Finding) bool { return f.Rule == retiredCertificate }) {
		return nil
	}
	return fmt.Errorf("%w: the identity provider signs with the key of the certificate %s meanwhile, which the plan would take "+
		"away. Nothing was written. Make a new plan", ErrChanged, certificateName(r.Rotation.New))
}

// checkDirectory refuses a plan with writes that the directory cannot make.
func (a *application) checkDirectory() error {
	for _, w := range a.plan.Writes {
		if name, can := a.f.can(w.Operation); !can {
			return fmt.Errorf("%w, so nothing was written", unsupported(name))
		}
	}
	return nil
}

// can names the interface that an operation needs, and reports whether the directory has it.
func (f *Federator) can(o Operation) (name string, can bool) {
	switch o {
	case ChangeDomain, PromoteDomain:
		_, can = f.dir.(DomainChanges)
		return "DomainChanges", can
	case CreateGuests, ChangeGuests, DeleteGuests:
		_, can = f.dir.(GuestChanges)
		return "GuestChanges", can
	case AddGuestDomain, RemoveGuestDomain:
		_, can = f.dir.(GuestDomains)
		return "GuestDomains", can
	}
	_, can = f.dir.(Configurations)
	return "Configurations", can
}

// unsupported says which optional interface the directory lacks.
func unsupported(name string) error {
	return fmt.Errorf("%w: it does not implement federation.%s", ErrUnsupported, name)
}
