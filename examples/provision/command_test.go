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

	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/federation/entratest"
)

const peopleFile = "testdata/people.csv"

func TestHelp(t *testing.T) {
	t.Parallel()
	got := command(t, "-h")
	require.Equal(t, exitOK, got.code)
	require.Empty(t, got.stderr)
	for _, h := range flagHelps() {
		require.Contains(t, got.stdout, "  -"+h.name)
	}
	for _, v := range variables() {
		require.Contains(t, got.stdout, v.Name)
	}
	for line := range strings.Lines(got.stdout) {
		require.LessOrEqual(t, len(line), 121, line)
	}
	golden(t, "help", got.stdout)
}

func TestWhatIsWrongWithTheUseIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	file := keep(t, "people.csv", crowd(1))
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
			got := command(t, c.args...)
			require.Equal(t, exitUsage, got.code)
			require.Empty(t, got.stdout)
			for _, want := range c.want {
				require.Contains(t, got.stderr, want)
			}
			require.Contains(t, got.stderr, "Try provision -h.")
		})
	}
}

func TestASimulation(t *testing.T) {
	t.Parallel()
	report := filepath.Join(t.TempDir(), "report.jsonl")
	got := command(t, "-simulate", "-concurrency", "1", "-report", report, peopleFile)
	require.Equal(t, exitOK, got.code, got.stderr)
	require.Empty(t, got.stderr)
	golden(t, "simulation", got.stdout)
	golden(t, "simulation.report", read(t, report))
	info, err := os.Stat(report)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it says who people are")
}

func TestWhatCannotBeDoneIsReportedForThatPersonAlone(t *testing.T) {
	t.Parallel()
	file := keep(t, "people.csv", strings.Join([]string{
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
	got := command(t, "-simulate", "-concurrency", "1", "-report", report, file)
	require.Equal(t, exitFailed, got.code)
	require.NotContains(t, got.stderr, "\x1b")
	golden(t, "failures", got.stdout+"---\n"+got.stderr)
	golden(t, "failures.report", read(t, report))
}

func TestAUPNThatIsTakenIsAConflict(t *testing.T) {
	t.Parallel()
	file := keep(t, "people.csv", "connection,id,upn\ngoogle,7,employee@contoso.com\n")
	report := filepath.Join(t.TempDir(), "report.jsonl")
	got := command(t, "-simulate", "-report", report, file)
	require.Equal(t, exitFailed, got.code)
	line := reported(t, report)[0]
	require.Equal(t, "refused", line.Outcome)
	require.Equal(t, "conflict", line.Reason)
	require.Contains(t, line.Operator, "employee0001", "the operator learns whose it is")
	require.NotContains(t, line.Public, "employee", "the person does not")
}

func TestTheSummaryAsJSON(t *testing.T) {
	t.Parallel()
	got := command(t, "-simulate", "-concurrency", "1", "-json", peopleFile)
	require.Equal(t, exitOK, got.code)
	golden(t, "summary", got.stdout)
}

func TestPeopleOfAnotherProgram(t *testing.T) {
	t.Parallel()
	p := newProgram()
	p.stdin = strings.NewReader(`{"id": 104, "mail": "contractor@example.net", "claims": {"dept": "Sales"}, "x": [1]}
{"connection": "linkedin", "id": "p-7", "mail": "partner@example.org"}
`)
	got := p.command(t, t.Context(), "-simulate", "-json", "-format", "jsonl", "-connection", "hr", "-map", "email=mail", "-")
	require.Equal(t, exitOK, got.code, got.stderr)
	var s summary
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &s))
	require.Equal(t, map[string]int{"created": 2}, s.Outcomes)
	require.True(t, s.Finished)
}

func TestColumnsThatAreNotUsedAreNamed(t *testing.T) {
	t.Parallel()
	file := keep(t, "people.csv", "connection,id,emial,Display Name\ngoogle,1,x@example.net,X\n")
	got := command(t, "-simulate", file)
	require.Equal(t, exitOK, got.code)
	require.Contains(t, got.stderr, `not used: the columns ["emial"]`)
}

func TestNoMoreThanTwentyFailuresArePrinted(t *testing.T) {
	t.Parallel()
	got := command(t, "-simulate", keep(t, "people.csv", "connection,id\n"+strings.Repeat("google\n", 50)))
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, 20, strings.Count(got.stderr, "refused"))
	require.Contains(t, got.stderr, "further failures are not printed: -report has them all")
	require.Contains(t, got.stdout, "50  refused")
}

func TestPeopleOfATenant(t *testing.T) {
	t.Parallel()
	p := newProgram()
	tenant := p.tenant(t, entratest.Config{})
	got := p.at(tenant, environment.Licenses+"=O365_BUSINESS_PREMIUM").command(t, t.Context(), "-v", keep(t, "people.csv", crowd(3)))
	require.Equal(t, exitOK, got.code, got.stderr)
	require.Len(t, tenant.Users(), 3)
	for _, user := range tenant.Users() {
		require.Len(t, user.SKUIDs, 1)
	}
	require.Contains(t, got.stderr, "account created")
	require.NotContains(t, got.stderr, tenant.Config().Apps[0].Secret)
}

func TestTheRunStopsWhereNobodyGetsPast(t *testing.T) {
	t.Parallel()
	p := newProgram()
	app := entratest.DefaultApp()
	app.Permissions = []string{"User.Read.All"}
	tenant := p.tenant(t, entratest.Config{Apps: []entratest.App{app}})
	report := filepath.Join(t.TempDir(), "report.jsonl")
	got := p.at(tenant).command(t, t.Context(), "-concurrency", "2", "-report", report, keep(t, "people.csv", crowd(40)))
	require.Equal(t, exitStopped, got.code)
	require.Contains(t, got.stderr, "5 people in a row failed")
	require.Contains(t, got.stderr, "grant the application User.ReadWrite.All")
	require.Contains(t, got.stderr, "run the same command with -resume")
	require.Empty(t, reported(t, report), "they are tried again when it is resumed")
}

func TestARunThatIsInterruptedIsResumedWithNobodyTwice(t *testing.T) {
	t.Parallel()
	const n = 6
	for at := 1; ; at += 3 {
		p := newProgram()
		tenant := p.tenant(t, entratest.Config{Lag: entratest.LagFast})
		file, report := keep(t, "people.csv", crowd(n)), filepath.Join(t.TempDir(), "report.jsonl")
		ctx, interrupt := context.WithCancel(t.Context())
		p = p.at(tenant)
		p.transport = &counting{next: p.transport, before: func(request int) {
			if request == at {
				interrupt() // Ctrl-C
			}
		}}
		first := p.command(t, ctx, "-concurrency", "1", "-report", report, file)
		if ctx.Err() == nil {
			interrupt()
			require.Equal(t, exitOK, first.code)
			require.Greater(t, at, 4*n, "there were many places to stop at")
			return
		}
		if first.code != exitOK { // it may have been too late to interrupt
			require.Equal(t, exitStopped, first.code)
			require.Contains(t, first.stderr, "context canceled")
		}

		tear(t, report)
		p.transport = tenant.Transport()
		second := p.command(t, t.Context(), "-report", report, "-resume", file)
		require.Equal(t, exitOK, second.code, second.stderr)
		require.Contains(t, second.stdout, "6  people", "the summary is of both")
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
			file, report := keep(t, "people.csv", crowd(3)), filepath.Join(t.TempDir(), "report.jsonl")
			require.Equal(t, exitOK, command(t, "-simulate", "-report", report, file).code)
			c.change(t, file, report)
			got := command(t, append(c.more, "-simulate", "-report", report, "-resume", file)...)
			require.Equal(t, exitUsage, got.code)
			require.Contains(t, got.stderr, c.want)
		})
	}
}

func TestPeopleAddedAtTheEndAreResumedWith(t *testing.T) {
	t.Parallel()
	file, report := keep(t, "people.csv", crowd(3)), filepath.Join(t.TempDir(), "report.jsonl")
	require.Equal(t, exitOK, command(t, "-simulate", "-report", report, file).code)
	require.NoError(t, os.WriteFile(file, []byte(crowd(5)), 0o600))
	got := command(t, "-simulate", "-report", report, "-resume", file)
	require.Equal(t, exitOK, got.code, got.stderr)
	require.Len(t, reported(t, report), 5)
}

func TestAReportIsNeverOverwritten(t *testing.T) {
	t.Parallel()
	report := keep(t, "report.jsonl", "precious")
	got := command(t, "-simulate", "-report", report, keep(t, "people.csv", crowd(1)))
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.stderr, "exists: go on with it by -resume")
	require.Equal(t, "precious", read(t, report))
}

func TestAReportThatCannotBeWrittenStopsTheRun(t *testing.T) {
	t.Parallel()
	p := newProgram()
	var stdout, stderr strings.Builder
	p.stdout, p.stderr = &stdout, &stderr
	f, err := parseFlags([]string{"-simulate", "-concurrency", "1", keep(t, "people.csv", crowd(40))})
	require.NoError(t, err)
	j, err := p.prepare(t.Context(), f)
	require.NoError(t, err)
	defer j.close()
	j.report.file, err = os.Open(peopleFile) // only to be read
	require.NoError(t, err)
	require.Equal(t, exitStopped, j.provision(t.Context()))
	require.Contains(t, stdout.String(), "0  people")
	require.Contains(t, stderr.String(), "write")
	require.NotContains(t, stdout.String(), "40")
}

func TestAnInputThatBreaksOffEndsTheRun(t *testing.T) {
	t.Parallel()
	p := newProgram()
	p.stdin = failing{strings.NewReader(crowd(3)), errors.New("the disk is gone")}
	got := p.command(t, t.Context(), "-simulate", "-format", "csv", "-")
	require.Equal(t, exitStopped, got.code)
	require.Contains(t, got.stderr, "the disk is gone")
	require.Contains(t, got.stdout, "3  created", "who was read is finished")
	require.Contains(t, got.stderr, "run the same command again")
}

// blocked is somebody who types nothing.
type blocked struct{}

func (blocked) Read([]byte) (int, error) { select {} }

func TestWaitingForTheInputCanBeInterrupted(t *testing.T) {
	t.Parallel()
	for _, format := range []string{formatCSV, formatJSONLines} {
		p := newProgram()
		p.stdin = blocked{}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		got := p.command(t, ctx, "-simulate", "-format", format, "-")
		require.NotEqual(t, exitOK, got.code)
		require.Contains(t, got.stderr, "context deadline exceeded")
	}
}
