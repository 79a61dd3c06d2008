package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/examples/internal/peoplefile"
	"github.com/entrafed/entrafed/federation/entratest"
)

const peopleFile = "testdata/people.csv"

func TestHelp(t *testing.T) {
	t.Parallel()
	got := runWith(t, "-h")
	require.Equal(t, command.ExitOK, got.Code)
	require.Empty(t, got.Stderr)
	for _, f := range new(flags).list() {
		require.Contains(t, got.Stdout, "  -"+f.Name)
	}
	for _, v := range variables() {
		require.Contains(t, got.Stdout, v.Name)
	}
	for line := range strings.Lines(got.Stdout) {
		require.LessOrEqual(t, len(line), 121, line)
	}
	golden(t, "help", got.Stdout)
}

func TestWhatIsWrongWithTheUseIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	file := commandtest.Keep(t, "people.csv", crowd(1))
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"no input", nil, []string{"there is no input"}},
		{"two inputs", []string{"a.csv", "b.csv"}, []string{`"b.csv" is too much`}},
		{"no format", []string{"-simulate", "people.txt"}, []string{"give -format"}},
		{"no format for standard input", []string{"-simulate", "-"}, []string{"give -format"}},
		{"another format", []string{"-format", "xml", "-simulate", "-"}, []string{`"xml" is not csv or jsonl`}},
		{"several things", []string{"-concurrency", "-1", "-resume", "-dry-run", "-simulate", "-"},
			[]string{"-concurrency", "-resume goes with -report", "does not go with -dry-run", "standard input"}},
		{"the report is the input", []string{"-report", file, file}, []string{"-report is the input itself"}},
		{"a rule for nothing", []string{"-map", "shoe_size=Size", file}, []string{`"shoe_size" is not a property`}},
		{"a rule without a column", []string{"-map", "id", file}, []string{"PROPERTY=COLUMN"}},
		{"two rules for one", []string{"-map", "id=a", "-map", "id=b", file}, []string{"says twice which column is id"}},
		{"a file that is not there", []string{"-simulate", "nobody.csv"}, []string{"nobody.csv"}},
		{"a folder", []string{"-simulate", "-format", "csv", t.TempDir()}, []string{"is not a file"}},
		{"nothing is configured", []string{file}, []string{environment.Domain + " is missing", environment.UsageLocation + " is missing",
			environment.TenantID + " is missing", environment.ClientID + " is missing", "set exactly one of them; found none"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := runWith(t, c.args...)
			require.Equal(t, command.ExitUsage, got.Code)
			require.Empty(t, got.Stdout)
			for _, want := range c.want {
				require.Contains(t, got.Stderr, want)
			}
			require.Contains(t, got.Stderr, "Try provision -h.")
		})
	}
}

func TestASimulation(t *testing.T) {
	t.Parallel()
	report := filepath.Join(t.TempDir(), "report.jsonl")
	got := runWith(t, "-simulate", "-concurrency", "1", "-report", report, peopleFile)
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	require.Empty(t, got.Stderr)
	golden(t, "simulation", got.Stdout)
	golden(t, "simulation.report", commandtest.Read(t, report))
	info, err := os.Stat(report)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it says who people are")
}

func TestWhatCannotBeDoneIsReportedForThatPersonAlone(t *testing.T) {
	t.Parallel()
	file := commandtest.Keep(t, "people.csv", strings.Join([]string{
		"connection;id;email;usage_location;upn;shoe size",
		"google;1;contractor@example.net;DE;;42",
		"google;2;partner@example.org;UK;;43", // there is no such country
		"google;3;visitor@example.org;DE;;",
		`google;4;"visitor@example.org;DE;;`,           // a quote is not closed
		"google;5;visitor@example.org;DE",              // fields are missing
		"google;6;\xff@example.org;DE;;",               // no UTF-8
		"google;\x1b[2Jeight;visitor@example.org;DE;;", // would clear the screen
		";;;;;",
		"",
	}, "\r\n"))
	report := filepath.Join(t.TempDir(), "report.jsonl")
	got := runWith(t, "-simulate", "-concurrency", "1", "-report", report, file)
	require.Equal(t, command.ExitFailed, got.Code)
	require.NotContains(t, got.Stderr, "\x1b")
	golden(t, "failures", got.Stdout+"---\n"+got.Stderr)
	golden(t, "failures.report", commandtest.Read(t, report))
}

func TestAUPNThatIsTakenIsAConflict(t *testing.T) {
	t.Parallel()
	file := commandtest.Keep(t, "people.csv", "connection,id,upn\ngoogle,7,employee@contoso.com\n")
	report := filepath.Join(t.TempDir(), "report.jsonl")
	got := runWith(t, "-simulate", "-report", report, file)
	require.Equal(t, command.ExitFailed, got.Code)
	line := reported(t, report)[0]
	require.Equal(t, "refused", line.Outcome)
	require.Equal(t, "conflict", line.Reason)
	require.Contains(t, line.Operator, "employee0001", "the operator learns whose it is")
	require.NotContains(t, line.Public, "employee", "the person does not")
}

func TestTheSummaryAsJSON(t *testing.T) {
	t.Parallel()
	got := runWith(t, "-simulate", "-concurrency", "1", "-json", peopleFile)
	require.Equal(t, command.ExitOK, got.Code)
	golden(t, "summary", got.Stdout)
}

func TestPeopleOfAnotherProgram(t *testing.T) {
	t.Parallel()
	p := newProgram()
	p.Stdin = strings.NewReader(`{"id": 104, "mail": "contractor@example.net", "claims": {"dept": "Sales"}, "x": [1]}
{"connection": "linkedin", "id": "p-7", "mail": "partner@example.org"}
`)
	got := p.command(t, t.Context(), "-simulate", "-json", "-format", "jsonl", "-connection", "hr", "-map", "email=mail", "-")
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	var s summary
	require.NoError(t, json.Unmarshal([]byte(got.Stdout), &s))
	require.Equal(t, map[string]int{"created": 2}, s.Outcomes)
	require.True(t, s.Finished)
}

func TestColumnsThatAreNotUsedAreNamed(t *testing.T) {
	t.Parallel()
	file := commandtest.Keep(t, "people.csv", "connection,id,emial,Display Name\ngoogle,1,x@example.net,X\n")
	got := runWith(t, "-simulate", file)
	require.Equal(t, command.ExitOK, got.Code)
	require.Contains(t, got.Stderr, `not used: the columns ["emial"]`)
}

func TestNoMoreThanTwentyFailuresArePrinted(t *testing.T) {
	t.Parallel()
	got := runWith(t, "-simulate", commandtest.Keep(t, "people.csv", "connection,id\n"+strings.Repeat("google\n", 50)))
	require.Equal(t, command.ExitFailed, got.Code)
	require.Equal(t, 20, strings.Count(got.Stderr, "refused"))
	require.Contains(t, got.Stderr, "further failures are not printed: -report has them all")
	require.Contains(t, got.Stdout, "50  refused")
}

func TestPeopleOfATenant(t *testing.T) {
	t.Parallel()
	p := newProgram()
	tenant := p.tenant(t, entratest.Config{})
	got := p.at(tenant, environment.Licenses+"=O365_BUSINESS_PREMIUM").command(t, t.Context(), "-v", commandtest.Keep(t, "people.csv", crowd(3)))
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	require.Len(t, tenant.Users(), 3)
	for _, user := range tenant.Users() {
		require.Len(t, user.SKUIDs, 1)
	}
	require.Contains(t, got.Stderr, "account created")
	require.NotContains(t, got.Stderr, tenant.Config().Apps[0].Secret)
}

func TestTheRunStopsWhereNobodyGetsPast(t *testing.T) {
	t.Parallel()
	p := newProgram()
	app := entratest.DefaultApp()
	app.Permissions = []string{"User.Read.All"}
	tenant := p.tenant(t, entratest.Config{Apps: []entratest.App{app}})
	report := filepath.Join(t.TempDir(), "report.jsonl")
	got := p.at(tenant).command(t, t.Context(), "-concurrency", "2", "-report", report, commandtest.Keep(t, "people.csv", crowd(40)))
	require.Equal(t, command.ExitStopped, got.Code)
	require.Contains(t, got.Stderr, "5 people in a row failed")
	require.Contains(t, got.Stderr, "grant the application User.ReadWrite.All")
	require.Contains(t, got.Stderr, "run the same command with -resume")
	require.Empty(t, reported(t, report), "they are tried again when it is resumed")
}

func TestARunThatIsInterruptedIsResumedWithNobodyTwice(t *testing.T) {
	t.Parallel()
	const n = 6
	for at := 1; ; at += 3 {
		p := newProgram()
		tenant := p.tenant(t, entratest.Config{Lag: entratest.LagFast})
		file, report := commandtest.Keep(t, "people.csv", crowd(n)), filepath.Join(t.TempDir(), "report.jsonl")
		ctx, interrupt := context.WithCancel(t.Context())
		p = p.at(tenant)
		p.Transport = &commandtest.Counting{Next: p.Transport, Before: func(request int) error {
			if request == at {
				interrupt() // Ctrl-C
			}
			return nil
		}}
		first := p.command(t, ctx, "-concurrency", "1", "-report", report, file)
		if ctx.Err() == nil {
			interrupt()
			require.Equal(t, command.ExitOK, first.Code)
			require.Greater(t, at, 4*n, "there were many places to stop at")
			return
		}
		if first.Code != command.ExitOK { // it may have been too late to interrupt
			require.Equal(t, command.ExitStopped, first.Code)
			require.Contains(t, first.Stderr, "context canceled")
		}

		tear(t, report)
		p.Transport = tenant.Transport()
		second := p.command(t, t.Context(), "-report", report, "-resume", file)
		require.Equal(t, command.ExitOK, second.Code, second.Stderr)
		require.Contains(t, second.Stdout, "6  people", "the summary is of both")
		lines := reported(t, report)
		require.Len(t, lines, n)
		for i, line := range lines {
			require.Equal(t, i+2, line.Line)
		}
		require.Len(t, tenant.Users(), n)
		interrupt()
	}
}

// tear leaves half a line at the end, as a machine without power does.
func tear(t *testing.T, file string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"line":99,"outcome":"crea`)
	require.NoError(t, errors.Join(err, f.Close()))
}

func TestWhatCannotBeResumedIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(t *testing.T, file, report string)
		more   []string
		want   string
	}{
		{"another input", func(t *testing.T, file, _ string) {
			require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(crowd(3), "aa", "zz")), 0o600))
		}, nil, "is not the input that the report is about"},
		{"a shorter input", func(t *testing.T, file, _ string) {
			require.NoError(t, os.WriteFile(file, []byte(crowd(2)), 0o600))
		}, nil, "is not the input that the report is about"},
		{"other columns", func(*testing.T, string, string) {}, []string{"-map", "email=id"}, "other options"},
		{"a report that lost lines", func(t *testing.T, _, report string) {
			require.NoError(t, os.Truncate(report, 0))
		}, nil, "has 0 lines, and had 3"},
		{"what is no report", func(t *testing.T, _, report string) {
			require.NoError(t, os.WriteFile(report, []byte("hello\n"), 0o600))
		}, nil, "line 1 is not one of a report"},
		{"no state", func(t *testing.T, _, report string) {
			require.NoError(t, os.Remove(statePath(report)))
		}, nil, "there is nothing to resume"},
		{"a state that is none", func(t *testing.T, _, report string) {
			require.NoError(t, os.WriteFile(statePath(report), []byte("{"), 0o600))
		}, nil, "is not what a run left"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file, report := commandtest.Keep(t, "people.csv", crowd(3)), filepath.Join(t.TempDir(), "report.jsonl")
			require.Equal(t, command.ExitOK, runWith(t, "-simulate", "-report", report, file).Code)
			c.change(t, file, report)
			got := runWith(t, append(c.more, "-simulate", "-report", report, "-resume", file)...)
			require.Equal(t, command.ExitUsage, got.Code)
			require.Contains(t, got.Stderr, c.want)
		})
	}
}

// Of one report, nobody's account is by other rules than another's.
func TestOtherRulesAreNotResumedWith(t *testing.T) {
	t.Parallel()
	const first = `[{"name": "all", "connection": "*", "action": "provision", "groups": []}]`
	const second = `[{"name": "all", "connection": "*", "action": "provision"}]`
	for rule, c := range map[string]struct {
		before, after string // empty: without -rules
		code          int
	}{
		"the same":                {first, first, command.ExitOK},
		"the same, laid out anew": {first, "\n" + strings.ReplaceAll(first, ":", " : "), command.ExitOK},
		"other ones":              {first, second, command.ExitUsage},
		"none any more":           {first, "", command.ExitUsage},
		"where there were none":   {"", first, command.ExitUsage},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file, report, rules := commandtest.Keep(t, "people.csv", crowd(3)), filepath.Join(dir, "report.jsonl"), filepath.Join(dir, "rules.json")
			with := func(text string, more ...string) commandtest.Result {
				args := append([]string{"-simulate", "-report", report}, more...)
				if text != "" {
					require.NoError(t, os.WriteFile(rules, []byte(text), 0o600))
					args = append(args, "-rules", rules)
				}
				return runWith(t, append(args, file)...)
			}
			began := with(c.before)
			require.Equal(t, command.ExitOK, began.Code, began.Stderr)
			resumed := with(c.after, "-resume")
			require.Equal(t, c.code, resumed.Code, resumed.Stderr)
			if c.code != command.ExitOK {
				require.Contains(t, resumed.Stderr, "the report is about a run with other rules")
			}
		})
	}
}

func TestPeopleAddedAtTheEndAreResumedWith(t *testing.T) {
	t.Parallel()
	file, report := commandtest.Keep(t, "people.csv", crowd(3)), filepath.Join(t.TempDir(), "report.jsonl")
	require.Equal(t, command.ExitOK, runWith(t, "-simulate", "-report", report, file).Code)
	require.NoError(t, os.WriteFile(file, []byte(crowd(5)), 0o600))
	got := runWith(t, "-simulate", "-report", report, "-resume", file)
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	require.Len(t, reported(t, report), 5)
}

func TestAReportIsNeverOverwritten(t *testing.T) {
	t.Parallel()
	report := commandtest.Keep(t, "report.jsonl", "precious")
	got := runWith(t, "-simulate", "-report", report, commandtest.Keep(t, "people.csv", crowd(1)))
	require.Equal(t, command.ExitUsage, got.Code)
	require.Contains(t, got.Stderr, "exists: go on with it by -resume")
	require.Equal(t, "precious", commandtest.Read(t, report))
}

func TestAReportThatCannotBeWrittenStopsTheRun(t *testing.T) {
	t.Parallel()
	p := newProgram()
	var stdout, stderr strings.Builder
	p.Stdout, p.Stderr = &stdout, &stderr
	f, err := parseFlags([]string{"-simulate", "-concurrency", "1", commandtest.Keep(t, "people.csv", crowd(40))})
	require.NoError(t, err)
	j, err := p.prepare(t.Context(), f)
	require.NoError(t, err)
	defer j.close()
	j.report.file, err = os.Open(peopleFile) // only to be read
	require.NoError(t, err)
	require.Equal(t, command.ExitStopped, j.provision(t.Context()))
	require.Contains(t, stdout.String(), "0  people")
	require.Contains(t, stderr.String(), "write")
	require.NotContains(t, stdout.String(), "40")
}

func TestAnInputThatBreaksOffEndsTheRun(t *testing.T) {
	t.Parallel()
	p := newProgram()
	p.Stdin = failing{strings.NewReader(crowd(3)), errors.New("the disk is gone")}
	got := p.command(t, t.Context(), "-simulate", "-format", "csv", "-")
	require.Equal(t, command.ExitStopped, got.Code)
	require.Contains(t, got.Stderr, "the disk is gone")
	require.Contains(t, got.Stdout, "3  created", "who was read is finished")
	require.Contains(t, got.Stderr, "run the same command again")
}

// blocked is somebody who types nothing.
type blocked struct{}

func (blocked) Read([]byte) (int, error) { select {} }

func TestWaitingForTheInputCanBeInterrupted(t *testing.T) {
	t.Parallel()
	for _, format := range []string{peoplefile.CSV, peoplefile.JSONLines} {
		p := newProgram()
		p.Stdin = blocked{}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		got := p.command(t, ctx, "-simulate", "-format", format, "-")
		require.NotEqual(t, command.ExitOK, got.Code)
		require.Contains(t, got.Stderr, "context deadline exceeded")
	}
}
