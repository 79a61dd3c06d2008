package peoplefile

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/entrafed/entrafed/provision"
)

// csvParser reads people from the lines of a CSV file whose first line names the columns. It follows RFC 4180, except
// that a field ends in its line: a quote that is never closed then spoils one person and not all that come after.
type csvParser struct {
	comma      byte
	header     []string
	properties [][]string // of each column
}

func (c *csvParser) unusedColumns() (unused []string) {
	for i, column := range c.header {
		if len(c.properties[i]) == 0 {
			unused = append(unused, column)
		}
	}
	return unused
}

// newCSVParser reads the first line.
func newCSVParser(lines *lineReader, o Options) (*csvParser, error) {
	first, err := lines.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the input is empty: its first line names the columns")
	case err != nil:
		return nil, fmt.Errorf("the first line of the input names the columns: %w", err)
	}
	c := &csvParser{comma: commaOf(first)}
	if c.header, err = splitRecord(first, c.comma); err != nil {
		return nil, fmt.Errorf("line %d: %w", lines.number, err)
	}
	if err := checkHeader(c.header, o); err != nil {
		return nil, err
	}
	for _, column := range c.header {
		c.properties = append(c.properties, propertiesOf(column, o.Columns))
	}
	return c, nil
}

// commaOf is what separates the columns: whichever of these comes first.
func commaOf(header string) byte {
	if i := strings.IndexAny(header, ",;\t"); i >= 0 {
		return header[i]
	}
	return ','
}

// parse reads one line. One whose fields are all empty is blank.
func (c *csvParser) parse(line string, p *provision.Person) (blank bool, err error) {
	fields, err := splitRecord(line, c.comma)
	if err != nil {
		return false, err
	}
	if strings.TrimSpace(strings.Join(fields, "")) == "" {
		return true, nil
	}
	if len(fields) != len(c.header) {
		return false, fmt.Errorf("it has %d fields, and the first line has %d", len(fields), len(c.header))
	}
	for i, field := range fields {
		for _, property := range c.properties[i] {
			setProperty(p, property, field)
		}
	}
	return false, nil
}

// splitRecord takes a line of CSV apart.
func splitRecord(line string, comma byte) (fields []string, err error) {
	for {
		field, rest, more := "", "", false
		if strings.HasPrefix(line, `"`) {
			field, rest, more, err = quotedField(line[1:], comma)
		} else {
			field, rest, more = strings.Cut(line, string(comma))
			if strings.Contains(field, `"`) {
				err = fmt.Errorf("field %d has a quote in it and is not in quotes", len(fields)+1)
			}
		}
		if err != nil {
			return nil, err
		}
		fields = append(fields, field)
		if !more {
			return fields, nil
		}
		line = rest
	}
}

// quotedField reads a field whose first quote is gone, and returns what follows the comma after it, if there is one.
func quotedField(text string, comma byte) (field, rest string, more bool, err error) {
	var b strings.Builder
	for {
		before, after, closed := strings.Cut(text, `"`)
		b.WriteString(before)
		switch {
		case !closed:
			return "", "", false, errors.New("a quote is not closed in its line")
		case after == "":
			return b.String(), "", false, nil
		case after[0] == comma:
			return b.String(), after[1:], true, nil
		case after[0] != '"':
			return "", "", false, errors.New("a closing quote is not followed by the next field")
		}
		b.WriteByte('"')
		text = after[1:]
	}
}
