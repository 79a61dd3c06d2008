package storetest

import (
	"testing"

	"github.com/entrafed/entrafed/provision"
)

// Rule is one rule of a contract that implementations of S keep.
type Rule[S any] struct {
	// Name says what must hold. It is unique, and the name of the subtest.
	Name string

	// Check fails t if store, which is empty at first, breaks the rule.
	Check func(t *testing.T, store S)
}

// Run checks every one of the [Rules]. open returns an empty store for each, which nothing else uses; it may fail or skip
// its t, and clean up with t.Cleanup. It is called from several goroutines.
func Run(t *testing.T, open func(t *testing.T) provision.Store) {
	t.Helper()
	run(t, Rules(), open)
}

// RunLeaser checks every one of the [LeaseRules], as [Run] does. The clock by which the leases expire must run.
func RunLeaser(t *testing.T, open func(t *testing.T) provision.Leaser) {
	t.Helper()
	run(t, LeaseRules(), open)
}

func run[S any](t *testing.T, rules []Rule[S], open func(t *testing.T) S) {
	t.Helper()
	for _, rule := range rules {
		t.Run(rule.Name, func(t *testing.T) {
			t.Parallel()
			rule.Check(t, open(t))
		})
	}
}
