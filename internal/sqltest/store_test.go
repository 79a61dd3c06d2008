package sqltest

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/provision/sqlstore"
)

func TestWhatWasStoredIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		db, err := p.open()
		require.NoError(t, err)
		store, err := sqlstore.New(t.Context(), p.config(db))
		require.NoError(t, err)
		stored, err := store.Reserve(t.Context(), person("1"))
		require.NoError(t, err)
		require.NoError(t, db.Close())

		loaded, err := p.store(t).Load(t.Context(), stored.Key)
		require.NoError(t, err)
		require.Equal(t, stored, loaded)
	})
}

func TestWaitingForAWriterEndsWithTheContext(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		store := p.store(t)
		stored, err := store.Reserve(t.Context(), person("1"))
		require.NoError(t, err)
		other, err := p.connect(t).Conn(t.Context())
		require.NoError(t, err)
		defer other.Close()
		lock := "BEGIN IMMEDIATE" // somebody holds a lock, and hangs
		if p.Dialect == sqlstore.PostgreSQL {
			lock = "BEGIN; LOCK TABLE " + p.table("people") + ", " + p.table("leases")
		}
		_, err = other.ExecContext(t.Context(), lock)
		require.NoError(t, err)

		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err = store.Reserve(ctx, person("2"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		for name, call := range map[string]func(context.Context) error{
			"Save":    func(ctx context.Context) error { _, err := store.Save(ctx, stored); return err },
			"Acquire": func(ctx context.Context) error { _, err := store.Acquire(ctx, stored.Key, time.Minute); return err },
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, call(ctx), context.DeadlineExceeded, name)
		}

		_, err = other.ExecContext(t.Context(), "ROLLBACK")
		require.NoError(t, err)
		_, err = store.Load(t.Context(), person("2").Key)
		require.ErrorIs(t, err, provision.ErrNoRecord)
		requireUsable(t, store, "2")
		_, err = store.Save(t.Context(), stored)
		require.NoError(t, err, "the Save that was cut short has not taken effect")
	})
}

func TestReadingDoesNotWaitForAWriter(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		store := p.store(t)
		stored, err := store.Reserve(t.Context(), person("1"))
		require.NoError(t, err)
		other, err := p.connect(t).BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = other.Exec("UPDATE " + p.table("people") + " SET version = 77")
		require.NoError(t, err)
		loaded, err := store.Load(t.Context(), stored.Key)
		require.NoError(t, err)
		require.Equal(t, stored, loaded)
		require.NoError(t, other.Rollback())
	})
}

func TestLeasesExpireByTheConfiguredClock(t *testing.T) {
	t.Parallel()
	onEvery(t, kinds(), func(t *testing.T, p place) {
		now := time.Date(2026, 3, 29, 0, 59, 59, 999999000, time.UTC)
		config := p.config(p.connect(t))
		config.Now = func() time.Time { return now }
		store, err := sqlstore.New(t.Context(), config)
		require.NoError(t, err)
		key := person("1").Key
		lease, err := store.Acquire(t.Context(), key, time.Minute)
		require.NoError(t, err)
		now = now.Add(59 * time.Second)
		require.NoError(t, store.Renew(t.Context(), lease, time.Minute))
		now = now.Add(time.Minute - time.Microsecond)
		_, err = store.Acquire(t.Context(), key, time.Minute)
		require.ErrorIs(t, err, provision.ErrLeaseHeld)
		now = now.Add(time.Microsecond)
		next, err := store.Acquire(t.Context(), key, time.Minute)
		require.NoError(t, err)
		require.NotEqual(t, lease.Token, next.Token)
	})
}

func TestTheLeasesOfPostgreSQLExpireByTheServersClock(t *testing.T) {
	t.Parallel()
	p := postgres()(t)
	db := p.connect(t)
	store, err := sqlstore.New(t.Context(), p.config(db))
	require.NoError(t, err)
	_, err = store.Acquire(t.Context(), person("1").Key, time.Hour)
	require.NoError(t, err)
	var left float64
	err = db.QueryRow("SELECT extract(epoch FROM expires_at - clock_timestamp()) FROM " + p.table("leases")).Scan(&left)
	require.NoError(t, err)
	require.InDelta(t, time.Hour.Seconds(), left, 300)
}

func TestALeaseThatWasReleasedLeavesNoRow(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		db := p.connect(t)
		store, err := sqlstore.New(t.Context(), p.config(db))
		require.NoError(t, err)
		for range 3 {
			lease, err := store.Acquire(t.Context(), person("1").Key, time.Minute)
			require.NoError(t, err)
			require.NoError(t, store.Release(t.Context(), lease))
		}
		var rows int
		require.NoError(t, db.QueryRow("SELECT count(*) FROM "+p.table("leases")).Scan(&rows))
		require.Zero(t, rows)
	})
}

func TestWhatTheDocumentationAdvisesIsNotWarnedOf(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options string
		want    []string
		not     []string
	}{
		"as advised": {options: pragmas, not: []string{"WARN"}},
		"plain":      {want: []string{"journal_mode is delete", "busy_timeout is 0"}, not: []string{"synchronous is"}},
		"careless": {options: pragmas + "&_pragma=synchronous(NORMAL)",
			want: []string{"synchronous is 1"}, not: []string{"journal_mode", "busy_timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := sqliteFile(tc.options)(t)
			var log bytes.Buffer
			config := p.config(p.connect(t))
			config.Logger = slog.New(slog.NewTextHandler(&log, nil))
			_, err := sqlstore.New(t.Context(), config)
			require.NoError(t, err)
			require.Contains(t, log.String(), "schema migrated")
			for _, want := range tc.want {
				require.Contains(t, log.String(), want)
			}
			for _, not := range tc.not {
				require.NotContains(t, log.String(), not)
			}
		})
	}
}
