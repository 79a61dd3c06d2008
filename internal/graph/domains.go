package graph

import (
	"context"
	"errors"
	"fmt"
	"strings"

	abstractions "github.com/microsoft/kiota-abstractions-go"
)

// Domain is a domain of the tenant.
type Domain struct {
	ID                 string   `json:"id"`
	AuthenticationType string   `json:"authenticationType"`
	IsDefault          bool     `json:"isDefault"`
	IsInitial          bool     `json:"isInitial"`
	IsRoot             bool     `json:"isRoot"`
	IsVerified         bool     `json:"isVerified"`
	SupportedServices  []string `json:"supportedServices"`
}

// DNSRecord is a record that proves whose a domain is.
type DNSRecord struct {
	RecordType   string `json:"recordType"`
	Label        string `json:"label"`
	Text         string `json:"text"`
	MailExchange string `json:"mailExchange"`
	Preference   int    `json:"preference"`
	TTL          int    `json:"ttl"` // seconds
}

// maxDomain is the length of the longest domain name.
const maxDomain = 253

// checkDomain keeps out of a path what is not a domain name.
func checkDomain(name string) error {
	outside := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
	}
	if name == "" || len(name) > maxDomain || strings.ContainsFunc(name, outside) || strings.Trim(name, ".") != name {
		return fmt.Errorf("graph: %q is not a domain name", clip(name))
	}
	return nil
}

// Domains calls GET /domains: https://learn.microsoft.com/graph/api/domain-list.
func (c *Client) Domains(ctx context.Context) ([]Domain, error) {
	return readAll[Domain](ctx, c, list{operation: "GET /domains", template: "/domains"})
}

// AddDomain calls POST /domains: https://learn.microsoft.com/graph/api/domain-post-domains.
func (c *Client) AddDomain(ctx context.Context, name string) (Domain, error) {
	return c.oneDomain(ctx, "POST /domains", name, func() (*abstractions.RequestInformation, error) {
		r := request(abstractions.POST, "/domains", nil)
		return r, setJSON(r, map[string]string{"id": name})
	})
}

// VerifyDomain calls POST /domains/{id}/verify: https://learn.microsoft.com/graph/api/domain-verify.
func (c *Client) VerifyDomain(ctx context.Context, name string) (Domain, error) {
	return c.oneDomain(ctx, "POST /domains/{id}/verify", name, func() (*abstractions.RequestInformation, error) {
		return request(abstractions.POST, "/domains/{domain}/verify", map[string]string{"domain": name}), nil
	})
}

// oneDomain sends a request that is answered with the domain.
func (c *Client) oneDomain(ctx context.Context, operation, name string,
	make func() (*abstractions.RequestInformation, error)) (domain Domain, err error) {
	if err := checkDomain(name); err != nil {
		return Domain{}, err
	}
	err = c.do(ctx, operation, func(ctx context.Context) error {
		r, err := make()
		if err != nil {
			return err
		}
		if err := c.readJSON(ctx, r, &domain); err != nil {
			return err
		}
		if !strings.EqualFold(domain.ID, name) {
			return errors.New("it is about another domain than was asked for")
		}
		return nil
	})
	return domain, err
}

// ChangeDomain calls PATCH /domains/{id}: https://learn.microsoft.com/graph/api/domain-update.
func (c *Client) ChangeDomain(ctx context.Context, name string, properties map[string]any) error {
	if err := checkDomain(name); err != nil {
		return err
	}
	return c.sendJSON(ctx, "PATCH /domains/{id}", abstractions.PATCH, "/domains/{domain}",
		map[string]string{"domain": name}, properties)
}

// PromoteDomain calls POST /domains/{id}/promote: https://learn.microsoft.com/graph/api/domain-promote.
func (c *Client) PromoteDomain(ctx context.Context, name string) error {
	if err := checkDomain(name); err != nil {
		return err
	}
	return c.do(ctx, "POST /domains/{id}/promote", func(ctx context.Context) error {
		var answer struct{ Value bool }
		r := request(abstractions.POST, "/domains/{domain}/promote", map[string]string{"domain": name})
		if err := c.readJSON(ctx, r, &answer); err != nil {
			return err
		}
		if !answer.Value {
			return errors.New("it says that the domain was not promoted")
		}
		return nil
	})
}

// VerificationRecords calls GET /domains/{id}/verificationDnsRecords:
// https://learn.microsoft.com/graph/api/domain-list-verificationdnsrecords.
func (c *Client) VerificationRecords(ctx context.Context, name string) ([]DNSRecord, error) {
	if err := checkDomain(name); err != nil {
		return nil, err
	}
	return readAll[DNSRecord](ctx, c, list{
		operation: "GET /domains/{id}/verificationDnsRecords",
		template:  "/domains/{domain}/verificationDnsRecords",
		path:      map[string]string{"domain": name},
	})
}
