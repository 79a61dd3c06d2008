package provision

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The bounds of what is read from files.
const (
	maxAdoptionFile     = 64 << 20 // bytes
	maxAdoptionProblems = 20       // told at once
)

// errTooLong is a file longer than is read.
var errTooLong = errors.New("it is longer than 64 MiB")

// capped reads no more than limit bytes, and says so.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooLong
	}
	n, err := c.r.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	return n, err
}

// ReadAdoptionTable reads a table for [AdoptionRules] from CSV (RFC 4180) in UTF-8, with or without a byte order mark:
// the UPN, a comma, and the value, on each line. A first line without an "@" in its first column is taken for a header.
// White space around both is dropped. A UPN that is not one, or comes twice in any case, and an empty value, are
// errors; the error lists the first 20. At most 64 MiB are read.
func ReadAdoptionTable(r io.Reader) (map[string]string, error) {
	buffered := bufio.NewReader(&capped{r, maxAdoptionFile})
	if mark, _ := buffered.Peek(3); string(mark) == "\ufeff" {
		_, _ = buffered.Discard(len(mark)) // they were peeked at
	}
	lines := csv.NewReader(buffered)
	lines.FieldsPerRecord = 2
	table, met := make(map[string]string), make(map[string]bool)
	var problems []error
	for first := true; len(problems) < maxAdoptionProblems; first = false {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			problems = append(problems, err)
			if !errors.Is(err, csv.ErrFieldCount) {
				break // what follows cannot be trusted
			}
			continue
		}
		upn, value := strings.TrimSpace(fields[0]), strings.TrimSpace(fields[1])
		if first && !strings.Contains(upn, "@") {
			continue
		}
		line, _ := lines.FieldPos(0)
		if err := tableEntry(upn, value, met); err != nil {
			problems = append(problems, fmt.Errorf("line %d: %w", line, err))
			continue
		}
		table[upn] = value
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("provision: reading the table of ImmutableIDs: %w", err)
	}
	return table, nil
}

// tableEntry checks one entry of a table, and that its UPN was not met before.
func tableEntry(upn, value string, met map[string]bool) error {
	folded := strings.ToLower(upn)
	switch err := ValidateUPN(upn); {
	case err != nil:
		return err
	case value == "":
		return fmt.Errorf("the UPN %q has no value", upn)
	case met[folded]:
		return fmt.Errorf("the UPN %q comes twice", upn)
	}
	met[folded] = true
	return nil
}

// foldTable makes the UPNs of a table lower-case. Nil stays nil.
func foldTable(table map[string]string) (map[string]string, error) {
	if table == nil {
		return nil, nil
	}
	folded, met := make(map[string]string, len(table)), make(map[string]bool, len(table))
	var problems []error
	for upn, value := range table {
		if err := tableEntry(upn, value, met); err != nil && len(problems) < maxAdoptionProblems {
			problems = append(problems, fmt.Errorf("AdoptionRules.Table: %w", err))
		}
		folded[strings.ToLower(upn)] = value
	}
	return folded, errors.Join(problems...)
}
