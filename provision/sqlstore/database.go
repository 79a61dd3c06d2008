package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The oldest versions that understand all statements.
const (
	oldestPostgreSQL  = 12 // GENERATED AS IDENTITY is older; none before is maintained
	oldestSQLiteMinor = 35 // of 3: RETURNING
)

// checkDatabase refuses a database that cannot keep the contract, and warns of one that could keep it better.
func (s *Store) checkDatabase(ctx context.Context) error {
	var problem error
	err := s.retry(ctx, fmt.Sprintf("asking %v how it is set up (is Config.Dialect right?)", s.config.Dialect),
		func(ctx context.Context) (err error) {
			if s.config.Dialect == SQLite {
				problem, err = s.checkSQLite(ctx)
			} else {
				problem, err = s.checkPostgreSQL(ctx)
			}
			return err
		})
	return errors.Join(err, problem)
}

func (s *Store) checkPostgreSQL(ctx context.Context) (problem, err error) {
	var version int
	var encoding, commit string
	err = s.config.DB.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::integer / 10000, "+
		"current_setting('server_encoding'), current_setting('synchronous_commit')").Scan(&version, &encoding, &commit)
	if err != nil {
		return nil, err
	}
	var problems []error
	if version < oldestPostgreSQL {
		problems = append(problems, fmt.Errorf("sqlstore: PostgreSQL is version %d; version %d is needed", version,
			oldestPostgreSQL))
	}
	if encoding != "UTF8" {
		problems = append(problems, fmt.Errorf("sqlstore: the encoding of the PostgreSQL database is %s: create one with "+
			"ENCODING 'UTF8', which keeps every name", encoding))
	}
	if commit == "off" {
		s.warn(ctx, "synchronous_commit is off: if the server crashes, the last reservations may be lost",
			"remedy", "SET synchronous_commit = on for the role or the database")
	}
	return errors.Join(problems...), nil
}

func (s *Store) checkSQLite(ctx context.Context) (problem, err error) {
	conn, err := s.config.DB.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var version, file, journal string
	var synchronous, timeout int
	for _, ask := range []struct {
		query  string
		answer any
	}{
		{"SELECT sqlite_version()", &version},
		{"SELECT coalesce(max(file), '') FROM pragma_database_list WHERE name = 'main'", &file},
		{"PRAGMA journal_mode", &journal},
		{"PRAGMA synchronous", &synchronous},
		{"PRAGMA busy_timeout", &timeout},
	} {
		if err := conn.QueryRowContext(ctx, ask.query).Scan(ask.answer); err != nil {
			return nil, err
		}
	}
	if !recentSQLite(version) {
		return fmt.Errorf("sqlstore: SQLite is version %s; version 3.%d is needed", version, oldestSQLiteMinor), nil
	}
	if file != "" { // in memory none of it matters
		s.warnSQLite(ctx, journal, synchronous, timeout)
	}
	return nil, nil
}

// warnSQLite says which pragmas should be set.
func (s *Store) warnSQLite(ctx context.Context, journal string, synchronous, timeout int) {
	if journal != "wal" {
		s.warn(ctx, "journal_mode is "+journal+": reading waits for writing", "remedy", "PRAGMA journal_mode=WAL")
	}
	if synchronous < 2 {
		s.warn(ctx, "synchronous is "+strconv.Itoa(synchronous)+": a loss of power may lose the last reservations",
			"remedy", "PRAGMA synchronous=FULL on every connection")
	}
	if timeout == 0 {
		s.warn(ctx, "busy_timeout is 0: SQLite does not wait for other writers by itself",
			"remedy", "PRAGMA busy_timeout=1000 on every connection")
	}
}

func (s *Store) warn(ctx context.Context, text string, args ...any) {
	s.config.Logger.WarnContext(ctx, s.config.Dialect.String()+": "+text, args...)
}

// recentSQLite reports whether a version such as "3.46.1" has all that is used. What cannot be read is let pass: the
// statements decide.
func recentSQLite(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	if major != "3" {
		return major > "3"
	}
	n, err := strconv.Atoi(minor)
	return err != nil || n >= oldestSQLiteMinor
}
