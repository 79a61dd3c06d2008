//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package federation

import (
	"errors"
	"fmt"
	"runtime"
)

// lockFile fails: there is no lock on this system that ends with its process.
func lockFile(string) (unlock func(), err error) {
	return nil, fmt.Errorf("federation: files cannot be locked on %s, use a Store of your own: %w",
		runtime.GOOS, errors.ErrUnsupported)
}
