package main

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/federation/entratest"
)

func newProgram() program {
	return program{Program: commandtest.New("provision"), random: rand.NewChaCha8([32]byte{1})}
}

// runWith runs the program with these flags until it ends by itself.
func runWith(t testing.TB, args ...string) commandtest.Result {
	t.Helper()
	return newProgram().command(t, t.Context(), args...)
}

func (p program) command(t testing.TB, ctx context.Context, args ...string) commandtest.Result {
	t.Helper()
	return commandtest.Run(&p.Program, args, func() int { return run(ctx, p) })
}

// at returns the program in front of a tenant that is not simulated by itself.
func (p program) at(tenant *entratest.Tenant, variables ...string) program {
	p.Program = commandtest.At(p.Program, tenant, append(variables, environment.UsageLocation+"=DE")...)
	return p
}

func (p program) tenant(t testing.TB, cfg entratest.Config) *entratest.Tenant {
	t.Helper()
	cfg.Clock, cfg.Seed = p.Clock, 1
	return entratest.Start(t, cfg)
}

// reported are the lines of a report.
func reported(t testing.TB, file string) (lines []reportLine) {
	t.Helper()
	for line := range strings.Lines(commandtest.Read(t, file)) {
		var read reportLine
		require.NoError(t, json.Unmarshal([]byte(line), &read))
		lines = append(lines, read)
	}
	return lines
}

// crowd is a file of that many people. The first one is on line 2.
func crowd(n int) string {
	var b strings.Builder
	b.WriteString("connection,id,email\n")
	for i := range n {
		id := string(rune('a'+i/26)) + string(rune('a'+i%26))
		b.WriteString("google," + id + "," + id + "@example.net\n")
	}
	return b.String()
}

// What differs from run to run.
var (
	guids   = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	times   = regexp.MustCompile(`"at":"[^"]*"`)
	seconds = regexp.MustCompile(`"seconds": [0-9.]+`)
)

func settled(text string) string {
	text = guids.ReplaceAllString(text, `(a GUID)`)
	text = times.ReplaceAllString(text, `"at":"(a time)"`)
	return seconds.ReplaceAllString(text, `"seconds": 0`)
}

// golden compares with the file that is named after the test.
func golden(t *testing.T, name, got string) {
	t.Helper()
	commandtest.Golden(t, filepath.Join("testdata", "golden", name+".txt"), settled(got))
}

// failing is a reader that breaks off.
type failing struct {
	r   io.Reader
	err error
}

func (f failing) Read(b []byte) (int, error) {
	n, err := f.r.Read(b)
	if err == io.EOF {
		err = f.err
	}
	return n, err
}
