package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/examples/internal/peoplefile"
	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
)

// job is a run that everything is ready for.
type job struct {
	program
	flags    flags
	rules    provision.Rules
	tenant   *msgraph.Tenant
	store    *passingStore
	pipeline *provision.Provisioner
	input    *input
	report   *report
	state    state
	counts   tally // of this run, and of those that it resumes
	progress *terminal.Progress
	told     int // failures that were printed
}

// prepare reads the configuration and opens the files. The error lists all that is wrong.
func (p program) prepare(ctx context.Context, f flags) (*job, error) {
	j := &job{program: p, flags: f, store: newPassingStore(), report: &report{}, counts: newTally()}
	err := j.connect()
	var inputErr error
	if j.input, inputErr = p.openInput(ctx, f); inputErr != nil {
		return nil, errors.Join(err, inputErr)
	}
	if err == nil && f.report != "" {
		err = j.openReport()
	}
	if err != nil {
		j.input.close()
		return nil, err
	}
	j.input.skip = j.counts.People
	j.progress.Expect(j.input.total, j.counts.People)
	return j, nil
}

// connect makes the pipeline, and the tenant for it.
func (j *job) connect() error {
	j.progress = j.Progress(j.flags.verbose)
	log := j.progress.Log(j.flags.verbose)
	e := newEnvironment(j.Environ)
	if j.flags.simulate {
		simulatedVariables(e)
	}
	j.rules = readRules(e)
	if j.flags.rules != "" {
		var err error
		j.rules.Connections, err = readConnectionRules(j.flags.rules)
		e.Check("-rules", err)
	}
	cloud, _ := e.Cloud()
	if j.flags.simulate {
		return j.simulate(e, log)
	}
	credential := e.Credential(j.Now())
	if err := e.Err(); err != nil {
		return err
	}
	opened, err := credential.Open(cloud, j.Transport)
	if err != nil {
		return err
	}
	return j.open(cloud, opened, j.Transport, log)
}

// simulate opens a tenant in this process.
func (j *job) simulate(e *environment.Variables, log *slog.Logger) error {
	if err := e.Err(); err != nil {
		return err
	}
	tenant, err := newSimulation(j.rules, j.Clock, j.Now())
	if err != nil {
		return err
	}
	return j.open(tenant.Cloud(), tenant.Credential(), tenant.Transport(), log)
}

func (j *job) open(
	cloud entrafed.Cloud, credential azcore.TokenCredential, transport http.RoundTripper, log *slog.Logger,
) (err error) {
	j.tenant, err = msgraph.New(msgraph.Config{
		Cloud: cloud, Credential: credential, Transport: transport, Logger: log, Now: j.Now,
	})
	if err != nil {
		return err
	}
	j.pipeline, err = provision.New(provision.Config{
		Directory: j.tenant, Store: j.store, Rules: j.rules, Logger: log, Now: j.Now, Sleep: j.Sleep, Rand: j.random,
		Priority: provision.PriorityLow, // nobody waits at a sign-in page
	})
	return err
}

// openReport begins the report, or goes on with that of an earlier run.
func (j *job) openReport() (err error) {
	if j.flags.dryRun || j.input.file == nil {
		j.report, err = createReport(j.flags.report)
		return err
	}
	options := j.options()
	if !j.flags.resume {
		return j.beginReport(options)
	}
	if j.state, err = readState(j.flags.report); err != nil {
		return err
	}
	if j.report, err = reopenReport(j.flags.report, &j.counts); err != nil {
		return err
	}
	return j.state.check(j.input.file, options, j.rules.Connections, j.counts.People)
}

// beginReport makes the report and what is kept beside it.
func (j *job) beginReport(options string) (err error) {
	if j.state, err = newState(j.input.file, options, j.rules.Connections); err != nil {
		return err
	}
	if j.report, err = createReport(j.flags.report); err != nil {
		return err
	}
	return j.state.write(j.flags.report)
}

// options are what decides who the people of the input are.
func (j *job) options() string {
	text := fmt.Sprintf("%s, connection %q, domain %q", j.flags.format, j.flags.connection, j.rules.Domain)
	for _, rule := range j.flags.columns {
		text += fmt.Sprintf(", %s=%q", rule.Property, rule.Column)
	}
	return text
}

func (j *job) close() { j.input.close() }

// provision makes the accounts.
func (j *job) provision(ctx context.Context) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	began := j.begin()
	hide := j.progress.Show(ctx)
	_, err := j.pipeline.EnsureAll(ctx, j.input.people(), provision.Bulk{
		Concurrency: j.flags.concurrency,
		Skip:        j.input.skip,
		StopAtInput: func(err error) bool { return !peoplefile.IsBadLine(err) },
		Progress: func(e provision.BulkEvent) {
			j.store.forget(e.Person)
			if j.record(newReportLine(e, j.input.lineOf(e.Index), j.Now())); j.report.failed != nil {
				cancel(j.report.failed)
			}
		},
	})
	hide()
	return j.finish(began, err, forecast{})
}

// begin says what is not as it may be thought to be.
func (j *job) begin() time.Time {
	if len(j.input.unused) > 0 {
		j.progress.Note("provision: not used: the columns %q", j.input.unused)
	}
	if j.input.skip > 0 {
		j.progress.Note("provision: %d people are in the report already", j.input.skip)
	}
	return j.Now()
}

// maxTold is how many failures are printed; the report has them all.
const maxTold = 20

// record puts down what became of one person.
func (j *job) record(line reportLine) {
	j.report.write(line)
	if j.report.failed != nil {
		return // nobody comes after the last line of the report
	}
	j.counts.add(line)
	j.progress.Add(line.Reason != "")
	switch {
	case line.Reason == "":
	case j.told < maxTold:
		j.progress.Note("line %d: %s: %s", line.Line, line.Outcome, line.Operator)
	case j.told == maxTold:
		j.progress.Note("further failures are not printed: -report has them all")
	}
	if line.Reason != "" {
		j.told++
	}
}

// summary is what -json prints.
type summary struct {
	tally
	Finished bool    `json:"finished"`
	Stopped  string  `json:"stopped,omitempty"` // why it is not finished
	Seconds  float64 `json:"seconds"`
	DryRun   bool    `json:"dryRun,omitempty"`
	forecast
}

// forecast is what -dry-run says beside what would become of people.
type forecast struct {
	Seats []seating `json:"licenses,omitempty"`
	Short []string  `json:"short,omitempty"` // subscriptions that have too few seats for all licences together
	Joins []joining `json:"groups,omitempty"`
}

// short reports whether somebody would not get what the rules say.
func (f forecast) short() bool {
	return slices.ContainsFunc(f.Seats, seating.short) || len(f.Short) > 0 ||
		slices.ContainsFunc(f.Joins, func(j joining) bool { return j.Problem != "" })
}

// finish closes the files, prints the summary, and returns the exit code.
func (j *job) finish(began time.Time, err error, f forecast) int {
	s := summary{
		tally: j.counts, Finished: err == nil, Seconds: j.Now().Sub(began).Seconds(), DryRun: j.flags.dryRun, forecast: f,
	}
	err = errors.Join(err, j.report.failed, j.report.close(), j.keepState())
	if err != nil {
		s.Finished, s.Stopped = false, err.Error()
	}
	if !j.flags.explain || !j.flags.json { // there, each line is about one person
		if err := s.print(j.Stdout, j.flags.json); err != nil {
			return j.Stopped(err, j.howToGoOn())
		}
	}
	if !s.Finished {
		return j.Stopped(err, j.howToGoOn())
	}
	if s.failed() > 0 || f.short() {
		return command.ExitFailed
	}
	return command.ExitOK
}

// keepState remembers how far the run came.
func (j *job) keepState() error {
	if j.state.SHA256 == "" {
		return nil
	}
	j.state.Next = j.counts.People
	return j.state.write(j.flags.report)
}

func (j *job) howToGoOn() string {
	switch {
	case j.flags.dryRun:
		return "nothing was changed"
	case j.state.SHA256 != "":
		return "to go on, run the same command with -resume"
	}
	return "to go on, run the same command again: accounts that were made are recognised"
}

// print writes the summary as JSON or as text.
func (s summary) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return document.Print(w, s)
	}
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(table, "%d\tpeople\n", s.People)
	for _, outcome := range sortedKeys(s.Outcomes) {
		fmt.Fprintf(table, "%d\t%s\n", s.Outcomes[outcome], outcome)
	}
	for _, reason := range sortedKeys(s.Reasons) {
		fmt.Fprintf(table, "%d\tbecause: %s\n", s.Reasons[reason], reason)
	}
	for _, seat := range s.Seats {
		fmt.Fprintf(table, "%d\t%s\n", seat.Needed, terminal.Plain("seats of "+seat.text()))
	}
	for _, short := range s.Short {
		fmt.Fprintf(table, "\t%s\n", terminal.Plain(short))
	}
	for _, join := range s.Joins {
		fmt.Fprintf(table, "\t%s\n", terminal.Plain("member of "+join.text()))
	}
	return table.Flush()
}

func sortedKeys(counts map[string]int) []string { return slices.Sorted(maps.Keys(counts)) }
