package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/bench/pipeline"
)

// That a bulk does not keep people waiting is checked where all is measured: in the test of the command.
func TestANeighbourWithoutAPacerIsToldApart(t *testing.T) {
	t.Parallel()
	idle, err := pipeline.MeasureSignIns(t.Context(), small(200), "idle", 1, pipeline.Alone)
	require.NoError(t, err)
	require.Len(t, idle, 20)
	again, err := pipeline.MeasureSignIns(t.Context(), small(200), "idle again", 2, pipeline.Alone)
	require.NoError(t, err)
	crowded, err := pipeline.MeasureSignIns(t.Context(), small(200), "crowded", 1, pipeline.Inconsiderate)
	require.NoError(t, err)

	require.InDelta(t, 1, pipeline.Compare(again, idle).MedianRatio, 0.45)
	require.Greater(t, pipeline.Compare(crowded, idle).MedianRatio, 2.0)
}

func TestQuantilesAreCompared(t *testing.T) {
	t.Parallel()
	var idle, busy []time.Duration
	for i := range 200 {
		idle = append(idle, time.Duration(200-i)*time.Second)
		busy = append(busy, time.Duration(i+1)*2*time.Second)
	}
	busy[198], busy[199] = time.Hour, time.Hour // the two slowest of 200 are beyond the p99
	require.Equal(t, [2]float64{2, 2}, ratios(busy, idle))
	busy[197] = 3 * 198 * time.Second
	require.Equal(t, [2]float64{2, 3}, ratios(busy, idle))
}

func ratios(busy, idle []time.Duration) [2]float64 {
	s := pipeline.Compare(busy, idle)
	return [2]float64{s.MedianRatio, s.P99Ratio}
}
