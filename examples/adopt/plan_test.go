package main

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

func TestThePlanOfTheSimulatedTenant(t *testing.T) {
	t.Parallel()
	f := newFiles(t)
	got := newProgram().command(t, t.Context(), "plan", "-simulate", f.tenant, "-by", "mail", "-out", f.plan)
	require.Equal(t, command.ExitFailed, got.Code, got.Stderr)
	golden(t, "plan", got.Stdout+"---\n"+got.Stderr)
	again := newProgram().command(t, t.Context(), "plan", "-simulate", f.tenant, "-by", "mail", "-json")
	require.Equal(t, commandtest.Read(t, f.plan), again.Stdout, "-json prints what -out writes")
	info, err := os.Stat(f.plan)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it says who people are")
}

func TestAPlanOnlyReads(t *testing.T) {
	t.Parallel()
	p := newProgram()
	tenant := p.tenant(t, false, employee("a", ""), employee("b", "b@contoso.com"))
	got := p.at(tenant).command(t, t.Context(), "plan", "-by", "mail")
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	require.NotEmpty(t, tenant.GraphCalls())
	for _, call := range tenant.GraphCalls() {
		require.Equal(t, http.MethodGet, call.Method)
	}
}

func TestWhatAPlanGives(t *testing.T) {
	t.Parallel()
	table := commandtest.Keep(t, "ids.csv", "UPN,ID\nA@contoso.com,104\nb@contoso.com,105\nnobody@contoso.com,106\n")
	set, replace, leave := provision.AdoptSet, provision.AdoptReplace, provision.AdoptLeave
	for _, c := range []struct {
		name string
		args []string
		want string // of a
		b    provision.AdoptionAction
		code int
		says string
	}{
		{"by address", []string{"-by", "mail"}, "a@contoso.com", leave, command.ExitFailed, "1 have another one"},
		{"replacing", []string{"-by", "mail", "-replace"}, "a@contoso.com", replace, command.ExitOK, "HAS  GETS"},
		{"by UPN", []string{"-by", "upn", "-replace"}, "a@contoso.com", replace, command.ExitOK, "2 users"},
		{"by employee ID", []string{"-by", "employeeid"}, "4711", leave, command.ExitFailed, "the source has no value"},
		{"by a table", []string{"-table", table, "-replace"}, "104", replace, command.ExitFailed, "nobody@contoso.com"},
		{"of a connection", []string{"-by", "employeeid", "-connection", "hr"}, provision.ImmutableIDFromSubject("hr", "4711"),
			leave, command.ExitFailed, "cannot be changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProgram()
			tenant := p.tenant(t, false, employee("a", ""), employee("b", "x"))
			hire(t, tenant, "a@contoso.com", "4711")
			p.Clock.Advance(time.Minute) // every replica shows it
			p = p.at(tenant)
			got := p.command(t, t.Context(), append([]string{"plan"}, c.args...)...)
			require.Equal(t, c.code, got.Code, got.Stderr)
			require.Contains(t, got.Stdout, c.says)
			plan := items(t, p.command(t, t.Context(), append([]string{"plan", "-json"}, c.args...)...).Stdout)
			require.Equal(t, c.want, plan["a@contoso.com"].Want)
			require.Equal(t, set, plan["a@contoso.com"].Action)
			require.Equal(t, c.b, plan["b@contoso.com"].Action)
		})
	}
}

// hire gives a user an employee ID.
func hire(t *testing.T, tenant *entratest.Tenant, upn, employeeID string) {
	t.Helper()
	body := strings.NewReader(`{"employeeId":"` + employeeID + `"}`)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "https://graph.microsoft.com/v1.0/users/"+upn, body)
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	token, err := tenant.Credential().GetToken(t.Context(), policy.TokenRequestOptions{
		Scopes: []string{"https://graph.microsoft.com/.default"},
	})
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token.Token)
	response, err := tenant.Client().Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, response.StatusCode, string(text))
}

func TestATenantThatCannotBeReadEndsThePlan(t *testing.T) {
	t.Parallel()
	p := newProgram()
	tenant := p.tenant(t, false, employee("a", ""))
	tenant.Inject(entratest.Fault{Status: http.StatusUnauthorized, Times: -1})
	f := newFiles(t)
	got := p.at(tenant).command(t, t.Context(), "plan", "-by", "mail", "-out", f.plan)
	require.Equal(t, command.ExitStopped, got.Code)
	require.Contains(t, got.Stderr, "nothing was changed")
	require.NoFileExists(t, f.plan)
}

func TestNothingOfAUserReachesTheTerminalAsACommand(t *testing.T) {
	t.Parallel()
	c := &chart{unchangeable: []provision.AdoptionItem{{UPN: "a@contoso.com", Problem: "x\x1b[2J\ty\nz"}}}
	var b strings.Builder
	require.NoError(t, c.print(&b))
	require.Contains(t, b.String(), `x\u001b[2J y; z`)
}
