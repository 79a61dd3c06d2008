package storetest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/provision/storetest"
)

// brokenPacer is a pacer with one fault, in what it makes of requests or reports, and the rules that must notice it.
type brokenPacer struct {
	ask   func(*provision.TurnRequest)
	told  func(*provision.TurnReport)
	racy  bool
	deaf  bool
	full  bool // it says that all is left
	rules []string
}

func pacerFaults() map[string]brokenPacer {
	return map[string]brokenPacer{
		"no priorities": {ask: func(r *provision.TurnRequest) { r.Priority = provision.PriorityHigh },
			rules: []string{"low priority leaves the reserve to high priority", "low priority never books"}},
		"nothing is booked": {ask: func(r *provision.TurnRequest) { r.Limit = 0 },
			rules: []string{"high priority books turns, one after the other"}},
		"no limit": {ask: func(r *provision.TurnRequest) { r.Limit = time.Hour },
			rules: []string{"a turn beyond the limit is not taken"}},
		"booked turns are paid twice": {ask: func(r *provision.TurnRequest) { r.Booked = false },
			rules: []string{"who has waited for a booked turn is let through, and pays no second time"}},
		"booked turns are always good": {ask: func(r *provision.TurnRequest) {
			if r.Booked {
				r.Cost, r.Limit = provision.Cost{}, 24*time.Hour
			}
		}, rules: []string{"a turn that was booked before a hold is booked anew"}},
		"resource units are not counted": {ask: func(r *provision.TurnRequest) { r.Cost.Units = 0 },
			rules: []string{"writes and resource units are counted apart, and a call takes of both"}},
		"one write a call": {ask: func(r *provision.TurnRequest) { r.Cost.Writes = min(1, r.Cost.Writes) },
			rules: []string{"a call that costs more than a bucket holds gets its turn from a full one"}},
		"nothing is given back": {told: func(r *provision.TurnReport) {
			if r.Unused {
				*r = provision.TurnReport{}
			}
		}, rules: []string{"what a turn took is given back when it was not used"}},
		"429s are ignored": {told: func(r *provision.TurnReport) { r.Throttled = false },
			rules: []string{"a 429 holds back everybody for as long as it asked"}},
		"holds end with an HTTP deadline": {
			told:  func(r *provision.TurnReport) { r.RetryAfter = min(r.RetryAfter, 100*time.Second) },
			rules: []string{"a 429 holds back everybody for as long as it asked", "a hold lasts for an hour at most"}},
		"scopes are ignored": {told: func(r *provision.TurnReport) { r.Scope = "" },
			rules: []string{"a 429 empties the bucket that its scope names"}},
		"every scope is that of writes": {told: func(r *provision.TurnReport) { r.Scope = "Tenant_Application/Write" },
			rules: []string{"a 429 without a scope empties both buckets", "a load without a scope is that of the call's kind"}},
		"there is no room for what was refused": {told: func(r *provision.TurnReport) { r.Cost = provision.Cost{} },
			rules: []string{"after a 429 there is room for the call that was refused"}},
		"loads are ignored": {told: func(r *provision.TurnReport) { r.Load = 0 },
			rules: []string{"a reported load leaves no more in the bucket than it says"}},
		"successes give back": {told: func(r *provision.TurnReport) { r.Unused = r.Load == 0 && !r.Throttled },
			rules: []string{"a success changes nothing"}},
		"look first, then take": {racy: true,
			rules: []string{"of many who ask at once, as many as the bucket holds get a turn"}},
		"a gauge that always shows the same": {full: true,
			rules: []string{"a PaceGauge says what is left of the writes, and takes nothing"}},
		"deaf to the context": {deaf: true, rules: []string{"both methods stop when the context ends"}},
	}
}

// faultyPacer is a pacer with a fault.
type faultyPacer struct {
	*provision.MemoryPacer
	fault brokenPacer
}

func newFaultyPacer(t *testing.T, fault brokenPacer) provision.Pacer {
	t.Helper()
	pacer, err := provision.NewMemoryPacer(storetest.PacerPace(), nil)
	require.NoError(t, err)
	return &faultyPacer{MemoryPacer: pacer, fault: fault}
}

func (p *faultyPacer) Turn(ctx context.Context, r provision.TurnRequest) (provision.Turn, error) {
	if p.fault.ask != nil {
		p.fault.ask(&r)
	}
	if p.fault.deaf {
		ctx = context.WithoutCancel(ctx)
	}
	if p.fault.racy { // everybody looks at the state before anybody has changed it
		_, turn := storetest.PacerPace().Turn(provision.PaceState{}, time.Now(), r)
		return turn, nil
	}
	return p.MemoryPacer.Turn(ctx, r)
}

func (p *faultyPacer) Report(ctx context.Context, r provision.TurnReport) error {
	if p.fault.told != nil {
		p.fault.told(&r)
	}
	if p.fault.deaf {
		ctx = context.WithoutCancel(ctx)
	}
	return p.MemoryPacer.Report(ctx, r)
}

func (p *faultyPacer) Left(ctx context.Context) (provision.PaceLeft, error) {
	if p.fault.full {
		return provision.PaceLeft{Writes: 10, WriteShare: 1}, ctx.Err()
	}
	return p.MemoryPacer.Left(ctx)
}

// brokenPacerName names the fault of the pacer that this process checks.
const brokenPacerName = "STORETEST_BROKEN_PACER"

// TestBrokenPacer is run by the test below, in a process of its own, because it fails.
func TestBrokenPacer(t *testing.T) {
	fault, ok := pacerFaults()[os.Getenv(brokenPacerName)]
	if !ok {
		t.Skip("run by TestTheSuiteNoticesWhatIsBrokenInAPacer")
	}
	for _, rule := range storetest.PacerRules() {
		if strings.Contains(strings.Join(fault.rules, "\n"), rule.Name) {
			t.Run(rule.Name, func(t *testing.T) { rule.Check(t, newFaultyPacer(t, fault)) })
		}
	}
}

func TestTheSuiteNoticesWhatIsBrokenInAPacer(t *testing.T) {
	t.Parallel()
	for name, fault := range pacerFaults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := exec.Command(os.Args[0], "-test.run=^TestBrokenPacer$", "-test.v")
			command.Env = append(os.Environ(), brokenPacerName+"="+name)
			output, err := command.CombinedOutput()
			require.Error(t, err)
			for _, rule := range fault.rules {
				failed := "--- FAIL: TestBrokenPacer/" + strings.ReplaceAll(rule, " ", "_")
				require.Contains(t, string(output), failed)
			}
			require.NotContains(t, string(output), "panic:")
		})
	}
}
