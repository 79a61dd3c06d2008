package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// The pace of the pacers that are checked. It is so slow that nothing comes back into a bucket while a check runs: each
// write and each resource unit takes ten minutes.
const (
	refill    = 10 * time.Minute
	burst     = 10 // writes at once
	unitBurst = 20 // resource units at once
	kept      = 3  // writes of the burst that low priority leaves
	tolerance = refill / 2
)

// PacerPace is the pace of the pacers that the [PacerRules] are checked on.
func PacerPace() provision.Pace {
	rate := 1 / refill.Seconds()
	return provision.Pace{WritesPerSecond: rate, WriteBurst: burst, UnitsPerSecond: rate, UnitBurst: unitBurst,
		Reserve: float64(kept) / burst}
}

// RunPacer checks every one of the [PacerRules], as [Run] does. open returns a pacer of the given pace, with full
// buckets, for each. The clock by which it counts must run.
func RunPacer(t *testing.T, open func(t *testing.T, pace provision.Pace) provision.Pacer) {
	t.Helper()
	run(t, PacerRules(), func(t *testing.T) provision.Pacer { return open(t, PacerPace()) })
}

// PacerRules are the rules of [provision.Pacer]. They hold for pacers of the [PacerPace].
func PacerRules() []Rule[provision.Pacer] {
	return []Rule[provision.Pacer]{
		{"what a full bucket holds is taken without a wait, and no more", takesTheBurst},
		{"writes and resource units are counted apart, and a call takes of both", countsApart},
		{"a call that costs more than a bucket holds gets its turn from a full one", takesMoreThanTheBurst},
		{"a call that costs nothing takes nothing", takesNothing},
		{"a turn beyond the limit is not taken", keepsTheLimit},
		{"high priority books turns, one after the other", booksTurns},
		{"nothing is booked more than an hour ahead", booksNoFurther},
		{"who has waited for a booked turn is let through, and pays no second time", confirmsBookedTurns},
		{"low priority leaves the reserve to high priority", keepsTheReserve},
		{"low priority never books", lowNeverBooks},
		{"what a turn took is given back when it was not used", givesBack},
		{"a full bucket gets no fuller by what is given back", givesBackNoMore},
		{"a 429 holds back everybody for as long as it asked", holdsEverybody},
		{"a hold lasts for an hour at most", holdsForAnHour},
		{"a shorter Retry-After does not shorten a hold", neverShortens},
		{"a turn that was booked before a hold is booked anew", rebooksAfterAHold},
		{"what is given back during a hold is not there afterwards", givesBackNothingInAHold},
		{"a 429 empties the bucket that its scope names", emptiesTheBucket},
		{"a 429 without a scope empties both buckets", emptiesBothBuckets},
		{"after a 429 there is room for the call that was refused", leavesRoomForTheRefused},
		{"a reported load leaves no more in the bucket than it says", learnsFromTheLoad},
		{"a reported load never fills a bucket", learnsNothingGood},
		{"a load without a scope is that of the call's kind", learnsByTheKind},
		{"a success changes nothing", staysAsItIs},
		{"of many who ask at once, as many as the bucket holds get a turn", turnRace},
		{"a PaceGauge says what is left of the writes, and takes nothing", tellsWhatIsLeft},
		{"both methods stop when the context ends", pacerStopsWithContext},
	}
}

// The calls.
var (
	read  = provision.Cost{Units: 1}
	write = provision.Cost{Writes: 1, Units: 1}
)

// ask asks for a turn that is of use within a limit.
func ask(
	t *testing.T, p provision.Pacer, cost provision.Cost, priority provision.Priority, limit time.Duration,
) provision.Turn {
	t.Helper()
	turn, err := p.Turn(t.Context(), provision.TurnRequest{Cost: cost, Priority: priority, Limit: limit})
	require.NoError(t, err)
	return turn
}

// takeNow takes turns that come at once.
func takeNow(t *testing.T, p provision.Pacer, cost provision.Cost, times int) {
	t.Helper()
	for range times {
		require.Equal(t, provision.Turn{Taken: true}, ask(t, p, cost, provision.PriorityHigh, 0))
	}
}

// requireWait requires that a turn is not there yet, and comes after a time.
func requireWait(t *testing.T, p provision.Pacer, cost provision.Cost, priority provision.Priority, wait time.Duration) {
	t.Helper()
	turn := ask(t, p, cost, priority, 0)
	require.False(t, turn.Taken)
	require.InDelta(t, wait, turn.Wait, float64(tolerance))
	require.Positive(t, turn.Wait)
}

func report(t *testing.T, p provision.Pacer, r provision.TurnReport) {
	t.Helper()
	require.NoError(t, p.Report(t.Context(), r))
}

// refuse reports a 429 whose hold is over at once, and waits for that.
func refuse(t *testing.T, p provision.Pacer, r provision.TurnReport) {
	t.Helper()
	r.Throttled, r.RetryAfter = true, instant
	report(t, p, r)
	for waited := time.Duration(0); waited < patience; waited += interval {
		if ask(t, p, provision.Cost{}, provision.PriorityHigh, 0).Taken {
			return
		}
		time.Sleep(interval)
	}
	require.FailNow(t, "the hold does not end")
}

func takesTheBurst(t *testing.T, p provision.Pacer) {
	takeNow(t, p, write, burst)
	requireWait(t, p, write, provision.PriorityHigh, refill)
}

func countsApart(t *testing.T, p provision.Pacer) {
	takeNow(t, p, write, burst)
	takeNow(t, p, read, unitBurst-burst)
	requireWait(t, p, read, provision.PriorityHigh, refill)
	requireWait(t, p, provision.Cost{Writes: 1}, provision.PriorityHigh, refill)
}

func takesMoreThanTheBurst(t *testing.T, p provision.Pacer) {
	takeNow(t, p, provision.Cost{Writes: burst + 2}, 1)
	requireWait(t, p, write, provision.PriorityHigh, 3*refill)
	turn := ask(t, p, provision.Cost{Units: unitBurst + 2}, provision.PriorityLow, 0)
	require.Equal(t, provision.Turn{Taken: true}, turn, "also with low priority")
}

func takesNothing(t *testing.T, p provision.Pacer) {
	takeNow(t, p, provision.Cost{}, 2*unitBurst)
	takeNow(t, p, write, burst)
	takeNow(t, p, provision.Cost{}, 1)
}

func keepsTheLimit(t *testing.T, p provision.Pacer) {
	takeNow(t, p, write, burst)
	for range 3 {
		requireWait(t, p, write, provision.PriorityHigh, refill)
		turn := ask(t, p, write, provision.PriorityHigh, refill/2)
		require.False(t, turn.Taken)
	}
}

func booksTurns(t *testing.T, p provision.Pacer) {
	takeNow(t, p, write, burst)
	for i := range 4 {
		turn := ask(t, p, write, provision.PriorityHigh, long)
		require.True(t, turn.Taken)
		require.InDelta(t, time.Duration(i+1)*refill, turn.Wait, float64(tolerance))
	}
	turn := ask(t, p, provision.Cost{Writes: 2}, provision.PriorityHigh, 3*refill)
	require.False(t, turn.Taken)
	require.InDelta(t, 6*refill, turn.Wait, float64(tolerance))
}

func booksNoFurther(t *testing.T, p provision.Pacer) {
	takeNow(t, p, write, burst)
	require.False(t, ask(t, p, provision.Cost{Writes: 8}, provision.PriorityHigh, long).Taken)
	requireWait(t, p, write, provision.PriorityHigh, refill)
}

func confirmsBookedTurns(t *testing.T, p provision.Pacer) {
	takeNow(t, p, write, burst)
	require.True(t, ask(t, p, write, provision.PriorityHigh, long).Taken)
	for range 3 {
		turn, err := p.Turn(t.Context(), provision.TurnRequest{Cost: write, Booked: true})
		require.NoError(t, err)
		require.Equal(t, provision.Turn{Taken: true}, turn)
	}
	requireWait(t, p, write, provision.PriorityHigh, 2*refill)
}

func keepsTheReserve(t *testing.T, p provision.Pacer) {
	for range burst - kept {
		require.Equal(t, provision.Turn{Taken: true}, ask(t, p, write, provision.PriorityLow, 0))
	}
	requireWait(t, p, write, provision.PriorityLow, refill)
	takeNow(t, p, write, kept)
	requireWait(t, p, write, provision.PriorityHigh, refill)
	requireWait(t, p, write, provision.PriorityLow, (kept+1)*refill)
}

func lowNeverBooks(t *testing.T, p provision.Pacer) {
	for range burst - kept {
		require.True(t, ask(t, p, write, provision.PriorityLow, long).Taken)
	}
	for range 5 {
		turn := ask(t, p, write, provision.PriorityLow, long)
		require.False(t, turn.Taken)
		require.InDelta(t, refill, turn.Wait, float64(tolerance))
	}
	takeNow(t, p, write, kept)
}

func givesBack(t *testing.T, p provision.Pacer) {
	takeNow(t, p, write, burst)
	require.True(t, ask(t, p, write, provision.PriorityHigh, long).Taken)
	requireWait(t, p, write, provision.PriorityHigh, 2*refill)
	report(t, p, provision.TurnReport{Cost: write, Unused: true})
	requireWait(t, p, write, provision.PriorityHigh, refill)
	report(t, p, provision.TurnReport{Cost: write, Unused: true})
	takeNow(t, p, write, 1)
	requireWait(t, p, write, provision.PriorityHigh, refill)
}

func givesBackNoMore(t *testing.T, p provision.Pacer) {
	for range 3 {
		report(t, p, provision.TurnReport{Cost: provision.Cost{Writes: burst, Units: unitBurst}, Unused: true})
	}
	takeNow(t, p, write, burst)
	requireWait(t, p, write, provision.PriorityHigh, refill)
}

func holdsEverybody(t *testing.T, p provision.Pacer) {
	report(t, p, provision.TurnReport{
		Cost: read, Throttled: true, RetryAfter: 3 * refill, Scope: "Tenant_Application/Read"})
	for _, cost := range []provision.Cost{{}, {Writes: 1}, read, write} {
		requireWait(t, p, cost, provision.PriorityHigh, 3*refill)
		requireWait(t, p, provision.Cost{Writes: cost.Writes}, provision.PriorityLow, 3*refill)
	}
}

func holdsForAnHour(t *testing.T, p provision.Pacer) {
	report(t, p, provision.TurnReport{Cost: read, Throttled: true, RetryAfter: 1000 * time.Hour})
	requireWait(t, p, provision.Cost{}, provision.PriorityHigh, time.Hour)
}

func neverShortens(t *testing.T, p provision.Pacer) {
	for _, after := range []time.Duration{2 * refill, refill, instant, 0, -refill} {
		report(t, p, provision.TurnReport{Cost: write, Throttled: true, RetryAfter: after, Jitter: 0.5})
		requireWait(t, p, provision.Cost{}, provision.PriorityHigh, 2*refill)
	}
}

func rebooksAfterAHold(t *testing.T, p provision.Pacer) {
	takeNow(t, p, write, burst)
	require.True(t, ask(t, p, write, provision.PriorityHigh, long).Taken)
	report(t, p, provision.TurnReport{
		Cost: write, Throttled: true, RetryAfter: 3 * refill, Scope: "Tenant_Application/Write"})
	for i := range 3 { // one of them was refused: there is room for it at once
		turn, err := p.Turn(t.Context(), provision.TurnRequest{Cost: write, Limit: long, Booked: true})
		require.NoError(t, err)
		require.True(t, turn.Taken)
		require.InDelta(t, time.Duration(3+i)*refill, turn.Wait, float64(tolerance))
	}
}

func givesBackNothingInAHold(t *testing.T, p provision.Pacer) {
	takeNow(t, p, write, burst)
	report(t, p, provision.TurnReport{Cost: write, Throttled: true, RetryAfter: refill})
	for range burst {
		report(t, p, provision.TurnReport{Cost: write, Unused: true})
	}
	require.True(t, ask(t, p, write, provision.PriorityHigh, long).Taken)
	requireWait(t, p, write, provision.PriorityHigh, 2*refill)
}

func emptiesTheBucket(t *testing.T, p provision.Pacer) {
	refuse(t, p, provision.TurnReport{Cost: write, Scope: "Tenant_Application/Write/app/tenant"})
	takeNow(t, p, read, unitBurst-2)
	takeNow(t, p, write, 1)
	requireWait(t, p, provision.Cost{Writes: 1}, provision.PriorityHigh, refill)
	refuse(t, p, provision.TurnReport{Cost: read, Scope: "Tenant_Application/ReadWrite/app/tenant"})
	takeNow(t, p, read, 1)
	requireWait(t, p, read, provision.PriorityHigh, refill)
}

func emptiesBothBuckets(t *testing.T, p provision.Pacer) {
	refuse(t, p, provision.TurnReport{})
	requireWait(t, p, provision.Cost{Writes: 1}, provision.PriorityHigh, refill)
	requireWait(t, p, read, provision.PriorityHigh, refill)
	requireWait(t, p, provision.Cost{Writes: 1}, provision.PriorityLow, (1+kept)*refill)
}

func leavesRoomForTheRefused(t *testing.T, p provision.Pacer) {
	batch := provision.Cost{Writes: 5, Units: 5}
	takeNow(t, p, batch, 1)
	refuse(t, p, provision.TurnReport{Cost: batch, Scope: "Tenant/Write"})
	takeNow(t, p, batch, 1)
	requireWait(t, p, batch, provision.PriorityHigh, 5*refill)
}

func learnsFromTheLoad(t *testing.T, p provision.Pacer) {
	report(t, p, provision.TurnReport{Cost: write, Load: 0.85, Scope: "Tenant_Application/Write/app/tenant"})
	requireWait(t, p, write, provision.PriorityLow, (kept+1)*refill-3*refill/2)
	takeNow(t, p, write, 1)
	requireWait(t, p, write, provision.PriorityHigh, refill/2)
	report(t, p, provision.TurnReport{Cost: write, Load: 1.2, Scope: "Tenant_Application/Write/app/tenant"})
	requireWait(t, p, write, provision.PriorityHigh, 3*refill)
}

func learnsNothingGood(t *testing.T, p provision.Pacer) {
	takeNow(t, p, write, burst)
	for _, load := range []float64{0.81, 0.01, -1} {
		report(t, p, provision.TurnReport{Cost: write, Load: load})
		requireWait(t, p, write, provision.PriorityHigh, refill)
	}
}

func learnsByTheKind(t *testing.T, p provision.Pacer) {
	report(t, p, provision.TurnReport{Cost: write, Load: 1})
	requireWait(t, p, provision.Cost{Writes: 1}, provision.PriorityHigh, refill)
	takeNow(t, p, read, 1)
	report(t, p, provision.TurnReport{Cost: read, Load: 1})
	requireWait(t, p, read, provision.PriorityHigh, refill)
}

func staysAsItIs(t *testing.T, p provision.Pacer) {
	takeNow(t, p, write, burst-1)
	for range 3 {
		report(t, p, provision.TurnReport{Cost: write})
	}
	takeNow(t, p, write, 1)
	report(t, p, provision.TurnReport{Cost: write})
	requireWait(t, p, write, provision.PriorityHigh, refill)
}

func tellsWhatIsLeft(t *testing.T, p provision.Pacer) {
	gauge, ok := p.(provision.PaceGauge)
	if !ok {
		return
	}
	left := func(writes int) {
		t.Helper()
		for range 2 {
			left, err := gauge.Left(t.Context())
			require.NoError(t, err)
			require.InDelta(t, float64(writes)/burst, left.WriteShare, .01)
			require.InDelta(t, writes, left.Writes, 1)
			require.LessOrEqual(t, left.Writes, burst)
		}
	}
	left(burst)
	takeNow(t, p, write, 4)
	left(burst - 4)
	takeNow(t, p, write, burst-4)
	left(0)
	require.True(t, ask(t, p, write, provision.PriorityHigh, long).Taken)
	left(0)
	report(t, p, provision.TurnReport{Cost: write, Unused: true})
	report(t, p, provision.TurnReport{Cost: write, Unused: true})
	left(1)
	report(t, p, provision.TurnReport{Cost: read, Throttled: true, RetryAfter: long, Scope: "Tenant/Read"})
	left(0)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := gauge.Left(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func turnRace(t *testing.T, p provision.Pacer) {
	turns := make([]provision.Turn, 4*burst)
	errs := atOnce(len(turns), func(i int) (err error) {
		turns[i], err = p.Turn(t.Context(), provision.TurnRequest{Cost: write, Priority: provision.Priority(i % 2)})
		return err
	})
	taken := 0
	for i, turn := range turns {
		require.NoError(t, errs[i])
		if turn.Taken {
			require.Zero(t, turn.Wait)
			taken++
		}
	}
	require.Equal(t, burst, taken)
	requireWait(t, p, write, provision.PriorityHigh, refill)
}

func pacerStopsWithContext(t *testing.T, p provision.Pacer) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Turn(ctx, provision.TurnRequest{Cost: write})
	require.ErrorIs(t, err, context.Canceled)
	refusal := provision.TurnReport{Cost: write, Throttled: true, RetryAfter: refill}
	require.ErrorIs(t, p.Report(ctx, refusal), context.Canceled)
	takeNow(t, p, write, burst)
}
