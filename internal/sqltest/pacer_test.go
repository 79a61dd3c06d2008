package sqltest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/provision/sqlstore"
	"github.com/entrafed/entrafed/provision/storetest"
)

// pacer opens a pacer with connections of its own.
func (p place) pacer(t testing.TB, pace provision.Pace) *sqlstore.Pacer {
	t.Helper()
	pacer, err := sqlstore.NewPacer(t.Context(), p.config(p.connect(t)), pace)
	require.NoError(t, err)
	return pacer
}

// spreadPacer is a pacer that is several, with connections of their own, which take turns.
type spreadPacer struct {
	pacers []*sqlstore.Pacer
	turns  atomic.Uint64
}

func (s *spreadPacer) next() *sqlstore.Pacer { return s.pacers[s.turns.Add(1)%uint64(len(s.pacers))] }

func (s *spreadPacer) Turn(ctx context.Context, request provision.TurnRequest) (provision.Turn, error) {
	return s.next().Turn(ctx, request)
}

func (s *spreadPacer) Report(ctx context.Context, report provision.TurnReport) error {
	return s.next().Report(ctx, report)
}

func TestThePacerKeepsTheContract(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			storetest.RunPacer(t, func(t *testing.T, pace provision.Pace) provision.Pacer {
				return kind.place(t).pacer(t, pace)
			})
		})
	}
}

func TestPacersThatShareADatabaseKeepTheContractTogether(t *testing.T) {
	t.Parallel()
	for _, kind := range shared() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			storetest.RunPacer(t, func(t *testing.T, pace provision.Pace) provision.Pacer {
				p := kind.place(t)
				return &spreadPacer{pacers: []*sqlstore.Pacer{p.pacer(t, pace), p.pacer(t, pace), p.pacer(t, pace)}}
			})
		})
	}
}

// slowPace fills no bucket again while a test runs.
func slowPace(burst int) provision.Pace {
	rate := 1.0 / (20 * 60 * 60)
	return provision.Pace{WritesPerSecond: rate, WriteBurst: burst, UnitsPerSecond: rate, UnitBurst: 10 * burst}
}

const sharedBurst = 200

// spend is a worker's task: it takes all the turns that it can get, and tells each.
func spend(ctx context.Context, j job, _ *sqlstore.Store, tell func(any)) error {
	db, err := j.Place.open()
	if err != nil {
		return err
	}
	defer db.Close()
	pacer, err := sqlstore.NewPacer(ctx, j.Place.config(db), slowPace(sharedBurst))
	if err != nil {
		return err
	}
	for range sharedBurst + 1 {
		turn, err := pacer.Turn(ctx, provision.TurnRequest{Cost: provision.Cost{Writes: 1, Units: 1}})
		if err != nil {
			return err
		}
		if turn.Taken {
			tell(turn)
		}
	}
	return nil
}

func TestProcessesTogetherSpendOneBudget(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		var workers []*process
		for i := range 3 {
			workers = append(workers, start(t, job{Task: "spend", Worker: i, Place: p}))
		}
		var taken atomic.Int64
		var all sync.WaitGroup
		errs := make([]error, len(workers))
		for i, worker := range workers {
			all.Go(func() {
				var turns []provision.Turn
				turns, errs[i] = rest[provision.Turn](worker)
				taken.Add(int64(len(turns)))
			})
		}
		all.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		require.Equal(t, int64(sharedBurst), taken.Load())
	})
}

func TestAHoldIsSeenByAllProcessesAtOnce(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		one, other := p.pacer(t, provision.Pace{}), p.pacer(t, provision.Pace{})
		report := provision.TurnReport{Cost: provision.Cost{Writes: 1}, Throttled: true, RetryAfter: 10 * time.Minute}
		require.NoError(t, one.Report(t.Context(), report))
		turn, err := other.Turn(t.Context(), provision.TurnRequest{Limit: time.Minute})
		require.NoError(t, err)
		require.False(t, turn.Taken)
		require.InDelta(t, 10*time.Minute, turn.Wait, float64(5*time.Minute))
	})
}

// Two handles whose clock is the test's: over any time, they take what one may.
func TestTwoPacersNeverTakeMoreThanFillsAgain(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		clock := time.Date(2026, 3, 29, 0, 59, 59, 0, time.UTC)
		pace := provision.Pace{WritesPerSecond: 17, WriteBurst: 5, Reserve: -1}
		var pacers []*sqlstore.Pacer
		for range 2 {
			config := p.config(p.connect(t))
			config.Now = func() time.Time { return clock }
			pacer, err := sqlstore.NewPacer(t.Context(), config, pace)
			require.NoError(t, err)
			pacers = append(pacers, pacer)
		}
		taken := 0
		for range 100 { // 10 seconds
			for i := range 4 {
				request := provision.TurnRequest{Cost: provision.Cost{Writes: 1}, Priority: provision.Priority(i / 2)}
				turn, err := pacers[i%2].Turn(t.Context(), request)
				require.NoError(t, err)
				if turn.Taken {
					taken++
				}
			}
			clock = clock.Add(100 * time.Millisecond)
		}
		require.LessOrEqual(t, taken, 170+5)
		require.GreaterOrEqual(t, taken, 170)
	})
}

func TestThePacerOfPostgreSQLCountsByTheServersClock(t *testing.T) {
	t.Parallel()
	p := postgres()(t)
	report := provision.TurnReport{Throttled: true, RetryAfter: time.Hour}
	require.NoError(t, p.pacer(t, provision.Pace{}).Report(t.Context(), report))
	var left float64
	err := p.connect(t).QueryRow("SELECT extract(epoch FROM held_until - clock_timestamp()) FROM " + p.table("pace")).
		Scan(&left)
	require.NoError(t, err)
	require.InDelta(t, time.Hour.Seconds(), left, 300)
}

func TestAPacerWhoseRowWasDeletedBeginsAnew(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		pacer := p.pacer(t, slowPace(1))
		for range 2 {
			turn, err := pacer.Turn(t.Context(), provision.TurnRequest{Cost: provision.Cost{Writes: 1}})
			require.NoError(t, err)
			require.True(t, turn.Taken)
			_, err = p.connect(t).Exec("DELETE FROM " + p.table("pace"))
			require.NoError(t, err)
		}
	})
}

func TestAStoreAndAPacerShareADatabase(t *testing.T) {
	t.Parallel()
	onEvery(t, kinds(), func(t *testing.T, p place) {
		db := p.connect(t)
		store, err := sqlstore.New(t.Context(), p.config(db))
		require.NoError(t, err)
		pacer, err := sqlstore.NewPacer(t.Context(), p.config(db), provision.Pace{})
		require.NoError(t, err)
		requireUsable(t, store, "1")
		turn, err := pacer.Turn(t.Context(), provision.TurnRequest{Cost: provision.Cost{Writes: 1, Units: 1}})
		require.NoError(t, err)
		require.True(t, turn.Taken)
	})
}
