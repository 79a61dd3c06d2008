package provision

import (
	"context"
	"time"
)

// Priority says who waits for a call.
type Priority int

// The priorities. A directory that is near its limits serves low ones last.
const (
	PriorityHigh Priority = iota // a person is waiting
	PriorityLow                  // nobody is: bulk work
)

// CallTrace travels with the context of each call to the [Directory], which reads Priority and fills in the rest before
// it returns. It belongs to that one call: nobody else reads or writes it meanwhile.
type CallTrace struct {
	Priority Priority

	// Load is the highest share of a limit that the answer said is used (x-ms-throttle-limit-percentage), 1.8 at most
	// for 180 %. 0: the answer did not say.
	Load float64

	// Scope is which limit that is, or which one a 429 was about (x-ms-throttle-scope), for example
	// "Tenant_Application/Write". Empty: the answer did not say.
	Scope string

	// Duration is how long the call took on the wire, without the token. 0: nothing was sent.
	Duration time.Duration

	// Status is the HTTP status of the answer; of a batch, that of the round trip. 0: none came, or there is none.
	Status int

	// RequestID is what the directory called the request, for its support. Empty: the answer did not say.
	RequestID string
}

type callTraceKey struct{}

// WithCallTrace returns a context that carries the trace.
func WithCallTrace(ctx context.Context, trace *CallTrace) context.Context {
	return context.WithValue(ctx, callTraceKey{}, trace)
}

// CallTraceOf returns the trace that the context carries, or a new one that nobody reads. It is never nil.
func CallTraceOf(ctx context.Context) *CallTrace {
	if trace, ok := ctx.Value(callTraceKey{}).(*CallTrace); ok && trace != nil {
		return trace
	}
	return new(CallTrace)
}
