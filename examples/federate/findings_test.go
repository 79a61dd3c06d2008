package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/federation"
)

// commandText is the beginning of a command that a finding names, as the rules' sources have it: a sub-command, and then a
// domain that is put behind it or into it.
var commandText = regexp.MustCompile(`^(` + strings.Join(commands(), "|") + `)( [a-z]+)?( %s.*| )$`)

// commandTexts are those of all rules, with domains and users in them.
func commandTexts(t *testing.T) (found []string) {
	t.Helper()
	files, err := filepath.Glob("../../federation/rules_*.go")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(source, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			if commandText.MatchString(text) {
				text = strings.Replace(text, "%s", "contoso.com", 1)
				text = strings.Replace(text, "%s", "employee@contoso.com", 1)
				if strings.HasSuffix(text, " ") {
					text += "contoso.com"
				}
				found = append(found, text)
			}
			return true
		})
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// What a finding tells people to type, this program understands.
func TestTheCommandsOfAllFindingsAreOnesOfThisProgram(t *testing.T) {
	t.Parallel()
	all := commandTexts(t)
	require.Equal(t, []string{
		"doctor contoso.com -user employee@contoso.com", "domain add contoso.com", "domain default contoso.com",
		"domain promote contoso.com", "domain show contoso.com", "domain verify contoso.com", "plan contoso.com", "revert contoso.com",
		"rotate contoso.com", "verify contoso.com",
	}, all)
	for _, text := range all {
		f, err := parseFlags(strings.Fields(text))
		require.NoError(t, err, text)
		require.Equal(t, "contoso.com", f.domain, text)
		require.Equal(t, strings.Fields(text)[0], f.command, text)
	}
}

// What findings of tenants with all kinds of trouble name can be typed as it is, once the domain was planned: nothing in it
// is misused.
func TestTheCommandsOfFindingsCanBeTyped(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	idp.writeMetadata(t, f.metadata, true)
	simulated := []string{"-simulate", f.tenant}
	typed := map[string]bool{}
	try := func(findings []federation.Finding) {
		for _, finding := range findings {
			if finding.Command == "" || typed[finding.Command] {
				continue
			}
			typed[finding.Command] = true
			got := p.command(t, t.Context(), append(strings.Fields(finding.Command), append([]string{"-yes"}, simulated...)...)...)
			if strings.Contains(got.Stderr, "not defined: -yes") {
				got = p.command(t, t.Context(), append(strings.Fields(finding.Command), simulated...)...)
			}
			require.NotEqual(t, command.ExitUsage, got.Code, "%s: federate %s\n%s", finding.Rule, finding.Command, got.Stderr)
		}
	}
	plan := func(args ...string) {
		got := p.command(t, t.Context(), append(append([]string{"plan"}, args...), append(simulated, "-json")...)...)
		var made federation.Plan
		require.NoError(t, json.Unmarshal([]byte(got.Stdout), &made), got.Stderr)
		try(made.Findings)
	}
	doctor := func(args ...string) {
		got := p.command(t, t.Context(), append(append([]string{"doctor"}, args...), append(simulated, "-json")...)...)
		var made federation.Diagnosis
		require.NoError(t, json.Unmarshal([]byte(got.Stdout), &made), got.Stderr)
		try(made.Findings)
	}
	plan("contoso.com", "-metadata", f.metadata)
	plan("fabrikam.com", "-metadata", f.metadata) // is not there, and then not verified
	plan("fabrikam.com", "-metadata", f.metadata)
	doctor("contoso.com", "-user", "employee1@contoso.com")
	p.must(t, command.ExitOK, append([]string{"apply", "-domain", "contoso.com", "-yes", "-next-certificate", ""}, simulated...)...)
	doctor("contoso.com") // is not in force yet
	doctor("contoso.com", "-issuer", issuer+"/", "-later", "1h", "-mfa", "no")
	doctor("contoso.com", "-certificate", idp.writeCertificate(t, f.second, 1), "-user", "emergency@contoso.onmicrosoft.com")
	plan("hr.contoso.com", "-metadata", f.metadata)
	require.GreaterOrEqual(t, len(typed), 7, "%v", typed)
}
