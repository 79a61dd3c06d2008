package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"io"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/commandtest"
)

const vectorFolder = "../../federation/entratest/testdata/vectors"

// inspect runs the program on 2 March 2026, nine o'clock.
func inspect(t testing.TB, stdin string, args ...string) commandtest.Result {
	t.Helper()
	return reading(stdin).command(args...)
}

// reading is the program with this text at standard input.
func reading(stdin string) program {
	p := program{commandtest.New("inspect")}
	p.Stdin = strings.NewReader(stdin)
	return p
}

func (p program) command(args ...string) commandtest.Result {
	return commandtest.Run(&p.Program, args, func() int { return run(p) })
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
	return commandtest.Keep(t, "input", text)
}

// golden compares with the file that is named after the test.
func golden(t *testing.T, got string) {
	t.Helper()
	commandtest.Golden(t, filepath.Join("testdata", "golden", filepath.FromSlash(t.Name())+".txt"), got)
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
