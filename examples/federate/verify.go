package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/federation"
)

// verify compares what Entra's sign-in service says of the domain with what Graph shows.
func (s *session) verify(ctx context.Context) int {
	var v federation.Verification
	var err error
	if s.flags.wait {
		r := s.newReporter()
		v, err = s.federator.WaitDomain(ctx, s.domain, r.add)
		r.settle()
	} else {
		v, err = s.federator.Verify(ctx, s.domain)
	}
	if err != nil && !errors.Is(err, federation.ErrNotLive) {
		return s.failed(err, "to go on: "+s.again("verify %s -wait", s.domain))
	}
	if printErr := s.printVerification(v); printErr != nil {
		return s.failed(printErr, nothingChanged)
	}
	switch {
	case err != nil:
		return s.failed(err, "to go on: "+s.again("verify %s -wait", s.domain))
	case v.Live:
		return command.ExitOK
	}
	s.Say("changes take up to two hours: %s. If it does not come: %s", s.again("verify %s -wait", s.domain),
		s.again("doctor %s", s.domain))
	return command.ExitFailed
}

func (s *session) printVerification(v federation.Verification) error {
	if s.flags.json {
		return document.Print(s.Stdout, v)
	}
	page := terminal.NewPage(s.Stdout, s.Coloured())
	switch realm := v.Realm; {
	case realm.SignInURL != "":
		page.Line(terminal.None, "Entra's sign-in service says of %s: %s, at %s.", s.domain, realm.Type, realm.SignInURL)
	case realm.Type != "":
		page.Line(terminal.None, "Entra's sign-in service says of %s: %s.", s.domain, realm.Type)
	}
	for _, difference := range v.Differences {
		page.Line(terminal.Warn, "  · %s", difference)
	}
	if v.Live {
		page.Line(terminal.Good, "That is as Graph has it.")
	}
	page.Line(terminal.None, "To try it, in a private window: %s", v.SignInLink)
	return page.Err()
}

// doctor explains why people cannot sign in.
func (s *session) doctor(ctx context.Context) int {
	idp, err := s.identityProvider(ctx)
	if err != nil && s.flags.metadata != "" {
		s.Say("the identity provider's metadata cannot be read, and is left out: %v", err)
		s.flags.metadata = ""
		idp, err = s.identityProvider(ctx)
	}
	if err != nil {
		return s.Misused(err)
	}
	diagnosis, err := s.federator.Diagnose(ctx, federation.DiagnoseSettings{
		Domain: s.domain, IdentityProvider: idp, User: s.flags.user, ImmutableID: s.flags.rule(),
	})
	if err != nil {
		return s.failed(err, nothingChanged)
	}
	if s.flags.json {
		err = document.Print(s.Stdout, diagnosis)
	} else {
		err = diagnosis.Print(s.Stdout, s.style())
	}
	switch {
	case err != nil:
		return s.failed(err, nothingChanged)
	case blocked(diagnosis.Findings):
		return command.ExitFailed
	}
	return command.ExitOK
}

// revert makes the domain managed, or as it was before a plan.
func (s *session) revert(ctx context.Context) int {
	if s.flags.ways {
		return s.listUndo(ctx)
	}
	if err := document.Absent(s.flags.out, "-out"); err != nil {
		return s.Misused(err)
	}
	plan, err := s.federator.PlanRevert(ctx, federation.RevertSettings{Domain: s.domain, Undo: s.flags.undo})
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
