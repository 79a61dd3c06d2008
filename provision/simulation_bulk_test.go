package provision_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// TestSimulationOfBulkWork creates a crowd in batches and has it join two groups, in a directory that lags and, for the
// first minutes, fails in every way. Once the storm is over everybody has the one
// account, is a member of both groups, and nobody is by mistake.
func TestSimulationOfBulkWork(t *testing.T) {
	t.Parallel()
	simulated(t, func(t *testing.T, seed uint64) {
		dir, store := newBatchTenant(), provision.NewMemoryStore()
		dir.draw = rand.New(rand.NewPCG(seed, 0))
		dir.nameless = seed%2 == 0
		dir.replicas = func() [3]time.Duration {
			return [3]time.Duration{jitter(dir.draw, 2), jitter(dir.draw, 10), jitter(dir.draw, 30)}
		}
		began := time.Now()
		dir.chaos = func(method string) fault { // called with the tenant locked
			if time.Since(began) < 3*time.Minute && dir.draw.IntN(6) == 0 {
				return storm(dir.draw, method)
			}
			return fault{}
		}
		p := newProvisioner(t, quick(inGroups(config(dir, store), "staff", partnerGroup)))
		people := hires(30)
		for time.Since(began) < 3*time.Minute {
			for _, err := range ensureLow(t.Context(), p, people) {
				if err != nil {
					requireOneSentinel(t, err)
				}
			}
			time.Sleep(time.Second)
		}
		time.Sleep(5 * time.Minute) // the last 429 of the storm
		for _, err := range ensureLow(t.Context(), p, people) {
			require.NoError(t, err)
		}
		synctest.Wait()
		everybodyOnce(t, dir.tenant, store, people)
		want := slices.Sorted(slices.Values(objectIDs(t, dir.tenant)))
		for _, group := range []string{staffGroup, partnerGroup} {
			require.Equal(t, want, slices.Sorted(slices.Values(dir.in(group))))
		}
	})
}
