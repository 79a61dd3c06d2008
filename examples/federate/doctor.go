package main

import (
	"context"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/federation"
)

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
