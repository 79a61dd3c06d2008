package sqlstore_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision/sqlstore"
)

func TestNewListsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := sqlstore.New(t.Context(), sqlstore.Config{Schema: "a b", Prefix: "Upper"})
	for _, want := range []string{"Config.DB", "Config.Dialect", "Config.Schema", "Config.Prefix"} {
		require.ErrorContains(t, err, want)
	}
}

func TestNamesThatCouldBecomeSQLAreRefused(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]sqlstore.Config{
		"a schema on SQLite":              {Dialect: sqlstore.SQLite, Schema: "public"},
		"no such dialect":                 {Dialect: 3},
		"a prefix with a quote":           {Dialect: sqlstore.SQLite, Prefix: `a"`},
		"a prefix with a blank":           {Dialect: sqlstore.SQLite, Prefix: "a b"},
		"a prefix with a semicolon":       {Dialect: sqlstore.SQLite, Prefix: "a;"},
		"a prefix with a newline":         {Dialect: sqlstore.SQLite, Prefix: "a\n"},
		"a prefix with a parameter":       {Dialect: sqlstore.PostgreSQL, Prefix: "a?"},
		"a prefix with a digit first":     {Dialect: sqlstore.PostgreSQL, Prefix: "1a"},
		"a prefix in upper case":          {Dialect: sqlstore.PostgreSQL, Prefix: "A"},
		"a prefix that is not ASCII":      {Dialect: sqlstore.PostgreSQL, Prefix: "é"},
		"a prefix of 41":                  {Dialect: sqlstore.PostgreSQL, Prefix: strings.Repeat("a", 41)},
		"a prefix that SQLite reserves":   {Dialect: sqlstore.SQLite, Prefix: "sqlite_"},
		"a schema with a quote":           {Dialect: sqlstore.PostgreSQL, Schema: `a"."b`},
		"a schema with a digit first":     {Dialect: sqlstore.PostgreSQL, Schema: "1a"},
		"a schema of 64":                  {Dialect: sqlstore.PostgreSQL, Schema: strings.Repeat("a", 64)},
		"a schema with a dot":             {Dialect: sqlstore.PostgreSQL, Schema: "a.b"},
		"a schema in upper case":          {Dialect: sqlstore.PostgreSQL, Schema: "Public"},
		"a schema that is a blank":        {Dialect: sqlstore.PostgreSQL, Schema: " "},
		"a prefix that is only a newline": {Dialect: sqlstore.PostgreSQL, Prefix: "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Migrations()
			require.ErrorContains(t, err, "sqlstore: bad configuration")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestNamesAtTheLimitAreAccepted(t *testing.T) {
	t.Parallel()
	migrations, err := sqlstore.Config{
		Dialect: sqlstore.PostgreSQL, Schema: "_" + strings.Repeat("s", 62), Prefix: strings.Repeat("p", 40),
	}.Migrations()
	require.NoError(t, err)
	require.Contains(t, migrations[0].String(), `"_`+strings.Repeat("s", 62)+`".`+strings.Repeat("p", 40)+"people")
}

func TestADatabaseThatCannotKeepTheContractIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		dialect sqlstore.Dialect
		answer  answer
		want    []string
	}{
		"old PostgreSQL": {sqlstore.PostgreSQL, row("server_version_num", int64(11), "UTF8", "on"), []string{"version 12"}},
		"PostgreSQL in LATIN1": {sqlstore.PostgreSQL, row("server_version_num", int64(16), "LATIN1", "on"),
			[]string{"LATIN1", "ENCODING 'UTF8'"}},
		"both at once": {sqlstore.PostgreSQL, row("server_version_num", int64(9), "SQL_ASCII", "on"),
			[]string{"version 12", "SQL_ASCII"}},
		"old SQLite":      {sqlstore.SQLite, row("sqlite_version()", "3.34.1"), []string{"version 3.35"}},
		"very old SQLite": {sqlstore.SQLite, row("sqlite_version()", "2.8.17"), []string{"version 3.35"}},
		"another dialect": {sqlstore.SQLite, answer{contains: "sqlite_version()", err: errSyntax},
			[]string{"is Config.Dialect right?", "no such function"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, fake := open(t, tc.dialect, tc.answer)
			_, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: tc.dialect})
			for _, want := range tc.want {
				require.ErrorContains(t, err, want)
			}
			require.Zero(t, fake.count("CREATE"))
		})
	}
}

func TestNewerVersionsOfTheDatabaseAreAccepted(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3.35.0", "3.100.2", "4.0.0", "3.x"} {
		newStore(t, sqlstore.SQLite, row("sqlite_version()", version))
	}
	newStore(t, sqlstore.PostgreSQL, row("server_version_num", int64(12), "UTF8", "on"))
}

func TestWhatCouldBeSetUpBetterIsWarnedOf(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		dialect sqlstore.Dialect
		answer  answer
		want    string
	}{
		"all is well on SQLite":     {sqlstore.SQLite, row("never"), ""},
		"all is well on PostgreSQL": {sqlstore.PostgreSQL, row("never"), ""},
		"no write-ahead log":        {sqlstore.SQLite, row("journal_mode", "delete"), "journal_mode=WAL"},
		"not synchronous":           {sqlstore.SQLite, row("synchronous", int64(1)), "synchronous=FULL"},
		"no timeout":                {sqlstore.SQLite, row("busy_timeout", int64(0)), "busy_timeout=1000"},
		"commits that do not wait": {sqlstore.PostgreSQL, row("server_version_num", int64(16), "UTF8", "off"),
			"synchronous_commit = on"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, _ := open(t, tc.dialect, tc.answer)
			var log bytes.Buffer
			_, err := sqlstore.New(t.Context(), sqlstore.Config{
				DB: db, Dialect: tc.dialect, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			require.NoError(t, err)
			require.Contains(t, log.String(), tc.want)
			lines := strings.Count(log.String(), "level=WARN")
			require.Equal(t, tc.want != "", lines == 1, "%d warnings", lines)
		})
	}
}

func TestADatabaseInMemoryIsNotWarnedOf(t *testing.T) {
	t.Parallel()
	db, _ := open(t, sqlstore.SQLite, row("pragma_database_list", ""), row("journal_mode", "memory"),
		row("busy_timeout", int64(0)), row("synchronous", int64(0)))
	var log bytes.Buffer
	_, err := sqlstore.New(t.Context(), sqlstore.Config{
		DB: db, Dialect: sqlstore.SQLite, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	require.NoError(t, err)
	require.Empty(t, log.String())
}

func TestDialectsHaveNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, "SQLite", sqlstore.SQLite.String())
	require.Equal(t, "PostgreSQL", sqlstore.PostgreSQL.String())
	require.Equal(t, "Dialect(0)", sqlstore.Dialect(0).String())
}
