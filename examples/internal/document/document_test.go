package document_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/document"
)

type plan struct{ Domain string }

func TestADocumentIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "plan.json")
	require.NoError(t, document.Absent(path, "-out"))
	require.NoError(t, document.Create(path, plan{"contoso.com"}))
	require.EqualError(t, document.Absent(path, "-out"), "-out: "+path+" exists, and is not overwritten")
	require.ErrorIs(t, document.Create(path, plan{"fabrikam.com"}), os.ErrExist)
	var read plan
	require.NoError(t, document.Read(path, &read))
	require.Equal(t, plan{"contoso.com"}, read)

	require.NoError(t, document.Replace(path, plan{"<a & b>"}))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "{\n  \"Domain\": \"<a & b>\"\n}\n", string(text))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoFileExists(t, path+".new")
}

func TestWhatIsNoDocumentIsRefused(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"":                            "EOF",
		"{":                           "unexpected EOF",
		`{"Domian":"contoso.com"}`:    `unknown field "Domian"`,
		`{"Domain":"contoso.com"} {}`: "there is more after",
	} {
		path := filepath.Join(t.TempDir(), "plan.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		err := document.Read(path, &plan{})
		require.ErrorContains(t, err, says, text)
		require.True(t, strings.HasPrefix(err.Error(), path+": "), err)
	}
	require.ErrorIs(t, document.Read(filepath.Join(t.TempDir(), "nowhere"), &plan{}), os.ErrNotExist)
}

func TestNoFlagNamesNoFile(t *testing.T) {
	t.Parallel()
	require.NoError(t, document.Absent("", "-out"))
	require.Error(t, document.Absent(filepath.Join(os.Args[0], "file"), "-out"), "a file is no folder")
}
