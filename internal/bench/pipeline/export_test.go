package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// For the tests: the single measurements, with what the real ones never do.

var (
	MeasureOurs    = measureOurs
	OwnPace        = ownPace
	MeasureLoop    = measureLoop
	Politely       = politely
	MeasureSignIns = measureSignIns
	Alone          = alone
	Compare        = compare
	MeasuringHost  = measuringHost
	ErrTooEarly    = errTooEarly
)

const Ceiling = ceiling

func (f finish) Sustained() float64 { return f.sustained() }
func (f finish) Wasted() int        { return f.wasted() }

// Inconsiderate is a neighbour who knows nothing of the pacer and, for a minute, writes whenever Graph lets it.
func Inconsiderate(ctx context.Context, t *tenant, _ *provision.Provisioner) error {
	began := time.Now()
	for i := 0; ctx.Err() == nil && time.Since(began) < time.Minute; i++ {
		change := provision.UserChange{DisplayName: fmt.Sprint("Employee ", i)}
		err := t.graph.UpdateUser(ctx, t.entra.Config().Users[i%employees].ObjectID, change)
		switch {
		case errors.Is(err, provision.ErrThrottled):
			time.Sleep(politely(err))
		case err != nil && ctx.Err() == nil:
			return err
		}
	}
	return nil
}

// MeasureLag measures one lag, with a sign-in service that trails behind the replicas.
func MeasureLag(
	ctx context.Context, o Options, lag, behind time.Duration, settle provision.Settle,
) ([]time.Duration, error) {
	return measureLag(ctx, o, newLagging(lag, behind), settle)
}

// Median is the one that the results have.
func Median(all []time.Duration) time.Duration { return quantile(all, 0.5) }

// MeasureStreamTelling is MeasureStream with somebody who is told of each person.
func MeasureStreamTelling(ctx context.Context, o Options, told func(provision.BulkEvent)) (Stream, error) {
	return measureStream(ctx, o, newBriefStore(o.stream()), told)
}

// MeasureStreamWith is MeasureStream with another store.
func MeasureStreamWith(ctx context.Context, o Options, store provision.Store) (Stream, error) {
	return measureStream(ctx, o, store, func(provision.BulkEvent) {})
}
