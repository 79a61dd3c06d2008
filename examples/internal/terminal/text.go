// Package terminal is what the commands that work on many accounts say to the person who runs them.
package terminal

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
)

// Is reports whether a file is a terminal.
func Is(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Dumb reports whether the environment says that the terminal cannot erase a line.
func Dumb(environ []string) bool { return slices.Contains(environ, "TERM=dumb") }

// Plain is text without what a terminal would obey: a file, and a directory, may have anything in it.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// Complain prints everything that is wrong, each on a line after the command's name, and where to read on.
func Complain(w io.Writer, command string, err error) {
	for _, problem := range problemsOf(err) {
		fmt.Fprintln(w, command+":", Plain(strings.TrimPrefix(problem.Error(), "provision: ")))
	}
	fmt.Fprintf(w, "Try %s -h.\n", command)
}

// problemsOf takes what errors.Join joined apart again.
func problemsOf(err error) (list []error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, one := range joined.Unwrap() {
		list = append(list, problemsOf(one)...)
	}
	return list
}

// Cell is plain text on one line, for a table of text/tabwriter: nothing in it ends the cell or the line.
func Cell(s string) string { return Plain(strings.ReplaceAll(s, "\n", "; ")) }
