package msgraph

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/internal/graph"
)

// GuestConfigurations implements [federation.GuestFederations]. It needs IdentityProvider.Read.All, or by newer pages of the
// reference Domain.Read.All.
func (t *Tenant) GuestConfigurations(ctx context.Context) ([]federation.GuestConfiguration, error) {
	found, err := t.client.GuestFederations(ctx)
	if err != nil {
		return nil, federationError(err)
	}
	var all []federation.GuestConfiguration
	for _, f := range found {
		all = append(all, guestsOf(f))
	}
	return all, nil
}

// CreateGuests implements [federation.GuestChanges]. It needs IdentityProvider.ReadWrite.All.
func (t *Tenant) CreateGuests(ctx context.Context, p federation.Properties) (federation.GuestConfiguration, error) {
	created, err := t.client.CreateGuestFederation(ctx, withDomainNames(p))
	return guestsOf(created), federationError(err)
}

// withDomainNames are the properties with the names of domains as Graph has them: objects. A list that was read from JSON
// is one of anything.
func withDomainNames(p federation.Properties) federation.Properties {
	var names []any
	switch list := p["domains"].(type) {
	case []string:
		for _, name := range list {
			names = append(names, name)
		}
	case []any:
		names = list
	default:
		return p
	}
	objects := make([]any, len(names))
	for i, name := range names {
		objects[i] = name
		if text, isText := name.(string); isText {
			objects[i] = map[string]any{"@odata.type": "microsoft.graph.externalDomainName", "id": text}
		}
	}
	p = maps.Clone(p)
	p["domains"] = objects
	return p
}

// ChangeGuests implements [federation.GuestChanges]. It needs IdentityProvider.ReadWrite.All.
func (t *Tenant) ChangeGuests(ctx context.Context, id string, p federation.Properties) error {
	return federationError(t.client.ChangeGuestFederation(ctx, id, p))
}

// DeleteGuests implements [federation.GuestChanges]. It needs IdentityProvider.ReadWrite.All.
func (t *Tenant) DeleteGuests(ctx context.Context, id string) error {
	return federationError(t.client.DeleteGuestFederation(ctx, id))
}

// AddGuestDomain implements [federation.GuestDomains]. It needs IdentityProvider.ReadWrite.All.
func (t *Tenant) AddGuestDomain(ctx context.Context, id, domain string) error {
	return federationError(t.client.AddGuestDomain(ctx, id, domain))
}

// RemoveGuestDomain implements [federation.GuestDomains]. It needs IdentityProvider.ReadWrite.All.
func (t *Tenant) RemoveGuestDomain(ctx context.Context, id, domain string) error {
	return federationError(t.client.RemoveGuestDomain(ctx, id, domain))
}

func guestsOf(f graph.GuestFederation) federation.GuestConfiguration {
	c := federation.GuestConfiguration{
		ID:                  f.ID,
		DisplayName:         f.DisplayName,
		IssuerURI:           f.IssuerURI,
		PassiveSignInURI:    f.PassiveSignInURI,
		MetadataExchangeURI: f.MetadataExchangeURI,
		SigningCertificate:  f.SigningCertificate,
		Protocol:            federation.Protocol(f.Protocol),
	}
	for _, d := range f.Domains {
		c.Domains = append(c.Domains, strings.ToLower(d.ID))
	}
	slices.Sort(c.Domains)
	return c
}
