// Package sqltest shows that package provision/sqlstore keeps its promises on real databases: SQLite, through the driver
// modernc.org/sqlite, and PostgreSQL, through github.com/jackc/pgx/v5/stdlib.
//
// The conformance suite runs against files, against memory, and against PostgreSQL in every setting that should make no
// difference: isolation levels, time zones, and pgx's modes of executing queries. Other tests migrate the schema from
// many connections at once, and start this test program again as several processes that work on one database, some of
// which are killed in the middle.
//
// PostgreSQL is started by the tests themselves, as an unprivileged user, in a temporary folder, on a Unix socket there.
// It needs initdb and postgres in the PATH, or where Debian's package postgresql puts them; without them these tests are
// skipped. DATABASE_URL names a server to use instead: the tests create and drop schemas of their own in it.
//
//	go test ./internal/sqltest
//
// This is a module of its own, so that nobody who uses entrafed gets a driver that was not asked for.
package sqltest
