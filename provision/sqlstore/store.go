package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/entrafed/entrafed/provision"
)

// Store is a [provision.Store], a [provision.Leaser], a [provision.Index] and [provision.Cursors] in a database. It is
// safe for concurrent use, also by other processes with Stores of their own. It holds no connection between calls and
// needs no closing.
type Store struct {
	config  Config
	sql     statements
	writing chan struct{} // holds a token while a statement writes, on SQLite
}

var (
	_ provision.Store   = (*Store)(nil)
	_ provision.Leaser  = (*Store)(nil)
	_ provision.Index   = (*Store)(nil)
	_ provision.Cursors = (*Store)(nil)
)

// New checks the configuration and the database, brings the schema up to date, and returns a Store. The error lists all
// that is wrong with the configuration; it is a [*SchemaError] if the schema is too new, or may not be changed.
func New(ctx context.Context, config Config) (*Store, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	s := &Store{config: config, sql: config.statements(), writing: make(chan struct{}, 1)}
	if err := s.checkDatabase(ctx); err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// statements are all that a Store asks of the database after New.
type statements struct {
	load, reserve, save, version, holders string
	loadByObjectID, list                  string
	loadCursor, saveCursor                string
	acquire, expire, renew, release       string
}

func (c Config) statements() statements {
	names := strings.NewReplacer("{people}", c.table("people"), "{leases}", c.table("leases"),
		"{cursors}", c.table("cursors"), "{fields}", fields, "{each}", "?"+strings.Repeat(", ?", strings.Count(fields, ",")),
		"{assignments}", strings.ReplaceAll(fields, ",", " = ?,")+" = ?")
	query := func(statement string) string { return c.Dialect.query(names.Replace(statement)) }
	return statements{
		load: query(`SELECT connection, id, version, {fields} FROM {people} WHERE connection = ? AND id = ?`),

		loadByObjectID: query(`SELECT connection, id, version, {fields} FROM {people} WHERE object_id = ? AND object_id <> ''
			ORDER BY connection, id`), // no LIMIT: with one, PostgreSQL may walk the primary key instead of the index

		list: query(`SELECT connection, id, version, {fields} FROM {people} WHERE (connection, id) > (?, ?)
			ORDER BY connection, id LIMIT ?`),

		reserve: query(`INSERT INTO {people} (connection, id, version, {fields}, upn_folded)
			VALUES (?, ?, ?, {each}, ?) ON CONFLICT DO NOTHING`),

		save: query(`UPDATE {people} SET version = version + 1, {assignments}, upn_folded = ?
			WHERE connection = ? AND id = ? AND version = ? AND NOT EXISTS (SELECT 1 FROM {people} AS other
				WHERE (other.immutable_id = ? OR other.upn_folded = ?) AND NOT (other.connection = ? AND other.id = ?))`),

		version: query(`SELECT version FROM {people} WHERE connection = ? AND id = ?`),

		holders: query(`SELECT immutable_id, upn_folded FROM {people}
			WHERE (immutable_id = ? OR upn_folded = ?) AND NOT (connection = ? AND id = ?)`),

		loadCursor: query(`SELECT value FROM {cursors} WHERE name = ?`),

		saveCursor: query(`INSERT INTO {cursors} (name, value) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`),

		acquire: query(`INSERT INTO {leases} (connection, id, expires_at) VALUES (?, ?, ?)
			ON CONFLICT (connection, id) DO NOTHING RETURNING token`),

		expire: query(`DELETE FROM {leases} WHERE connection = ? AND id = ? AND expires_at <= ?`),

		renew: query(`UPDATE {leases} SET expires_at = ? WHERE token = ? AND connection = ? AND id = ?`),

		release: query(`DELETE FROM {leases} WHERE token = ? AND connection = ? AND id = ?`),
	}
}

// Load implements [provision.Store].
func (s *Store) Load(ctx context.Context, key provision.PersonKey) (rec provision.Record, err error) {
	if err := key.Validate(); err != nil {
		return provision.Record{}, err
	}
	err = s.retry(ctx, "loading a record", func(ctx context.Context) (err error) {
		rec, err = s.load(ctx, key)
		return err
	})
	return rec, err
}

// Reserve implements [provision.Store].
func (s *Store) Reserve(ctx context.Context, rec provision.Record) (stored provision.Record, err error) {
	if err := rec.Validate(); err != nil {
		return provision.Record{}, err
	}
	rec.Version = 1
	err = s.retry(ctx, "reserving an identity", func(ctx context.Context) (err error) {
		stored, err = s.reserve(ctx, rec)
		return err
	})
	return stored, err
}

// Save implements [provision.Store].
func (s *Store) Save(ctx context.Context, rec provision.Record) (provision.Record, error) {
	if err := rec.Validate(); err != nil {
		return provision.Record{}, err
	}
	err := s.retry(ctx, "saving a record", func(ctx context.Context) error { return s.save(ctx, rec) })
	if err != nil {
		return provision.Record{}, err
	}
	rec.Version++
	return rec, nil
}

func (s *Store) load(ctx context.Context, key provision.PersonKey) (provision.Record, error) {
	return scan(s.config.DB.QueryRowContext(ctx, s.sql.load, key.Connection, key.ID))
}

// reserve inserts the record, or says what is in its way.
func (s *Store) reserve(ctx context.Context, rec provision.Record) (provision.Record, error) {
	inserted, err := s.exec(ctx, s.sql.reserve, slices.Concat(
		[]any{rec.Key.Connection, rec.Key.ID, rec.Version}, values(rec), []any{fold(rec.UPN)})...)
	if err != nil {
		return provision.Record{}, err
	}
	if inserted {
		return rec, nil
	}
	stored, err := s.load(ctx, rec.Key)
	if errors.Is(err, provision.ErrNoRecord) {
		return provision.Record{}, s.taken(ctx, rec)
	}
	return stored, err
}

// save updates the record, or says what is in its way.
func (s *Store) save(ctx context.Context, rec provision.Record) error {
	saved, err := s.exec(ctx, s.sql.save, append(values(rec),
		fold(rec.UPN), rec.Key.Connection, rec.Key.ID, rec.Version,
		rec.ImmutableID, fold(rec.UPN), rec.Key.Connection, rec.Key.ID)...)
	if err != nil || saved {
		return err
	}
	var version int64
	err = s.config.DB.QueryRowContext(ctx, s.sql.version, rec.Key.Connection, rec.Key.ID).Scan(&version)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && version != rec.Version:
		return provision.ErrStaleRecord
	case err != nil:
		return err
	}
	return s.taken(ctx, rec)
}

// taken says what of rec somebody else holds. It is errAgain if nobody does any more.
func (s *Store) taken(ctx context.Context, rec provision.Record) (err error) {
	rows, err := s.config.DB.QueryContext(ctx, s.sql.holders,
		rec.ImmutableID, fold(rec.UPN), rec.Key.Connection, rec.Key.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	answer := errAgain
	for rows.Next() {
		var immutableID, folded string
		if err := rows.Scan(&immutableID, &folded); err != nil {
			return err
		}
		if immutableID == rec.ImmutableID {
			answer = provision.ErrImmutableIDTaken
		} else if answer == errAgain {
			answer = provision.ErrUPNTaken
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return answer
}

// exec reports whether a statement that changes one row did so.
func (s *Store) exec(ctx context.Context, statement string, args ...any) (changed bool, err error) {
	err = s.write(ctx, func() error {
		result, err := s.config.DB.ExecContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		changed = rows > 0
		return err
	})
	return changed, err
}

// write runs a statement that writes. SQLite lets one writer in at a time and has no queue for the others; where they
// are in this process, they wait here instead of trying again and again.
func (s *Store) write(ctx context.Context, statement func() error) error {
	if s.config.Dialect == SQLite {
		select {
		case s.writing <- struct{}{}:
			defer func() { <-s.writing }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return statement()
}

// fold makes UPNs equal that differ in case only. It is not left to the database: what lower() does to an I there may
// depend on the language that the server was set up in.
func fold(upn string) string { return strings.ToLower(upn) }
