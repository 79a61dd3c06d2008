package provision_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// What a group replaces is kept until the group has given it, also when the rules have a new seat beside the group.
func TestASwapThatEndsBeforeTheGroupGivesTakesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		account, err := newProvisioner(t, licensedBy(dir, store, seat(standardSKU))).Ensure(t.Context(), contractor())
		require.NoError(t, err)

		p := newProvisioner(t, licensedBy(dir, store, byGroup("partners"), seat(enterpriseSKU)))
		dir.next("AddMembers", fault{err: &provision.DirectoryError{Status: 403}})
		require.ErrorIs(t, p.SwapLicenses(t.Context(), contractor().Key()), provision.ErrForbidden)
		require.Contains(t, oneAccount(t, dir.tenant, account).SKUIDs, standardSKU, "nothing replaces it yet")

		require.NoError(t, p.SwapLicenses(t.Context(), contractor().Key()))
		require.Equal(t, []string{basicSKU, enterpriseSKU}, slices.Sorted(slices.Values(oneAccount(t, dir.tenant, account).SKUIDs)))
		require.ElementsMatch(t, []string{enterpriseSKU, "group:" + partnersGroup}, fieldsOf(given(t, store, contractor())))
	})
}

// Seats that exclude one another are still changed in one call, once the group has given its own.
func TestASwapToASeatThatExcludesTheOldOneAndToAGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		dir.excludes = [2]string{standardSKU, enterpriseSKU}
		account, err := newProvisioner(t, licensedBy(dir, store, seat(standardSKU))).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		p := newProvisioner(t, licensedBy(dir, store, seat(enterpriseSKU), byGroup("partners")))
		require.NoError(t, p.SwapLicenses(t.Context(), contractor().Key()))
		require.Equal(t, provision.LicenseChange{
			Add: []provision.LicenseGrant{{SKUID: enterpriseSKU}}, Remove: []string{standardSKU},
		}, dir.changes[len(dir.changes)-1])
		require.ElementsMatch(t, []string{basicSKU, enterpriseSKU}, oneAccount(t, dir.tenant, account).SKUIDs)
	})
}
