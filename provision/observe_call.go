package provision

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	otelattr "go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// observed makes a call to the directory that waited so long for its turn.
func (c *caller) observed(
	ctx context.Context, op operation, waited time.Duration, said *CallTrace, call func(context.Context) error,
) (err error) {
	o := c.p.observer
	if !o.on() || op == opStep { // whose span is the step's
		return call(ctx)
	}
	c.attempts[op]++
	began := o.now()
	ctx, span := o.startCall(ctx, c, op, began, waited)
	err = errBroken
	defer func() {
		ended := o.now()
		o.meters.called(ctx, op, statusClass(said, err), ended.Sub(began))
		endCall(span, ended, op, said, err)
	}()
	err = call(ctx)
	return err
}

func (o *observer) startCall(
	ctx context.Context, c *caller, op operation, began time.Time, waited time.Duration,
) (context.Context, trace.Span) {
	if o.tracer == nil {
		return ctx, nil
	}
	return o.start(ctx, "directory "+op.String(), began, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithLinks(c.linksBeside(ctx)...), trace.WithAttributes(
			keyOperation.String(op.String()),
			keyAttempt.Int(int(c.attempts[op])),
			keyPriority.String(c.priority.String()),
			keyTurnWait.Float64(waited.Seconds()),
		))
}

// linksBeside are the steps that share the call, apart from the one that it is a part of.
func (c *caller) linksBeside(ctx context.Context) []trace.Link {
	var links []trace.Link
	parent := trace.SpanContextFromContext(ctx)
	for _, at := range c.shared {
		if at.IsValid() && !at.Equal(parent) {
			links = append(links, trace.Link{SpanContext: at})
		}
	}
	return links
}

func endCall(span trace.Span, at time.Time, op operation, said *CallTrace, err error) {
	if span == nil {
		return
	}
	status := statusOf(said, err)
	var about []otelattr.KeyValue
	if status != 0 {
		about = append(about, keyStatus.Int(status))
	}
	if id := requestID(said, err); id != "" {
		about = append(about, keyRequestID.String(id))
	}
	if said.Load > 0 {
		about = append(about, keyLoad.Float64(said.Load))
	}
	failure := failureOf(err)
	switch {
	case op.looks() && errors.Is(err, ErrNotFound):
		failure = "" // an answer like any other
	case err != nil && status >= http.StatusBadRequest:
		failure = strconv.Itoa(status)
	}
	end(span, at, failure, about...)
}

// statusOf is the status of an answer; 0 where none is known. A 429 to one request of a batch counts for all of it.
func statusOf(said *CallTrace, err error) int {
	var answer *DirectoryError
	refused := errors.As(err, &answer)
	switch {
	case refused && answer.Status == http.StatusTooManyRequests, refused && said.Status == 0:
		return answer.Status
	}
	return said.Status
}

// statusClass is what metrics say of an answer.
func statusClass(said *CallTrace, err error) string {
	status := statusOf(said, err)
	switch {
	case status == http.StatusTooManyRequests:
		return "429"
	case status >= 200 && status <= 599:
		return strconv.Itoa(status/100) + "xx"
	case err == nil:
		return "2xx"
	}
	return "none"
}

// maxRequestID is longer than any: Graph's are GUIDs.
const maxRequestID = 64

// requestID is the directory's name for the call, or empty. It comes from the network.
func requestID(said *CallTrace, err error) string {
	id := said.RequestID
	var answer *DirectoryError
	if id == "" && errors.As(err, &answer) {
		id = answer.RequestID
	}
	if len(id) > maxRequestID {
		return ""
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' {
			return ""
		}
	}
	return id
}

func (p Priority) String() string {
	if p == PriorityHigh {
		return "high"
	}
	return "low"
}

// waitedSince is how long the caller has waited for its turn.
func (o *observer) waitedSince(ctx context.Context, asked time.Time, priority Priority) time.Duration {
	if !o.on() {
		return 0
	}
	waited := o.now().Sub(asked)
	o.meters.waited(ctx, priority, waited)
	return waited
}

// asks is when the caller begins to wait for its turn.
func (o *observer) asks() time.Time {
	if !o.on() {
		return time.Time{}
	}
	return o.now()
}

// retried counts one more attempt, unless nothing was attempted yet: the call was held back before it was made.
func (c *caller) retried(ctx context.Context, last error) {
	m := c.p.observer.meters
	if m == nil {
		return
	}
	var held *heldBackError
	if !errors.As(last, &held) {
		m.retried(ctx, c.step, waitReason(last))
	}
}

// holds remembers until when the directory wants no calls, as far as this Provisioner was told.
type holds struct {
	mu    sync.Mutex
	until time.Time
}

// begin reports whether a 429 begins a hold. Those that come meanwhile were sent before. A hold of no known length is
// taken for the longest that a pacer makes of it.
func (h *holds) begin(now time.Time, asked time.Duration) bool {
	if asked <= 0 {
		asked = lastBackoff
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	first := !now.Before(h.until)
	h.until = later(h.until, now.Add(min(asked, horizon)))
	return first
}

// warnOfHold logs that the directory holds calls back, once for each hold.
func (c *caller) warnOfHold(ctx context.Context, scope string, asked time.Duration) {
	if c.p.observer.holds.begin(c.p.now(), asked) {
		c.log.LogAttrs(ctx, slog.LevelWarn, "the directory is throttling", slog.String("step", c.step),
			slog.String("scope", scope), slog.Duration("retry_after", asked))
	}
}
