package msgraph

import (
	"context"
	"errors"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/internal/graph"
)

var (
	_ federation.Directory        = (*Tenant)(nil)
	_ federation.Configurations   = (*Tenant)(nil)
	_ federation.DomainChanges    = (*Tenant)(nil)
	_ federation.DomainProofs     = (*Tenant)(nil)
	_ federation.Users            = (*Tenant)(nil)
	_ federation.Administrators   = (*Tenant)(nil)
	_ federation.TokenPolicies    = (*Tenant)(nil)
	_ federation.Organizations    = (*Tenant)(nil)
	_ federation.Clock            = (*Tenant)(nil)
	_ federation.GuestFederations = (*Tenant)(nil)
	_ federation.GuestChanges     = (*Tenant)(nil)
	_ federation.GuestDomains     = (*Tenant)(nil)
)

// Configuration implements [federation.Directory]. It needs Domain-InternalFederation.Read.All.
func (t *Tenant) Configuration(ctx context.Context, domain string) (*federation.Configuration, error) {
	found, err := t.client.FederationOf(ctx, domain)
	if err != nil || found == nil {
		return nil, federationError(err)
	}
	c := configurationOf(*found)
	return &c, nil
}

// CreateConfiguration implements [federation.Configurations]. It needs Domain-InternalFederation.ReadWrite.All. Without a
// signingCertificate nothing is sent.
func (t *Tenant) CreateConfiguration(ctx context.Context, domain string,
	p federation.Properties) (federation.Configuration, error) {
	created, err := t.client.CreateFederation(ctx, domain, p)
	if err != nil {
		return federation.Configuration{}, federationError(err)
	}
	return configurationOf(created), nil
}

// ChangeConfiguration implements [federation.Configurations]. It needs Domain-InternalFederation.ReadWrite.All.
func (t *Tenant) ChangeConfiguration(ctx context.Context, domain, id string, p federation.Properties) error {
	return federationError(t.client.ChangeFederation(ctx, domain, id, p))
}

// DeleteConfiguration implements [federation.Configurations]. It needs Domain-InternalFederation.ReadWrite.All.
func (t *Tenant) DeleteConfiguration(ctx context.Context, domain, id string) error {
	return federationError(t.client.DeleteFederation(ctx, domain, id))
}

func configurationOf(f graph.Federation) federation.Configuration {
	return federation.Configuration{
		ID:                     f.ID,
		DisplayName:            f.DisplayName,
		IssuerURI:              f.IssuerURI,
		PassiveSignInURI:       f.PassiveSignInURI,
		ActiveSignInURI:        f.ActiveSignInURI,
		SignOutURI:             f.SignOutURI,
		MetadataExchangeURI:    f.MetadataExchangeURI,
		PasswordResetURI:       f.PasswordResetURI,
		SigningCertificate:     f.SigningCertificate,
		NextSigningCertificate: f.NextSigningCertificate,
		Protocol:               federation.Protocol(f.Protocol),
		MFABehavior:            federation.MFABehavior(f.MFABehavior),
		PromptLogin:            federation.PromptLogin(f.PromptLogin),
		SignedRequests:         f.SignedRequests,
	}
}

// federationError puts what the tenant answered into the words of package federation.
func federationError(err error) error {
	var answered *graph.Error
	if !errors.As(err, &answered) {
		return err
	}
	return &federation.DirectoryError{
		Operation:  answered.Operation,
		Status:     answered.Status,
		Code:       answered.Code,
		Message:    answered.Message,
		RequestID:  answered.RequestID,
		RetryAfter: answered.RetryAfter,
		Err:        answered.Err,
	}
}
