// Package terminal is what the commands say to the person who runs them.
package terminal

import (
	"fmt"
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

// Plain is text without what a terminal would obey, or show as something else: a message, a file and a directory may
// have anything in it. Line breaks and tabs stay.
func Plain(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) || r == '\n' || r == '\t' {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, `\u%04x`, r)
	}
	return b.String()
}

// Cell is plain text on one line, for a table of text/tabwriter: nothing in it ends the cell or the line.
func Cell(s string) string { return Plain(strings.NewReplacer("\n", "; ", "\t", " ").Replace(s)) }
