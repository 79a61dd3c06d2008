package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheJSONOfThePipelineHasTheDocumentedShape(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"-provision", "-people", "200", "-json"}, &stdout, &stderr)
	require.Equal(t, exitOK, code, stderr.String())
	require.Equal(t, 1, strings.Count(strings.TrimSpace(stdout.String()), "\n")+1, "one object, on one line")

	var result map[string]any
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &result))
	require.ElementsMatch(t, []string{"bulk", "signin_during_bulk", "ready_after_lag", "stream"}, keys(result))

	bulk := numbers(t, result["bulk"], "ours", "naive", "ceiling")
	require.InDelta(t, 19.05, bulk["ceiling"], 0.001)
	require.InDelta(t, 6.3, bulk["naive"], 0.4)
	require.Less(t, bulk["ours"], bulk["ceiling"])

	signIn := numbers(t, result["signin_during_bulk"], "median_ratio", "p99_ratio")
	require.LessOrEqual(t, signIn["median_ratio"], 1.5, "a bulk does not keep people waiting")

	var lags []float64
	for _, row := range result["ready_after_lag"].([]any) {
		lag := numbers(t, row, "lag_s", "extra_median_s")
		lags = append(lags, lag["lag_s"])
		require.LessOrEqual(t, lag["extra_median_s"], 2.0)
	}
	require.Equal(t, []float64{1, 2, 5, 10, 15, 20, 30}, lags)

	stream := numbers(t, result["stream"], "people", "heap_mib")
	require.InDelta(t, 20_000, stream["people"], 0)
	require.Less(t, stream["heap_mib"], 64.0)

	for _, said := range []string{"bulk, ours: 200 of 200", "naive loop: 200 of 200", "sign-in during bulk: 20 of 20",
		"ready after a lag of 30s", "stream: 20000 of 20000"} {
		require.Contains(t, stderr.String(), said, "progress goes to standard error")
	}
}

func keys(object map[string]any) []string {
	var names []string
	for name := range object {
		names = append(names, name)
	}
	return names
}

// numbers are the fields of an object that has positive numbers of these names and nothing else.
func numbers(t *testing.T, value any, names ...string) map[string]float64 {
	t.Helper()
	object, ok := value.(map[string]any)
	require.True(t, ok, "%v is an object", value)
	require.ElementsMatch(t, names, keys(object))
	all := make(map[string]float64, len(object))
	for name, value := range object {
		require.IsType(t, 0.0, value, name)
		require.Positive(t, value, name)
		all[name] = value.(float64)
	}
	return all
}

func TestHelpTeachesWhatIsMeasuredOfThePipeline(t *testing.T) {
	t.Parallel()
	var stdout bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"-h"}, &stdout, io.Discard))
	for _, said := range []string{"-provision", "-people N", "default 10000", "bulk", "signin_during_bulk",
		"ready_after_lag", "stream", "Dwell: -1", "Target"} {
		require.Contains(t, stdout.String(), said)
	}
}

func TestFlagsOfTheOtherMeasurementAreRefused(t *testing.T) {
	t.Parallel()
	requireUsage(t, map[string]string{
		"-people 500":                   "-people is for -provision",
		"-provision -rounds 3":          "-rounds is not for -provision",
		"-provision -time 1s":           "-time is not for -provision",
		"-provision -people 199":        "-people is 199",
		"-provision -people 100001":     "-people is 100001",
		"-provision -people everybody":  "everybody",
		"-provision -people 200 stream": "no arguments",
	})
}

func TestAnInterruptedMeasurementOfThePipelinePrintsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr bytes.Buffer
	interrupt := io.MultiWriter(&stderr, onWriting("20 of 200", cancel))
	require.Equal(t, exitFailure, run(ctx, []string{"-provision", "-people", "200"}, &stdout, interrupt))
	require.Empty(t, stdout.String())
	require.Contains(t, stderr.String(), "bulk, ours: context canceled")
}
