package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

func appWith(permissions ...string) []entratest.App {
	app := entratest.DefaultApp()
	app.Permissions = permissions
	return []entratest.App{app}
}

// findings runs -check -json and returns the results by their names.
func (w *world) findings(code int) (r report, results map[string]finding) {
	w.t.Helper()
	got, stdout, stderr := w.command("", "-check", "-json")
	require.Equal(w.t, code, got, stdout+stderr)
	require.Empty(w.t, stderr)
	require.NoError(w.t, json.Unmarshal([]byte(stdout), &r), stdout)
	require.Equal(w.t, code == command.ExitOK, r.OK)
	results = map[string]finding{}
	for _, f := range r.Findings {
		results[f.Name] = f
	}
	return r, results
}

func TestCheckFindsEverythingInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withTenant(entratest.Config{Apps: appWith("User.Read.All", "LicenseAssignment.Read.All")})
	r, results := w.findings(command.ExitOK)
	require.Equal(t, "contoso.com", r.Domain)
	require.Equal(t, "client secret (AZURE_CLIENT_SECRET)", r.Credential)
	for _, name := range []string{"configuration", "signing certificate", "access token", "reading accounts",
		"licence O365_BUSINESS_PREMIUM"} {
		require.Equal(t, passed, results[name].Result, name)
	}
	require.Equal(t, "25 of 25 seats are free", results["licence O365_BUSINESS_PREMIUM"].Detail)
	require.Equal(t, notTested, results["creating accounts"].Result)
	for _, call := range w.tenant.GraphCalls() {
		require.Equal(t, http.MethodGet, call.Method, "nothing is changed")
	}

	code, stdout, _ := w.command("", "-check")
	require.Equal(t, command.ExitOK, code)
	require.Contains(t, stdout, "All is well.")
	require.Contains(t, stdout, "client secret")
	require.NotContains(t, stdout, w.env[environment.ClientSecret])
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	const licence = "licence O365_BUSINESS_PREMIUM"
	for name, test := range map[string]struct {
		tenant  entratest.Config
		change  func(w *world)
		finding string
		says    string // in the detail or the remedy
	}{
		"401: the secret is wrong": {
			change:  func(w *world) { w.env[environment.ClientSecret] = "another" },
			finding: "access token", says: "AADSTS7000215",
		},
		"401: the client is unknown": {
			change:  func(w *world) { w.env[environment.ClientID] = "00000000-0000-0000-0000-00000000000c" },
			finding: "access token", says: environment.ClientID,
		},
		"401: the certificate is not registered": {
			change:  func(w *world) { w.useClientCertificate() },
			finding: "access token", says: "AADSTS700027",
		},
		"403: reading accounts": {
			tenant:  entratest.Config{Apps: appWith("LicenseAssignment.Read.All")},
			finding: "reading accounts", says: "User.Read.All with admin consent",
		},
		"403: reading licences": {
			tenant:  entratest.Config{Apps: appWith("User.Read.All")},
			finding: "licences", says: "LicenseAssignment.Read.All with admin consent",
		},
		"an unknown licence": {
			change:  func(w *world) { w.env[environment.Licenses] = "O365_PREMIUM" },
			finding: "licence O365_PREMIUM", says: "only O365_BUSINESS_PREMIUM, STANDARDPACK",
		},
		"an unknown licence that has a name": {
			change:  func(w *world) { w.env[environment.Licenses] = "M365 Business Premium" },
			finding: "licence M365 Business Premium", says: `it is "Microsoft 365 Business Premium" (SPB)`,
		},
		"a suspended licence": {
			tenant:  entratest.Config{SKUs: skus(entratest.SKU{Status: "Suspended", Enabled: 1})},
			finding: licence, says: "Suspended",
		},
		"a licence for the company": {
			tenant:  entratest.Config{SKUs: skus(entratest.SKU{AppliesTo: "Company", Enabled: 1})},
			finding: licence, says: "for the company",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).withTenant(test.tenant)
			if test.change != nil {
				test.change(w)
			}
			_, results := w.findings(command.ExitFailed)
			found := results[test.finding]
			require.Equal(t, failed, found.Result, "%+v", results)
			require.Contains(t, found.Detail+found.Remedy, test.says)
			require.NotEmpty(t, found.Remedy)
			for other, f := range results {
				require.True(t, other == test.finding || f.Result != failed, "%+v", f)
			}

			code, stdout, _ := w.command("", "-check")
			require.Equal(t, command.ExitFailed, code)
			require.Contains(t, stdout, "This cannot work yet.")
			require.Contains(t, stdout, found.Remedy)
		})
	}
}

// skus is the one subscription of a tenant.
func skus(sku entratest.SKU) []entratest.SKU {
	sku.ID, sku.PartNumber = "f245ecc8-75af-4f8e-b61f-27d8114de5f3", "O365_BUSINESS_PREMIUM"
	return []entratest.SKU{sku}
}

func TestCheckWarnsOfSeatsThatAreGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withTenant(entratest.Config{SKUs: skus(entratest.SKU{Enabled: 0})})
	_, results := w.findings(command.ExitOK)
	require.Equal(t, warning, results["licence O365_BUSINESS_PREMIUM"].Result)
}

func TestCheckIsContentWithOneAlternativeOfALicence(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withTenant(entratest.Config{})
	w.env[environment.Licenses] = "SPB | Microsoft 365 Business Standard"
	_, results := w.findings(command.ExitOK)
	require.Equal(t, warning, results["licence SPB"].Result)
	require.Equal(t, passed, results["licence Microsoft 365 Business Standard"].Result)
}

// groupTenant is a directory with subscriptions and one group.
type groupTenant struct {
	provision.Directory
	provision.Groups
	group provision.Group
}

func (g groupTenant) SKUs(context.Context) ([]provision.SKU, error) {
	return []provision.SKU{{ID: "18181a46-0d4e-45cd-891e-60aabd171b4e", PartNumber: "STANDARDPACK", AppliesTo: "User",
		Status: "Enabled", Enabled: 1}}, nil
}

func (g groupTenant) FindGroup(_ context.Context, key provision.GroupKey) (provision.Group, error) {
	if key.UniqueName != g.group.UniqueName && key.ObjectID != g.group.ObjectID {
		return provision.Group{}, provision.ErrNotFound
	}
	return g.group, nil
}

func TestCheckLooksAtGroupsThatGiveLicences(t *testing.T) {
	t.Parallel()
	const id = "00000000-0000-4000-8000-000000000001"
	gives := []string{"18181a46-0d4e-45cd-891e-60aabd171b4e"}
	for name, test := range map[string]struct {
		group provision.Group
		asked string
		want  result
		says  string
	}{
		"by name":      {provision.Group{UniqueName: "staff", SKUIDs: gives}, "staff", passed, "seats are free"},
		"by object ID": {provision.Group{ObjectID: id, SKUIDs: gives}, id, passed, "seats are free"},
		"unknown":      {provision.Group{ObjectID: id, UniqueName: "staff"}, "partners", failed, "no such group"},
		"empty":        {provision.Group{UniqueName: "staff"}, "staff", failed, "no licence at all"},
		"of a subscription that is gone": {
			provision.Group{UniqueName: "staff", SKUIDs: []string{id}}, "staff", failed, "no such subscription"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := examineLicenses(t.Context(), groupTenant{group: test.group}, []provision.License{{Group: test.asked}})
			require.Len(t, found, 1)
			require.Equal(t, test.want, found[0].Result)
			require.Contains(t, found[0].Detail, test.says)
		})
	}
}

func TestCheckTakesALicenceByItsGUID(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withTenant(entratest.Config{})
	w.env[environment.Licenses] = strings.ToUpper("f245ecc8-75af-4f8e-b61f-27d8114de5f3")
	_, results := w.findings(command.ExitOK)
	require.Equal(t, passed, results["licence "+w.env[environment.Licenses]].Result)
}

func TestCheckWithoutLicencesDoesNotAskForThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withTenant(entratest.Config{Apps: appWith("User.Read.All")})
	delete(w.env, environment.Licenses)
	_, results := w.findings(command.ExitOK)
	require.Equal(t, notTested, results["licences"].Result)
}

func TestCheckOfAWrongConfigurationListsItAndEndsWith2(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	delete(w.env, environment.Domain)
	w.env[varSecret] = "eA=="
	r, _ := w.findings(command.ExitUsage)
	require.Len(t, r.Findings, 2)
	require.Contains(t, r.Findings[0].Detail, environment.Domain)
	require.Contains(t, r.Findings[1].Detail, varSecret)
}
