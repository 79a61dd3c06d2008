package provision_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestAPaceIsWhatGraphAllows(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pace                       provision.Pace
		writes, units              int // at once
		lowWrites                  int // of them with low priority
		writesPerSec, unitsPerHour float64
	}{
		"by default":           {provision.Pace{}, 2550, 2975, 1912, 17, 297.5 * 3600},
		"with the whole share": {provision.Pace{Share: 1}, 3000, 3500, 2250, 20, 350 * 3600},
		"a small share":        {provision.Pace{Share: 0.01}, 30, 35, 22, 0.2, 3.5 * 3600},
		"a medium tenant":      {provision.Pace{Share: 1, Size: provision.TenantMedium}, 3000, 5000, 2250, 20, 500 * 3600},
		"a large tenant":       {provision.Pace{Share: 1, Size: provision.TenantLarge}, 3000, 8000, 2250, 20, 800 * 3600},
		"half in reserve":      {provision.Pace{Share: 1, Reserve: 0.5}, 3000, 3500, 1500, 20, 350 * 3600},
		"no reserve":           {provision.Pace{Share: 1, Reserve: -1}, 3000, 3500, 3000, 20, 350 * 3600},
		"own rates": {provision.Pace{WritesPerSecond: 2, WriteBurst: 7, UnitsPerSecond: 3, UnitBurst: 9, Reserve: -1},
			7, 9, 7, 2, 3 * 3600},
		"own rate, and the burst by the share": {provision.Pace{WritesPerSecond: 2}, 2550, 2975, 1912, 2, 297.5 * 3600},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, tc.pace.Validate())
			write, unit := provision.Cost{Writes: 1}, provision.Cost{Units: 1}
			require.Equal(t, tc.writes, atOnce(tc.pace, write, provision.PriorityHigh))
			require.Equal(t, tc.units, atOnce(tc.pace, unit, provision.PriorityHigh))
			require.Equal(t, tc.lowWrites, atOnce(tc.pace, write, provision.PriorityLow))
			require.InDelta(t, tc.writesPerSec, perSecond(tc.pace, write), 0.01)
			require.InDelta(t, tc.unitsPerHour, 3600*perSecond(tc.pace, unit), 3600*0.5)
		})
	}
}

// startOfTests is any time.
var startOfTests = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// atOnce is how many calls a pace lets through without a wait.
func atOnce(pace provision.Pace, cost provision.Cost, priority provision.Priority) (n int) {
	var state provision.PaceState
	for ; ; n++ {
		var turn provision.Turn
		state, turn = pace.Turn(state, startOfTests, provision.TurnRequest{Cost: cost, Priority: priority})
		if !turn.Taken {
			return n
		}
	}
}

// perSecond is how many calls a pace lets through once the bucket is empty.
func perSecond(pace provision.Pace, cost provision.Cost) float64 {
	var state provision.PaceState
	now, n := startOfTests, 0
	for {
		var turn provision.Turn
		state, turn = pace.Turn(state, now, provision.TurnRequest{Cost: cost, Priority: provision.PriorityLow})
		switch {
		case turn.Taken:
			n++
		case now.Equal(startOfTests):
			n, now = 0, now.Add(turn.Wait)
		case now.Sub(startOfTests) > 100*time.Second:
			return float64(n) / now.Sub(startOfTests).Seconds()
		default:
			now = now.Add(turn.Wait)
		}
	}
}

func TestAPaceThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pace provision.Pace
		want string
	}{
		"a negative share":       {provision.Pace{Share: -0.1}, "Pace.Share"},
		"more than all":          {provision.Pace{Share: 1.01}, "Pace.Share"},
		"no number as share":     {provision.Pace{Share: math.NaN()}, "Pace.Share"},
		"all in reserve":         {provision.Pace{Reserve: 1}, "Pace.Reserve"},
		"no number in reserve":   {provision.Pace{Reserve: math.NaN()}, "Pace.Reserve"},
		"infinitely no reserve":  {provision.Pace{Reserve: math.Inf(-1)}, "Pace.Reserve"},
		"an unknown size":        {provision.Pace{Size: "XL"}, "Pace.Size"},
		"a negative rate":        {provision.Pace{WritesPerSecond: -1}, "Pace.WritesPerSecond"},
		"a rate of ages":         {provision.Pace{WritesPerSecond: 1e-9}, "Pace.WritesPerSecond"},
		"an infinite rate":       {provision.Pace{UnitsPerSecond: math.Inf(1)}, "Pace.UnitsPerSecond"},
		"no number as rate":      {provision.Pace{UnitsPerSecond: math.NaN()}, "Pace.UnitsPerSecond"},
		"a negative burst":       {provision.Pace{WriteBurst: -1}, "Pace.WriteBurst"},
		"a burst beyond measure": {provision.Pace{UnitBurst: math.MaxInt}, "Pace.UnitBurst"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tc.pace.Validate()
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "\n", "nothing else is wrong")
			_, err = provision.NewMemoryPacer(tc.pace, nil)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestWithoutRetryAfterHoldsGrowAndASuccessEndsTheRow(t *testing.T) {
	t.Parallel()
	var pace provision.Pace
	var state provision.PaceState
	now := startOfTests
	write, read := provision.Cost{Writes: 1, Units: 1}, provision.Cost{Units: 1}
	refuse := func(jitter float64, scope string) time.Duration {
		state = pace.Report(state, now, provision.TurnReport{Cost: write, Throttled: true, Jitter: jitter, Scope: scope})
		held := max(0, state.HeldUntil.Sub(now))
		return held
	}
	for _, want := range []time.Duration{500, 1000, 2000, 4000, 8000, 8000} {
		require.Equal(t, want*time.Millisecond, refuse(1, "Tenant_Application/Write"))
		require.Equal(t, want*time.Millisecond, refuse(0.5, "Tenant_Application/Write"), "sent before the hold: not counted")
		state = pace.Report(state, now, provision.TurnReport{Cost: write}) // nor does this one end the row
		now = now.Add(want * time.Millisecond)
		state = pace.Report(state, now, provision.TurnReport{Cost: read}) // nor does another bucket's
	}
	require.Equal(t, 4*time.Second, refuse(0.5, "Tenant_Application/Write"), "the jitter is full")
	now = now.Add(4 * time.Second)
	require.Zero(t, refuse(0, "Tenant_Application/Write"))
	require.Zero(t, refuse(-7, "Tenant_Application/Write"))
	state = pace.Report(state, now, provision.TurnReport{Cost: write})
	require.Equal(t, 500*time.Millisecond, refuse(7, ""))
}

func TestScopesNameBuckets(t *testing.T) {
	t.Parallel()
	for scope, want := range map[string]struct{ writes, units bool }{
		"Tenant_Application/Write/app/tenant":     {true, false},
		"Tenant/Write":                            {true, false},
		"application/WRITE":                       {true, false},
		"Tenant_Application/Read/app/tenant":      {false, true},
		"Tenant_Application/ReadWrite/app/tenant": {false, true},
		"":                {true, true},
		"Write":           {true, true},
		"/":               {true, true},
		"Tenant/Anything": {true, true},
	} {
		state := provision.Pace{}.Report(provision.PaceState{}, startOfTests, provision.TurnReport{
			Cost: provision.Cost{Writes: 1, Units: 1}, Throttled: true, RetryAfter: time.Second, Scope: scope})
		require.Equal(t, want.writes, !state.WritesFull.IsZero(), scope)
		require.Equal(t, want.units, !state.UnitsFull.IsZero(), scope)
	}
}

func TestAClockThatWasSetBackIsForgivenWithinTheHour(t *testing.T) {
	t.Parallel()
	pace := provision.Pace{}
	state := pace.Report(provision.PaceState{}, startOfTests.AddDate(1, 0, 0), provision.TurnReport{
		Throttled: true, RetryAfter: time.Minute})
	request := provision.TurnRequest{Cost: provision.Cost{Writes: 1, Units: 1}}
	_, turn := pace.Turn(state, startOfTests, request)
	require.False(t, turn.Taken)
	require.LessOrEqual(t, turn.Wait, time.Hour+5*time.Minute)
}

// Over any time, no more is taken than the bucket holds and what fills again, whatever happens.
func TestNoSequenceOfCallsExceedsTheBudget(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			walkPace(t, rand.New(rand.NewPCG(seed, 0)))
		})
	}
}

// walkPace makes calls of all kinds at random times.
func walkPace(t *testing.T, r *rand.Rand) {
	const rate, burst = 2.0, 20
	pace := provision.Pace{WritesPerSecond: rate, WriteBurst: burst, Reserve: 0.25}
	var state provision.PaceState
	type taken struct {
		at     time.Time
		writes int
	}
	var all []taken
	now := startOfTests
	for range 300 {
		now = now.Add(time.Duration(r.Int64N(int64(2 * time.Second))))
		request := provision.TurnRequest{Cost: provision.Cost{Writes: r.IntN(4), Units: 1},
			Priority: provision.Priority(r.IntN(2)), Limit: time.Duration(r.Int64N(int64(20 * time.Second)))}
		before := state
		var turn provision.Turn
		state, turn = pace.Turn(state, now, request)
		require.GreaterOrEqual(t, turn.Wait, time.Duration(0))
		switch {
		case !turn.Taken:
			require.Equal(t, before, state, "nothing is taken")
			require.Positive(t, turn.Wait)
		case turn.Wait > 0:
			require.Equal(t, provision.PriorityHigh, request.Priority)
			require.LessOrEqual(t, turn.Wait, request.Limit)
		}
		if turn.Taken && r.IntN(10) == 0 {
			state = pace.Report(state, now, provision.TurnReport{Cost: request.Cost, Unused: true})
		} else if turn.Taken {
			all = append(all, taken{now.Add(turn.Wait), request.Cost.Writes})
		}
		if r.IntN(20) == 0 {
			state = pace.Report(state, now, provision.TurnReport{Cost: request.Cost, Load: 2 * r.Float64()})
		}
	}
	slices.SortStableFunc(all, func(a, b taken) int { return a.at.Compare(b.at) })
	for i := range all {
		sum := 0.0
		for _, other := range all[i:] {
			sum += float64(other.writes)
			if most := burst + rate*other.at.Sub(all[i].at).Seconds(); sum > most+1e-3 {
				require.LessOrEqual(t, sum, most, "from %v to %v", all[i].at, other.at)
			}
		}
	}
}

func FuzzPaceReport(f *testing.F) {
	f.Add("Tenant_Application/Write/app/tenant", 0.9, int64(0), 0.5, true, 1, 1)
	f.Add("", 1.8, int64(time.Hour), 2.0, false, -1, 1<<40)
	f.Add("//", math.Inf(1), int64(-1), math.NaN(), true, 0, 0)
	f.Fuzz(func(t *testing.T, scope string, load float64, after int64, jitter float64, throttled bool, writes, units int) {
		pace := provision.Pace{}
		cost := provision.Cost{Writes: writes, Units: units}
		state := pace.Report(provision.PaceState{}, startOfTests, provision.TurnReport{Cost: cost, Scope: scope, Load: load,
			RetryAfter: time.Duration(after), Jitter: jitter, Throttled: throttled})
		require.LessOrEqual(t, state.HeldUntil.Sub(startOfTests), time.Hour)
		_, turn := pace.Turn(state, startOfTests, provision.TurnRequest{Cost: provision.Cost{Writes: 1, Units: 1}})
		require.GreaterOrEqual(t, turn.Wait, time.Duration(0))
		require.LessOrEqual(t, turn.Wait, time.Hour+10*time.Minute, "a wrong answer does no more harm than that")
		state, turn = pace.Turn(state, startOfTests, provision.TurnRequest{Cost: cost, Limit: time.Duration(after)})
		require.GreaterOrEqual(t, turn.Wait, time.Duration(0))
		pace.Report(state, startOfTests, provision.TurnReport{Cost: cost, Unused: true})
	})
}
