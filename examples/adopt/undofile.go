package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
)

// undoRecords is what an undo file is about.
type undoRecords struct {
	domain string
	users  int
	bare   int // had no ImmutableID
}

// readUndo looks through an undo file. What is in it otherwise, the library checks.
func readUndo(path string) (records undoRecords, err error) {
	file, err := os.Open(path)
	if err != nil {
		return records, err
	}
	defer file.Close()
	met := map[string]bool{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxUndoLine)
	for number := 1; lines.Scan(); number++ {
		if err := records.add(bytes.TrimSpace(lines.Bytes()), met); err != nil {
			return records, fmt.Errorf("%s, line %d: %w", path, number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return records, fmt.Errorf("%s: %w", path, err)
	}
	return records, nil
}

const maxUndoLine = 1 << 20 // bytes

// add counts the user of a line, once. A line that a crash cut off is of nobody: nothing was changed after it.
func (u *undoRecords) add(line []byte, met map[string]bool) error {
	if len(line) == 0 {
		return nil
	}
	var record struct{ ObjectID, UPN, ImmutableID, Set string }
	if err := json.Unmarshal(line, &record); err != nil {
		if line[0] == '{' && line[len(line)-1] != '}' {
			return nil
		}
		return errors.New("it is not one that apply wrote")
	}
	_, domain, ok := strings.Cut(record.UPN, "@")
	if !ok || record.ObjectID == "" || record.Set == "" {
		return errors.New("it is not one that apply wrote")
	}
	if u.domain == "" {
		u.domain = domain
	}
	if !strings.EqualFold(u.domain, domain) {
		return fmt.Errorf("it is about a user of %s, and those before are of %s", domain, u.domain)
	}
	if met[record.ObjectID] {
		return nil
	}
	met[record.ObjectID] = true
	if u.users++; record.ImmutableID == "" {
		u.bare++
	}
	return nil
}
