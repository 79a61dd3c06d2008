package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/entrafed/entrafed/provision"
)

// maxFile is how much is read of a plan or of a simulated tenant, in bytes.
const maxFile = 256 << 20

// absent refuses a file that is there.
func absent(path, name string) error {
	if path == "" {
		return nil
	}
	_, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%s: %s exists, and is not overwritten", name, path)
}

// writePlan writes a new file, for its owner alone: it says who people are.
func writePlan(path string, plan provision.AdoptionPlan) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(printJSON(file, plan), file.Sync(), file.Close())
}

// readPlan reads a plan and checks it.
func readPlan(path string) (plan provision.AdoptionPlan, err error) {
	if err := readJSON(path, &plan); err != nil {
		return plan, err
	}
	if err := plan.Validate(); err != nil {
		return plan, fmt.Errorf("%s: %w", path, err)
	}
	return plan, nil
}

// readJSON reads a file that is one JSON value.
func readJSON(path string, value any) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("it is longer than %d bytes", maxFile)
	}
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields() // a name that is misspelt would be passed over
		if err = decoder.Decode(value); err == nil && decoder.More() {
			err = errors.New("there is more after the JSON object")
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// printJSON writes indented JSON.
func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
