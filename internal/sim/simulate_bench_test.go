package main

import "testing"

// BenchmarkHistory is what one history costs.
func BenchmarkHistory(b *testing.B) {
	b.ReportAllocs()
	for seed := uint64(1); b.Loop(); seed++ {
		simulate(seed, false)
	}
}
