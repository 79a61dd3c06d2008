package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Step is a step of the host's own: writing to a CRM, sending a welcome message.
//
// Run may be called more than once for one person, also after it succeeded, until the person is ready: it must be
// idempotent. It is called for different people at once, but never twice at once for one person in one process; nor, as
// a rule, in several that share a [Leaser]. A [*DirectoryError] that is temporary or a 404, and an error that matches
// [ErrThrottled], [ErrUnavailable] or [ErrNotFound], is tried again within the budget; any other ends the run. Run must
// return when ctx ends, and must not call Ensure for the same person, which would wait for itself.
//
// The account has its ImmutableID, its UPN and its ObjectID, but not every replica of the directory knows it yet. It has
// its licences too, unless the step is a [PlacedStep] that comes before.
type Step interface {
	// Name is not empty and is no other step's name. It is always the same.
	Name() string
	Run(ctx context.Context, person Person, account Account) error
}

// PlacedStep is optionally implemented by a [Step] that does not run after the licences.
type PlacedStep interface {
	Step

	// After is the step of this package after which this one runs: [StepCreate], [StepManager], [StepGroups] or
	// [StepLicense]; it runs at that place also for people who do not need the other step. Steps at one place run in the
	// order of Config.Extra, and those at an earlier place are listed first. New calls After once.
	After() string
}

// placedStep is a step and its place.
type placedStep struct {
	Step
	after string
}

// placed reads the places of steps.
func placed(steps []Step) []placedStep {
	out := make([]placedStep, len(steps))
	for i, s := range steps {
		out[i] = placedStep{Step: s, after: StepLicense}
		if p, ok := s.(PlacedStep); ok {
			out[i].after = p.After()
		}
	}
	return out
}

// ownSteps are the names of our steps.
func ownSteps() []string {
	return []string{
		StepSelect, StepKnown, StepToken, StepReserve, StepCreate, StepManager, StepGroups, StepLicense, StepSettle,
		StepRetire, StepBlock, StepUnlicense, StepDelete, StepPurge, StepRestore, StepEnable,
		stepValidate,
	}
}

// places are the steps after which a host's own step can run, in their order. Before the first there is no account;
// after the settling the person is ready, and what fails then would never be done again.
func places() []string { return []string{StepCreate, StepManager, StepGroups, StepLicense} }

// validateExtra lists all that is wrong with names, places and order.
func validateExtra(steps []Step) error {
	var problems []error
	wrong := func(i int, format string, args ...any) {
		problems = append(problems, fmt.Errorf("Config.Extra[%d]"+format, append([]any{i}, args...)...))
	}
	names, last := ownSteps(), 0
	for i, s := range placed(steps) {
		if s.Step == nil {
			wrong(i, " is nil")
			continue
		}
		name := s.Name()
		switch {
		case name == "":
			wrong(i, " has no name")
		case slices.Contains(names, name):
			wrong(i, ": the name %q is taken", name)
		}
		names = append(names, name)
		place := slices.Index(places(), s.after)
		switch {
		case place < 0:
			wrong(i, " cannot run after %q; it can run after %s", s.after, strings.Join(places(), ", "))
			continue
		case place < last:
			wrong(i, " runs after %q but is listed behind one that runs after %q: list the steps in the order in which "+
				"they run", s.after, places()[last])
		}
		last = max(last, place)
	}
	return errors.Join(problems...)
}
