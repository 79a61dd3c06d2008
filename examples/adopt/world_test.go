package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

func newProgram() program { return program{commandtest.New("adopt")} }

// command runs the program with these flags until it ends by itself.
func (p program) command(t testing.TB, ctx context.Context, args ...string) commandtest.Result {
	t.Helper()
	return commandtest.Run(&p.Program, args, func() int { return run(ctx, p) })
}

// at returns the program in front of a tenant that is not simulated by itself.
func (p program) at(tenant *entratest.Tenant) program {
	return program{commandtest.At(p.Program, tenant)}
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
		Domains: []entratest.Domain{domain}, Users: users, Clock: p.Clock, Seed: 1, FreezeImmutableID: frozen,
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
	require.Less(t, got.Code, command.ExitUsage, got.Stderr)
}

// ids are the ImmutableIDs of a tenant's users, by UPN.
func ids(tenant *entratest.Tenant) map[string]string {
	out := map[string]string{}
	for _, u := range tenant.Users() {
		out[u.UPN] = u.ImmutableID
	}
	return out
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
	commandtest.Golden(t, file, got)
}
