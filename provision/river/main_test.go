package river_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/entrafed/entrafed/internal/postgrestest"
)

// server is the PostgreSQL server that all tests share.
var server = postgrestest.Server{Exec: func(ctx context.Context, url, statement string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}}

func TestMain(m *testing.M) {
	if job := os.Getenv(workerJob); job != "" {
		os.Exit(work(job))
	}
	code := m.Run()
	server.Close()
	os.Exit(code)
}
