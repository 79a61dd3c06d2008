package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/examples/internal/sqlite"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/provision/sqlstore"
)

// database says where the state is kept: who has which account, and who is signed in.
type database struct {
	url  string // of a PostgreSQL, for several replicas; empty: the file
	file string // an SQLite database, made if there is none
}

const defaultStateFile = "entrafed.db"

func readDatabase(e *environment.Variables) database {
	d := database{url: e.Value(varDatabase), file: e.Value(varStateFile)}
	switch scheme, _, found := strings.Cut(d.url, "://"); {
	case d.url != "" && d.file != "":
		e.Refuse(varStateFile, "is set, and %s too: set one of them", varDatabase)
	case found && scheme != "postgres" && scheme != "postgresql":
		e.Refuse(varDatabase, "begins with %q: only postgres:// is known; for SQLite set %s", scheme+"://", varStateFile)
	case d.url != "" && !found:
		e.Refuse(varDatabase, "is not an address such as %s", e.Explain(varDatabase).Example)
	case d.url != "":
		_, err := url.Parse(d.url) // its error would quote the password
		if err != nil {
			e.Refuse(varDatabase, "is not an address such as %s", e.Explain(varDatabase).Example)
		}
	case d.file == "":
		d.file = defaultStateFile
	}
	return d
}

// String never holds a password.
func (d database) String() string {
	if d.url == "" {
		return "SQLite, " + d.file
	}
	if u, err := url.Parse(d.url); err == nil {
		return "PostgreSQL, " + u.Host + u.Path
	}
	return "PostgreSQL"
}

// dialect is the one of the database, for package sqlstore.
func (d database) dialect() sqlstore.Dialect {
	if d.url != "" {
		return sqlstore.PostgreSQL
	}
	return sqlstore.SQLite
}

// state is the open database.
type state struct {
	db     *sql.DB
	people *sqlstore.Store
	pacer  *sqlstore.Pacer // of all replicas together
}

const databaseTime = 30 * time.Second

// open opens the database and brings its tables up to date. The error says how to mend what is wrong.
func (d database) open(ctx context.Context, now func() time.Time, log *slog.Logger) (*state, error) {
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	db, err := d.connect()
	if err != nil {
		return nil, err
	}
	s := &state{db: db}
	config := sqlstore.Config{DB: db, Dialect: d.dialect(), Now: now, Logger: log}
	if s.people, err = sqlstore.New(ctx, config); err == nil {
		s.pacer, err = sqlstore.NewPacer(ctx, config, provision.Pace{})
	}
	if err == nil {
		err = createSessions(ctx, db)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the state cannot be kept in %v: %w", d, err), db.Close())
	}
	return s, nil
}

func (s *state) close() error { return s.db.Close() }

func (d database) connect() (*sql.DB, error) {
	if d.url != "" {
		db, err := sql.Open("pgx", d.url)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be understood", varDatabase) // the cause may quote the password
		}
		db.SetMaxOpenConns(20)
		return db, nil
	}
	db, err := sqlite.Open(d.file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", varStateFile, err)
	}
	return db, nil
}

// examine tries the database as -check does, and makes nothing.
func (d database) examine(ctx context.Context) finding {
	f := finding{Name: "state", Result: passed, Detail: d.String()}
	err := d.reach(ctx)
	if err != nil {
		f.Result, f.Detail = failed, fmt.Sprintf("%v: %v", d, err)
		f.Remedy = "set " + varStateFile + " to a file in a folder that this program may write to, or " + varDatabase +
			" to a PostgreSQL that it may use"
	}
	return f
}

func (d database) reach(ctx context.Context) error {
	if d.url == "" {
		return writable(d.file)
	}
	db, err := d.connect()
	if err != nil {
		return err
	}
	defer db.Close()
	return db.PingContext(ctx)
}

// writable reports whether the file can be written to, or made.
func writable(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		var folder os.FileInfo
		if folder, err = os.Stat(filepath.Dir(file)); err == nil && !folder.IsDir() {
			err = fmt.Errorf("%s is not a folder", filepath.Dir(file))
		}
		return err
	}
	if err != nil {
		return err
	}
	return f.Close()
}
