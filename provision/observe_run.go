package provision

import (
	"context"
	"time"

	otelattr "go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// The errands of runs that are no [errand].
const (
	errandReconcile = "reconcile"
	errandBulk      = "bulk"
)

// subject is what a run is known to be when it begins.
type subject struct {
	errand     string
	connection string // empty: it is not about one person
	apart      bool   // its span begins a trace of its own: the work of which it is a part is about too many people
}

// runWatch is a run under way, as it is observed. The zero runWatch is of a run that is not.
type runWatch struct {
	subject
	span  trace.Span
	began time.Time
}

func (o *observer) beginRun(ctx context.Context, s subject) (context.Context, runWatch) {
	if !o.on() {
		return ctx, runWatch{}
	}
	w := runWatch{subject: s, began: o.now()}
	ctx, w.span = o.startOne(ctx, "provision "+s.errand, w.began, s.apart, keyErrand.String(s.errand))
	if s.connection != "" {
		if w.span != nil {
			w.span.SetAttributes(keyConnection.String(s.connection))
		}
		o.meters.enter(ctx, s.errand, 1)
	}
	return ctx, w
}

// startOne starts a span that may begin a trace of its own, which then names the one that it comes from.
func (o *observer) startOne(
	ctx context.Context, name string, began time.Time, apart bool, about ...otelattr.KeyValue,
) (context.Context, trace.Span) {
	if o.tracer == nil {
		return ctx, nil
	}
	options := []trace.SpanStartOption{trace.WithAttributes(about...)}
	if from := trace.LinkFromContext(ctx); apart && from.SpanContext.IsValid() {
		options = append(options, trace.WithNewRoot(), trace.WithLinks(from))
	}
	return o.start(ctx, name, began, options...)
}

// endRun ends the observation. step is where the run ended, objectID whose account it was about; both may be empty.
func (o *observer) endRun(
	ctx context.Context, w runWatch, outcome, failure, step, objectID string, about ...otelattr.KeyValue,
) {
	if w.errand == "" {
		return
	}
	ended := o.now()
	if w.connection != "" {
		o.meters.enter(ctx, w.errand, -1)
	}
	o.meters.ran(ctx, w.errand, outcome, failure, ended.Sub(w.began))
	if w.span == nil {
		return
	}
	about = append(about, keyOutcome.String(outcome))
	if step != "" {
		about = append(about, keyStep.String(step))
	}
	if objectID != "" {
		about = append(about, keyObjectID.String(objectID))
	}
	end(w.span, ended, failure, about...)
}

// endRun ends the observation of a person's run.
func (r *run) endRun(ctx context.Context, w runWatch, account Account, err error) {
	outcome := string(Done)
	switch {
	case err != nil:
		outcome = string(reasonOf(err).BulkOutcome())
	case w.errand == ensuring.String():
		outcome = string(madeOf(account, r.step))
	}
	r.p.observer.endRun(ctx, w, outcome, failureOf(err), r.step, r.rec.ObjectID)
}

// endWork ends the observation of work on many people.
func (o *observer) endWork(ctx context.Context, w runWatch, err error, about ...otelattr.KeyValue) {
	outcome := Done
	if err != nil {
		outcome = Failed
	}
	o.endRun(ctx, w, string(outcome), failureOf(err), "", "", about...)
}

// link names in the run's span the span of a caller who joined the run.
func (o *observer) link(ctx context.Context, f *flight) {
	from := trace.LinkFromContext(ctx)
	if o.tracer == nil || !from.SpanContext.IsValid() {
		return
	}
	f.mu.Lock()
	span := f.span
	if span == nil {
		f.links = append(f.links, from)
	}
	f.mu.Unlock()
	if span != nil {
		span.AddLink(from)
	}
}

// observed takes over the run's span, and names in it who joined before there was one.
func (f *flight) observed(span trace.Span) {
	if span == nil {
		return
	}
	f.mu.Lock()
	links := f.links
	f.span, f.links = span, nil
	f.mu.Unlock()
	for _, from := range links {
		span.AddLink(from)
	}
}

// lookWatch is the look at one person of a reconciliation.
type lookWatch struct{ span trace.Span }

func (o *observer) beginLook(ctx context.Context, rec Record) (context.Context, lookWatch) {
	if o.tracer == nil {
		return ctx, lookWatch{}
	}
	ctx, span := o.startOne(ctx, "reconcile person", o.now(), true,
		keyConnection.String(rec.Key.Connection), keyObjectID.String(rec.ObjectID))
	return ctx, lookWatch{span}
}

func (o *observer) endLook(w lookWatch, drifts []Drift, err error) {
	if w.span == nil {
		return
	}
	kinds := make([]string, len(drifts))
	for i, d := range drifts {
		kinds[i] = string(d.Kind)
	}
	end(w.span, o.now(), failureOf(err), keyDriftKind.StringSlice(kinds))
}
