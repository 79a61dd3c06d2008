package main

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// events is the log of a history as text.
func events(seed uint64) string {
	var text strings.Builder
	simulate(seed, true).log.write(&text)
	return text.String()
}

// firstDifference shows the first line in which two logs differ, or "".
func firstDifference(one, two string) string {
	if one == two {
		return ""
	}
	first, second := strings.Split(one, "\n"), strings.Split(two, "\n")
	i := 0
	for i < min(len(first), len(second))-1 && first[i] == second[i] {
		i++
	}
	return first[i] + "\n" + second[i]
}

// TestASeedIsTheSameHistoryEveryTime is not parallel: it changes how many processors there are.
func TestASeedIsTheSameHistoryEveryTime(t *testing.T) {
	const seeds = 300
	var first [seeds]string
	for i := range first {
		first[i] = events(uint64(i))
	}
	for _, processors := range []int{1, 2, 8} {
		t.Run(fmt.Sprintf("%d processors", processors), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
			for i, want := range first {
				require.Empty(t, firstDifference(want, events(uint64(i))), "seed %d", i)
			}
		})
	}
}

func TestAnotherSeedIsAnotherHistory(t *testing.T) {
	t.Parallel()
	seen := make(map[string]int)
	for seed := range 200 {
		text := events(uint64(seed))
		require.Zero(t, seen[text], "seed %d", seed)
		seen[text]++
	}
}

// Whether events are kept must not change what happens.
func TestALogChangesNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		require.Equal(t, simulate(seed, true).calls, simulate(seed, false).calls, "seed %d", seed)
	}
}
