package provision_test

import (
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// swapped moves the contractor to other licences.
func swapped(t *testing.T, dir provision.Directory, store provision.Store, to provision.License) {
	t.Helper()
	require.NoError(t, newProvisioner(t, licensedBy(dir, store, to)).SwapLicenses(t.Context(), contractor().Key()))
}

// A replica that lags still shows what the first swap took back, and not yet what it gave.
func TestWhoIsSwappedThereAndBackHasASeat(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][2]provision.License{
		"seats":                          {seat(standardSKU), seat(enterpriseSKU)},
		"a seat and a group":             {seat(standardSKU), byGroup("partners")},
		"a group and a seat":             {byGroup("partners"), seat(standardSKU)},
		"a seat and a group of the same": {seat(basicSKU), byGroup("partners")},
		"groups":                         {byGroup("partners"), byGroup("staff")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLaggingTenant(), provision.NewMemoryStore()
				_, err := newProvisioner(t, licensedBy(dir, store, rules[0])).Ensure(t.Context(), contractor())
				require.NoError(t, err)
				time.Sleep(2 * time.Hour)
				had := seatsHeld(t, dir)
				dir.lag = time.Minute
				swapped(t, dir, store, rules[1])
				swapped(t, dir, store, rules[0])
				time.Sleep(time.Hour)
				require.ElementsMatch(t, had, seatsHeld(t, dir))
				require.Len(t, fieldsOf(given(t, store, contractor())), 1)
			})
		})
	}
}

// A crash leaves open whether the seat was taken. The rules change back before anybody continues.
func TestWhoIsSwappedBackAfterACrashHasASeat(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][2]provision.License{
		"seats":              {seat(standardSKU), seat(enterpriseSKU)},
		"a seat and a group": {seat(standardSKU), byGroup("partners")},
		"a group and a seat": {byGroup("partners"), seat(standardSKU)},
	} {
		for _, after := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for crashAt := 1; crashBeforeSwappingBack(t, rules, crashAt, after); crashAt++ {
					require.Less(t, crashAt, 200)
				}
			})
		}
	}
}

func crashBeforeSwappingBack(t *testing.T, rules [2]provision.License, crashAt int, after bool) (crashed bool) {
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLaggingTenant(), provision.NewMemoryStore()
		_, err := newProvisioner(t, licensedBy(dir, store, rules[0])).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		time.Sleep(2 * time.Hour)
		had := seatsHeld(t, dir)
		dir.lag = time.Minute
		p := &process{directory: dir, store: store, crashAt: crashAt, after: after}
		err = newProvisioner(t, licensedBy(&groupProcess{p, dir.licenseTenant}, p, rules[1])).
			SwapLicenses(t.Context(), contractor().Key())
		if crashed = p.crashed; !crashed {
			require.NoError(t, err)
		}
		swapped(t, dir, store, rules[0])
		time.Sleep(time.Hour)
		require.ElementsMatch(t, had, seatsHeld(t, dir), "crash at call %d", crashAt)
		require.Len(t, fieldsOf(given(t, store, contractor())), 1, "crash at call %d", crashAt)
	})
	return crashed
}

// What somebody else gives long after it was taken back is theirs again.
func TestWhatASwapTookBackLongAgoIsNotDoubted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLaggingTenant(), provision.NewMemoryStore()
		_, err := newProvisioner(t, licensedBy(dir, store, seat(standardSKU))).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		swapped(t, dir, store, seat(enterpriseSKU))
		time.Sleep(time.Hour)
		dir.give(dir.mine()[0], standardSKU)
		swapped(t, dir, store, seat(standardSKU))
		require.Equal(t, "lost:"+enterpriseSKU, timeless(recordOf(t, store, contractor()).Licenses))
		require.Equal(t, []string{standardSKU}, seatsHeld(t, dir))
	})
}

// Who comes back to other rules, and is then swapped to those of before, has lost what these say all the same.
func TestWhatWasLostIsDoubtedAlsoAfterOtherRules(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLaggingTenant(), provision.NewMemoryStore()
		p := newProvisioner(t, licensedBy(dir, store, seat(standardSKU)))
		_, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		time.Sleep(2 * time.Hour)
		require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
		require.NoError(t, p.Restore(t.Context(), contractor()))
		dir.lag = time.Minute
		_, err = newProvisioner(t, licensedBy(dir, store, seat(enterpriseSKU))).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		swapped(t, dir, store, seat(standardSKU))
		require.Equal(t, []string{standardSKU}, seatsHeld(t, dir))
	})
}

var lostAt = regexp.MustCompile(`lost:\w+:`)

// timeless is Record.Licenses without the times when something was lost.
func timeless(licenses string) string { return lostAt.ReplaceAllString(licenses, "lost:") }

// seatsHeld are the seats that the contractor has once the directory has worked out what groups give.
func seatsHeld(t *testing.T, dir *laggingTenant) []string {
	t.Helper()
	time.Sleep(dir.delay)
	_, err := dir.FindUser(t.Context(), provision.UserKey{ObjectID: dir.mine()[0].ObjectID})
	require.NoError(t, err)
	return dir.mine()[0].SKUIDs
}
