package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/sqlite"
)

func TestADatabaseIsForItsOwnerAloneAndLasts(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "people and more?.db")
	for range 2 {
		db, err := sqlite.Open(file)
		require.NoError(t, err)
		_, err = db.ExecContext(t.Context(), "CREATE TABLE IF NOT EXISTS people (id INTEGER)")
		require.NoError(t, err)
		var mode string
		require.NoError(t, db.QueryRowContext(t.Context(), "PRAGMA journal_mode").Scan(&mode))
		require.Equal(t, "wal", mode)
		require.NoError(t, db.Close())
	}
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NotZero(t, info.Size())
	_, err = sqlite.Open(filepath.Join(file, "below"))
	require.Error(t, err)
}
