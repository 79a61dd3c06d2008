package msgraph_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

const deputy = "aaaaaaaa-0000-4000-8000-000000000003"

// named is somebody whose UPN and ImmutableID the host knows.
func named() provision.Person {
	return provision.Person{Connection: "ldap", ID: "1", UPN: "adele@contoso.com", ImmutableID: "a1"}
}

// existing is a tenant with these users; their objects are years old.
func existing(users ...entratest.User) entratest.Config {
	for i := range users {
		users[i].Enabled = true
		users[i].CreatedAt = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return entratest.Config{Users: users}
}

// remove deletes a user as an administrator.
func (w *world) remove(objectID string) {
	w.Helper()
	require.NoError(w, w.admin.DeleteUser(w.Context(), objectID))
	w.calm()
}

// clash signs somebody in for whom something is in the way.
func (w *world) clash(person provision.Person) *provision.ConflictError {
	w.Helper()
	_, err := w.Ensure(w.Context(), person)
	require.ErrorIs(w, err, provision.ErrConflict)
	var conflict *provision.ConflictError
	require.ErrorAs(w, err, &conflict)
	return conflict
}

// Both shapes in which Graph says that something is taken.
func inBothShapes(
	t *testing.T, cfg func() entratest.Config, config provision.Config, test func(w *world),
) {
	t.Helper()
	for name, status := range map[string]bool{"told as 400": false, "told as 409": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cfg()
			c.ConflictsAs409 = status
			inWorld(t, c, config, test)
		})
	}
}

func TestPipelineTheUPNIsTakenByAnActiveUser(t *testing.T) {
	t.Parallel()
	cfg := func() entratest.Config {
		return existing(entratest.User{ObjectID: adele, UPN: "contractor1@contoso.com", ImmutableID: "other"},
			entratest.User{ObjectID: boss, UPN: "adele@contoso.com"})
	}
	inBothShapes(t, cfg, provision.Config{}, func(w *world) {
		require.Equal(w, "contractor12@contoso.com", w.ensure(contractor(1)).UPN)
		require.Len(w, w.entra.Users(), 3)

		conflict := w.clash(named())
		require.Equal(w, provision.ConflictUnclaimed, conflict.Kind)
		require.Equal(w, boss, conflict.Owner.ObjectID)
		require.Len(w, w.entra.Users(), 3)
	})
}

// Entra renames a user who is deleted, so the UPN is free.
func TestPipelineTheUPNWasADeletedUsers(t *testing.T) {
	t.Parallel()
	cfg := existing(entratest.User{ObjectID: adele, UPN: "contractor1@contoso.com", ImmutableID: "other"})
	inWorld(t, cfg, provision.Config{}, func(w *world) {
		w.remove(adele)
		require.Equal(w, "contractor1@contoso.com", w.ensure(contractor(1)).UPN)
		require.Len(w, w.entra.DeletedUsers(), 1)
	})
}

// An ImmutableID of a deleted user stays the deleted user's, whether the tenant would give it away or not.
func TestPipelineTheImmutableIDIsADeletedUsers(t *testing.T) {
	t.Parallel()
	for name, free := range map[string]bool{"and taken": false, "and free": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := func() entratest.Config {
				c := existing(entratest.User{ObjectID: adele, UPN: "adele@contoso.com", ImmutableID: "a1"})
				c.DeletedFreeImmutableID = free
				return c
			}
			inBothShapes(t, cfg, provision.Config{}, func(w *world) {
				w.remove(adele)
				conflict := w.clash(named())
				require.Equal(w, provision.ConflictDeleted, conflict.Kind)
				require.Equal(w, adele, conflict.Owner.ObjectID)
				require.True(w, conflict.Deleted)
				require.Empty(w, w.entra.Users())
			})
		})
	}
}

func TestPipelineRestoresADeletedUser(t *testing.T) {
	t.Parallel()
	rules := provision.Config{Rules: provision.Rules{Adopt: provision.Adopt{Deleted: true}}}
	cfg := func() entratest.Config {
		return existing(entratest.User{ObjectID: adele, UPN: "contractor1@contoso.com",
			ImmutableID: provision.ImmutableIDFromSubject("google", "contractor1")})
	}
	inBothShapes(t, cfg, rules, func(w *world) {
		w.remove(adele)
		account := w.ensure(contractor(1))
		require.Equal(w, adele, account.ObjectID)
		require.Equal(w, "contractor1@contoso.com", account.UPN)
		require.Empty(w, w.entra.DeletedUsers())
		require.True(w, w.record(contractor(1)).Adopted)
	})
	t.Run("whose UPN somebody else has now", func(t *testing.T) {
		t.Parallel()
		inBothShapes(t, cfg, rules, func(w *world) {
			w.remove(adele)
			_, err := w.admin.CreateUser(w.Context(), provision.NewUser{
				UserPrincipalName: "contractor1@contoso.com", ImmutableID: "successor", DisplayName: "Successor",
				MailNickname: "successor", Password: "Correct-Horse-1",
			})
			require.NoError(w, err)
			account := w.ensure(contractor(1))
			require.Equal(w, adele, account.ObjectID)
			require.Equal(w, "contractor12@contoso.com", account.UPN)
			require.Equal(w, account.UPN, w.user(adele).UserPrincipalName)
		})
	})
}

func TestPipelineTakesAnAccountOverByItsUPN(t *testing.T) {
	t.Parallel()
	insecure := provision.Config{Rules: provision.Rules{Adopt: provision.Adopt{InsecureByUPN: true}}}
	unclaimed := func() entratest.Config {
		return existing(entratest.User{ObjectID: adele, UPN: "adele@contoso.com", UsageLocation: "DE"})
	}
	inBothShapes(t, unclaimed, insecure, func(w *world) {
		account := w.ensure(named())
		require.Equal(w, adele, account.ObjectID)
		require.Equal(w, "a1", w.person("a1").ImmutableID)
		require.Len(w, w.entra.Users(), 1)
	})
	t.Run("which a frozen ImmutableID prevents", func(t *testing.T) {
		t.Parallel()
		cfg := unclaimed()
		cfg.FreezeImmutableID = true
		inWorld(t, cfg, insecure, func(w *world) {
			_, err := w.Ensure(w.Context(), named())
			var refusal *provision.Error
			require.ErrorAs(w, err, &refusal)
			require.Equal(w, provision.ReasonRefused, refusal.Reason())
			require.ErrorContains(w, err, "move the account to the tenant's onmicrosoft.com domain")
			require.Empty(w, w.entra.Users()[0].ImmutableID)
		})
	})
	t.Run("which an administrator's role prevents", func(t *testing.T) {
		t.Parallel()
		cfg := unclaimed()
		cfg.Users[0].AdminRole = true
		inWorld(t, cfg, insecure, func(w *world) {
			_, err := w.Ensure(w.Context(), named())
			require.ErrorIs(w, err, provision.ErrForbidden)
			require.ErrorContains(w, err, "administrator role")
			require.Empty(w, w.entra.Users()[0].ImmutableID)
		})
	})
	t.Run("not one that a sync owns", func(t *testing.T) {
		t.Parallel()
		cfg := unclaimed()
		cfg.Users[0].DirectorySynced = true
		inWorld(t, cfg, insecure, func(w *world) {
			require.Equal(w, provision.ConflictUnclaimed, w.clash(named()).Kind)
			require.Empty(w, w.calls(http.MethodPatch, "/users/"))
		})
	})
}

// A synced account with the person's ImmutableID is theirs, and nothing is written to it.
func TestPipelineRecognisesASyncedAccount(t *testing.T) {
	t.Parallel()
	cfg := existing(entratest.User{ObjectID: adele, UPN: "adele@contoso.com", ImmutableID: "a1", DirectorySynced: true})
	cfg.Groups = departments().Groups
	config := joining("staff")
	config.Rules.Licenses = give("STANDARDPACK")
	inWorld(t, cfg, config, func(w *world) {
		require.Equal(w, adele, w.ensure(named()).ObjectID)
		for _, call := range w.calls("", "") {
			require.Equal(w, http.MethodGet, call.Method, call.Path)
		}
		err := w.Retire(w.Context(), named().Key(), provision.Leaving{})
		require.ErrorIs(w, err, provision.ErrNotOwned)
		require.True(w, w.entra.Users()[0].Enabled)
		_, err = w.Ensure(w.Context(), named())
		require.ErrorIs(w, err, provision.ErrRetired)
	})
}

// An account that holds a role can be a person's, but it takes more than the pipeline's application has to block it.
func TestPipelineAnAdministratorsAccount(t *testing.T) {
	t.Parallel()
	cfg := existing(entratest.User{ObjectID: deputy, UPN: "adele@contoso.com", ImmutableID: "a1", AdminRole: true})
	inWorld(t, cfg, provision.Config{}, func(w *world) {
		require.Equal(w, deputy, w.ensure(named()).ObjectID)
		err := w.Retire(w.Context(), named().Key(), provision.Leaving{})
		require.ErrorIs(w, err, provision.ErrForbidden)
		require.ErrorContains(w, err, "administrator role")
		require.True(w, w.entra.Users()[0].Enabled)
	})
}
