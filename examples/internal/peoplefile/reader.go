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

// Reader reads people out of a text.
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

// NewReader reads what comes before the first person.
func NewReader(r io.Reader, o Options) (s *Reader, err error) {
	s = &Reader{lines: newLineReader(r), connection: o.Connection}
	if o.Format == JSONLines {
		s.parser = &jsonParser{columns: o.Columns}
		return s, nil
	}
	s.parser, err = newCSVParser(s.lines, o)
	return s, err
}

// Next returns the next person. The error is a *LineError, io.EOF, or one after which nobody can be read.
func (s *Reader) Next() (provision.Person, error) {
	for {
		line, err := s.lines.next()
		if err != nil {
			return provision.Person{}, err
		}
		p := provision.Person{Connection: s.connection}
		blank, err := s.parser.parse(line, &p)
		if err != nil {
			return provision.Person{}, s.lines.wrong(err)
		}
		if p.Connection == "" {
			p.Connection = s.connection
		}
		if !blank {
			return p, nil
		}
	}
}

// Line is the number of the line that was read last, from 1.
func (s *Reader) Line() int { return s.lines.number }

// UnusedColumns are those that gave nothing so far.
func (s *Reader) UnusedColumns() []string { return s.parser.unusedColumns() }
