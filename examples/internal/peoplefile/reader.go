// Package peoplefile reads people from CSV or from JSON lines, one after the other.
package peoplefile

import (
	"io"

	"github.com/entrafed/entrafed/provision"
)

// The formats of the input.
const (
	CSV       = "csv"
	JSONLines = "jsonl"
)

// Options say how the input is read.
type Options struct {
	Format     string // CSV or JSONLines
	Connection string // of people who come without one
	Columns    []ColumnRule
}

// Reader reads people out of a text, for one goroutine at a time.
type Reader struct {
	lines      *lineReader
	parser     parser
	connection string
}

// parser reads people from lines.
type parser interface {
	// parse reads the person of a line. A blank line is nobody.
	parse(line string, p *provision.Person) (blank bool, err error)

	// unusedColumns are those that gave nothing so far.
	unusedColumns() []string
}

// NewReader reads what comes before the first person: of CSV, the line that names the columns.
func NewReader(text io.Reader, o Options) (r *Reader, err error) {
	r = &Reader{lines: newLineReader(text), connection: o.Connection}
	if o.Format == JSONLines {
		r.parser = &jsonParser{columns: o.Columns}
		return r, nil
	}
	r.parser, err = newCSVParser(r.lines, o)
	return r, err
}

// Next returns the next person. The error is a *LineError, io.EOF, or one after which nobody can be read.
func (r *Reader) Next() (provision.Person, error) {
	for {
		line, err := r.lines.next()
		if err != nil {
			return provision.Person{}, err
		}
		p := provision.Person{Connection: r.connection}
		blank, err := r.parser.parse(line, &p)
		if err != nil {
			return provision.Person{}, r.lines.wrong(err)
		}
		if p.Connection == "" {
			p.Connection = r.connection
		}
		if !blank {
			return p, nil
		}
	}
}

// Line is the number of the line that was read last, from 1.
func (r *Reader) Line() int { return r.lines.number }

// UnusedColumns are those that gave nothing so far.
func (r *Reader) UnusedColumns() []string { return r.parser.unusedColumns() }
