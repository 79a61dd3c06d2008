package msgraph

import (
	"context"
	"strings"
	"time"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/internal/graph"
)

// Domains implements [federation.Directory]. It needs Domain.Read.All.
func (t *Tenant) Domains(ctx context.Context) ([]federation.Domain, error) {
	found, err := t.client.Domains(ctx)
	if err != nil {
		return nil, federationError(err)
	}
	var domains []federation.Domain
	for _, d := range found {
		domains = append(domains, domainOf(d))
	}
	return domains, nil
}

// AddDomain implements [federation.DomainChanges]. It needs Domain.ReadWrite.All.
func (t *Tenant) AddDomain(ctx context.Context, name string) (federation.Domain, error) {
	added, err := t.client.AddDomain(ctx, name)
	return domainOf(added), federationError(err)
}

// ChangeDomain implements [federation.DomainChanges]. It needs Domain.ReadWrite.All.
func (t *Tenant) ChangeDomain(ctx context.Context, name string, p federation.Properties) error {
	return federationError(t.client.ChangeDomain(ctx, name, p))
}

// PromoteDomain implements [federation.DomainChanges]. It needs Domain.ReadWrite.All.
func (t *Tenant) PromoteDomain(ctx context.Context, name string) error {
	return federationError(t.client.PromoteDomain(ctx, name))
}

// VerifyDomain implements [federation.DomainProofs]. It needs Domain.ReadWrite.All.
func (t *Tenant) VerifyDomain(ctx context.Context, name string) (federation.Domain, error) {
	verified, err := t.client.VerifyDomain(ctx, name)
	return domainOf(verified), federationError(err)
}

// DNSRecords implements [federation.DomainProofs]. It needs Domain.Read.All.
func (t *Tenant) DNSRecords(ctx context.Context, domain string) ([]federation.DNSRecord, error) {
	found, err := t.client.VerificationRecords(ctx, domain)
	if err != nil {
		return nil, federationError(err)
	}
	var records []federation.DNSRecord
	for _, r := range found {
		records = append(records, federation.DNSRecord{
			Type: r.RecordType, Name: r.Label, Text: r.Text, MailServer: r.MailExchange, Preference: r.Preference,
			TTL: time.Duration(r.TTL) * time.Second,
		})
	}
	return records, nil
}

func domainOf(d graph.Domain) federation.Domain {
	return federation.Domain{
		Name:               strings.ToLower(d.ID),
		AuthenticationType: d.AuthenticationType,
		IsDefault:          d.IsDefault,
		IsInitial:          d.IsInitial,
		IsRoot:             d.IsRoot,
		IsVerified:         d.IsVerified,
		SupportedServices:  d.SupportedServices,
	}
}
