package main

import (
	"context"
	"time"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/federation"
)

// longestDNS is how long a DNS record may take to be seen, as Microsoft says:
// https://learn.microsoft.com/entra/fundamentals/add-custom-domain.
const longestDNS = 72 * time.Hour

// changeDomain adds, shows and changes domains.
func (s *session) changeDomain(ctx context.Context) int {
	switch s.flags.verb {
	case domainAdd:
		return s.addDomain(ctx)
	case domainVerify:
		return s.verifyDomain(ctx)
	case domainPromote:
		return s.planned(ctx, s.federator.PlanPromote)
	case domainDefault:
		return s.planned(ctx, s.federator.PlanMakeDefault)
	}
	status, err := s.federator.DomainStatus(ctx, s.domain)
	if err != nil {
		return s.failed(err, nothingChanged)
	}
	return s.printDomain(status)
}

func (s *session) planned(ctx context.Context, by func(context.Context, string) (*federation.Plan, error)) int {
	plan, err := by(ctx, s.domain)
	if err != nil {
		return s.failed(err, nothingChanged)
	}
	return s.carryOut(ctx, plan)
}

func (s *session) addDomain(ctx context.Context) int {
	status, err := s.federator.AddDomain(ctx, s.domain)
	if err != nil {
		return s.failed(err, "to see what became of it: "+s.again("domain show %s", s.domain))
	}
	return s.printDomain(status)
}

func (s *session) verifyDomain(ctx context.Context) int {
	var wait time.Duration
	if s.flags.wait {
		wait = longestDNS
	}
	r := s.newReporter()
	status, err := s.federator.VerifyDomain(ctx, s.domain, wait, r.add)
	r.settle()
	if err != nil {
		return s.failed(err, "to go on: "+s.again("domain verify %s -wait", s.domain))
	}
	return s.printDomain(status)
}

func (s *session) printDomain(status federation.DomainStatus) int {
	var err error
	if s.flags.json {
		err = document.Print(s.Stdout, status)
	} else {
		err = s.describeDomain(status)
	}
	if err != nil {
		return s.failed(err, "what was done is done")
	}
	return command.ExitOK
}

func (s *session) describeDomain(status federation.DomainStatus) error {
	d := status.Domain
	page := terminal.NewPage(s.Stdout, s.Coloured())
	page.Line(terminal.Bold, "%s", d.Name)
	for _, fact := range []struct {
		is   bool
		text string
	}{
		{!d.IsVerified, "not verified: nobody can sign in with it"},
		{d.IsVerified && d.AuthenticationType == federation.Managed, "verified, and managed: people sign in at Entra"},
		{d.IsVerified && d.AuthenticationType == federation.Federated, "verified, and federated: people sign in elsewhere"},
		{d.IsDefault, "the tenant's default domain"},
		{d.IsInitial, "the tenant's initial domain, which stays managed"},
		{!d.IsRoot && d.IsVerified, "signs in as the domain above it"},
	} {
		if fact.is {
			page.Line(terminal.None, "  %s", fact.text)
		}
	}
	if len(status.Records) > 0 {
		page.Line(terminal.None, "One of these records proves whose it is:")
	}
	for _, record := range status.Records {
		page.Line(terminal.None, "  %s", record)
	}
	if status.Next != "" {
		page.Line(terminal.None, "%s", status.Next)
	}
	return page.Err()
}
