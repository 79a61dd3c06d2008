package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	abstractions "github.com/microsoft/kiota-abstractions-go"
)

// Federation is an internalDomainFederation: https://learn.microsoft.com/graph/api/resources/internaldomainfederation.
type Federation struct {
	ID                     string `json:"id"`
	DisplayName            string `json:"displayName"`
	IssuerURI              string `json:"issuerUri"`
	PassiveSignInURI       string `json:"passiveSignInUri"`
	ActiveSignInURI        string `json:"activeSignInUri"`
	SignOutURI             string `json:"signOutUri"`
	MetadataExchangeURI    string `json:"metadataExchangeUri"`
	PasswordResetURI       string `json:"passwordResetUri"`
	SigningCertificate     string `json:"signingCertificate"`
	NextSigningCertificate string `json:"nextSigningCertificate"`
	Protocol               string `json:"preferredAuthenticationProtocol"`
	MFABehavior            string `json:"federatedIdpMfaBehavior"`
	PromptLogin            string `json:"promptLoginBehavior"`
	SignedRequests         bool   `json:"isSignedAuthenticationRequestRequired"`
}

const (
	federationsPath  = "/domains/{domain}/federationConfiguration"
	listFederations  = "GET /domains/{id}/federationConfiguration"
	federationType   = "#microsoft.graph.internalDomainFederation"
	federationMember = "federationConfiguration" // as errors name it
)

// FederationOf calls GET /domains/{id}/federationConfiguration:
// https://learn.microsoft.com/graph/api/domain-list-federationconfiguration. It is nil for a domain that has none, which
// Graph says with an empty list, or with an error that names the property.
func (c *Client) FederationOf(ctx context.Context, domain string) (*Federation, error) {
	if err := checkDomain(domain); err != nil {
		return nil, err
	}
	found, err := readAll[Federation](ctx, c, list{
		operation: listFederations, template: federationsPath, path: map[string]string{"domain": domain},
	})
	switch {
	case noFederation(err):
		return nil, nil
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, nil
	case len(found) > 1:
		return nil, &Error{Operation: listFederations,
			Err: fmt.Errorf("%s has %d federations, where a domain has one at most", domain, len(found))}
	}
	return &found[0], nil
}

// noFederation tells a domain without a federation from a domain that is not there.
func noFederation(err error) bool {
	var answered *Error
	return errors.As(err, &answered) &&
		(answered.Status == http.StatusNotFound || answered.Status == http.StatusBadRequest) &&
		strings.Contains(answered.Message, federationMember)
}

// CreateFederation calls POST /domains/{id}/federationConfiguration:
// https://learn.microsoft.com/graph/api/domain-post-federationconfiguration. A request without a certificate is not sent:
// Graph would answer 500, and leave the domain federated and beyond repair.
func (c *Client) CreateFederation(ctx context.Context, domain string,
	properties map[string]any) (created Federation, err error) {
	if err := checkDomain(domain); err != nil {
		return Federation{}, err
	}
	if certificate, _ := properties["signingCertificate"].(string); certificate == "" {
		return Federation{}, errors.New("graph: a federation without a signingCertificate is not created")
	}
	err = c.do(ctx, "POST /domains/{id}/federationConfiguration", func(ctx context.Context) error {
		r := request(abstractions.POST, federationsPath, map[string]string{"domain": domain})
		if err := setJSON(r, typed(federationType, properties)); err != nil {
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

// ChangeFederation calls PATCH /domains/{id}/federationConfiguration/{id}, which is answered with 204 or with the
// federation: https://learn.microsoft.com/graph/api/internaldomainfederation-update.
func (c *Client) ChangeFederation(ctx context.Context, domain, id string, properties map[string]any) error {
	if err := errors.Join(checkDomain(domain), checkGUID("federation ID", id)); err != nil {
		return err
	}
	return c.sendJSON(ctx, "PATCH /domains/{id}/federationConfiguration/{id}", abstractions.PATCH,
		federationsPath+"/{federation}", map[string]string{"domain": domain, "federation": id},
		typed(federationType, properties))
}

// DeleteFederation calls DELETE /domains/{id}/federationConfiguration/{id}:
// https://learn.microsoft.com/graph/api/internaldomainfederation-delete.
func (c *Client) DeleteFederation(ctx context.Context, domain, id string) error {
	if err := errors.Join(checkDomain(domain), checkGUID("federation ID", id)); err != nil {
		return err
	}
	return c.remove(ctx, "DELETE /domains/{id}/federationConfiguration/{id}", federationsPath+"/{federation}",
		map[string]string{"domain": domain, "federation": id})
}

// typed is the properties with the type that Graph's documentation sends.
func typed(kind string, properties map[string]any) map[string]any {
	body := map[string]any{"@odata.type": kind}
	for name, value := range properties {
		body[name] = value
	}
	return body
}
