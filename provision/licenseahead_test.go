package provision_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestANewPersonWithoutASeatGetsNoAccount(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		license provision.License
		prepare func(*licenseTenant)
	}{
		"no seat":          {seat(standardSKU), func(dir *licenseTenant) { dir.seats(standardSKU, 0) }},
		"of any":           {seat(standardSKU, seat("SPB")), func(dir *licenseTenant) { dir.seats(standardSKU, 0) }},
		"of the group's":   {byGroup("staff"), func(dir *licenseTenant) { dir.seats(enterpriseSKU, 0) }},
		"unknown":          {seat("SPB"), func(*licenseTenant) {}},
		"an unknown group": {byGroup("nobody"), func(*licenseTenant) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLicenseTenant(), provision.NewMemoryStore()
				tc.prepare(dir)
				p := newProvisioner(t, licensedBy(dir, store, tc.license))
				var last provision.Event
				_, err := p.EnsureWithProgress(t.Context(), contractor(), func(e provision.Event) { last = e })
				require.ErrorIs(t, err, provision.ErrNoLicense)
				requireStep(t, err, provision.StepLicense)
				require.Equal(t, provision.StepLicense, last.Step)
				require.Equal(t, provision.Failed, last.State)
				require.Equal(t, 0, dir.count("CreateUser"))
				require.Equal(t, 2, dir.count("SKUs"), "the list is read anew before it is believed")
				_, err = store.Load(t.Context(), contractor().Key())
				require.ErrorIs(t, err, provision.ErrNoRecord, "nothing is reserved for nobody")
			})
		})
	}
}

func TestWhoHasAnAccountIsNotRefusedAhead(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, c *provision.Config, dir *licenseTenant, p *provision.Person){
		"by its ImmutableID": func(_ *testing.T, _ *provision.Config, dir *licenseTenant, _ *provision.Person) {
			dir.give(dir.has(provision.ImmutableIDFromSubject("google", "104"), "c@contoso.com"), standardSKU)
		},
		"by the person's own ImmutableID": func(_ *testing.T, _ *provision.Config, dir *licenseTenant, p *provision.Person) {
			p.ImmutableID = "own"
			dir.give(dir.has("own", "c@contoso.com"), standardSKU)
		},
		"by its UPN, where that is allowed": func(
			_ *testing.T, c *provision.Config, dir *licenseTenant, p *provision.Person,
		) {
			c.Rules.Adopt.InsecureByUPN = true
			c.Directory = changeable{dir}
			p.UPN, p.ImmutableID = "c@contoso.com", "own"
			dir.give(dir.has("own", "c@contoso.com"), standardSKU)
			dir.next("FindUser", fault{err: notFound()}) // by the ImmutableID
		},
		"reserved and created before a crash": func(t *testing.T, c *provision.Config, dir *licenseTenant, _ *provision.Person) {
			crashed := &process{directory: dir, store: c.Store, crashAt: 6}
			other := *c
			other.Directory, other.Store, other.Rules.Licenses = crashed, crashed, nil
			_, err := newProvisioner(t, other).Ensure(t.Context(), contractor())
			require.ErrorIs(t, err, errCrashed)
			require.Len(t, dir.mine(), 1)
			dir.give(dir.mine()[0], standardSKU)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, who := newLicenseTenant(), contractor()
				c := licensedBy(dir, provision.NewMemoryStore(), seat(standardSKU))
				prepare(t, &c, dir, &who)
				dir.seats(standardSKU, 0)
				_, err := newProvisioner(t, c).Ensure(t.Context(), who)
				require.NoError(t, err)
				require.Len(t, dir.users, 1)
			})
		})
	}
}

// changeable is a tenant whose accounts could be changed, and are not.
type changeable struct{ *licenseTenant }

func (changeable) UpdateUser(context.Context, string, provision.UserChange) error {
	return errors.ErrUnsupported
}
func (changeable) RevokeSessions(context.Context, string) error { return errors.ErrUnsupported }
func (changeable) DeleteUser(context.Context, string) error     { return errors.ErrUnsupported }

func TestAFailureOfTheLookAheadIsTheStepLicenses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method string
		want   error
	}{
		"the list may not be read":   {"SKUs", provision.ErrForbidden},
		"the account cannot be seen": {"FindUser", provision.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newLicenseTenant()
				dir.seats(standardSKU, 0)
				dir.always(tc.method, fault{err: status(403)})
				_, err := newProvisioner(t, licensedBy(dir, nil, seat(standardSKU))).Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, tc.want)
				requireStep(t, err, provision.StepLicense)
				require.ErrorContains(t, err, "LicenseAssignment.ReadWrite.All")
				require.Empty(t, dir.mine())
			})
		})
	}
}

func TestASeatThatIsBoughtLetsThePersonIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newLicenseTenant()
		dir.seats(standardSKU, 0)
		p := newProvisioner(t, licensedBy(dir, nil, seat(standardSKU)))
		_, err := p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrNoLicense)
		dir.seats(standardSKU, 1)
		time.Sleep(time.Second)
		_, err = p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
	})
}

func TestAPersonWhomTheRulesRefuseIsNotALicencesFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newLicenseTenant()
		dir.seats(standardSKU, 0)
		c := licensedBy(dir, nil, seat(standardSKU))
		c.Rules.ImmutableID = func(provision.Person) (string, error) { return "", errors.New("no ImmutableID") }
		_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrInvalidPerson)
		requireStep(t, err, provision.StepReserve)
	})
}
