package provision

import (
	"context"
	"errors"
	"time"

	otelattr "go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// scope is the name of this package towards OpenTelemetry.
const scope = "github.com/entrafed/entrafed/provision"

// The attributes, as the package's documentation lists them. Those without "entrafed." are of
// https://opentelemetry.io/docs/specs/semconv/.
const (
	keyErrorType  = otelattr.Key("error.type")
	keyStatus     = otelattr.Key("http.response.status_code")
	keyRequestID  = otelattr.Key("azure.service.request.id")
	keyErrand     = otelattr.Key("entrafed.errand")
	keyOutcome    = otelattr.Key("entrafed.outcome")
	keyStep       = otelattr.Key("entrafed.step")
	keyConnection = otelattr.Key("entrafed.connection")
	keyObjectID   = otelattr.Key("entrafed.object_id")
	keyPeople     = otelattr.Key("entrafed.people")
	keyDrifts     = otelattr.Key("entrafed.drifts")
	keyDriftKind  = otelattr.Key("entrafed.drift.kind")
	keyOperation  = otelattr.Key("entrafed.operation")
	keyAttempt    = otelattr.Key("entrafed.attempt")
	keyPriority   = otelattr.Key("entrafed.priority")
	keyTurnWait   = otelattr.Key("entrafed.turn.wait")
	keyLoad       = otelattr.Key("entrafed.load")
	keyStatusKind = otelattr.Key("entrafed.status_class")
	keyReason     = otelattr.Key("entrafed.reason")
)

// observer tells OpenTelemetry what happens. Without providers it does nothing, and costs nothing.
type observer struct {
	tracer trace.Tracer // nil: no spans
	meters *meters      // nil: no metrics
	now    func() time.Time
	holds  holds
}

func newObserver(config Config, pacer Pacer, now func() time.Time) (*observer, error) {
	o := &observer{now: now}
	if config.TracerProvider != nil {
		o.tracer = config.TracerProvider.Tracer(scope)
	}
	if config.MeterProvider == nil {
		return o, nil
	}
	var err error
	o.meters, err = newMeters(config.MeterProvider.Meter(scope), pacer)
	return o, err
}

// on reports whether anybody is told anything.
func (o *observer) on() bool { return o.tracer != nil || o.meters != nil }

// start starts a span. Without a tracer it is nil, and the context is the same.
func (o *observer) start(
	ctx context.Context, name string, began time.Time, options ...trace.SpanStartOption,
) (context.Context, trace.Span) {
	if o.tracer == nil {
		return ctx, nil
	}
	return o.tracer.Start(ctx, name, append(options, trace.WithTimestamp(began))...)
}

// end ends a span. Of a failure it says the class and nothing else: the text of an error names people.
func end(span trace.Span, at time.Time, failure string, about ...otelattr.KeyValue) {
	if span == nil {
		return
	}
	span.SetAttributes(about...)
	if failure != "" {
		span.SetAttributes(keyErrorType.String(failure))
		span.SetStatus(codes.Error, failure)
	}
	span.End(trace.WithTimestamp(at))
}

// errBroken is the error of what neither returned nor failed: it panicked, or its goroutine was ended.
var errBroken = errors.New("it did not return")

// failureOf is the error.type of a run or a step; empty without an error.
func failureOf(err error) string {
	if err == nil {
		return ""
	}
	return string(reasonOf(err))
}

// failed are the attributes of a failure in metrics.
func failed(failure string, about ...otelattr.KeyValue) []otelattr.KeyValue {
	if failure != "" {
		about = append(about, keyErrorType.String(failure))
	}
	return about
}
