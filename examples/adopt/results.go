package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/provision"
)

// What became of a user.
const (
	outcomeChanged = "changed"
	outcomeKept    = "kept" // was as wanted already
	outcomeFailed  = "failed"
)

// result is what became of one user, as -json prints it.
type result struct {
	UPN      string `json:"upn"`
	ObjectID string `json:"objectId"`
	Outcome  string `json:"outcome"`
	Detour   bool   `json:"detour,omitempty"` // the UPN was moved away and back
	Error    string `json:"error,omitempty"`
}

// results are those of a run.
type results struct {
	*session
	list    []result
	refused bool   // a change was, as a federated domain may
	between func() // is called between two users
	settle  func() // is called when the work has ended: nothing else is printed from then on
}

// summary is what -json prints.
type summary struct {
	Results  []result `json:"results"`
	Changed  int      `json:"changed"`
	Kept     int      `json:"kept"`
	Left     int      `json:"left"`
	Failed   int      `json:"failed"`
	Finished bool     `json:"finished"`
	Stopped  string   `json:"stopped,omitempty"` // why it is not finished
}

func (s *session) newResults(total int) *results {
	s.progress.Expect(total, 0)
	return &results{session: s, list: []result{}, settle: func() {}}
}

// gently is a context for the work that ends between two users when ctx ends, and not in the middle of one.
func (r *results) gently(ctx context.Context) context.Context {
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	r.between = func() {
		if ctx.Err() != nil {
			stop(context.Cause(ctx))
		}
	}
	noted := make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		defer close(noted)
		r.progress.Note("adopt: stopping after this user; Ctrl-C again stops at once")
	})
	r.settle = func() {
		if !unhook() {
			<-noted
		}
	}
	r.between()
	return work
}

// add puts down and prints what became of one user.
func (r *results) add(a provision.AdoptionResult) {
	defer r.between()
	one := result{UPN: a.UPN, ObjectID: a.ObjectID, Outcome: outcomeKept, Detour: a.Detour}
	switch {
	case a.Err != nil:
		one.Outcome, one.Error = outcomeFailed, strings.TrimPrefix(a.Err.Error(), "provision: ")
		r.refused = r.refused || refusedByDomain(a.Err)
	case a.Changed:
		one.Outcome = outcomeChanged
	}
	r.progress.Add(a.Err != nil)
	if r.flags.json {
		r.list = append(r.list, one)
		return
	}
	r.progress.Clear()
	fmt.Fprintln(r.Stdout, terminal.Cell(one.text()))
}

func (o result) text() string {
	text := fmt.Sprintf("%-7s  %s", o.Outcome, o.UPN)
	if o.Detour {
		text += " (by a detour)"
	}
	if o.Error != "" {
		text += ": " + o.Error
	}
	return text
}

// refusedByDomain reports whether the directory understood a change and does not allow it.
func refusedByDomain(err error) bool {
	var answer *provision.DirectoryError
	return errors.As(err, &answer) && answer.Status == http.StatusBadRequest && !errors.Is(err, provision.ErrConflict)
}

// finish prints the summary, and returns the exit code. remedy says what to do after an error.
func (r *results) finish(done provision.AdoptionDone, err error, remedy string) int {
	r.settle()
	if printErr := r.summarise(done, err); printErr != nil {
		err = errors.Join(err, printErr)
	}
	if err != nil {
		return r.Stopped(err, remedy)
	}
	if done.Failed == 0 {
		return command.ExitOK
	}
	if r.refused && r.flags.command == commandApply && !r.flags.detour {
		r.Say("a federated domain may refuse to change ImmutableIDs: adopt -h says what -detour does")
	}
	if r.refused && r.flags.command == commandUndo {
		r.Say("a federated domain may refuse to change or remove ImmutableIDs: adopt -h says more")
	}
	r.Say("%s", remedy)
	return command.ExitFailed
}

func (r *results) summarise(done provision.AdoptionDone, err error) error {
	s := summary{
		Results: r.list, Changed: done.Changed, Kept: done.Kept, Left: done.Left, Failed: done.Failed, Finished: err == nil,
	}
	if err != nil {
		s.Stopped = err.Error()
	}
	if r.flags.json {
		return document.Print(r.Stdout, s)
	}
	table := tabwriter.NewWriter(r.Stdout, 0, 4, 2, ' ', 0)
	for _, line := range []struct {
		count int
		text  string
	}{
		{s.Changed, "changed"}, {s.Kept, "were as wanted already"}, {s.Left, "left as they are, as planned"}, {s.Failed, "failed"},
	} {
		if line.count > 0 {
			fmt.Fprintf(table, "%d\t%s\n", line.count, line.text)
		}
	}
	return table.Flush()
}
