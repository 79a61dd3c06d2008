package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
)

// section is the part of the README under a heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	_, after, found := strings.Cut(commandtest.Read(t, "README.md"), heading+"\n")
	require.True(t, found, heading)
	part, _, _ := strings.Cut(after, "\n## ")
	return part
}

var (
	tableRow = regexp.MustCompile("(?m)^\\| (.*) \\| (`.*`) \\|$")
	code     = regexp.MustCompile("`([^`]*)`")
)

// rightColumns are the commands of each table of a section, from top to bottom.
func rightColumns(t *testing.T, text string) (tables [][]string) {
	t.Helper()
	for _, table := range strings.Split(text, "| PowerShell | here |\n")[1:] {
		var commands []string
		for _, row := range tableRow.FindAllStringSubmatch(table, -1) {
			for _, command := range code.FindAllStringSubmatch(row[2], -1) {
				commands = append(commands, command[1])
			}
		}
		require.NotEmpty(t, commands)
		tables = append(tables, commands)
	}
	return tables
}

// inFolder changes to a folder that has what the README names: idp.xml and two certificates.
func inFolder(t *testing.T, p program, second bool) *identityProvider {
	t.Helper()
	t.Chdir(t.TempDir())
	idp := newIdentityProvider(t, p.Now)
	idp.writeMetadata(t, "idp.xml", second)
	idp.writeCertificate(t, "first.crt", 0)
	idp.writeCertificate(t, "second.crt", 1)
	return idp
}

// Whoever types the right column of the table from top to bottom has a federated domain, and people who can sign in.
func TestTheTableOfTheREADMELeadsToASignIn(t *testing.T) {
	tables := rightColumns(t, section(t, "## From PowerShell"))
	require.Len(t, tables, 2)
	adopt := filepath.Join(t.TempDir(), "adopt")
	built, err := exec.CommandContext(t.Context(), "go", "build", "-o", adopt, "../adopt").CombinedOutput()
	require.NoError(t, err, string(built))

	p := newProgram()
	idp := inFolder(t, p, true)
	for _, line := range tables[0] {
		p.types(t, adopt, line)
	}
	tenant := opened(t, files{tenant: "tenant.json"})
	verdict := idp.signIn(t, tenant.Tenant, "employee1@contoso.com", "employee1@contoso.com")
	require.True(t, verdict.Accepted, "%+v", verdict)
	require.Equal(t, "employee1@contoso.com", verdict.User.UPN)

	for _, line := range tables[1] {
		p.types(t, adopt, line)
	}
	p.must(t, command.ExitOK, "verify", "contoso.com", "-wait", "-simulate", "tenant.json")
	_, err = opened(t, files{tenant: "tenant.json"}).NewAuthnRequest("employee1@contoso.com")
	require.Error(t, err, "the domain is managed again")
}

// types runs a command of the README in the simulated tenant, and says yes.
func (p program) types(t *testing.T, adopt, line string) {
	t.Helper()
	words := append(strings.Fields(line), "-simulate", "tenant.json")
	if words[0] == "adopt" {
		if words[1] == "apply" {
			words = append(words, "-yes")
		}
		out, err := exec.CommandContext(t.Context(), adopt, words[1:]...).CombinedOutput()
		require.NoError(t, err, "%s\n%s", line, out)
		return
	}
	require.Equal(t, "federate", words[0])
	p.InTerminal, p.Stdin = true, strings.NewReader("yes\n")
	p.must(t, command.ExitOK, words[1:]...)
}

// The names of the guides' commands are all in the table.
func TestTheTableOfTheREADMEHasTheCommandsOfTheGuides(t *testing.T) {
	text := section(t, "## From PowerShell")
	for _, name := range []string{
		"Connect-MgGraph", "Get-MgDomain", "New-MgDomain", "Confirm-MgDomain", "Invoke-MgPromoteDomain", "Update-MgDomain -IsDefault",
		"Update-MgUser", "Select-Xml", "New-MgDomainFederationConfiguration", "Get-MgDomainFederationConfiguration",
		"Update-MgDomainFederationConfiguration", "Remove-MgDomainFederationConfiguration",
		"Update-MgDomain -AuthenticationType Managed",
	} {
		require.Contains(t, text, name)
	}
}

// What the README shows is what is printed: each line in its order, where … stands for something that is left out.
func TestTheTranscriptsOfTheREADMEAreTrue(t *testing.T) {
	all := commandtest.Transcripts(t, "./federate")
	require.Len(t, all, 8)
	p := newProgram()
	inFolder(t, p, false)
	for _, one := range all {
		p.InTerminal, p.Stdin = true, strings.NewReader("yes\n")
		got := p.command(t, t.Context(), one.Args...)
		one.RequireIn(t, got.Stdout+got.Stderr)
	}
	_, err := os.Stat("tenant.json.state")
	require.NoError(t, err)
}
