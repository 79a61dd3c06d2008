package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/federation"
)

// apply carries out a plan: that of a file, or one that the flags ask for.
func (s *session) apply(ctx context.Context) int {
	if s.file != nil {
		return s.carryOut(ctx, s.file)
	}
	plan, code := s.makePlan(ctx)
	if plan == nil {
		return code
	}
	return s.carryOut(ctx, plan)
}

// applied is what -json prints of a plan that was carried out, or not.
type applied struct {
	Plan         *federation.Plan         `json:"plan"`
	Events       []federation.Event       `json:"events"`
	Outcome      *federation.Outcome      `json:"outcome,omitempty"`
	Verification *federation.Verification `json:"verification,omitempty"`
	Error        string                   `json:"error,omitempty"`
}

// carryOut shows a plan, asks, applies it, and waits if that is wanted.
func (s *session) carryOut(ctx context.Context, plan *federation.Plan) int {
	result := &applied{Plan: plan, Events: []federation.Event{}}
	code := s.carryOutInto(ctx, plan, result)
	if s.flags.json {
		if err := document.Print(s.Stdout, result); err != nil {
			return s.failed(err, "what was done is done")
		}
	}
	return code
}

func (s *session) carryOutInto(ctx context.Context, plan *federation.Plan, result *applied) int {
	if !s.flags.json {
		if err := plan.Print(s.Stdout, s.style()); err != nil {
			return s.failed(err, nothingChanged)
		}
	}
	switch {
	case blocked(plan.Findings):
		s.Say("%s", nothingChanged)
		return command.ExitFailed
	case s.flags.dryRun:
		s.Say("%s: -dry-run", nothingChanged)
		return command.ExitOK
	}
	if len(plan.Writes) > 0 {
		if code, ok := s.Confirm(ctx, s.flags.yes, s.question(plan)); !ok {
			return code
		}
	}
	file, err := s.keep(plan)
	if err != nil {
		return s.failed(err, nothingChanged)
	}
	r := s.newReporter()
	outcome, err := s.federator.Apply(ctx, plan, r.add)
	r.settle()
	result.Events, result.Outcome = r.events, &outcome
	if err != nil {
		result.Error = err.Error()
		return s.failed(err, s.remedies(plan, file, outcome))
	}
	if s.file == nil {
		_ = os.Remove(file) // it was for going on
	}
	return s.inForce(ctx, plan, r, result)
}

// question is what is asked before anything is changed.
func (s *session) question(plan *federation.Plan) string {
	text := fmt.Sprintf("Tenant %s: %s %s, by %d of the writes above. Planned %v ago. The way back is kept in %s.\n", s.tenant,
		plan.Purpose, plan.Domain, len(plan.Writes), s.Now().Sub(plan.Made).Round(time.Second), s.store)
	if plan.Purpose == federation.PurposeFederate || plan.Purpose == federation.PurposeRevert {
		text += "For up to two hours from then on, people may be unable to sign in.\n"
	}
	return text
}

// keep puts a plan that is in no file yet into one, so that it can be gone on with.
func (s *session) keep(plan *federation.Plan) (file string, err error) {
	if s.file != nil {
		return s.flags.file, nil
	}
	file = filepath.Join(s.store, "plan-"+plan.ID+".json")
	return file, document.Replace(file, plan)
}

// remedies are the ways on and back after an error.
func (s *session) remedies(plan *federation.Plan, file string, outcome federation.Outcome) string {
	text := "to go on: " + s.again("apply %s", quoted(file))
	if way := s.wayBack(plan, outcome); way != "" {
		text += "\nto go back: " + way
	}
	return text
}

// inForce waits until Entra acts on a plan, or says that it takes time.
func (s *session) inForce(ctx context.Context, plan *federation.Plan, r *reporter, result *applied) int {
	later := s.again("verify %s -wait", s.domain)
	if !s.flags.wait {
		s.sayAfter(plan, *result.Outcome, later)
		return command.ExitOK
	}
	if ofGuests(plan) {
		s.Say("nothing public tells whether Entra acts on it: let a guest try, within two hours")
		return command.ExitOK
	}
	verification, err := s.federator.Wait(ctx, plan, r.add)
	r.settle()
	result.Verification = &verification
	if err != nil {
		result.Error = err.Error()
		return s.failed(err, "the change is made. To go on waiting: "+later)
	}
	if !s.flags.json {
		fmt.Fprintf(s.Stdout, "To try it, in a private window: %s\n", verification.SignInLink)
	}
	return command.ExitOK
}

// sayAfter says how to go back, and that what was written is not yet what people meet.
func (s *session) sayAfter(plan *federation.Plan, outcome federation.Outcome, later string) {
	if way := s.wayBack(plan, outcome); way != "" {
		s.Say("the way back: %s", way)
	}
	switch {
	case len(plan.Writes) == 0 || plan.Purpose == federation.PurposeMakeDefault:
	case ofGuests(plan):
		s.Say("Entra may take up to two hours to act on it, which nothing public tells: let a guest try")
	default:
		s.Say("Entra may take up to two hours to act on it: %s", later)
	}
}

// wayBack is the command that undoes a plan, or "" where none does.
func (s *session) wayBack(plan *federation.Plan, outcome federation.Outcome) string {
	switch {
	case outcome.Undo == "" || plan.Purpose == federation.PurposePromote || plan.Purpose == federation.PurposeRevertGuest:
		return ""
	case ofGuests(plan):
		return s.again("guests revert %s", s.domain)
	}
	return s.again("revert %s -undo %s", s.domain, outcome.Undo)
}

func ofGuests(plan *federation.Plan) bool {
	return plan.Purpose == federation.PurposeFederateGuest || plan.Purpose == federation.PurposeRevertGuest
}
