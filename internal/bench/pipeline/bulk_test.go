package pipeline_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/bench/pipeline"
	"github.com/entrafed/entrafed/provision"
)

// small is a measurement of a few people.
func small(people int) pipeline.Options {
	return pipeline.Options{People: people, Progress: io.Discard}
}

// With so few people the rate is not steady yet, but far above what a loop can have.
func TestABulkComesNearTheCeiling(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes several seconds")
	}
	ours, err := pipeline.MeasureOurs(t.Context(), small(600), pipeline.OwnPace())
	require.NoError(t, err)
	require.InDelta(t, 19.05, pipeline.Ceiling, 0.01)
	require.Greater(t, ours.Sustained(), 0.5*pipeline.Ceiling)
	require.Less(t, ours.Sustained(), 1.01*pipeline.Ceiling, "nobody gets past the limit: no saved-up writes were spent")
}

func TestABulkWithoutPacingIsToldApart(t *testing.T) {
	t.Parallel()
	paced, err := pipeline.MeasureOurs(t.Context(), small(200), pipeline.OwnPace())
	require.NoError(t, err)
	hasty := pipeline.OwnPace()
	hasty.WritesPerSecond, hasty.Reserve = 1000, -1
	unpaced, err := pipeline.MeasureOurs(t.Context(), small(200), hasty)
	require.NoError(t, err)
	require.Less(t, paced.Wasted(), 60)
	require.Greater(t, unpaced.Wasted(), 150, "refused requests are wasted")
}

func TestANaiveLoopHasThreeWritesAPerson(t *testing.T) {
	t.Parallel()
	naive, err := pipeline.MeasureLoop(t.Context(), small(200), "naive", pipeline.Politely)
	require.NoError(t, err)
	require.Greater(t, naive.Sustained(), 6.0)
	require.Less(t, naive.Sustained(), 20.0/3, "nobody gets past the limit: no saved-up writes were spent")
}

func TestALoopThatDoesNotHeedRetryAfterIsToldApart(t *testing.T) {
	t.Parallel()
	hasty := func(error) time.Duration { return 100 * time.Millisecond }
	slowed, err := pipeline.MeasureLoop(t.Context(), small(200), "hasty", hasty)
	require.NoError(t, err)
	require.Less(t, slowed.Sustained(), 5.0, "what is refused counts as well")

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tries := 0
	_, err = pipeline.MeasureLoop(ctx, small(200), "very hasty", func(error) time.Duration {
		if tries++; tries == 2000 {
			cancel()
		}
		return 10 * time.Millisecond
	})
	require.ErrorIs(t, err, context.Canceled, "it gets nowhere at all")
}

func TestAMeasurementEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	o := small(200)
	o.Progress = writer(func() { cancel() }) // at the first line
	_, err := pipeline.MeasureOurs(ctx, o, pipeline.OwnPace())
	require.ErrorIs(t, err, context.Canceled)
	_, err = pipeline.Measure(ctx, o)
	require.ErrorIs(t, err, context.Canceled, "not even begun")
}

// writer calls a function when something is written.
type writer func()

func (w writer) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}

// Somebody who is not ready, or has two accounts, fails the measurement.
func TestOnlyThoseWhoAreReadyCount(t *testing.T) {
	t.Parallel()
	pace := provision.Pace{Share: 1, Size: provision.TenantLarge, WritesPerSecond: 1.0 / (24 * 60 * 60)}
	_, err := pipeline.MeasureOurs(t.Context(), small(20), pace)
	require.ErrorIs(t, err, provision.ErrThrottled)
}
