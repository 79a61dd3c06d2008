package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/bench/pipeline"
	"github.com/entrafed/entrafed/provision"
)

func TestAHostThatMeasuresIsReadySoonAfterTheTenant(t *testing.T) {
	t.Parallel()
	rows, err := pipeline.MeasureReadyAfterLag(t.Context(), small(1000))
	require.NoError(t, err)
	var lags []float64
	for _, row := range rows {
		lags = append(lags, row.Lag)
		require.LessOrEqual(t, row.Extra, 2.0, "after a lag of %v s", row.Lag)
		require.Greater(t, row.Extra, 1.0, "three reads, half a second apart")
		require.GreaterOrEqual(t, row.Default, 15-row.Lag, "the dwell is kept")
	}
	require.Equal(t, []float64{1, 2, 5, 10, 15, 20, 30}, lags)
}

// A fixed wait is told from reading, and a sign-in service that trails behind the replicas from one that does not.
func TestWhatReadingCannotKnowIsNoticed(t *testing.T) {
	t.Parallel()
	fixed := provision.Settle{Dwell: 30 * time.Second}
	extra, err := pipeline.MeasureLag(t.Context(), small(200), time.Second, 0, fixed)
	require.NoError(t, err)
	require.Greater(t, pipeline.Median(extra), 28*time.Second)

	_, err = pipeline.MeasureLag(t.Context(), small(200), time.Second, 10*time.Second, pipeline.MeasuringHost())
	require.ErrorIs(t, err, pipeline.ErrTooEarly, "nothing but the dwell waits for what cannot be read")
	_, err = pipeline.MeasureLag(t.Context(), small(200), time.Second, 10*time.Second, provision.Settle{})
	require.NoError(t, err)
}
