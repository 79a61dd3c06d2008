package federation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	longestDocument = 1 << 20 // bytes; a full record has less than 300,000
	longestName     = 230     // bytes of a file's name, without what is put around it

	// lockPatience is how long a document is waited for that another process works on. It takes milliseconds.
	lockPatience = 10 * time.Second
	lockPause    = 5 * time.Millisecond
)

// NewFileStore keeps each document in a file of the directory, which is made when it is not there (mode 0700, files 0600).
// A file is written beside the old one, synced and renamed, under a lock file, so that several processes can share it, on
// one machine: a lock is the operating system's, and ends with its process. Lock files stay, and are empty.
//
// A directory that everybody may write to is refused: who can change the way back decides where people sign in.
func NewFileStore(directory string) (Store, error) {
	if directory == "" {
		return nil, errors.New("federation: the directory of the store is empty: name one that is kept, and backed up")
	}
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, fmt.Errorf("federation: the directory of the store cannot be made: %w", err)
	}
	info, err := os.Stat(directory)
	switch {
	case err != nil:
		return nil, fmt.Errorf("federation: the directory of the store cannot be read: %w", err)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0:
		return nil, fmt.Errorf("federation: everybody may write to %s, which decides where people sign in: chmod 700 it, or name "+
			"another directory", directory)
	}
	return &fileStore{directory: directory}, nil
}

type fileStore struct{ directory string }

// Load implements [Store].
func (s *fileStore) Load(ctx context.Context, name string) (document []byte, err error) {
	err = s.locked(ctx, name, func(path string) error {
		document, err = present(path)
		return err
	})
	return document, err
}

// Save implements [Store].
func (s *fileStore) Save(ctx context.Context, name string, old, document []byte) error {
	if len(document) > longestDocument {
		return fmt.Errorf("federation: the document of %s has more than %d bytes", name, longestDocument)
	}
	return s.locked(ctx, name, func(path string) error {
		is, err := present(path)
		switch {
		case err != nil:
			return err
		case (is == nil) != (old == nil) || !bytes.Equal(is, old):
			return ErrStale
		}
		return replace(path, document)
	})
}

// locked does something with the file of a document while nobody else does.
func (s *fileStore) locked(ctx context.Context, name string, do func(path string) error) error {
	file, err := fileName(name)
	if err != nil {
		return err
	}
	path := filepath.Join(s.directory, file)
	unlock, err := waitForLock(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	return do(path)
}

// waitForLock locks a file, which is made when it is not there.
func waitForLock(ctx context.Context, path string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, lockPatience, fmt.Errorf("federation: another process has locked %s for %s; "+
		"see whether it hangs", path, lockPatience))
	defer cancel()
	for {
		unlock, err := lockFile(path)
		if !errors.Is(err, errLocked) {
			return unlock, err
		}
		if err := sleep(ctx, lockPause); err != nil {
			return nil, context.Cause(ctx)
		}
	}
}

// errLocked: somebody else has the lock.
var errLocked = errors.New("federation: locked")

// present reads the file, nil if there is none.
func present(path string) ([]byte, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	document, err := io.ReadAll(io.LimitReader(file, longestDocument+1))
	if err == nil && len(document) > longestDocument {
		err = fmt.Errorf("federation: %s has more than %d bytes", path, longestDocument)
	}
	if err != nil {
		return nil, err
	}
	return document, nil
}

// replace puts the document into the file, so that after a crash the file is the old one or the new one. What a crash left
// beside it is overwritten.
func replace(path string, document []byte) error {
	beside := path + ".new"
	if err := writeSynced(beside, document); err != nil {
		return errors.Join(err, os.Remove(beside))
	}
	if err := os.Rename(beside, path); err != nil {
		return errors.Join(err, os.Remove(beside))
	}
	return syncDirectory(filepath.Dir(path))
}

func writeSynced(path string, document []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(document)
	return errors.Join(err, file.Sync(), file.Close())
}

// syncDirectory makes a rename last. Windows has no such thing, and needs none.
func syncDirectory(directory string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	opened, err := os.Open(directory)
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}

// fileName is the name of the file of a document. What is before it and behind it keeps it from being hidden, from leading
// elsewhere, and from being a device; letters of a domain are lower case, so that no two names are one file anywhere.
func fileName(name string) (string, error) {
	var file strings.Builder
	for _, b := range []byte(name) {
		switch {
		case b >= 'a' && b <= 'z', b >= '0' && b <= '9', b == '-', b == '.':
			file.WriteByte(b)
		default:
			fmt.Fprintf(&file, "%%%02x", b)
		}
	}
	if file.Len() == 0 || file.Len() > longestName {
		return "", fmt.Errorf("federation: %q cannot be the name of a document: it has %d bytes of at most %d as a file's name",
			name, file.Len(), longestName)
	}
	return "record-" + file.String() + ".json", nil
}
