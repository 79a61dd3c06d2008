package federation

import (
	"context"
	"time"
)

// Plan is what is to be written to the tenant, in order, and what was found on the way. It is data: it can be stored as
// JSON and applied by another process. Printing it shows a diff.
type Plan struct {
	// ID tells this plan from others: 32 hexadecimal digits.
	ID string `json:"id"`

	// Purpose says what the plan is for.
	Purpose Purpose `json:"purpose"`

	// Domain is the domain that it is about. For guests it is the first of the partner's domains.
	Domain string `json:"domain"`

	// Made is when the tenant was read.
	Made time.Time `json:"made"`

	// Before is the tenant as it was read, as far as the writes depend on it or change it.
	Before State `json:"before"`

	// Writes are the requests that [Federator.Apply] makes, in order. Empty: the tenant is as it should be.
	Writes []Write `json:"writes"`

	Findings []Finding `json:"findings"`
}

// Purpose says what a plan is for.
type Purpose string

// The purposes.
const (
	PurposeFederate      Purpose = "federate"
	PurposeRevert        Purpose = "revert"
	PurposeRotate        Purpose = "rotate"
	PurposePromote       Purpose = "promote"
	PurposeMakeDefault   Purpose = "make default"
	PurposeFederateGuest Purpose = "federate guests"
	PurposeRevertGuest   Purpose = "revert guests"
)

// State is what a plan depends on. The zero State is a tenant that does not know the domain.
type State struct {
	// Domain is the domain of the plan, nil if the tenant does not have it.
	Domain *Domain `json:"domain,omitempty"`

	// DefaultDomain is the name of the tenant's default domain.
	DefaultDomain string `json:"defaultDomain,omitempty"`

	// Configuration is the domain's federation; nil if it has none of its own.
	Configuration *Configuration `json:"configuration,omitempty"`

	// Guests is the federation with the partner; nil if there is none, or if the plan is not about guests.
	Guests *GuestConfiguration `json:"guests,omitempty"`
}

// Write is one request to Graph.
type Write struct {
	Operation Operation `json:"operation"`

	// Domain and ID are what is written: a domain and, where it exists already, its configuration; for guests the ID of
	// their federation.
	Domain string `json:"domain,omitempty"`
	ID     string `json:"id,omitempty"`

	// Body is what is sent, with Graph's names; nil where nothing is.
	Body Properties `json:"body,omitempty"`

	// Changes are the properties that will be different.
	Changes []Change `json:"changes,omitempty"`

	// Reason says why, in a sentence.
	Reason string `json:"reason"`
}

// Operation is a kind of write.
type Operation string

// The operations, with the requests that they are.
const (
	CreateConfiguration Operation = "create configuration" // POST /domains/{domain}/federationConfiguration
	ChangeConfiguration Operation = "change configuration" // PATCH /domains/{domain}/federationConfiguration/{id}
	DeleteConfiguration Operation = "delete configuration" // DELETE /domains/{domain}/federationConfiguration/{id}
	ChangeDomain        Operation = "change domain"        // PATCH /domains/{domain}
	PromoteDomain       Operation = "promote domain"       // POST /domains/{domain}/promote
	CreateGuests        Operation = "create guests"        // POST /directory/federationConfigurations/…
	ChangeGuests        Operation = "change guests"        // PATCH /directory/federationConfigurations/…/{id}
	DeleteGuests        Operation = "delete guests"        // DELETE /directory/federationConfigurations/…/{id}
	AddGuestDomain      Operation = "add guest domain"     // POST /directory/federationConfigurations/…/{id}/domains
	RemoveGuestDomain   Operation = "remove guest domain"  // DELETE /directory/federationConfigurations/…/{id}/domains/{domain}
)

// Plan reads the tenant and says what would have to be written so that the domain is as the settings say, and what stands
// in the way. It changes nothing. What is wrong with the settings or with the tenant is a finding, not an error: the error
// is for a tenant that could not be read at all.
func (f *Federator) Plan(ctx context.Context, s Settings) (*Plan, error) { panic("contract") }
