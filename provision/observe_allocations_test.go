package provision_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// Not parallel: it counts what the process allocates.
func TestWhoIsNotObservedAllocatesNothingForIt(t *testing.T) {
	allocations := func(c provision.Config, bare bool, steps int) float64 {
		p := newProvisioner(t, c)
		return testing.AllocsPerRun(100, func() {
			require.NoError(t, provision.Observed(t.Context(), p, bare, steps, 3))
		})
	}
	plain := config(newTenant(), nil)
	for _, steps := range []int{1, 100} {
		require.Equal(t, allocations(plain, true, steps), allocations(plain, false, steps), "%d steps", steps)
	}
	traced, _ := traced(plain)
	metered, _ := metered(plain)
	require.Greater(t, allocations(traced, false, 100), allocations(plain, false, 100), "the hooks are in the measurement")
	require.Greater(t, allocations(metered, false, 100), allocations(plain, false, 100), "the hooks are in the measurement")
}
