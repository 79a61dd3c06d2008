package sqltest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/provision/sqlstore"
)

// place is where the tables of one test are. Other processes can be told of it.
type place struct {
	Driver, DataSource string
	Dialect            sqlstore.Dialect
	Schema             string
	OneConnection      bool
}

// kind is a kind of place: a database, and how it is set up.
type kind struct {
	name  string
	place func(t testing.TB) place // an empty one
}

const (
	pragmas    = "_pragma=journal_mode(WAL)&_pragma=busy_timeout(1000)"
	settingKey = "default_transaction_isolation"
)

// shared are the kinds of places that several processes can share.
func shared() []kind {
	return []kind{{"SQLite", sqliteFile(pragmas)}, {"PostgreSQL", postgres()}}
}

// kinds are all kinds of places, or with -short those that matter most.
func kinds() []kind {
	if testing.Short() {
		return shared()
	}
	return append(shared(),
		kind{"SQLite without WAL and busy_timeout", sqliteFile("")},
		kind{"SQLite in memory that connections share", sqliteSharedMemory},
		kind{"SQLite in memory of one connection", sqliteMemory},
		kind{"PostgreSQL with the isolation level serializable", postgres(settingKey, "serializable")},
		kind{"PostgreSQL with the isolation level repeatable read", postgres(settingKey, "repeatable read")},
		kind{"PostgreSQL in a time zone with another date", postgres("timezone", "Pacific/Kiritimati", "datestyle", "German")},
		kind{"PostgreSQL with pgx's simple protocol", postgres("default_query_exec_mode", "simple_protocol")},
		kind{"PostgreSQL with pgx's mode exec", postgres("default_query_exec_mode", "exec")},
	)
}

func sqliteFile(options string) func(testing.TB) place {
	return func(t testing.TB) place {
		return place{Driver: "sqlite", Dialect: sqlstore.SQLite,
			DataSource: "file:" + filepath.Join(t.TempDir(), "entrafed.db") + "?" + options}
	}
}

func sqliteSharedMemory(t testing.TB) place {
	p := place{Driver: "sqlite", Dialect: sqlstore.SQLite, DataSource: "file:" + rand.Text() + "?mode=memory&cache=shared"}
	db := p.connect(t) // the database lives as long as a connection does
	require.NoError(t, db.Ping())
	db.SetConnMaxIdleTime(0)
	return p
}

func sqliteMemory(testing.TB) place {
	return place{Driver: "sqlite", Dialect: sqlstore.SQLite, DataSource: ":memory:", OneConnection: true}
}

// postgres makes a schema of its own for every test. settings are names and values, alternately.
func postgres(settings ...string) func(testing.TB) place {
	return func(t testing.TB) place {
		p := place{Driver: "pgx", Dialect: sqlstore.PostgreSQL, DataSource: postgresURL(t),
			Schema: "entrafed_test_" + strings.ToLower(rand.Text())}
		db, err := sql.Open(p.Driver, p.DataSource)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		_, err = db.Exec("CREATE SCHEMA " + p.Schema)
		require.NoError(t, err)
		t.Cleanup(func() {
			_, err := db.Exec("DROP SCHEMA " + p.Schema + " CASCADE")
			require.NoError(t, err)
		})
		for i := 0; i < len(settings); i += 2 {
			p.DataSource = withSetting(t, p.DataSource, settings[i], settings[i+1])
		}
		return p
	}
}

// withSetting adds a setting to either form of PostgreSQL's connection strings.
func withSetting(t testing.TB, source, name, value string) string {
	t.Helper()
	if !strings.Contains(source, "://") {
		return source + " " + name + "='" + value + "'"
	}
	u, err := url.Parse(source)
	require.NoError(t, err)
	query := u.Query()
	query.Set(name, value)
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // pgx takes a + for itself
	return u.String()
}

// connect opens a pool of connections, as one process does.
func (p place) connect(t testing.TB) *sql.DB {
	t.Helper()
	db, err := p.open()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func (p place) open() (*sql.DB, error) {
	db, err := sql.Open(p.Driver, p.DataSource)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	if p.OneConnection {
		db.SetMaxOpenConns(1)
	}
	return db, nil
}

func (p place) config(db *sql.DB) sqlstore.Config {
	return sqlstore.Config{DB: db, Dialect: p.Dialect, Schema: p.Schema}
}

// store opens a store with connections of its own.
func (p place) store(t testing.TB) *sqlstore.Store {
	t.Helper()
	store, err := sqlstore.New(t.Context(), p.config(p.connect(t)))
	require.NoError(t, err)
	return store
}

// table is the full name of a table.
func (p place) table(name string) string {
	if p.Schema != "" {
		return p.Schema + ".entrafed_" + name
	}
	return "entrafed_" + name
}

// spread is a store that is several, with connections of their own, which take turns.
type spread struct {
	stores []*sqlstore.Store
	turns  atomic.Uint64
}

func (s *spread) next() *sqlstore.Store { return s.stores[s.turns.Add(1)%uint64(len(s.stores))] }

func (s *spread) Load(ctx context.Context, key provision.PersonKey) (provision.Record, error) {
	return s.next().Load(ctx, key)
}

func (s *spread) Reserve(ctx context.Context, rec provision.Record) (provision.Record, error) {
	return s.next().Reserve(ctx, rec)
}

func (s *spread) Save(ctx context.Context, rec provision.Record) (provision.Record, error) {
	return s.next().Save(ctx, rec)
}

func (s *spread) Acquire(ctx context.Context, key provision.PersonKey, ttl time.Duration) (provision.Lease, error) {
	return s.next().Acquire(ctx, key, ttl)
}

func (s *spread) Renew(ctx context.Context, lease provision.Lease, ttl time.Duration) error {
	return s.next().Renew(ctx, lease, ttl)
}

func (s *spread) Release(ctx context.Context, lease provision.Lease) error {
	return s.next().Release(ctx, lease)
}

func (s *spread) LoadByObjectID(ctx context.Context, objectID string) (provision.Record, error) {
	return s.next().LoadByObjectID(ctx, objectID)
}

func (s *spread) List(ctx context.Context, after provision.PersonKey, limit int) ([]provision.Record, error) {
	return s.next().List(ctx, after, limit)
}

func (s *spread) LoadCursor(ctx context.Context, name string) (string, error) {
	return s.next().LoadCursor(ctx, name)
}

func (s *spread) SaveCursor(ctx context.Context, name, value string) error {
	return s.next().SaveCursor(ctx, name, value)
}
