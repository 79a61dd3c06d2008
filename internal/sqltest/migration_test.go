package sqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/provision/sqlstore"
)

// person is a reservation.
func person(id string) provision.Record {
	return provision.Record{
		Key:         provision.PersonKey{Connection: "google", ID: id},
		ImmutableID: "id-" + id,
		UPN:         "user" + id + "@contoso.com",
		ReservedAt:  time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC),
	}
}

// requireUsable requires that a store takes and gives back.
func requireUsable(t *testing.T, store *sqlstore.Store, id string) {
	t.Helper()
	stored, err := store.Reserve(t.Context(), person(id))
	require.NoError(t, err)
	loaded, err := store.Load(t.Context(), stored.Key)
	require.NoError(t, err)
	require.Equal(t, stored, loaded)
}

// versions are the migrations that a database has recorded.
func versions(t *testing.T, p place, db *sql.DB) (versions []int) {
	t.Helper()
	rows, err := db.Query("SELECT version FROM " + p.table("migrations") + " ORDER BY version")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var version int
		require.NoError(t, rows.Scan(&version))
		versions = append(versions, version)
	}
	require.NoError(t, rows.Err())
	return versions
}

// onEvery runs a test in every kind of place.
func onEvery(t *testing.T, kinds []kind, test func(t *testing.T, p place)) {
	t.Helper()
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			test(t, kind.place(t))
		})
	}
}

func TestTheSchemaIsMadeOnce(t *testing.T) {
	t.Parallel()
	onEvery(t, kinds(), func(t *testing.T, p place) {
		db := p.connect(t)
		for i := range 3 {
			store, err := sqlstore.New(t.Context(), p.config(db))
			require.NoError(t, err)
			requireUsable(t, store, fmt.Sprint(i))
			requireUsable(t, store, "0") // what was there before still is
		}
		require.Equal(t, []int{1, 2, 3}, versions(t, p, db))
	})
}

func TestManyWhoStartAtOnceMigrateOnce(t *testing.T) {
	t.Parallel()
	onEvery(t, kinds(), func(t *testing.T, p place) {
		shared := p.connect(t)
		stores, errs := make([]*sqlstore.Store, 8), make([]error, 8)
		var all sync.WaitGroup
		for i := range stores {
			db := shared
			if !p.OneConnection {
				db = p.connect(t)
			}
			all.Go(func() { stores[i], errs[i] = sqlstore.New(t.Context(), p.config(db)) })
		}
		all.Wait()
		require.NoError(t, errors.Join(errs...))
		for i, store := range stores {
			requireUsable(t, store, fmt.Sprint(i))
		}
		require.Equal(t, []int{1, 2, 3}, versions(t, p, shared))
	})
}

// migrate applies migrations as an operator does, with the script that the package prints.
func migrate(t *testing.T, db *sql.DB, migrations ...sqlstore.Migration) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	for _, m := range migrations {
		for statement := range strings.SplitSeq(m.String(), ";\n") {
			if strings.TrimSpace(statement) != "" {
				_, err := conn.ExecContext(t.Context(), statement)
				require.NoError(t, err, statement)
			}
		}
	}
}

func TestASchemaOfVersion1IsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		db := p.connect(t)
		migrations, err := p.config(nil).Migrations()
		require.NoError(t, err)
		migrate(t, db, migrations[0])
		insert := "INSERT INTO " + p.table("people") + ` (connection, id, version, immutable_id, upn, upn_folded,
			upn_attempt, object_id, directory_upn, adopted, reserved_at, ready_at)
			VALUES ('google', '%[1]s', 4, 'id-%[1]s', 'User%[1]s@contoso.com', 'user%[1]s@contoso.com', 0, 'object-%[1]s', '',
			FALSE, '2026-01-02T03:04:05.678901Z', '2026-01-02T03:04:05.678901Z')`
		_, err = db.Exec(fmt.Sprintf(insert, "1"))
		require.NoError(t, err)

		store, err := sqlstore.New(t.Context(), p.config(db))
		require.NoError(t, err)
		_, err = db.Exec(fmt.Sprintf(insert, "2")) // by a program of version 1 that is still running
		require.NoError(t, err)
		for _, id := range []string{"1", "2"} {
			want := person(id)
			want.Version, want.UPN, want.ObjectID, want.ReadyAt = 4, "User"+id+"@contoso.com", "object-"+id, want.ReservedAt
			rec, err := store.Load(t.Context(), want.Key)
			require.NoError(t, err)
			require.Equal(t, want, rec)
			rec, err = store.LoadByObjectID(t.Context(), want.ObjectID)
			require.NoError(t, err)
			require.Equal(t, want, rec)
			rec.Licenses, rec.RetiringAt = "group:object", rec.ReservedAt
			saved, err := store.Save(t.Context(), rec)
			require.NoError(t, err)
			rec.Version++
			require.Equal(t, rec, saved)
		}
		require.NoError(t, store.SaveCursor(t.Context(), "one", "1"))
		var all []int
		for _, m := range migrations {
			all = append(all, m.Version)
		}
		require.Equal(t, all, versions(t, p, db))
	})
}

func TestASchemaThatIsNewerIsRefused(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		db := p.connect(t)
		p.store(t)
		_, err := db.Exec("INSERT INTO " + p.table("migrations") + " (version) VALUES (99)")
		require.NoError(t, err)
		_, err = sqlstore.New(t.Context(), p.config(db))
		var schema *sqlstore.SchemaError
		require.ErrorAs(t, err, &schema)
		require.Equal(t, 99, schema.Have)
		require.Equal(t, 3, schema.Want)
		require.Equal(t, []int{1, 2, 3, 99}, versions(t, p, db))
	})
}

func TestWithoutMigratingTheErrorSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		db := p.connect(t)
		config := p.config(db)
		config.NoMigrate = true
		_, err := sqlstore.New(t.Context(), config)
		var schema *sqlstore.SchemaError
		require.ErrorAs(t, err, &schema)
		require.Equal(t, 0, schema.Have)
		_, err = db.Exec("SELECT 1 FROM " + p.table("people"))
		require.Error(t, err, "nothing was made")

		migrations, err := config.Migrations()
		require.NoError(t, err)
		migrate(t, db, migrations...)
		store, err := sqlstore.New(t.Context(), config)
		require.NoError(t, err)
		requireUsable(t, store, "1")
	})
}

func TestAMigrationThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		db := p.connect(t)
		_, err := db.Exec("CREATE TABLE " + p.table("leases") + " (somebody_elses INTEGER)")
		require.NoError(t, err)
		_, err = sqlstore.New(t.Context(), p.config(db))
		require.ErrorContains(t, err, "migrating the schema: version 1")
		_, err = db.Exec("SELECT 1 FROM " + p.table("people"))
		require.Error(t, err)

		_, err = db.Exec("DROP TABLE " + p.table("leases"))
		require.NoError(t, err)
		store, err := sqlstore.New(t.Context(), p.config(db))
		require.NoError(t, err)
		requireUsable(t, store, "1")
	})
}

func TestWaitingForAnotherMigrationEndsWithTheContext(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		other, err := p.connect(t).Conn(t.Context())
		require.NoError(t, err)
		defer other.Close()
		begin := "BEGIN IMMEDIATE" // another process migrates, and hangs
		if p.Dialect == sqlstore.PostgreSQL {
			begin = "BEGIN; CREATE TABLE " + p.table("migrations") + " (version INTEGER)"
		}
		_, err = other.ExecContext(t.Context(), begin)
		require.NoError(t, err)

		db := p.connect(t)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err = sqlstore.New(ctx, p.config(db))
		require.ErrorIs(t, err, context.DeadlineExceeded)

		_, err = other.ExecContext(t.Context(), "ROLLBACK")
		require.NoError(t, err)
		store, err := sqlstore.New(t.Context(), p.config(db)) // over the same connections
		require.NoError(t, err)
		requireUsable(t, store, "1")
	})
}

func TestStoresWithDifferentPrefixesShareADatabase(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		db := p.connect(t)
		for _, prefix := range []string{"", "staging_", "a"} {
			config := p.config(db)
			config.Prefix = prefix
			store, err := sqlstore.New(t.Context(), config)
			require.NoError(t, err)
			_, err = store.Load(t.Context(), person("1").Key)
			require.ErrorIs(t, err, provision.ErrNoRecord)
			requireUsable(t, store, "1")
		}
	})
}

func TestAnotherDialectIsNoticed(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		config := p.config(p.connect(t))
		config.Schema, config.Dialect = "", 3-config.Dialect
		_, err := sqlstore.New(t.Context(), config)
		require.ErrorContains(t, err, "is Config.Dialect right?")
	})
}

func TestWithoutASchemaTheSearchPathDecides(t *testing.T) {
	t.Parallel()
	p := postgres()(t)
	p.DataSource = withSetting(t, p.DataSource, "search_path", p.Schema)
	config := p.config(p.connect(t))
	config.Schema = ""
	store, err := sqlstore.New(t.Context(), config)
	require.NoError(t, err)
	requireUsable(t, store, "1")
	loaded, err := p.store(t).Load(t.Context(), person("1").Key)
	require.NoError(t, err)
	require.Equal(t, int64(1), loaded.Version)
}

// What the documentation says that the program needs, where it may not change schemas, is enough.
func TestFewPrivilegesAreEnough(t *testing.T) {
	t.Parallel()
	p := postgres()(t)
	owner := p.connect(t)
	_, err := sqlstore.New(t.Context(), p.config(owner))
	require.NoError(t, err)
	role := p.Schema + "_program"
	for _, statement := range []string{
		"CREATE ROLE " + role,
		"GRANT USAGE ON SCHEMA " + p.Schema + " TO " + role,
		"GRANT SELECT, INSERT, UPDATE, DELETE ON " + p.table("people") + ", " + p.table("leases") + ", " +
			p.table("cursors") + " TO " + role,
		"GRANT SELECT, INSERT, UPDATE ON " + p.table("pace") + " TO " + role,
		"GRANT SELECT ON " + p.table("migrations") + " TO " + role,
	} {
		_, err := owner.Exec(statement)
		require.NoError(t, err)
	}
	t.Cleanup(func() {
		_, err := owner.Exec("DROP OWNED BY " + role + "; DROP ROLE " + role)
		require.NoError(t, err)
	})
	p.DataSource = withSetting(t, p.DataSource, "role", role)
	config := p.config(p.connect(t))
	config.NoMigrate = true
	store, err := sqlstore.New(t.Context(), config)
	require.NoError(t, err)
	requireUsable(t, store, "1")
	rec := person("1")
	rec.Version = 1
	_, err = store.Save(t.Context(), rec)
	require.NoError(t, err)
	_, err = store.List(t.Context(), provision.PersonKey{}, 1)
	require.NoError(t, err)
	require.NoError(t, store.SaveCursor(t.Context(), "one", "1"))
	require.NoError(t, store.SaveCursor(t.Context(), "one", "2"))
	lease, err := store.Acquire(t.Context(), rec.Key, time.Minute)
	require.NoError(t, err)
	require.NoError(t, store.Renew(t.Context(), lease, time.Minute))
	require.NoError(t, store.Release(t.Context(), lease))
	pacer, err := sqlstore.NewPacer(t.Context(), config, provision.Pace{})
	require.NoError(t, err)
	turn, err := pacer.Turn(t.Context(), provision.TurnRequest{Cost: provision.Cost{Writes: 1}})
	require.NoError(t, err)
	require.True(t, turn.Taken)
}
