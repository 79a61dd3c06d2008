package provision_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestServicesStayOffByNameOrID(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ plans, want []string }{
		"by name":              {[]string{"YAMMER_ENTERPRISE"}, []string{vivaPlan}},
		"in any case":          {[]string{" yammer_enterprise"}, []string{vivaPlan}},
		"by ID":                {[]string{"7547A3FE-08EE-4CCB-B430-5077C5041653"}, []string{vivaPlan}},
		"both, the same twice": {[]string{"YAMMER_ENTERPRISE", vivaPlan, exchangePlan}, []string{vivaPlan, exchangePlan}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newLicenseTenant()
				rule := provision.License{SKU: "ENTERPRISEPACK", DisabledPlans: tc.plans}
				_, err := newProvisioner(t, licensedBy(dir, nil, rule, seat(basicSKU))).Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, []provision.LicenseChange{{Add: []provision.LicenseGrant{
					{SKUID: enterpriseSKU, DisabledPlans: tc.want}, {SKUID: basicSKU},
				}}}, dir.changes)
			})
		})
	}
}

func TestAServiceThatCannotBeOffIsAMistakeOfTheRules(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ plan, problem string }{
		"unknown":         {"YAMER", `"YAMER", but the service plans of ENTERPRISEPACK are: EXCHANGE_S_STANDARD, YAMMER_ENTERPRISE`},
		"for the company": {"EXCHANGE_S_FOUNDATION", "for the whole company"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newLicenseTenant()
				rule := provision.License{SKU: "ENTERPRISEPACK", DisabledPlans: []string{tc.plan},
					Fallbacks: []provision.License{seat(basicSKU)}}
				_, err := newProvisioner(t, licensedBy(dir, nil, rule)).Ensure(t.Context(), contractor())
				var refusal *provision.LicenseError
				require.ErrorAs(t, err, &refusal)
				require.True(t, refusal.Unsuitable)
				require.NotErrorIs(t, err, provision.ErrNoLicense, "a fallback would hide the mistake")
				require.ErrorContains(t, err, tc.problem)
				var failure *provision.Error
				require.ErrorAs(t, err, &failure)
				require.Equal(t, provision.ReasonRefused, failure.Reason())
				require.NotContains(t, failure.Public(), "no free place")
				require.Empty(t, dir.mine(), "no account is made for it")
			})
		})
	}
}

func TestASeatThatIsHeldKeepsItsServices(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newLicenseTenant()
		dir.give(dir.has(provision.ImmutableIDFromSubject("google", "104"), "c@contoso.com"), enterpriseSKU)
		rule := provision.License{SKU: "ENTERPRISEPACK", DisabledPlans: []string{"YAMMER_ENTERPRISE"}}
		_, err := newProvisioner(t, licensedBy(dir, nil, rule)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Empty(t, dir.changes)
	})
}

func TestServicesThatClashAreExplained(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ answer, says string }{
		"exclusive": {"License assignment failed because the assignment contains mutually exclusive service plans a and b.",
			"its services exclude services that the account has; take the other licence from the account"},
		"dependent": {"License assignment failed because service plan a depends on the service plan(s) b",
			"a service needs another one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newLicenseTenant()
				answer := badRequest(tc.answer)
				dir.always("ChangeLicenses", fault{err: answer})
				_, err := newProvisioner(t, licensedBy(dir, nil, seat(standardSKU, seat(basicSKU)))).Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, answer, "the directory's words are kept")
				require.NotErrorIs(t, err, provision.ErrNoLicense)
				require.ErrorContains(t, err, tc.says)
				require.Equal(t, 1, dir.count("ChangeLicenses"), "no other alternative is tried")
			})
		})
	}
}
