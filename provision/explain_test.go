package provision_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// explained is the explanation of a person by rules that a case may change.
func explained(t *testing.T, dir provision.Directory, store provision.Store, person provision.Person,
	change func(*provision.Rules)) provision.Explanation {
	t.Helper()
	c := config(dir, store)
	if change != nil {
		change(&c.Rules)
	}
	e, err := newProvisioner(t, c).Explain(t.Context(), person)
	require.NoError(t, err)
	require.NotEmpty(t, e.String())
	text, err := json.Marshal(e)
	require.NoError(t, err)
	var back provision.Explanation
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, e, back)
	return e
}

func TestAnExplanationSaysWhatBecomesOfAnAccount(t *testing.T) {
	t.Parallel()
	mine := provision.ImmutableIDFromSubject("google", "104")
	for name, tc := range map[string]struct {
		there    func(dir *tenant)
		person   func(*provision.Person)
		outcome  provision.Outcome
		upn      string
		conflict provision.ConflictKind
	}{
		"nobody": {func(*tenant) {}, nil, provision.OutcomeCreate, "contractor@contoso.com", ""},
		"the person's own": {func(d *tenant) { d.has(mine, "old@contoso.com") }, nil, provision.OutcomeAdopt,
			"old@contoso.com", ""},
		"a namesake": {func(d *tenant) { d.has("other", "contractor@contoso.com") }, nil, provision.OutcomeCreate,
			"contractor2@contoso.com", ""},
		"the owner of a given UPN": {func(d *tenant) { d.has("other", "given@contoso.com") },
			func(p *provision.Person) { p.UPN = "given@contoso.com" }, provision.OutcomeStop, "given@contoso.com", provision.ConflictUPN},
		"the unclaimed owner of a given UPN": {func(d *tenant) { d.has("", "given@contoso.com") },
			func(p *provision.Person) { p.UPN = "given@contoso.com" }, provision.OutcomeStop, "given@contoso.com",
			provision.ConflictUnclaimed},
		"the person's own with another UPN than is given": {func(d *tenant) { d.has(mine, "old@contoso.com") },
			func(p *provision.Person) { p.UPN = "given@contoso.com" }, provision.OutcomeStop, "old@contoso.com", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				tc.there(dir)
				person := contractor()
				if tc.person != nil {
					tc.person(&person)
				}
				e := explained(t, dir, nil, person, nil)
				require.Equal(t, tc.outcome, e.Outcome, e)
				require.Equal(t, tc.upn, e.UPN)
				require.Equal(t, tc.conflict, e.Conflict)
				require.Equal(t, tc.outcome == provision.OutcomeStop, len(e.Obstacles) > 0)
				account, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), person)
				if tc.outcome == provision.OutcomeStop {
					require.Error(t, err, "as was said")
					return
				}
				require.NoError(t, err)
				require.Equal(t, e.UPN, account.UPN, "as was said")
				require.Equal(t, e.ImmutableID, account.ImmutableID)
			})
		})
	}
}

func TestAnExplanationNamesTheRulesThatDidNotMatch(t *testing.T) {
	t.Parallel()
	e := explained(t, newTenant(), nil, contractor(), func(r *provision.Rules) {
		r.SkipConnections = []string{"directory"}
		r.Connections = []provision.ConnectionRule{
			rule("ldap", "ldap", provision.ActionProvision),
			byDomain(rule("staff", "google", provision.ActionProvision), "contoso.com"),
			byClaim(rule("sales", "google", provision.ActionProvision), "dept", "sales"),
			{Name: "rest", Connection: "*", Action: provision.ActionRefuse, Reason: "strangers"},
		}
	})
	require.Equal(t, []provision.PassedRule{
		{Rule: "ldap", Why: `the connection is not "ldap"`},
		{Rule: "staff", Why: "the address is not in contoso.com"},
		{Rule: "sales", Why: `there is no claim "dept"`},
	}, e.Passed)
	require.Equal(t, "rest", e.Rule)
	require.Equal(t, provision.OutcomeStop, e.Outcome)
	require.Equal(t, provision.ReasonNotAllowed, e.Reason)
	require.Contains(t, e.String(), "strangers")
}

func TestAnExplanationShowsSeatsAndFallbacks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		standard, basic int
		given           string
		reason          provision.Reason
	}{
		"a seat is left":      {3, 3, standardSKU, ""},
		"the fallback's seat": {0, 3, basicSKU, ""},
		"no seat at all":      {0, 0, "", provision.ReasonNoLicense},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newLicenseTenant()
			dir.seats(standardSKU, tc.standard)
			dir.seats(basicSKU, tc.basic)
			e := explained(t, dir, nil, contractor(), func(r *provision.Rules) {
				r.Licenses = []provision.License{seat(standardSKU, seat(basicSKU))}
			})
			require.Len(t, e.Licenses, 1)
			require.Equal(t, tc.given, e.Licenses[0].Given)
			require.Equal(t, tc.standard, e.Licenses[0].Alternatives[0].Free)
			require.Equal(t, tc.basic, e.Licenses[0].Alternatives[1].Free)
			require.Equal(t, tc.reason, e.Reason)
		})
	}
}

func TestAnExplanationNamesGroupsAndAttributes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		person := contractor()
		person.Claims = map[string]string{"dept": " Sales ", "token": "unused"}
		e := explained(t, newGroupTenant(), nil, person, func(r *provision.Rules) {
			r.Groups, r.Attributes = []string{"staff", "nobody"}, map[string]string{"department": "dept"}
		})
		require.Equal(t, staffGroup, e.Groups[0].ObjectID)
		require.Contains(t, e.Groups[1].Problem, "no group with this uniqueName")
		require.Equal(t, provision.OutcomeStop, e.Outcome)
		require.Equal(t, map[string]string{"department": "Sales"}, e.Attributes)
		require.NotContains(t, e.String(), "unused")
	})
}

func TestAnExplanationOfSomebodyWhoIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newAccountTenant(), provision.NewMemoryStore()
		p := newProvisioner(t, config(dir, store))
		account, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		dir.calls = nil
		e := explained(t, dir, store, contractor(), nil)
		require.Equal(t, provision.OutcomeKnown, e.Outcome)
		require.Equal(t, account.UPN, e.UPN)
		require.Empty(t, dir.calls)

		require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
		e = explained(t, dir, store, contractor(), nil)
		require.Equal(t, provision.ReasonRetired, e.Reason)
	})
}

func TestAnExplanationWritesNothing(t *testing.T) {
	t.Parallel()
	dir, store := newTenant(), provision.NewMemoryStore()
	dir.has("other", "contractor@contoso.com")
	explained(t, dir, store, contractor(), func(r *provision.Rules) { r.Licenses = []provision.License{seat(standardSKU)} })
	require.Zero(t, dir.count("CreateUser")+dir.count("ChangeLicenses"))
	_, err := store.Load(t.Context(), contractor().Key())
	require.ErrorIs(t, err, provision.ErrNoRecord)
}

func TestAnExplanationFailsWhereTheDirectoryCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	dir.next("FindUser", fault{err: status(403)})
	_, err := newProvisioner(t, config(dir, nil)).Explain(context.Background(), contractor())
	require.ErrorIs(t, err, provision.ErrForbidden)
	requireStep(t, err, provision.StepCreate)
}

func TestAnExplanationOfADeletedAccount(t *testing.T) {
	t.Parallel()
	for name, restores := range map[string]bool{"that is brought back": true, "that stays deleted": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newAccountTenant()
				account, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.NoError(t, dir.DeleteUser(t.Context(), account.ObjectID))
				e := explained(t, dir, nil, contractor(), func(r *provision.Rules) { r.Adopt.Deleted = restores })
				require.True(t, e.Account.Deleted)
				if restores {
					require.Equal(t, provision.OutcomeRestore, e.Outcome)
					return
				}
				require.Equal(t, provision.ConflictDeleted, e.Conflict)
			})
		})
	}
}
