package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestJSONIsExactlyOneObject(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := command(t, "-json", "-n", "30", "-seed", "7")
	require.Equal(t, exitOK, code)
	require.Equal(t, "{\"histories\":30,\"violations\":0,\"first_bad_seed\":null}\n", stdout)
	require.Empty(t, stderr)
}

// bad is the result of two histories of which two broke rules.
func bad() result {
	return result{histories: 5, asked: 5, bad: []history{
		{seed: 3, violations: []violation{{ruleLease, time.Second, "two at once"}, {ruleSeats, time.Minute, "two seats"}}},
		{seed: 4, violations: []violation{{ruleSeats, time.Minute, "two seats"}}},
	}}
}

func TestJSONCountsBrokenRules(t *testing.T) {
	t.Parallel()
	var stdout bytes.Buffer
	printJSON(&stdout, bad())
	require.Equal(t, "{\"histories\":5,\"violations\":3,\"first_bad_seed\":3}\n", stdout.String())
}

func TestTheSummaryNamesTheRules(t *testing.T) {
	t.Parallel()
	var stdout bytes.Buffer
	printSummary(&stdout, bad())
	require.Equal(t, "5 histories, of which 2 broke a rule:\n  lease         1\n  seats         2\n", stdout.String())
}

// The events that explain shows are those of another run: if that one breaks nothing, the simulation is at fault.
func TestAHistoryThatIsNotTheSameTwiceIsReported(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	explain(&stderr, bad())
	require.Contains(t, stderr.String(), "seed 3 breaks lease at 1s: two at once\n")
	require.Contains(t, stderr.String(), "go run ./internal/sim -seed 3 -n 1 -v\n")
	require.Contains(t, stderr.String(), "the storm is over", "the events are shown")
	require.Contains(t, stderr.String(), "not deterministic")
}

func TestOneHistoryIsShownWithItsEvents(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := command(t, "-v", "-n", "1", "-seed", "42")
	require.Equal(t, exitOK, code)
	require.Empty(t, stderr)
	for _, said := range []string{"seed 42\n", "host 1: store 1", "CreateUser", "Reserve", "is told", "the storm is over",
		"seed 42 breaks no rule\n", "1 histories, and every rule held"} {
		require.Contains(t, stdout, said)
	}
}

func TestHelpTeaches(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := command(t, "-h")
	require.Equal(t, exitOK, code)
	require.Empty(t, stderr)
	for _, said := range []string{"-n N", "default 10000", "-seed S", "-workers N", "-v", "-json", "first_bad_seed",
		"exit code", "Ctrl-C", ruleOneAccount, ruleOrphan, ruleSeats, ruleIdentity, ruleReserved, ruleReady, ruleRefused,
		ruleArrives, ruleRetired, ruleEnds, ruleLease, ruleForeign, rulePace, ruleReconciled, ruleSwapped, rulePassword,
		ruleError} {
		require.Contains(t, stdout, said)
	}
	for line := range strings.Lines(stdout) {
		require.LessOrEqual(t, len(line), 121, line)
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	t.Parallel()
	for args, text := range map[string]string{
		"-n 0":                            "-n is 0",
		"-n many":                         "many",
		"-workers 0":                      "-workers is 0",
		"-seed -1":                        "-1",
		"-seed 18446744073709551615 -n 2": "there are not 2 seeds",
		"-json -v":                        "do not go together",
		"-fast":                           "-fast",
		"42":                              "no arguments",
	} {
		code, stdout, stderr := command(t, strings.Fields(args)...)
		require.Equal(t, exitUsage, code, args)
		require.Empty(t, stdout)
		require.Contains(t, stderr, text)
		require.Contains(t, stderr, "Try sim -h.")
	}
}

func TestAnInterruptionShowsWhatIsComplete(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitInterrupted, run(ctx, []string{"-n", "1000"}, &stdout, &stderr))
	require.Contains(t, stdout.String(), "Interrupted after 0 of 1000 histories.")
}

func TestWorkersChangeNothing(t *testing.T) {
	t.Parallel()
	for _, workers := range []string{"1", "3", "16"} {
		code, stdout, _ := command(t, "-json", "-n", "60", "-workers", workers)
		require.Equal(t, exitOK, code)
		require.Contains(t, stdout, `{"histories":60,"violations":0`, workers)
	}
}

func TestProgressIsABarOnATerminalAndLinesElsewhere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		terminal bool
		want     string
	}{
		"terminal": {true, "\r[###############...............] 50 of 100 histories, 2 BAD, 1m0s left\x1b[K\r\x1b[K"},
		"log":      {false, "sim: 50 of 100 histories, 2 BAD, 1m0s left\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w bytes.Buffer
			now := time.Now()
			p := &progress{w: &w, terminal: c.terminal, began: now.Add(-time.Minute), shown: now.Add(-time.Minute)}
			r := result{histories: 50, asked: 100, bad: bad().bad}
			p.show(r)
			p.show(r) // too early
			p.done(r)
			require.Equal(t, c.want, w.String())
		})
	}
}
