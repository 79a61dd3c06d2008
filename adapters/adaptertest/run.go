package adaptertest

import (
	"testing"
)

// Rule is one thing that every adapter does, or does not do.
type Rule struct {
	// Name says what must hold. It is unique, and the name of the subtest.
	Name string

	// Needs is what a host must have for the rule to apply.
	Needs []Capability

	base  string // of the Bridge; empty: plainBase
	check func(w *world)
}

// Run checks every one of the [Rules]. describe returns a new host for each, which nothing else uses; it may fail or
// skip its t, and clean up with t.Cleanup. It is called from several goroutines.
func Run(t *testing.T, describe func(t *testing.T, env Environment) Host) {
	t.Helper()
	signer := newSigner()
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			t.Parallel()
			if rule.base == "" {
				rule.base = plainBase
			}
			w := newWorld(t, rule.base, signer, describe)
			rule.requireNeeds(t, w.host)
			rule.check(w)
		})
	}
}

// requireNeeds skips the rule where the host has not what it needs, for the reason that the host gives.
func (r Rule) requireNeeds(t *testing.T, host Host) {
	t.Helper()
	for _, c := range r.Needs {
		if why, lacks := host.Lacks[c]; lacks {
			t.Skipf("the host has no %s: %s", c, why)
		}
		if !host.described(c) {
			t.Fatalf("describe Host.%s, or say in Host.Lacks[%q] why there is none", describing(c), c)
		}
	}
}
