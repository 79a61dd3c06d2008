package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/federation/entratest"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing")

// result is what a run leaves behind.
type result struct {
	code           int
	stdout, stderr string
}

func newProgram() program {
	return program{
		clock:  entratest.NewClock(time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)),
		random: rand.NewChaCha8([32]byte{1}), stdin: strings.NewReader(""),
	}
}

// command runs the program with these flags until it ends by itself.
func command(t testing.TB, args ...string) result {
	t.Helper()
	return newProgram().command(t, t.Context(), args...)
}

func (p program) command(t testing.TB, ctx context.Context, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p.args, p.stdout, p.stderr = args, &stdout, &stderr
	code := run(ctx, p)
	return result{code, stdout.String(), stderr.String()}
}

// at returns the program in front of a tenant that is not simulated by itself.
func (p program) at(tenant *entratest.Tenant, variables ...string) program {
	app := tenant.Config().Apps[0]
	p.transport = tenant.Transport()
	p.environ = append([]string{
		environment.Domain + "=contoso.com", environment.UsageLocation + "=DE", environment.TenantID + "=" + tenant.Config().TenantID,
		environment.ClientID + "=" + app.ClientID, environment.ClientSecret + "=" + app.Secret,
	}, variables...)
	return p
}

func (p program) tenant(t testing.TB, cfg entratest.Config) *entratest.Tenant {
	t.Helper()
	cfg.Clock, cfg.Seed = p.clock, 1
	return entratest.Start(t, cfg)
}

// keep writes text to a file of the test.
func keep(t testing.TB, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func read(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

// reported are the lines of a report.
func reported(t testing.TB, file string) (lines []reportLine) {
	t.Helper()
	for line := range strings.Lines(read(t, file)) {
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
	file := filepath.Join("testdata", "golden", name+".txt")
	got = settled(got)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "make it with go test -update")
	require.Equal(t, string(want), got)
}

// counting calls back before each request, with its number.
type counting struct {
	next   http.RoundTripper
	before func(n int)
	n      int
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n++
	c.before(c.n)
	return c.next.RoundTrip(r)
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
