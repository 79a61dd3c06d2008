package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

const rulesFile = "testdata/rules.json"

// People are provisioned, skipped and refused, with licences and groups of their connection.
func TestAnExplanationOfEverybody(t *testing.T) {
	t.Parallel()
	got := runWith(t, "-simulate", "-rules", rulesFile, "-explain", peopleFile)
	require.Equal(t, command.ExitFailed, got.Code, "somebody is refused")
	golden(t, "explain", got.Stdout)
}

func TestAnExplanationForPrograms(t *testing.T) {
	t.Parallel()
	report := filepath.Join(t.TempDir(), "report.jsonl")
	got := runWith(t, "-simulate", "-rules", rulesFile, "-explain", "-json", "-report", report, peopleFile)
	require.Equal(t, command.ExitFailed, got.Code)
	lines := strings.Split(strings.TrimSpace(got.Stdout), "\n")
	require.Len(t, lines, 7, "a line for everybody, and no other")
	rules := map[int]string{2: "contractors", 3: "partners", 4: "partners", 5: "agency", 6: "visitors", 7: "directory", 9: "contractors"}
	for i, line := range lines {
		var read explained
		require.NoError(t, json.Unmarshal([]byte(line), &read))
		require.Equal(t, rules[read.Line], read.Explanation.Rule)
		require.Equal(t, reported(t, report)[i], read.reportLine)
	}
}

func TestAnExplanationOnlyReads(t *testing.T) {
	t.Parallel()
	p := newProgram()
	tenant := p.tenant(t, entratest.Config{Groups: []entratest.Group{{DisplayName: "Agency", UniqueName: "agency"},
		{DisplayName: "Partners", UniqueName: "partners"}}})
	got := p.at(tenant).command(t, t.Context(), "-rules", rulesFile, "-explain", peopleFile)
	require.Contains(t, got.Stdout, "4  would-create")
	require.Empty(t, tenant.Users())
	for _, call := range tenant.GraphCalls() {
		require.Equal(t, http.MethodGet, call.Method)
	}
}

// What a rehearsal says by the rules is what the run does.
func TestARunGoesByTheRules(t *testing.T) {
	t.Parallel()
	p := newProgram()
	tenant := p.tenant(t, entratest.Config{
		SKUs: []entratest.SKU{
			{ID: standard, PartNumber: "O365_BUSINESS_PREMIUM", Enabled: 2}, {ID: basic, PartNumber: "STANDARDPACK", Enabled: 3},
		},
		Groups: []entratest.Group{{DisplayName: "Agency", UniqueName: "agency"},
			{DisplayName: "Partners", UniqueName: "partners"}},
	})
	p = p.at(tenant, "ENTRAFED_LICENSES=O365_BUSINESS_PREMIUM")
	rehearsed := p.command(t, t.Context(), "-rules", rulesFile, "-dry-run", peopleFile)
	require.Equal(t, command.ExitFailed, rehearsed.Code)
	for _, want := range []string{
		"line 6: linkedin p-8: refused", "line 7: people 1: would-skip employee@contoso.com",
		"1  seats of O365_BUSINESS_PREMIUM: 2 are free", "1  seats of STANDARDPACK: 3 are free", "member of agency", "member of partners",
	} {
		require.Contains(t, rehearsed.Stdout, want)
	}
	got := p.command(t, t.Context(), "-concurrency", "1", "-rules", rulesFile, peopleFile) // who comes first has the UPN
	require.Equal(t, command.ExitFailed, got.Code, got.Stderr)
	require.Contains(t, got.Stderr, "visitors use the guest network")
	held := map[string]string{}
	for _, user := range tenant.Users() {
		held[user.UPN] = strings.Join(user.SKUIDs, " ")
	}
	require.Equal(t, map[string]string{
		"contractor@contoso.com": standard, "partner@contoso.com": "", "contractor2@contoso.com": "", "agency.worker@contoso.com": basic,
	}, held)
	for name, members := range map[string][]string{
		"agency": {"agency.worker@contoso.com"}, "partners": {"partner@contoso.com", "contractor2@contoso.com"},
	} {
		for _, group := range tenant.Groups() {
			if group.UniqueName == name {
				require.ElementsMatch(t, members, group.Members)
			}
		}
	}
}

// A rule's people get UPNs in its domain, and two of them not the same one.
func TestARehearsalOfARuleWithADomainOfItsOwn(t *testing.T) {
	t.Parallel()
	rules := commandtest.Keep(t, "rules.json", `[{"name": "all", "connection": "*", "action": "provision", "domain": "ext.contoso.com"}]`)
	people := commandtest.Keep(t, "people.csv", "connection,id,email\ngoogle,1,x@example.net\ngoogle,2,x@example.org\n")
	p := newProgram()
	p = p.at(p.tenant(t, entratest.Config{
		Domains: []entratest.Domain{{Name: "contoso.com"}, {Name: "ext.contoso.com"}},
		Users:   []entratest.User{{UPN: "x2@ext.contoso.com", ImmutableID: "another"}},
	}))
	for _, args := range [][]string{{"-dry-run"}, {"-explain"}} {
		got := p.command(t, t.Context(), append(args, "-rules", rules, people)...)
		require.Equal(t, command.ExitOK, got.Code, got.Stderr)
		require.Contains(t, got.Stdout, "x@ext.contoso.com")
		require.Contains(t, got.Stdout, "x3@ext.contoso.com")
	}
}

// Nobody gets a seat, but the one who has it.
func TestARehearsalWithoutSeats(t *testing.T) {
	t.Parallel()
	p := newProgram()
	p = p.at(p.tenant(t, entratest.Config{
		SKUs: []entratest.SKU{{ID: standard, PartNumber: "O365_BUSINESS_PREMIUM", Enabled: 1}},
		Users: []entratest.User{{UPN: "aa@contoso.com", ImmutableID: provision.ImmutableIDFromSubject("google", "aa"), UsageLocation: "DE",
			SKUIDs: []string{standard}, Enabled: true}},
	}), "ENTRAFED_LICENSES=O365_BUSINESS_PREMIUM")
	got := p.command(t, t.Context(), "-dry-run", commandtest.Keep(t, "people.csv", crowd(2)))
	require.Equal(t, command.ExitFailed, got.Code)
	require.Contains(t, got.Stdout, "would-adopt aa@contoso.com")
	require.Contains(t, got.Stdout, "google ab: failed")
	require.Contains(t, got.Stdout, "because: no-license")
}

func TestRulesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules string
		want  []string
	}{
		"an unknown field": {`[{"name": "a", "who": "*"}]`, []string{"-rules: ", "rules.json", `"who"`}},
		"all that is wrong": {`[{"name": "a", "connection": "*"}, {"connection": "google", "action": "provision"}]`,
			[]string{"Action is empty", "has no Name", "is never reached"}},
		"an empty list": {`[]`, []string{"would let everybody in"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runWith(t, "-simulate", "-rules", commandtest.Keep(t, "rules.json", c.rules), peopleFile)
			require.Equal(t, command.ExitUsage, got.Code)
			require.Empty(t, got.Stdout)
			for _, want := range c.want {
				require.Contains(t, got.Stderr, want)
			}
		})
	}
	got := runWith(t, "-simulate", "-rules", "nowhere.json", peopleFile)
	require.Equal(t, command.ExitUsage, got.Code)
	require.Contains(t, got.Stderr, "nowhere.json")
}
