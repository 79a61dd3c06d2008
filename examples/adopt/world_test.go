package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"flag"
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
	"github.com/entrafed/entrafed/provision"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing")

// outcome is what a run leaves behind.
type outcome struct {
	code           int
	stdout, stderr string
}

func newProgram() program {
	return program{
		clock: entratest.NewClock(time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)), stdin: strings.NewReader(""),
	}
}

// command runs the program with these flags until it ends by itself.
func (p program) command(t testing.TB, ctx context.Context, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p.args, p.stdout, p.stderr = args, &stdout, &stderr
	code := run(ctx, p)
	return outcome{code, stdout.String(), stderr.String()}
}

// at returns the program in front of a tenant that is not simulated by itself.
func (p program) at(tenant *entratest.Tenant) program {
	app := tenant.Config().Apps[0]
	p.transport = tenant.Transport()
	p.environ = []string{
		environment.Domain + "=contoso.com", environment.TenantID + "=" + tenant.Config().TenantID,
		environment.ClientID + "=" + app.ClientID, environment.ClientSecret + "=" + app.Secret,
	}
	return p
}

// tenant is one whose domain is federated and refuses to change ImmutableIDs, if frozen.
func (p program) tenant(t testing.TB, frozen bool, users ...entratest.User) *entratest.Tenant {
	t.Helper()
	domain := entratest.Domain{Name: "contoso.com"}
	if frozen {
		domain.Federation = &entratest.Federation{
			Issuer: "https://id.contoso.com", SignInURL: "https://id.contoso.com", Certificates: []*x509.Certificate{{}},
		}
	}
	return entratest.Start(t, entratest.Config{
		Domains: []entratest.Domain{domain}, Users: users, Clock: p.clock, Seed: 1, FreezeImmutableID: frozen,
	})
}

// employee is a user with a mail address.
func employee(name, immutableID string) entratest.User {
	upn := name + "@contoso.com"
	return entratest.User{UPN: upn, Mail: upn, ImmutableID: immutableID, Enabled: true}
}

// emergency is a user in the initial domain.
func emergency() entratest.User {
	return entratest.User{UPN: "emergency@contoso.onmicrosoft.com", Enabled: true}
}

// files are those of a test.
type files struct{ plan, undo, tenant string }

func newFiles(t testing.TB) files {
	t.Helper()
	folder := t.TempDir()
	return files{filepath.Join(folder, "plan.json"), filepath.Join(folder, "undo.jsonl"), filepath.Join(folder, "tenant.json")}
}

// planned writes a plan by address.
func (p program) planned(t testing.TB, f files, args ...string) {
	t.Helper()
	got := p.command(t, t.Context(), append([]string{"plan", "-by", "mail", "-out", f.plan}, args...)...)
	require.Less(t, got.code, exitUsage, got.stderr)
}

// ids are the ImmutableIDs of a tenant's users, by UPN.
func ids(tenant *entratest.Tenant) map[string]string {
	out := map[string]string{}
	for _, u := range tenant.Users() {
		out[u.UPN] = u.ImmutableID
	}
	return out
}

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

// items are those of a printed plan, by UPN.
func items(t testing.TB, text string) map[string]provision.AdoptionItem {
	t.Helper()
	var plan provision.AdoptionPlan
	require.NoError(t, json.Unmarshal([]byte(text), &plan))
	out := map[string]provision.AdoptionItem{}
	for _, item := range plan.Items {
		out[item.UPN] = item
	}
	return out
}

// What differs from run to run.
var (
	requestIDs = regexp.MustCompile(`request-id [0-9a-f-]{36}`)
	folders    = regexp.MustCompile(`\S*/(plan\.json|undo\.jsonl|tenant\.json)`)
)

// golden compares with the file that is named after the test.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	got = folders.ReplaceAllString(requestIDs.ReplaceAllString(got, "request-id (a GUID)"), "$1")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "make it with go test -update")
	require.Equal(t, string(want), got)
}

// counting calls back before each request to Graph, with its number, and fails it with the error.
type counting struct {
	next   http.RoundTripper
	before func(n int) error
	n      int
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "graph.microsoft.com" {
		return c.next.RoundTrip(r)
	}
	c.n++
	if err := c.before(c.n); err != nil {
		return nil, err
	}
	return c.next.RoundTrip(r)
}
