package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/examples/internal/peoplefile"
	"github.com/entrafed/entrafed/provision"
)

func TestTheRulesOfTheEnvironment(t *testing.T) {
	t.Parallel()
	e := newEnvironment([]string{
		environment.Domain + "=contoso.com", environment.UsageLocation + "= DE ", environment.Licenses + "=STANDARDPACK, O365_BUSINESS_PREMIUM",
		varGroups + "=staff", varAttributes + "=department=dept,jobTitle = title", environment.SkipConnections + "=ldap", "PATH",
	})
	rules := readRules(e)
	require.NoError(t, e.Err())
	require.Equal(t, provision.Rules{
		Domain: "contoso.com", UsageLocation: "DE",
		Licenses: []provision.License{{SKU: "STANDARDPACK"}, {SKU: "O365_BUSINESS_PREMIUM"}}, Groups: []string{"staff"},
		Attributes: map[string]string{"department": "dept", "jobTitle": "title"}, SkipConnections: []string{"ldap"},
	}, rules)
}

func TestAVariableThatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	file := commandtest.Keep(t, "people.csv", crowd(1))
	for _, c := range []struct{ name, variable, want string }{
		{"an empty entry", environment.Licenses + "=a,,b", environment.Licenses + " has an empty entry"},
		{"an attribute without a claim", varAttributes + "=department", `"department", which is not PROPERTY=CLAIM`},
		{"an unknown cloud", environment.CloudName + "=mars", `"mars" is not one of china, global, usgov-dod, usgov-high`},
		{"a domain that is none", environment.Domain + "=contoso", "contoso"},
		{"a country that is none", environment.UsageLocation + "=Germany", "usage location"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProgram()
			p.Environ = []string{c.variable}
			got := p.command(t, t.Context(), "-simulate", file)
			require.Equal(t, command.ExitUsage, got.Code)
			require.Contains(t, got.Stderr, c.want)
		})
	}
}

func TestASimulatedTenantHasTheGroupsOfTheRules(t *testing.T) {
	t.Parallel()
	const id = "11111111-2222-3333-4444-555555555555"
	tenant, err := newSimulation(provision.Rules{Domain: "contoso.com", Groups: []string{"staff", id}}, nil, time.Now())
	require.NoError(t, err)
	groups := tenant.Groups()
	require.Len(t, groups, 2)
	require.ElementsMatch(t, []string{"staff", ""}, []string{groups[0].UniqueName, groups[1].UniqueName})
	require.Contains(t, []string{groups[0].ObjectID, groups[1].ObjectID}, id)
}

func TestTheFormatFollowsTheName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.csv": peoplefile.CSV, "A.CSV": peoplefile.CSV, "a.jsonl": peoplefile.JSONLines, "a.ndjson": peoplefile.JSONLines,
		"a.xlsx": "", "-": "",
	} {
		require.Equal(t, want, formatOf(name), name)
	}
}

func TestAReportKeepsLongTextsShort(t *testing.T) {
	t.Parallel()
	got := runWith(t, "-simulate", "-report", commandtest.Keep(t, "x", "")+".jsonl",
		commandtest.Keep(t, "people.csv", "connection,id\ngoogle,"+strings.Repeat("é", 400_000)+"\n"))
	require.Equal(t, command.ExitFailed, got.Code)
	require.Less(t, len(got.Stderr), 3*maxText)
}
