package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/entrafed/entrafed/provision"
)

// The sub-commands.
const (
	commandPlan  = "plan"
	commandApply = "apply"
	commandUndo  = "undo"
)

// flags are what the command line says.
type flags struct {
	command string
	file    string // the plan, or the undo file

	domain     string
	by         string
	table      string
	connection string
	replace    bool
	out        string

	undo          string
	resume        bool
	detour        bool
	initialDomain string
	yes           bool

	json            bool
	verbose         bool
	simulate        string
	simulateManaged bool
}

// sources are the values of -by.
func sources() map[string]func(provision.User) string {
	return map[string]func(provision.User) string{
		"mail": provision.ByMail, "upn": provision.ByUPN, "employeeid": provision.ByEmployeeID,
	}
}

// flagHelp is a flag, the sub-commands that have it, and what -h says about it.
type flagHelp struct {
	name, value string
	of          []string
	text        string
	set         func(*flag.FlagSet, *flags, string)
}

func flagHelps() []flagHelp {
	plan, apply, undo := []string{commandPlan}, []string{commandApply}, []string{commandUndo}
	changing, all := slices.Concat(apply, undo), slices.Concat(plan, apply, undo)
	return []flagHelp{
		{"domain", "DOMAIN", plan, "whose users get ImmutableIDs. Default: ENTRAFED_DOMAIN",
			text(func(f *flags) *string { return &f.domain })},
		{"by", "PROPERTY", plan, "the ImmutableID is the user's mail, upn or employeeid",
			text(func(f *flags) *string { return &f.by })},
		{"table", "FILE", plan, "the ImmutableIDs are in a CSV file: a UPN, a comma, the value",
			text(func(f *flags) *string { return &f.table })},
		{"connection", "NAME", plan, "the value is an ID of people who come from there, as in examples/provision",
			text(func(f *flags) *string { return &f.connection })},
		{"replace", "", plan, "also change users who have another ImmutableID",
			truth(func(f *flags) *bool { return &f.replace })},
		{"out", "FILE", plan, "write the plan, for apply. A file that exists is not overwritten",
			text(func(f *flags) *string { return &f.out })},
		{"undo", "FILE", apply, "required: a new file, which gets what undo needs",
			text(func(f *flags) *string { return &f.undo })},
		{"resume", "", apply, "go on: the file of -undo is there, and is added to",
			truth(func(f *flags) *bool { return &f.resume })},
		{"detour", "", apply, "where a change is refused, move the UPN away meanwhile. Read below first",
			truth(func(f *flags) *bool { return &f.detour })},
		{"initial-domain", "DOMAIN", apply, "for -detour. Default: the onmicrosoft.com domain that users are in",
			text(func(f *flags) *string { return &f.initialDomain })},
		{"yes", "", changing, "do not ask", truth(func(f *flags) *bool { return &f.yes })},
		{"json", "", all, "print the plan, or the results, as JSON", truth(func(f *flags) *bool { return &f.json })},
		{"v", "", all, "print what is logged", truth(func(f *flags) *bool { return &f.verbose })},
		{"simulate", "FILE", all, "use a simulated tenant, whose users are in FILE. It is made if needed",
			text(func(f *flags) *string { return &f.simulate })},
		{"simulate-managed", "", all, "the domain of a FILE that is made is not federated yet",
			truth(func(f *flags) *bool { return &f.simulateManaged })},
	}
}

// text is a flag with a value.
func text(field func(*flags) *string) func(*flag.FlagSet, *flags, string) {
	return func(set *flag.FlagSet, f *flags, name string) { set.StringVar(field(f), name, "", "") }
}

// truth is a flag without one.
func truth(field func(*flags) *bool) func(*flag.FlagSet, *flags, string) {
	return func(set *flag.FlagSet, f *flags, name string) { set.BoolVar(field(f), name, false, "") }
}

func parseFlags(args []string) (f flags, err error) {
	if len(args) == 0 {
		return f, errors.New("say plan, apply or undo first")
	}
	f.command = args[0]
	if slices.Contains([]string{"-h", "-help", "--help", "help"}, f.command) {
		return f, flag.ErrHelp
	}
	if !slices.Contains([]string{commandPlan, commandApply, commandUndo}, f.command) {
		return f, fmt.Errorf("%q is not plan, apply or undo", f.command)
	}
	set := flag.NewFlagSet("adopt", flag.ContinueOnError)
	set.SetOutput(io.Discard) // errors are printed by run, once
	for _, h := range flagHelps() {
		if slices.Contains(h.of, f.command) {
			h.set(set, &f, h.name)
		}
	}
	files, err := parseMixed(set, args[1:])
	if err != nil {
		return f, err
	}
	if len(files) > 0 {
		f.file = files[0]
	}
	return f, f.validate(files)
}

// parseMixed parses flags that may come before and after the files.
func parseMixed(set *flag.FlagSet, args []string) (files []string, err error) {
	for {
		if err := set.Parse(args); err != nil {
			return nil, err
		}
		if set.NArg() == 0 {
			return files, nil
		}
		files, args = append(files, set.Arg(0)), set.Args()[1:]
	}
}

// validate returns everything that is wrong with the command line at once.
func (f flags) validate(files []string) error {
	var errs []error
	wrong := func(condition bool, format string, args ...any) {
		if condition {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	switch f.command {
	case commandPlan:
		wrong(len(files) > 0, "plan needs no file, and got %q", f.file)
		wrong((f.by == "") == (f.table == ""), "exactly one of -by and -table says what the ImmutableIDs are")
		wrong(f.by != "" && sources()[f.by] == nil, "-by %q is not mail, upn or employeeid", f.by)
	case commandApply:
		wrong(len(files) != 1, "apply needs one plan: a file that plan -out wrote")
		wrong(f.undo == "", "apply needs -undo FILE: it gets what undoes the changes")
		wrong(f.undo != "" && f.undo == f.file, "-undo is the plan itself")
		wrong(f.initialDomain != "" && !f.detour, "-initial-domain goes with -detour")
	case commandUndo:
		wrong(len(files) != 1, "undo needs one file: the one that apply wrote with -undo")
	}
	wrong(f.simulateManaged && f.simulate == "", "-simulate-managed goes with -simulate")
	return errors.Join(errs...)
}

// usage is a flag with its value.
func (h flagHelp) usage() string { return strings.TrimSpace(h.name + " " + h.value) }
