package provision_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestLicensesAreNamedByPartNumberOrGUIDAndAssignedInOneCall(t *testing.T) {
	t.Parallel()
	for name, licenses := range map[string][]string{
		"part numbers":                 {"O365_BUSINESS_PREMIUM", "O365_BUSINESS_ESSENTIALS"},
		"in any case":                  {"o365_business_premium", "O365_Business_Essentials"},
		"GUIDs in any case":            {"F245ECC8-75AF-4F8E-B61F-27D8114DE5F3", basicSKU},
		"both, and the same one twice": {standardSKU, "O365_BUSINESS_PREMIUM", basicSKU},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				account, err := newProvisioner(t, licensed(config(dir, nil), licenses...)).Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, []string{standardSKU, basicSKU}, oneAccount(t, dir, account).SKUIDs)
				require.Equal(t, 1, dir.count("ChangeLicenses"))
			})
		})
	}
}

func TestWithoutLicensesTheStepIsSkipped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		_, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, 0, dir.count("SKUs"))
		require.Equal(t, 0, dir.count("ChangeLicenses"))
	})
}

func TestALicenseThatCannotBeGivenIsNamedWithWhatTheTenantHas(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		license string
		change  func(*provision.SKU)
		problem string
	}{
		"unknown":     {"ENTERPRISEPACK", func(*provision.SKU) {}, "no such subscription"},
		"no seat":     {standardSKU, func(s *provision.SKU) { s.Consumed = s.Enabled }, "no seat is left"},
		"suspended":   {standardSKU, func(s *provision.SKU) { s.Status = "Suspended" }, `"Suspended"`},
		"locked out":  {standardSKU, func(s *provision.SKU) { s.Status = "LockedOut" }, `"LockedOut"`},
		"for company": {standardSKU, func(s *provision.SKU) { s.AppliesTo = "Company" }, "not for users"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				tc.change(&dir.skus[0])
				_, err := newProvisioner(t, licensed(config(dir, nil), tc.license)).Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, provision.ErrNoLicense)
				requireStep(t, err, provision.StepLicense)
				var failure *provision.LicenseError
				require.ErrorAs(t, err, &failure)
				require.Equal(t, tc.license, failure.License)
				require.Len(t, failure.Tenant, 2)
				require.ErrorContains(t, err, tc.problem)
				require.ErrorContains(t, err, "O365_BUSINESS_ESSENTIALS")
				require.Equal(t, 0, dir.count("ChangeLicenses"))
			})
		})
	}
	require.ErrorContains(t, &provision.LicenseError{License: "X"}, "no subscription at all")
}

func TestASeatThatTheDirectoryDoesNotHaveAfterAll(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]*provision.DirectoryError{
		"no seat":     noSeat(standardSKU),
		"unknown SKU": badRequest("License " + standardSKU + " does not correspond to a valid company License."),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				dir.next("ChangeLicenses", fault{err: answer})
				p := newProvisioner(t, licensed(config(dir, nil), "O365_BUSINESS_ESSENTIALS", "O365_BUSINESS_PREMIUM"))
				_, err := p.Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, provision.ErrNoLicense)
				var failure *provision.LicenseError
				require.ErrorAs(t, err, &failure)
				require.Equal(t, "O365_BUSINESS_PREMIUM", failure.License, "the one whose SKU ID the directory quotes")
				var kept *provision.DirectoryError
				require.ErrorAs(t, err, &kept)
				require.Equal(t, 2, dir.count("SKUs"), "the list that promised a seat is read again")

				_, err = p.Ensure(t.Context(), contractor())
				require.NoError(t, err, "the run continues once there is a seat")
			})
		})
	}
}

func TestASeatThatTheAccountHasAlreadyCounts(t *testing.T) {
	t.Parallel()
	t.Run("with none left", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			dir := newTenant()
			dir.has(provision.ImmutableIDFromSubject("google", "104"), "c@contoso.com").SKUIDs = []string{standardSKU}
			dir.skus[0].Consumed = dir.skus[0].Enabled
			_, err := newProvisioner(t, licensed(config(dir, nil), standardSKU)).Ensure(t.Context(), contractor())
			require.NoError(t, err)
			require.Equal(t, 0, dir.count("ChangeLicenses"))
		})
	})
	t.Run("only what is missing is assigned", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			dir := newTenant()
			u := dir.has(provision.ImmutableIDFromSubject("google", "104"), "c@contoso.com")
			u.SKUIDs = []string{standardSKU}
			dir.skus[0].Consumed = dir.skus[0].Enabled
			_, err := newProvisioner(t, licensed(config(dir, nil), standardSKU, basicSKU)).Ensure(t.Context(), contractor())
			require.NoError(t, err)
			require.Equal(t, []string{standardSKU, basicSKU}, u.SKUIDs)
		})
	})
	t.Run("the last one was ours, and the answer was lost", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			dir := newTenant()
			dir.skus[0].Consumed = dir.skus[0].Enabled - 1
			dir.next("ChangeLicenses", fault{err: dropped(), commit: true}, fault{err: noSeat(standardSKU)})
			account, err := newProvisioner(t, licensed(config(dir, nil), standardSKU)).Ensure(t.Context(), contractor())
			require.NoError(t, err)
			require.Equal(t, []string{standardSKU}, oneAccount(t, dir, account).SKUIDs)
		})
	})
}

func TestAssignmentIsTriedAgainWhileTheAccountArrives(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"404":                    notFound(),
		"invalid usage location": badRequest("License assignment cannot be done for user with invalid usage location."),
		"400 does not exist": badRequest("Resource 'x' does not exist or one of its queried " +
			"reference-property objects are not present."),
		"concurrency violation":    concurrencyViolation(),
		"429":                      throttled(0),
		"503":                      status(503),
		"connection dropped":       dropped(),
		"Directory_ObjectNotFound": &provision.DirectoryError{Status: 400, Code: "Directory_ObjectNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				dir.next("ChangeLicenses", fault{err: err}, fault{err: err}, fault{err: err})
				account, err := newProvisioner(t, licensed(config(dir, nil), standardSKU)).Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, []string{standardSKU}, oneAccount(t, dir, account).SKUIDs)
				require.Equal(t, 4, dir.count("ChangeLicenses"))
				require.Equal(t, 15*time.Second, account.ReadyAt.Sub(account.CreatedAt), "retries count towards the dwell")
			})
		})
	}
}

func TestAssignmentFailsAtOnceWhereTryingAgainIsUseless(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]error{
		"403":             status(403),
		"dependent plans": badRequest("License assignment failed because service plan a depends on the service plan(s) b"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				dir.always("ChangeLicenses", fault{err: answer})
				_, err := newProvisioner(t, licensed(config(dir, nil), standardSKU)).Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, answer)
				requireStep(t, err, provision.StepLicense)
				require.Equal(t, 1, dir.count("ChangeLicenses"))
			})
		})
	}
}

func TestAnAdoptedAccountWithoutUsageLocationIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.has(provision.ImmutableIDFromSubject("google", "104"), "c@contoso.com").UsageLocation = ""
		dir.always("ChangeLicenses",
			fault{err: badRequest("License assignment cannot be done for user with invalid usage location.")})
		_, err := newProvisioner(t, licensed(config(dir, nil), standardSKU)).Ensure(t.Context(), contractor())
		require.ErrorContains(t, err, "set a usage location on the account")
		require.Equal(t, 1, dir.count("ChangeLicenses"))
	})
}

func TestTheListOfSubscriptionsIsReadOnceInTenMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		p := newProvisioner(t, licensed(config(dir, nil), standardSKU))
		_, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		time.Sleep(9 * time.Minute)
		_, err = p.Ensure(t.Context(), partner())
		require.NoError(t, err)
		require.Equal(t, 1, dir.count("SKUs"))
		time.Sleep(time.Minute)
		_, err = p.Ensure(t.Context(), provision.Person{Connection: "google", ID: "105"})
		require.NoError(t, err)
		require.Equal(t, 2, dir.count("SKUs"))
	})
}

func TestASubscriptionThatWasBoughtMeanwhileIsFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		all := dir.skus
		dir.skus = nil
		p := newProvisioner(t, licensed(config(dir, nil), standardSKU))
		_, err := p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrNoLicense)
		dir.skus = all
		_, err = p.Ensure(t.Context(), contractor())
		require.NoError(t, err, "the cached list is not believed when it refuses")
	})
}

func TestFailuresOfTheListAreTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.next("SKUs", fault{err: status(503)}, fault{err: dropped()}, fault{err: throttled(time.Second)})
		_, err := newProvisioner(t, licensed(config(dir, nil), standardSKU)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, 4, dir.count("SKUs"))
	})
}
