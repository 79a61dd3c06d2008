package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// ErrNotInstalled is why tests on PostgreSQL are skipped.
var ErrNotInstalled = errors.New("PostgreSQL is not installed: install Debian's package postgresql, or set DATABASE_URL")

// Ping connects to a database and reports whether it answers. It is the caller's, whose driver it is.
type Ping func(ctx context.Context, url string) error

// Server is the PostgreSQL server that all tests of a program share, started by the first that needs it. Ping is set
// before that.
type Server struct {
	Ping Ping

	once sync.Once
	url  string
	stop func()
	err  error
}

// URL returns how to connect, as pgx reads it, or skips the test where there is no PostgreSQL.
func (s *Server) URL(t testing.TB) string {
	t.Helper()
	s.once.Do(s.start)
	switch {
	case errors.Is(s.err, ErrNotInstalled):
		t.Skip(s.err)
	case s.err != nil:
		t.Fatal(s.err)
	}
	return s.url
}

func (s *Server) start() {
	if s.url = os.Getenv("DATABASE_URL"); s.url != "" {
		return
	}
	dir, err := os.MkdirTemp("", "entrafed-postgres-")
	if err != nil {
		s.err = err
		return
	}
	url, stop, err := startServer(dir, s.Ping)
	s.url, s.err = url, err
	s.stop = func() {
		if stop != nil {
			stop()
		}
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, "postgrestest:", err)
		}
	}
}

// Close stops the server if it was started here, for TestMain. It is also stopped when the program ends in another way.
func (s *Server) Close() {
	if s.stop != nil {
		s.stop()
	}
}
