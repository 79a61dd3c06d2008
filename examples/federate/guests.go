package main

import (
	"context"

	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/federation"
)

// guests plans and applies the federation with a partner.
func (s *session) guests(ctx context.Context) int {
	if s.flags.verb == guestsApply {
		return s.carryOut(ctx, s.file)
	}
	if err := document.Absent(s.flags.out, "-out"); err != nil {
		return s.Misused(err)
	}
	if s.flags.verb == guestsPlan {
		return s.planGuests(ctx)
	}
	plan, err := s.federator.PlanRevertGuests(ctx, s.domain)
	switch {
	case err != nil:
		return s.failed(err, nothingChanged)
	case s.flags.out != "":
		return s.handOut(plan)
	}
	return s.carryOut(ctx, plan)
}

func (s *session) planGuests(ctx context.Context) int {
	settings, err := s.settings(ctx)
	if err != nil {
		return s.Misused(err)
	}
	plan, err := s.federator.PlanGuests(ctx, federation.GuestSettings{
		Domains: append([]string{s.domain}, s.flags.more...), Issuer: settings.Issuer, SignInURL: settings.SignInURL,
		SigningCertificate: settings.SigningCertificate, DisplayName: settings.DisplayName, MetadataURL: settings.MetadataURL,
		Protocol: settings.Protocol, Replace: settings.Replace,
	})
	if err != nil {
		return s.failed(err, nothingChanged)
	}
	return s.handOut(plan)
}
