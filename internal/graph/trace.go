package graph

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Trace travels with the context of one call. The call reads Low, and fills in the rest before it returns.
type Trace struct {
	Low       bool          // nobody waits for the call
	Load      float64       // x-ms-throttle-limit-percentage, at most 1.8; 0 when the answer did not say
	Scope     string        // the first two parts of x-ms-throttle-scope; empty when the answer did not say
	Duration  time.Duration // on the wire, without the token; 0 when nothing was sent
	Status    int           // of the answer; 0 when none came
	RequestID string        // Graph's request-id
}

type traceKey struct{}

// WithTrace returns a context that carries the trace.
func WithTrace(ctx context.Context, trace *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, trace)
}

// traceOf returns the trace that the context carries, or a new one that nobody reads.
func traceOf(ctx context.Context) *Trace {
	if trace, ok := ctx.Value(traceKey{}).(*Trace); ok && trace != nil {
		return trace
	}
	return new(Trace)
}

// priority is what x-ms-throttle-priority says of a call: https://learn.microsoft.com/graph/throttling-limits.
func (c *Client) priority(trace *Trace) string {
	if c.bulk || trace.Low {
		return "low"
	}
	return "high"
}

// fill tells the trace what became of the call.
func (call *call) fill(trace *Trace) {
	trace.Load, trace.Scope, trace.Duration = call.load, call.scope, call.duration
	trace.Status, trace.RequestID = call.status, clip(call.header.Get("request-id"))
}

// maxLoad is the highest share of a limit that Graph reports: https://learn.microsoft.com/graph/throttling-limits.
const maxLoad = 1.8

// throttleLoad is the share of a limit that an answer says is used, or 0.
func throttleLoad(header http.Header) float64 {
	load, err := strconv.ParseFloat(header.Get("x-ms-throttle-limit-percentage"), 64)
	if err != nil || math.IsNaN(load) || load < 0 {
		return 0
	}
	return min(load, maxLoad)
}

// throttleScope is which limit an answer is about: of "Tenant_Application/Write/{application}/{tenant}" the part that
// names no one.
func throttleScope(header http.Header) string {
	parts := strings.SplitN(header.Get("x-ms-throttle-scope"), "/", 3)
	return clip(strings.Join(parts[:min(len(parts), 2)], "/"))
}
