package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision/sqlstore"
)

// fakeDB stands in for a database in tests of what no real one does on demand. It knows no SQL: what a statement that
// contains a text answers is scripted, and what nobody scripted fails.
type fakeDB struct {
	mu      sync.Mutex
	answers []answer
	log     []string // the statements, in their order
}

// answer is what statements that contain a text return: rows, or the number of those that changed, or an error. The
// first answer that fits is taken; one with a count is used up by that many statements.
type answer struct {
	contains string
	rows     [][]driver.Value
	changed  int64
	err      error
	rowsErr  error  // in place of the rows
	count    int    // 0: any number
	during   func() // called while the statement runs
}

func (f *fakeDB) find(query string) (answer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.HasPrefix(query, "BEGIN") {
		query = "BEGIN" // its "READ COMMITTED" is no COMMIT
	}
	f.log = append(f.log, query)
	for i, a := range f.answers {
		if !strings.Contains(query, a.contains) {
			continue
		}
		if a.count == 1 {
			f.answers = append(f.answers[:i:i], f.answers[i+1:]...)
		} else if a.count > 1 {
			f.answers[i].count--
		}
		return a, a.err
	}
	return answer{}, errors.New("nobody scripted: " + query)
}

// count is how many statements contain a text.
func (f *fakeDB) count(contains string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, statement := range f.log {
		if strings.Contains(statement, contains) {
			n++
		}
	}
	return n
}

// Connect and the methods below make it a driver.
func (f *fakeDB) Connect(context.Context) (driver.Conn, error) { return fakeConn{f}, nil }
func (f *fakeDB) Driver() driver.Driver                        { return nil }

type fakeConn struct{ *fakeDB }

func (c fakeConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not prepared") }
func (c fakeConn) Begin() (driver.Tx, error)           { return nil, errors.New("not begun") }
func (c fakeConn) Close() error                        { return nil }

func (c fakeConn) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	a, err := c.find(query)
	if a.during != nil {
		a.during()
	}
	return driver.RowsAffected(a.changed), err
}

func (c fakeConn) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	a, err := c.find(query)
	if err != nil {
		return nil, err
	}
	columns := 0
	if len(a.rows) > 0 {
		columns = len(a.rows[0])
	}
	return &fakeRows{columns, a.rows, a.rowsErr}, nil
}

type fakeRows struct {
	columns int
	left    [][]driver.Value
	err     error
}

func (r *fakeRows) Columns() []string { return make([]string, r.columns) }

func (r *fakeRows) Close() error { return nil }

func (r *fakeRows) Next(to []driver.Value) error {
	if r.err != nil {
		return r.err
	}
	if len(r.left) == 0 {
		return io.EOF
	}
	copy(to, r.left[0])
	r.left = r.left[1:]
	return nil
}

// row is an answer of one row.
func row(contains string, values ...driver.Value) answer {
	return answer{contains: contains, rows: [][]driver.Value{values}}
}

// ready are the answers of a database whose schema is up to date.
func ready(dialect sqlstore.Dialect) []answer {
	if dialect == sqlstore.SQLite {
		return []answer{
			row("sqlite_version()", "3.46.1"), row("pragma_database_list", "/var/lib/host/entrafed.db"),
			row("journal_mode", "wal"), row("synchronous", int64(2)), row("busy_timeout", int64(1000)),
			row("sqlite_master", int64(1)), row("max(version)", int64(3)),
		}
	}
	return []answer{
		row("server_version_num", int64(16), "UTF8", "on"),
		row("pg_class", true), row("max(version)", int64(3)),
	}
}

// open opens the fake. What is scripted comes before what a ready database answers.
func open(t *testing.T, dialect sqlstore.Dialect, answers ...answer) (*sql.DB, *fakeDB) {
	t.Helper()
	fake := &fakeDB{answers: append(answers, ready(dialect)...)}
	db := sql.OpenDB(fake)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db, fake
}

// newStore makes a store on the fake, and forgets what that took.
func newStore(t *testing.T, dialect sqlstore.Dialect, answers ...answer) (*sqlstore.Store, *fakeDB) {
	t.Helper()
	db, fake := open(t, dialect, answers...)
	store, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: dialect})
	require.NoError(t, err)
	fake.log = nil
	return store, fake
}
