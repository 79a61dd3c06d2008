package main

import (
	"context"
	"errors"

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
