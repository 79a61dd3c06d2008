package provision_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// Replay one seed of the simulations: go test -run Simulation -seed 42.
var replay = flag.Uint64("seed", 0, "run the simulations with this seed only")

// simulated runs a simulation once for each seed. A failure names its seed.
func simulated(t *testing.T, simulation func(t *testing.T, seed uint64)) {
	t.Helper()
	first, last := uint64(1), uint64(150)
	if testing.Short() {
		last = 20
	}
	if *replay != 0 {
		first, last = *replay, *replay
	}
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { simulation(t, seed) })
		})
	}
}

// simPeople are people whose names collide with each other's and with accounts that exist.
func simPeople() []provision.Person {
	return []provision.Person{
		{Connection: "google", ID: "1", Email: "sam@example.net"},
		{Connection: "google", ID: "2", Email: "sam@example.org"},
		{Connection: "linkedin", ID: "1", Email: "Sam@example.com"},
		{Connection: "ldap", ID: "1", Email: "admin@example.net"},
		{Connection: "ldap", ID: "2"},
		{Connection: "ldap", ID: "3", UPN: "staff@contoso.com", ImmutableID: "MyIRAFVEd2aImaq7zN3u/w=="},
	}
}

// simTenant is a tenant with three replicas that lag, and with faults of every kind while stormy says so.
func simTenant(draw func() *rand.Rand, stormy func() bool) *tenant {
	dir := newTenant()
	dir.has("foreign-1", "sam@contoso.com")
	dir.has("", "admin@contoso.com")
	dir.has("foreign-2", "admin2@contoso.com")
	lags := make(map[*tenantUser][3]time.Duration)
	dir.visible = func(u *tenantUser) bool {
		if u.foreign {
			return true
		}
		if _, ok := lags[u]; !ok {
			r := draw()
			lags[u] = [3]time.Duration{jitter(r, 2), jitter(r, 10), jitter(r, 30)}
		}
		return time.Since(u.createdAt) >= lags[u][draw().IntN(3)]
	}
	dir.chaos = func(method string) fault {
		if r := draw(); stormy() && r.IntN(3) == 0 {
			return storm(r, method)
		}
		return fault{}
	}
	return dir
}

func jitter(r *rand.Rand, seconds int) time.Duration {
	return time.Duration(r.IntN(seconds*1000)) * time.Millisecond
}

// storm draws one fault.
func storm(r *rand.Rand, method string) fault {
	faults := []fault{
		{err: status(500)}, {err: status(502), commit: true}, {err: status(504), commit: true}, {err: status(503)},
		{err: dropped()}, {err: dropped(), commit: true},
		{err: throttled(0)}, {err: throttled(jitter(r, 40))}, {err: throttled(400 * time.Second)},
		{err: concurrencyViolation()},
		{err: status(401)}, {err: status(403)},
		{before: func(ctx context.Context) { <-ctx.Done() }},
	}
	switch method {
	case "CreateUser":
		faults = append(faults, fault{err: badRequest("One or more property values specified are invalid.")},
			fault{err: conflict("proxyAddresses", "")}, fault{err: conflict("userPrincipalName", "")},
			fault{err: conflict("", ""), commit: true})
	case "ChangeLicenses":
		faults = append(faults, fault{err: notFound()}, fault{err: noSeat(standardSKU)},
			fault{err: badRequest("License assignment cannot be done for user with invalid usage location.")})
	}
	return faults[r.IntN(len(faults))]
}

// atMostOneAccountEach is what must hold at any time.
func atMostOneAccountEach(t *testing.T, dir *tenant) {
	t.Helper()
	immutableIDs := make(map[string]string)
	for _, u := range dir.mine() {
		require.Empty(t, immutableIDs[u.ImmutableID], "a second account for one person")
		immutableIDs[u.ImmutableID] = u.UserPrincipalName
	}
	require.LessOrEqual(t, len(immutableIDs), len(simPeople()))
	for _, u := range dir.users[:3] {
		require.True(t, u.foreign)
		require.Empty(t, u.SKUIDs, "a foreign account got a licence")
	}
}

// allArrive is what must hold once the storm is over: everybody has the one account, from whatever process.
func allArrive(t *testing.T, dir *tenant, processes []*provision.Provisioner) {
	t.Helper()
	for _, person := range simPeople() {
		var accounts []provision.Account
		for _, p := range processes {
			account, err := p.Ensure(t.Context(), person)
			if err != nil { // the last 429 of the storm may still hold everybody back
				time.Sleep(3 * time.Minute)
				account, err = p.Ensure(t.Context(), person)
			}
			require.NoError(t, err)
			accounts = append(accounts, account)
		}
		for _, account := range accounts {
			require.Equal(t, accounts[0].ImmutableID, account.ImmutableID)
			require.Equal(t, accounts[0].ObjectID, account.ObjectID)
			require.Equal(t, accounts[0].UPN, account.UPN)
		}
	}
	atMostOneAccountEach(t, dir)
	require.Len(t, dir.mine(), len(simPeople()))
	for _, u := range dir.mine() {
		require.Equal(t, []string{standardSKU}, u.SKUIDs)
	}
}

// TestSimulation walks one person after the other, through three processes of which two share a store, in a directory
// that fails in every way; callers leave, and processes crash. Each seed is the same walk every time.
func TestSimulation(t *testing.T) {
	t.Parallel()
	simulated(t, func(t *testing.T, seed uint64) { simulateOneByOne(t, seed) })
}

func TestASeedIsTheSameWalkEveryTime(t *testing.T) {
	t.Parallel()
	var walks [2][]string
	for i := range walks {
		synctest.Test(t, func(t *testing.T) { walks[i] = simulateOneByOne(t, 7) })
	}
	require.Equal(t, walks[0], walks[1])
}

// simulateOneByOne returns the calls to the directory, in their order.
func simulateOneByOne(t *testing.T, seed uint64) []string {
	r := rand.New(rand.NewPCG(seed, 0))
	stormy := true
	dir := simTenant(func() *rand.Rand { return r }, func() bool { return stormy })
	stores := []provision.Store{provision.NewMemoryStore(), provision.NewMemoryStore()}
	for range 40 {
		store := stores[r.IntN(len(stores))]
		p := &process{directory: dir, store: store, after: r.IntN(2) == 0}
		if r.IntN(2) == 0 {
			p.crashAt = 1 + r.IntN(15)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second+jitter(r, 150))
		person := simPeople()[r.IntN(len(simPeople()))]
		_, err := newProvisioner(t, licensed(config(p, p), standardSKU)).Ensure(ctx, person)
		cancel()
		synctest.Wait()
		if err != nil {
			requireOneSentinel(t, err)
		}
		atMostOneAccountEach(t, dir)
		time.Sleep(2 * time.Minute) // an abandoned write of this run ends by then
	}
	stormy = false
	allArrive(t, dir, []*provision.Provisioner{
		newProvisioner(t, licensed(config(dir, stores[0]), standardSKU)),
		newProvisioner(t, licensed(config(dir, stores[0]), standardSKU)),
		newProvisioner(t, licensed(config(dir, stores[1]), standardSKU)),
	})
	return dir.calls
}

// TestSimulationOfManyAtOnce lets everybody sign in at the same time, several times over, in three processes.
func TestSimulationOfManyAtOnce(t *testing.T) {
	t.Parallel()
	simulated(t, func(t *testing.T, seed uint64) {
		var calls uint64
		draw := func() *rand.Rand { // called with the tenant locked
			calls++
			return rand.New(rand.NewPCG(seed, calls))
		}
		began := time.Now()
		dir := simTenant(draw, func() bool { return time.Since(began) < 3*time.Minute })
		stores := []provision.Store{provision.NewMemoryStore(), provision.NewMemoryStore()}
		processes := []*provision.Provisioner{
			newProvisioner(t, licensed(config(dir, stores[0]), standardSKU)),
			newProvisioner(t, licensed(config(dir, stores[0]), standardSKU)),
			newProvisioner(t, licensed(config(dir, stores[1]), standardSKU)),
		}
		var all sync.WaitGroup
		for _, person := range simPeople() {
			for i := range 6 {
				all.Go(func() {
					time.Sleep(time.Duration(i/2) * time.Second)
					_, err := processes[i%3].Ensure(t.Context(), person)
					if err != nil {
						requireOneSentinel(t, err)
					}
				})
			}
		}
		all.Wait()
		atMostOneAccountEach(t, dir)
		time.Sleep(5 * time.Minute)
		allArrive(t, dir, processes)
	})
}
