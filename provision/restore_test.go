package provision_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// back requires that a person who came back is provisioned as ever: with one enabled account, a seat and the group.
func back(t *testing.T, dir *accountTenant, p *provision.Provisioner, person provision.Person) provision.Account {
	t.Helper()
	account, err := p.Ensure(t.Context(), person)
	require.NoError(t, err)
	user := dir.user(account.ObjectID)
	require.True(t, user.AccountEnabled)
	require.Equal(t, ourID, user.ImmutableID)
	require.Equal(t, account.UPN, user.UserPrincipalName)
	require.Equal(t, []string{standardSKU}, user.SKUIDs)
	require.Equal(t, []string{user.ObjectID}, dir.members[allStaff])
	return account
}

func TestWhoComesBackHasTheSameAccount(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		leaving provision.Leaving
		happens func(dir *accountTenant, objectID string)
		anew    bool // with another account
		upn     string
	}{
		"blocked":       {leaving: provision.Leaving{}},
		"with licences": {leaving: provision.Leaving{KeepLicenses: true}},
		"deleted":       {leaving: provision.Leaving{Delete: true}},
		"deleted, and somebody has the UPN": {leaving: provision.Leaving{Delete: true},
			happens: func(dir *accountTenant, _ string) { dir.had("somebody-else", ourUPN) }, upn: "contractor2@contoso.com"},
		"deleted, and two have the UPNs": {leaving: provision.Leaving{Delete: true},
			happens: func(dir *accountTenant, _ string) {
				dir.had("somebody-else", ourUPN)
				dir.had("one-more", "contractor2@contoso.com")
			}, upn: "contractor3@contoso.com"},
		"deleted, and restored by hand": {leaving: provision.Leaving{Delete: true},
			happens: func(dir *accountTenant, id string) {
				if _, err := dir.RestoreUser(t.Context(), id, ""); err != nil {
					panic(err)
				}
			}},
		"deleted, and enabled by hand": {leaving: provision.Leaving{},
			happens: func(dir *accountTenant, id string) {
				dir.changeByHand(id, func(u *provision.User) { u.AccountEnabled = true })
			}},
		"blocked, and deleted by hand": {leaving: provision.Leaving{}, happens: (*accountTenant).deleteByHand},
		"deleted, 30 days ago": {leaving: provision.Leaving{Delete: true}, happens: (*accountTenant).purgeByHand,
			anew: true},
		"purged": {leaving: provision.Leaving{Purge: true}, anew: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, p, before := readyPerson(t)
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), tc.leaving))
				time.Sleep(2 * time.Hour)
				if tc.happens != nil {
					tc.happens(dir, before.ObjectID)
				}
				require.NoError(t, p.Restore(t.Context(), contractor()))
				if tc.upn == "" {
					require.Zero(t, dir.count("RestoreUser c"), "no other UPN is asked for than the one it had")
				}
				rec := contractorsRecord(t, store)
				require.Empty(t, times(rec))
				require.Zero(t, rec.LicensedAt)
				require.Zero(t, rec.JoinedAt)
				require.Zero(t, rec.ReadyAt)
				require.Equal(t, tc.anew, rec.CreatedAt.IsZero())
				requireReleased(t, store)

				account := back(t, dir, p, contractor())
				require.Equal(t, tc.anew, account.ObjectID != before.ObjectID)
				require.Equal(t, before.ImmutableID, account.ImmutableID)
				if tc.upn == "" {
					tc.upn = before.UPN
				}
				require.Equal(t, tc.upn, account.UPN)

				calls := len(dir.calls)
				require.NoError(t, p.Restore(t.Context(), contractor()), "who did not leave is left as they are")
				require.Equal(t, calls, len(dir.calls))
				require.NotZero(t, contractorsRecord(t, store).ReadyAt)
			})
		})
	}
}

func TestAUPNThatTheHostGaveIsNotReplacedWhenSomebodyComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, before := readyPerson(t)
		require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{Delete: true}))
		owner := dir.had("somebody-else", ourUPN)
		err := p.Restore(t.Context(), withUPN())
		var clash *provision.ConflictError
		require.ErrorAs(t, err, &clash)
		requireStep(t, err, provision.StepRestore)
		require.Equal(t, provision.ConflictUPN, clash.Kind)
		require.Equal(t, owner.ObjectID, clash.Owner.ObjectID)
		require.Contains(t, times(contractorsRecord(t, store)), "retiring", "the person has still left")

		other := withUPN()
		other.UPN = "other@contoso.com"
		require.ErrorIs(t, p.Restore(t.Context(), other), provision.ErrInvalidPerson)

		require.NoError(t, p.Restore(t.Context(), provision.Person{Connection: "google", ID: "104"}),
			"the key is enough")
		require.Equal(t, before.ObjectID, dir.in("active")[0].ObjectID)
		require.Regexp(t, `^user-[0-9a-f]{10}@contoso\.com$`, contractorsRecord(t, store).UPN)
	})
}

func TestWhatIsNotThePersonsIsNotBroughtBack(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		leaving provision.Leaving
		change  func(*provision.User)
		want    error
	}{
		"another ImmutableID": {provision.Leaving{}, func(u *provision.User) { u.ImmutableID = "somebody-else" },
			provision.ErrConflict},
		"a deleted one that a sync owns": {provision.Leaving{Delete: true}, synced, provision.ErrNotOwned},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, p, account := readyPerson(t)
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
				dir.changeByHand(account.ObjectID, tc.change)
				if tc.leaving.Delete {
					dir.deleteByHand(account.ObjectID)
				}
				require.ErrorIs(t, p.Restore(t.Context(), contractor()), tc.want)
				require.Contains(t, times(contractorsRecord(t, store)), "retiring")
				require.Zero(t, dir.count("RestoreUser"))
				require.Zero(t, dir.count("UpdateUser enabled true"))
			})
		})
	}
}

func TestAPersonOfASyncWhoWasRetiredComesBackWithoutAWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, p, account := readyPerson(t)
		dir.changeByHand(account.ObjectID, synced)
		require.ErrorIs(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}), provision.ErrNotOwned)
		require.NoError(t, p.Restore(t.Context(), contractor()))
		require.Empty(t, times(contractorsRecord(t, store)))
		require.Zero(t, dir.count("UpdateUser"))
	})
}

func TestWhoWasNeverCreatedComesBackAsNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLeavingTenant(), provision.NewMemoryStore()
		dir.next("CreateUser", fault{err: status(403)})
		p := newProvisioner(t, leavingConfig(dir, store))
		_, err := p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrForbidden)
		require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
		require.NoError(t, p.Restore(t.Context(), contractor()))
		back(t, dir, p, contractor())
	})
}

func TestAVanishedAccountIsReplacedByRetireAndRestore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLeavingTenant(), provision.NewMemoryStore()
		dir.next("ChangeLicenses", fault{err: status(403)})
		p := newProvisioner(t, leavingConfig(dir, store))
		_, err := p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrForbidden)
		gone := contractorsRecord(t, store).ObjectID
		dir.deleteByHand(gone)
		dir.purgeByHand(gone)
		time.Sleep(2 * time.Hour)
		_, err = p.Ensure(t.Context(), contractor())
		require.ErrorContains(t, err, "call Retire and then Restore")
		require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{}))
		require.NoError(t, p.Restore(t.Context(), contractor()))
		dir.members[allStaff] = nil
		require.NotEqual(t, gone, back(t, dir, p, contractor()).ObjectID)
	})
}

func TestEveryCallOfAReturnSurvivesALostAnswerAndLag(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"FindUser", "FindDeletedUsers", "RestoreUser", "UpdateUser"} {
		for name, f := range lostAnswers() {
			for _, lag := range []time.Duration{0, 5 * time.Second} {
				for _, taken := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s, %s, lag %v, UPN taken %v", method, name, lag, taken), func(t *testing.T) {
						t.Parallel()
						synctest.Test(t, func(t *testing.T) {
							dir, store, p, before := readyPerson(t)
							require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{Delete: true}))
							if taken {
								dir.had("somebody-else", ourUPN)
							}
							dir.replica = func() time.Duration { return lag }
							dir.next(method, f, f)
							require.NoError(t, p.Restore(t.Context(), contractor()))
							require.Empty(t, times(contractorsRecord(t, store)))
							require.Equal(t, before.ObjectID, back(t, dir, p, contractor()).ObjectID)
						})
					})
				}
			}
		}
	}
}

func TestWhoseUPNAndReservedUPNDifferComesBackWithTheFirstOfThemThatIsFree(t *testing.T) {
	t.Parallel()
	const renamed = "renamed@contoso.com"
	for name, tc := range map[string]struct {
		taken []string
		upn   string
	}{
		"the account's is free":                        {nil, renamed},
		"the account's is taken":                       {[]string{renamed}, ourUPN},
		"the account's and the reserved one are taken": {[]string{renamed, ourUPN}, "contractor2@contoso.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLeavingTenant(), provision.NewMemoryStore()
				dir.had(ourID, renamed)
				p := newProvisioner(t, leavingConfig(dir, store))
				_, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				leaving := provision.Leaving{Delete: true, DeleteAdopted: true}
				require.NoError(t, p.Retire(t.Context(), contractor().Key(), leaving))
				for i, upn := range tc.taken {
					dir.had(fmt.Sprintf("somebody-%d", i), upn)
				}
				require.NoError(t, p.Restore(t.Context(), contractor()))
				require.Equal(t, tc.upn, back(t, dir, p, contractor()).UPN)
			})
		})
	}
}
