package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"hash/fnv"
	"time"
)

// SchemaError says that the schema in the database is not the one that this program needs, and that nothing was changed.
type SchemaError struct {
	Tables string // the names of the tables without their last part, for example "entrafed_"
	Have   int    // the version in the database; 0 where there are no tables
	Want   int    // the version that this program needs
}

func (e *SchemaError) Error() string {
	if e.Have > e.Want {
		return fmt.Sprintf("sqlstore: the schema of the tables %s* is version %d, and this program knows versions up to %d: "+
			"run the newer program that made it, or restore a backup from before", e.Tables, e.Have, e.Want)
	}
	return fmt.Sprintf("sqlstore: the schema of the tables %s* is version %d, this program needs version %d, and "+
		"Config.NoMigrate keeps it from migrating: apply the steps from %d to %d that Config.Migrations lists",
		e.Tables, e.Have, e.Want, e.Have+1, e.Want)
}

// migrate brings the schema up to date.
func (s *Store) migrate(ctx context.Context) error {
	steps := s.config.migrations()
	have, err := s.version(ctx)
	if err != nil {
		return err
	}
	if have > len(steps) || have < len(steps) && s.config.NoMigrate {
		return s.schemaError(have)
	}
	if have == len(steps) {
		return nil
	}
	return s.retry(ctx, "migrating the schema", func(ctx context.Context) error {
		return s.transaction(ctx, func(conn *sql.Conn) error { return s.apply(ctx, conn, steps) })
	})
}

func (s *Store) schemaError(have int) error {
	return &SchemaError{Tables: s.config.table(""), Have: have, Want: len(s.config.migrations())}
}

// version reads the version of the schema.
func (s *Store) version(ctx context.Context) (have int, err error) {
	err = s.retry(ctx, "reading the version of the schema", func(ctx context.Context) (err error) {
		have, err = s.versionBy(ctx, s.config.DB)
		return err
	})
	return have, err
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (s *Store) versionBy(ctx context.Context, q querier) (have int, err error) {
	there, err := s.hasTables(ctx, q)
	if err != nil || !there {
		return 0, err
	}
	err = q.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM "+s.config.table("migrations")).Scan(&have)
	return have, err
}

// hasTables reports whether there is a schema at all. On PostgreSQL it reads the catalogue itself: to_regclass would be
// shorter, but may answer from a cache what held before the lock was waited for.
func (s *Store) hasTables(ctx context.Context, q querier) (there bool, err error) {
	name := s.config.Prefix + "migrations"
	if s.config.Dialect == SQLite {
		err = q.QueryRowContext(ctx, "SELECT count(*) > 0 FROM sqlite_master WHERE type = 'table' AND name = ?", name).
			Scan(&there)
		return there, err
	}
	err = q.QueryRowContext(ctx, `SELECT count(*) > 0 FROM pg_catalog.pg_class AS c
		JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		WHERE c.relname = $1 AND (n.nspname = $2 OR $3 = '' AND pg_catalog.pg_table_is_visible(c.oid))`,
		name, s.config.Schema, s.config.Schema).Scan(&there)
	return there, err
}

// apply makes all steps that are missing. It looks again which these are: another process may have been faster.
func (s *Store) apply(ctx context.Context, conn *sql.Conn, steps []Migration) error {
	have, err := s.versionBy(ctx, conn)
	if err != nil {
		return err
	}
	if have > len(steps) {
		return s.schemaError(have)
	}
	for _, step := range steps[have:] {
		for _, statement := range step.Statements {
			if _, err := conn.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("version %d, %s: %w", step.Version, step.Name, err)
			}
		}
		s.config.Logger.InfoContext(ctx, "schema migrated", "version", step.Version, "tables", s.config.table(""))
	}
	return nil
}

// rollbackTimeout bounds the end of a transaction whose context has ended.
const rollbackTimeout = 5 * time.Second

// transaction does work in a transaction that no other one of this package runs beside.
func (s *Store) transaction(ctx context.Context, work func(*sql.Conn) error) (err error) {
	conn, err := s.config.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	begun := false
	defer func() {
		if err != nil && (begun || ctx.Err() != nil) { // BEGIN that was cut short may have begun
			rollback(ctx, conn)
		}
	}()
	if _, err := conn.ExecContext(ctx, s.config.Dialect.begin()); err != nil {
		return err
	}
	begun = true
	if s.config.Dialect == PostgreSQL {
		if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", s.config.lockKey()); err != nil {
			return err
		}
	}
	if err := work(conn); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

// rollback ends the transaction, or if that fails the connection, which must not go back with a transaction in it.
func rollback(ctx context.Context, conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // what Raw returns is just this
	}
}

// lockKey is the advisory lock of these tables.
func (c Config) lockKey() int64 {
	h := fnv.New64a()
	h.Write([]byte("entrafed migrations " + c.table("")))
	return int64(h.Sum64())
}
