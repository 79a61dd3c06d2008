package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/provision"
)

// chart is a plan for people to read: its users by what becomes of them, and why.
type chart struct {
	plan                               provision.AdoptionPlan
	strays                             []string
	set, replace, keep                 []provision.AdoptionItem
	duplicate, different, unchangeable []provision.AdoptionItem
}

// newChart sorts the plan's users.
func (s *session) newChart(plan provision.AdoptionPlan) *chart {
	c := &chart{plan: plan, strays: s.directory.strays}
	for _, item := range plan.Items {
		list := &c.unchangeable
		switch {
		case item.Action == provision.AdoptSet:
			list = &c.set
		case item.Action == provision.AdoptReplace:
			list = &c.replace
		case item.Action == provision.AdoptKeep:
			list = &c.keep
		case item.Want == "" || s.directory.synced[item.ObjectID]:
		case item.Have != "" && !s.flags.replace:
			list = &c.different
		default:
			list = &c.duplicate
		}
		*list = append(*list, item)
	}
	return c
}

// code is the exit code that the plan is worth.
func (c *chart) code() int {
	if len(c.duplicate)+len(c.different)+len(c.unchangeable)+len(c.plan.Unknown)+len(c.strays) > 0 {
		return command.ExitFailed
	}
	return command.ExitOK
}

func (c *chart) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d users, as of %s\n", c.plan.Domain, len(c.plan.Items), c.plan.At.Format(time.DateTime+" MST"))
	has := func(i provision.AdoptionItem) string { return i.Have }
	gets := func(i provision.AdoptionItem) string { return i.Want }
	why := func(i provision.AdoptionItem) string { return strings.ReplaceAll(i.Problem, "provision: ", "") }
	section(&b, "get an ImmutableID", c.set, column{"GETS", gets})
	section(&b, "get another ImmutableID", c.replace, column{"HAS", has}, column{"GETS", gets})
	section(&b, "have the right one", c.keep, column{"HAS", has})
	section(&b, "have another one, and keep it: -replace changes these", c.different, column{"HAS", has},
		column{"WOULD GET", gets})
	section(&b, "would have the same one as somebody else, and are left as they are", c.duplicate, column{"WHY", why})
	section(&b, "cannot be changed, and are left as they are", c.unchangeable, column{"WHY", why})
	list(&b, "are in the table, and no users of the domain", c.plan.Unknown)
	list(&b, "are at a detour: apply the plan again with -detour and -resume, or undo it", c.strays)
	_, err := io.WriteString(w, terminal.Plain(b.String()))
	return err
}

// column is a property of users that a section shows.
type column struct {
	name  string
	value func(provision.AdoptionItem) string
}

// section prints users of one kind, if there are any.
func section(b *strings.Builder, title string, items []provision.AdoptionItem, columns ...column) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%d %s\n", len(items), title)
	table := tabwriter.NewWriter(b, 0, 4, 2, ' ', 0)
	row := func(first string, cell func(column) string) {
		fmt.Fprint(table, "  ", first)
		for _, c := range columns {
			fmt.Fprint(table, "\t", terminal.Cell(cell(c)))
		}
		fmt.Fprintln(table)
	}
	row("USER", func(c column) string { return c.name })
	for _, item := range items {
		row(terminal.Cell(item.UPN), func(c column) string { return c.value(item) })
	}
	_ = table.Flush() // a strings.Builder has no errors
}

// list prints names.
func list(b *strings.Builder, title string, names []string) {
	if len(names) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%d %s\n", len(names), title)
	for _, name := range names {
		fmt.Fprintf(b, "  %s\n", terminal.Cell(name))
	}
}
