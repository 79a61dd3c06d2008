package provision_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// onceMore has the contractor provisioned, retired and back, and says what the account holds once all is known everywhere.
func onceMore(
	t *testing.T, dir *laggingTenant, leaving provision.Leaving, meanwhile func(u *tenantUser), licenses ...provision.License,
) ([]string, provision.Record) {
	t.Helper()
	store := provision.NewMemoryStore()
	p := newProvisioner(t, licensedBy(dir, store, licenses...))
	_, err := p.Ensure(t.Context(), contractor())
	require.NoError(t, err)
	time.Sleep(2 * time.Hour)
	dir.lag = time.Minute
	require.NoError(t, p.Retire(t.Context(), contractor().Key(), leaving))
	meanwhile(dir.mine()[0])
	require.NoError(t, p.Restore(t.Context(), contractor()))
	_, err = p.Ensure(t.Context(), contractor())
	require.NoError(t, err)
	time.Sleep(2 * time.Hour)
	user, err := dir.FindUser(t.Context(), provision.UserKey{ObjectID: dir.mine()[0].ObjectID})
	require.NoError(t, err)
	slices.Sort(user.SKUIDs)
	return user.SKUIDs, recordOf(t, store, contractor())
}

// Replicas that lag still show what was taken back.
func TestWhoComesBackAtOnceHasTheLicencesAgain(t *testing.T) {
	t.Parallel()
	nothing := func(*laggingTenant, *tenantUser) {}
	for name, tc := range map[string]struct {
		licenses  []provision.License
		leaving   provision.Leaving
		meanwhile func(dir *laggingTenant, u *tenantUser)
		holds     []string
		given     string
	}{
		"a seat":     {[]provision.License{seat(standardSKU)}, provision.Leaving{}, nothing, []string{standardSKU}, standardSKU},
		"two seats":  {[]provision.License{seat(basicSKU), seat(standardSKU)}, provision.Leaving{}, nothing, []string{basicSKU, standardSKU}, basicSKU + " " + standardSKU},
		"of a group": {[]provision.License{byGroup("partners")}, provision.Leaving{}, nothing, []string{basicSKU}, "group:" + partnersGroup},
		"a seat and a group's": {[]provision.License{byGroup("partners"), seat(standardSKU)}, provision.Leaving{}, nothing,
			[]string{basicSKU, standardSKU}, "group:" + partnersGroup + " " + standardSKU},
		"that were kept": {[]provision.License{seat(standardSKU)}, provision.Leaving{KeepLicenses: true}, nothing,
			[]string{standardSKU}, standardSKU},
		"that somebody else took meanwhile": {[]provision.License{seat(standardSKU)}, provision.Leaving{KeepLicenses: true},
			func(dir *laggingTenant, u *tenantUser) { dir.hold(u, nil); dir.note() }, []string{standardSKU}, standardSKU},
		"that were kept, of a subscription that has no seat left": {[]provision.License{seat(standardSKU, seat(basicSKU))},
			provision.Leaving{KeepLicenses: true}, func(dir *laggingTenant, _ *tenantUser) { dir.seats(standardSKU, 0) },
			[]string{standardSKU}, standardSKU},
		"that were kept and are refused first": {[]provision.License{seat(standardSKU, seat(basicSKU))},
			provision.Leaving{KeepLicenses: true}, func(dir *laggingTenant, _ *tenantUser) {
				dir.seats(standardSKU, 0)
				dir.next("ChangeLicenses", fault{err: noSeat(standardSKU)})
			}, []string{standardSKU}, standardSKU},
		"beside what somebody else gave": {[]provision.License{seat(standardSKU)}, provision.Leaving{},
			func(dir *laggingTenant, u *tenantUser) { dir.give(u, basicSKU); dir.note() }, []string{basicSKU, standardSKU}, standardSKU},
		"one that is lost on the way": {[]provision.License{seat(standardSKU)}, provision.Leaving{},
			func(dir *laggingTenant, _ *tenantUser) {
				dir.next("ChangeLicenses", fault{err: dropped(), commit: true})
			},
			[]string{standardSKU}, standardSKU},
		"the next alternative, where no seat is left": {[]provision.License{seat(standardSKU, seat(basicSKU))}, provision.Leaving{},
			func(dir *laggingTenant, _ *tenantUser) { dir.seats(standardSKU, 0) }, []string{basicSKU}, "lost:" + standardSKU + " " + basicSKU},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newLaggingTenant()
				holds, rec := onceMore(t, dir, tc.leaving, func(u *tenantUser) { tc.meanwhile(dir, u) }, tc.licenses...)
				require.Equal(t, tc.holds, holds)
				require.ElementsMatch(t, fieldsOf(tc.given), fieldsOf(timeless(rec.Licenses)))
				require.Empty(t, times(rec))
			})
		})
	}
}

// What was lost is remembered until it has been given anew, whatever happens meanwhile.
func TestWhoComesBackHasTheLicencesAgainAfter(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(t *testing.T, dir *laggingTenant, p *provision.Provisioner){
		"another leave": func(t *testing.T, _ *laggingTenant, p *provision.Provisioner) {
			require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
			require.NoError(t, p.Restore(t.Context(), contractor()))
		},
		"another leave that keeps licences": func(t *testing.T, _ *laggingTenant, p *provision.Provisioner) {
			require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{KeepLicenses: true}))
			require.NoError(t, p.Restore(t.Context(), contractor()))
		},
		"no alternative had a seat left": func(t *testing.T, dir *laggingTenant, p *provision.Provisioner) {
			dir.seats(standardSKU, 0)
			dir.seats(basicSKU, 0)
			_, err := p.Ensure(t.Context(), contractor())
			require.ErrorIs(t, err, provision.ErrNoLicense)
			dir.seats(standardSKU, 1)
			dir.seats(basicSKU, 1)
		},
		"a failure after the licence was given": func(t *testing.T, dir *laggingTenant, p *provision.Provisioner) {
			dir.next("ChangeLicenses", fault{err: status(403), commit: true})
			_, err := p.Ensure(t.Context(), contractor())
			require.ErrorIs(t, err, provision.ErrForbidden)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLaggingTenant(), provision.NewMemoryStore()
				p := newProvisioner(t, licensedBy(dir, store, seat(standardSKU, seat(basicSKU))))
				_, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				time.Sleep(2 * time.Hour)
				dir.lag = 10 * time.Minute
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
				require.NoError(t, p.Restore(t.Context(), contractor()))
				meanwhile(t, dir, p)
				_, err = p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, []string{standardSKU}, dir.mine()[0].SKUIDs)
				require.Equal(t, standardSKU, recordOf(t, store, contractor()).Licenses)
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
				require.Empty(t, dir.mine()[0].SKUIDs)
			})
		})
	}
}

// A leave takes back also what was given a moment ago, so that not every replica knows.
func TestWhoLeavesAtOnceKeepsNoGroup(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rules func(*provision.Config)
		group string
	}{
		"of the rules": {func(c *provision.Config) { c.Rules.Groups = []string{"staff"} }, staffGroup},
		"that gives a licence": {func(c *provision.Config) {
			c.Rules.Licenses = []provision.License{byGroup("partners")}
		}, partnersGroup},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newLaggingTenant()
				c := config(dir, nil)
				tc.rules(&c)
				p := newProvisioner(t, c)
				_, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				time.Sleep(2 * time.Hour) // the account is old, and the membership is not
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
				require.NoError(t, p.Restore(t.Context(), contractor()))
				_, err = p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Len(t, dir.members[tc.group], 1)
				dir.lag = 25 * time.Second
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
				require.Empty(t, dir.members[tc.group])
			})
		})
	}
}

// A deletion frees the seats: who was licensed, deleted by hand before they were ever ready, and brought back by a
// sign-in, is licensed anew.
func TestWhoseDeletionWasUndoneIsLicensedAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newAccountTenant(), provision.NewMemoryStore()
		c := conflictConfig(dir, store, provision.Adopt{Deleted: true})
		c.Extra = []provision.Step{failing{}}
		_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
		require.Error(t, err)
		rec := recordOf(t, store, contractor())
		require.NotZero(t, rec.LicensedAt)
		time.Sleep(2 * time.Hour)
		dir.changeByHand(rec.ObjectID, func(u *provision.User) { u.SKUIDs = nil })
		dir.deleteByHand(rec.ObjectID)
		time.Sleep(time.Minute)
		c.Extra = nil
		account, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, []string{standardSKU}, dir.user(account.ObjectID).SKUIDs)
		require.Equal(t, standardSKU, recordOf(t, store, contractor()).Licenses)
	})
}

// failing is a step of the host's that does not succeed.
type failing struct{}

func (failing) Name() string { return "failing" }

func (failing) Run(context.Context, provision.Person, provision.Account) error {
	return errors.New("no")
}
