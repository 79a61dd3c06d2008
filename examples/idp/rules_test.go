package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/federation/entratest"
)

const (
	receptionRules = `[
		{"name": "reception", "connection": "people", "claims": {"dept": "Reception"}, "action": "provision",
		 "licenses": [{"sku": "STANDARDPACK"}], "groups": ["reception"]},
		{"name": "rest", "connection": "*", "action": "refuse", "reason": "only the reception has accounts"}]`
)

// reception is a tenant with the group of the rules.
func (w *world) reception() *world {
	w.env[varRules] = w.file("rules.json", []byte(receptionRules))
	return w.withTenant(entratest.Config{Seed: 1, Groups: []entratest.Group{{DisplayName: "Reception", UniqueName: "reception"}}})
}

func TestARulesPersonGetsWhatItSays(t *testing.T) {
	w := newWorld(t).reception()
	person := contractor()
	person["claims.dept"] = "Reception"
	w.env[varUsers] = w.usersFile(person)
	w.serve()
	w.visitor().arrives(t, hrSite)
	account := w.tenant.Users()[0]
	require.Equal(t, []string{w.tenant.Config().SKUs[1].ID}, account.SKUIDs)
	require.Equal(t, []string{account.UPN}, w.tenant.Groups()[0].Members)
}

func TestWhoIsRefusedGetsNothingAndIsToldSo(t *testing.T) {
	w := newWorld(t).reception()
	program := w.serve()
	v := w.visitor()
	page, err := v.Open(t.Context(), hrSite)
	require.NoError(t, err)
	require.NotEqual(t, http.StatusOK, page.Status)
	require.True(t, strings.HasPrefix(page.URL, testBaseURL), page.URL)
	require.NotContains(t, page.Body, "only the reception", "the reason is for the operator")
	require.Equal(t, 1, v.asked)
	require.Empty(t, w.tenant.Users())
	program.stop()
	require.Contains(t, program.stderr.String(), "only the reception has accounts")
}

func TestCheckLooksAtWhatRulesGive(t *testing.T) {
	t.Parallel()
	w := newWorld(t).reception()
	_, results := w.findings(command.ExitOK)
	require.Equal(t, passed, results["group reception"].Result)
	require.Equal(t, passed, results["licence STANDARDPACK"].Result)
	require.NotContains(t, results, "licence O365_BUSINESS_PREMIUM", "nobody gets it")

	w.env[varRules] = w.file("rules.json", []byte(strings.ReplaceAll(receptionRules, `"reception"]`, `"nowhere"]`)))
	_, results = w.findings(command.ExitFailed)
	require.Equal(t, failed, results["group nowhere"].Result)
	require.Contains(t, results["group nowhere"].Remedy, varRules)
}
