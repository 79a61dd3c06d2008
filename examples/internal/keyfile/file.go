// Package keyfile reads certificates and private keys from files, and refuses keys that others could read.
package keyfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
)

// MaxSize is how large a file may be, in bytes. A larger one is mistaken for something else.
const MaxSize = 8 << 20

// Read reads a file of the configuration.
func Read(path string) ([]byte, error) { return ReadGuarded(path, 0, "") }

// ReadPrivate reads a file with a private key, and refuses one that others may read.
func ReadPrivate(path string) ([]byte, error) {
	return ReadGuarded(path, 0o077, "a private key is for its owner alone: chmod 600 "+path)
}

// ReadGuarded reads a file if none of the forbidden permission bits is set; else the error ends with the remedy. It looks
// at the open file, which cannot be exchanged between the look and the reading.
func ReadGuarded(path string, forbidden fs.FileMode, remedy string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", path)
	case info.Mode().Perm()&forbidden != 0 && runtime.GOOS != "windows": // where these bits say nothing
		return nil, fmt.Errorf("%s has the mode %04o: %s", path, info.Mode().Perm(), remedy)
	}
	content, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err == nil && len(content) > MaxSize {
		err = fmt.Errorf("%s is larger than %d MiB", path, MaxSize>>20)
	}
	return content, err
}
