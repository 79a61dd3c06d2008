package sqlstore_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/provision/sqlstore"
)

var errSyntax = errors.New("no such function: sqlite_version")

// stateError is an error as the drivers of PostgreSQL have it.
type stateError string

func (e stateError) Error() string    { return "SQLSTATE " + string(e) }
func (e stateError) SQLState() string { return string(e) }

// codeError is an error as some drivers of SQLite have it.
type codeError int

func (e codeError) Error() string { return fmt.Sprintf("result code %d", int(e)) }
func (e codeError) Code() int     { return int(e) }

var somebody = provision.Record{
	Key: provision.PersonKey{Connection: "google", ID: "104"}, Version: 1, ImmutableID: "id-1", UPN: "One@contoso.com",
}

func TestWhatAnotherProcessPreventedIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		dialect sqlstore.Dialect
		err     error
	}{
		"serialization failure": {sqlstore.PostgreSQL, stateError("40001")},
		"deadlock":              {sqlstore.PostgreSQL, stateError("40P01")},
		"unique violation":      {sqlstore.PostgreSQL, stateError("23505")},
		"wrapped":               {sqlstore.PostgreSQL, fmt.Errorf("driver: %w", stateError("40001"))},
		"busy":                  {sqlstore.SQLite, codeError(5)},
		"busy, extended":        {sqlstore.SQLite, codeError(5 | 1<<8)},
		"locked":                {sqlstore.SQLite, codeError(6)},
		"locked, shared cache":  {sqlstore.SQLite, codeError(6 | 1<<8)},
		"busy, by its text":     {sqlstore.SQLite, errors.New("sqlite3: database is locked")},
		"locked, by its text":   {sqlstore.SQLite, errors.New("database table is locked: entrafed_people")},
		"schema locked":         {sqlstore.SQLite, errors.New("database schema is locked: main")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store, fake := newStore(t, tc.dialect,
					answer{contains: "UPDATE entrafed_people", err: tc.err, count: 3},
					answer{contains: "UPDATE entrafed_people", changed: 1})
				began := time.Now()
				saved, err := store.Save(t.Context(), somebody)
				require.NoError(t, err)
				require.Equal(t, int64(2), saved.Version)
				require.Equal(t, 4, fake.count("UPDATE"))
				require.Equal(t, 14*time.Millisecond, time.Since(began), "2, 4 and 8")
			})
		})
	}
}

func TestWhatFailsByItselfIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		dialect sqlstore.Dialect
		err     error
	}{
		"permission denied":          {sqlstore.PostgreSQL, stateError("42501")},
		"disk full":                  {sqlstore.PostgreSQL, stateError("53100")},
		"the server shuts down":      {sqlstore.PostgreSQL, stateError("57P01")},
		"a connection that was lost": {sqlstore.PostgreSQL, errors.New("unexpected EOF")},
		"read-only":                  {sqlstore.SQLite, codeError(8)},
		"full":                       {sqlstore.SQLite, codeError(13)},
		"another text":               {sqlstore.SQLite, errors.New("database or disk is full")},
		"SQLite's text in PostgreSQL": {sqlstore.PostgreSQL,
			errors.New("database is locked")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, fake := newStore(t, tc.dialect, answer{contains: "UPDATE entrafed_people", err: tc.err})
			_, err := store.Save(t.Context(), somebody)
			require.ErrorIs(t, err, tc.err)
			require.ErrorContains(t, err, "sqlstore: saving a record: ")
			require.Equal(t, 1, fake.count("UPDATE"))
		})
	}
}

func TestWhatIsPreventedForLongIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, _ := newStore(t, sqlstore.SQLite, answer{contains: "INSERT", err: codeError(5)})
		began := time.Now()
		_, err := store.Reserve(t.Context(), somebody)
		require.ErrorIs(t, err, codeError(5))
		require.ErrorContains(t, err, "prevented by other processes for 30s")
		require.InDelta(t, 30*time.Second, time.Since(began), float64(time.Second))
	})
}

func TestTryingAgainEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, _ := newStore(t, sqlstore.SQLite, answer{contains: "SELECT connection", err: codeError(5)})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := store.Load(ctx, somebody.Key)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, codeError(5), "and says what it was")
		require.Equal(t, time.Second, time.Since(began))
	})
}

func TestAWriterWhoWaitsForItsTurnLeavesWithTheContext(t *testing.T) {
	t.Parallel()
	writing, leave := make(chan struct{}), make(chan struct{})
	store, fake := newStore(t, sqlstore.SQLite, answer{contains: "UPDATE", changed: 1, during: func() {
		close(writing)
		<-leave
	}})
	first := make(chan error)
	go func() { first <- saveSomebody(t.Context(), store) }()
	<-writing
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, saveSomebody(ctx, store), context.Canceled)
	close(leave)
	require.NoError(t, <-first)
	require.Equal(t, 1, fake.count("UPDATE"))
}

func TestAUPNThatIsFreedBetweenTwoStatementsIsReserved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, fake := newStore(t, sqlstore.PostgreSQL,
			answer{contains: "INSERT", changed: 0, count: 1}, // somebody had the UPN
			answer{contains: "SELECT connection"},
			answer{contains: "SELECT immutable_id"}, // and has it no more
			answer{contains: "INSERT", changed: 1})
		stored, err := store.Reserve(t.Context(), somebody)
		require.NoError(t, err)
		require.Equal(t, somebody, stored)
		require.Equal(t, 2, fake.count("INSERT"))
	})
}

func TestAUPNThatIsFreedBetweenTwoStatementsIsSaved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, fake := newStore(t, sqlstore.PostgreSQL,
			answer{contains: "UPDATE", changed: 0, count: 1},
			row("SELECT version", int64(1)),
			answer{contains: "SELECT immutable_id"},
			answer{contains: "UPDATE", changed: 1})
		_, err := store.Save(t.Context(), somebody)
		require.NoError(t, err)
		require.Equal(t, 2, fake.count("UPDATE"))
	})
}

func TestAFailureBetweenTwoStatementsIsTold(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for name, tc := range map[string]struct {
		call    func(context.Context, *sqlstore.Store) error
		answers []answer
	}{
		"Reserve, loading": {reserveSomebody, []answer{
			{contains: "INSERT"}, {contains: "SELECT connection", err: broken}}},
		"Reserve, who holds it": {reserveSomebody, []answer{
			{contains: "INSERT"}, {contains: "SELECT connection"}, {contains: "SELECT immutable_id", err: broken}}},
		"Save, the version": {saveSomebody, []answer{
			{contains: "UPDATE"}, {contains: "SELECT version", err: broken}}},
		"Save, who holds it": {saveSomebody, []answer{
			{contains: "UPDATE"}, row("SELECT version", int64(1)), {contains: "SELECT immutable_id", err: broken}}},
		"LoadByObjectID": {func(ctx context.Context, s *sqlstore.Store) error {
			_, err := s.LoadByObjectID(ctx, "object")
			return err
		}, []answer{{contains: "WHERE object_id", err: broken}}},
		"List": {func(ctx context.Context, s *sqlstore.Store) error {
			_, err := s.List(ctx, somebody.Key, 1)
			return err
		}, []answer{{contains: "LIMIT", err: broken}}},
		"List, a row": {func(ctx context.Context, s *sqlstore.Store) error {
			_, err := s.List(ctx, somebody.Key, 1)
			return err
		}, []answer{{contains: "LIMIT", rows: [][]driver.Value{{}}, rowsErr: broken}}},
		"LoadCursor": {func(ctx context.Context, s *sqlstore.Store) error {
			_, err := s.LoadCursor(ctx, "name")
			return err
		}, []answer{{contains: "SELECT value", err: broken}}},
		"SaveCursor": {func(ctx context.Context, s *sqlstore.Store) error {
			return s.SaveCursor(ctx, "name", "value")
		}, []answer{{contains: "INSERT INTO entrafed_cursors", err: broken}}},
		"Acquire, the time": {acquireSomebody, []answer{{contains: "clock_timestamp", err: broken}}},
		"Acquire, expiring": {acquireSomebody, []answer{
			row("clock_timestamp", time.Unix(0, 0)), {contains: "DELETE", err: broken}}},
		"Acquire, inserting": {acquireSomebody, []answer{
			row("clock_timestamp", time.Unix(0, 0)), {contains: "DELETE"}, {contains: "INSERT", err: broken}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, _ := newStore(t, sqlstore.PostgreSQL, tc.answers...)
			err := tc.call(t.Context(), store)
			require.ErrorIs(t, err, broken)
			require.NotErrorIs(t, err, provision.ErrStaleRecord)
			require.NotErrorIs(t, err, provision.ErrUPNTaken)
			require.NotErrorIs(t, err, provision.ErrLeaseHeld)
		})
	}
}

func reserveSomebody(ctx context.Context, s *sqlstore.Store) error {
	_, err := s.Reserve(ctx, somebody)
	return err
}

func saveSomebody(ctx context.Context, s *sqlstore.Store) error {
	_, err := s.Save(ctx, somebody)
	return err
}

func acquireSomebody(ctx context.Context, s *sqlstore.Store) error {
	_, err := s.Acquire(ctx, somebody.Key, time.Minute)
	return err
}

func TestTimesAreReadAsTheDriversReturnThem(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)
	for name, value := range map[string]driver.Value{
		"text":                   "2026-01-02T03:04:05.678901Z",
		"bytes":                  []byte("2026-01-02T03:04:05.678901Z"),
		"a time in another zone": want.In(time.FixedZone("", 14*3600)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, _ := newStore(t, sqlstore.PostgreSQL, record(value, nil))
			rec, err := store.Load(t.Context(), somebody.Key)
			require.NoError(t, err)
			require.Equal(t, want, rec.ReservedAt)
			require.Zero(t, rec.CreatedAt)
			require.Equal(t, "one", rec.UPN)
			require.True(t, rec.Adopted)
			require.Equal(t, "group:1 sku", rec.Licenses)
		})
	}
	for name, value := range map[string]driver.Value{"a number": int64(7), "other text": "yesterday"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, _ := newStore(t, sqlstore.PostgreSQL, record(value, nil))
			_, err := store.Load(t.Context(), somebody.Key)
			require.Error(t, err)
			require.NotErrorIs(t, err, provision.ErrNoRecord)
		})
	}
}

// record is the answer of a row of people, whose text comes as bytes and whose truth as a number.
func record(reserved, created driver.Value) answer {
	return row("SELECT connection", []byte("google"), []byte("104"), int64(1), []byte("id"), []byte("one"), int64(0),
		[]byte(""), []byte(""), int64(1), []byte("group:1 sku"), reserved, created, nil, nil, nil, nil, nil, nil, nil, nil)
}
