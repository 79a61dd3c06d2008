package federation

import (
	"context"
	"time"
)

// Directory is the tenant, as far as its domains can be read. Its methods must be safe for concurrent use, make one attempt
// each, and return a *[DirectoryError] for what the tenant answered in place of a result.
//
// What else a Directory can do is asked for by the optional interfaces [Configurations], [DomainChanges], [DomainProofs],
// [Users], [Administrators], [TokenPolicies], [Organizations], [GuestFederations], [GuestChanges] and [Clock].
type Directory interface {
	// Domains lists the domains of the tenant, verified or not:
	// https://learn.microsoft.com/graph/api/domain-list.
	Domains(ctx context.Context) ([]Domain, error)

	// Configuration reads the federation of a domain, or nil if it has none of its own, as a managed domain and a child of
	// a federated one have not: https://learn.microsoft.com/graph/api/domain-list-federationconfiguration.
	Configuration(ctx context.Context, domain string) (*Configuration, error)
}

// Configurations are the writes of a domain's federation. [Federator.Apply] needs them.
type Configurations interface {
	// CreateConfiguration makes a managed domain a federated one:
	// https://learn.microsoft.com/graph/api/domain-post-federationconfiguration.
	CreateConfiguration(ctx context.Context, domain string, p Properties) (Configuration, error)

	// ChangeConfiguration changes the properties named, and clears those that are nil:
	// https://learn.microsoft.com/graph/api/internaldomainfederation-update.
	ChangeConfiguration(ctx context.Context, domain, id string, p Properties) error

	// DeleteConfiguration makes the domain a managed one:
	// https://learn.microsoft.com/graph/api/internaldomainfederation-delete.
	DeleteConfiguration(ctx context.Context, domain, id string) error
}

// DomainChanges add and change domains.
type DomainChanges interface {
	// AddDomain adds a domain, not yet verified: https://learn.microsoft.com/graph/api/domain-post-domains. It says
	// nothing of its authentication, because a child of a federated domain is refused when it does.
	AddDomain(ctx context.Context, name string) (Domain, error)

	// ChangeDomain changes the properties named, such as isDefault: https://learn.microsoft.com/graph/api/domain-update.
	ChangeDomain(ctx context.Context, name string, p Properties) error

	// PromoteDomain makes a verified child domain a root of its own, which is managed from then on:
	// https://learn.microsoft.com/graph/api/domain-promote.
	PromoteDomain(ctx context.Context, name string) error
}

// DomainProofs prove that a domain is the organisation's.
type DomainProofs interface {
	// DNSRecords lists the records that prove it; one of them is enough:
	// https://learn.microsoft.com/graph/api/domain-list-verificationdnsrecords.
	DNSRecords(ctx context.Context, domain string) ([]DNSRecord, error)

	// VerifyDomain asks the tenant to look for the record now: https://learn.microsoft.com/graph/api/domain-verify. While
	// the record cannot be seen, the error is a *[DirectoryError] with status 400.
	VerifyDomain(ctx context.Context, name string) (Domain, error)
}

// Users lists people.
type Users interface {
	// Users returns a page of the users whose UPN is in the domain itself, not in one below it. The first page has the
	// cursor "": https://learn.microsoft.com/graph/api/user-list.
	Users(ctx context.Context, domain, cursor string) (UserPage, error)
}

// Administrators say who could still get in.
type Administrators interface {
	// Caller says who makes the calls.
	Caller(ctx context.Context) (Caller, error)

	// GlobalAdministrators lists the members of the role that can mend everything:
	// https://learn.microsoft.com/graph/api/directoryrole-list-members.
	GlobalAdministrators(ctx context.Context) ([]User, error)
}

// TokenPolicies is the tenant's policy on which domains a federation may speak for.
type TokenPolicies interface {
	// TokenValidationPolicy reads it: https://learn.microsoft.com/graph/api/federatedtokenvalidationpolicy-get.
	TokenValidationPolicy(ctx context.Context) (TokenValidationPolicy, error)
}

// Organizations says which tenant this is.
type Organizations interface {
	// Organization reads it: https://learn.microsoft.com/graph/api/organization-list.
	Organization(ctx context.Context) (Organization, error)
}

// Clock is the tenant's clock.
type Clock interface {
	// ServerTime is what the tenant's answers say the time is, to the second.
	ServerTime(ctx context.Context) (time.Time, error)
}

// Domain is a domain of the tenant: https://learn.microsoft.com/graph/api/resources/domain.
type Domain struct {
	Name               string   `json:"id"` // lower case
	AuthenticationType string   `json:"authenticationType"`
	IsDefault          bool     `json:"isDefault"`
	IsInitial          bool     `json:"isInitial"`
	IsRoot             bool     `json:"isRoot"`
	IsVerified         bool     `json:"isVerified"`
	SupportedServices  []string `json:"supportedServices,omitempty"`
}

// The authentication types of a domain, as Graph names them.
const (
	Managed   = "Managed"   // people sign in at Entra
	Federated = "Federated" // people sign in at the domain's identity provider
)

// DNSRecord is a record that proves whose a domain is: https://learn.microsoft.com/graph/api/resources/domaindnsrecord.
type DNSRecord struct {
	Type       string        `json:"recordType"` // "Txt" or "Mx"
	Name       string        `json:"label"`      // where it belongs: the domain's name
	Text       string        `json:"text,omitempty"`
	MailServer string        `json:"mailExchange,omitempty"` // of Mx
	Preference int           `json:"preference,omitempty"`   // of Mx
	TTL        time.Duration `json:"ttl"`
}

// User is a user, as far as a sign-in depends on them: https://learn.microsoft.com/graph/api/resources/user.
type User struct {
	ObjectID          string `json:"id"`
	UserPrincipalName string `json:"userPrincipalName"`
	ImmutableID       string `json:"onPremisesImmutableId,omitempty"`
	Mail              string `json:"mail,omitempty"`
	EmployeeID        string `json:"employeeId,omitempty"`
	Enabled           bool   `json:"accountEnabled"`
	Synced            bool   `json:"onPremisesSyncEnabled,omitempty"` // a directory sync owns the user
}

// UserPage is a page of users.
type UserPage struct {
	Users []User
	Next  string // the cursor of the next page; empty on the last one
}

// Caller is who makes the calls.
type Caller struct {
	// Application says that it is an application and nobody's account. User is zero then.
	Application bool
	User        User

	// ID is the application's client ID, or the user's object ID.
	ID string

	// Permissions are those that the access token carries: application permissions, or what the user let the application
	// do. Nil: nobody can say.
	Permissions []string
}

// Organization is the tenant.
type Organization struct {
	ID   string `json:"id"` // GUID
	Name string `json:"displayName"`
}

// TokenValidationPolicy says when Entra refuses an assertion because the federation that issued it belongs to another root
// domain than the user: https://learn.microsoft.com/graph/api/resources/federatedtokenvalidationpolicy.
type TokenValidationPolicy struct {
	// RootDomains is "none", "all", "allFederated", "allManaged", "enumerated" or "allManagedAndEnumeratedFederated".
	// Empty: not set, which is "all".
	RootDomains string
	DomainNames []string // of the two enumerated ones
}
