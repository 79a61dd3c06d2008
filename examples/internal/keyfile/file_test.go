package keyfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/examples/internal/keyfile"
)

func TestAKeyFileForItsOwnerAloneIsAccepted(t *testing.T) {
	t.Parallel()
	file := commandtest.Keep(t, "key", "secret")
	for mode, accepted := range map[os.FileMode]bool{
		0o600: true, 0o400: true, 0o700: true, 0o640: false, 0o604: false, 0o660: false, 0o601: false,
	} {
		require.NoError(t, os.Chmod(file, mode))
		_, err := keyfile.ReadPrivate(file)
		require.Equal(t, accepted, err == nil, "mode %04o: %v", mode, err)
	}
}

func TestALinkToAKeyFileIsJudgedByTheFile(t *testing.T) {
	t.Parallel()
	file := commandtest.Keep(t, "key", "secret")
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(file, link))
	_, err := keyfile.ReadPrivate(link)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(file, 0o644))
	_, err = keyfile.ReadPrivate(link)
	require.ErrorContains(t, err, "chmod 600")
}
