package msgraph_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

// employment is a group that everybody joins, a licence of a group, and one given directly.
func employment() (entratest.Config, provision.Config) {
	config := licensing(provision.License{SKU: "SPB"}, provision.License{Group: "frontier"})
	config.Rules.Groups = []string{"project"}
	cfg := subscriptions(5, 5, 5)
	cfg.Groups = append(cfg.Groups, entratest.Group{ObjectID: project, DisplayName: "Project", UniqueName: "project"})
	return cfg, config
}

// seats are how many are taken.
func (w *world) seats() (taken int) {
	w.Helper()
	skus, err := w.admin.SKUs(w.Context())
	require.NoError(w, err)
	for _, sku := range skus {
		taken += sku.Consumed
	}
	return taken
}

// leftBehind requires that the person has no access left, and that a sign-in does nothing about it.
func (w *world) leftBehind(person provision.Person) {
	w.Helper()
	w.calm()
	for _, user := range w.entra.Users() {
		require.False(w, user.ImmutableID == w.record(person).ImmutableID && user.Enabled, "an enabled account")
	}
	calls := len(w.calls("", ""))
	_, err := w.Ensure(w.Context(), person)
	require.ErrorIs(w, err, provision.ErrRetired)
	require.Len(w, w.calls("", ""), calls, "nothing is asked for somebody who has left")
}

func TestPipelineRetiresAndRestores(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		leaving      provision.Leaving
		seats, users int // that are left
		deleted      int
		anew         bool // another account follows
	}{
		"blocked":                    {provision.Leaving{}, 0, 1, 0, false},
		"blocked, with all licences": {provision.Leaving{KeepLicenses: true}, 2, 1, 0, false},
		"deleted":                    {provision.Leaving{Delete: true}, 0, 0, 1, false},
		"deleted with its licences":  {provision.Leaving{Delete: true, KeepLicenses: true}, 0, 0, 1, false},
		"deleted for good":           {provision.Leaving{Purge: true}, 0, 0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, config := employment()
			inWorld(t, cfg, config, func(w *world) {
				person := contractor(1)
				before := w.ensure(person)
				require.NoError(w, w.Retire(w.Context(), person.Key(), test.leaving))
				w.leftBehind(person)
				require.NotEmpty(w, succeeded(w.calls(http.MethodPost, "revokeSignInSessions")))
				require.Equal(w, test.seats, w.seats())
				require.Len(w, w.entra.Users(), test.users)
				require.Len(w, w.entra.DeletedUsers(), test.deleted)
				calls := len(w.calls("", ""))
				require.NoError(w, w.Retire(w.Context(), person.Key(), test.leaving))
				require.Len(w, w.calls("", ""), calls, "all is done")

				require.NoError(w, w.Restore(w.Context(), person))
				after := w.ensure(person)
				require.Equal(w, before.ImmutableID, after.ImmutableID)
				require.Equal(w, before.UPN, after.UPN)
				require.Equal(w, test.anew, before.ObjectID != after.ObjectID)
				w.active(after.ObjectID, premium, standard)
				require.True(w, w.person(after.ImmutableID).Enabled)
				require.Equal(w, []string{after.UPN}, w.entra.Groups()[1].Members)
				require.Len(w, w.entra.Users(), 1)
			})
		})
	}
}

func TestPipelineGoesOneStepFurtherAtATime(t *testing.T) {
	t.Parallel()
	cfg, config := employment()
	inWorld(t, cfg, config, func(w *world) {
		person := contractor(1)
		w.ensure(person)
		for _, leaving := range []provision.Leaving{{KeepLicenses: true}, {}, {Delete: true}, {Purge: true}} {
			require.NoError(w, w.Retire(w.Context(), person.Key(), leaving))
			w.leftBehind(person)
		}
		require.Empty(w, w.entra.DeletedUsers())
		require.Zero(w, w.seats())
	})
}

// After 30 days a deleted account is gone, and who comes back gets another one.
func TestPipelineRestoresTooLate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		days int
		anew bool
	}{"after 29 days": {29, false}, "after 31 days": {31, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, config := employment()
			inWorld(t, cfg, config, func(w *world) {
				person := contractor(1)
				before := w.ensure(person)
				require.NoError(w, w.Retire(w.Context(), person.Key(), provision.Leaving{Delete: true}))
				time.Sleep(time.Duration(test.days) * 24 * time.Hour)
				w.leftBehind(person)
				require.NoError(w, w.Restore(w.Context(), person))
				after := w.ensure(person)
				require.Equal(w, before.ImmutableID, after.ImmutableID)
				require.Equal(w, test.anew, before.ObjectID != after.ObjectID)
				w.active(after.ObjectID, premium, standard)
			})
		})
	}
}

// While somebody was away somebody else got the UPN.
func TestPipelineRestoresUnderAnotherUPN(t *testing.T) {
	t.Parallel()
	inWorld(t, entratest.Config{}, provision.Config{}, func(w *world) {
		first, second := contractor(1), contractor(1)
		second.Connection = "linkedin"
		before := w.ensure(first)
		require.NoError(w, w.Retire(w.Context(), first.Key(), provision.Leaving{Delete: true}))
		_, err := w.admin.CreateUser(w.Context(), provision.NewUser{
			UserPrincipalName: before.UPN, ImmutableID: "successor", DisplayName: "Successor", MailNickname: "successor",
			Password: "Correct-Horse-1",
		})
		require.NoError(w, err)
		require.NotEqual(w, before.UPN, w.ensure(second).UPN)
		require.NoError(w, w.Restore(w.Context(), first))
		after := w.ensure(first)
		require.Equal(w, before.ObjectID, after.ObjectID)
		require.NotEqual(w, before.UPN, after.UPN)
		require.Equal(w, after.UPN, w.user(after.ObjectID).UserPrincipalName)
	})
}

// Every write's answer is lost once, in every way.
func TestPipelineRetiresThroughFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]entratest.Fault{
		"answers lost":        {Status: http.StatusGatewayTimeout, AfterCommit: true},
		"connections dropped": {Drop: true, AfterCommit: true},
		"failures":            {Status: http.StatusServiceUnavailable},
		"concurrent writes":   {Status: http.StatusConflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, config := employment()
			inWorld(t, cfg, config, func(w *world) {
				person := contractor(1)
				before := w.ensure(person)
				once := func(method string, paths ...string) {
					for _, path := range paths {
						f := fault
						f.Method, f.Path = method, path
						w.entra.Inject(f)
					}
				}
				once(http.MethodPatch, "/v1.0/users/*")
				once(http.MethodPost, "/v1.0/users/*/revokeSignInSessions", "/v1.0/users/*/assignLicense",
					"/v1.0/directory/deletedItems/*/restore")
				once(http.MethodDelete, "/v1.0/groups/*/members/*/$ref", "/v1.0/users/*")
				require.NoError(w, w.Retire(w.Context(), person.Key(), provision.Leaving{Delete: true}))
				w.leftBehind(person)
				require.Zero(w, w.seats())
				once(http.MethodPatch, "/v1.0/users/*")
				require.NoError(w, w.Restore(w.Context(), person))
				after := w.ensure(person)
				require.Equal(w, before.ObjectID, after.ObjectID)
				w.active(after.ObjectID, premium, standard)

				once(http.MethodDelete, "/v1.0/users/*", "/v1.0/directory/deletedItems/*")
				require.NoError(w, w.Retire(w.Context(), person.Key(), provision.Leaving{Purge: true}))
				w.leftBehind(person)
				require.Empty(w, w.entra.DeletedUsers())
			})
		})
	}
}

// Somebody leaves in the middle of a first sign-in, in this process or in another one.
func TestPipelineRetiresDuringASignIn(t *testing.T) {
	t.Parallel()
	for name, elsewhere := range map[string]bool{"here": false, "in another process": true} {
		for _, after := range []time.Duration{200 * time.Millisecond, time.Second, 5 * time.Second, 14 * time.Second} {
			t.Run(name+" after "+after.String(), func(t *testing.T) {
				t.Parallel()
				cfg, config := employment()
				inWorld(t, cfg, config, func(w *world) {
					person := contractor(1)
					leaver := w.Provisioner
					if elsewhere {
						leaver = w.pipeline(config)
					}
					var ensured, retired error
					w.together(2, func(i int) {
						if i == 0 {
							_, ensured = w.Ensure(w.Context(), person)
							return
						}
						time.Sleep(after)
						retired = leaver.Retire(w.Context(), person.Key(), provision.Leaving{Delete: true})
					})
					require.NoError(w, retired)
					require.ErrorIs(w, ensured, provision.ErrRetired)
					w.leftBehind(person)
					require.Empty(w, w.entra.Users())
					require.Zero(w, w.seats())
				})
			})
		}
	}
}
