package federation

import (
	"errors"
	"fmt"
	"syscall"
)

// errorSharingViolation is ERROR_SHARING_VIOLATION of Windows.
const errorSharingViolation syscall.Errno = 32

// lockFile locks a file for this call alone, by opening it so that nobody else can; errLocked while somebody else has it.
// The lock ends with the process.
func lockFile(path string) (unlock func(), err error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS,
		syscall.FILE_ATTRIBUTE_NORMAL, 0)
	switch {
	case err == nil:
		return func() { _ = syscall.CloseHandle(handle) }, nil
	case errors.Is(err, errorSharingViolation):
		return nil, errLocked
	}
	return nil, fmt.Errorf("federation: %s cannot be locked: %w", path, err)
}
