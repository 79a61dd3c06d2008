package graph

import (
	"context"
	"errors"

	abstractions "github.com/microsoft/kiota-abstractions-go"
)

// GuestFederation is a samlOrWsFedExternalDomainFederation:
// https://learn.microsoft.com/graph/api/resources/samlorwsfedexternaldomainfederation.
type GuestFederation struct {
	ID                  string `json:"id"`
	DisplayName         string `json:"displayName"`
	IssuerURI           string `json:"issuerUri"`
	PassiveSignInURI    string `json:"passiveSignInUri"`
	MetadataExchangeURI string `json:"metadataExchangeUri"`
	SigningCertificate  string `json:"signingCertificate"`
	Protocol            string `json:"preferredAuthenticationProtocol"`
	Domains             []struct {
		ID string `json:"id"`
	} `json:"domains"`
}

// The pages of Graph's reference spell these paths in two orders, and the type in two ways; each call here is spelled as its
// own page does.
const (
	guestsPath       = "/directory/federationConfigurations"
	guestType        = "microsoft.graph.samlOrWsFedExternalDomainFederation"
	shortGuestType   = "graph.samlOrWsFedExternalDomainFederation"
	guestDomainsPath = guestsPath + "/{id}/" + guestType + "/domains"
)

// GuestFederations calls GET /directory/federationConfigurations/graph.samlOrWsFedExternalDomainFederation:
// https://learn.microsoft.com/graph/api/samlorwsfedexternaldomainfederation-list.
func (c *Client) GuestFederations(ctx context.Context) ([]GuestFederation, error) {
	return readAll[GuestFederation](ctx, c, list{
		operation: "GET " + guestsPath, template: guestsPath + "/" + shortGuestType,
	})
}

// CreateGuestFederation calls POST: https://learn.microsoft.com/graph/api/samlorwsfedexternaldomainfederation-post.
func (c *Client) CreateGuestFederation(ctx context.Context,
	properties map[string]any) (created GuestFederation, err error) {
	err = c.do(ctx, "POST "+guestsPath, func(ctx context.Context) error {
		r := request(abstractions.POST, guestsPath+"/"+guestType, nil)
		if err := setJSON(r, typed("#"+guestType, properties)); err != nil {
			return err
		}
		if err := c.readJSON(ctx, r, &created); err != nil {
			return err
		}
		if created.ID == "" {
			return errors.New("it holds no federation with an id")
		}
		return nil
	})
	return created, err
}

// ChangeGuestFederation calls PATCH: https://learn.microsoft.com/graph/api/samlorwsfedexternaldomainfederation-update.
func (c *Client) ChangeGuestFederation(ctx context.Context, id string, properties map[string]any) error {
	if err := checkGUID("federation ID", id); err != nil {
		return err
	}
	return c.sendJSON(ctx, "PATCH "+guestsPath+"/{id}", abstractions.PATCH, guestsPath+"/"+shortGuestType+"/{id}",
		map[string]string{"id": id}, properties)
}

// DeleteGuestFederation calls DELETE: https://learn.microsoft.com/graph/api/samlorwsfedexternaldomainfederation-delete.
func (c *Client) DeleteGuestFederation(ctx context.Context, id string) error {
	if err := checkGUID("federation ID", id); err != nil {
		return err
	}
	return c.remove(ctx, "DELETE "+guestsPath+"/{id}", guestsPath+"/{id}", map[string]string{"id": id})
}

// AddGuestDomain calls POST …/domains:
// https://learn.microsoft.com/graph/api/samlorwsfedexternaldomainfederation-post-domains.
func (c *Client) AddGuestDomain(ctx context.Context, id, domain string) error {
	if err := errors.Join(checkGUID("federation ID", id), checkDomain(domain)); err != nil {
		return err
	}
	return c.sendJSON(ctx, "POST "+guestsPath+"/{id}/domains", abstractions.POST, guestDomainsPath,
		map[string]string{"id": id}, map[string]any{"@odata.type": "microsoft.graph.externalDomainName", "id": domain})
}

// RemoveGuestDomain calls DELETE …/domains/{id}: https://learn.microsoft.com/graph/api/externaldomainname-delete.
func (c *Client) RemoveGuestDomain(ctx context.Context, id, domain string) error {
	if err := errors.Join(checkGUID("federation ID", id), checkDomain(domain)); err != nil {
		return err
	}
	return c.remove(ctx, "DELETE "+guestsPath+"/{id}/domains/{id}", guestDomainsPath+"/{domain}",
		map[string]string{"id": id, "domain": domain})
}
