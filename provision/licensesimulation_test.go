package provision_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// TestSimulationOfLicences gives licences with fallbacks in a directory that fails in every way, while processes crash
// and callers leave. Nobody ever gets a seat of two alternatives that the store does not know of, and in the end everybody
// has exactly one.
func TestSimulationOfLicences(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]provision.License{
		"seats":            seat(standardSKU, seat(basicSKU)),
		"a group, or seat": byGroup("staff", seat(basicSKU)),
		"a seat, or group": seat(enterpriseSKU, byGroup("partners")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulated(t, func(t *testing.T, seed uint64) { simulateLicences(t, seed, rule) })
		})
	}
}

func simulateLicences(t *testing.T, seed uint64, rule provision.License) {
	r := rand.New(rand.NewPCG(seed, 1))
	stormy := true
	dir := newLicenseTenant()
	dir.tenant = withLicenses(simTenant(func() *rand.Rand { return r }, func() bool { return stormy }), dir.skus)
	dir.seats(standardSKU, 3)
	dir.seats(enterpriseSKU, 3)
	store := provision.NewMemoryStore()
	for range 25 {
		p := &process{directory: dir, store: store, after: r.IntN(2) == 0}
		if r.IntN(2) == 0 {
			p.crashAt = 1 + r.IntN(20)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second+jitter(r, 150))
		person := simPeople()[r.IntN(len(simPeople()))]
		_, err := newProvisioner(t, licensedBy(&groupProcess{p, dir}, p, rule)).Ensure(ctx, person)
		cancel()
		synctest.Wait()
		if err != nil {
			requireOneSentinel(t, err)
		}
		time.Sleep(2 * time.Minute) // an abandoned write of this run ends by then
	}
	stormy = false
	calm := newProvisioner(t, licensedBy(dir, store, rule))
	for _, person := range simPeople() {
		account, err := calm.Ensure(t.Context(), person)
		if err != nil { // the last 429 of the storm may still hold everybody back
			time.Sleep(3 * time.Minute)
			account, err = calm.Ensure(t.Context(), person)
		}
		require.NoError(t, err)
		time.Sleep(time.Minute)
		user, err := dir.FindUser(t.Context(), provision.UserKey{ObjectID: account.ObjectID})
		require.NoError(t, err)
		requireOneAlternative(t, dir, user, given(t, store, person))
	}
}

// withLicenses is the tenant with the SKUs.
func withLicenses(t *tenant, skus []provision.SKU) *tenant {
	t.skus = skus
	return t
}

// requireOneAlternative requires that a user has exactly what the record says was given.
func requireOneAlternative(t *testing.T, dir *licenseTenant, user provision.User, given string) {
	t.Helper()
	require.Len(t, fieldsOf(given), 1)
	want := []string{given}
	for _, g := range dir.groups {
		if id, ok := strings.CutPrefix(given, "group:"); ok && id == g.ObjectID {
			want = g.SKUIDs
		}
	}
	require.ElementsMatch(t, want, user.SKUIDs)
}
