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

// wanted are the rows in their order.
func wanted() []string {
	return []string{
		"floor serial", "ours serial", "goxmldsig serial", "crewjam serial",
		"floor parallel", "ours parallel", "goxmldsig parallel", "crewjam parallel",
		"ours free", "goxmldsig free", "crewjam free",
		"read serial",
	}
}

func TestJSONHasTheDocumentedShape(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"-json", "-rounds", "2", "-time", "1ms"}, &stdout, &stderr)
	require.Equal(t, exitOK, code, stderr.String())

	var result map[string][]map[string]any
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &result))
	require.Len(t, result, 1)
	var names []string
	for _, r := range result["rows"] {
		require.Len(t, r, 6)
		name, mode := r["name"].(string), r["mode"].(string)
		names = append(names, name+" "+mode)
		for _, field := range []string{"ns", "ratio", "bytes", "allocs"} {
			require.Positive(t, r[field], "%s of %s, %s", field, name, mode)
		}
		if name == "floor" || name == "crewjam" && mode == "free" {
			require.InDelta(t, 1, r["ratio"], 0, "%s, %s is compared with itself", name, mode)
		}
		for _, field := range []string{"ns", "bytes", "allocs"} {
			require.Equal(t, float64(int64(r[field].(float64))), r[field], "%s is a whole number", field)
		}
	}
	require.Equal(t, wanted(), names)
	require.Contains(t, stderr.String(), "round 2 of 2", "progress goes to standard error")
}

func TestTheTableHasEveryRowInItsGroup(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"-rounds", "1", "-time", "1ms"}, &stdout, &stderr)
	require.Equal(t, exitOK, code, stderr.String())

	var names []string
	group := ""
	for line := range strings.Lines(stdout.String()) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] == "path" || fields[0] == "One":
		case !strings.HasPrefix(line, " "):
			group = strings.TrimSuffix(fields[0], ":")
		case group == "read":
			names = append(names, fields[0]+" serial")
		default:
			names = append(names, fields[0]+" "+group)
		}
	}
	require.Equal(t, wanted(), names)
}

func TestTheTableShowsOperationsPerSecondBesideTheFloor(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	rows := []row{
		{Name: nameFloor, Mode: parallel, NS: 400_000, Ratio: 1, lowest: 1, highest: 1, Bytes: 536, Allocs: 3},
		{Name: nameCrewjam, Mode: parallel, NS: 1_000_000, Ratio: 2.5, lowest: 2.25, highest: 2.75, Bytes: 7, Allocs: 8},
	}
	require.NoError(t, printTable(&table, rows, 3, options{}))
	require.Regexp(t, `floor +400000 +1\.000 +1\.000-1\.000 +536 +3 +2500 +100\.0%\n`, table.String())
	require.Regexp(t, `crewjam +1000000 +2\.500 +2\.250-2\.750 +7 +8 +1000 +40\.0%\n`, table.String())
}

func TestHelpTeaches(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"-h"}, &stdout, &stderr))
	require.Empty(t, stderr.String())
	for _, said := range []string{"-rounds N", "default 11", "-time D", "default 300ms", "-json", "Ctrl-C",
		"serial", "parallel", "free", "floor", "ours", "goxmldsig", "crewjam", "read", "How to read it"} {
		require.Contains(t, stdout.String(), said)
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	t.Parallel()
	requireUsage(t, map[string]string{
		"-rounds 0":    "-rounds is 0",
		"-time 0s":     "-time is 0s",
		"-time -1s":    "-time is -1s",
		"-time soon":   "soon",
		"-rounds many": "many",
		"-fast":        "-fast",
		"ours":         "no arguments",
	})
}

// requireUsage requires that each line of arguments is refused, with a text about what is wrong.
func requireUsage(t *testing.T, wrong map[string]string) {
	t.Helper()
	for args, text := range wrong {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitUsage, run(t.Context(), strings.Fields(args), &stdout, &stderr), args)
		require.Empty(t, stdout.String())
		require.Contains(t, stderr.String(), text)
		require.Contains(t, stderr.String(), "Try bench -h.")
	}
}

func TestAnInterruptionBeforeTheFirstRoundSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitFailure, run(ctx, []string{"-json"}, &stdout, &stderr))
	require.Empty(t, stdout.String())
	require.Contains(t, stderr.String(), errNothingMeasured.Error())
}

func TestAnInterruptionLaterShowsWhatWasMeasured(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr bytes.Buffer
	interrupt := io.MultiWriter(&stderr, onWriting("round 1 of 9999", cancel))
	require.Equal(t, exitOK, run(ctx, []string{"-rounds", "9999", "-time", "1ms"}, &stdout, interrupt))
	require.Contains(t, stderr.String(), "interrupted; the result is that of 1 complete round\n")
	require.Contains(t, stdout.String(), "medians of 1 round of 1ms")
	require.Contains(t, stdout.String(), "crewjam")
}

// trigger calls a function when a text is written.
type trigger struct {
	text string
	pull func()
}

func onWriting(text string, pull func()) io.Writer { return trigger{text, pull} }

func (t trigger) Write(p []byte) (int, error) {
	if strings.Contains(string(p), t.text) {
		t.pull()
	}
	return len(p), nil
}
