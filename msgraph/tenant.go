package msgraph

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/internal/graph"
	"github.com/entrafed/entrafed/provision"
)

// DefaultTimeout, 30 seconds, is the time that one call may take unless [Config.Timeout] says otherwise.
const DefaultTimeout = graph.DefaultTimeout

// Config says which tenant to use, and how. Only Credential is required: the tenant is the one whose tokens it gets.
type Config struct {
	// Cloud is the cloud that the tenant is in; of its fields only Graph and InsecureLoopback are used. The zero Cloud
	// is [entrafed.Global].
	Cloud entrafed.Cloud

	// Credential brings the access token. Required. It is asked before every call, so it must cache its token, as
	// those of azidentity do.
	Credential azcore.TokenCredential

	// Transport carries the requests. It must not retry, and must not follow redirects. Nil means a transport like
	// [http.DefaultTransport], with its proxy settings.
	Transport http.RoundTripper

	// Timeout is the time that one call may take, getting the token included; a deadline of the caller's context that
	// is nearer wins. Zero means [DefaultTimeout], 30 seconds.
	Timeout time.Duration

	// Bulk marks the calls as work that nobody waits for: Graph throttles them first when the tenant is near its
	// limits (x-ms-throttle-priority: low). False means that people are waiting (high). An application that does both
	// uses two Tenants. See https://learn.microsoft.com/graph/throttling-limits.
	Bulk bool

	// Logger gets every call at level debug, and at level warn when the tenant is at 80 % of one of its limits or
	// above. It gets no token and no password. Nil means silence.
	Logger *slog.Logger

	// Now is the clock, for dates in Retry-After and for the durations in the log. Nil means [time.Now].
	Now func() time.Time

	// Rand makes the client-request-id, 16 bytes a call. It must be safe for concurrent use. Nil means
	// [crypto/rand.Reader].
	Rand io.Reader
}

// Tenant is a Microsoft Entra tenant. It implements [provision.Directory] and [provision.TokenSource], and is safe for
// concurrent use.
type Tenant struct{ client *graph.Client }

var (
	_ provision.Directory   = (*Tenant)(nil)
	_ provision.TokenSource = (*Tenant)(nil)
)

// New returns the tenant, or one error that lists everything that is wrong with cfg. It makes no call: [Tenant.Authorize]
// tries the credential.
func New(cfg Config) (*Tenant, error) {
	client, err := graph.New(graph.Config(cfg))
	if err != nil {
		return nil, fmt.Errorf("msgraph: the configuration cannot be used: %w", err)
	}
	return &Tenant{client}, nil
}

// Authorize obtains the access token, from the credential's cache if it is still good there.
func (t *Tenant) Authorize(ctx context.Context) error {
	return directoryError(t.client.Authorize(ctx))
}

// CreateUser creates a user whose account is enabled. Graph answers with a few properties only, so that of the result
// just ObjectID, UserPrincipalName and DisplayName are filled in.
//
// Source: https://learn.microsoft.com/graph/api/user-post-users.
func (t *Tenant) CreateUser(ctx context.Context, user provision.NewUser) (provision.User, error) {
	created, err := t.client.CreateUser(ctx, graph.NewUser{
		UserPrincipalName: user.UserPrincipalName, ImmutableID: user.ImmutableID, DisplayName: user.DisplayName,
		MailNickname: user.MailNickname, GivenName: user.GivenName, Surname: user.Surname,
		UsageLocation: user.UsageLocation, Password: user.Password,
	})
	return userOf(created), directoryError(err)
}

// FindUser reads one user by the one key that is set. An ObjectID must be a GUID.
//
// Graph compares an ImmutableID without regard to case, and answers an empty list if there is none; FindUser compares
// exactly, and its error is the one of a read by key: status 404, code "Request_ResourceNotFound".
//
// Source: https://learn.microsoft.com/graph/api/user-get and https://learn.microsoft.com/graph/api/user-list.
func (t *Tenant) FindUser(ctx context.Context, key provision.UserKey) (provision.User, error) {
	found, err := t.find(ctx, key)
	return userOf(found), directoryError(err)
}

func userOf(u graph.User) provision.User {
	return provision.User{
		ObjectID: u.ObjectID, UserPrincipalName: u.UserPrincipalName, ImmutableID: u.ImmutableID,
		DisplayName: u.DisplayName, UsageLocation: u.UsageLocation, AccountEnabled: u.AccountEnabled,
		DirectorySynced: u.DirectorySynced, SKUIDs: u.SKUIDs,
	}
}

func (t *Tenant) find(ctx context.Context, key provision.UserKey) (graph.User, error) {
	switch key {
	case provision.UserKey{}:
	case provision.UserKey{ObjectID: key.ObjectID}:
		return t.client.UserByObjectID(ctx, key.ObjectID)
	case provision.UserKey{ImmutableID: key.ImmutableID}:
		return t.client.UserByImmutableID(ctx, key.ImmutableID)
	case provision.UserKey{UserPrincipalName: key.UserPrincipalName}:
		return t.client.UserByUPN(ctx, key.UserPrincipalName)
	}
	return graph.User{}, errors.New("msgraph: a user is found by exactly one of ObjectID, ImmutableID and " +
		"UserPrincipalName")
}

// SKUs lists the tenant's subscriptions.
//
// Source: https://learn.microsoft.com/graph/api/subscribedsku-list.
func (t *Tenant) SKUs(ctx context.Context) ([]provision.SKU, error) {
	subscribed, err := t.client.SKUs(ctx)
	if err != nil {
		return nil, directoryError(err)
	}
	skus := make([]provision.SKU, 0, len(subscribed))
	for _, sku := range subscribed {
		skus = append(skus, provision.SKU{ID: sku.ID, PartNumber: sku.PartNumber, AppliesTo: sku.AppliesTo,
			Status: sku.Status, Enabled: sku.Enabled, Warning: sku.Warning, Consumed: sku.Consumed})
	}
	return skus, nil
}

// ChangeLicenses gives the user a seat of each SKU, or of none. Every service plan of the SKUs is switched on; a user who
// holds one of them with some plans off gets these, too. The user must have a usage location. With nothing to add no
// call is made.
//
// Source: https://learn.microsoft.com/graph/api/user-assignlicense.
func (t *Tenant) ChangeLicenses(ctx context.Context, objectID string, change provision.LicenseChange) error {
	add := make([]string, len(change.Add))
	for i, grant := range change.Add {
		add[i] = grant.SKUID
	}
	return directoryError(t.client.ChangeLicenses(ctx, objectID, add))
}

// directoryError puts what the tenant answered into the words of package provision. nil, and the errors of calls that
// were never made, stay what they are.
func directoryError(err error) error {
	var answered *graph.Error
	if !errors.As(err, &answered) {
		return err
	}
	var details []provision.ErrorDetail
	for _, detail := range answered.Details {
		details = append(details, provision.ErrorDetail(detail))
	}
	return &provision.DirectoryError{
		Operation:  answered.Operation,
		Status:     answered.Status,
		Code:       answered.Code,
		Message:    answered.Message,
		Details:    details,
		RequestID:  answered.RequestID,
		RetryAfter: answered.RetryAfter,
		Err:        answered.Err,
	}
}
