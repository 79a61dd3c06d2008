package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"

	"github.com/entrafed/entrafed/examples/internal/command"
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

// list are the flags, and the sub-commands that have them.
func (f *flags) list() (all command.Flags) {
	changing := []string{commandApply, commandUndo}
	every := []string{commandPlan, commandApply, commandUndo}
	all.Add(&f.domain, "domain", "DOMAIN", "whose users get ImmutableIDs. Default: ENTRAFED_DOMAIN", commandPlan)
	all.Add(&f.by, "by", "PROPERTY", "the ImmutableID is the user's mail, upn or employeeid", commandPlan)
	all.Add(&f.table, "table", "FILE", "the ImmutableIDs are in a CSV file: a UPN, a comma, the value", commandPlan)
	all.Add(&f.connection, "connection", "NAME", "the value is an ID of people who come from there, as in examples/provision",
		commandPlan)
	all.Add(&f.replace, "replace", "", "also change users who have another ImmutableID", commandPlan)
	all.Add(&f.out, "out", "FILE", "write the plan, for apply. A file that exists is not overwritten", commandPlan)
	all.Add(&f.undo, "undo", "FILE", "required: a new file, which gets what undo needs", commandApply)
	all.Add(&f.resume, "resume", "", "go on: the file of -undo is there, and is added to", commandApply)
	all.Add(&f.detour, "detour", "", "where a change is refused, move the UPN away meanwhile. Read below first",
		commandApply)
	all.Add(&f.initialDomain, "initial-domain", "DOMAIN", "for -detour. Default: the onmicrosoft.com domain that users are in",
		commandApply)
	all.Add(&f.yes, "yes", "", "do not ask", changing...)
	all.Add(&f.json, "json", "", "print the plan, or the results, as JSON", every...)
	all.Add(&f.verbose, "v", "", "print what is logged", every...)
	all.Add(&f.simulate, "simulate", "FILE", "use a simulated tenant, whose users are in FILE. It is made if needed",
		every...)
	all.Add(&f.simulateManaged, "simulate-managed", "", "the domain of a FILE that is made is not federated yet",
		every...)
	return all
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
	files, err := command.ParseMixed(f.list().Set("adopt", f.command), args[1:])
	if err != nil {
		return f, err
	}
	if len(files) > 0 {
		f.file = files[0]
	}
	return f, f.validate(files)
}

// validate returns everything that is wrong with the command line at once.
func (f flags) validate(files []string) error {
	var problems command.Problems
	wrong := problems.If
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
	return problems.Err()
}
