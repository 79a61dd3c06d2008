package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/examples/internal/environment"
)

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, ask := range [][]string{{"-h"}, {"help"}, {"--help"}, {"help", "nothing"}} {
		got := newProgram().must(t, command.ExitOK, ask...)
		require.Empty(t, got.Stderr)
		golden(t, files{}, "help", got.Stdout)
	}
	for _, sub := range commands() {
		got := newProgram().must(t, command.ExitOK, "help", sub)
		require.Empty(t, got.Stderr)
		golden(t, files{}, "help-"+sub, got.Stdout)
		require.Equal(t, got.Stdout, newProgram().must(t, command.ExitOK, sub, "-h").Stdout)
	}
}

func TestTheHelpIsWhole(t *testing.T) {
	t.Parallel()
	text := newProgram().must(t, command.ExitOK, "-h").Stdout
	for _, v := range variables() {
		require.Contains(t, text, v.Name)
	}
	for _, sub := range commands() {
		require.Contains(t, text, "  federate "+sub)
		own := newProgram().must(t, command.ExitOK, sub, "-h").Stdout
		require.Contains(t, own, "  federate "+sub, "an example")
		for _, f := range new(flags).list() {
			require.Equal(t, slices.Contains(f.Of, sub), strings.Contains(own, "\n  -"+f.Name+" ") && strings.Contains(own, f.Text), f.Usage())
		}
		text += own
	}
	for line := range strings.Lines(text) {
		require.LessOrEqual(t, len([]rune(line)), 121, line)
	}
}

// Each example of the help is a command line that is understood.
func TestTheExamplesOfTheHelpAreUnderstood(t *testing.T) {
	t.Parallel()
	examples := 0
	for _, sub := range append([]string{""}, commands()...) {
		text := newProgram().must(t, command.ExitOK, "help", sub).Stdout
		_, text, _ = strings.Cut(text, "\n\n")
		text, _, _ = strings.Cut(strings.ReplaceAll(text, "\\\n", ""), "\nFlags,")
		for line := range strings.Lines(text) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " | ")
			line = strings.TrimPrefix(line, "go run ./examples/")
			words := strings.Fields(line)
			if len(words) < 2 || words[0] != "federate" || strings.ToUpper(line) == line || strings.Contains(line, "DOMAIN") ||
				strings.Contains(line, "PLAN") || strings.Contains(line, "SUB-COMMAND") {
				continue
			}
			_, err := parseFlags(words[1:])
			require.NoError(t, err, line)
			examples++
		}
	}
	require.GreaterOrEqual(t, examples, 20)
}

func TestWhatIsWrongWithTheUseIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	idp.writeMetadata(t, f.metadata, false)
	chain := commandtest.Keep(t, "chain.pem", commandtest.Read(t, idp.writeCertificate(t, f.first, 0))+
		commandtest.Read(t, idp.writeCertificate(t, f.second, 1)))
	there := commandtest.Keep(t, "there", "precious")
	simulated := []string{"-simulate", f.tenant}
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"nothing", nil, []string{"say plan, apply, verify, rotate, revert, doctor, domain or guests first"}},
		{"another command", []string{"adopt"}, []string{`"adopt" is not plan`}},
		{"a flag of another command", []string{"verify", "-undo", "x"}, []string{"-undo"}},
		{"no domain", []string{"verify", "-simulate", f.tenant}, []string{"say which domain"}},
		{"two domains", []string{"verify", "contoso.com", "fabrikam.com"}, []string{"verify takes one argument, and got contoso.com fabrikam.com"}},
		{"two that differ", []string{"verify", "contoso.com", "-domain", "fabrikam.com"}, []string{"-domain is fabrikam.com"}},
		{"no verb", []string{"domain", "contoso.com"}, []string{"domain needs add, show, verify, promote or default"}},
		{"no verb for guests", []string{"guests"}, []string{"guests needs plan, apply or revert"}},
		{"no plan for guests", []string{"guests", "apply"}, []string{"guests apply needs a plan"}},
		{"values that are none", []string{"plan", "contoso.com", "-immutable-id", "shoesize", "-protocol", "oidc", "-mfa", "maybe",
			"-prompt-login", "never"}, []string{`"shoesize"`, `"oidc"`, `"maybe"`, `"never"`}},
		{"a second factor of the doctor's", []string{"doctor", "contoso.com", "-mfa", "accept"}, []string{`"accept" is not yes or no`}},
		{"a connection alone", []string{"plan", "contoso.com", "-connection", "hr"}, []string{"-connection goes with -immutable-id"}},
		{"later without simulate", []string{"verify", "contoso.com", "-later", "1h"}, []string{"-later goes with -simulate"}},
		{"earlier", append([]string{"verify", "contoso.com", "-later", "-1h"}, simulated...), []string{"is earlier"}},
		{"a retired certificate, and nothing to undo", []string{"revert", "contoso.com", "-insecure-retired-certificate"},
			[]string{"-insecure-retired-certificate goes with -undo"}},
		{"list and undo", []string{"revert", "contoso.com", "-list", "-undo", "x"}, []string{"-list goes without -undo"}},
		{"a dry run that there is not", []string{"domain", "add", "contoso.com", "-dry-run"}, []string{"domain add has no -dry-run"}},
		{"nothing to wait for", []string{"domain", "show", "contoso.com", "-wait"}, []string{"domain show has nothing to -wait for"}},
		{"a plan and flags", []string{"apply", "plan.json", "-issuer", "x"}, []string{"a plan, or the flags of plan"}},
		{"a plan that is not there", []string{"apply", "nowhere.json"}, []string{"nowhere.json"}},
		{"a plan that is none", []string{"apply", there}, []string{there, "this is not a plan"}},
		{"half a credential", []string{"verify", "contoso.com"}, []string{environment.TenantID + " is missing"}},
		{"a tenant that is none", []string{"verify", "contoso.com", "-simulate", there}, []string{there}},
		{"an out file that is there", append([]string{"plan", "contoso.com", "-metadata", f.metadata, "-out", there}, simulated...),
			[]string{"exists, and is not overwritten"}},
		{"metadata that is not there", append([]string{"plan", "contoso.com", "-metadata", "nowhere.xml"}, simulated...), []string{"nowhere.xml"}},
		{"metadata that is none", append([]string{"plan", "contoso.com", "-metadata", there}, simulated...), []string{there}},
		{"a certificate that is none", append([]string{"plan", "contoso.com", "-certificate", there}, simulated...), []string{"-certificate " + there}},
		{"a chain", append([]string{"plan", "contoso.com", "-certificate", chain}, simulated...), []string{"holds 2 certificates"}},
		{"a next certificate alone", append([]string{"plan", "contoso.com", "-next-certificate", f.first}, simulated...),
			[]string{"-next-certificate goes with -certificate"}},
		{"no settings", append([]string{"plan", "contoso.com"}, simulated...), []string{"-issuer URI is missing", "-metadata, which has it"}},
		{"a state directory that is a file", append([]string{"verify", "contoso.com", "-state", there}, simulated...), []string{there}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProgram()
			if c.name == "half a credential" {
				p.Environ = []string{environment.ClientSecret + "=secret"}
			}
			if strings.Contains(strings.Join(c.args, " "), f.tenant) { // each has a tenant of its own
				c.args = replaced(c.args, f.tenant, newFiles(t).tenant)
			}
			got := p.must(t, command.ExitUsage, c.args...)
			require.Empty(t, got.Stdout)
			for _, want := range c.want {
				require.Contains(t, got.Stderr, want)
			}
			require.Contains(t, got.Stderr, "Try federate -h.")
			require.Equal(t, "precious", commandtest.Read(t, there))
		})
	}
}

func replaced(list []string, old, with string) []string {
	var all []string
	for _, item := range list {
		if item == old {
			item = with
		}
		all = append(all, item)
	}
	return all
}

// The domain may be in the environment, as for the other commands.
func TestTheDomainMayBeInTheEnvironment(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	tenant := p.tenant(t)
	got := p.at(tenant).must(t, command.ExitOK, "domain", "show", "-state", f.state)
	require.Contains(t, got.Stdout, "contoso.com\n  verified, and managed")
}
