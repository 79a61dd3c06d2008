package sqlstore_test

import (
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/provision/sqlstore"
)

// newPacer makes a pacer on the fake, and forgets what that took.
func newPacer(t *testing.T, dialect sqlstore.Dialect, answers ...answer) (*sqlstore.Pacer, *fakeDB) {
	t.Helper()
	db, fake := open(t, dialect, answers...)
	pacer, err := sqlstore.NewPacer(t.Context(), sqlstore.Config{DB: db, Dialect: dialect}, provision.Pace{})
	require.NoError(t, err)
	fake.log = nil
	return pacer, fake
}

// budget is the answer of a row of pace: version, three times, two counts, and on PostgreSQL the server's time.
func budget(dialect sqlstore.Dialect, refused int64, held driver.Value) answer {
	values := []driver.Value{int64(7), nil, nil, held, refused, int64(0)}
	if dialect == sqlstore.PostgreSQL {
		values = append(values, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	}
	return row("writes_full_at, units_full_at", values...)
}

var aWrite = provision.TurnRequest{Cost: provision.Cost{Writes: 1, Units: 1}, Limit: time.Minute}

func TestATurnIsOneReadAndOneWrite(t *testing.T) {
	t.Parallel()
	for _, dialect := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.PostgreSQL} {
		pacer, fake := newPacer(t, dialect, answer{contains: "UPDATE", changed: 1}, budget(dialect, 0, nil))
		turn, err := pacer.Turn(t.Context(), aWrite)
		require.NoError(t, err)
		require.Equal(t, provision.Turn{Taken: true}, turn)
		require.Len(t, fake.log, 2)

		require.NoError(t, pacer.Report(t.Context(), provision.TurnReport{Cost: aWrite.Cost}))
		require.Len(t, fake.log, 2, "a success that says nothing new asks nothing of the database")
	}
}

func TestATurnThatIsNotTakenWritesNothing(t *testing.T) {
	t.Parallel()
	held := time.Date(2026, 1, 2, 3, 14, 5, 0, time.UTC)
	pacer, fake := newPacer(t, sqlstore.PostgreSQL, budget(sqlstore.PostgreSQL, 0, held))
	turn, err := pacer.Turn(t.Context(), aWrite)
	require.NoError(t, err)
	require.Equal(t, provision.Turn{Wait: 10 * time.Minute}, turn)
	require.Len(t, fake.log, 1)
}

func TestATurnThatAnotherProcessTookIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]answer{
		"it was faster":         {contains: "UPDATE", changed: 0, count: 3},
		"serialization failure": {contains: "UPDATE", err: stateError("40001"), count: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pacer, fake := newPacer(t, sqlstore.PostgreSQL, lost, answer{contains: "UPDATE", changed: 1},
					budget(sqlstore.PostgreSQL, 0, nil))
				turn, err := pacer.Turn(t.Context(), aWrite)
				require.NoError(t, err)
				require.True(t, turn.Taken)
				require.Equal(t, 4, fake.count("UPDATE"))
				require.Equal(t, 4, fake.count("SELECT"), "and looks again each time")
			})
		})
	}
}

func TestTheFirstTurnMakesTheRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer, fake := newPacer(t, sqlstore.PostgreSQL, answer{contains: "SELECT version, writes", count: 1},
			answer{contains: "INSERT", changed: 1}, answer{contains: "UPDATE", changed: 1},
			budget(sqlstore.PostgreSQL, 0, nil))
		turn, err := pacer.Turn(t.Context(), aWrite)
		require.NoError(t, err)
		require.True(t, turn.Taken)
		require.Equal(t, 1, fake.count("INSERT"))
	})
}

func TestASuccessEndsARowOf429s(t *testing.T) {
	t.Parallel()
	pacer, fake := newPacer(t, sqlstore.PostgreSQL, answer{contains: "UPDATE", changed: 1},
		budget(sqlstore.PostgreSQL, 3, nil))
	_, err := pacer.Turn(t.Context(), aWrite)
	require.NoError(t, err)
	require.NoError(t, pacer.Report(t.Context(), provision.TurnReport{Cost: aWrite.Cost}))
	require.Equal(t, 2, fake.count("UPDATE"))
}

func TestAPacerWhoseDatabaseFailsSaysSo(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection refused")
	for name, answers := range map[string][]answer{
		"reading":        {{contains: "SELECT version, writes", err: broken}},
		"making the row": {{contains: "SELECT version, writes"}, {contains: "INSERT", err: broken}},
		"writing":        {{contains: "UPDATE", err: broken}, budget(sqlstore.PostgreSQL, 0, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pacer, _ := newPacer(t, sqlstore.PostgreSQL, answers...)
			turn, err := pacer.Turn(t.Context(), aWrite)
			require.ErrorIs(t, err, broken)
			require.ErrorContains(t, err, "sqlstore: asking for a turn: ")
			require.Zero(t, turn)
			err = pacer.Report(t.Context(), provision.TurnReport{Throttled: true, RetryAfter: time.Minute})
			require.ErrorIs(t, err, broken)
			require.ErrorContains(t, err, "sqlstore: reporting on a turn: ")
		})
	}
}

func TestNewPacerListsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := sqlstore.NewPacer(t.Context(), sqlstore.Config{}, provision.Pace{Share: 2, Size: "XL"})
	for _, want := range []string{"Config.DB is required", "Config.Dialect is required", "Pace.Share", "Pace.Size"} {
		require.ErrorContains(t, err, want)
	}
	db, _ := open(t, sqlstore.SQLite)
	_, err = sqlstore.NewPacer(t.Context(), sqlstore.Config{DB: db, Dialect: sqlstore.SQLite}, provision.Pace{Reserve: 2})
	require.ErrorContains(t, err, "Pace.Reserve")
	_, err = sqlstore.NewPacer(t.Context(), sqlstore.Config{Dialect: sqlstore.SQLite}, provision.Pace{})
	require.ErrorContains(t, err, "Config.DB is required")
}
