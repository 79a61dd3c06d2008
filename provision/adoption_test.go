package provision_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

const initialDomain = "contoso.onmicrosoft.com"

func adoption(t *testing.T, dir provision.Directory, rules provision.AdoptionRules) *provision.Adoption {
	t.Helper()
	if rules.Domain == "" {
		rules.Domain = "contoso.com"
	}
	if rules.Source == nil && rules.Table == nil {
		rules.Source = provision.ByEmployeeID
	}
	a, err := newProvisioner(t, config(dir, nil)).Adoption(rules)
	require.NoError(t, err)
	return a
}

// employee adds a user whom the pipeline knows nothing of.
func (d *changingTenant) employee(immutableID, upn, employeeID string) *tenantUser {
	u := d.has(immutableID, upn)
	u.EmployeeID, u.Mail = employeeID, upn
	return u
}

func plan(t *testing.T, a *provision.Adoption) provision.AdoptionPlan {
	t.Helper()
	p, err := a.Plan(t.Context())
	require.NoError(t, err)
	return p
}

func TestAdoptionRulesAreChecked(t *testing.T) {
	t.Parallel()
	p := newProvisioner(t, config(newTenant(), nil))
	_, err := p.Adoption(provision.AdoptionRules{DetourByUPN: "x"})
	for _, want := range []string{"Domain", "exactly one of", "DetourByUPN", "UserLists", "Accounts"} {
		require.ErrorContains(t, err, want)
	}
	p = newProvisioner(t, config(newChangingTenant(), nil))
	for name, rules := range map[string]provision.AdoptionRules{
		"both": {Domain: "contoso.com", Source: provision.ByUPN,
			Table: map[string]string{"a@contoso.com": "1"}},
		"a detour to the domain itself":   {Domain: "contoso.com", Source: provision.ByUPN, DetourByUPN: "Contoso.com"},
		"a table with a UPN that is none": {Domain: "contoso.com", Table: map[string]string{"a": "1"}},
		"a table with no value":           {Domain: "contoso.com", Table: map[string]string{"a@contoso.com": ""}},
		"a table with a UPN twice": {Domain: "contoso.com",
			Table: map[string]string{"a@contoso.com": "1", "A@contoso.com": "2"}},
	} {
		_, err := p.Adoption(rules)
		require.ErrorContains(t, err, "bad adoption rules", name)
	}
}

func TestWhatIsPlannedForAUser(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		user    provision.User
		rules   provision.AdoptionRules
		action  provision.AdoptionAction
		want    string
		problem string
	}{
		"has none": {provision.User{EmployeeID: "e1"}, provision.AdoptionRules{}, provision.AdoptSet, "e1", ""},
		"has it": {provision.User{EmployeeID: "e1", ImmutableID: "e1"}, provision.AdoptionRules{},
			provision.AdoptKeep, "e1", ""},
		"has another": {provision.User{EmployeeID: "e1", ImmutableID: "x"}, provision.AdoptionRules{},
			provision.AdoptLeave, "e1", `another ImmutableID, "x"`},
		"has another, which is to be replaced": {provision.User{EmployeeID: "e1", ImmutableID: "x"},
			provision.AdoptionRules{Replace: true}, provision.AdoptReplace, "e1", ""},
		"has it in another case": {provision.User{EmployeeID: "e1", ImmutableID: "E1"},
			provision.AdoptionRules{Replace: true}, provision.AdoptReplace, "e1", ""},
		"no value": {provision.User{EmployeeID: " "}, provision.AdoptionRules{}, provision.AdoptLeave, "", "no value"},
		"a value that Entra refuses": {provision.User{EmployeeID: "a_b$c"}, provision.AdoptionRules{},
			provision.AdoptLeave, "", `"$" or a "_"`},
		"synced": {provision.User{EmployeeID: "e1", DirectorySynced: true}, provision.AdoptionRules{},
			provision.AdoptLeave, "e1", "a directory sync owns"},
		"synced, and has it": {provision.User{EmployeeID: "e1", ImmutableID: "e1", DirectorySynced: true},
			provision.AdoptionRules{}, provision.AdoptKeep, "e1", ""},
		"of somebody in another domain": {provision.User{EmployeeID: "taken"}, provision.AdoptionRules{},
			provision.AdoptLeave, "taken", "belongs to the user"},
		"of somebody in another domain, in another case": {provision.User{EmployeeID: "TAKEN"},
			provision.AdoptionRules{}, provision.AdoptLeave, "TAKEN", "belongs to the user"},
		"that another user would get": {provision.User{EmployeeID: "twin"}, provision.AdoptionRules{},
			provision.AdoptLeave, "twin", "2 users would get"},
		"by a rule": {provision.User{EmployeeID: "104"}, provision.AdoptionRules{
			ImmutableID: func(v string) (string, error) { return provision.ImmutableIDFromSubject("google", v), nil }},
			provision.AdoptSet, provision.ImmutableIDFromSubject("google", "104"), ""},
		"by a rule that fails": {provision.User{EmployeeID: "104"}, provision.AdoptionRules{
			ImmutableID: provision.ImmutableIDFromUUID}, provision.AdoptLeave, "", "not a UUID"},
		"by mail": {provision.User{Mail: "First.Last@example.net"}, provision.AdoptionRules{Source: provision.ByMail,
			ImmutableID: provision.ImmutableIDFromEmail}, provision.AdoptSet, "first.last@example.net", ""},
		"by UPN": {provision.User{}, provision.AdoptionRules{Source: provision.ByUPN}, provision.AdoptSet,
			"User@Contoso.com", ""},
		"by a table": {provision.User{},
			provision.AdoptionRules{Table: map[string]string{"USER@contoso.com": "t-1"}}, provision.AdoptSet, "t-1", ""},
		"not in the table": {provision.User{}, provision.AdoptionRules{Table: map[string]string{"x@contoso.com": "t-1"}},
			provision.AdoptLeave, "", "no value"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newChangingTenant()
			dir.page = 2
			dir.employee("taken", "elsewhere@example.org", "")
			dir.employee("", "twin@contoso.com", "twin")
			dir.employee("", "sub@sub.contoso.com", "e1")
			u := dir.employee("", "", "")
			tc.user.ObjectID, tc.user.UserPrincipalName = u.ObjectID, "User@Contoso.com"
			u.User = tc.user
			dir.employee("", "zzz@contoso.com", "")
			p := plan(t, adoption(t, dir, tc.rules))
			require.Len(t, p.Items, 3, "the users of the domain, and of no other")
			item := p.Items[1]
			require.Equal(t, tc.action, item.Action)
			require.Equal(t, tc.want, item.Want)
			require.Equal(t, tc.user.ImmutableID, item.Have)
			require.Equal(t, u.ObjectID, item.ObjectID)
			require.Contains(t, item.Problem, tc.problem)
			require.Equal(t, tc.problem == "", item.Problem == "")
			require.Zero(t, dir.count("UpdateUser"))
			require.Empty(t, dir.hurried)

			text, err := json.Marshal(p)
			require.NoError(t, err)
			var back provision.AdoptionPlan
			require.NoError(t, json.Unmarshal(text, &back))
			require.Equal(t, p, back)
			require.NoError(t, back.Validate())
		})
	}
}

func TestAPlanCanBeRead(t *testing.T) {
	t.Parallel()
	dir := newChangingTenant()
	dir.employee("", "a@contoso.com", "")
	dir.employee("old", "b@contoso.com", "")
	dir.employee("3", "c@contoso.com", "")
	dir.employee("", "d@contoso.com", "")
	p := plan(t, adoption(t, dir, provision.AdoptionRules{Replace: true, Table: map[string]string{
		"a@contoso.com": "1", "b@contoso.com": "2", "c@contoso.com": "3", "e@contoso.com": "5"}}))
	require.Equal(t, []string{"e@contoso.com"}, p.Unknown)
	require.Equal(t, `contoso.com: 4 users: set 1, replace 1, keep 1, leave 1
  set      a@contoso.com: "1"
  replace  b@contoso.com: "old" becomes "2"
  leave    d@contoso.com: the source has no value for the user
  unknown  e@contoso.com: in the table, and no user of the domain
`, p.String())
}

func TestAPlanThatCannotBeMadeIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newChangingTenant()
		dir.employee("", "a@contoso.com", "1")
		dir.next("ListUsers", fault{err: status(503)}, fault{err: throttled(time.Second)})
		require.Len(t, plan(t, adoption(t, dir, provision.AdoptionRules{})).Items, 1)
		dir.next("ListUsers", fault{err: status(403)})
		_, err := adoption(t, dir, provision.AdoptionRules{}).Plan(t.Context())
		require.ErrorIs(t, err, provision.ErrForbidden)
	})
}

func TestAPlanFromElsewhereIsChecked(t *testing.T) {
	t.Parallel()
	good := func() provision.AdoptionPlan {
		return provision.AdoptionPlan{Domain: "contoso.com", Items: []provision.AdoptionItem{
			{ObjectID: "1", UPN: "a@contoso.com", Want: "a", Action: provision.AdoptSet},
			{ObjectID: "2", UPN: "b@contoso.com", Have: "x", Want: "b", Action: provision.AdoptReplace},
		}}
	}
	require.NoError(t, good().Validate())
	for name, tc := range map[string]struct {
		spoil func(*provision.AdoptionPlan)
		want  string
	}{
		"no domain":           {func(p *provision.AdoptionPlan) { p.Domain = "" }, "domain name"},
		"a user twice":        {func(p *provision.AdoptionPlan) { p.Items[1].ObjectID = "1" }, "another item's"},
		"no user":             {func(p *provision.AdoptionPlan) { p.Items[1].ObjectID = "" }, "is empty"},
		"another domain":      {func(p *provision.AdoptionPlan) { p.Items[0].UPN = "a@example.org" }, "not in the domain"},
		"another action":      {func(p *provision.AdoptionPlan) { p.Items[0].Action = "delete" }, "does not exist"},
		"a bad ImmutableID":   {func(p *provision.AdoptionPlan) { p.Items[0].Want = "a_b" }, `"_"`},
		"an empty one":        {func(p *provision.AdoptionPlan) { p.Items[0].Want = "" }, "is empty"},
		"one for two":         {func(p *provision.AdoptionPlan) { p.Items[0].Want = "B" }, "the same ImmutableID"},
		"replacing nothing":   {func(p *provision.AdoptionPlan) { p.Items[1].Have = "" }, "does not fit"},
		"setting over":        {func(p *provision.AdoptionPlan) { p.Items[0].Have = "x" }, "does not fit"},
		"replacing by itself": {func(p *provision.AdoptionPlan) { p.Items[1].Have = "b" }, "does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := good()
			tc.spoil(&p)
			require.ErrorContains(t, p.Validate(), tc.want)
			dir := newChangingTenant()
			var undo bytes.Buffer
			_, err := adoption(t, dir, provision.AdoptionRules{}).Apply(t.Context(), p, &undo, nil)
			require.ErrorContains(t, err, tc.want)
			require.Empty(t, dir.calls)
		})
	}
}

// apply applies a plan and returns the results.
func apply(
	t *testing.T, a *provision.Adoption, p provision.AdoptionPlan, undo *bytes.Buffer,
) (results []provision.AdoptionResult, done provision.AdoptionDone) {
	t.Helper()
	done, err := a.Apply(t.Context(), p, undo, func(r provision.AdoptionResult) { results = append(results, r) })
	require.NoError(t, err)
	return results, done
}

func undone(
	t *testing.T, a *provision.Adoption, undo *bytes.Buffer,
) (results []provision.AdoptionResult, done provision.AdoptionDone) {
	t.Helper()
	done, err := a.Undo(t.Context(), bytes.NewReader(undo.Bytes()), func(r provision.AdoptionResult) {
		results = append(results, r)
	})
	require.NoError(t, err)
	return results, done
}

func TestAPlanIsAppliedAndUndone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newChangingTenant()
		dir.employee("", "a@contoso.com", "1")
		dir.employee("old", "b@contoso.com", "2")
		dir.employee("3", "c@contoso.com", "3")
		dir.employee("", "d@contoso.com", "")
		a := adoption(t, dir, provision.AdoptionRules{Replace: true})
		p := plan(t, a)
		dir.calls = nil
		dir.next("UpdateUser", fault{err: throttled(time.Second)}, fault{err: dropped(), commit: true})
		var undo bytes.Buffer
		results, done := apply(t, a, p, &undo)
		require.Equal(t, provision.AdoptionDone{Changed: 2, Kept: 1, Left: 1}, done)
		require.Equal(t, []provision.AdoptionResult{
			{ObjectID: dir.users[0].ObjectID, UPN: "a@contoso.com", Changed: true},
			{ObjectID: dir.users[1].ObjectID, UPN: "b@contoso.com", Changed: true},
		}, results)
		require.Equal(t, []string{"1", "2", "3", ""}, dir.immutableIDs())
		require.Equal(t, 2, dir.count("FindUser"), "one read of each who is changed")
		require.Empty(t, dir.hurried)

		before := undo.Len()
		_, done = apply(t, a, p, &undo)
		require.Equal(t, provision.AdoptionDone{Kept: 3, Left: 1}, done, "again it changes nothing")
		require.Equal(t, before, undo.Len())

		results, done = undone(t, a, &undo)
		require.Equal(t, provision.AdoptionDone{Changed: 2}, done)
		require.Equal(t, "b@contoso.com", results[0].UPN, "the last one first")
		require.Equal(t, []string{"", "old", "3", ""}, dir.immutableIDs())
		_, done = undone(t, a, &undo)
		require.Equal(t, provision.AdoptionDone{Kept: 2}, done)
	})
}

func (d *changingTenant) immutableIDs() (ids []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.users {
		ids = append(ids, u.ImmutableID)
	}
	return ids
}

func TestAUserWhoChangedSinceThePlanIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*provision.User){
		"another UPN":         func(u *provision.User) { u.UserPrincipalName = "renamed@contoso.com" },
		"another ImmutableID": func(u *provision.User) { u.ImmutableID = "x" },
		"a sync's":            func(u *provision.User) { u.DirectorySynced = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newChangingTenant()
				u := dir.employee("", "a@contoso.com", "1")
				dir.employee("", "b@contoso.com", "2")
				a := adoption(t, dir, provision.AdoptionRules{})
				p := plan(t, a)
				dir.edit(u.ObjectID, change)
				var undo bytes.Buffer
				results, done := apply(t, a, p, &undo)
				require.Equal(t, provision.AdoptionDone{Changed: 1, Failed: 1}, done)
				require.ErrorIs(t, results[0].Err, provision.ErrUserChanged)
				require.False(t, results[0].Changed)
				require.NotContains(t, undo.String(), u.ObjectID)
				require.Equal(t, 1, dir.count("UpdateUser"))
			})
		})
	}
}

func TestAUserWhoChangedSinceTheAdoptionIsNotUndone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*provision.User){
		"another UPN":         func(u *provision.User) { u.UserPrincipalName = "renamed@contoso.com" },
		"another ImmutableID": func(u *provision.User) { u.ImmutableID = "x" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newChangingTenant()
				u := dir.employee("", "a@contoso.com", "1")
				a := adoption(t, dir, provision.AdoptionRules{})
				var undo bytes.Buffer
				apply(t, a, plan(t, a), &undo)
				dir.edit(u.ObjectID, change)
				want := u.User
				results, done := undone(t, a, &undo)
				require.Equal(t, provision.AdoptionDone{Failed: 1}, done)
				require.ErrorIs(t, results[0].Err, provision.ErrUserChanged)
				require.Equal(t, want, u.User)
			})
		})
	}
}

func TestTheFailureOfOneUserDoesNotEndTheWork(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(dir *changingTenant)
		is    error
	}{
		"an administrator": {func(dir *changingTenant) { dir.next("UpdateUser", fault{err: status(403)}) },
			provision.ErrForbidden},
		"a deleted user has it": {func(dir *changingTenant) {
			dir.next("UpdateUser", fault{err: conflict("onPremisesImmutableId", "")})
		}, provision.ErrConflict},
		"deleted meanwhile": {func(dir *changingTenant) { dir.remove(dir.users[0].ObjectID) }, provision.ErrNotFound},
		"refused": {func(dir *changingTenant) {
			dir.next("UpdateUser", fault{err: badRequest("Unable to update the specified properties")})
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newChangingTenant()
				dir.employee("", "a@contoso.com", "1")
				dir.employee("", "b@contoso.com", "2")
				a := adoption(t, dir, provision.AdoptionRules{})
				p := plan(t, a)
				tc.spoil(dir)
				var undo bytes.Buffer
				results, done := apply(t, a, p, &undo)
				require.Equal(t, provision.AdoptionDone{Changed: 1, Failed: 1}, done)
				require.Error(t, results[0].Err)
				if tc.is != nil {
					require.ErrorIs(t, results[0].Err, tc.is)
				}
				require.NoError(t, results[1].Err)
			})
		})
	}
}

func TestADirectoryThatFailsEndsTheWorkWhichCanBeDoneAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want error
	}{
		"unauthorized": {status(401), provision.ErrUnauthorized},
		"unavailable":  {status(503), provision.ErrUnavailable},
		"throttled":    {throttled(time.Hour), provision.ErrThrottled},
	} {
		for _, method := range []string{"FindUser", "UpdateUser"} {
			t.Run(name+", "+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					dir := newChangingTenant()
					dir.employee("", "a@contoso.com", "1")
					dir.employee("", "b@contoso.com", "2")
					a := adoption(t, dir, provision.AdoptionRules{})
					p := plan(t, a)
					dir.always(method, fault{err: tc.err})
					var undo bytes.Buffer
					done, err := a.Apply(t.Context(), p, &undo, nil)
					require.ErrorIs(t, err, tc.want)
					require.Zero(t, done)
					dir.script = map[string][]fault{}
					time.Sleep(2 * time.Hour)
					_, done = apply(t, a, p, &undo)
					require.Equal(t, provision.AdoptionDone{Changed: 2}, done)
				})
			})
		}
	}
}

// failingWriter is a full disk.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errDisk }

// unsynced is a file whose disk fails when it counts.
type unsynced struct{ bytes.Buffer }

func (*unsynced) Sync() error { return errDisk }

func TestNothingIsChangedThatCannotBeUndone(t *testing.T) {
	t.Parallel()
	for name, undo := range map[string]interface{ Write([]byte) (int, error) }{
		"a full disk": failingWriter{}, "a disk that fails": &unsynced{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newChangingTenant()
				dir.employee("", "a@contoso.com", "1")
				a := adoption(t, dir, provision.AdoptionRules{})
				_, err := a.Apply(t.Context(), plan(t, a), undo, nil)
				require.ErrorIs(t, err, errDisk)
				require.ErrorContains(t, err, `adopting "a@contoso.com"`)
				require.Zero(t, dir.count("UpdateUser"))
			})
		})
	}
}

func TestAFederatedDomainThatRefusesIsLeftByADetourOnlyWhenAskedFor(t *testing.T) {
	t.Parallel()
	for name, detour := range map[string]string{"not asked for": "", "asked for": initialDomain} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newChangingTenant()
				dir.strict = "contoso.com"
				u := dir.employee("old", "a@contoso.com", "1")
				a := adoption(t, dir, provision.AdoptionRules{Replace: true, DetourByUPN: detour})
				var undo bytes.Buffer
				results, done := apply(t, a, plan(t, a), &undo)
				require.Equal(t, "a@contoso.com", u.UserPrincipalName)
				if detour == "" {
					require.Equal(t, 1, done.Failed)
					require.ErrorContains(t, results[0].Err, "SourceAnchor")
					require.Equal(t, "old", u.ImmutableID)
					require.Equal(t, 1, dir.count("UpdateUser"))
					return
				}
				require.Equal(t, provision.AdoptionDone{Changed: 1}, done)
				require.True(t, results[0].Detour)
				require.Equal(t, "1", u.ImmutableID)

				_, done = undone(t, a, &undo)
				require.Equal(t, provision.AdoptionDone{Changed: 1}, done)
				require.Equal(t, "old", u.ImmutableID)
				require.Equal(t, "a@contoso.com", u.UserPrincipalName)
			})
		})
	}
}

func TestAnImmutableIDThatAFederatedDomainKeepsIsTheUsersErrorAndTheUPNIsAsBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newChangingTenant()
		u := dir.employee("", "a@contoso.com", "1")
		a := adoption(t, dir, provision.AdoptionRules{DetourByUPN: initialDomain})
		var undo bytes.Buffer
		apply(t, a, plan(t, a), &undo)
		dir.strict = "contoso.com" // it was federated since
		results, done := undone(t, a, &undo)
		require.Equal(t, provision.AdoptionDone{Failed: 1}, done)
		require.ErrorContains(t, results[0].Err, "SourceAnchor")
		require.Equal(t, "1", u.ImmutableID)
		require.Equal(t, "a@contoso.com", u.UserPrincipalName)
	})
}

func TestAUserWithoutAnImmutableIDWhoIsAwayIsBroughtBackWithOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newChangingTenant()
		dir.strict = "contoso.com"
		u := dir.employee("", "a@contoso.com", "1")
		a := adoption(t, dir, provision.AdoptionRules{DetourByUPN: initialDomain})
		p := plan(t, a)
		dir.next("UpdateUser", fault{}, fault{}, fault{err: status(403)})
		var undo bytes.Buffer
		_, done := apply(t, a, p, &undo)
		require.Equal(t, provision.AdoptionDone{Failed: 1}, done)
		require.Empty(t, u.ImmutableID)

		results, done := undone(t, a, &undo)
		require.Equal(t, provision.AdoptionDone{Failed: 1}, done)
		require.ErrorContains(t, results[0].Err, "SourceAnchor")
		require.Equal(t, "a@contoso.com", u.UserPrincipalName, "a federated domain takes nobody in without one")
		require.Equal(t, "1", u.ImmutableID)
	})
}

func TestAUserWhoIsOnTwoPagesIsOneUser(t *testing.T) {
	t.Parallel()
	dir := newChangingTenant()
	dir.page = 1
	u := dir.employee("", "a@contoso.com", "1")
	dir.users = append(dir.users, u)
	p := plan(t, adoption(t, dir, provision.AdoptionRules{}))
	require.Len(t, p.Items, 1)
	require.Equal(t, provision.AdoptSet, p.Items[0].Action)
}

func TestADetourEndsAlsoWhereReplicasLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newChangingTenant()
		dir.strict = "contoso.com"
		u := dir.employee("old", "a@contoso.com", "1")
		a := adoption(t, dir, provision.AdoptionRules{Replace: true, DetourByUPN: initialDomain})
		p := plan(t, a)
		refusal := fault{err: badRequest("FederatedUser.SourceAnchor")}
		dir.next("UpdateUser", refusal, fault{}, refusal, refusal, fault{}, fault{err: notFound()})
		var undo bytes.Buffer
		_, done := apply(t, a, p, &undo)
		require.Equal(t, provision.AdoptionDone{Changed: 1}, done)
		require.Equal(t, "1", u.ImmutableID)
		require.Equal(t, "a@contoso.com", u.UserPrincipalName)
	})
}

func TestAUserWhoIsAwayIsBroughtBackAlsoIfAReplicaShowsTheOldUPN(t *testing.T) {
	t.Parallel()
	for name, bringBack := range map[string]func(*testing.T, *provision.Adoption, provision.AdoptionPlan, *bytes.Buffer){
		"by applying again": func(t *testing.T, a *provision.Adoption, p provision.AdoptionPlan, undo *bytes.Buffer) {
			_, done := apply(t, a, p, undo)
			require.Equal(t, provision.AdoptionDone{Changed: 1}, done)
		},
		"by undoing": func(t *testing.T, a *provision.Adoption, _ provision.AdoptionPlan, undo *bytes.Buffer) {
			_, done := undone(t, a, undo)
			require.Equal(t, provision.AdoptionDone{Changed: 1}, done)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newChangingTenant()
				dir.strict = "contoso.com"
				u := dir.employee("old", "a@contoso.com", "1")
				a := adoption(t, dir, provision.AdoptionRules{Replace: true, DetourByUPN: initialDomain})
				p := plan(t, a)
				before := u.User
				dir.next("UpdateUser", fault{}, fault{}, fault{err: status(403)})
				var undo bytes.Buffer
				results, done := apply(t, a, p, &undo)
				require.Equal(t, provision.AdoptionDone{Failed: 1}, done)
				require.ErrorContains(t, results[0].Err, "apply the plan, or undo, again")
				require.Contains(t, u.UserPrincipalName, "@"+initialDomain)
				dir.stale[u.ObjectID] = []provision.User{before}
				bringBack(t, a, p, &undo)
				require.Equal(t, "a@contoso.com", u.UserPrincipalName)
			})
		})
	}
}

func TestTheUPNThatSomebodyTookMeanwhileIsNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newChangingTenant()
		dir.strict = "contoso.com"
		u := dir.employee("old", "a@contoso.com", "1")
		a := adoption(t, dir, provision.AdoptionRules{Replace: true, DetourByUPN: initialDomain})
		p := plan(t, a)
		dir.next("UpdateUser", fault{}, fault{}, fault{before: func(context.Context) {
			dir.has("thief", "a@contoso.com")
		}})
		var undo bytes.Buffer
		results, _ := apply(t, a, p, &undo)
		var clash *provision.ConflictError
		require.ErrorAs(t, results[0].Err, &clash)
		require.Equal(t, "userPrincipalName", clash.Property)
		require.Equal(t, "a@contoso.com", clash.UPN)
		require.ErrorContains(t, results[0].Err, u.UserPrincipalName)
	})
}

func TestAPlanAppliesToItsDomainOnly(t *testing.T) {
	t.Parallel()
	dir := newChangingTenant()
	p := plan(t, adoption(t, dir, provision.AdoptionRules{Domain: "example.org"}))
	_, err := adoption(t, dir, provision.AdoptionRules{}).Apply(t.Context(), p, &bytes.Buffer{}, nil)
	require.ErrorContains(t, err, "for the domain example.org, not contoso.com")
}

func TestAnAdoptionStopsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newChangingTenant()
		for i := range 3 {
			dir.employee("", fmt.Sprintf("%d@contoso.com", i), fmt.Sprint(i))
		}
		a := adoption(t, dir, provision.AdoptionRules{})
		p := plan(t, a)
		ctx, cancel := context.WithCancel(t.Context())
		var undo bytes.Buffer
		done, err := a.Apply(ctx, p, &undo, func(provision.AdoptionResult) { cancel() })
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, provision.AdoptionDone{Changed: 1}, done)
		_, err = a.Undo(ctx, &undo, nil)
		require.ErrorIs(t, err, context.Canceled)
	})
}

// crashingFile is an undo file, of which a crash may leave the half of a record.
type crashingFile struct {
	*process
	file *bytes.Buffer
}

func (f crashingFile) Write(b []byte) (int, error) {
	err := f.step(func() error { _, err := f.file.Write(b); return err })
	if f.calls == f.crashAt && !f.after {
		f.file.Write(b[:len(b)/2])
	}
	return len(b), err
}

func TestAnAdoptionThatCrashesAnywhereIsPutRightByTheNextOneOrUndone(t *testing.T) {
	t.Parallel()
	for _, undoing := range []bool{false, true} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("undoing: %v, crash after the effect: %v", undoing, after), func(t *testing.T) {
				t.Parallel()
				crashAt := 1
				for ; crashAndAdopt(t, undoing, crashAt, after); crashAt++ {
					require.Less(t, crashAt, 100)
				}
				require.Greater(t, crashAt, 20, "so many calls it takes at least")
			})
		}
	}
}

// crashAndAdopt reports whether the first process did crash.
func crashAndAdopt(t *testing.T, undoing bool, crashAt int, after bool) (crashed bool) {
	synctest.Test(t, func(t *testing.T) {
		dir := newChangingTenant()
		dir.strict = "contoso.com"
		for i := range 3 {
			dir.employee(fmt.Sprint("old", i), fmt.Sprintf("%d@contoso.com", i), fmt.Sprint("new", i))
		}
		rules := provision.AdoptionRules{Replace: true, DetourByUPN: initialDomain}
		p := plan(t, adoption(t, dir, rules))

		process := &process{directory: dir, crashAt: crashAt, after: after}
		both := &roundProcess{&leasedProcess{process, nil}, dir, nil}
		var undo bytes.Buffer
		_, err := adoption(t, both, rules).Apply(t.Context(), p, crashingFile{process, &undo}, nil)
		if crashed = process.crashed; !crashed {
			require.NoError(t, err)
		}

		a, want := adoption(t, dir, rules), "new"
		if undoing {
			want = "old"
			_, done := undone(t, a, &undo)
			require.Zero(t, done.Failed, "crash at call %d", crashAt)
		} else {
			_, done := apply(t, a, p, &undo)
			require.Zero(t, done.Failed, "crash at call %d", crashAt)
		}
		for i, u := range dir.users {
			require.Equal(t, fmt.Sprint(want, i), u.ImmutableID, "crash at call %d", crashAt)
			require.Equal(t, fmt.Sprintf("%d@contoso.com", i), u.UserPrincipalName)
		}
		_, done := undone(t, a, &undo) // from wherever it is
		require.Zero(t, done.Failed)
		for i, u := range dir.users {
			require.Equal(t, fmt.Sprint("old", i), u.ImmutableID)
			require.Equal(t, fmt.Sprintf("%d@contoso.com", i), u.UserPrincipalName)
		}
	})
	return crashed
}

func TestSeveralAdoptionsAreUndoneToHowItWasBeforeTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newChangingTenant()
		u := dir.employee("", "a@contoso.com", "1")
		var undo bytes.Buffer
		for range 2 {
			a := adoption(t, dir, provision.AdoptionRules{Replace: true})
			apply(t, a, plan(t, a), &undo)
			u.EmployeeID = "2"
		}
		require.Equal(t, "2", u.ImmutableID)
		third := adoption(t, dir, provision.AdoptionRules{Replace: true})
		u.EmployeeID = "3"
		dir.next("UpdateUser", fault{err: status(403)}) // this one is recorded, and never happens
		apply(t, third, plan(t, third), &undo)
		_, done := undone(t, third, &undo)
		require.Equal(t, provision.AdoptionDone{Changed: 1}, done)
		require.Empty(t, u.ImmutableID)
	})
}

func TestAnUndoFileThatIsNotOneIsRefused(t *testing.T) {
	t.Parallel()
	record := `{"At":"2026-01-02T03:04:05Z","ObjectID":"1","UPN":"a@contoso.com","ImmutableID":"","Set":"x"}`
	for name, tc := range map[string]struct{ file, want string }{
		"another file":    {"{\"a\": {}\n}\n", ""},
		"no user":         {strings.Replace(record, `"1"`, `""`, 1), "line 1: it names no user"},
		"no UPN":          {"\n" + strings.Replace(record, "a@contoso.com", "", 1), "line 2"},
		"a bad Set":       {strings.Replace(record, `"x"`, `"a_b"`, 1), `"_"`},
		"a bad detour":    {strings.Replace(record, `"x"`, `"x","Detour":"y"`, 1), "no @"},
		"not JSON":        {"hello}", "line 1"},
		"a line too long": {strings.Repeat("x", 2<<20), "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newChangingTenant()
			_, err := adoption(t, dir, provision.AdoptionRules{}).Undo(t.Context(), strings.NewReader(tc.file), nil)
			require.ErrorContains(t, err, tc.want)
			require.Empty(t, dir.calls)
		})
	}
}

func TestTablesOfImmutableIDs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		want map[string]string
		err  string
	}{
		"empty": {"", map[string]string{}, ""},
		"plain": {"a@contoso.com,1\nB@contoso.com,2\n",
			map[string]string{"a@contoso.com": "1", "B@contoso.com": "2"}, ""},
		"with a header": {"UPN,ID\na@contoso.com,1", map[string]string{"a@contoso.com": "1"}, ""},
		"of a spreadsheet": {"\ufeff\"UPN\",\"ID\"\r\n\"a@contoso.com\",\" 1,\"\"x\"\" \"\r\n",
			map[string]string{"a@contoso.com": `1,"x"`}, ""},
		"a second header":   {"UPN,ID\nUPN,ID\n", nil, "line 2: provision: the UPN"},
		"one column":        {"a@contoso.com\n", nil, "wrong number of fields"},
		"three columns":     {"a@contoso.com,1\nb@contoso.com,2,3\n", nil, "line 2"},
		"a UPN twice":       {"a@contoso.com,1\nA@contoso.com,2\n", nil, "line 2: the UPN \"A@contoso.com\" comes twice"},
		"no value":          {"a@contoso.com, \n", nil, "has no value"},
		"a UPN that is not": {"a@contoso.com,1\na b@contoso.com,2\n", nil, "line 2"},
		"broken quotes":     {"a@contoso.com,\"1\n", nil, "extraneous or missing"},
		"all that is wrong": {"a@contoso.com,\nb@contoso.com,\n", nil, "line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table, err := provision.ReadAdoptionTable(strings.NewReader(tc.text))
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, table)
		})
	}
	_, err := provision.ReadAdoptionTable(strings.NewReader(strings.Repeat("a@contoso.com,\n", 1000)))
	require.Less(t, len(err.Error()), 2000, "not all of a thousand problems are told")
}

// endless is a file without an end.
type endless struct{ line string }

func (e endless) Read(b []byte) (int, error) {
	return copy(b, strings.Repeat(e.line, 1+len(b)/len(e.line))), nil
}

func TestFilesWithoutAnEndAreRefused(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("reads 64 MiB")
	}
	dir := newChangingTenant()
	_, err := adoption(t, dir, provision.AdoptionRules{}).Undo(t.Context(), endless{strings.Repeat(" ", 1<<15) + "\n"}, nil)
	require.ErrorContains(t, err, "longer than 64 MiB")
	_, err = provision.ReadAdoptionTable(endless{"x"})
	require.ErrorContains(t, err, "longer than 64 MiB")
}

func FuzzAdoptionTable(f *testing.F) {
	for _, text := range []string{"", "UPN,ID\na@contoso.com,1\n", "\ufeffa@contoso.com,\"1\"\r\n", "a,b,c\n\"",
		"\xff,\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		table, err := provision.ReadAdoptionTable(strings.NewReader(text))
		if err != nil {
			require.Empty(t, table)
			return
		}
		folded := map[string]bool{}
		for upn, value := range table {
			require.NoError(t, provision.ValidateUPN(upn))
			require.NotEmpty(t, value)
			require.False(t, folded[strings.ToLower(upn)])
			folded[strings.ToLower(upn)] = true
		}
		if len(table) > 0 {
			_, err = newProvisioner(t, config(newChangingTenant(), nil)).
				Adoption(provision.AdoptionRules{Domain: "contoso.com", Table: table})
			require.NoError(t, err, "what was read can be used")
		}
	})
}

func FuzzAdoptionUndo(f *testing.F) {
	record := `{"ObjectID":"00000000-0000-4000-8000-000000000001","UPN":"a@contoso.com","ImmutableID":"","Set":"x"}`
	for _, text := range []string{"", record, record[:40] + "\n" + record, record + "\n" + record, "{}", "null",
		"[]", "\x00}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		dir := newChangingTenant()
		u := dir.employee("x", "a@contoso.com", "1")
		clock := newClock()
		c := config(dir, nil)
		c.Now, c.Sleep, dir.now = clock.Now, clock.Sleep, clock.Now
		a, err := newProvisioner(t, c).Adoption(provision.AdoptionRules{Domain: "contoso.com", Source: provision.ByUPN})
		require.NoError(t, err)
		_, err = a.Undo(t.Context(), strings.NewReader(text), nil)
		if err != nil {
			require.Empty(t, dir.writes(), "a file that is refused changes nothing")
		}
		if !strings.Contains(text, u.ObjectID) && !strings.Contains(text, `\`) {
			require.Equal(t, "x", u.ImmutableID)
		}
		require.False(t, errors.Is(err, context.DeadlineExceeded))
	})
}
