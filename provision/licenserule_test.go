package provision_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestLicensesOfTheRulesAreChecked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		licenses []provision.License
		problem  string
	}{
		"neither SKU nor group":        {[]provision.License{{}}, "Rules.Licenses[0] is empty"},
		"white space":                  {[]provision.License{{SKU: " \t"}}, "Rules.Licenses[0] is empty"},
		"both SKU and group":           {[]provision.License{{SKU: "SPB", Group: "staff"}}, "both SKU and Group"},
		"plans of a group":             {[]provision.License{{Group: "staff", DisabledPlans: []string{"x"}}}, "set at the group"},
		"an empty plan":                {[]provision.License{{SKU: "SPB", DisabledPlans: []string{"a", ""}}}, "DisabledPlans[1] is empty"},
		"an empty fallback":            {[]provision.License{seat("SPB", provision.License{})}, "Rules.Licenses[0].Fallbacks[0] is empty"},
		"a fallback of a fallback":     {[]provision.License{seat("A", seat("B", seat("C")))}, "Fallbacks[0] has Fallbacks of its own"},
		"the same twice":               {[]provision.License{seat("SPB"), seat("spb")}, `Rules.Licenses[1]: "spb" is there twice`},
		"its own fallback":             {[]provision.License{seat("SPB", seat("SPB"))}, "there twice"},
		"another licence's fallback":   {[]provision.License{seat("A", seat("B")), seat("B")}, "there twice"},
		"the same group twice":         {[]provision.License{byGroup("Staff"), byGroup("staff")}, "there twice"},
		"a group that everybody joins": {[]provision.License{byGroup("everybody")}, "one of Rules.Groups too"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := licensedBy(newLicenseTenant(), nil, tc.licenses...)
			c.Rules.Groups = []string{"everybody"}
			_, err := provision.New(c)
			require.ErrorContains(t, err, tc.problem)
		})
	}
	t.Run("all that is wrong is said at once", func(t *testing.T) {
		t.Parallel()
		_, err := provision.New(licensedBy(newLicenseTenant(), nil, provision.License{}, seat("A", seat("A"))))
		require.ErrorContains(t, err, "Rules.Licenses[0] is empty")
		require.ErrorContains(t, err, "there twice")
	})
	t.Run("a SKU and a group of one name are not the same", func(t *testing.T) {
		t.Parallel()
		_, err := provision.New(licensedBy(newLicenseTenant(), nil, seat("staff", byGroup("staff"))))
		require.NoError(t, err)
	})
}

func TestLicencesByGroupNeedADirectoryWithGroups(t *testing.T) {
	t.Parallel()
	for name, license := range map[string]provision.License{
		"as the licence":  byGroup("staff"),
		"as its fallback": seat("SPB", byGroup("staff")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := provision.New(licensedBy(struct{ provision.Directory }{newTenant()}, nil, license))
			require.ErrorContains(t, err, "not a provision.Groups")
		})
	}
}

func TestTheRulesAreTheProvisionersOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newLicenseTenant()
		dir.seats(standardSKU, 0)
		c := licensedBy(dir, nil, seat(standardSKU, seat(basicSKU)))
		p := newProvisioner(t, c)
		c.Rules.Licenses[0].Fallbacks[0].SKU = "changed"
		_, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, []string{basicSKU}, dir.mine()[0].SKUIDs)
	})
}
