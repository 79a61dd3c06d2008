package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// GuestConfiguration is the federation by which people of a partner who are guests in the tenant sign in at the partner's
// identity provider, Graph's samlOrWsFedExternalDomainFederation:
// https://learn.microsoft.com/graph/api/resources/samlorwsfedexternaldomainfederation.
type GuestConfiguration struct {
	ID                  string   `json:"id,omitempty"`
	DisplayName         string   `json:"displayName,omitempty"`
	IssuerURI           string   `json:"issuerUri"`
	PassiveSignInURI    string   `json:"passiveSignInUri"`
	MetadataExchangeURI string   `json:"metadataExchangeUri,omitempty"`
	SigningCertificate  string   `json:"signingCertificate"` // base64 of DER
	Protocol            Protocol `json:"preferredAuthenticationProtocol,omitempty"`
	Domains             []string `json:"domains"` // of the partner, in lower case and sorted
}

// GuestFederations reads the federations with partners.
type GuestFederations interface {
	// GuestConfigurations lists them with their domains:
	// https://learn.microsoft.com/graph/api/samlorwsfedexternaldomainfederation-list.
	GuestConfigurations(ctx context.Context) ([]GuestConfiguration, error)
}

// GuestChanges write them.
type GuestChanges interface {
	// CreateGuests makes one: https://learn.microsoft.com/graph/api/samlorwsfedexternaldomainfederation-post.
	CreateGuests(ctx context.Context, p Properties) (GuestConfiguration, error)
	// ChangeGuests changes the properties named: https://learn.microsoft.com/graph/api/samlorwsfedexternaldomainfederation-update.
	ChangeGuests(ctx context.Context, id string, p Properties) error
	// DeleteGuests removes one: https://learn.microsoft.com/graph/api/samlorwsfedexternaldomainfederation-delete.
	DeleteGuests(ctx context.Context, id string) error
}

// GuestDomains change which domains of a partner a federation is for.
type GuestDomains interface {
	// AddGuestDomain adds one: https://learn.microsoft.com/graph/api/samlorwsfedexternaldomainfederation-post-domains.
	AddGuestDomain(ctx context.Context, id, domain string) error
	// RemoveGuestDomain removes one: https://learn.microsoft.com/graph/api/externaldomainname-delete.
	RemoveGuestDomain(ctx context.Context, id, domain string) error
}

// GuestSettings say how people of a partner are to sign in when they are guests in the tenant. Domains, Issuer, SignInURL
// and SigningCertificate are required.
type GuestSettings struct {
	// Domains are the partner's domains. None of them may be a domain of the tenant.
	Domains []string

	// Issuer, SignInURL and SigningCertificate are those of the partner's identity provider: see [Settings].
	Issuer             string
	SignInURL          string
	SigningCertificate []byte

	// DisplayName is shown to administrators. Empty: the first of Domains.
	DisplayName string

	// MetadataURL is where Entra reads a new certificate once the present one has expired, and not before:
	// https://learn.microsoft.com/entra/external-id/direct-federation-overview#signing-certificate-expiration. Empty: it
	// does not.
	MetadataURL string

	// Protocol is what the identity provider speaks. Empty: SAML.
	Protocol Protocol

	// Replace is the ID of a federation that somebody else made for one of the domains and that is to be overwritten: the
	// plan shows it. Empty: such a federation is an error.
	Replace string
}

// PlanGuests plans the federation with a partner whose people stay guests. Its store name is "guests/" and the first domain.
//
// It reads and changes nothing. What is wrong with the settings or with the tenant is a finding, not an error: the error is
// for a tenant that could not be read at all, and matches [ErrUnsupported] where the Directory is no [GuestFederations].
// A federation that the partner has already is changed, and its domains become those of the settings.
func (f *Federator) PlanGuests(ctx context.Context, s GuestSettings) (*Plan, error) {
	x := &examination{settings: s.shared(), partner: &partner{settings: &s, domains: guestDomains(s.Domains)}}
	x.domain = strings.ToLower(x.settings.Domain)
	if err := f.examinePartner(ctx, x); err != nil {
		return nil, fmt.Errorf("federation: the tenant cannot be read, so there is no plan for the guests of %q: %w",
			x.domain, err)
	}
	x.partner.choose(x)
	x.writes = x.federateGuests()
	return f.planOf(PurposeFederateGuest, x)
}

// PlanRevertGuests plans to remove the federation with the partner that has this domain, with all its domains. The partner's
// people then redeem their invitations in another way, with a one-time passcode. It reads and changes nothing. The errors
// are those of [Federator.PlanGuests], and one for no domain.
func (f *Federator) PlanRevertGuests(ctx context.Context, domain string) (*Plan, error) {
	x := &examination{domain: strings.ToLower(strings.TrimSpace(domain))}
	if x.domain == "" {
		return nil, errors.New("federation: no domain is named whose guests' federation is to be removed")
	}
	x.partner = &partner{domains: []string{x.domain}}
	if err := f.examinePartner(ctx, x); err != nil {
		return nil, fmt.Errorf("federation: no way back can be planned for the guests of %s: %w", x.domain, err)
	}
	x.partner.choose(x)
	if present := x.partner.present; present != nil {
		x.writes = []Write{deleteGuests(*present)}
	}
	return f.planOf(PurposeRevertGuest, x)
}
