package pipeline_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/bench/pipeline"
)

func TestTheTableSaysWhichTargetsAreReached(t *testing.T) {
	t.Parallel()
	good := func() pipeline.Result {
		return pipeline.Result{
			Bulk:          pipeline.Bulk{Ours: 18.5, Naive: 6.33, Ceiling: 19.05, All: 15.5, NaiveAll: 6.3, Wasted: 43},
			SignIn:        pipeline.SignIn{MedianRatio: 1.1, P99Ratio: 1.5},
			ReadyAfterLag: []pipeline.ReadyLag{{Lag: 5, Extra: 1.5, Default: 10.25}, {Lag: 30, Extra: 2}},
			Stream:        pipeline.Stream{People: 1_000_000, Heap: 14.4, Ours: 1.9, Before: 3, Stacks: 16.6},
		}
	}
	for name, c := range map[string]struct {
		spoil  func(*pipeline.Result)
		missed int
	}{
		"all reached":           {func(*pipeline.Result) {}, 0},
		"the bulk too slow":     {func(r *pipeline.Result) { r.Bulk.Ours = 18 }, 1},
		"the median too long":   {func(r *pipeline.Result) { r.SignIn.MedianRatio = 1.51 }, 1},
		"the p99 too long":      {func(r *pipeline.Result) { r.SignIn.P99Ratio = 1.51 }, 1},
		"ready too late":        {func(r *pipeline.Result) { r.ReadyAfterLag[1].Extra = 2.01 }, 1},
		"the heap too large":    {func(r *pipeline.Result) { r.Stream.Heap = 64 }, 1},
		"two of them at a time": {func(r *pipeline.Result) { r.Stream.Heap, r.Bulk.Ours = 64, 18 }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := good()
			c.spoil(&result)
			var table strings.Builder
			require.NoError(t, result.WriteTable(&table))
			require.Equal(t, c.missed, strings.Count(table.String(), "MISSED"))
			require.Equal(t, 4-c.missed, strings.Count(table.String(), "reached"))
		})
	}

	var table strings.Builder
	require.NoError(t, good().WriteTable(&table))
	require.Regexp(t, `ours +18\.50 +97\.1% +15\.50\n`, table.String())
	require.Regexp(t, `5s +1\.50 +10\.25 +10\n`, table.String())
	require.Regexp(t, `30s .* too early\n`, table.String())
}
