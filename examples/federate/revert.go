package main

import (
	"context"
	"fmt"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/federation"
)

// revert makes the domain managed, or as it was before a plan.
func (s *session) revert(ctx context.Context) int {
	if s.flags.ways {
		return s.listUndo(ctx)
	}
	if err := document.Absent(s.flags.out, "-out"); err != nil {
		return s.Misused(err)
	}
	plan, err := s.federator.PlanRevert(ctx, federation.RevertSettings{
		Domain: s.domain, Undo: s.flags.undo, InsecureRetiredCertificate: s.flags.retiredCertificate,
	})
	if err != nil {
		return s.failed(err, nothingChanged)
	}
	if s.flags.out != "" {
		return s.handOut(plan)
	}
	return s.carryOut(ctx, plan)
}

// listUndo lists the ways back.
func (s *session) listUndo(ctx context.Context) int {
	ways, err := s.federator.UndoRecords(ctx, s.domain)
	if err != nil {
		return s.failed(err, nothingChanged)
	}
	if s.flags.json {
		err = document.Print(s.Stdout, append([]federation.Undo{}, ways...))
	} else {
		err = s.printUndo(ways)
	}
	if err != nil {
		return s.failed(err, nothingChanged)
	}
	return command.ExitOK
}

func (s *session) printUndo(ways []federation.Undo) error {
	page := terminal.NewPage(s.Stdout, false)
	if len(ways) == 0 {
		page.Line(terminal.None, "%s has no way back in %s.", s.domain, s.store)
	}
	for _, way := range ways {
		was := "managed"
		if way.Before.Configuration != nil {
			was = "federated with " + way.Before.Configuration.IssuerURI
		}
		page.Line(terminal.None, "%s  before %q at %s: %s", way.Plan, string(way.Purpose),
			way.At.UTC().Format("2006-01-02 15:04:05 UTC"), fmt.Sprintf("%s was %s", s.domain, was))
	}
	return page.Err()
}
