package provision

import (
	"context"
	"errors"
	"time"
)

// Directory is the Entra tenant as the pipeline sees it. [github.com/entrafed/entrafed/msgraph] implements it over
// Microsoft Graph; a test may implement it in memory.
//
// The two interfaces in it are all that a first sign-in needs. What else a directory can do it says by implementing more
// of this package's interfaces: [TokenSource], [Groups], [Managers], [Accounts], [DeletedUsers], [UserLists] and
// [UserBatches]. [New] refuses rules that need one that is missing.
//
// All methods are safe for concurrent use, stop when ctx ends, and return a *[DirectoryError] for whatever the
// directory itself answered. They make one attempt each: retrying and pacing belong to the pipeline. The context
// carries a [CallTrace].
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

// Licenses reads the tenant's subscriptions and changes who holds seats of them.
type Licenses interface {
	// SKUs lists the subscriptions of the tenant.
	SKUs(ctx context.Context) ([]SKU, error)

	// ChangeLicenses gives and takes seats in one call, which happens as a whole or not at all. Giving a SKU that the
	// user holds already replaces its disabled plans and takes no second seat.
	ChangeLicenses(ctx context.Context, objectID string, change LicenseChange) error
}

// TokenSource is optionally implemented by a [Directory] that must be granted access first. The pipeline calls it in
// its step "token", so that a wrong credential is reported as such and before anything is reserved.
type TokenSource interface {
	// Authorize obtains or refreshes the access token, or says why it cannot.
	Authorize(ctx context.Context) error
}

// Groups is optionally implemented by a [Directory]. [Rules.Groups], and licences that a group gives, need it.
type Groups interface {
	// FindGroup reads one group by exactly one key, or returns an error that matches [ErrNotFound].
	FindGroup(ctx context.Context, key GroupKey) (Group, error)

	// AddMembers adds 1 to [MaxMembers] users to a group in one write, which happens as a whole or not at all. If one of
	// them is a member already, the error is a *DirectoryError that matches [ErrAlreadyMember]; if one does not exist,
	// or not yet, one that matches [ErrNotFound].
	AddMembers(ctx context.Context, groupID string, objectIDs []string) error

	// RemoveMember takes a user out of a group. Somebody who is no member is an error that matches [ErrNotFound].
	RemoveMember(ctx context.Context, groupID, objectID string) error
}

// MaxMembers is how many members one write may add to a group: https://learn.microsoft.com/graph/api/group-post-members.
const MaxMembers = 20

// Managers is optionally implemented by a [Directory]. [Person.Manager] needs it.
type Managers interface {
	// SetManager makes a user another one's manager, in place of whoever was.
	SetManager(ctx context.Context, objectID, managerObjectID string) error
}

// Accounts is optionally implemented by a [Directory]: what is done to accounts that are there. [Provisioner.Retire],
// repairs, and taking over accounts by anything but their ImmutableID need it.
type Accounts interface {
	// UpdateUser changes what is set in change, all of it or nothing. A clash matches [ErrConflict].
	UpdateUser(ctx context.Context, objectID string, change UserChange) error

	// RevokeSessions makes everything that the user is signed in to ask for a new sign-in.
	RevokeSessions(ctx context.Context, objectID string) error

	// DeleteUser moves the user to the deleted ones, from where it can be restored for 30 days.
	DeleteUser(ctx context.Context, objectID string) error
}

// DeletedUsers is optionally implemented by a [Directory]: users who were deleted less than 30 days ago.
type DeletedUsers interface {
	// FindDeletedUsers lists the deleted users who match exactly one key: several may have had the same UPN. None is an
	// empty list. A UserPrincipalName matches what the user had before it was deleted, and that is what is returned.
	FindDeletedUsers(ctx context.Context, key UserKey) ([]User, error)

	// RestoreUser brings a deleted user back, with another UPN if upn is not empty. A clash matches [ErrConflict].
	RestoreUser(ctx context.Context, objectID, upn string) (User, error)

	// PurgeUser deletes a deleted user for good.
	PurgeUser(ctx context.Context, objectID string) error
}

// UserLists is optionally implemented by a [Directory]: all users, and what changed about them. Reconciling and adopting
// need it.
type UserLists interface {
	// ListUsers returns one page of all users. The first page has the cursor "", the next one the page's Next, until
	// that is empty.
	ListUsers(ctx context.Context, cursor string) (UserPage, error)

	// UserChanges returns one page of the users who changed since the cursor: "" for all users there are,
	// [CursorNow] for those who change from now on. A cursor that is too old is an error that matches
	// [ErrCursorExpired].
	UserChanges(ctx context.Context, cursor string) (ChangePage, error)
}

// CursorNow is the cursor of [UserLists].UserChanges that skips everything that happened until now.
const CursorNow = "latest"

// UserBatches is optionally implemented by a [Directory] that creates several users in one round trip. It saves round
// trips, not writes: every user counts as one.
type UserBatches interface {
	// CreateUsers creates 1 to [MaxBatch] users, each on its own: the result of each is in the place of its user. The
	// error is that of the round trip; then nothing is known of any of them.
	CreateUsers(ctx context.Context, users []NewUser) ([]Created, error)
}

// MaxBatch is how many requests a batch may have: https://learn.microsoft.com/graph/json-batching.
const MaxBatch = 20

// Created is what became of one user of a batch: what CreateUser would have returned.
type Created struct {
	User User
	Err  error
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

	// Attributes are further properties, by the names of https://learn.microsoft.com/graph/api/resources/user: those of
	// [AttributeNames].
	Attributes map[string]string
}

// User is a user object as read from the directory. Fields that the directory did not return are empty.
type User struct {
	ObjectID          string
	UserPrincipalName string
	ImmutableID       string
	DisplayName       string
	Mail              string
	EmployeeID        string
	UsageLocation     string
	AccountEnabled    bool
	DirectorySynced   bool              // onPremisesSyncEnabled: a directory sync owns this object
	SKUIDs            []string          // assignedLicenses, as lower-case GUIDs
	Licenses          []AssignedLicense // licenseAssignmentStates: where each comes from and what is wrong with it
	CreatedAt         time.Time
	DeletedAt         time.Time // zero for a user who is not deleted
}

// AssignedLicense is how a user came by a subscription, or why not:
// https://learn.microsoft.com/graph/api/resources/licenseassignmentstate.
type AssignedLicense struct {
	SKUID         string // a lower-case GUID
	GroupID       string // the group that gives it; empty when it was assigned directly
	State         string // "Active", "ActiveWithError", "Disabled" or "Error"
	Error         string // "CountViolation", "MutuallyExclusiveViolation", …; empty or "None" where there is none
	DisabledPlans []string
}

// UserKey names one user. Exactly one field is set.
type UserKey struct {
	ObjectID          string
	ImmutableID       string // compared case-sensitively
	UserPrincipalName string // compared without regard to case
}

// UserChange is what UpdateUser changes. What is nil or empty stays as it is.
type UserChange struct {
	AccountEnabled    *bool
	ImmutableID       *string // pointing to "": it is removed
	UserPrincipalName string
	UsageLocation     string
	DisplayName       string
	GivenName         string
	Surname           string
	Attributes        map[string]string // as in [NewUser]
}

// UserPage is a page of users.
type UserPage struct {
	Users []User
	Next  string // the cursor of the next page; empty on the last one
}

// ChangePage is a page of changes. One user may be in it, and on later pages, more than once.
type ChangePage struct {
	Changed []string      // the object IDs of users who were created or changed
	Removed []RemovedUser // users who were deleted
	Next    string        // the cursor of the next page of this round; empty on the last one
	Cursor  string        // on the last page: where the next round begins
}

// RemovedUser is a user who was deleted.
type RemovedUser struct {
	ObjectID string
	Purged   bool // for good
}

// GroupKey names one group. Exactly one field is set.
type GroupKey struct {
	ObjectID   string
	UniqueName string
}

// Group is a group object as read from the directory.
type Group struct {
	ObjectID    string
	UniqueName  string
	DisplayName string
	SKUIDs      []string // what the group gives to its members, as lower-case GUIDs
}

// LicenseChange is what ChangeLicenses gives and takes.
type LicenseChange struct {
	Add    []LicenseGrant
	Remove []string // SKU IDs
}

// LicenseGrant is one subscription to give.
type LicenseGrant struct {
	SKUID         string
	DisabledPlans []string // service plan IDs
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
	Plans      []ServicePlan
}

// ServicePlan is one service of a subscription.
type ServicePlan struct {
	ID        string // servicePlanId, a lower-case GUID
	Name      string // servicePlanName, for example "EXCHANGE_S_STANDARD"
	AppliesTo string // "User" or "Company"
}

// Free is the number of seats left, never negative. It is a hint: another assignment may take the seat first.
func (s SKU) Free() int { return max(0, s.Enabled+s.Warning-s.Consumed) }

// What a [Directory] answers beside the sentinels of every run, for errors.Is.
var (
	ErrAlreadyMember = errors.New("provision: a member of the group already")
	ErrCursorExpired = errors.New("provision: the cursor of the changes has expired")
)
