package msgraph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

// town is a tenant with users who are nobody's, among whom the people of the pipeline live.
func town() (entratest.Config, provision.Config) {
	cfg, config := employment()
	cfg.SKUs[0].Enabled, cfg.SKUs[1].Enabled = 100, 100
	for i := range 150 {
		cfg.Users = append(cfg.Users, entratest.User{
			ObjectID: fmt.Sprintf("dddddddd-0000-4000-8000-%012d", i), UPN: fmt.Sprintf("foreign%d@contoso.com", i),
			ImmutableID: fmt.Sprintf("foreign%d", i), Enabled: true, UsageLocation: "DE",
		})
	}
	return cfg, config
}

// mend reconciles, repairs what it finds, and returns that.
func (w *world) mend(full bool) (provision.Reconciled, []provision.Drift) {
	w.Helper()
	var drifts []provision.Drift
	done, err := w.Reconcile(w.Context(), provision.Reconciliation{
		Full:   full,
		Repair: func(provision.Drift) bool { return true },
		Report: func(d provision.Drift) { drifts = append(drifts, d) },
	})
	require.NoError(w, err)
	return done, drifts
}

// drifts are mend's, as "kind person".
func (w *world) drifts(full bool) (told []string) {
	w.Helper()
	_, drifts := w.mend(full)
	for _, d := range drifts {
		require.NoError(w, d.Err)
		require.True(w, d.Repaired)
		told = append(told, fmt.Sprintf("%s %s", d.Kind, d.Person.ID))
	}
	slices.Sort(told)
	return slices.Compact(told)
}

// foreignersUntouched requires that the pipeline never read or wrote one of them, but in lists.
func (w *world) foreignersUntouched() {
	w.Helper()
	require.Empty(w, w.calls("", "/dddddddd-"))
	for _, call := range w.calls("", "") {
		require.NotContains(w, call.Query.Get("$filter"), "dddddddd-")
	}
	for _, user := range w.entra.Users() {
		if strings.HasPrefix(user.UPN, "foreign") {
			require.True(w, user.Enabled && user.ImmutableID != "" && len(user.SKUIDs) == 0, "%+v", user)
		}
	}
}

// populate lets n contractors in, and reconciles for the first time.
func (w *world) populate(n int) (accounts []provision.Account) {
	w.Helper()
	accounts = make([]provision.Account, n)
	w.together(n, func(i int) { accounts[i] = w.ensure(contractor(i)) })
	w.calm()
	done, drifts := w.mend(false)
	require.Empty(w, drifts)
	require.Equal(w, n, done.Looked)
	return accounts
}

func TestPipelineReconcilesWhatAnAdministratorDid(t *testing.T) {
	t.Parallel()
	off, stray := false, "stray"
	change := func(c provision.UserChange) func(*world, string) {
		return func(w *world, id string) { require.NoError(w, w.admin.UpdateUser(w.Context(), id, c)) }
	}
	for name, test := range map[string]struct {
		by   func(*world, string)
		want provision.DriftKind
	}{
		"disabled": {change(provision.UserChange{AccountEnabled: &off}), provision.DriftDisabled},
		"deleted": {func(w *world, id string) {
			require.NoError(w, w.admin.DeleteUser(w.Context(), id))
		}, provision.DriftDeleted},
		"another ImmutableID": {change(provision.UserChange{ImmutableID: &stray}), provision.DriftImmutableID},
		"another UPN":         {change(provision.UserChange{UserPrincipalName: "renamed@contoso.com"}), provision.DriftUPN},
		"a licence taken": {func(w *world, id string) {
			taken := provision.LicenseChange{Remove: []string{premium}}
			require.NoError(w, w.admin.ChangeLicenses(w.Context(), id, taken))
		}, provision.DriftLicense},
		"out of the group that licenses": {func(w *world, id string) {
			require.NoError(w, w.admin.RemoveMember(w.Context(), frontier, id))
		}, provision.DriftLicense},
		"nothing that matters": {change(provision.UserChange{DisplayName: "Somebody"}), ""},
	} {
		for _, at := range []time.Duration{0, 3 * time.Second, 5 * time.Minute} {
			t.Run(fmt.Sprintf("%s, %v later", name, at), func(t *testing.T) {
				t.Parallel()
				cfg, config := town()
				inWorld(t, cfg, config, func(w *world) {
					account := w.populate(3)[1]
					test.by(w, account.ObjectID)
					require.NoError(w, w.admin.UpdateUser(w.Context(), "dddddddd-0000-4000-8000-000000000007",
						provision.UserChange{DisplayName: "Changed"}))
					time.Sleep(at)
					var told []string
					for range 4 { // a change may reach the list of changes late
						told = append(told, w.drifts(false)...)
						w.calm()
					}
					var want []string
					if test.want != "" {
						want = []string{string(test.want) + " contractor1"}
					}
					if test.want == provision.DriftDeleted { // direct seats do not come back with the account
						want = append(want, "license contractor1")
					}
					slices.Sort(told)
					require.Equal(w, want, slices.Compact(told))
					require.Empty(w, w.drifts(true), "all is well")

					again := w.ensure(contractor(1))
					require.Equal(w, account.ObjectID, again.ObjectID)
					require.Equal(w, account.ImmutableID, again.ImmutableID)
					now := w.person(account.ImmutableID)
					require.Equal(w, now.UPN, again.UPN)
					require.True(w, now.Enabled)
					w.active(account.ObjectID, premium, standard)
					w.foreignersUntouched()
				})
			})
		}
	}
}

func TestPipelineReconcilesAnAccountThatIsGone(t *testing.T) {
	t.Parallel()
	cfg, config := town()
	inWorld(t, cfg, config, func(w *world) {
		account := w.populate(3)[1]
		w.remove(account.ObjectID)
		require.NoError(w, w.admin.PurgeUser(w.Context(), account.ObjectID))
		w.calm()
		require.Equal(w, []string{"missing contractor1"}, w.drifts(false))
		require.Empty(w, w.drifts(true))
		again := w.ensure(contractor(1))
		require.NotEqual(w, account.ObjectID, again.ObjectID)
		require.Equal(w, account.ImmutableID, again.ImmutableID)
		require.Equal(w, account.UPN, again.UPN)
		w.active(again.ObjectID, premium, standard)
		w.foreignersUntouched()
	})
}

// Somebody who was retired is let in again by an administrator.
func TestPipelineReconcilesWhoWasRetired(t *testing.T) {
	t.Parallel()
	cfg, config := town()
	inWorld(t, cfg, config, func(w *world) {
		account := w.populate(2)[1]
		require.NoError(w, w.Retire(w.Context(), contractor(1).Key(), provision.Leaving{}))
		w.calm()
		require.Empty(w, w.drifts(false))
		on := true
		require.NoError(w, w.admin.UpdateUser(w.Context(), account.ObjectID, provision.UserChange{AccountEnabled: &on}))
		w.calm()
		require.Equal(w, []string{"enabled contractor1"}, w.drifts(false))
		w.leftBehind(contractor(1))
		w.foreignersUntouched()
	})
}

// Microsoft keeps the list of changes for a week. After that everybody is looked at, and nothing is missed.
func TestPipelineReconcilesAfterAWeek(t *testing.T) {
	t.Parallel()
	cfg, config := town()
	inWorld(t, cfg, config, func(w *world) {
		accounts := w.populate(20)
		off := false
		change := provision.UserChange{AccountEnabled: &off}
		require.NoError(w, w.admin.UpdateUser(w.Context(), accounts[3].ObjectID, change))
		time.Sleep(8 * 24 * time.Hour)
		done, drifts := w.mend(false)
		require.Equal(w, 20, done.Looked)
		require.Len(w, drifts, 1)
		require.Equal(w, provision.DriftDisabled, drifts[0].Kind)

		require.NoError(w, w.admin.UpdateUser(w.Context(), accounts[4].ObjectID, change))
		w.calm()
		require.Equal(w, []string{"disabled contractor4"}, w.drifts(false), "and changes are read again")
		w.foreignersUntouched()
	})
}

// A round costs what has changed, not what there is.
func TestPipelineReconcilesAtLittleCost(t *testing.T) {
	t.Parallel()
	cfg, config := town()
	inWorld(t, cfg, config, func(w *world) {
		w.populate(20)
		w.calm()
		w.drifts(false) // what the list repeats
		w.calm()
		calls := len(w.calls("", ""))
		const rounds = 10
		for range rounds {
			require.Empty(w, w.drifts(false))
			time.Sleep(10 * time.Minute)
		}
		require.LessOrEqual(w, len(w.calls("", ""))-calls, 2*rounds)
		w.foreignersUntouched()
	})
}

// Faults in the middle of a round do not lose anybody.
func TestPipelineReconcilesThroughFaults(t *testing.T) {
	t.Parallel()
	cfg, config := town()
	inWorld(t, cfg, config, func(w *world) {
		accounts := w.populate(20)
		off := false
		for _, account := range accounts {
			err := w.admin.UpdateUser(w.Context(), account.ObjectID, provision.UserChange{AccountEnabled: &off})
			require.NoError(w, err)
		}
		w.calm()
		w.entra.Inject(entratest.Fault{Path: "/v1.0/users/delta", Status: 503, Times: 2})
		w.entra.Inject(entratest.Fault{Method: "PATCH", Path: "/v1.0/users/*", Status: 504, AfterCommit: true, Times: 5})
		w.entra.Inject(entratest.Fault{Method: "GET", Path: "/v1.0/users/*", Drop: true, Times: 5})
		w.entra.Inject(entratest.Fault{Method: "PATCH", Path: "/v1.0/users/*", Status: 403, Skip: 5, Times: 3})
		var repaired []string
		for range 3 {
			_, drifts := w.mend(false)
			for _, d := range drifts {
				if d.Repaired {
					repaired = append(repaired, d.Person.ID)
				}
			}
			w.calm()
		}
		slices.Sort(repaired)
		require.Len(w, slices.Compact(repaired), 20)
		for _, account := range accounts {
			require.True(w, w.person(account.ImmutableID).Enabled)
		}
		w.foreignersUntouched()
	})
}
