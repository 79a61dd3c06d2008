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

	// Bulk marks all calls as work that nobody waits for: Graph throttles them first when the tenant is near its limits
	// (x-ms-throttle-priority: low). False means that each call is marked as its [provision.CallTrace] says: high, unless
	// that has [provision.PriorityLow]. See https://learn.microsoft.com/graph/throttling-limits.
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

// Tenant is a Microsoft Entra tenant. It implements [provision.Directory] and everything that a Directory may implement
// beside it, and is safe for concurrent use.
//
// Each call reads the priority of the [provision.CallTrace] in its context, and fills in the rest of it: what Graph said
// about its limits, and how long it took to answer. Of a batch, that is the highest that one of its requests was told.
type Tenant struct{ client *graph.Client }

var (
	_ provision.Directory    = (*Tenant)(nil)
	_ provision.TokenSource  = (*Tenant)(nil)
	_ provision.Groups       = (*Tenant)(nil)
	_ provision.Managers     = (*Tenant)(nil)
	_ provision.Accounts     = (*Tenant)(nil)
	_ provision.DeletedUsers = (*Tenant)(nil)
	_ provision.UserLists    = (*Tenant)(nil)
	_ provision.UserBatches  = (*Tenant)(nil)
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

// carry hands the priority of the call on, and returns what fills in the rest of the pipeline's trace.
func carry(ctx context.Context) (context.Context, func()) {
	trace := provision.CallTraceOf(ctx)
	call := &graph.Trace{Low: trace.Priority == provision.PriorityLow}
	return graph.WithTrace(ctx, call), func() {
		trace.Load, trace.Scope, trace.Duration = call.Load, call.Scope, call.Duration
		trace.Status, trace.RequestID = call.Status, call.RequestID
	}
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
