package federation

import (
	"context"
	"time"
)

// DomainStatus is a domain and what is to be done next for it.
type DomainStatus struct {
	Domain  Domain      `json:"domain"`
	Records []DNSRecord `json:"records,omitempty"` // of a domain that is not verified
	Next    string      `json:"next,omitempty"`    // in a sentence; empty where nothing is
}

// AddDomain adds a domain to the tenant, if it is not there, and says which DNS record proves that it is the organisation's.
// A domain below one that is verified is verified at once, and signs in as that does.
func (f *Federator) AddDomain(ctx context.Context, name string) (DomainStatus, error) {
	panic("contract")
}

// DomainStatus reads a domain and its records.
func (f *Federator) DomainStatus(ctx context.Context, name string) (DomainStatus, error) {
	panic("contract")
}

// VerifyDomain asks the tenant to look for the DNS record, every 15 seconds at first and every 2 minutes later, for as long
// as wait says. Zero: once. While the record is not seen, the error matches [ErrNotLive] in the end.
func (f *Federator) VerifyDomain(ctx context.Context, name string, wait time.Duration,
	progress func(Event)) (DomainStatus, error) {
	panic("contract")
}

// PlanPromote plans to make a child domain a root of its own. The side effect is a finding: it is managed from then on,
// whatever its parent is, and everybody in it needs a password or a federation of its own.
func (f *Federator) PlanPromote(ctx context.Context, name string) (*Plan, error) { panic("contract") }

// PlanMakeDefault plans to make a managed domain the tenant's default. A federated one cannot be.
func (f *Federator) PlanMakeDefault(ctx context.Context, name string) (*Plan, error) {
	panic("contract")
}
