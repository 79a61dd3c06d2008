package ldap_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails where a conversation with a directory is still under way after the last test.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := conversations(); left != "" && code == 0 {
		fmt.Fprintln(os.Stderr, "a conversation with a directory has not ended:\n"+left)
		code = 1
	}
	os.Exit(code)
}

// conversations are the goroutines of the LDAP library that do not end by themselves within a few seconds.
func conversations() string {
	var left []string
	for range 100 {
		all := make([]byte, 1<<20)
		all = all[:runtime.Stack(all, true)]
		left = nil
		for goroutine := range strings.SplitSeq(string(all), "\n\n") {
			if strings.Contains(goroutine, "go-ldap/ldap") {
				left = append(left, goroutine)
			}
		}
		if len(left) == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return strings.Join(left, "\n\n")
}
