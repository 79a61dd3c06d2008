package provision

import (
	"context"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// stepWatch is a step under way, as it is observed. The zero stepWatch is of one that is not.
type stepWatch struct {
	on    bool
	span  trace.Span
	began time.Time
}

func (r *run) beginStep(ctx context.Context, name string) (context.Context, stepWatch) {
	r.attempts = [operations]int32{}
	o := r.p.observer
	if !o.on() && !r.log.Enabled(ctx, slog.LevelDebug) {
		return ctx, stepWatch{}
	}
	w := stepWatch{on: true, began: o.now()}
	if o.tracer != nil {
		ctx, w.span = o.start(ctx, "step "+name, w.began, trace.WithAttributes(keyStep.String(name)))
		r.at = w.span.SpanContext()
	}
	return ctx, w
}

func (r *run) endStep(ctx context.Context, w stepWatch, name string, result outcome, err error) {
	if !w.on {
		return
	}
	ended, state, failure := r.p.observer.now(), result.state(), failureOf(err)
	if err != nil {
		state = Failed
	}
	took := ended.Sub(w.began)
	r.p.observer.meters.stepped(ctx, name, string(state), failure, took)
	r.logStep(ctx, name, state, failure, took)
	end(w.span, ended, failure, keyOutcome.String(string(state)))
}

func (r *run) logStep(ctx context.Context, name string, state State, failure string, took time.Duration) {
	if !r.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	about := []slog.Attr{slog.String("step", name), slog.String("outcome", string(state)), slog.Duration("duration", took)}
	if failure != "" {
		about = append(about, slog.String("reason", failure))
	}
	r.log.LogAttrs(ctx, slog.LevelDebug, "step ended", about...)
}

// state is the outcome as events tell it.
func (o outcome) state() State {
	if o == skipped {
		return Skipped
	}
	return Done
}
