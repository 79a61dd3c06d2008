package provision_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// leavers are people who come and go, and whose names collide.
func leavers() []provision.Person {
	return []provision.Person{
		{Connection: "google", ID: "1", Email: "sam@example.net"},
		{Connection: "google", ID: "2", Email: "sam@example.org"},
		{Connection: "ldap", ID: "3", UPN: "staff@contoso.com", ImmutableID: "MyIRAFVEd2aImaq7zN3u/w=="},
	}
}

// stormyAccounts is a tenant whose replicas lag up to 10 seconds, with faults of every kind while stormy says so.
func stormyAccounts(draw func() *rand.Rand, stormy func() bool) *accountTenant {
	dir := newLeavingTenant()
	dir.had("foreign-1", "sam@contoso.com")
	dir.replica = func() time.Duration {
		if !stormy() {
			return 0
		}
		return jitter(draw(), 10)
	}
	dir.chaos = func(method string) fault {
		if r := draw(); stormy() && r.IntN(4) == 0 {
			return storm(r, method)
		}
		return fault{}
	}
	return dir
}

func comingAndGoing(dir provision.Directory, store provision.Store) provision.Config {
	c := licensed(config(dir, store), standardSKU)
	c.Rules.Groups = []string{allStaff}
	return c
}

// immutableIDOf is the person's, for ever.
func immutableIDOf(person provision.Person) string {
	if person.ImmutableID != "" {
		return person.ImmutableID
	}
	return provision.ImmutableIDFromSubject(person.Connection, person.ID)
}

// live are the person's accounts that are not gone for good.
func live(dir *accountTenant, person provision.Person) (users []provision.User) {
	for _, place := range []string{"active", "deleted"} {
		for _, u := range dir.in(place) {
			if u.ImmutableID == immutableIDOf(person) {
				users = append(users, u)
			}
		}
	}
	return users
}

// requireNobodyTwice is what must hold at any time: nobody has two accounts, and no account changes hands.
func requireNobodyTwice(t *testing.T, dir *accountTenant) {
	t.Helper()
	for _, person := range leavers() {
		require.LessOrEqual(t, len(live(dir, person)), 1, "two accounts of one person")
	}
	for id, versions := range dir.history {
		for _, v := range versions {
			require.Equal(t, versions[0].user.ImmutableID, v.user.ImmutableID, "the ImmutableID of %s changed", id)
		}
	}
	require.True(t, dir.current("00000000-0000-4000-8000-000000000001").user.AccountEnabled, "a foreign account was blocked")
}

// requireNoAccess is what must hold after a leave that came to its end.
func requireNoAccess(t *testing.T, dir *accountTenant, person provision.Person) {
	t.Helper()
	for _, u := range dir.in("active") {
		if u.ImmutableID == immutableIDOf(person) {
			require.False(t, u.AccountEnabled, "an enabled account after a finished Retire")
		}
	}
}

// comeOrGo is one of the three calls. It reports whether the person has left for certain.
func comeOrGo(ctx context.Context, r *rand.Rand, p *provision.Provisioner, person provision.Person) (left bool, err error) {
	leaving := provision.Leaving{KeepLicenses: r.IntN(2) == 0, Delete: r.IntN(2) == 0, Purge: r.IntN(4) == 0}
	switch r.IntN(4) {
	case 0:
		return false, p.Restore(ctx, person)
	case 1:
		err = p.Retire(ctx, person.Key(), leaving)
		return err == nil, err
	}
	_, err = p.Ensure(ctx, person)
	return false, err
}

// everybodyComesAndGoes is what must be possible once the storm is over.
func everybodyComesAndGoes(t *testing.T, dir *accountTenant, p *provision.Provisioner) {
	t.Helper()
	for _, person := range leavers() {
		_, err := p.Ensure(t.Context(), person) // so that there is a record
		if err != nil {
			require.ErrorIs(t, err, provision.ErrRetired)
		}
		require.NoError(t, p.Restore(t.Context(), person))
		account, err := p.Ensure(t.Context(), person)
		require.NoError(t, err)
		require.Equal(t, immutableIDOf(person), account.ImmutableID)
		require.Len(t, live(dir, person), 1)
		user := dir.user(account.ObjectID)
		require.Equal(t, account.UPN, user.UserPrincipalName)
		require.True(t, user.AccountEnabled)
		require.Equal(t, []string{standardSKU}, user.SKUIDs)
		require.Contains(t, dir.members[allStaff], account.ObjectID)

		require.NoError(t, p.Retire(t.Context(), person.Key(), provision.Leaving{Delete: true}))
		requireNoAccess(t, dir, person)
		requireNobodyTwice(t, dir)
	}
}

// TestSimulationOfComingAndGoing has people provisioned, retired and restored in any order by processes that crash, in a
// directory that lags and fails in every way. Each seed is the same walk every time.
func TestSimulationOfComingAndGoing(t *testing.T) {
	t.Parallel()
	simulated(t, func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		stormy := true
		dir := stormyAccounts(func() *rand.Rand { return r }, func() bool { return stormy })
		memory := provision.NewMemoryStore()
		for range 40 {
			p := &process{directory: dir, store: memory, after: r.IntN(2) == 0}
			if r.IntN(3) == 0 {
				p.crashAt = 1 + r.IntN(20)
			}
			store := provision.Store(unleased{p})
			if r.IntN(2) == 0 {
				store = &leasedProcess{p, memory}
			}
			person := leavers()[r.IntN(len(leavers()))]
			ctx, cancel := context.WithTimeout(t.Context(), time.Second+jitter(r, 200))
			left, err := comeOrGo(ctx, r, newProvisioner(t, comingAndGoing(&accountProcess{p, dir}, store)), person)
			cancel()
			if err != nil {
				requireOneSentinel(t, err)
			}
			requireNobodyTwice(t, dir)
			time.Sleep(2*time.Minute + jitter(r, 7200)) // an abandoned write of this run ends by then
			if left {
				requireNoAccess(t, dir, person)
			}
		}
		stormy = false
		time.Sleep(2 * time.Hour)
		everybodyComesAndGoes(t, dir, newProvisioner(t, comingAndGoing(dir, memory)))
	})
}

// TestSimulationOfComingAndGoingAtOnce has several calls for each person under way in two processes that share leases.
func TestSimulationOfComingAndGoingAtOnce(t *testing.T) {
	t.Parallel()
	simulated(t, func(t *testing.T, seed uint64) {
		var calls uint64
		draw := func() *rand.Rand { // called with the tenant locked
			calls++
			return rand.New(rand.NewPCG(seed, calls))
		}
		began := time.Now()
		dir := stormyAccounts(draw, func() bool { return time.Since(began) < 5*time.Minute })
		memory := provision.NewMemoryStore()
		processes := []*provision.Provisioner{
			newProvisioner(t, comingAndGoing(dir, memory)), newProvisioner(t, comingAndGoing(dir, memory)),
		}
		var all sync.WaitGroup
		for i, person := range leavers() {
			for j := range 6 {
				all.Go(func() {
					r := rand.New(rand.NewPCG(seed, uint64(1000+10*i+j)))
					for range 4 {
						time.Sleep(jitter(r, 60))
						if _, err := comeOrGo(t.Context(), r, processes[j%2], person); err != nil {
							requireOneSentinel(t, err)
						}
					}
				})
			}
		}
		all.Wait()
		requireNobodyTwice(t, dir)
		time.Sleep(2 * time.Hour)
		everybodyComesAndGoes(t, dir, processes[0])
	})
}
