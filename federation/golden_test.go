package federation_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// golden compares a text with a file of testdata, or writes it with UPDATE_GOLDEN=1 in the environment.
func golden(t *testing.T, folder, name, text string) {
	t.Helper()
	file := filepath.Join("testdata", folder, strings.NewReplacer(" ", "_", ",", "", "'", "").Replace(name))
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "make it with UPDATE_GOLDEN=1 go test")
	require.Equal(t, string(want), text)
}
