package ldap_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// line leads to a directory, and can be cut.
type line struct {
	address string
	cut     atomic.Bool
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &line{address: listener.Addr().String()}
	var open sync.WaitGroup
	t.Cleanup(func() { _ = listener.Close(); open.Wait() })
	open.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			if l.cut.Load() {
				_ = near.Close()
				continue
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			open.Go(func() { defer func() { _ = far.Close() }(); _, _ = io.Copy(far, near) })
			open.Go(func() { defer func() { _ = near.Close() }(); _, _ = io.Copy(near, far) })
		}
	})
	return l
}
