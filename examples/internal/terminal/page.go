package terminal

import (
	"fmt"
	"io"
)

// Style is a colour of a terminal.
type Style string

// The styles.
const (
	None Style = ""
	Bold Style = "1"
	Good Style = "32"
	Bad  Style = "1;31"
	Warn Style = "33"
	Dim  Style = "2"
)

// Mark puts text, which must be plain, into the style.
func (s Style) Mark(text string) string {
	if s == None || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// Page prints lines of text.
type Page struct {
	w        io.Writer
	coloured bool
	err      error
}

// NewPage returns a page in colours, or without.
func NewPage(w io.Writer, coloured bool) *Page { return &Page{w: w, coloured: coloured} }

// Line prints a line. What comes from a message cannot steer the terminal.
func (p *Page) Line(s Style, format string, args ...any) {
	text := Plain(fmt.Sprintf(format, args...))
	if p.coloured {
		text = s.Mark(text)
	}
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, text)
	}
}

// Err is the first error of the writer.
func (p *Page) Err() error { return p.err }
