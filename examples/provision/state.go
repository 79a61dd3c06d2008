package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/provision"
)

// state is kept beside the report, so that a run that resumes does so with the same input, read in the same way, and by the
// same connection rules. How far the run came, the report itself says.
type state struct {
	Bytes   int64  `json:"bytes"`  // how much of the input's beginning was looked at
	SHA256  string `json:"sha256"` // of that
	Options string `json:"options"`
	Rules   string `json:"rules,omitempty"` // the SHA-256 of the connection rules; empty: there are none
	Next    int    `json:"next"`            // how many people were reported when the run last ended by itself
}

// maxHashed is how much of the input's beginning is looked at, in bytes.
const maxHashed = 1 << 20

func statePath(report string) string { return report + ".state" }

// newState looks at the beginning of the input. What is added at its end later does not matter.
func newState(file *os.File, options string, rules []provision.ConnectionRule) (state, error) {
	info, err := file.Stat()
	if err != nil {
		return state{}, err
	}
	s := state{Bytes: min(info.Size(), maxHashed), Options: options}
	if s.Rules, err = hashOfRules(rules); err != nil {
		return state{}, err
	}
	s.SHA256, err = hashOf(file, s.Bytes)
	return s, err
}

// hashOfRules does not depend on how the file is laid out.
func hashOfRules(rules []provision.ConnectionRule) (string, error) {
	if rules == nil {
		return "", nil
	}
	text, err := json.Marshal(rules)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

func hashOf(file *os.File, n int64) (string, error) {
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(file, 0, n)); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// readState reads what an earlier run left.
func readState(report string) (s state, err error) {
	path := statePath(report)
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return s, fmt.Errorf("there is nothing to resume: %s does not exist", path)
	}
	if err != nil {
		return s, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, 1<<16))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil || s.Bytes < 0 || s.Next < 0 {
		return s, fmt.Errorf("%s is not what a run left: %v", path, err)
	}
	return s, nil
}

// check refuses another input, another way to read it or other rules, and a report that lines were taken from.
func (s state) check(file *os.File, options string, rules []provision.ConnectionRule, reported int) error {
	hash, err := hashOf(file, s.Bytes)
	rulesHash, rulesErr := hashOfRules(rules)
	switch {
	case err != nil, rulesErr != nil:
		return errors.Join(err, rulesErr)
	case hash != s.SHA256:
		return fmt.Errorf("%s is not the input that the report is about: its beginning is another", file.Name())
	case options != s.Options:
		return fmt.Errorf("the report is about a run with other options: %s; now they are: %s", s.Options, options)
	case rulesHash != s.Rules:
		return errors.New("the report is about a run with other rules: give -rules as it was, or begin another -report without " +
			"-resume, in which accounts that were made are recognised")
	case reported < s.Next:
		return fmt.Errorf("the report has %d lines, and had %d when the run ended", reported, s.Next)
	}
	return nil
}

// write replaces the state as a whole.
func (s state) write(report string) error {
	return document.Replace(statePath(report), s)
}
