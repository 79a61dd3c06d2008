// Package sqlstore keeps what package provision remembers in SQLite or PostgreSQL, through database/sql. It imports no
// driver: the host does.
//
//	import _ "modernc.org/sqlite"
//
//	db, err := sql.Open("sqlite", "file:entrafed.db?_pragma=journal_mode(WAL)&_pragma=busy_timeout(1000)")
//	store, err := sqlstore.New(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
//	people, err := provision.New(provision.Config{Directory: directory, Store: store, Rules: rules})
//
// And on PostgreSQL, for replicas on several machines:
//
//	import _ "github.com/jackc/pgx/v5/stdlib"
//
//	db, err := sql.Open("pgx", "postgres://entrafed@db.contoso.com/entrafed")
//	store, err := sqlstore.New(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL})
//
// It is tested with these two drivers. Any other will do that passes on text, integers and booleans, and whose errors
// have a method SQLState() string (PostgreSQL) or keep SQLite's own texts: github.com/lib/pq and
// github.com/mattn/go-sqlite3 are two of them. Package storetest tells of any.
//
// # SQLite
//
// One machine, any number of processes, version 3.35 or newer (2021). Never put the file on a network file system:
// SQLite's locks do not hold there.
//
// Set for every connection, which is done in the name of the data source (the spelling is the driver's):
//
//   - journal_mode=WAL: reading does not wait for writing
//   - busy_timeout=1000, in milliseconds: a writer waits for its turn inside SQLite. This package tries again after it;
//     without it, more often and less fairly. It is also by how much a call may outlast its context
//   - synchronous=FULL, which is SQLite's own default: with NORMAL, a loss of power may lose the last reservations
//   - foreign_keys does not matter: the schema has none
//
// [New] looks at one connection and logs a warning where it finds something else. A database in memory works too, if
// all connections share it (file:name?mode=memory&cache=shared) or there is only one.
//
// # PostgreSQL
//
// Version 12 or newer, with a database in UTF8, at any isolation level. The connection must lead to the primary: what
// was saved must be there at the next read. PgBouncer may be in between, also in its transaction mode; before its
// version 1.21 it does not know prepared statements, which pgx does without if default_query_exec_mode=exec is in the
// name of the data source.
//
// # Schema
//
// New creates the tables, and brings those of an earlier version of this package up to date, in one transaction and
// under a lock, so that any number of processes may start at once: an advisory lock on PostgreSQL, BEGIN IMMEDIATE on
// SQLite. A schema that is newer than the program is refused with a [*SchemaError]. Where programs may not change
// schemas, set Config.NoMigrate and apply what [Config.Migrations] lists; the program then needs SELECT, INSERT, UPDATE
// and DELETE on the tables people, leases and cursors, and SELECT on migrations; with a [Pacer], also SELECT, INSERT and
// UPDATE on pace.
//
// The tables, with their prefix:
//
//   - entrafed_people: one row per person; a NULL time means not yet. Its columns are the fields of
//     [provision.Record]; upn_folded is upn in lower case, which makes it unique without regard to case
//   - entrafed_leases: who is being worked on now. Rows that a crash left are replaced when the person comes back
//   - entrafed_cursors: how far [provision.Provisioner.Reconcile] has come; a row may be deleted, and the next
//     reconciliation looks at everybody
//   - entrafed_pace: what a [Pacer] counts, in one row. Without it the budget is taken to be unused
//   - entrafed_migrations: which versions of the schema were applied, and when
//
// They hold personal data. To forget a person, delete the row in entrafed_people; delete the account in Entra first, or
// the next sign-in finds it again by its ImmutableID.
//
// # Leases
//
// The store is a [provision.Leaser]. On PostgreSQL leases expire by the server's clock, which all processes share; on
// SQLite by the machine's. Config.Now replaces either.
//
// # Pace
//
// Graph's limits hold for an application in a tenant, whatever number of processes it has. A [Pacer] keeps one budget for
// all that share the database:
//
//	pacer, err := sqlstore.NewPacer(ctx, config, provision.Pace{})
//	people, err := provision.New(provision.Config{Directory: directory, Store: store, Pacer: pacer, Rules: rules})
//
// # Failures
//
// All statements are single and have parameters only. What fails because of another process (SQLITE_BUSY,
// serialisation failures, deadlocks, a lost race for a unique value) is tried again for as long as the context allows,
// 30 seconds at most; nothing of it has taken effect. An error of the connection may hide a success: package provision
// is made for that, and continues.
package sqlstore
