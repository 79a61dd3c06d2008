package provision_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestWhatWasGivenIsTakenBackAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		licenses []provision.License
		change   func(dir *licenseTenant, u *tenantUser) // after it was given
		left     []string
	}{
		"seats":             {[]provision.License{seat(standardSKU), seat(basicSKU)}, func(*licenseTenant, *tenantUser) {}, nil},
		"a group":           {[]provision.License{byGroup("staff")}, func(*licenseTenant, *tenantUser) {}, nil},
		"seats and a group": {[]provision.License{byGroup("staff"), seat(basicSKU)}, func(*licenseTenant, *tenantUser) {}, nil},
		"somebody else's seat stays": {[]provision.License{seat(standardSKU)},
			func(dir *licenseTenant, u *tenantUser) { dir.give(u, enterpriseSKU) }, []string{enterpriseSKU}},
		"somebody else's group stays": {[]provision.License{seat(standardSKU)},
			func(dir *licenseTenant, u *tenantUser) {
				dir.members[partnersGroup] = []string{u.ObjectID}
				dir.inherit(u, partnersGroup)
			}, []string{basicSKU}},
		"a seat that somebody took is no error": {[]provision.License{seat(standardSKU), seat(basicSKU)},
			func(dir *licenseTenant, u *tenantUser) { dir.hold(u, u.Licenses[1:]) }, nil},
		"a seat that a group gives as well stays": {[]provision.License{seat(basicSKU)},
			func(dir *licenseTenant, u *tenantUser) {
				dir.members[partnersGroup] = []string{u.ObjectID}
				dir.inherit(u, partnersGroup)
			}, []string{basicSKU}},
		"a seat that only a group gives by now stays": {[]provision.License{seat(basicSKU)},
			func(dir *licenseTenant, u *tenantUser) {
				dir.members[partnersGroup] = []string{u.ObjectID}
				dir.inherit(u, partnersGroup)
				dir.hold(u, u.Licenses[1:])
			}, []string{basicSKU}},
		"a group that was left is no error": {[]provision.License{byGroup("staff")},
			func(dir *licenseTenant, u *tenantUser) {
				dir.members[staffGroup] = nil
				dir.inherit(u, staffGroup)
			}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLicenseTenant(), provision.NewMemoryStore()
				p := newProvisioner(t, licensedBy(dir, store, tc.licenses...))
				_, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				tc.change(dir, dir.mine()[0])

				for range 2 { // it is idempotent
					require.NoError(t, provision.RemoveLicenses(t.Context(), p, contractor().Key()))
				}
				time.Sleep(time.Minute)
				user, err := dir.FindUser(t.Context(), provision.UserKey{ObjectID: dir.mine()[0].ObjectID})
				require.NoError(t, err)
				require.Equal(t, tc.left, user.SKUIDs)
				require.Empty(t, dir.members[staffGroup])
				rec, err := store.Load(t.Context(), contractor().Key())
				require.NoError(t, err)
				require.Empty(t, given(t, store, contractor()))
				require.Zero(t, rec.LicensedAt, "the step license would give them anew")
			})
		})
	}
}

func TestTakingBackGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fault{
		"the answer is lost":  {err: dropped(), commit: true},
		"the directory fails": {err: status(503)},
		"a concurrent write":  {err: concurrencyViolation()},
		"a lagging replica":   {err: notFound()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLicenseTenant(), provision.NewMemoryStore()
				p := newProvisioner(t, licensedBy(dir, store, seat(standardSKU), seat(enterpriseSKU), byGroup("partners")))
				_, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				dir.next("ChangeLicenses", f)
				dir.next("RemoveMember", f)
				require.NoError(t, provision.RemoveLicenses(t.Context(), p, contractor().Key()))
				time.Sleep(time.Minute)
				_, err = dir.FindUser(t.Context(), provision.UserKey{ObjectID: dir.mine()[0].ObjectID})
				require.NoError(t, err)
				require.Empty(t, dir.mine()[0].Licenses)
			})
		})
	}
	t.Run("after a failure", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			dir, store := newLicenseTenant(), provision.NewMemoryStore()
			p := newProvisioner(t, licensedBy(dir, store, seat(standardSKU), byGroup("partners")))
			_, err := p.Ensure(t.Context(), contractor())
			require.NoError(t, err)
			dir.next("ChangeLicenses", fault{err: status(403)})
			err = provision.RemoveLicenses(t.Context(), p, contractor().Key())
			require.ErrorIs(t, err, provision.ErrForbidden)
			require.NotEmpty(t, given(t, store, contractor()), "it is not forgotten")
			require.NoError(t, provision.RemoveLicenses(t.Context(), p, contractor().Key()))
			require.Empty(t, given(t, store, contractor()))
		})
	})
	t.Run("the account is gone", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			dir, store := newLicenseTenant(), provision.NewMemoryStore()
			p := newProvisioner(t, licensedBy(dir, store, seat(standardSKU)))
			_, err := p.Ensure(t.Context(), contractor())
			require.NoError(t, err)
			dir.users = nil
			require.NoError(t, provision.RemoveLicenses(t.Context(), p, contractor().Key()))
			require.Empty(t, given(t, store, contractor()))
		})
	})
}
