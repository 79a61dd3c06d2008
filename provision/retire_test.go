package provision_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// allStaff is the group of the rules.
const allStaff = "all-staff"

// leavingConfig is a configuration with a licence and a group, both of which a person who leaves gives back.
func leavingConfig(dir provision.Directory, store provision.Store) provision.Config {
	c := conflictConfig(dir, store, provision.Adopt{})
	c.Rules.Groups = []string{allStaff}
	return c
}

func newLeavingTenant() *accountTenant {
	dir := newAccountTenant()
	dir.members[allStaff] = nil
	return dir
}

// readyPerson is a tenant and a store with one person who is ready, an hour later.
func readyPerson(t *testing.T) (*accountTenant, *provision.MemoryStore, *provision.Provisioner, provision.Account) {
	t.Helper()
	dir, store := newLeavingTenant(), provision.NewMemoryStore()
	p := newProvisioner(t, leavingConfig(dir, store))
	account, err := p.Ensure(t.Context(), contractor())
	require.NoError(t, err)
	time.Sleep(2 * time.Hour)
	dir.calls = nil
	return dir, store, p, account
}

// contractorsRecord is the contractor's record.
func contractorsRecord(t *testing.T, store provision.Store) provision.Record {
	t.Helper()
	rec, err := store.Load(t.Context(), contractor().Key())
	require.NoError(t, err)
	return rec
}

// times says which times of leaving a record has.
func times(rec provision.Record) (set []string) {
	for _, of := range []struct {
		name string
		at   time.Time
	}{
		{"retiring", rec.RetiringAt}, {"blocked", rec.BlockedAt}, {"unlicensed", rec.UnlicensedAt},
		{"deleted", rec.DeletedAt}, {"purged", rec.PurgedAt},
	} {
		if !of.at.IsZero() {
			set = append(set, of.name)
		}
	}
	return set
}

func TestRetiringGoesAsFarAsItIsTold(t *testing.T) {
	t.Parallel()
	block := []string{"FindUser by object ID", "UpdateUser enabled false", "RevokeSessions"}
	unlicense := []string{"FindUser by object ID", "RemoveMember", "FindUser by object ID", "ChangeLicenses remove"}
	remove := []string{"FindUser by object ID", "DeleteUser"}
	purge := []string{"FindDeletedUsers by object ID", "PurgeUser"}
	for name, tc := range map[string]struct {
		leaving provision.Leaving
		calls   [][]string
		times   []string
		place   string
	}{
		"the zero value": {provision.Leaving{}, [][]string{block, unlicense},
			[]string{"retiring", "blocked", "unlicensed"}, "active"},
		"keeping licences": {provision.Leaving{KeepLicenses: true}, [][]string{block},
			[]string{"retiring", "blocked"}, "active"},
		"deleting": {provision.Leaving{Delete: true}, [][]string{block, unlicense, remove},
			[]string{"retiring", "blocked", "unlicensed", "deleted"}, "deleted"},
		"deleting with licences": {provision.Leaving{Delete: true, KeepLicenses: true}, [][]string{block, remove},
			[]string{"retiring", "blocked", "deleted"}, "deleted"},
		"purging": {provision.Leaving{Purge: true}, [][]string{block, unlicense, remove, purge},
			[]string{"retiring", "blocked", "unlicensed", "deleted", "purged"}, "purged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, p, account := readyPerson(t)
				began := time.Now()
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), tc.leaving))
				require.Equal(t, began, time.Now(), "without waiting")
				var calls []string
				for _, of := range tc.calls {
					calls = append(calls, of...)
				}
				isLookup := func(call string) bool { return call == "FindGroup" } // which may be remembered
				require.Equal(t, calls, slices.DeleteFunc(dir.calls, isLookup))
				require.Equal(t, tc.times, times(contractorsRecord(t, store)))
				require.Len(t, dir.in(tc.place), 1)
				user := dir.in(tc.place)[0]
				require.Equal(t, account.ObjectID, user.ObjectID)
				require.False(t, user.AccountEnabled)
				require.Equal(t, began, dir.revoked[account.ObjectID])
				if !tc.leaving.KeepLicenses {
					require.Empty(t, user.SKUIDs)
					require.Empty(t, dir.members[allStaff])
				}
				requireReleased(t, store)

				dir.calls = nil
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), tc.leaving))
				require.Empty(t, dir.calls, "nothing is asked when all is done")
				_, err := p.Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, provision.ErrRetired)
				require.Empty(t, dir.calls, "a person who left touches nothing")
			})
		})
	}
}

func TestALaterCallGoesFurther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, _ := readyPerson(t)
		for _, further := range []struct {
			leaving provision.Leaving
			times   []string
		}{
			{provision.Leaving{KeepLicenses: true}, []string{"retiring", "blocked"}},
			{provision.Leaving{}, []string{"retiring", "blocked", "unlicensed"}},
			{provision.Leaving{Delete: true}, []string{"retiring", "blocked", "unlicensed", "deleted"}},
			{provision.Leaving{Purge: true}, []string{"retiring", "blocked", "unlicensed", "deleted", "purged"}},
		} {
			require.NoError(t, p.Retire(t.Context(), contractor().Key(), further.leaving))
			require.Equal(t, further.times, times(contractorsRecord(t, store)))
			time.Sleep(time.Hour)
		}
		require.Equal(t, 1, dir.count("UpdateUser"))
		require.Equal(t, 1, dir.count("DeleteUser"))
		require.Equal(t, 1, dir.count("PurgeUser"))
	})
}

func TestAnAccountThatIsNotThePipelinesIsNotBlockedOrDeleted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change  func(*provision.User)
		leaving provision.Leaving
		want    error
		text    string
	}{
		"a directory sync owns it": {synced, provision.Leaving{Purge: true}, provision.ErrNotOwned, "a directory sync owns it"},
		"its ImmutableID is another one": {func(u *provision.User) { u.ImmutableID = "somebody-else" },
			provision.Leaving{Purge: true}, provision.ErrConflict, "its ImmutableID was changed since"},
		"its ImmutableID is in other capitals": {func(u *provision.User) { u.ImmutableID = "ABCDEF" },
			provision.Leaving{}, provision.ErrConflict, "its ImmutableID was changed since"},
		"it has no ImmutableID": {func(u *provision.User) { u.ImmutableID = "" },
			provision.Leaving{}, provision.ErrConflict, "its ImmutableID was changed since"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, p, account := readyPerson(t)
				dir.changeByHand(account.ObjectID, tc.change)
				before := dir.in("active")
				err := p.Retire(t.Context(), contractor().Key(), tc.leaving)
				require.ErrorIs(t, err, tc.want)
				requireOneSentinel(t, err)
				requireStep(t, err, provision.StepBlock)
				require.ErrorContains(t, err, tc.text)
				require.ErrorContains(t, err, account.ObjectID)
				require.Equal(t, before, dir.in("active"))
				require.Equal(t, []string{"retiring"}, times(contractorsRecord(t, store)))
				_, err = p.Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, provision.ErrRetired)
			})
		})
	}
}

func TestAnAccountThatChangedHandsAfterItWasBlockedIsNotDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, _, p, account := readyPerson(t)
		require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
		dir.changeByHand(account.ObjectID, func(u *provision.User) { u.ImmutableID = "somebody-else" })
		err := p.Retire(t.Context(), contractor().Key(), provision.Leaving{Delete: true})
		require.ErrorIs(t, err, provision.ErrConflict)
		requireStep(t, err, provision.StepDelete)
		require.Zero(t, dir.count("DeleteUser"))

		dir.deleteByHand(account.ObjectID)
		time.Sleep(time.Hour)
		err = p.Retire(t.Context(), contractor().Key(), provision.Leaving{Purge: true})
		require.ErrorIs(t, err, provision.ErrConflict)
		requireStep(t, err, provision.StepPurge)
		require.Zero(t, dir.count("PurgeUser"))
	})
}

func TestAnAccountThatThePipelineDidNotCreateIsDeletedOnlyIfToldSo(t *testing.T) {
	t.Parallel()
	for name, leaving := range map[string]provision.Leaving{
		"Delete": {Delete: true}, "Purge": {Purge: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLeavingTenant(), provision.NewMemoryStore()
				user := dir.had(ourID, ourUPN)
				p := newProvisioner(t, leavingConfig(dir, store))
				_, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)

				err = p.Retire(t.Context(), contractor().Key(), leaving)
				require.ErrorIs(t, err, provision.ErrNotOwned)
				requireStep(t, err, provision.StepDelete)
				require.ErrorContains(t, err, "Leaving.DeleteAdopted")
				require.False(t, user.AccountEnabled, "it is blocked all the same")
				require.Empty(t, user.SKUIDs)
				require.Equal(t, []string{"retiring", "blocked", "unlicensed"}, times(contractorsRecord(t, store)))

				leaving.DeleteAdopted = true
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), leaving))
				require.Empty(t, dir.in("active"))
			})
		})
	}
}

func TestPeopleWithoutAnAccountAreOnlyRecordedAsRetired(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		prepare func(dir *accountTenant)
		times   []string // of the record
		place   string   // where an account is in the end
		enabled bool
	}{
		"the creation failed": {func(dir *accountTenant) { dir.next("CreateUser", fault{err: status(403)}) },
			[]string{"retiring"}, "", false},
		"an account was there and was never recognised": {func(dir *accountTenant) {
			dir.had(ourID, ourUPN)
			dir.next("FindUser", fault{err: status(403)})
		}, []string{"retiring"}, "active", true},
		"an account with the ImmutableID in other capitals": {func(dir *accountTenant) {
			dir.had("ABCDEF", ourUPN)
		}, []string{"retiring"}, "active", true},
		"the creation succeeded, and its answer was lost": {func(dir *accountTenant) {
			dir.next("CreateUser", fault{err: status(403), commit: true})
		}, []string{"retiring", "blocked", "unlicensed", "deleted"}, "deleted", false},
		"the creation succeeded, its answer was lost, and a replica lags": {func(dir *accountTenant) {
			dir.replica = func() time.Duration { return 10 * time.Second }
			dir.next("CreateUser", fault{err: status(403), commit: true})
		}, []string{"retiring", "blocked", "unlicensed", "deleted"}, "deleted", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLeavingTenant(), provision.NewMemoryStore()
				tc.prepare(dir)
				p := newProvisioner(t, leavingConfig(dir, store))
				_, err := p.Ensure(t.Context(), contractor())
				require.Error(t, err)
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{Delete: true}))
				require.Equal(t, tc.times, times(contractorsRecord(t, store)))
				_, err = p.Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, provision.ErrRetired)
				users := append(dir.in("active"), dir.in("deleted")...)
				if tc.place == "" {
					require.Empty(t, users)
					return
				}
				require.Equal(t, dir.in(tc.place), users)
				require.Len(t, users, 1)
				require.Equal(t, tc.enabled, users[0].AccountEnabled)
			})
		})
	}
}

func TestAnAccountThatIsAlreadyDeletedIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		happens func(dir *accountTenant, objectID string)
		leaving provision.Leaving
		times   []string
		place   string
	}{
		"deleted by hand": {(*accountTenant).deleteByHand, provision.Leaving{},
			[]string{"retiring", "deleted"}, "deleted"},
		"deleted by hand, to be purged": {(*accountTenant).deleteByHand, provision.Leaving{Purge: true},
			[]string{"retiring", "deleted", "purged"}, "purged"},
		"gone for good": {func(dir *accountTenant, id string) { dir.deleteByHand(id); dir.purgeByHand(id) },
			provision.Leaving{Purge: true}, []string{"retiring", "deleted", "purged"}, "purged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, p, account := readyPerson(t)
				tc.happens(dir, account.ObjectID)
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), tc.leaving))
				require.Equal(t, tc.times, times(contractorsRecord(t, store)))
				require.Len(t, dir.in(tc.place), 1)
				require.Zero(t, dir.count("UpdateUser"))
			})
		})
	}
}

func TestAnAccountThatWasDeletedByHandAndIsBackIsBlockedByTheNextCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, account := readyPerson(t)
		dir.deleteByHand(account.ObjectID)
		require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
		_, err := dir.RestoreUser(t.Context(), account.ObjectID, "")
		require.NoError(t, err)
		require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
		require.False(t, dir.in("active")[0].AccountEnabled)
		require.Equal(t, []string{"retiring", "blocked", "unlicensed"}, times(contractorsRecord(t, store)))
	})
}

func TestEveryCallOfALeaveSurvivesALostAnswerAndLag(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"FindUser", "UpdateUser", "RevokeSessions", "RemoveMember", "ChangeLicenses",
		"DeleteUser", "FindDeletedUsers", "PurgeUser"} {
		for name, f := range lostAnswers() {
			for _, lag := range []time.Duration{0, 5 * time.Second} {
				t.Run(fmt.Sprintf("%s, %s, lag %v", method, name, lag), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						dir, store, p, _ := readyPerson(t)
						dir.replica = func() time.Duration { return lag }
						dir.next(method, f, f)
						require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{Purge: true}))
						require.Len(t, dir.in("purged"), 1)
						require.Equal(t, []string{"retiring", "blocked", "unlicensed", "deleted", "purged"},
							times(contractorsRecord(t, store)))
					})
				})
			}
		}
	}
}

func TestWithoutDeletedUsersADeletionIsBelievedWhenTheAccountIsSeenNoMore(t *testing.T) {
	t.Parallel()
	for name, f := range lostAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, _, _ := readyPerson(t)
				dir.next("DeleteUser", f)
				c := leavingConfig(withoutDeletedUsers{dir, dir, dir}, store)
				p := newProvisioner(t, c)
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{Delete: true}))
				require.Len(t, dir.in("deleted"), 1)
				require.Equal(t, []string{"retiring", "blocked", "unlicensed", "deleted"}, times(contractorsRecord(t, store)))

				err := p.Restore(t.Context(), contractor())
				require.ErrorIs(t, err, errors.ErrUnsupported)
				require.ErrorContains(t, err, "may be among the deleted users")
			})
		})
	}
}

// withoutDeletedUsers is a directory that does not show deleted users.
type withoutDeletedUsers struct {
	provision.Directory
	provision.Accounts
	provision.Groups
}

func TestRetiringAnAdministratorIsRefusedAndSaysWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, account := readyPerson(t)
		dir.admins[account.ObjectID] = true
		err := p.Retire(t.Context(), contractor().Key(), provision.Leaving{})
		require.ErrorIs(t, err, provision.ErrForbidden)
		require.ErrorContains(t, err, "User.EnableDisableAccount.All")
		require.ErrorContains(t, err, "an account that holds an administrator role")
		require.Equal(t, []string{"retiring"}, times(contractorsRecord(t, store)))
	})
}

func TestWhatCannotBeDoneIsRefusedBeforeAnything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, _ := readyPerson(t)
		bare := newProvisioner(t, config(newTenant(), store))
		shown := newProvisioner(t, leavingConfig(withoutDeletedUsers{dir, dir, dir}, store))
		for name, tc := range map[string]struct {
			do   func() error
			want error
		}{
			"no Accounts, retiring": {func() error {
				return bare.Retire(t.Context(), contractor().Key(), provision.Leaving{})
			}, errors.ErrUnsupported},
			"no Accounts, restoring": {func() error { return bare.Restore(t.Context(), contractor()) }, errors.ErrUnsupported},
			"no DeletedUsers, purging": {func() error {
				return shown.Retire(t.Context(), contractor().Key(), provision.Leaving{Purge: true})
			}, errors.ErrUnsupported},
			"no key, retiring": {func() error {
				return p.Retire(t.Context(), provision.PersonKey{}, provision.Leaving{})
			}, provision.ErrInvalidPerson},
			"no key, restoring": {func() error { return p.Restore(t.Context(), provision.Person{}) }, provision.ErrInvalidPerson},
			"nobody, retiring": {func() error {
				return p.Retire(t.Context(), partner().Key(), provision.Leaving{})
			}, provision.ErrNoRecord},
			"nobody, restoring": {func() error { return p.Restore(t.Context(), partner()) }, provision.ErrNoRecord},
		} {
			err := tc.do()
			require.ErrorIs(t, err, tc.want, name)
			requireOneSentinel(t, err)
			var failure *provision.Error
			require.ErrorAs(t, err, &failure, name)
			require.Empty(t, dir.calls, name)
			require.Empty(t, times(contractorsRecord(t, store)), name)
		}
	})
}

func TestWhoLeftIsToldSoAndNothingMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, p, _ := readyPerson(t)
		require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
		_, err := p.Ensure(t.Context(), contractor())
		var failure *provision.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, provision.StepKnown, failure.Step)
		require.Equal(t, provision.ReasonRetired, failure.Reason())
		require.Equal(t, "Your access has ended. Please contact your administrator if you think that this is a mistake.",
			failure.Public())
		require.ErrorContains(t, err, "call Restore if the person is back")
		_, again := failure.RetryAfter()
		require.False(t, again)
	})
}

func TestTheEventsOfALeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, p, _ := readyPerson(t)
		var told []string
		tell := func(e provision.Event) {
			if e.State != provision.Started {
				told = append(told, e.Step+" "+string(e.State))
			}
			require.NotEmpty(t, e.Message)
			require.NotEqual(t, e.Step, e.Message)
		}
		err := p.RetireWithProgress(t.Context(), contractor().Key(), provision.Leaving{Delete: true}, tell)
		require.NoError(t, err)
		require.Equal(t, []string{"retire done", "token skipped", "block done", "unlicense done", "delete done",
			"purge skipped"}, told)
		told = nil
		require.NoError(t, p.RestoreWithProgress(t.Context(), contractor(), tell))
		require.Equal(t, []string{"known done", "token skipped", "restore done", "enable waiting", "enable waiting",
			"enable waiting", "enable done"}, told, "it waits for the dwell, and between the reads")
	})
}

func TestALeaveCancelsARunOfEnsureInThisProcess(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]func() provision.Store{
		"with leases":    func() provision.Store { return provision.NewMemoryStore() },
		"without leases": func() provision.Store { return unleased{provision.NewMemoryStore()} },
	} {
		for _, after := range []time.Duration{0, 500 * time.Millisecond, 5 * time.Second, 14 * time.Second} {
			t.Run(fmt.Sprintf("%s, after %v", name, after), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					dir, began := newLeavingTenant(), time.Now()
					slow := fault{before: func(context.Context) { time.Sleep(time.Second) }}
					dir.next("CreateUser", slow)
					dir.next("ChangeLicenses", slow)
					p := newProvisioner(t, leavingConfig(dir, store()))
					var all sync.WaitGroup
					all.Go(func() {
						_, err := p.Ensure(t.Context(), contractor())
						require.ErrorIs(t, err, provision.ErrRetired)
						requireOneSentinel(t, err)
					})
					synctest.Wait()
					time.Sleep(after)
					require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
					all.Wait()
					require.Len(t, dir.in("active"), 1, "a creation that has begun is let finish")
					require.False(t, dir.in("active")[0].AccountEnabled)
					require.Empty(t, dir.in("active")[0].SKUIDs)
					require.Less(t, time.Since(began), after+2*time.Second, "nobody waits for the dwell")
				})
			})
		}
	}
}

func TestALeaveWaitsForARunOfAnotherProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLeavingTenant(), provision.NewMemoryStore()
		there, here := newProvisioner(t, leavingConfig(dir, store)), newProvisioner(t, leavingConfig(dir, store))
		var all sync.WaitGroup
		all.Go(func() {
			_, err := there.Ensure(t.Context(), contractor())
			require.ErrorIs(t, err, provision.ErrRetired, "it finds out when it saves the next thing")
		})
		synctest.Wait()
		time.Sleep(time.Second)
		var waited int
		err := here.RetireWithProgress(t.Context(), contractor().Key(), provision.Leaving{}, func(e provision.Event) {
			if e.State == provision.Waiting && e.Reason == provision.ReasonBusy {
				waited++
			}
		})
		require.NoError(t, err)
		require.NotZero(t, waited)
		all.Wait()
		require.False(t, dir.in("active")[0].AccountEnabled)
		require.Equal(t, []string{"retiring", "blocked", "unlicensed"}, times(contractorsRecord(t, store)))
	})
}

func TestWhoSignsInWhileTheyAreRetiredIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, _, p, _ := readyPerson(t)
		dir.next("UpdateUser", fault{before: func(context.Context) { time.Sleep(30 * time.Second) }})
		var all sync.WaitGroup
		all.Go(func() { require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{})) })
		synctest.Wait()
		began := time.Now()
		_, err := p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrRetired)
		require.Equal(t, began, time.Now())
		all.Wait()
	})
}

func TestManyCallsOfOneLeaveAreOneRunAndOthersFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, _ := readyPerson(t)
		dir.replica = func() time.Duration { return time.Second }
		var all sync.WaitGroup
		for i := range 30 {
			all.Go(func() {
				leaving := provision.Leaving{Delete: i%2 == 0}
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), leaving))
			})
		}
		all.Wait()
		require.Equal(t, 1, dir.count("UpdateUser"))
		require.Equal(t, 1, dir.count("DeleteUser"))
		require.Equal(t, []string{"retiring", "blocked", "unlicensed", "deleted"}, times(contractorsRecord(t, store)))
	})
}

func TestWhoLeavesARetirementCancelsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, _ := readyPerson(t)
		dir.always("UpdateUser", fault{err: status(503)})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := p.Retire(ctx, contractor().Key(), provision.Leaving{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		requireStep(t, err, provision.StepBlock)
		require.Equal(t, []string{"retiring"}, times(contractorsRecord(t, store)))
		synctest.Wait()
		dir.script = map[string][]fault{}
		require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
		require.Equal(t, []string{"retiring", "blocked", "unlicensed"}, times(contractorsRecord(t, store)))
	})
}

func TestAnAccountThatNoReplicaKnowsYetIsNotBelievedGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLeavingTenant(), provision.NewMemoryStore()
		dir.next("ChangeLicenses", fault{err: status(403)})
		p := newProvisioner(t, leavingConfig(dir, store))
		_, err := p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrForbidden)
		dir.replica = func() time.Duration { return 3 * time.Minute }
		err = p.Retire(t.Context(), contractor().Key(), provision.Leaving{})
		require.ErrorIs(t, err, provision.ErrNotReady)
		require.Equal(t, []string{"retiring"}, times(contractorsRecord(t, store)))
		time.Sleep(time.Minute)
		require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
		require.False(t, dir.in("active")[0].AccountEnabled)
	})
}

// overtakenStore lets somebody else act between a person's Load and Reserve.
type overtakenStore struct {
	provision.Store
	before func()
}

func (s overtakenStore) Reserve(ctx context.Context, rec provision.Record) (provision.Record, error) {
	s.before()
	return s.Store.Reserve(ctx, rec)
}

func TestWhoWasReservedAndRetiredByAnotherProcessMeanwhileIsNotCreated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, memory := newLeavingTenant(), provision.NewMemoryStore()
		store := overtakenStore{unleased{memory}, func() {
			rec, err := memory.Reserve(t.Context(), provision.Record{Key: contractor().Key(), ImmutableID: ourID, UPN: ourUPN})
			require.NoError(t, err)
			rec.RetiringAt = time.Now().UTC()
			_, err = memory.Save(t.Context(), rec)
			require.NoError(t, err)
		}}
		_, err := newProvisioner(t, leavingConfig(dir, store)).Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrRetired)
		require.Equal(t, []string{"SKUs"}, dir.calls, "nothing is written")
	})
}

func TestAPurgeWaitsUntilTheAccountIsAmongTheDeletedUsers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, _ := readyPerson(t)
		for range 40 { // it is not active any more, and no replica lists it yet
			dir.next("FindDeletedUsers", fault{err: notFound()})
		}
		require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{Purge: true}))
		require.Len(t, dir.in("purged"), 1, "for good")
		require.NotZero(t, contractorsRecord(t, store).PurgedAt)
	})
}

func TestAnAdoptedAccountThatSomebodyDeletedIsPurgedOnlyIfToldSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLeavingTenant(), provision.NewMemoryStore()
		user := dir.had(ourID, ourUPN)
		p := newProvisioner(t, leavingConfig(dir, store))
		_, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		dir.deleteByHand(user.ObjectID)
		leaving := provision.Leaving{Purge: true}
		err = p.Retire(t.Context(), contractor().Key(), leaving)
		require.ErrorIs(t, err, provision.ErrNotOwned)
		requireStep(t, err, provision.StepPurge)
		require.Len(t, dir.in("deleted"), 1)
		leaving.DeleteAdopted = true
		require.NoError(t, p.Retire(t.Context(), contractor().Key(), leaving))
		require.Len(t, dir.in("purged"), 1)
	})
}
