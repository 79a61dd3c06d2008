package postgrestest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
)

// ErrNotInstalled is why tests on PostgreSQL are skipped.
var ErrNotInstalled = errors.New("PostgreSQL is not installed: install Debian's package postgresql, or set DATABASE_URL")

// Exec connects to a database, executes a statement and disconnects. It is the caller's, whose driver it is.
type Exec func(ctx context.Context, url, statement string) error

// Server is the PostgreSQL server that all tests of a program share, started by the first that needs it. Exec is set
// before that.
type Server struct {
	Exec Exec

	once sync.Once
	url  string
	stop func()
	err  error
}

// URL returns the address, postgres://…, or skips the test where there is no PostgreSQL.
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

// Database returns the address of an empty database that is the test's alone, or skips the test.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	address, err := url.Parse(s.URL(t))
	if err != nil || address.Scheme == "" {
		t.Fatal("DATABASE_URL is not an address such as postgres://user@host/database")
	}
	name := "entrafed_" + strings.ToLower(rand.Text())
	if err := s.Exec(t.Context(), s.url, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Exec(context.Background(), s.url, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	address.Path = "/" + name
	return address.String()
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
	url, stop, err := startServer(dir, s.Exec)
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
