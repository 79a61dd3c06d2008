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

// IndexedStore is what the [IndexRules] are checked on: an index is filled through its store.
type IndexedStore interface {
	provision.Store
	provision.Index
}

// RunIndex checks every one of the [IndexRules], as [Run] does.
func RunIndex(t *testing.T, open func(t *testing.T) IndexedStore) {
	t.Helper()
	run(t, IndexRules(), open)
}

// RunCursors checks every one of the [CursorRules], as [Run] does.
func RunCursors(t *testing.T, open func(t *testing.T) provision.Cursors) {
	t.Helper()
	run(t, CursorRules(), open)
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
