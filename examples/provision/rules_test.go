package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

const standard, basic = "f245ecc8-75af-4f8e-b61f-27d8114de5f3", "18181a46-0d4e-45cd-891e-60aabd171b4e"

func TestGroupsAndAttributesArriveInTheTenant(t *testing.T) {
	t.Parallel()
	const field = "11111111-2222-3333-4444-555555555555"
	p := newProgram()
	tenant := p.tenant(t, entratest.Config{Groups: []entratest.Group{
		{DisplayName: "Field staff", ObjectID: field}, {DisplayName: "Staff", UniqueName: "staff"},
	}})
	p = p.at(tenant, varGroups+"=staff,"+field, varAttributes+"=department=dept,jobTitle=title")
	file := commandtest.Keep(t, "people.csv", "connection,id,email,claims.dept,claims.title\n"+
		"google,1,contractor@example.net,Facilities,Electrician\ngoogle,2,partner@example.org,Sales,\n")

	rehearsed := p.command(t, t.Context(), "-dry-run", file)
	require.Equal(t, command.ExitOK, rehearsed.Code, rehearsed.Stderr)
	require.Contains(t, rehearsed.Stdout, "member of staff\n")
	require.Contains(t, rehearsed.Stdout, "member of "+field+" (Field staff)\n")

	got := p.command(t, t.Context(), file)
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	for _, group := range tenant.Groups() {
		require.ElementsMatch(t, []string{"contractor@contoso.com", "partner@contoso.com"}, group.Members, group.DisplayName)
	}
	p.Clock.Advance(time.Minute) // every replica shows it
	contractor := graphUser(t, tenant, "contractor@contoso.com")
	require.Equal(t, "Facilities", contractor["department"])
	require.Equal(t, "Electrician", contractor["jobTitle"])
	require.Equal(t, "Sales", graphUser(t, tenant, "partner@contoso.com")["department"])
}

// graphUser is a user's department and title, as Graph has them.
func graphUser(t *testing.T, tenant *entratest.Tenant, upn string) (user map[string]any) {
	t.Helper()
	token, err := tenant.Credential().GetToken(t.Context(), policy.TokenRequestOptions{
		Scopes: []string{"https://graph.microsoft.com/.default"},
	})
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		"https://graph.microsoft.com/v1.0/users/"+upn+"?$select=department,jobTitle", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token.Token)
	response, err := tenant.Client().Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &user))
	return user
}

func TestASimulationHasTheGroupsOfTheRules(t *testing.T) {
	t.Parallel()
	p := newProgram()
	p.Environ = []string{varGroups + "=staff", environment.Licenses + "=group:licensed", varAttributes + "=department=dept"}
	for _, args := range [][]string{{"-simulate", "-dry-run", peopleFile}, {"-simulate", peopleFile}} {
		got := p.command(t, t.Context(), args...)
		require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	}
}

func TestAGroupThatIsNotThereIsToldBeforehand(t *testing.T) {
	t.Parallel()
	p := newProgram()
	p = p.at(p.tenant(t, entratest.Config{}), varGroups+"=stuff")
	got := p.command(t, t.Context(), "-dry-run", commandtest.Keep(t, "people.csv", crowd(1)))
	require.Equal(t, command.ExitFailed, got.Code)
	require.Contains(t, got.Stdout, "member of stuff: the tenant has no such group")
}

func TestADryRunCountsFallbacksAndGroups(t *testing.T) {
	t.Parallel()
	licensed := entratest.Group{DisplayName: "Licensed", UniqueName: "licensed", SKUIDs: []string{basic}}
	for _, c := range []struct {
		name     string
		licenses string
		people   int
		want     []string
		code     int
	}{
		{"a product name", "Microsoft 365 Business Standard", 2,
			[]string{"2  seats of Microsoft 365 Business Standard: 2 are free"}, command.ExitOK},
		{"a fallback", "O365_BUSINESS_PREMIUM|STANDARDPACK", 4, []string{"2  seats of O365_BUSINESS_PREMIUM: 2 are free",
			"2  seats of STANDARDPACK, instead of O365_BUSINESS_PREMIUM: 3 are free"}, command.ExitOK},
		{"a fallback that is used up too", "O365_BUSINESS_PREMIUM|STANDARDPACK", 6,
			[]string{"3  seats of O365_BUSINESS_PREMIUM: 2 are free, 1 are missing", "3  seats of STANDARDPACK"}, command.ExitFailed},
		{"a licence that the tenant does not have, and its fallback", "SPB|STANDARDPACK", 1,
			[]string{"0  seats of SPB: the tenant has no such subscription", "1  seats of STANDARDPACK"}, command.ExitOK},
		{"a group", "group:licensed", 3, []string{"3  seats of group licensed: 3 are free"}, command.ExitOK},
		{"a group without enough seats", "group:licensed", 4, []string{"3 are free, 1 are missing"}, command.ExitFailed},
		{"a fallback to a group", "O365_BUSINESS_PREMIUM|group:licensed", 3,
			[]string{"1  seats of group licensed, instead of O365_BUSINESS_PREMIUM: 3 are free"}, command.ExitOK},
		{"two that need the same seats", "O365_BUSINESS_PREMIUM|STANDARDPACK,group:licensed", 3,
			[]string{"3  seats of group licensed: 3 are free"}, command.ExitFailed},
		{"a group that is not there", "group:nobody", 1, []string{"group nobody: the tenant has no such group"}, command.ExitFailed},
		{"a group that gives nothing", "group:empty|STANDARDPACK", 1, []string{"the group gives no licence at all"}, command.ExitFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProgram()
			p = p.at(p.tenant(t, entratest.Config{
				SKUs: []entratest.SKU{
					{ID: standard, PartNumber: "O365_BUSINESS_PREMIUM", Enabled: 2},
					{ID: basic, PartNumber: "STANDARDPACK", Enabled: 3},
				},
				Groups: []entratest.Group{licensed, {DisplayName: "Empty", UniqueName: "empty"}},
			}), environment.Licenses+"="+c.licenses)
			got := p.command(t, t.Context(), "-dry-run", commandtest.Keep(t, "people.csv", crowd(c.people)))
			require.Equal(t, c.code, got.Code, got.Stdout+got.Stderr)
			for _, want := range c.want {
				require.Contains(t, got.Stdout, want)
			}
		})
	}
}

func TestFallbacksAndGroupsGiveTheirSeats(t *testing.T) {
	t.Parallel()
	p := newProgram()
	tenant := p.tenant(t, entratest.Config{
		SKUs: []entratest.SKU{
			{ID: standard, PartNumber: "O365_BUSINESS_PREMIUM", Enabled: 1},
			{ID: basic, PartNumber: "STANDARDPACK", Enabled: 3},
		},
		Groups: []entratest.Group{{DisplayName: "Licensed", UniqueName: "licensed", SKUIDs: []string{basic}}},
	})
	p = p.at(tenant, environment.Licenses+"=Microsoft 365 Business Standard | group:licensed")
	got := p.command(t, t.Context(), "-concurrency", "1", commandtest.Keep(t, "people.csv", crowd(3)))
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	held := map[string]int{}
	for _, user := range tenant.Users() {
		held[strings.Join(user.SKUIDs, ",")]++
	}
	require.Equal(t, map[string]int{standard: 1, basic: 2}, held)
}

func TestWhoWasDeletedIsRefusedByARunAndByItsRehearsal(t *testing.T) {
	t.Parallel()
	p := newProgram()
	tenant := p.tenant(t, entratest.Config{Users: []entratest.User{{
		UPN: "aa@contoso.com", ImmutableID: provision.ImmutableIDFromSubject("google", "aa"), Enabled: true,
	}}})
	remove(t, tenant, "aa@contoso.com")
	p.Clock.Advance(time.Minute) // every replica shows it
	p = p.at(tenant)
	for _, args := range [][]string{{"-dry-run"}, {}} {
		report := commandtest.Keep(t, "x", "") + ".jsonl"
		got := p.command(t, t.Context(), append(args, "-report", report, commandtest.Keep(t, "people.csv", crowd(2)))...)
		require.Equal(t, command.ExitFailed, got.Code, got.Stderr)
		lines := reported(t, report)
		require.Equal(t, "refused", lines[0].Outcome)
		require.Equal(t, "conflict", lines[0].Reason)
		require.Contains(t, lines[0].Operator, "deleted")
		require.Contains(t, lines[1].Outcome, "create")
	}
}

// remove deletes a user.
func remove(t *testing.T, tenant *entratest.Tenant, upn string) {
	t.Helper()
	token, err := tenant.Credential().GetToken(t.Context(), policy.TokenRequestOptions{
		Scopes: []string{"https://graph.microsoft.com/.default"},
	})
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, "https://graph.microsoft.com/v1.0/users/"+upn, nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token.Token)
	response, err := tenant.Client().Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusNoContent, response.StatusCode)
}

func TestWhoWasBlockedStaysBlocked(t *testing.T) {
	t.Parallel()
	p := newProgram()
	tenant := p.tenant(t, entratest.Config{Users: []entratest.User{{
		UPN: "aa@contoso.com", ImmutableID: provision.ImmutableIDFromSubject("google", "aa"),
		CreatedAt: p.Clock.Now().AddDate(-1, 0, 0),
	}}})
	p = p.at(tenant)
	file := commandtest.Keep(t, "people.csv", crowd(1))
	require.Contains(t, p.command(t, t.Context(), "-dry-run", file).Stdout, "would-adopt aa@contoso.com (blocked, and stays so)")
	got := p.command(t, t.Context(), file)
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	require.Contains(t, got.Stdout, "1  adopted")
	require.False(t, tenant.Users()[0].Enabled)
}

func TestADirectorySyncsAccountNeedsNoSeat(t *testing.T) {
	t.Parallel()
	p := newProgram()
	p = p.at(p.tenant(t, entratest.Config{Users: []entratest.User{{
		UPN: "aa@contoso.com", ImmutableID: provision.ImmutableIDFromSubject("google", "aa"), Enabled: true, DirectorySynced: true,
	}}}), environment.Licenses+"=STANDARDPACK")
	got := p.command(t, t.Context(), "-dry-run", commandtest.Keep(t, "people.csv", crowd(1)))
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	require.Contains(t, got.Stdout, "0  seats of STANDARDPACK")
}
