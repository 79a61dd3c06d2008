package main

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

func TestADryRun(t *testing.T) {
	t.Parallel()
	report := filepath.Join(t.TempDir(), "report.jsonl")
	got := runWith(t, "-simulate", "-dry-run", "-report", report, peopleFile)
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	golden(t, "dryrun", got.Stdout)
	golden(t, "dryrun.report", commandtest.Read(t, report))
	require.NoFileExists(t, statePath(report), "there is nothing to resume")
}

func TestADryRunOnlyReads(t *testing.T) {
	t.Parallel()
	p := newProgram()
	tenant := p.tenant(t, entratest.Config{})
	got := p.at(tenant, environment.Licenses+"=O365_BUSINESS_PREMIUM").command(t, t.Context(), "-dry-run", peopleFile)
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	require.Empty(t, tenant.Users())
	require.NotEmpty(t, tenant.GraphCalls())
	for _, call := range tenant.GraphCalls() {
		require.Equal(t, http.MethodGet, call.Method)
	}
}

func TestWhatADryRunSaysOfAPerson(t *testing.T) {
	t.Parallel()
	contractor := provision.ImmutableIDFromSubject("google", "104")
	for _, c := range []struct {
		name   string
		user   entratest.User
		people string
		want   []string
		code   int
	}{
		{"somebody new", entratest.User{}, "google,104,contractor@example.net,,", []string{"would-create contractor@contoso.com"}, 0},
		{"an account that is there", entratest.User{UPN: "somebody@contoso.com", ImmutableID: contractor},
			"google,104,contractor@example.net,,", []string{"would-adopt somebody@contoso.com"}, 0},
		{"a UPN that is taken", entratest.User{UPN: "contractor@contoso.com", ImmutableID: "another"},
			"google,104,contractor@example.net,,", []string{"would-create contractor2@contoso.com"}, 0},
		{"a UPN that somebody before would get", entratest.User{},
			"google,104,contractor@example.net,,\ngoogle,105,contractor@example.org,,",
			[]string{"line 2: google 104: would-create contractor@contoso.com", "line 3: google 105: would-create contractor2@"}, 0},
		{"a given UPN that is taken", entratest.User{UPN: "boss@contoso.com", ImmutableID: "another"},
			"google,104,,boss@contoso.com,", []string{"refused boss@contoso.com", "because: conflict"}, 1},
		{"a given UPN that the account does not have", entratest.User{UPN: "boss@contoso.com", ImmutableID: contractor},
			"google,104,,other@contoso.com,", []string{"refused", "because: invalid-person"}, 1},
		{"a sync's own person", entratest.User{}, "ldap,1,,employee@contoso.com,abc", []string{"would-skip employee@contoso.com"}, 0},
		{"a sync's own person without a UPN", entratest.User{}, "ldap,1,,,abc", []string{"refused"}, 1},
		{"the same person again", entratest.User{}, "google,104,,,\ngoogle,104,,,", []string{"line 3: google 104: known"}, 0},
		{"a line that cannot be read", entratest.User{}, "google,104", []string{"line 2:", "refused"}, 1},
		{"an invalid person", entratest.User{}, "google,,,,", []string{"refused", "because: invalid-person"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProgram()
			cfg := entratest.Config{}
			if c.user.UPN != "" {
				cfg.Users = []entratest.User{c.user}
			}
			p = p.at(p.tenant(t, cfg), environment.SkipConnections+"=ldap")
			file := commandtest.Keep(t, "people.csv", "connection,id,email,upn,immutable_id\n"+c.people+"\n")
			got := p.command(t, t.Context(), "-dry-run", file)
			require.Equal(t, c.code, got.Code, got.Stderr)
			for _, want := range c.want {
				require.Contains(t, got.Stdout, want)
			}
		})
	}
}

func TestADryRunCountsTheSeats(t *testing.T) {
	t.Parallel()
	sku := func(change func(*entratest.SKU)) entratest.SKU {
		s := entratest.SKU{ID: "f245ecc8-75af-4f8e-b61f-27d8114de5f3", PartNumber: "O365_BUSINESS_PREMIUM", Enabled: 3}
		change(&s)
		return s
	}
	holder := entratest.User{UPN: "aa@contoso.com", ImmutableID: provision.ImmutableIDFromSubject("google", "aa"),
		UsageLocation: "DE", SKUIDs: []string{"f245ecc8-75af-4f8e-b61f-27d8114de5f3"}}
	for _, c := range []struct {
		name   string
		sku    entratest.SKU
		users  []entratest.User
		people int
		want   string
		code   int
	}{
		{"enough", sku(func(*entratest.SKU) {}), nil, 3, "3  seats of O365_BUSINESS_PREMIUM: 3 are free", command.ExitOK},
		{"too few", sku(func(*entratest.SKU) {}), nil, 5, "5  seats of O365_BUSINESS_PREMIUM: 3 are free, 2 are missing", command.ExitFailed},
		{"who has one needs none", sku(func(*entratest.SKU) {}), []entratest.User{holder}, 3,
			"2  seats of O365_BUSINESS_PREMIUM: 2 are free", command.ExitOK},
		{"another subscription", sku(func(s *entratest.SKU) { s.PartNumber = "STANDARDPACK" }), nil, 1,
			"the tenant has no such subscription", command.ExitFailed},
		{"for the company", sku(func(s *entratest.SKU) { s.AppliesTo = "Company" }), nil, 1, "for the company, not for users", command.ExitFailed},
		{"suspended", sku(func(s *entratest.SKU) { s.Status = "Suspended" }), nil, 1, `"Suspended"`, command.ExitFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProgram()
			p = p.at(p.tenant(t, entratest.Config{SKUs: []entratest.SKU{c.sku}, Users: c.users}),
				environment.Licenses+"=O365_BUSINESS_PREMIUM")
			got := p.command(t, t.Context(), "-dry-run", commandtest.Keep(t, "people.csv", crowd(c.people)))
			require.Equal(t, c.code, got.Code, got.Stderr)
			require.Contains(t, got.Stdout, c.want)
		})
	}
}

func TestADryRunOfManyPeopleKeepsTheirOrder(t *testing.T) {
	t.Parallel()
	report := filepath.Join(t.TempDir(), "report.jsonl")
	got := runWith(t, "-simulate", "-dry-run", "-json", "-report", report, commandtest.Keep(t, "people.csv", crowd(50)))
	require.Equal(t, command.ExitOK, got.Code)
	require.Contains(t, got.Stdout, `"would-create": 50`)
	for i, line := range reported(t, report) {
		require.Equal(t, i+2, line.Line)
	}
}

func TestADryRunWaitsForABusyTenant(t *testing.T) {
	t.Parallel()
	p := newProgram()
	tenant := p.tenant(t, entratest.Config{Throttle: entratest.Throttle{Scale: 0.01}})
	got := p.at(tenant).command(t, t.Context(), "-dry-run", "-concurrency", "1", commandtest.Keep(t, "people.csv", crowd(60)))
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	require.Contains(t, got.Stdout, "60  would-create")
}

func TestADryRunWithoutAccessStopsAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		permissions []string
		secret      string
		want        string
	}{
		{"a wrong secret", []string{"User.Read.All"}, "wrong", "AADSTS7000215"},
		{"no permission", nil, entratest.DefaultApp().Secret, "403"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProgram()
			app := entratest.DefaultApp()
			app.Permissions = c.permissions
			p = p.at(p.tenant(t, entratest.Config{Apps: []entratest.App{app}}), environment.ClientSecret+"="+c.secret)
			got := p.command(t, t.Context(), "-dry-run", commandtest.Keep(t, "people.csv", crowd(30)))
			require.Equal(t, command.ExitStopped, got.Code)
			require.Contains(t, got.Stderr, c.want)
			require.Contains(t, got.Stderr, "nothing was changed")
			require.Contains(t, got.Stdout, "0  people")
		})
	}
}

func TestADryRunCanBeInterrupted(t *testing.T) {
	t.Parallel()
	p := newProgram()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	p = p.at(p.tenant(t, entratest.Config{}))
	p.Transport = &commandtest.Counting{Next: p.Transport, Before: func(n int) error {
		if n == 20 {
			interrupt()
		}
		return nil
	}}
	got := p.command(t, ctx, "-dry-run", "-concurrency", "1", commandtest.Keep(t, "people.csv", crowd(60)))
	require.Equal(t, command.ExitStopped, got.Code)
	require.Contains(t, got.Stderr, "context canceled")
	require.Less(t, strings.Count(got.Stdout, "would-create"), 60)
}
