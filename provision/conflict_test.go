package provision_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// ourID is the contractor's ImmutableID by a rule that the tests use, so that it has letters of either case.
const ourID = "abcdef"

const ourUPN = "contractor@contoso.com"

// conflictConfig is a configuration whose rules give the contractor ourID and ourUPN.
func conflictConfig(dir provision.Directory, store provision.Store, adopt provision.Adopt) provision.Config {
	c := licensed(config(dir, store), standardSKU)
	c.Rules.Adopt = adopt
	c.Rules.ImmutableID = func(provision.Person) (string, error) { return ourID, nil }
	return c
}

// withUPN is the contractor as a host describes it that says which UPN somebody has.
func withUPN() provision.Person {
	person := contractor()
	person.UPN = ourUPN
	return person
}

// outcome says in a few words what a run came to.
func outcome(t *testing.T, dir *accountTenant, there map[string]bool, account provision.Account, err error) string {
	t.Helper()
	var clash *provision.ConflictError
	switch {
	case errors.As(err, &clash):
		require.ErrorIs(t, err, provision.ErrConflict)
		return "conflict: " + string(clash.Kind)
	case err != nil:
		return err.Error()
	}
	require.Equal(t, ourID, account.ImmutableID)
	text := "created"
	if there[account.ObjectID] {
		text = "adopted"
		for _, call := range dir.calls {
			method, what, _ := strings.Cut(call, " ")
			switch {
			case method == "RestoreUser":
				text = "restored"
			case method == "UpdateUser" && what == "ImmutableID":
				text = "taken over"
			}
		}
	}
	if account.UPN != ourUPN {
		text += " as " + account.UPN
	}
	user := dir.user(account.ObjectID)
	require.Equal(t, account.UPN, user.UserPrincipalName, "the assertion names the UPN that the account has")
	require.Equal(t, ourID, user.ImmutableID)
	if len(user.SKUIDs) == 0 {
		text += ", untouched"
	}
	if !user.AccountEnabled {
		text += ", blocked"
	}
	return text
}

// TestEverySituationHasItsOutcomeUnderEveryPolicy is the policy: what becomes of a person whose identity is in use.
func TestEverySituationHasItsOutcomeUnderEveryPolicy(t *testing.T) {
	t.Parallel()
	policies := []struct {
		name  string
		adopt provision.Adopt
	}{
		{"nothing more", provision.Adopt{}},
		{"Deleted", provision.Adopt{Deleted: true}},
		{"InsecureByUPN", provision.Adopt{InsecureByUPN: true}},
	}
	const second = "contractor2@contoso.com"
	for name, tc := range map[string]struct {
		prepare func(dir *accountTenant)
		byRule  [3]string // the outcome under each policy where the rule chooses the UPN
		given   [3]string // and where the person came with it
	}{
		"nothing is in the way": {
			func(*accountTenant) {},
			[3]string{"created", "created", "created"},
			[3]string{"created", "created", "created"}},
		"an active account has our ImmutableID": {
			func(dir *accountTenant) { dir.had(ourID, ourUPN) },
			[3]string{"adopted", "adopted", "adopted"},
			[3]string{"adopted", "adopted", "adopted"}},
		"an active account has our ImmutableID, and a sync owns it": {
			func(dir *accountTenant) { dir.had(ourID, ourUPN, synced) },
			[3]string{"adopted, untouched", "adopted, untouched", "adopted, untouched"},
			[3]string{"adopted, untouched", "adopted, untouched", "adopted, untouched"}},
		"an active account has our ImmutableID, and is blocked": {
			func(dir *accountTenant) { dir.had(ourID, ourUPN, blocked) },
			[3]string{"adopted, blocked", "adopted, blocked", "adopted, blocked"},
			[3]string{"adopted, blocked", "adopted, blocked", "adopted, blocked"}},
		"an active account has our ImmutableID in other capitals": {
			func(dir *accountTenant) { dir.had("ABCdef", "renamed@contoso.com") },
			[3]string{"conflict: immutable-id", "conflict: immutable-id", "conflict: immutable-id"},
			[3]string{"conflict: immutable-id", "conflict: immutable-id", "conflict: immutable-id"}},
		"a deleted account has our ImmutableID": {
			func(dir *accountTenant) { dir.hadDeleted(ourID, ourUPN) },
			[3]string{"conflict: deleted", "restored", "conflict: deleted"},
			[3]string{"conflict: deleted", "restored", "conflict: deleted"}},
		"a deleted account has our ImmutableID, which cannot be used again": {
			func(dir *accountTenant) { dir.staysTaken = true; dir.hadDeleted(ourID, ourUPN) },
			[3]string{"conflict: deleted", "restored", "conflict: deleted"},
			[3]string{"conflict: deleted", "restored", "conflict: deleted"}},
		"a deleted account has our ImmutableID, and somebody its UPN": {
			func(dir *accountTenant) { dir.hadDeleted(ourID, ourUPN); dir.had("somebody-else", ourUPN) },
			[3]string{"conflict: deleted", "restored as " + second, "conflict: deleted"},
			[3]string{"conflict: deleted", "conflict: upn", "conflict: deleted"}},
		"a deleted account has our ImmutableID, and had another UPN": {
			func(dir *accountTenant) { dir.hadDeleted(ourID, "renamed@contoso.com") },
			[3]string{"conflict: deleted", "restored", "conflict: deleted"},
			[3]string{"conflict: deleted", "restored", "conflict: deleted"}},
		"a deleted account has our ImmutableID, and was blocked": {
			func(dir *accountTenant) { dir.hadDeleted(ourID, ourUPN, blocked) },
			[3]string{"conflict: deleted", "conflict: blocked", "conflict: deleted"},
			[3]string{"conflict: deleted", "conflict: blocked", "conflict: deleted"}},
		"a deleted account has our ImmutableID, and a sync owns it": {
			func(dir *accountTenant) { dir.hadDeleted(ourID, ourUPN, synced) },
			[3]string{"conflict: deleted", "conflict: deleted", "conflict: deleted"},
			[3]string{"conflict: deleted", "conflict: deleted", "conflict: deleted"}},
		"a deleted account has our ImmutableID in other capitals, and is in the way": {
			func(dir *accountTenant) {
				dir.hadDeleted("ABCdef", "renamed@contoso.com")
				dir.next("CreateUser", fault{err: conflict("onPremisesImmutableId", "")})
			},
			[3]string{"conflict: immutable-id", "conflict: immutable-id", "conflict: immutable-id"},
			[3]string{"conflict: immutable-id", "conflict: immutable-id", "conflict: immutable-id"}},
		"a deleted account had our UPN, which is free now": {
			func(dir *accountTenant) { dir.hadDeleted("somebody-else", ourUPN) },
			[3]string{"created", "created", "created"},
			[3]string{"created", "created", "created"}},
		"a deleted account had our UPN, and it is still in the way": {
			func(dir *accountTenant) {
				dir.hadDeleted("somebody-else", ourUPN)
				dir.next("CreateUser", fault{err: conflict("userPrincipalName", "")})
			},
			[3]string{"created as " + second, "created as " + second, "created as " + second},
			[3]string{"conflict: upn", "conflict: upn", "conflict: upn"}},
		"an account with another ImmutableID has our UPN": {
			func(dir *accountTenant) { dir.had("somebody-else", ourUPN) },
			[3]string{"created as " + second, "created as " + second, "created as " + second},
			[3]string{"conflict: upn", "conflict: upn", "conflict: upn"}},
		"an account without an ImmutableID has our UPN": {
			func(dir *accountTenant) { dir.had("", ourUPN) },
			[3]string{"created as " + second, "created as " + second, "created as " + second},
			[3]string{"conflict: unclaimed", "conflict: unclaimed", "taken over"}},
		"an account without an ImmutableID has our UPN, and a sync owns it": {
			func(dir *accountTenant) { dir.had("", ourUPN, synced) },
			[3]string{"created as " + second, "created as " + second, "created as " + second},
			[3]string{"conflict: unclaimed", "conflict: unclaimed", "conflict: unclaimed"}},
		"an account without an ImmutableID has our UPN, and is blocked": {
			func(dir *accountTenant) { dir.had("", ourUPN, blocked) },
			[3]string{"created as " + second, "created as " + second, "created as " + second},
			[3]string{"conflict: unclaimed", "conflict: unclaimed", "conflict: blocked"}},
		"a group has our UPN as its address": {
			func(dir *accountTenant) { dir.next("CreateUser", fault{err: conflict("proxyAddresses", "")}) },
			[3]string{"created as " + second, "created as " + second, "created as " + second},
			[3]string{"conflict: address", "conflict: address", "conflict: address"}},
		"an account without an ImmutableID has our UPN as an alias": {
			func(dir *accountTenant) {
				dir.next("CreateUser", fault{err: conflict("proxyAddresses", dir.had("", "other@contoso.com").ObjectID)})
			},
			[3]string{"created as " + second, "created as " + second, "created as " + second},
			[3]string{"conflict: address", "conflict: address", "conflict: address"}},
	} {
		for i, policy := range policies {
			for given, person := range map[string]provision.Person{"by rule": contractor(), "given": withUPN()} {
				t.Run(fmt.Sprintf("%s, %s, %s", name, policy.name, given), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						dir := newAccountTenant()
						tc.prepare(dir)
						there := make(map[string]bool)
						before := append(dir.in("active"), dir.in("deleted")...)
						for _, u := range before {
							there[u.ObjectID] = true
						}
						account, err := newProvisioner(t, conflictConfig(dir, nil, policy.adopt)).Ensure(t.Context(), person)
						want := tc.byRule[i]
						if given == "given" {
							want = tc.given[i]
						}
						require.Equal(t, want, outcome(t, dir, there, account, err))
						if err != nil {
							requireBothAreNamed(t, err, person)
							require.Equal(t, before, append(dir.in("active"), dir.in("deleted")...), "all is left as it was")
						}
					})
				})
			}
		}
	}
}

// requireBothAreNamed requires that a conflict names the person's identity, the account in the way, and a remedy.
func requireBothAreNamed(t *testing.T, err error, person provision.Person) {
	t.Helper()
	requireOneSentinel(t, err)
	var clash *provision.ConflictError
	require.ErrorAs(t, err, &clash)
	require.NotEmpty(t, clash.Property)
	require.Equal(t, ourID, clash.ImmutableID)
	require.Contains(t, err.Error(), fmt.Sprintf("ImmutableID %q, UPN %q", clash.ImmutableID, clash.UPN))
	require.Contains(t, err.Error(), "; ", "there is a remedy")
	if clash.Kind != provision.ConflictAddress || clash.Owner.ObjectID != "" {
		require.Contains(t, err.Error(), clash.Owner.ObjectID)
		require.Contains(t, err.Error(), fmt.Sprintf("ImmutableID %q", clash.Owner.ImmutableID))
		require.NotEmpty(t, clash.Owner.ObjectID)
	}
	require.Equal(t, clash.Deleted, strings.Contains(err.Error(), ", deleted"))
	var failure *provision.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, provision.ReasonConflict, failure.Reason())
	_, again := failure.RetryAfter()
	require.False(t, again)
	require.NotContains(t, failure.Public(), person.ID)
}

func TestThereIsARemedyForEveryKindOfConflict(t *testing.T) {
	t.Parallel()
	account := provision.User{ObjectID: "o-1", UserPrincipalName: "o@contoso.com"}
	for name, tc := range map[string]struct {
		err  provision.ConflictError
		want []string
	}{
		"reserved": {provision.ConflictError{Kind: provision.ConflictReserved}, []string{"reservation in the store"}},
		"a deleted account": {
			provision.ConflictError{Kind: provision.ConflictDeleted, Owner: account, Deleted: true},
			[]string{"restore it", "delete it for good", "Adopt.Deleted", ", deleted"}},
		"a deleted account of a sync": {
			provision.ConflictError{Kind: provision.ConflictDeleted, Deleted: true,
				Owner: provision.User{ObjectID: "o-1", DirectorySynced: true}},
			[]string{"have the sync bring it back", "owned by a directory sync"}},
		"an account without ImmutableID": {
			provision.ConflictError{Kind: provision.ConflictUnclaimed, Owner: account, ImmutableID: "i-1"},
			[]string{`set its onPremisesImmutableId to "i-1" by hand`, "it is safe only where"}},
		"a group": {
			provision.ConflictError{Kind: provision.ConflictAddress, Object: "Group_g-1"},
			[]string{"the object Group_g-1", "take the address from the other object"}},
		"a changed account": {
			provision.ConflictError{Kind: provision.ConflictChanged, Owner: account, ImmutableID: "i-1"},
			[]string{`set the account's onPremisesImmutableId to "i-1" again`}},
		"a deleted account with the UPN": {
			provision.ConflictError{Kind: provision.ConflictUPN, Owner: account, Deleted: true},
			[]string{"delete the deleted account for good"}},
		"a blocked account": {
			provision.ConflictError{Kind: provision.ConflictBlocked, Owner: account}, []string{"enable"}},
		"a deleted blocked account": {
			provision.ConflictError{Kind: provision.ConflictBlocked, Deleted: true}, []string{"restore and enable"}},
		"of no kind": {provision.ConflictError{Property: "mail"}, []string{"clashes in mail with an object"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, &tc.err, provision.ErrConflict)
			for _, want := range tc.want {
				require.ErrorContains(t, &tc.err, want)
			}
		})
	}
}

func TestNewRefusesToAdoptWhatTheDirectoryDoesNotShow(t *testing.T) {
	t.Parallel()
	c := config(newTenant(), nil)
	c.Rules.Adopt = provision.Adopt{Deleted: true, InsecureByUPN: true}
	_, err := provision.New(c)
	require.ErrorContains(t, err, "Rules.Adopt.Deleted: the directory is no DeletedUsers")
	require.ErrorContains(t, err, "Rules.Adopt.InsecureByUPN: the directory is no Accounts")
	c.Directory = newAccountTenant()
	_, err = provision.New(c)
	require.NoError(t, err)
}

// lostAnswers are the faults that a call must survive, whether it took effect or not.
func lostAnswers() map[string]fault {
	faults := make(map[string]fault)
	for _, commit := range []bool{true, false} {
		faults[fmt.Sprintf("dropped, committed %v", commit)] = fault{err: dropped(), commit: commit}
		faults[fmt.Sprintf("504, committed %v", commit)] = fault{err: status(504), commit: commit}
		faults[fmt.Sprintf("concurrency, committed %v", commit)] = fault{err: concurrencyViolation(), commit: commit}
	}
	faults["429"] = fault{err: throttled(3 * time.Second)}
	faults["404 of a replica"] = fault{err: notFound()}
	return faults
}

func TestALostAnswerOfARestorationOrATakeoverIsFollowedByALook(t *testing.T) {
	t.Parallel()
	for method, tc := range map[string]struct {
		adopt   provision.Adopt
		prepare func(dir *accountTenant)
		want    string
	}{
		"RestoreUser": {provision.Adopt{Deleted: true},
			func(dir *accountTenant) { dir.hadDeleted(ourID, ourUPN) }, "restored"},
		"UpdateUser": {provision.Adopt{InsecureByUPN: true},
			func(dir *accountTenant) { dir.had("", ourUPN) }, "taken over"},
	} {
		for name, f := range lostAnswers() {
			for _, lag := range []time.Duration{0, 6 * time.Second} {
				t.Run(fmt.Sprintf("%s, %s, lag %v", method, name, lag), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						dir := newAccountTenant()
						tc.prepare(dir)
						dir.replica = func() time.Duration { return lag }
						dir.next(method, f, f)
						there := map[string]bool{"00000000-0000-4000-8000-000000000001": true}
						account, err := newProvisioner(t, conflictConfig(dir, nil, tc.adopt)).Ensure(t.Context(), withUPN())
						require.Equal(t, tc.want, outcome(t, dir, there, account, err))
						require.Len(t, dir.in("active"), 1)
					})
				})
			}
		}
	}
}

func TestARestoredAccountDwellsUntilEveryReplicaKnowsItAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, began := newAccountTenant(), time.Now()
		dir.hadDeleted(ourID, ourUPN)
		store := provision.NewMemoryStore()
		_, err := newProvisioner(t, conflictConfig(dir, store, provision.Adopt{Deleted: true})).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, 15*time.Second, time.Since(began))
		rec, err := store.Load(t.Context(), contractor().Key())
		require.NoError(t, err)
		require.True(t, rec.Adopted, "the pipeline did not create it")
	})
}

func TestARestorationThatClashesInAnAddressIsAConflict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newAccountTenant()
		dir.hadDeleted(ourID, ourUPN)
		dir.aliasOfUser = true
		_, err := newProvisioner(t, conflictConfig(dir, nil, provision.Adopt{Deleted: true})).Ensure(t.Context(), contractor())
		var clash *provision.ConflictError
		require.ErrorAs(t, err, &clash)
		require.Equal(t, provision.ConflictAddress, clash.Kind)
		require.Equal(t, 1, dir.count("RestoreUser"), "another UPN does not mend it")
	})
}

func TestATakeoverOfAnAdministratorIsRefusedAndSaysWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newAccountTenant()
		owner := dir.had("", ourUPN)
		dir.admins[owner.ObjectID] = true
		_, err := newProvisioner(t, conflictConfig(dir, nil, provision.Adopt{InsecureByUPN: true})).Ensure(t.Context(), withUPN())
		require.ErrorIs(t, err, provision.ErrForbidden)
		requireOneSentinel(t, err)
		require.ErrorContains(t, err, "an account that holds an administrator role")
		require.ErrorContains(t, err, owner.ObjectID)
		require.Empty(t, owner.ImmutableID)
	})
}

func TestAnAccountThatWasThereIsNotThePipelinesAlsoAfterACrash(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newAccountTenant(), provision.NewMemoryStore()
		dir.had(ourID, ourUPN)
		dir.next("FindUser", fault{err: status(403)}) // after the reservation
		p := newProvisioner(t, conflictConfig(dir, store, provision.Adopt{}))
		_, err := p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrForbidden)
		account, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Zero(t, account.CreatedAt)
	})
}

func TestAnAccountOfASyncStaysUntouchedInALaterRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newAccountTenant(), provision.NewMemoryStore()
		user := dir.had(ourID, ourUPN, synced)
		dir.next("FindUser", fault{}, fault{err: status(403)}) // recognised, but not settled
		dir.members[allStaff] = nil
		c := conflictConfig(dir, store, provision.Adopt{})
		c.Rules.Groups = []string{allStaff}
		_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrForbidden)
		_, err = newProvisioner(t, c).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Empty(t, user.SKUIDs)
		require.Empty(t, dir.members[allStaff])
	})
}

// TestAnAccountThatVanishedBeforeItWasReadyIsNoReasonForASecondOne: the record names it, and somebody deleted it.
func TestAnAccountThatVanishedBeforeItWasReadyIsNoReasonForASecondOne(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		happens func(dir *accountTenant, objectID string)
		later   time.Duration
		adopt   provision.Adopt
		want    string
	}{
		"deleted": {(*accountTenant).deleteByHand, 0, provision.Adopt{}, "somebody deleted it, and a sign-in does not"},
		"deleted, and restoring is allowed": {
			(*accountTenant).deleteByHand, 0, provision.Adopt{Deleted: true}, ""},
		"deleted for good long ago": {func(dir *accountTenant, id string) { dir.deleteByHand(id); dir.purgeByHand(id) },
			2 * time.Hour, provision.Adopt{Deleted: true}, "is not in the directory any more"},
		"deleted for good just now": {func(dir *accountTenant, id string) { dir.deleteByHand(id); dir.purgeByHand(id) },
			0, provision.Adopt{Deleted: true}, "nothing is lost"},
		"given to somebody else": {func(dir *accountTenant, id string) {
			dir.changeByHand(id, func(u *provision.User) { u.ImmutableID = "somebody-else" })
		}, 0, provision.Adopt{}, "its ImmutableID was changed since"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newAccountTenant(), provision.NewMemoryStore()
				dir.next("ChangeLicenses", fault{err: status(403)})
				p := newProvisioner(t, conflictConfig(dir, store, tc.adopt))
				_, err := p.Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, provision.ErrForbidden)
				rec, err := store.Load(t.Context(), contractor().Key())
				require.NoError(t, err)
				tc.happens(dir, rec.ObjectID)
				time.Sleep(tc.later)

				account, err := p.Ensure(t.Context(), contractor())
				require.Equal(t, 1, dir.count("CreateUser"), "no second account")
				if tc.want == "" {
					require.NoError(t, err)
					require.Equal(t, rec.ObjectID, account.ObjectID)
					return
				}
				require.ErrorContains(t, err, tc.want)
				requireOneSentinel(t, err)
				require.Equal(t, !errors.Is(err, provision.ErrNotReady), strings.Contains(err.Error(), rec.ObjectID))
				var vanished *provision.VanishedError
				require.Equal(t, tc.later > 0, errors.As(err, &vanished))
			})
		})
	}
}

func TestAnAccountOfSomebodyWhoWasRetiredMeanwhileIsBlockedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newAccountTenant(), unleased{provision.NewMemoryStore()}
		other := newProvisioner(t, conflictConfig(dir, store, provision.Adopt{})) // a process that cannot know of the run
		dir.next("CreateUser", fault{before: func(ctx context.Context) {
			require.NoError(t, other.Retire(ctx, contractor().Key(), provision.Leaving{}))
		}})
		_, err := newProvisioner(t, conflictConfig(dir, store, provision.Adopt{})).Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrRetired)
		require.Len(t, dir.in("active"), 1)
		require.False(t, dir.in("active")[0].AccountEnabled)
		require.NoError(t, other.Retire(t.Context(), contractor().Key(), provision.Leaving{Delete: true}))
		require.Empty(t, dir.in("active"), "the account is in the record")
	})
}

func TestOfSeveralDeletedAccountsTheOneWhoseImmutableIDIsExactlyOursAndThatWasDeletedLastIsRestored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newAccountTenant()
		dir.hadDeleted("ABCdef", ourUPN, deletedDaysAgo(1))
		dir.hadDeleted(ourID, ourUPN, deletedDaysAgo(3))
		last := dir.hadDeleted(ourID, ourUPN, deletedDaysAgo(2))
		dir.hadDeleted(ourID, ourUPN, deletedDaysAgo(4))
		account, err := newProvisioner(t, conflictConfig(dir, nil, provision.Adopt{Deleted: true})).
			Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, last.ObjectID, account.ObjectID)
	})
}

func deletedDaysAgo(n int) func(*provision.User) {
	return func(u *provision.User) { u.DeletedAt = time.Now().AddDate(0, 0, -n) }
}
