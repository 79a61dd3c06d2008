package sqltest

import (
	"context"
	"database/sql"
	"os"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/entrafed/entrafed/internal/postgrestest"
)

// server is the PostgreSQL server that all tests share, started by the first that needs it.
var server = postgrestest.Server{Exec: execute}

func TestMain(m *testing.M) {
	if job := os.Getenv(workerJob); job != "" {
		os.Exit(work(job))
	}
	code := m.Run()
	server.Close()
	os.Exit(code)
}

func execute(ctx context.Context, url, statement string) error {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// postgresURL returns how to connect to PostgreSQL, or skips the test.
func postgresURL(t testing.TB) string {
	t.Helper()
	return server.URL(t)
}
