package main

import (
	"context"
	"fmt"
	"os"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/federation"
)

const nothingChanged = "nothing was changed"

// plan says what would be written.
func (s *session) plan(ctx context.Context) int {
	if err := document.Absent(s.flags.out, "-out"); err != nil {
		return s.Misused(err)
	}
	plan, code := s.makePlan(ctx)
	if plan == nil {
		return code
	}
	return s.handOut(plan)
}

// makePlan plans what the flags say. Without a plan, the exit code says why.
func (s *session) makePlan(ctx context.Context) (*federation.Plan, int) {
	settings, err := s.settings(ctx)
	if err != nil {
		return nil, s.Misused(err)
	}
	plan, err := s.federator.Plan(ctx, settings)
	if err != nil {
		return nil, s.failed(err, nothingChanged)
	}
	if err := s.remember(); err != nil {
		return nil, s.failed(err, nothingChanged)
	}
	return plan, command.ExitOK
}

// handOut prints a plan, and writes it for apply.
func (s *session) handOut(plan *federation.Plan) int {
	if s.flags.out != "" {
		if err := document.Create(s.flags.out, plan); err != nil {
			return s.Misused(err)
		}
	}
	var err error
	if s.flags.json {
		err = document.Print(s.Stdout, plan)
	} else {
		err = plan.Print(s.Stdout, s.style())
	}
	if err != nil {
		return s.failed(err, nothingChanged)
	}
	if s.flags.out != "" {
		s.Say("the plan is in %s", s.flags.out)
		if !blocked(plan.Findings) && len(plan.Writes) > 0 {
			s.Say("to go on: %s", s.again("apply %s", quoted(s.flags.out)))
		}
	}
	return planCode(plan)
}

// planCode is the exit code that the plan is worth.
func planCode(plan *federation.Plan) int {
	if blocked(plan.Findings) {
		return command.ExitFailed
	}
	return command.ExitOK
}

// blocked reports whether there is an error among the findings.
func blocked(findings []federation.Finding) bool {
	for _, f := range findings {
		if f.Severity == federation.SeverityError {
			return true
		}
	}
	return false
}

// readPlan reads the plan that apply is given.
func (s *session) readPlan() error {
	if s.flags.file == "" {
		return nil
	}
	file, err := os.Open(s.flags.file)
	if err != nil {
		return err
	}
	defer file.Close()
	if s.file, err = federation.ReadPlan(file); err != nil {
		return fmt.Errorf("%s: %w", s.flags.file, err)
	}
	s.domain = s.file.Domain
	return nil
}
