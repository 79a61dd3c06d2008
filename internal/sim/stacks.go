package main

import "runtime"

// The runtime starts goroutines with small stacks, and copies a stack whenever it has to grow. A run of the pipeline
// outgrows the first few, and histories have little else than runs: it was a tenth of all work. At each collection the
// runtime learns how much of their stacks goroutines use, and lets new ones begin with the average. These do nothing but
// use as much as a run.
const (
	deepGoroutines = 100
	deepStack      = 8 << 10
)

// growStacks has goroutines begin with stacks that a run fits into, for as long as the program lives.
func growStacks() {
	for range deepGoroutines {
		go waitDeep(make(chan struct{}))
	}
	runtime.GC()
}

//go:noinline
func waitDeep(never <-chan struct{}) byte {
	var deep [deepStack]byte
	for i := range deep {
		deep[i] = byte(i)
	}
	<-never
	return deep[len(never)]
}
