package sqlstore_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision/sqlstore"
)

var update = flag.Bool("update", false, "write testdata anew; only for versions that were never released")

// released is the last version that was.
const released = 1

// Databases in the field were made by what was released: it never changes.
func TestReleasedMigrationsNeverChange(t *testing.T) {
	t.Parallel()
	for name, dialect := range map[string]sqlstore.Dialect{
		"sqlite": sqlstore.SQLite, "postgresql": sqlstore.PostgreSQL,
	} {
		migrations, err := sqlstore.Config{Dialect: dialect}.Migrations()
		require.NoError(t, err)
		for _, m := range migrations {
			path := filepath.Join("testdata", fmt.Sprintf("version%d.%s.sql", m.Version, name))
			if *update && m.Version > released {
				require.NoError(t, os.WriteFile(path, []byte(m.String()), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), m.String())
		}
	}
}

func TestMigrationsAreNumberedAndRecorded(t *testing.T) {
	t.Parallel()
	migrations, err := sqlstore.Config{Dialect: sqlstore.PostgreSQL, Schema: "host", Prefix: "e_"}.Migrations()
	require.NoError(t, err)
	for i, m := range migrations {
		require.Equal(t, i+1, m.Version)
		require.NotEmpty(t, m.Name)
		last := m.Statements[len(m.Statements)-1]
		require.True(t, strings.HasPrefix(last, `INSERT INTO "host".e_migrations (version) VALUES (`), last)
		for _, statement := range m.Statements {
			require.NotContains(t, statement, "{")
			require.NotContains(t, statement, ";")
			require.Contains(t, m.String(), statement+";\n")
		}
	}
}

// missing is a database without tables, which can make them.
func missing() []answer {
	return []answer{
		row("pg_class", false), {contains: "BEGIN"}, {contains: "pg_advisory_xact_lock"},
		{contains: "COMMIT"}, {contains: "ROLLBACK"},
	}
}

// changeable are the statements of the migrations.
func changeable() []answer {
	return []answer{{contains: "CREATE"}, {contains: "ALTER TABLE"}, {contains: "INSERT"}}
}

func TestMigratingIsOneTransactionUnderALock(t *testing.T) {
	t.Parallel()
	db, fake := open(t, sqlstore.PostgreSQL, append(missing(), changeable()...)...)
	_, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL})
	require.NoError(t, err)
	var log []string
	for _, statement := range fake.log {
		first, _, _ := strings.Cut(statement, "(")
		log = append(log, strings.TrimSpace(first))
	}
	require.Equal(t, []string{"SELECT current_setting", "SELECT count", "BEGIN", "SELECT pg_advisory_xact_lock",
		"SELECT count", "CREATE TABLE entrafed_migrations", "CREATE TABLE entrafed_people",
		"CREATE TABLE entrafed_leases", "INSERT INTO entrafed_migrations"}, log[:9])
	require.Equal(t, "INSERT INTO entrafed_migrations", log[len(log)-2])
	require.Equal(t, "COMMIT", log[len(log)-1])
	require.Equal(t, 3, fake.count("INSERT INTO entrafed_migrations"))
	require.Equal(t, 1, fake.count("COMMIT"))
}

func TestOnlyMissingMigrationsAreMade(t *testing.T) {
	t.Parallel()
	before := row("max(version)", int64(1))
	db, fake := open(t, sqlstore.PostgreSQL, append([]answer{row("pg_class", true), before}, append(missing(),
		changeable()...)...)...)
	_, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL})
	require.NoError(t, err)
	require.Zero(t, fake.count("CREATE TABLE entrafed_people"))
	require.Equal(t, 1, fake.count("CREATE TABLE entrafed_cursors"))
	require.Equal(t, 1, fake.count("INSERT INTO entrafed_migrations (version) VALUES (2)"))
	require.Zero(t, fake.count("VALUES (1)"))
}

func TestAMigrationThatFailsIsRolledBack(t *testing.T) {
	t.Parallel()
	broken := errors.New("permission denied for schema public")
	for name, fault := range map[string]answer{
		"while waiting for the lock": {contains: "pg_advisory_xact_lock", err: broken},
		"at the first statement":     {contains: "CREATE TABLE", err: broken},
		"at the last statement":      {contains: "INSERT INTO entrafed_migrations", err: broken},
		"at the end":                 {contains: "COMMIT", err: broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := append([]answer{fault}, missing()...)
			answers = append(answers, changeable()...)
			db, fake := open(t, sqlstore.PostgreSQL, answers...)
			_, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL})
			require.ErrorIs(t, err, broken)
			require.ErrorContains(t, err, "sqlstore: migrating the schema: ")
			require.Equal(t, 1, fake.count("ROLLBACK"))
		})
	}
}

func TestAMigrationThatAnotherProcessPreventsIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := append([]answer{{contains: "CREATE TABLE", err: stateError("40P01"), count: 2}}, missing()...)
		answers = append(answers, changeable()...)
		db, fake := open(t, sqlstore.PostgreSQL, answers...)
		_, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL})
		require.NoError(t, err)
		require.Equal(t, 2, fake.count("ROLLBACK"))
		require.Equal(t, 1, fake.count("COMMIT"))
	})
}

func TestAConnectionThatCannotRollBackIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	broken := errors.New("no space left")
	answers := append([]answer{{contains: "CREATE TABLE", err: broken}, {contains: "ROLLBACK", err: broken}}, missing()...)
	db, _ := open(t, sqlstore.PostgreSQL, answers...)
	_, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL})
	require.ErrorIs(t, err, broken)
	require.Zero(t, db.Stats().OpenConnections)
}

func TestASchemaThatMayNotBeChangedIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		version   answer
		noMigrate bool
		have      int
		want      string
	}{
		"missing and not to be made":  {row("pg_class", false), true, 0, "steps from 1 to 3"},
		"older and not to be changed": {row("max(version)", int64(1)), true, 1, "steps from 2 to 3"},
		"newer":                       {row("max(version)", int64(99)), false, 99, "run the newer program"},
		"newer and not to be made":    {row("max(version)", int64(99)), true, 99, "run the newer program"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, fake := open(t, sqlstore.PostgreSQL, tc.version)
			_, err := sqlstore.New(t.Context(), sqlstore.Config{
				DB: db, Dialect: sqlstore.PostgreSQL, NoMigrate: tc.noMigrate, Schema: "host",
			})
			var schema *sqlstore.SchemaError
			require.ErrorAs(t, err, &schema)
			require.Equal(t, &sqlstore.SchemaError{Tables: `"host".entrafed_`, Have: tc.have, Want: 3}, schema)
			require.ErrorContains(t, err, tc.want)
			require.Zero(t, fake.count("BEGIN"))
		})
	}
}

func TestAProcessThatWasSlowerFindsTheSchemaNewer(t *testing.T) {
	t.Parallel()
	absent := row("pg_class", false)
	absent.count = 1
	db, fake := open(t, sqlstore.PostgreSQL, append([]answer{absent, row("pg_class", true),
		row("max(version)", int64(4))}, missing()...)...)
	_, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL})
	var schema *sqlstore.SchemaError
	require.ErrorAs(t, err, &schema)
	require.Equal(t, 4, schema.Have)
	require.Equal(t, 1, fake.count("ROLLBACK"))
	require.Zero(t, fake.count("CREATE"))
}
