package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/examples/internal/peoplefile"
)

// flags are what the command line says.
type flags struct {
	file        string // "-": standard input
	format      string // peoplefile.CSV or JSONLines
	connection  string
	columns     []peoplefile.ColumnRule // -map
	rules       string                  // a file of rules for connections
	dryRun      bool
	explain     bool
	simulate    bool
	report      string
	resume      bool
	json        bool
	verbose     bool
	concurrency int
}

// list are the flags.
func (f *flags) list() (all command.Flags) {
	all.Add(&f.format, "format", "csv|jsonl", "of the input. Default: by the file's name; .csv, .jsonl or .ndjson")
	all.Add(&f.connection, "connection", "NAME", "where everybody comes from, if the input has no such column")
	all.Add(f.addColumn, "map", "PROPERTY=COLUMN", "the column of a property whose name is another one; again for more")
	all.Add(&f.rules, "rules", "FILE", "who is provisioned, skipped or refused, and gets what, as JSON; see below")
	all.Add(&f.dryRun, "dry-run", "", "say for everybody what would happen, and change nothing")
	all.Add(&f.explain, "explain", "", "as -dry-run, and say why; with -json a JSON object on a line for everybody")
	all.Add(&f.simulate, "simulate", "", "run against a simulated tenant in this process; nothing leaves this machine")
	all.Add(&f.report, "report", "FILE", "write a JSON line for everybody, in the order of the input")
	all.Add(&f.resume, "resume", "", "go on where the run stopped that wrote the report")
	all.Add(&f.json, "json", "", "print the summary as JSON")
	all.Add(&f.concurrency, "concurrency", "N", "how many people are worked on at once. Default: 1000")
	all.Add(&f.verbose, "v", "", "print what the pipeline logs")
	return all
}

func (f *flags) addColumn(text string) error {
	rule, err := peoplefile.ParseColumnRule(text)
	f.columns = append(f.columns, rule)
	return err
}

func parseFlags(args []string) (f flags, err error) {
	set := f.list().Set("provision", "")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	f.file = set.Arg(0)
	if f.format == "" {
		f.format = formatOf(f.file)
	}
	f.dryRun = f.dryRun || f.explain
	return f, f.validate(set)
}

// formatOf tells the format by the file's name, or "".
func formatOf(file string) string {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".csv":
		return peoplefile.CSV
	case ".jsonl", ".ndjson":
		return peoplefile.JSONLines
	}
	return ""
}

// validate returns everything that is wrong with the command line at once.
func (f flags) validate(set *flag.FlagSet) error {
	var problems command.Problems
	wrong := problems.If
	wrong(f.file == "", "there is no input: give a file, or - for standard input")
	wrong(set.NArg() > 1, "%q is too much: one file at a time, after the flags", set.Arg(1))
	wrong(f.file != "" && f.format == "", "the name of the input does not say its format: give -format csv or -format jsonl")
	wrong(f.format != "" && f.format != peoplefile.CSV && f.format != peoplefile.JSONLines,
		"-format %q is not csv or jsonl", f.format)
	wrong(f.concurrency < 0, "-concurrency is negative")
	wrong(f.resume && f.report == "", "-resume goes with -report: the report says how far the last run came")
	wrong(f.resume && f.dryRun, "-resume does not go with -dry-run and -explain: they change nothing, so there is nothing to go on with")
	wrong(f.resume && f.file == "-", "-resume does not go with standard input: give a file")
	wrong(f.report != "" && f.report == f.file, "-report is the input itself")
	return errors.Join(problems.Err(), peoplefile.CheckColumnRules(f.columns))
}

const helpHead = `provision makes the accounts of many people in Microsoft Entra: created, licensed and ready to sign in.

  provision [flags] FILE|-

Try it without a tenant:

  go run ./examples/provision -simulate examples/provision/testdata/people.csv

The input is CSV with the names of the columns in its first line, or a JSON object on each line. Columns:

`

const helpInput = `
Names may be written in any case, with or without _ - and spaces (displayName). Other columns are not used. Values are
taken without the spaces around them. CSV is separated by commas, semicolons or tabs, and a field in quotes ends in its
line. Empty lines do not count. A line that cannot be read, or has more than 1 MiB, is a failure of that line alone.

`

const helpTail = `
Exactly one of AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH and AZURE_FEDERATED_TOKEN_FILE says how the
application proves itself to Entra. With -simulate no variable is needed.

Examples:

  What would happen, to whom, and are there enough licences?
    provision -dry-run people.csv

  Why would that happen to somebody, by which rule?
    provision -rules rules.json -explain people.csv
    provision -rules rules.json -explain -json people.csv | jq 'select(.id == "104") | .explanation'

  Make the accounts. Ctrl-C stops gently: what has begun is finished. A second Ctrl-C stops at once.
    provision -report run1.jsonl people.csv

  Go on after that, or after a crash:
    provision -report run1.jsonl -resume people.csv

  An export with columns of its own:
    provision -connection hr -map id=EmployeeNumber -map email=Mail -map claims.dept=Department export.csv

  Who failed, and why?
    jq -r 'select(.reason) | [.line, .id, .reason, .operator] | @tsv' run1.jsonl

  From another program, and what came of it for a third:
    export-people | provision -format jsonl -json - | jq .outcomes

ENTRAFED_LICENSES has part numbers, SKU IDs, product names ("Microsoft 365 Business Standard") and groups that give
licences (group:staff). Whoever finds no seat gets the next alternative: SPB | STANDARDPACK.

-rules is a JSON list. The first rule that matches a person decides, and whoever none matches is refused; without -rules
everybody is provisioned. What a rule does not say of licenses, groups, domain, usageLocation and attributes is what the
environment says; [] is none:

  [
    {"name": "visitors", "connection": "linkedin", "claims": {"dept": "Reception"}, "action": "refuse",
     "reason": "for the operator", "message": "key.of.a.text"},
    {"name": "agency", "connection": "linkedin", "action": "provision", "licenses": [{"sku": "STANDARDPACK"}],
     "groups": ["agency"]},
    {"name": "directory", "connection": "ldap-*", "action": "skip"},
    {"name": "partners", "connection": "*", "emailDomains": ["example.org"], "action": "provision", "licenses": []}
  ]

The outcomes: created (also of an account that an earlier line, or a run within five minutes, has made); known (made
ready by another run meanwhile); adopted (the account was there, with the person's ImmutableID: as a rule, from an
earlier run); skipped (a directory sync owns the person); refused (a rule says so, something about the
person must be changed first, or somebody deleted the account); failed (the same person may succeed another time).

Nothing is remembered between two runs but the report: an account is recognised by its ImmutableID, which is made of the
connection and the id. Never change these, and never give them to somebody else. Run it as often as you like.

The run ends early when 5 people in a row fail for a reason that nobody gets past, such as a missing permission.

Exit codes:

  0  everybody has an account that is ready, or with -dry-run would have
  1  some people have not, or there are too few seats, or with -dry-run a group is missing
  2  the flags, the configuration or a file cannot be used: nothing was done
  3  it ended early, and can be resumed
`

func printHelp(w io.Writer) {
	fmt.Fprint(w, helpHead)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, c := range peoplefile.Columns() {
		fmt.Fprintf(table, "  %s\t%s\n", c.Name, c.Text)
	}
	_ = table.Flush() // an error of w is the terminal's
	fmt.Fprint(w, helpInput, "Flags:\n\n")
	new(flags).list().Print(w)
	fmt.Fprint(w, "\nEnvironment variables:\n\n")
	environment.Print(w, variables())
	fmt.Fprint(w, helpTail)
}
