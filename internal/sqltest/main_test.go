package sqltest

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// errNoPostgres is why the tests on PostgreSQL are skipped.
var errNoPostgres = errors.New("PostgreSQL is not installed: install Debian's package postgresql, or set DATABASE_URL")

// server is the PostgreSQL server that all tests share, started by the first that needs it.
var server struct {
	once sync.Once
	url  string
	stop func()
	err  error
}

func TestMain(m *testing.M) {
	if job := os.Getenv(workerJob); job != "" {
		os.Exit(work(job))
	}
	code := m.Run()
	if server.stop != nil {
		server.stop()
	}
	os.Exit(code)
}

// postgresURL returns how to connect to PostgreSQL, or skips the test.
func postgresURL(t testing.TB) string {
	t.Helper()
	server.once.Do(func() {
		if server.url = os.Getenv("DATABASE_URL"); server.url != "" {
			return
		}
		dir, err := os.MkdirTemp("", "entrafed-postgres-")
		if err != nil {
			server.err = err
			return
		}
		url, stop, err := startPostgres(dir)
		server.url, server.err = url, err
		server.stop = func() {
			if stop != nil {
				stop()
			}
			if err := os.RemoveAll(dir); err != nil {
				fmt.Fprintln(os.Stderr, "sqltest:", err)
			}
		}
	})
	switch {
	case errors.Is(server.err, errNoPostgres):
		t.Skip(server.err)
	case server.err != nil:
		t.Fatal(server.err)
	}
	return server.url
}
