package provision

import "context"

// Directory is the Entra tenant as the pipeline sees it: four calls. [github.com/entrafed/entrafed/msgraph] implements
// it over Microsoft Graph; a test may implement it in memory.
//
// All methods are safe for concurrent use, stop when ctx ends, and return a *[DirectoryError] for whatever the
// directory itself answered. They make one attempt each: retrying and pacing belong to the pipeline.
type Directory interface {
	Users
	Licenses
}

// Users creates and finds user objects.
type Users interface {
	// CreateUser creates a user and returns the object as the directory answered it, with ObjectID set. A uniqueness
	// clash is a *DirectoryError that matches [ErrConflict].
	CreateUser(ctx context.Context, user NewUser) (User, error)

	// FindUser reads one user by exactly one key. A user who does not exist, is deleted, or has not reached the
	// answering replica yet is an error that matches [ErrNotFound].
	FindUser(ctx context.Context, key UserKey) (User, error)
}

// Licenses reads the tenant's subscriptions and assigns seats of them.
type Licenses interface {
	// SKUs lists the subscriptions of the tenant.
	SKUs(ctx context.Context) ([]SKU, error)

	// AssignLicenses gives the user a seat of each SKU ID in add, in one call. Assigning a SKU that the user already
	// holds changes nothing.
	AssignLicenses(ctx context.Context, objectID string, add []string) error
}

// TokenSource is optionally implemented by a [Directory] that must be granted access first. The pipeline calls it in
// its step "token", so that a wrong credential is reported as such and before anything is reserved.
type TokenSource interface {
	// Authorize obtains or refreshes the access token, or says why it cannot.
	Authorize(ctx context.Context) error
}

// NewUser is the user that CreateUser creates. Limits are those of
// https://learn.microsoft.com/graph/api/user-post-users and of the user resource it creates.
type NewUser struct {
	UserPrincipalName string // at most 113 characters, 64 before the @ and 48 after; the domain is one of the tenant's
	ImmutableID       string // onPremisesImmutableId: 1 to 64 characters, unique in the tenant
	DisplayName       string // 1 to 256 characters
	MailNickname      string // 1 to 64 characters of ASCII
	GivenName         string // at most 64 characters; empty leaves it unset
	Surname           string // at most 64 characters; empty leaves it unset
	UsageLocation     string // ISO 3166-1 alpha-2, upper case; without it no licence can be assigned
	Password          string // required by Graph, never used by a federated user; random, and forgotten at once
}

// User is a user object as read from the directory. Fields that the directory did not return are empty.
type User struct {
	ObjectID          string
	UserPrincipalName string
	ImmutableID       string
	DisplayName       string
	UsageLocation     string
	AccountEnabled    bool
	DirectorySynced   bool     // onPremisesSyncEnabled: a directory sync owns this object
	SKUIDs            []string // assignedLicenses, as lower-case GUIDs
}

// UserKey names one user. Exactly one field is set.
type UserKey struct {
	ObjectID          string
	ImmutableID       string // compared case-sensitively
	UserPrincipalName string // compared without regard to case
}

// SKU is one subscription of the tenant: https://learn.microsoft.com/graph/api/resources/subscribedsku.
type SKU struct {
	ID         string // skuId, a lower-case GUID
	PartNumber string // skuPartNumber, for example "O365_BUSINESS_PREMIUM"
	AppliesTo  string // "User" or "Company"
	Status     string // capabilityStatus: "Enabled", "Warning", "Suspended", "LockedOut" or "Deleted"
	Enabled    int    // prepaidUnits.enabled
	Warning    int    // prepaidUnits.warning, seats of a subscription in its grace period
	Consumed   int    // consumedUnits
}

// Free is the number of seats left, never negative. It is a hint: another assignment may take the seat first.
func (s SKU) Free() int { return max(0, s.Enabled+s.Warning-s.Consumed) }
