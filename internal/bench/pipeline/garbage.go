package pipeline

import "runtime/debug"

// collectLess has the garbage of the simulated tenants collected less often, until the function that it returns is
// called: it is most of what a run costs in real time, and memory is not what is measured there.
func collectLess() func() {
	before := debug.SetGCPercent(400)
	return func() { debug.SetGCPercent(before) }
}
