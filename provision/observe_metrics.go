package provision

import (
	"context"
	"errors"
	"time"

	otelattr "go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// meters are the instruments. Nil records nothing. No attribute has a value that a person, an account or an answer
// chooses.
type meters struct {
	steps   metric.Float64Histogram
	runs    metric.Int64Counter
	running metric.Float64Histogram
	calls   metric.Float64Histogram
	retries metric.Int64Counter
	turns   metric.Float64Histogram
	people  metric.Int64UpDownCounter
	drifts  metric.Int64Counter
}

// prefix begins the name of every instrument.
const prefix = "entrafed.provision."

func newMeters(meter metric.Meter, pacer Pacer) (*meters, error) {
	long := metric.WithExplicitBucketBoundaries(.005, .025, .1, .5, 1, 2.5, 5, 10, 15, 20, 30, 60, 120, 300, 1800)
	short := metric.WithExplicitBucketBoundaries(.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30)
	m := new(meters)
	var errs [9]error
	m.steps, errs[0] = meter.Float64Histogram(prefix+"step.duration", metric.WithUnit("s"), long,
		metric.WithDescription("How long steps took."))
	m.runs, errs[1] = meter.Int64Counter(prefix+"runs", metric.WithUnit("{run}"),
		metric.WithDescription("How many runs ended."))
	m.running, errs[2] = meter.Float64Histogram(prefix+"run.duration", metric.WithUnit("s"), long,
		metric.WithDescription("How long runs took."))
	m.calls, errs[3] = meter.Float64Histogram(prefix+"directory.duration", metric.WithUnit("s"), short,
		metric.WithDescription("How long calls to the directory took, without the wait for their turn."))
	m.retries, errs[4] = meter.Int64Counter(prefix+"retries", metric.WithUnit("{retry}"),
		metric.WithDescription("How many attempts followed one that came to nothing."))
	m.turns, errs[5] = meter.Float64Histogram(prefix+"turn.wait", metric.WithUnit("s"), long,
		metric.WithDescription("How long calls waited for their turn."))
	m.people, errs[6] = meter.Int64UpDownCounter(prefix+"people", metric.WithUnit("{person}"),
		metric.WithDescription("How many people are worked on."))
	m.drifts, errs[7] = meter.Int64Counter(prefix+"drifts", metric.WithUnit("{drift}"),
		metric.WithDescription("How many drifts were found."))
	if gauge, ok := pacer.(PaceGauge); ok {
		errs[8] = observePace(meter, gauge)
	}
	return m, errors.Join(errs[:]...)
}

// observePace has what is left of the pace asked for whenever metrics are collected.
func observePace(meter metric.Meter, gauge PaceGauge) error {
	writes, err := meter.Int64ObservableGauge(prefix+"budget.writes", metric.WithUnit("{write}"),
		metric.WithDescription("How many writes the pacer would let through at once."))
	share, errShare := meter.Float64ObservableGauge(prefix+"budget.share", metric.WithUnit("1"),
		metric.WithDescription("What share of the most writes that is."))
	if err := errors.Join(err, errShare); err != nil {
		return err
	}
	_, err = meter.RegisterCallback(func(ctx context.Context, observer metric.Observer) error {
		left, err := gauge.Left(ctx)
		if err != nil {
			return err
		}
		observer.ObserveInt64(writes, int64(left.Writes))
		observer.ObserveFloat64(share, left.WriteShare)
		return nil
	}, writes, share)
	return err
}

func (m *meters) stepped(ctx context.Context, step, outcome, failure string, took time.Duration) {
	if m != nil {
		m.steps.Record(ctx, took.Seconds(),
			metric.WithAttributes(failed(failure, keyStep.String(step), keyOutcome.String(outcome))...))
	}
}

func (m *meters) ran(ctx context.Context, errand, outcome, failure string, took time.Duration) {
	if m != nil {
		about := metric.WithAttributeSet(
			otelattr.NewSet(failed(failure, keyErrand.String(errand), keyOutcome.String(outcome))...))
		m.runs.Add(ctx, 1, about)
		m.running.Record(ctx, took.Seconds(), about)
	}
}

// enter counts somebody who is worked on from now on, or, with -1, any more.
func (m *meters) enter(ctx context.Context, errand string, n int64) {
	if m != nil {
		m.people.Add(ctx, n, metric.WithAttributes(keyErrand.String(errand)))
	}
}

func (m *meters) called(ctx context.Context, op operation, status string, took time.Duration) {
	if m != nil {
		m.calls.Record(ctx, took.Seconds(),
			metric.WithAttributes(keyOperation.String(op.String()), keyStatusKind.String(status)))
	}
}

func (m *meters) retried(ctx context.Context, step string, reason Reason) {
	m.retries.Add(ctx, 1, metric.WithAttributes(keyStep.String(step), keyReason.String(string(reason))))
}

func (m *meters) waited(ctx context.Context, priority Priority, wait time.Duration) {
	if m != nil {
		m.turns.Record(ctx, wait.Seconds(), metric.WithAttributes(keyPriority.String(priority.String())))
	}
}

// drifted counts a drift and what became of it.
func (m *meters) drifted(ctx context.Context, d Drift) {
	if m == nil {
		return
	}
	outcome := "reported"
	switch {
	case d.Repaired:
		outcome = "repaired"
	case d.Err != nil:
		outcome = string(Failed)
	}
	m.drifts.Add(ctx, 1, metric.WithAttributes(keyDriftKind.String(string(d.Kind)), keyOutcome.String(outcome)))
}
