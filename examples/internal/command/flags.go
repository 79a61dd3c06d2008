package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Flag is a flag as it is explained to people, and where its value goes.
type Flag struct {
	Name  string
	Value string // what stands for the value in the explanation; empty: there is none
	Text  string
	Of    []string // the sub-commands that have it; nil: there are none

	to any
}

// Usage is the flag with its value.
func (f Flag) Usage() string { return strings.TrimSpace("-" + f.Name + " " + f.Value) }

// Flags are those of a command, in the order in which they are explained.
type Flags []Flag

// Add adds a flag. to is a *string, *bool, *int or *time.Duration, which keeps its value as the default, or a
// func(string) error that is called each time the flag is given. Any other to panics in [Flags.Set].
func (all *Flags) Add(to any, name, value, text string, of ...string) {
	*all = append(*all, Flag{Name: name, Value: value, Text: text, Of: of, to: to})
}

// Set returns the flags of a sub-command, or all of them for "", to be parsed. It prints nothing itself.
func (all Flags) Set(command, of string) *flag.FlagSet {
	set := flag.NewFlagSet(command, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for _, f := range all {
		if of == "" || slices.Contains(f.Of, of) {
			f.join(set)
		}
	}
	return set
}

func (f Flag) join(set *flag.FlagSet) {
	switch to := f.to.(type) {
	case *string:
		set.StringVar(to, f.Name, *to, f.Text)
	case *bool:
		set.BoolVar(to, f.Name, *to, f.Text)
	case *int:
		set.IntVar(to, f.Name, *to, f.Text)
	case *time.Duration:
		set.DurationVar(to, f.Name, *to, f.Text)
	case func(string) error:
		set.Func(f.Name, f.Text, to)
	default:
		panic(fmt.Sprintf("command: -%s goes to a %T", f.Name, to))
	}
}

// ParseMixed parses flags that may come before and after the other arguments, and returns these.
func ParseMixed(set *flag.FlagSet, args []string) (others []string, err error) {
	for {
		if err := set.Parse(args); err != nil {
			return nil, err
		}
		if set.NArg() == 0 {
			return others, nil
		}
		others, args = append(others, set.Arg(0)), set.Args()[1:]
	}
}

// Print prints the flags for -h: as a table, with the sub-commands that have them if there are any.
func (all Flags) Print(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, f := range all {
		cells := []string{f.Usage(), f.Text}
		if f.Of != nil {
			cells = slices.Insert(cells, 1, strings.Join(f.Of, ", "))
		}
		fmt.Fprintf(table, "  %s\n", strings.Join(cells, "\t"))
	}
	_ = table.Flush() // an error of w is the terminal's
}

// Problems are all that is wrong with a command line.
type Problems []error

// If adds a problem if there is one.
func (p *Problems) If(wrong bool, format string, args ...any) {
	if wrong {
		*p = append(*p, fmt.Errorf(format, args...))
	}
}

// Err joins them.
func (p Problems) Err() error { return errors.Join(p...) }
