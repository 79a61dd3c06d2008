package provision_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func always(provision.Drift) bool { return true }

// reconcile takes one round, and returns what it reported.
func reconcile(
	t *testing.T, p *provision.Provisioner, r provision.Reconciliation,
) (drifts []provision.Drift, done provision.Reconciled) {
	t.Helper()
	r.Report = func(d provision.Drift) { drifts = append(drifts, d) }
	done, err := p.Reconcile(t.Context(), r)
	require.NoError(t, err)
	return drifts, done
}

// drifting is one way in which an account comes to differ.
type drifting struct {
	happen func(dir *changingTenant, id string)
	kind   provision.DriftKind
	want   func(rec provision.Record) string
	have   string

	// repaired checks what repairing has made of it.
	repaired func(t *testing.T, dir *changingTenant, store provision.Store, before provision.Record)
}

func drifts() map[string]drifting {
	edit := func(change func(*provision.User)) func(*changingTenant, string) {
		return func(dir *changingTenant, id string) { dir.edit(id, change) }
	}
	upn := func(rec provision.Record) string { return rec.UPN }
	immutableID := func(rec provision.Record) string { return rec.ImmutableID }
	text := func(s string) func(provision.Record) string { return func(provision.Record) string { return s } }
	asBefore := func(t *testing.T, dir *changingTenant, store provision.Store, before provision.Record) {
		user, err := dir.tenant.FindUser(t.Context(), provision.UserKey{ObjectID: before.ObjectID})
		require.NoError(t, err)
		require.Equal(t, before.ImmutableID, user.ImmutableID)
		require.Equal(t, before.UPN, user.UserPrincipalName)
		require.True(t, user.AccountEnabled)
		require.Equal(t, []string{standardSKU}, user.SKUIDs)
	}
	forgotten := func(t *testing.T, dir *changingTenant, store provision.Store, before provision.Record) {
		after := recordOf(t, store, contractor())
		require.Equal(t, provision.Record{Key: before.Key, Version: after.Version, ImmutableID: before.ImmutableID,
			UPN: before.UPN, ReservedAt: before.ReservedAt}, after)
		require.Empty(t, dir.mine(), "nothing is created by the repair")
	}
	return map[string]drifting{
		"deleted": {(*changingTenant).remove, provision.DriftDeleted, upn, "deleted", asBefore},
		"purged":  {(*changingTenant).purge, provision.DriftMissing, upn, "", forgotten},
		"disabled": {edit(func(u *provision.User) { u.AccountEnabled = false }),
			provision.DriftDisabled, text("enabled"), "disabled", asBefore},
		"another ImmutableID": {edit(func(u *provision.User) { u.ImmutableID = "another" }),
			provision.DriftImmutableID, immutableID, "another", asBefore},
		"the ImmutableID in another case": {edit(func(u *provision.User) { u.ImmutableID = strings.ToUpper(u.ImmutableID) }),
			provision.DriftImmutableID, immutableID,
			strings.ToUpper(provision.ImmutableIDFromSubject("google", "104")), asBefore},
		"no ImmutableID": {edit(func(u *provision.User) { u.ImmutableID = "" }),
			provision.DriftImmutableID, immutableID, "", asBefore},
		"another UPN": {edit(func(u *provision.User) { u.UserPrincipalName = "renamed@contoso.com" }),
			provision.DriftUPN, upn, "renamed@contoso.com",
			func(t *testing.T, dir *changingTenant, store provision.Store, before provision.Record) {
				after := recordOf(t, store, contractor())
				require.Equal(t, before.UPN, after.UPN, "it stays reserved")
				require.Equal(t, "renamed@contoso.com", after.DirectoryUPN)
				require.Zero(t, dir.count("UpdateUser"))
			}},
		"without the seat": {edit(func(u *provision.User) { u.SKUIDs = nil }),
			provision.DriftLicense, text(standardSKU), "", asBefore},
	}
}

func TestWhatDiffersIsReported(t *testing.T) {
	t.Parallel()
	for name, tc := range drifts() {
		for _, full := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, looking at everybody: %v", name, full), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					dir, store, p, rec := provisioned(t)
					found, done := reconcile(t, p, provision.Reconciliation{Full: full})
					require.Empty(t, found)
					require.Equal(t, provision.Reconciled{Looked: 1}, done)
					tc.happen(dir, rec.ObjectID)
					found, done = reconcile(t, p, provision.Reconciliation{Full: full})
					require.Len(t, found, 1)
					require.Equal(t, provision.Drift{Person: contractor().Key(), ObjectID: rec.ObjectID, Kind: tc.kind,
						Want: tc.want(rec), Have: tc.have, At: found[0].At}, found[0])
					require.False(t, found[0].At.IsZero())
					require.Equal(t, provision.Reconciled{Looked: 1, Drifts: 1}, done)

					require.Equal(t, rec, recordOf(t, store, contractor()), "nothing was changed")
					for _, method := range []string{"UpdateUser", "RestoreUser", "RevokeSessions", "CreateUser", "ChangeLicenses"} {
						require.Zero(t, dir.count(method))
					}
					require.Empty(t, dir.hurried)
				})
			})
		}
	}
}

func TestWhatDiffersIsRepaired(t *testing.T) {
	t.Parallel()
	for name, tc := range drifts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, p, rec := provisioned(t)
				reconcile(t, p, provision.Reconciliation{})
				tc.happen(dir, rec.ObjectID)
				dir.next("UpdateUser", fault{err: status(503)}, fault{err: dropped(), commit: true})
				dir.next("RestoreUser", fault{err: throttled(time.Second)}, fault{err: dropped(), commit: true})
				found, done := reconcile(t, p, provision.Reconciliation{Repair: always})
				require.Len(t, found, 1)
				require.NoError(t, found[0].Err)
				require.True(t, found[0].Repaired)
				require.Equal(t, provision.Reconciled{Looked: 1, Drifts: 1, Repaired: 1}, done)
				tc.repaired(t, dir, store, rec)
				require.Empty(t, dir.hurried)

				for range 2 {
					found, _ = reconcile(t, p, provision.Reconciliation{Repair: always, Full: true})
					require.Empty(t, found)
				}
				account, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, rec.ImmutableID, account.ImmutableID)
				require.Len(t, dir.users, 1, "there is one account, and not a second one")
				require.Equal(t, dir.users[0].ObjectID, account.ObjectID)
				require.Equal(t, dir.users[0].UserPrincipalName, account.UPN)
			})
		})
	}
}

func TestOnlyWhatThePolicyNamesIsRepaired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, rec := provisioned(t)
		dir.edit(rec.ObjectID, func(u *provision.User) {
			u.AccountEnabled, u.UserPrincipalName, u.ImmutableID, u.SKUIDs = false, "renamed@contoso.com", "another", nil
		})
		var asked []provision.DriftKind
		found, done := reconcile(t, p, provision.Reconciliation{Repair: func(d provision.Drift) bool {
			asked = append(asked, d.Kind)
			return d.Kind == provision.DriftUPN || d.Kind == provision.DriftDisabled
		}})
		kinds := []provision.DriftKind{provision.DriftImmutableID, provision.DriftUPN, provision.DriftDisabled,
			provision.DriftLicense}
		require.Equal(t, kinds, asked)
		require.Len(t, found, len(kinds))
		for i, d := range found {
			require.Equal(t, kinds[i], d.Kind)
			require.Equal(t, i == 1 || i == 2, d.Repaired)
			require.NoError(t, d.Err)
		}
		require.Equal(t, provision.Reconciled{Looked: 1, Drifts: 4, Repaired: 2}, done)
		require.Equal(t, "renamed@contoso.com", recordOf(t, store, contractor()).DirectoryUPN)
		require.True(t, dir.users[0].AccountEnabled)
		require.Equal(t, "another", dir.users[0].ImmutableID)
		require.Empty(t, dir.users[0].SKUIDs)
	})
}

func TestAUPNThatIsChangedBackIsTheReservedOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, rec := provisioned(t)
		for _, upn := range []string{"renamed@contoso.com", strings.ToUpper(rec.UPN)} {
			dir.edit(rec.ObjectID, func(u *provision.User) { u.UserPrincipalName = upn })
			_, done := reconcile(t, p, provision.Reconciliation{Repair: always, Full: true})
			require.Equal(t, 1, done.Repaired)
		}
		require.Empty(t, recordOf(t, store, contractor()).DirectoryUPN)
		require.Equal(t, rec.UPN, recordOf(t, store, contractor()).UPN)
	})
}

func TestOfPeopleWhoWereRetiredOnlyAnAccountThatCanSignInIsADrift(t *testing.T) {
	t.Parallel()
	for name, happen := range map[string]func(dir *changingTenant, id string){
		"blocked, as it should be": func(*changingTenant, string) {},
		"deleted":                  (*changingTenant).remove,
		"purged":                   (*changingTenant).purge,
		"another ImmutableID, another UPN, no seat": func(dir *changingTenant, id string) {
			dir.edit(id, func(u *provision.User) { u.ImmutableID, u.UserPrincipalName, u.SKUIDs = "x", "x@contoso.com", nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, p, rec := provisioned(t)
				rec = retired(t, store, rec)
				dir.edit(rec.ObjectID, func(u *provision.User) { u.AccountEnabled = false })
				happen(dir, rec.ObjectID)
				for _, full := range []bool{false, true, false} {
					found, _ := reconcile(t, p, provision.Reconciliation{Repair: always, Full: full})
					require.Empty(t, found)
				}
				require.Equal(t, rec, recordOf(t, store, contractor()))
			})
		})
	}
}

func TestARetiredPersonsAccountThatCanSignInIsBlockedAndItsSessionsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, rec := provisioned(t)
		rec.ReadyAt = time.Time{} // retired before being ready
		rec = retired(t, store, rec)
		dir.next("RevokeSessions", fault{err: status(500)})
		found, done := reconcile(t, p, provision.Reconciliation{Repair: always})
		require.Len(t, found, 1)
		require.Equal(t, provision.DriftEnabled, found[0].Kind)
		require.Equal(t, "disabled", found[0].Want)
		require.Equal(t, "enabled", found[0].Have)
		require.Equal(t, provision.Reconciled{Looked: 1, Drifts: 1, Repaired: 1}, done)
		require.False(t, dir.users[0].AccountEnabled)
		require.Equal(t, []string{"RevokeSessions", "UpdateUser", "RevokeSessions"}, dir.writes())
		require.Equal(t, []string{rec.ObjectID}, dir.revoked)
	})
}

func TestAnAccountIsBlockedEvenIfItsSessionsCannotBeEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, rec := provisioned(t)
		retired(t, store, rec)
		dir.always("RevokeSessions", fault{err: status(403)})
		found, done := reconcile(t, p, provision.Reconciliation{Repair: always})
		require.Equal(t, provision.Reconciled{Looked: 1, Drifts: 1, Failed: 1}, done)
		require.ErrorIs(t, found[0].Err, provision.ErrForbidden)
		require.False(t, dir.users[0].AccountEnabled)
	})
}

func TestPeopleWhoAreNotDoneAreLeftToThoseAtWork(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for name, spoil := range map[string]func(*provision.Record){
		"reserved":           func(r *provision.Record) { *r = provision.Record{Key: r.Key, Version: r.Version, UPN: r.UPN} },
		"not ready":          func(r *provision.Record) { r.ReadyAt = time.Time{} },
		"not yet blocked":    func(r *provision.Record) { r.RetiringAt = now },
		"gone for good":      func(r *provision.Record) { r.RetiringAt, r.BlockedAt, r.PurgedAt = now, now, now },
		"without an account": func(r *provision.Record) { r.ObjectID = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, p, rec := provisioned(t)
				spoil(&rec)
				rec, err := store.Save(t.Context(), rec)
				require.NoError(t, err)
				id := dir.users[0].ObjectID
				dir.edit(id, func(u *provision.User) { u.ImmutableID = "another" })
				for _, full := range []bool{true, false} {
					dir.edit(id, func(u *provision.User) { u.UserPrincipalName = fmt.Sprint(full, "@contoso.com") })
					found, done := reconcile(t, p, provision.Reconciliation{Repair: always, Full: full})
					require.Empty(t, found)
					require.Zero(t, done)
				}
				require.Zero(t, dir.count("FindUser"))
				require.Equal(t, rec, recordOf(t, store, contractor()))
			})
		})
	}
}

func TestAccountsOfOthersAreNeitherReadNorTouched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, _, p, _ := provisioned(t)
		reconcile(t, p, provision.Reconciliation{})
		dir.calls = nil
		for i := range 5 {
			u := dir.has(fmt.Sprint("somebody-", i), fmt.Sprintf("somebody%d@contoso.com", i))
			dir.edit(u.ObjectID, func(u *provision.User) { u.AccountEnabled = false })
		}
		dir.remove(dir.users[3].ObjectID)
		dir.purge(dir.users[4].ObjectID)
		found, done := reconcile(t, p, provision.Reconciliation{Repair: always})
		require.Empty(t, found)
		require.Zero(t, done)
		require.Equal(t, []string{"UserChanges 2"}, dir.calls)
	})
}

func TestAfterTheFirstTimeOnlyThoseWhoChangedAreLookedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, _ := provisioned(t)
		rec := ensured(t, dir, store, p, partner())
		_, done := reconcile(t, p, provision.Reconciliation{})
		require.Equal(t, 2, done.Looked)
		_, done = reconcile(t, p, provision.Reconciliation{})
		require.Equal(t, 0, done.Looked)
		for range 3 { // on the list three times
			dir.edit(rec.ObjectID, func(u *provision.User) { u.DisplayName += "x" })
		}
		for range 2 { // once more in the next round
			_, done = reconcile(t, p, provision.Reconciliation{})
			require.Equal(t, 1, done.Looked)
		}
		_, done = reconcile(t, p, provision.Reconciliation{})
		require.Equal(t, 0, done.Looked)
		_, done = reconcile(t, p, provision.Reconciliation{Full: true})
		require.Equal(t, 2, done.Looked)
	})
}

// The list of changes is ahead of all replicas that are read: in the next round they know.
func TestAChangeThatNoReplicaShowsYetIsFoundTheNextTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, _, p, rec := provisioned(t)
		reconcile(t, p, provision.Reconciliation{})
		dir.edit(rec.ObjectID, func(u *provision.User) { u.DisplayName += "x" }) // it is told
		found, _ := reconcile(t, p, provision.Reconciliation{})
		require.Empty(t, found)
		for _, u := range dir.users { // and then it shows
			u.AccountEnabled = false
		}
		found, _ = reconcile(t, p, provision.Reconciliation{Repair: always})
		require.Len(t, found, 1)
		require.Equal(t, provision.DriftDisabled, found[0].Kind)
	})
}

func TestWhenTheListOfChangesDoesNotReachBackEverybodyIsLookedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, rec := provisioned(t)
		ensured(t, dir, store, p, partner())
		reconcile(t, p, provision.Reconciliation{})
		dir.edit(rec.ObjectID, func(u *provision.User) { u.AccountEnabled = false })
		dir.oldest = len(dir.log)
		found, done := reconcile(t, p, provision.Reconciliation{})
		require.Len(t, found, 1)
		require.Equal(t, 2, done.Looked)
		_, done = reconcile(t, p, provision.Reconciliation{})
		require.Equal(t, 0, done.Looked)
	})
}

func TestWhatHappensDuringAWalkIsFoundTheNextTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, rec := provisioned(t)
		ensured(t, dir, store, p, partner()) // linkedin comes after google
		dir.next("FindUser", fault{}, fault{before: func(context.Context) {
			dir.edit(rec.ObjectID, func(u *provision.User) { u.AccountEnabled = false }) // was looked at already
		}})
		found, _ := reconcile(t, p, provision.Reconciliation{})
		require.Empty(t, found)
		found, _ = reconcile(t, p, provision.Reconciliation{})
		require.Len(t, found, 1)
		require.Equal(t, provision.DriftDisabled, found[0].Kind)
	})
}

func TestALaggingReplicaIsNotADrift(t *testing.T) {
	t.Parallel()
	for name, lag := range map[string]func(dir *changingTenant, id string){
		"404 once":             func(dir *changingTenant, id string) { dir.users404[id] = 1 },
		"404 for some seconds": func(dir *changingTenant, id string) { dir.users404[id] = 3 },
		"an old state": func(dir *changingTenant, id string) {
			dir.stale[id] = []provision.User{{ObjectID: id}, {ObjectID: id}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, p, rec := provisioned(t)
				lag(dir, rec.ObjectID)
				found, done := reconcile(t, p, provision.Reconciliation{Repair: always})
				require.Empty(t, found)
				require.Equal(t, provision.Reconciled{Looked: 1}, done)
				require.Equal(t, rec, recordOf(t, store, contractor()))
			})
		})
	}
}

func TestAListOfChangesThatIsAheadOfTheReplicasIsBelieved(t *testing.T) {
	t.Parallel()
	for reads := 1; reads <= 2; reads++ {
		t.Run(fmt.Sprintf("%d old answers", reads), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, _, p, rec := provisioned(t)
				reconcile(t, p, provision.Reconciliation{})
				for range reads {
					dir.stale[rec.ObjectID] = append(dir.stale[rec.ObjectID], dir.users[0].User)
				}
				dir.edit(rec.ObjectID, func(u *provision.User) { u.AccountEnabled = false })
				found, done := reconcile(t, p, provision.Reconciliation{})
				require.Len(t, found, 1)
				require.Equal(t, 1, done.Looked)
			})
		})
	}
}

func TestADeletionOnTheListIsNotMistakenForMoreWhileTheDeletedUsersLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, rec := provisioned(t)
		reconcile(t, p, provision.Reconciliation{})
		dir.remove(rec.ObjectID)
		dir.gone = nil // not there yet
		found, done := reconcile(t, p, provision.Reconciliation{Repair: always})
		require.Len(t, found, 1)
		require.Equal(t, provision.DriftDeleted, found[0].Kind)
		require.ErrorIs(t, found[0].Err, provision.ErrNotReady)
		require.Equal(t, provision.Reconciled{Looked: 1, Drifts: 1, Failed: 1}, done)
		require.Equal(t, rec, recordOf(t, store, contractor()), "the account is not forgotten")
	})
}

func TestADirectoryWithoutDeletedUsersForgetsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, _, rec := provisioned(t)
		dir.purge(rec.ObjectID)
		bare := struct {
			provision.Directory
			provision.UserLists
		}{dir, dir}
		p := newProvisioner(t, config(bare, store))
		found, done := reconcile(t, p, provision.Reconciliation{Repair: always})
		require.Len(t, found, 1)
		require.Equal(t, provision.DriftMissing, found[0].Kind)
		require.ErrorIs(t, found[0].Err, errors.ErrUnsupported)
		require.Equal(t, 1, done.Failed)
		require.Equal(t, rec, recordOf(t, store, contractor()))
	})
}

func TestReconcilingNeedsAnIndexCursorsAndLists(t *testing.T) {
	t.Parallel()
	bare := struct{ provision.Store }{provision.NewMemoryStore()}
	_, err := newProvisioner(t, config(newTenant(), bare)).Reconcile(t.Context(), provision.Reconciliation{})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	for _, want := range []string{"Index", "Cursors", "UserLists"} {
		require.ErrorContains(t, err, want)
	}
}

func TestARepairThatFailsDoesNotEndTheRoundAndIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault fault
		is    error
	}{
		"forbidden": {fault{err: status(403)}, provision.ErrForbidden},
		"refused":   {fault{err: badRequest("Unable to update the specified properties")}, nil},
		"failing":   {fault{err: status(503)}, provision.ErrUnavailable},
		"throttled": {fault{err: throttled(time.Hour)}, provision.ErrThrottled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, p, one := provisioned(t)
				two := ensured(t, dir, store, p, partner())
				reconcile(t, p, provision.Reconciliation{})
				for _, rec := range []provision.Record{one, two} {
					dir.edit(rec.ObjectID, func(u *provision.User) { u.AccountEnabled = false })
				}
				dir.always("UpdateUser", tc.fault)
				var failed []string
				done, err := p.Reconcile(t.Context(), provision.Reconciliation{Repair: func(d provision.Drift) bool {
					if d.ObjectID == two.ObjectID {
						dir.script = map[string][]fault{}
					}
					return true
				}, Report: func(d provision.Drift) {
					if d.Err != nil {
						failed = append(failed, d.ObjectID)
						var failure *provision.Error
						require.ErrorAs(t, d.Err, &failure)
						require.Equal(t, contractor().Key(), failure.Person)
						require.Equal(t, provision.StepReconcile, failure.Step)
						if tc.is != nil {
							require.ErrorIs(t, d.Err, tc.is)
						}
					}
				}})
				if name != "throttled" { // which everybody is
					require.NoError(t, err)
					require.Equal(t, provision.Reconciled{Looked: 2, Drifts: 2, Repaired: 1, Failed: 1}, done)
				}
				require.Equal(t, []string{one.ObjectID}, failed)
				dir.script = map[string][]fault{}
				time.Sleep(2 * time.Hour)
				again, _ := reconcile(t, p, provision.Reconciliation{Repair: always})
				require.NotEmpty(t, again)
				require.Equal(t, one.ObjectID, again[0].ObjectID)
				require.True(t, again[0].Repaired)
				again, _ = reconcile(t, p, provision.Reconciliation{Repair: always})
				require.Empty(t, again)
			})
		})
	}
}

func TestAnAccountThatASyncOwnsIsNotChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, _, p, rec := provisioned(t)
		dir.edit(rec.ObjectID, func(u *provision.User) {
			u.ImmutableID, u.AccountEnabled, u.DirectorySynced = "x", false, true
		})
		found, done := reconcile(t, p, provision.Reconciliation{Repair: always})
		require.Equal(t, provision.Reconciled{Looked: 1, Drifts: 2, Failed: 2}, done)
		for _, d := range found {
			require.ErrorContains(t, d.Err, "a directory sync owns the account")
		}
		require.Zero(t, dir.count("UpdateUser"))
	})
}

func TestOneAccountThatCannotBeReadDoesNotEndTheRound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, _ := provisioned(t)
		ensured(t, dir, store, p, partner())
		dir.next("FindUser", fault{err: badRequest("Invalid object identifier")})
		found, done := reconcile(t, p, provision.Reconciliation{})
		require.Empty(t, found)
		require.Equal(t, provision.Reconciled{Looked: 2, Unread: 1}, done)
		_, done = reconcile(t, p, provision.Reconciliation{})
		require.Equal(t, provision.Reconciled{Looked: 1}, done, "that one is looked at again")
		_, done = reconcile(t, p, provision.Reconciliation{})
		require.Zero(t, done)
	})
}

func TestWhoFailedIsRememberedAlsoIfTheNextRoundIsStoppedBeforeThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, one := provisioned(t)
		two := ensured(t, dir, store, p, partner())
		dir.next("FindUser", fault{err: badRequest("Invalid object identifier")},
			fault{err: badRequest("Invalid object identifier")})
		_, done := reconcile(t, p, provision.Reconciliation{})
		require.Equal(t, provision.Reconciled{Looked: 2, Unread: 2}, done)
		for _, faults := range [][]fault{
			{{err: status(401)}}, {{}, {err: status(401)}}, // before the first one, and before the second
		} {
			dir.next("FindUser", faults...)
			_, err := p.Reconcile(t.Context(), provision.Reconciliation{})
			require.ErrorIs(t, err, provision.ErrUnauthorized)
		}
		dir.calls = nil
		dir.edit(one.ObjectID, func(u *provision.User) { u.AccountEnabled = false })
		dir.edit(two.ObjectID, func(u *provision.User) { u.AccountEnabled = false })
		dir.page = 1 // what is found again is on the list as well
		found, _ := reconcile(t, p, provision.Reconciliation{})
		require.Equal(t, two.ObjectID, found[0].ObjectID, "the first one was read meanwhile")
	})
}

func TestNotMoreThanAThousandAreRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, _, p := many(t, 1010)
		dir.chaos = func(method string) fault {
			if method == "FindUser" {
				return fault{err: badRequest("Invalid object identifier")}
			}
			return fault{}
		}
		_, done := reconcile(t, p, provision.Reconciliation{})
		require.Equal(t, provision.Reconciled{Looked: 1010, Unread: 1010}, done)
		dir.chaos = nil
		_, done = reconcile(t, p, provision.Reconciliation{})
		require.Equal(t, provision.Reconciled{Looked: 1000}, done)
	})
}

func TestADirectoryThatFailsEndsTheRoundWhichGoesOnTheNextTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want error
	}{
		"unavailable":  {status(503), provision.ErrUnavailable},
		"throttled":    {throttled(time.Hour), provision.ErrThrottled},
		"unauthorized": {status(401), provision.ErrUnauthorized},
		"forbidden":    {status(403), provision.ErrForbidden},
	} {
		for _, method := range []string{"FindUser", "UserChanges"} {
			t.Run(name+", "+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					dir, store, p, one := provisioned(t)
					two := ensured(t, dir, store, p, partner())
					reconcile(t, p, provision.Reconciliation{})
					for _, rec := range []provision.Record{one, two} {
						dir.edit(rec.ObjectID, func(u *provision.User) { u.AccountEnabled = false })
					}
					dir.always(method, fault{err: tc.err})
					done, err := p.Reconcile(t.Context(), provision.Reconciliation{})
					require.ErrorIs(t, err, tc.want)
					require.ErrorContains(t, err, "provision: reconciling: ")
					require.Zero(t, done.Drifts)
					dir.script = map[string][]fault{}
					time.Sleep(2 * time.Hour)
					found, _ := reconcile(t, p, provision.Reconciliation{})
					require.Len(t, found, 2)
				})
			})
		}
	}
}

// many provisions so many people that a walk takes several pages.
func many(t *testing.T, n int) (*changingTenant, *provision.MemoryStore, *provision.Provisioner) {
	t.Helper()
	dir, store := newChangingTenant(), provision.NewMemoryStore()
	now := time.Now().UTC().Truncate(time.Microsecond)
	for i := range n {
		rec := record(fmt.Sprintf("%04d", i), fmt.Sprint("id-", i), fmt.Sprintf("user%d@contoso.com", i))
		rec.ObjectID = dir.has(rec.ImmutableID, rec.UPN).ObjectID
		rec.CreatedAt, rec.ReadyAt = now, now
		reserve(t, store, rec)
	}
	return dir, store, newProvisioner(t, config(dir, store))
}

func TestARoundThatIsStoppedGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	for name, full := range map[string]bool{"a walk": true, "changes": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const people = 250
				dir, _, p := many(t, people)
				dir.page = 40
				if !full {
					reconcile(t, p, provision.Reconciliation{})
				}
				for _, u := range dir.users {
					dir.edit(u.ObjectID, func(u *provision.User) { u.AccountEnabled = false })
				}
				seen := map[string]int{}
				ctx, cancel := context.WithCancel(t.Context())
				done, err := p.Reconcile(ctx, provision.Reconciliation{Report: func(d provision.Drift) {
					if seen[d.ObjectID]++; len(seen) == 137 {
						cancel()
					}
				}})
				require.ErrorIs(t, err, context.Canceled)
				require.Equal(t, provision.Reconciled{Looked: 137, Drifts: 137}, done)
				_, err = p.Reconcile(t.Context(), provision.Reconciliation{
					Report: func(d provision.Drift) { seen[d.ObjectID]++ },
				})
				require.NoError(t, err)
				require.Len(t, seen, people)
				for _, times := range seen {
					if full {
						require.Equal(t, 1, times, "a walk goes on with the next person")
					}
					require.LessOrEqual(t, times, 2, "changes go on with the page")
				}
				if !full {
					_, done = reconcile(t, p, provision.Reconciliation{})
					require.Equal(t, people, done.Looked, "once more")
				}
				before := len(dir.calls)
				_, done = reconcile(t, p, provision.Reconciliation{})
				if !full {
					require.Zero(t, done)
					require.Len(t, dir.calls, before+1)
				}
			})
		})
	}
}

func TestTheStoreIsWalkedInPagesInTheOrderOfItsKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, _, p := many(t, 201)
		for _, u := range dir.users {
			u.AccountEnabled = false
		}
		found, done := reconcile(t, p, provision.Reconciliation{})
		require.Equal(t, provision.Reconciled{Looked: 201, Drifts: 201}, done)
		for i, d := range found {
			require.Equal(t, fmt.Sprintf("%04d", i), d.Person.ID)
		}
	})
}

// While somebody's account is repaired, who was ready signs in as before, and who was not waits.
func TestASignInDuringARepair(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		forget bool // that the person was ready
		waits  time.Duration
	}{"of somebody who was ready": {false, 0}, "of somebody who was not": {true, 30 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, p, rec := provisioned(t)
				dir.edit(rec.ObjectID, func(u *provision.User) { u.AccountEnabled = false })
				dir.next("UpdateUser", fault{before: func(context.Context) {
					if tc.forget {
						rec.ReadyAt = time.Time{}
						_, err := store.Save(t.Context(), rec)
						require.NoError(t, err)
					}
					time.Sleep(time.Minute)
				}})
				var all sync.WaitGroup
				all.Go(func() {
					found, _ := reconcile(t, p, provision.Reconciliation{Repair: always})
					require.Len(t, found, 1)
					require.NoError(t, found[0].Err)
				})
				time.Sleep(30 * time.Second)
				began := time.Now()
				account, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, rec.ObjectID, account.ObjectID)
				require.GreaterOrEqual(t, time.Since(began), tc.waits)
				require.LessOrEqual(t, time.Since(began), 2*tc.waits)
				all.Wait()
			})
		})
	}
}

// A repair that waits is given up in favour of a leave; a write that has begun is let finish, and then undone.
func TestALeaveDuringARepair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, _, p, rec := provisioned(t)
		dir.edit(rec.ObjectID, func(u *provision.User) { u.AccountEnabled = false })
		dir.next("UpdateUser", fault{before: func(context.Context) { time.Sleep(10 * time.Second) }, err: status(503)},
			fault{err: throttled(time.Minute)})
		var all sync.WaitGroup
		all.Go(func() {
			_, err := p.Reconcile(t.Context(), provision.Reconciliation{Repair: always})
			require.NoError(t, err)
		})
		time.Sleep(5 * time.Second)
		require.NoError(t, p.Retire(t.Context(), rec.Key, provision.Leaving{}))
		all.Wait()
		user, err := dir.FindUser(t.Context(), provision.UserKey{ObjectID: rec.ObjectID})
		require.NoError(t, err)
		require.False(t, user.AccountEnabled)
		found, _ := reconcile(t, p, provision.Reconciliation{Full: true})
		require.Empty(t, found)
	})
}

func TestAnEnsureUnderWayIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, rec := provisioned(t)
		dir.edit(rec.ObjectID, func(u *provision.User) { u.AccountEnabled = false })
		lease, err := store.Acquire(t.Context(), rec.Key, time.Minute)
		require.NoError(t, err)
		go func() {
			time.Sleep(20 * time.Second)
			dir.edit(rec.ObjectID, func(u *provision.User) { u.AccountEnabled = true }) // by whoever has the lease
			require.NoError(t, store.Release(context.Background(), lease))
		}()
		found, done := reconcile(t, p, provision.Reconciliation{Repair: always})
		require.Empty(t, found, "what the other one put right is no drift")
		require.Equal(t, provision.Reconciled{Looked: 1}, done)
		_, err = store.Acquire(t.Context(), rec.Key, time.Minute)
		require.NoError(t, err, "the lease was released")
	})
}

func TestALeaseThatIsHeldForLongIsLookedAtTheNextTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, rec := provisioned(t)
		two := ensured(t, dir, store, p, partner())
		for _, rec := range []provision.Record{rec, two} {
			dir.edit(rec.ObjectID, func(u *provision.User) { u.AccountEnabled = false })
		}
		_, err := store.Acquire(t.Context(), rec.Key, time.Hour)
		require.NoError(t, err)
		found, done := reconcile(t, p, provision.Reconciliation{})
		require.Len(t, found, 2, "for a report the lease is not needed")
		require.Equal(t, 2, done.Looked)

		found, done = reconcile(t, p, provision.Reconciliation{Repair: always, Full: true})
		require.Equal(t, provision.Reconciled{Looked: 2, Drifts: 1, Repaired: 1, Unread: 1}, done)
		require.Equal(t, two.ObjectID, found[0].ObjectID)
		time.Sleep(time.Hour)
		found, _ = reconcile(t, p, provision.Reconciliation{Repair: always})
		require.Len(t, found, 1)
		require.Equal(t, rec.ObjectID, found[0].ObjectID)
		require.True(t, found[0].Repaired)
	})
}

func TestSomebodyWhoIsRetiredMeanwhileIsNotADrift(t *testing.T) {
	t.Parallel()
	for _, repair := range []func(provision.Drift) bool{nil, always} {
		t.Run(fmt.Sprintf("repairing: %v", repair != nil), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, p, rec := provisioned(t)
				dir.next("FindUser", fault{before: func(context.Context) {
					retired(t, store, rec)
					dir.edit(rec.ObjectID, func(u *provision.User) { u.AccountEnabled = false })
				}})
				found, _ := reconcile(t, p, provision.Reconciliation{Repair: repair})
				require.Empty(t, found)
				require.False(t, dir.users[0].AccountEnabled)
			})
		})
	}
}

func TestAfterARepairTheReportMayEnsureThePerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, _, p, rec := provisioned(t)
		dir.purge(rec.ObjectID)
		began := time.Now()
		_, err := p.Reconcile(t.Context(), provision.Reconciliation{Repair: always, Report: func(d provision.Drift) {
			account, err := p.Ensure(t.Context(), contractor())
			require.NoError(t, err)
			require.NotEqual(t, rec.ObjectID, account.ObjectID+"x")
			require.Equal(t, rec.ImmutableID, account.ImmutableID)
			require.Equal(t, rec.UPN, account.UPN)
		}})
		require.NoError(t, err)
		require.Less(t, time.Since(began), time.Minute, "it did not wait for a lease")
		require.Len(t, dir.users, 1)
	})
}

func TestLicencesThatAreThereOrNot(t *testing.T) {
	t.Parallel()
	const group = "11111111-0000-4000-8000-000000000001"
	active := func(sku, group string) provision.AssignedLicense {
		return provision.AssignedLicense{SKUID: sku, GroupID: group, State: "Active", Error: "None"}
	}
	has := func(licenses ...provision.AssignedLicense) provision.User { return provision.User{Licenses: licenses} }
	failing := provision.AssignedLicense{SKUID: basicSKU, GroupID: group, State: "Error", Error: "CountViolation"}
	for name, tc := range map[string]struct {
		given      string
		user       provision.User
		want, have string
	}{
		"nothing was given":        {"", provision.User{}, "", ""},
		"given directly":           {standardSKU, has(active(standardSKU, "")), "", ""},
		"the directory's own case": {standardSKU, provision.User{SKUIDs: []string{strings.ToUpper(standardSKU)}}, "", ""},
		"without states":           {standardSKU, provision.User{SKUIDs: []string{standardSKU}}, "", ""},
		"another one without states": {standardSKU + " " + basicSKU, provision.User{SKUIDs: []string{standardSKU}},
			basicSKU, ""},
		"taken away": {standardSKU, provision.User{}, standardSKU, ""},
		"from a group in place of directly": {standardSKU,
			has(active(standardSKU, group)), "", ""},
		"with an error, and yet active": {standardSKU, has(
			provision.AssignedLicense{SKUID: standardSKU, State: "ActiveWithError", Error: "Other"}), "", ""},
		"disabled": {standardSKU, has(
			provision.AssignedLicense{SKUID: standardSKU, State: "Disabled"}), standardSKU, standardSKU + ": Disabled"},
		"failing from a group, and working directly": {basicSKU, has(failing, active(basicSKU, "")), "", ""},
		"by a group":            {"group:" + group, has(active(basicSKU, group)), "", ""},
		"no more by the group":  {"group:" + group, has(active(basicSKU, "")), "group:" + group, ""},
		"nothing from anywhere": {"group:" + group, provision.User{}, "group:" + group, ""},
		"a group, without states": {"group:" + group, provision.User{SKUIDs: []string{basicSKU}},
			"", ""},
		"a group that cannot": {standardSKU + " group:" + group,
			has(active(standardSKU, ""), failing), "group:" + group, "group:" + group + ": Error CountViolation"},
		"one of a group's that cannot": {"group:" + group, has(active(standardSKU, group), failing),
			"group:" + group, "group:" + group + ": Error CountViolation"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, p, rec := provisioned(t)
				rec.Licenses = tc.given
				_, err := store.Save(t.Context(), rec)
				require.NoError(t, err)
				dir.edit(rec.ObjectID, func(u *provision.User) { u.Licenses, u.SKUIDs = tc.user.Licenses, tc.user.SKUIDs })
				found, _ := reconcile(t, p, provision.Reconciliation{})
				if tc.want == "" {
					require.Empty(t, found)
					return
				}
				require.Len(t, found, 1)
				require.Equal(t, provision.DriftLicense, found[0].Kind)
				require.Equal(t, tc.want, found[0].Want)
				require.Equal(t, tc.have, found[0].Have)
			})
		})
	}
}

func TestALicenceThatCannotBeGivenAgainKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(dir *changingTenant){
		"no seat is left":      func(dir *changingTenant) { dir.skus[0].Enabled, dir.skus[0].Consumed = 1, 1 },
		"the directory fails":  func(dir *changingTenant) { dir.always("ChangeLicenses", fault{err: status(503)}) },
		"no such subscription": func(dir *changingTenant) { dir.skus = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, _, rec := provisioned(t)
				dir.edit(rec.ObjectID, func(u *provision.User) { u.SKUIDs = nil })
				spoil(dir)
				p := newProvisioner(t, licensed(config(dir, store), standardSKU)) // which has not read the subscriptions
				found, done := reconcile(t, p, provision.Reconciliation{Repair: always})
				require.Equal(t, provision.Reconciled{Looked: 1, Drifts: 1, Failed: 1}, done)
				require.Error(t, found[0].Err)
				require.Equal(t, rec, recordOf(t, store, contractor()))
				_, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
			})
		})
	}
}

func TestRulesThatGiveNoLicenceAnyMoreRepairNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, _, rec := provisioned(t)
		dir.edit(rec.ObjectID, func(u *provision.User) { u.SKUIDs = nil })
		found, _ := reconcile(t, newProvisioner(t, config(dir, store)), provision.Reconciliation{Repair: always})
		require.Len(t, found, 1)
		require.ErrorContains(t, found[0].Err, "the rules give no licence any more")
		require.Equal(t, rec, recordOf(t, store, contractor()))
	})
}

func TestPositionsThatCannotBeReadBeginAnew(t *testing.T) {
	t.Parallel()
	for name, cursor := range map[string]struct{ name, text string }{
		"a walk":             {"users/full", "{"},
		"a walk from never":  {"users/full", "{}"},
		"whom to look at":    {"users/again", "{"},
		"changes from never": {"users/delta", "yesterday"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, store, p, _ := provisioned(t)
				require.NoError(t, store.SaveCursor(t.Context(), cursor.name, cursor.text))
				_, done := reconcile(t, p, provision.Reconciliation{})
				require.Equal(t, provision.Reconciled{Looked: 1}, done)
				_, done = reconcile(t, p, provision.Reconciliation{})
				require.Zero(t, done)
			})
		})
	}
}

// crookedLists are lists of changes that lead nowhere.
type crookedLists struct {
	*changingTenant
	page provision.ChangePage
}

func (d crookedLists) UserChanges(context.Context, string) (provision.ChangePage, error) {
	return d.page, nil
}

func TestAListOfChangesThatLeadsNowhereIsAnError(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		page provision.ChangePage
		want string
	}{
		"no next round": {provision.ChangePage{}, "does not say where the next round begins"},
		"a circle":      {provision.ChangePage{Next: "x"}, "leads to itself"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, store := newChangingTenant(), provision.NewMemoryStore()
			p := newProvisioner(t, config(crookedLists{dir, tc.page}, store))
			_, err := p.Reconcile(t.Context(), provision.Reconciliation{})
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestAStoreThatFailsEndsTheRound(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"Load", "LoadByObjectID", "List", "LoadCursor", "SaveCursor", "Save", "Acquire"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, p, rec := provisioned(t)
				if method == "LoadByObjectID" {
					reconcile(t, p, provision.Reconciliation{})
				}
				dir.edit(rec.ObjectID, func(u *provision.User) { u.UserPrincipalName = "renamed@contoso.com" })
				failing := &failingStore{MemoryStore: store, method: method}
				p = newProvisioner(t, config(dir, failing))
				var drift provision.Drift
				done, err := p.Reconcile(t.Context(), provision.Reconciliation{Repair: always,
					Report: func(d provision.Drift) { drift = d }})
				if method == "Save" { // which is the repair's
					require.NoError(t, err)
					require.ErrorIs(t, drift.Err, errDisk)
					require.Equal(t, 1, done.Failed)
				} else {
					require.ErrorIs(t, err, errDisk)
				}
				failing.method = ""
				found, _ := reconcile(t, p, provision.Reconciliation{Repair: always})
				if method != "SaveCursor" { // it was repaired, and only not noted
					require.Len(t, found, 1)
				}
				require.Equal(t, "renamed@contoso.com", recordOf(t, store, contractor()).DirectoryUPN)
			})
		})
	}
}

// failingStore fails in one method.
type failingStore struct {
	*provision.MemoryStore
	method string
}

func (s *failingStore) fail(method string) error {
	if s.method == method {
		return errDisk
	}
	return nil
}

func (s *failingStore) Load(ctx context.Context, key provision.PersonKey) (provision.Record, error) {
	rec, err := s.MemoryStore.Load(ctx, key)
	return rec, errors.Join(err, s.fail("Load"))
}

func (s *failingStore) Save(ctx context.Context, rec provision.Record) (provision.Record, error) {
	if err := s.fail("Save"); err != nil {
		return provision.Record{}, err
	}
	return s.MemoryStore.Save(ctx, rec)
}

func (s *failingStore) LoadByObjectID(ctx context.Context, id string) (provision.Record, error) {
	rec, err := s.MemoryStore.LoadByObjectID(ctx, id)
	return rec, errors.Join(err, s.fail("LoadByObjectID"))
}

func (s *failingStore) List(ctx context.Context, after provision.PersonKey, n int) ([]provision.Record, error) {
	records, err := s.MemoryStore.List(ctx, after, n)
	return records, errors.Join(err, s.fail("List"))
}

func (s *failingStore) LoadCursor(ctx context.Context, name string) (string, error) {
	value, err := s.MemoryStore.LoadCursor(ctx, name)
	return value, errors.Join(err, s.fail("LoadCursor"))
}

func (s *failingStore) SaveCursor(ctx context.Context, name, value string) error {
	if err := s.fail("SaveCursor"); err != nil {
		return err
	}
	return s.MemoryStore.SaveCursor(ctx, name, value)
}

func (s *failingStore) Acquire(
	ctx context.Context, key provision.PersonKey, ttl time.Duration,
) (provision.Lease, error) {
	if err := s.fail("Acquire"); err != nil {
		return provision.Lease{}, err
	}
	return s.MemoryStore.Acquire(ctx, key, ttl)
}

func TestAReconciliationIsLoggedWithoutSecrets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, _, rec := provisioned(t)
		var log strings.Builder
		c := config(dir, store)
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		p := newProvisioner(t, c)
		dir.edit(rec.ObjectID, func(u *provision.User) { u.AccountEnabled = false })
		reconcile(t, p, provision.Reconciliation{})
		require.Contains(t, log.String(), "level=WARN msg=drift kind=disabled connection=google person=104")
		reconcile(t, p, provision.Reconciliation{Repair: always, Full: true})
		require.Contains(t, log.String(), "level=INFO msg=drift kind=disabled")
		require.Contains(t, log.String(), "msg=reconciled looked=1 drifts=1 repaired=1 failed=0 unread=0")
		for _, password := range dir.passwords {
			require.NotContains(t, log.String(), password)
		}
	})
}
