package msgraph_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/federation/entratest"
)

// leastPermissions are what an application needs to plan and to apply the federation of a domain that is not the default.
func leastPermissions() []string {
	return []string{
		"Domain.Read.All", "Domain-InternalFederation.ReadWrite.All", "User.Read.All", "RoleManagement.Read.Directory",
	}
}

// permitted is a tenant whose application has these permissions and no others.
func permitted(permissions ...string) entratest.Config {
	app := entratest.DefaultApp()
	app.Permissions = permissions
	return contoso(func(c *entratest.Config) { c.Apps = []entratest.App{app} })
}

func TestTheLeastPermissionsOfAPlanAreEnoughToApplyIt(t *testing.T) {
	t.Parallel()
	f := newFederating(t, permitted(leastPermissions()...))
	plan := f.plan(f.settings())
	require.Equal(t, []string{"conversion"}, rulesOf(plan.Findings))
	f.apply(plan)
	f.requireSignsIn()
	back, err := f.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com"})
	require.NoError(t, err)
	f.apply(back)
	f.requireManaged("contoso.com")
}

func TestAMissingPermissionIsNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		without, instead string
		named            string // by the remedy
		blocks           bool
		rules            []string // all of them, besides conversion
	}{
		"to write the federation": {
			without: "Domain-InternalFederation.ReadWrite.All", instead: "Domain-InternalFederation.Read.All",
			named: "Domain-InternalFederation.ReadWrite.All", blocks: true, rules: []string{"permission-missing"},
		},
		"to read the federation": {
			without: "Domain-InternalFederation.ReadWrite.All",
			named:   "Domain-InternalFederation.Read.All", blocks: true, rules: []string{"permission-missing", "not-looked-at"},
		},
		"to read the administrators": {
			without: "RoleManagement.Read.Directory", named: "RoleManagement.Read.Directory", blocks: true,
			rules: []string{"administrators-unknown", "permission-missing", "not-looked-at"},
		},
		"to read the users, and so who the administrators are": {
			without: "User.Read.All", named: "RoleManagement.Read.Directory and User.Read.All", blocks: true,
			rules: []string{"administrators-unknown", "permission-missing", "permission-missing", "not-looked-at"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			permissions := slices.DeleteFunc(leastPermissions(), func(p string) bool { return p == test.without })
			if test.instead != "" {
				permissions = append(permissions, test.instead)
			}
			f := newFederating(t, permitted(permissions...))
			plan, err := f.fed.Plan(t.Context(), f.settings())
			require.NoError(t, err)
			rules := slices.DeleteFunc(rulesOf(plan.Findings), func(rule string) bool { return rule == "conversion" })
			require.Equal(t, test.rules, rules)
			var remedies []string
			for _, found := range plan.Findings {
				if found.Rule == "permission-missing" {
					remedies = append(remedies, found.Remedy)
				}
			}
			require.Contains(t, remedies[0], "Grant "+test.named)
			_, err = f.fed.Apply(t.Context(), plan, nil)
			require.Equal(t, test.blocks, err != nil, "%v", err)
			if test.blocks {
				require.ErrorIs(t, err, federation.ErrBlocked)
				require.Empty(t, f.writes())
			}
		})
	}
}

func TestWithoutReadingDomainsThereIsNoPlan(t *testing.T) {
	t.Parallel()
	f := newFederating(t, permitted("User.Read.All"))
	_, err := f.fed.Plan(t.Context(), f.settings())
	require.ErrorIs(t, err, federation.ErrForbidden)
	require.ErrorContains(t, err, "there is no plan")
}

// To move the default domain takes one permission more.
func TestMovingTheDefaultDomainNeedsToWriteDomains(t *testing.T) {
	t.Parallel()
	for _, more := range [][]string{nil, {"Domain.ReadWrite.All"}} {
		cfg := permitted(append(leastPermissions(), more...)...)
		cfg.Domains = []entratest.Domain{{Name: "contoso.com", Default: true}}
		f := newFederating(t, cfg)
		plan, err := f.fed.Plan(t.Context(), f.settings(func(s *federation.Settings) { s.DefaultDomain = initialDomain }))
		require.NoError(t, err)
		if more != nil {
			f.apply(plan)
			f.requireSignsIn()
			continue
		}
		found := f.ofRule(plan.Findings, "permission-missing")
		require.Equal(t, federation.SeverityError, found.Severity)
		require.Contains(t, found.Summary, "PATCH /domains/"+initialDomain)
		require.Contains(t, found.Remedy, "Domain.ReadWrite.All")
	}
}

// A user's token can do what the user allowed and what the user's roles allow.
func TestAUsersPermissionsAndRole(t *testing.T) {
	t.Parallel()
	read := []string{"User.Read", "User.Read.All", "Domain.Read.All", "Domain-InternalFederation.Read.All",
		"RoleManagement.Read.Directory"}
	write := "Domain-InternalFederation.ReadWrite.All"
	const reader = "reader@" + initialDomain
	for name, test := range map[string]struct {
		upn         string
		permissions []string
		missing     string // by the plan; empty: nothing
		forbidden   bool   // by the tenant
	}{
		"an administrator who allowed it": {upn: adminUPN, permissions: append(slices.Clone(read), write)},
		"an administrator who allowed everything": {
			upn: adminUPN, permissions: append(slices.Clone(read), "Directory.AccessAsUser.All"),
		},
		"an administrator who allowed to read": {upn: adminUPN, permissions: read, missing: write},
		"somebody without a role who allowed it": {
			upn: reader, permissions: append(slices.Clone(read), write), forbidden: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFederating(t, contoso(func(c *entratest.Config) {
				c.Users = append(c.Users, entratest.User{UPN: reader, Enabled: true})
			}))
			fed := f.as(test.upn, test.permissions...)
			plan, err := fed.Plan(t.Context(), f.settings())
			require.NoError(t, err)
			outcome, applied := fed.Apply(t.Context(), plan, nil)
			switch {
			case test.missing != "":
				found := f.ofRule(plan.Findings, "permission-missing")
				require.Contains(t, found.Remedy, test.missing)
				require.Contains(t, found.Remedy, "role")
				require.ErrorIs(t, applied, federation.ErrBlocked)
				require.Empty(t, f.writes())
			case test.forbidden:
				require.ErrorIs(t, applied, federation.ErrForbidden)
				require.ErrorContains(t, applied, "the role Domain Name Administrator or Hybrid Identity Administrator")
				require.Zero(t, outcome.Done)
				f.requireManaged("contoso.com")
				outcome, err = f.as(adminUPN, append(slices.Clone(read), write)...).Apply(t.Context(), plan, nil)
				require.NoError(t, err, "somebody with a role goes on with the same plan")
				require.Equal(t, 1, outcome.Done)
			default:
				require.NoError(t, applied)
				f.settle()
				f.requireSignsIn()
			}
		})
	}
}

// It has been reported that an application needs a role besides its permissions. A plan cannot know; Apply says so.
func TestAnApplicationThatNeedsARole(t *testing.T) {
	t.Parallel()
	without, with := entratest.DefaultApp(), entratest.DefaultApp()
	with.ClientID, with.AdminRole = adminApp, true
	f := newFederating(t, contoso(func(c *entratest.Config) {
		c.FederationNeedsRole, c.Apps = true, []entratest.App{without, with}
	}))
	plan := f.plan(f.settings())
	_, err := f.fed.Apply(t.Context(), plan, nil)
	require.ErrorIs(t, err, federation.ErrForbidden)
	require.ErrorContains(t, err, "the role Domain Name Administrator or Hybrid Identity Administrator")
	f.requireManaged("contoso.com")

	f.fed = f.federator(f.directory(secret{f.entra, adminApp}, f.entra.Transport()))
	f.apply(plan)
	f.requireSignsIn()
}
