package provision_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// The rules change while somebody is away, and no seat is left. What reads show may have been taken a moment ago; the
// directory knows whether the account holds it, and is asked.
func TestWhoComesBackToOtherRulesAndNoSeatLeft(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before, after provision.License
		leaving       provision.Leaving
		given         string // empty: no seat is left
	}{
		"keeps what a group gave, as a seat": {byGroup("partners"), seat(basicSKU),
			provision.Leaving{KeepLicenses: true}, "group:" + partnersGroup + " lost:group:" + partnersGroup + " " + basicSKU},
		"keeps a seat, by a group that gives the same": {seat(basicSKU), byGroup("partners"),
			provision.Leaving{KeepLicenses: true}, basicSKU + " lost:" + basicSKU + " group:" + partnersGroup},
		"lost what a group gave":                {byGroup("partners"), seat(basicSKU), provision.Leaving{}, ""},
		"lost the seat that a group would give": {seat(basicSKU), byGroup("partners"), provision.Leaving{}, ""},
		"lost what a group gave, and gets the next alternative": {byGroup("partners"), seat(basicSKU, seat(standardSKU)),
			provision.Leaving{}, "lost:group:" + partnersGroup + " " + standardSKU},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLaggingTenant(), provision.NewMemoryStore()
				p := newProvisioner(t, licensedBy(dir, store, tc.before))
				_, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				time.Sleep(2 * time.Hour)
				dir.lag = 10 * time.Second
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), tc.leaving))
				time.Sleep(dir.delay)
				_, err = dir.FindUser(t.Context(), provision.UserKey{ObjectID: dir.mine()[0].ObjectID})
				require.NoError(t, err)
				dir.seats(basicSKU, 0)
				dir.lag = time.Minute
				require.NoError(t, p.Restore(t.Context(), contractor()))

				_, err = newProvisioner(t, licensedBy(dir, store, tc.after)).Ensure(t.Context(), contractor())
				require.Equal(t, 0, freeSeats(dir, basicSKU))
				if tc.given == "" {
					require.ErrorIs(t, err, provision.ErrNoLicense)
					return
				}
				require.NoError(t, err)
				require.ElementsMatch(t, fieldsOf(tc.given), fieldsOf(timeless(recordOf(t, store, contractor()).Licenses)))
			})
		})
	}
}

// An hour after it was lost, every replica knows: what reads show then was given since, by somebody else.
func TestWhatWasLostLongAgoIsNotDoubted(t *testing.T) {
	t.Parallel()
	bySeat := func(dir *laggingTenant, u *tenantUser) { dir.give(u, basicSKU) }
	membership := func(dir *laggingTenant, u *tenantUser) {
		dir.members[partnersGroup] = []string{u.ObjectID}
		dir.inherit(u, partnersGroup)
	}
	for name, tc := range map[string]struct {
		license  provision.License
		somebody func(*laggingTenant, *tenantUser)
		after    time.Duration // from the return to the next sign-in
		given    string
	}{
		"a seat, at once":                {seat(basicSKU), bySeat, 0, basicSKU},
		"a seat, before the hour is up":  {seat(basicSKU), bySeat, 50 * time.Minute, basicSKU},
		"a seat, later":                  {seat(basicSKU), bySeat, time.Hour, ""},
		"a group, at once":               {byGroup("partners"), membership, 0, "group:" + partnersGroup},
		"a group, before the hour is up": {byGroup("partners"), membership, 50 * time.Minute, "group:" + partnersGroup},
		"a group, later":                 {byGroup("partners"), membership, time.Hour, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLaggingTenant(), provision.NewMemoryStore()
				p := newProvisioner(t, licensedBy(dir, store, tc.license))
				_, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
				require.NoError(t, p.Restore(t.Context(), contractor()))
				time.Sleep(tc.after)
				tc.somebody(dir, dir.mine()[0])

				_, err = p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, tc.given, recordOf(t, store, contractor()).Licenses)
			})
		})
	}
}

// What is lost a second time, before it was known that the step "license" had given it, is lost since then.
func TestWhatWasLostTwiceIsDoubtedForAnHourAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLaggingTenant(), provision.NewMemoryStore()
		p := newProvisioner(t, licensedBy(dir, store, seat(standardSKU)))
		_, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		leaveAndReturn := func() {
			require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
			require.NoError(t, p.Restore(t.Context(), contractor()))
		}
		leaveAndReturn()
		time.Sleep(50 * time.Minute)
		dir.next("ChangeLicenses", fault{err: status(403), commit: true})
		_, err = p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrForbidden)
		require.Equal(t, []string{standardSKU}, dir.mine()[0].SKUIDs)
		time.Sleep(15 * time.Minute)
		leaveAndReturn()
		require.Empty(t, dir.mine()[0].SKUIDs)
		require.Len(t, fieldsOf(recordOf(t, store, contractor()).Licenses), 1, "the last time counts")

		time.Sleep(10 * time.Minute)
		dir.lag = 12 * time.Minute
		_, err = p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, []string{standardSKU}, dir.mine()[0].SKUIDs)
	})
}

func freeSeats(dir *laggingTenant, skuID string) int {
	dir.mu.Lock()
	defer dir.mu.Unlock()
	return dir.sku(skuID).Free()
}
