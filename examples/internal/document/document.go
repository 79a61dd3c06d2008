// Package document reads and writes JSON, and the files that a command makes for itself.
package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxSize is how much is read of a file, in bytes.
const MaxSize = 256 << 20

// Print writes a value as indented JSON.
func Print(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// Read reads a file that is one JSON value and has no names that the value does not have.
func Read(path string, value any) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err == nil && len(text) > MaxSize {
		err = fmt.Errorf("it is longer than %d bytes", MaxSize)
	}
	if err == nil {
		err = parse(text, value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func parse(text []byte, value any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields() // a name that is misspelt would be passed over
	if err := decoder.Decode(value); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("there is more after the JSON object")
	}
	return nil
}

// Absent refuses a file that is there. name is the flag that names it; an empty path is no file.
func Absent(path, name string) error {
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

// Create writes a new file for its owner alone. It is on the disk when Create returns.
func Create(path string, value any) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(Print(file, value), file.Sync(), file.Close())
}

// Replace writes a file for its owner alone, as [ReplaceFile] does.
func Replace(path string, value any) error {
	var text bytes.Buffer
	if err := Print(&text, value); err != nil {
		return err
	}
	return ReplaceFile(path, text.Bytes())
}

// ReplaceFile writes a file for its owner alone, so that it is the old one or the new one at any moment. It writes to
// path + ".new" first.
func ReplaceFile(path string, content []byte) error {
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
