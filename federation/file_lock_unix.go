//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package federation

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockFile locks a file for this call alone; errLocked while somebody else has it. The lock ends with the process.
func lockFile(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil:
		return func() { _ = file.Close() }, nil
	case errors.Is(err, syscall.EWOULDBLOCK), errors.Is(err, syscall.EINTR):
		err = errLocked
	default:
		err = fmt.Errorf("federation: %s cannot be locked: %w", path, err)
	}
	_ = file.Close()
	return nil, err
}
