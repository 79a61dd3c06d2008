// Package commandtest is what the tests of the commands have in common: they run a command as the operating system would,
// in front of a simulated tenant, and compare what it prints with files.
package commandtest

import (
	"bytes"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/federation/entratest"
)

// Morning is when the tests take place: 2 March 2026, nine o'clock UTC.
func Morning() time.Time { return time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC) }

// New returns a program with nothing in its environment and nobody at standard input. Its clock stands at [Morning].
func New(name string) command.Program {
	return command.Program{Name: name, Stdin: strings.NewReader(""), Clock: entratest.NewClock(Morning())}
}

// At puts a program in front of a tenant, with a secret of its application and these further variables.
func At(p command.Program, tenant *entratest.Tenant, variables ...string) command.Program {
	app := tenant.Config().Apps[0]
	p.Transport = tenant.Transport()
	p.Environ = append([]string{
		environment.Domain + "=contoso.com", environment.TenantID + "=" + tenant.Config().TenantID,
		environment.ClientID + "=" + app.ClientID, environment.ClientSecret + "=" + app.Secret,
	}, variables...)
	return p
}

// Result is what a run leaves behind.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Run gives the program its arguments, and keeps what it prints until run returns its exit code.
func Run(p *command.Program, args []string, run func() int) Result {
	var stdout, stderr bytes.Buffer
	p.Args, p.Stdout, p.Stderr = args, &stdout, &stderr
	code := run()
	return Result{code, stdout.String(), stderr.String()}
}

// Keep writes text to a new file of the test, and returns its path.
func Keep(t testing.TB, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// Read returns what is in a file.
func Read(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

var update = flag.Bool("update", false, "write the golden files instead of comparing")

// Golden compares with a file, or writes it if the tests run with -update.
func Golden(t testing.TB, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "make it with go test -update")
	require.Equal(t, string(want), got)
}

// Counting is a transport that calls back before each request to a host, with its number from 1, and fails the request
// with the error that is returned.
type Counting struct {
	Next   http.RoundTripper
	Host   string // empty: all hosts
	Before func(n int) error

	n int
}

// RoundTrip implements [http.RoundTripper].
func (c *Counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.Host != "" && r.URL.Host != c.Host {
		return c.Next.RoundTrip(r)
	}
	c.n++
	if err := c.Before(c.n); err != nil {
		return nil, err
	}
	return c.Next.RoundTrip(r)
}
