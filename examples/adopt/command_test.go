package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/examples/internal/environment"
)

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, ask := range [][]string{{"-h"}, {"help"}, {"plan", "-h"}, {"apply", "plan.json", "-h"}} {
		got := newProgram().command(t, t.Context(), ask...)
		require.Equal(t, command.ExitOK, got.Code)
		require.Empty(t, got.Stderr)
		golden(t, "help", got.Stdout)
	}
}

func TestTheHelpIsWhole(t *testing.T) {
	t.Parallel()
	got := newProgram().command(t, t.Context(), "-h").Stdout
	for _, f := range new(flags).list() {
		require.Contains(t, got, "  -"+f.Name)
	}
	for _, v := range variables() {
		require.Contains(t, got, v.Name)
	}
	for line := range strings.Lines(got) {
		require.LessOrEqual(t, len(line), 121, line)
	}
}

func TestWhatIsWrongWithTheUseIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	f := newFiles(t)
	newProgram().planned(t, f, "-simulate", f.tenant)
	there := commandtest.Keep(t, "there", "precious")
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"nothing", nil, []string{"say plan, apply or undo first"}},
		{"another command", []string{"federate"}, []string{`"federate" is not plan`}},
		{"a flag of another command", []string{"undo", "-replace", "x"}, []string{"-replace"}},
		{"no source", []string{"plan"}, []string{"exactly one of -by and -table"}},
		{"two sources", []string{"plan", "-by", "mail", "-table", "x"}, []string{"exactly one of -by and -table"}},
		{"another source", []string{"plan", "-by", "shoesize"}, []string{`"shoesize" is not mail, upn or employeeid`}},
		{"a file for plan", []string{"plan", "x", "-by", "mail"}, []string{"plan needs no file"}},
		{"no configuration", []string{"plan", "-by", "mail"}, []string{environment.Domain + " is missing: give -domain",
			environment.TenantID + " is missing", environment.ClientID + " is missing", "set exactly one of them; found none"}},
		{"an out file that is there", []string{"plan", "-by", "mail", "-simulate", f.tenant, "-out", there},
			[]string{"exists, and is not overwritten"}},
		{"a domain that is none", []string{"plan", "-by", "mail", "-simulate", f.tenant, "-domain", "x"}, []string{"Domain"}},
		{"a table that is none", []string{"plan", "-table", commandtest.Keep(t, "t.csv", "a@contoso.com\n"), "-simulate", f.tenant},
			[]string{"t.csv"}},
		{"no table", []string{"plan", "-table", "nowhere.csv", "-simulate", f.tenant}, []string{"nowhere.csv"}},
		{"no plan and no undo file", []string{"apply", "-initial-domain", "x"},
			[]string{"apply needs one plan", "apply needs -undo", "-initial-domain goes with -detour"}},
		{"a plan that is not there", []string{"apply", "nowhere.json", "-undo", "u"}, []string{"nowhere.json"}},
		{"a plan that is none", []string{"apply", there, "-undo", "u"}, []string{"there: invalid character"}},
		{"a plan with a misspelt name", []string{"apply", commandtest.Keep(t, "p.json", `{"Domian":"contoso.com"}`), "-undo", "u"},
			[]string{"Domian"}},
		{"a plan that is not valid", []string{"apply", commandtest.Keep(t, "p.json", `{}`), "-undo", "u"}, []string{"p.json"}},
		{"the undo file is the plan", []string{"apply", f.plan, "-undo", f.plan}, []string{"-undo is the plan itself"}},
		{"an undo file that is there", []string{"apply", f.plan, "-simulate", f.tenant, "-yes", "-undo", there},
			[]string{"exists", "-resume"}},
		{"an undo file to go on with that is not there", []string{"apply", f.plan, "-simulate", f.tenant, "-yes", "-resume",
			"-undo", f.undo}, []string{"there is nothing to go on with"}},
		{"an undo file to go on with that is none", []string{"apply", f.plan, "-simulate", f.tenant, "-yes", "-resume",
			"-undo", there}, []string{"line 1: it is not one that apply wrote"}},
		{"an undo file of another domain", []string{"apply", f.plan, "-simulate", f.tenant, "-yes", "-resume", "-undo",
			commandtest.Keep(t, "u.jsonl", `{"ObjectID":"1","UPN":"a@fabrikam.com","Set":"a"}`)}, []string{"is about users of fabrikam.com"}},
		{"no file to undo", []string{"undo"}, []string{"undo needs one file"}},
		{"a file to undo that is not there", []string{"undo", "nowhere"}, []string{"nowhere"}},
		{"a file to undo that is none", []string{"undo", there}, []string{"line 1"}},
		{"a simulated tenant that is none", []string{"plan", "-by", "mail", "-simulate", there}, []string{"there"}},
		{"managed without simulate", []string{"plan", "-by", "mail", "-simulate-managed"}, []string{"goes with -simulate"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := newProgram().command(t, t.Context(), c.args...)
			require.Equal(t, command.ExitUsage, got.Code)
			require.Empty(t, got.Stdout)
			for _, want := range c.want {
				require.Contains(t, got.Stderr, want)
			}
			require.Contains(t, got.Stderr, "Try adopt -h.")
			require.Equal(t, "precious", commandtest.Read(t, there))
		})
	}
}
