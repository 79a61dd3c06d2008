package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"flag"
	"io"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing")

const vectorFolder = "../../federation/entratest/testdata/vectors"

// result is what a run leaves behind.
type result struct {
	code           int
	stdout, stderr string
}

// inspect runs the program on 2 March 2026, nine o'clock.
func inspect(t testing.TB, stdin string, args ...string) result {
	t.Helper()
	return inspectWith(t, program{stdin: strings.NewReader(stdin)}, args...)
}

func inspectWith(t testing.TB, p program, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p.args, p.stdout, p.stderr = args, &stdout, &stderr
	p.now = func() time.Time { return time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC) }
	code := run(p)
	return result{code, stdout.String(), stderr.String()}
}

// vector is a file of entratest's testdata/vectors.
type vector struct {
	name   string
	header textproto.MIMEHeader
	body   string
}

func readVector(t testing.TB, file string) vector {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	reader := bufio.NewReader(bytes.NewReader(raw))
	header, err := textproto.NewReader(reader).ReadMIMEHeader()
	require.NoError(t, err)
	body, err := io.ReadAll(reader)
	require.NoError(t, err)
	return vector{strings.TrimSuffix(filepath.Base(file), ".txt"), header, strings.TrimSuffix(string(body), "\n")}
}

func vectorNamed(t testing.TB, name string) vector {
	t.Helper()
	return readVector(t, filepath.Join(vectorFolder, name+".txt"))
}

func certificate(name string) string {
	return filepath.Join(vectorFolder, "keys", "throwaway-"+name+".crt")
}

// usual are the flags for a response of the vectors' identity provider.
func usual(more ...string) []string {
	return append([]string{"-issuer", "https://id.contoso.com/entra", "-cert", certificate("contoso")}, more...)
}

// keep writes text to a file of the test.
func keep(t testing.TB, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "input")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// golden compares with the file that is named after the test.
func golden(t *testing.T, got string) {
	t.Helper()
	file := filepath.Join("testdata", "golden", filepath.FromSlash(t.Name())+".txt")
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "make it with go test -update")
	require.Equal(t, string(want), got)
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
