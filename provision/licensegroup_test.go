package provision_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestALicenceByGroupIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, delay := range map[string]time.Duration{"at once": 0, "in seconds": 5 * time.Second, "in a minute": time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLicenseTenant(), provision.NewMemoryStore()
				dir.delay = delay
				account, err := newProvisioner(t, licensedBy(dir, store, byGroup("staff"))).Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, []string{standardSKU, enterpriseSKU}, oneAccount(t, dir.tenant, account).SKUIDs)
				require.Equal(t, []string{account.ObjectID}, dir.members[staffGroup])
				require.Equal(t, "group:"+staffGroup, given(t, store, contractor()))
				require.Equal(t, 0, dir.count("ChangeLicenses"))
				require.Equal(t, 1, dir.count("FindGroup"))
				require.LessOrEqual(t, dir.count("FindUser by object ID"), 12, "looks are spaced")
			})
		})
	}
}

func TestSeatsAndGroupsTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		p := newProvisioner(t, licensedBy(dir, store, byGroup("partners"), seat(enterpriseSKU)))
		account, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.ElementsMatch(t, []string{basicSKU, enterpriseSKU}, oneAccount(t, dir.tenant, account).SKUIDs)
		require.ElementsMatch(t, []string{enterpriseSKU, "group:" + partnersGroup}, fieldsOf(given(t, store, contractor())))
	})
}

func TestAGroupThatIsFullIsLeftForTheNextAlternative(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		dir.next("AddMembers", fault{before: func(context.Context) { dir.seats(enterpriseSKU, 0) }}) // the race is lost
		account, err := newProvisioner(t, licensedBy(dir, store, byGroup("staff", byGroup("partners")))).
			Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, []string{basicSKU}, oneAccount(t, dir.tenant, account).SKUIDs)
		require.Empty(t, dir.members[staffGroup])
		require.Equal(t, []string{account.ObjectID}, dir.members[partnersGroup])
		require.Equal(t, "group:"+partnersGroup, given(t, store, contractor()))
	})
}

func TestAGroupThatIsFullAndTheLastAlternative(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		dir.next("AddMembers", fault{before: func(context.Context) { dir.seats(enterpriseSKU, 0) }})
		p := newProvisioner(t, licensedBy(dir, store, byGroup("staff")))
		_, err := p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrNoLicense)
		var refusal *provision.LicenseError
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, "staff", refusal.License)
		require.ErrorContains(t, err, "the group could not give ENTERPRISEPACK: no seat is left; buy or free seats")
		require.ErrorContains(t, err, "group "+staffGroup+" is in state Error, CountViolation")
		require.Empty(t, dir.members[staffGroup], "it is left again")
		require.Empty(t, given(t, store, contractor()))

		time.Sleep(time.Minute)
		dir.seats(enterpriseSKU, 1)
		_, err = p.Ensure(t.Context(), contractor())
		require.NoError(t, err, "the run continues once there is a seat")
		require.Equal(t, "group:"+staffGroup, given(t, store, contractor()))
	})
}

func TestWhatAGroupCannotGiveIsExplained(t *testing.T) {
	t.Parallel()
	for violation, says := range map[string]string{
		"MutuallyExclusiveViolation":         "exclude services that the account has; take the other licence",
		"DependencyViolation":                "assign the licence that has it to the same group",
		"ProhibitedInUsageLocationViolation": "correct the account's usage location",
		"UniquenessViolation":                "remove the duplicate from proxyAddresses",
		"Other":                              "look at the group's licensing errors",
	} {
		t.Run(violation, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLicenseTenant(), provision.NewMemoryStore()
				dir.forced[staffGroup] = violation
				p := newProvisioner(t, licensedBy(dir, store, byGroup("staff", byGroup("partners"))))
				_, err := p.Ensure(t.Context(), contractor())
				var refusal *provision.LicenseError
				require.ErrorAs(t, err, &refusal)
				require.True(t, refusal.Unsuitable)
				require.NotErrorIs(t, err, provision.ErrNoLicense)
				require.ErrorContains(t, err, says)
				require.ErrorContains(t, err, violation)
				require.Len(t, dir.members[staffGroup], 1, "it stays to be seen where it is mended")
				require.Empty(t, dir.members[partnersGroup], "no other alternative is tried")

				dir.forced[staffGroup] = ""
				dir.inherit(dir.mine()[0], staffGroup) // reprocessed
				_, err = p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, "group:"+staffGroup, given(t, store, contractor()))
			})
		})
	}
}

func TestAGroupWithoutLicencesIsAMistake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newLicenseTenant()
		dir.groups[0].SKUIDs = nil
		_, err := newProvisioner(t, licensedBy(dir, nil, byGroup("staff", byGroup("partners")))).
			Ensure(t.Context(), contractor())
		require.ErrorContains(t, err, "the group gives no licence at all; assign licences to the group")
		require.NotErrorIs(t, err, provision.ErrNoLicense)
		require.Empty(t, dir.mine())
	})
}

func TestAGroupThatGivesWhatTheTenantHasNotFallsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newLicenseTenant()
		dir.sku(enterpriseSKU).Status = "Suspended"
		_, err := newProvisioner(t, licensedBy(dir, nil, byGroup("staff", byGroup("partners")))).
			Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, []string{basicSKU}, dir.mine()[0].SKUIDs)
	})
}

func TestBulkWorkLooksLessOften(t *testing.T) {
	t.Parallel()
	looks := func(work func(dir *licenseTenant, store provision.Store)) (n int) {
		synctest.Test(t, func(t *testing.T) {
			dir, store := newLicenseTenant(), provision.NewMemoryStore()
			dir.delay = time.Minute
			work(dir, store)
			joined := slices.IndexFunc(dir.calls, func(call string) bool { return strings.HasPrefix(call, "AddMembers") })
			n = len(callsOf(dir.calls[joined:], "FindUser by object ID"))
		})
		return n
	}
	waiting := looks(func(dir *licenseTenant, store provision.Store) {
		_, err := newProvisioner(t, licensedBy(dir, store, byGroup("staff"))).Ensure(context.Background(), contractor())
		require.NoError(t, err)
	})
	bulk := looks(func(dir *licenseTenant, store provision.Store) {
		_, err := newProvisioner(t, config(dir, store)).Ensure(context.Background(), contractor())
		require.NoError(t, err)
		p := newProvisioner(t, licensedBy(dir, store, byGroup("staff")))
		require.NoError(t, p.SwapLicenses(context.Background(), contractor().Key()))
	})
	require.Less(t, 2*bulk, waiting+2)
}

func TestAGroupThatIsSlowIsWaitedForByTheNextRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		dir.delay = 3 * time.Minute
		p := newProvisioner(t, licensedBy(dir, store, byGroup("staff", byGroup("partners"))))
		_, err := p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrNotReady)
		require.ErrorContains(t, err, "has not worked out yet what the group gives")
		_, err = p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, "group:"+staffGroup, given(t, store, contractor()))
		require.Empty(t, dir.members[partnersGroup])
	})
}

func TestAMembershipOfSomebodyElsesIsNotOurs(t *testing.T) {
	t.Parallel()
	for name, violation := range map[string]string{"that works": "", "that is full": "CountViolation"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLicenseTenant(), provision.NewMemoryStore()
				u := dir.has(provision.ImmutableIDFromSubject("google", "104"), "c@contoso.com")
				if violation != "" {
					dir.seats(enterpriseSKU, 0)
				}
				dir.members[staffGroup] = []string{u.ObjectID}
				dir.inherit(u, staffGroup)
				dir.seats(enterpriseSKU, 5) // too late for whoever is in error already
				_, err := newProvisioner(t, licensedBy(dir, store, byGroup("staff", byGroup("partners")))).
					Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, []string{u.ObjectID}, dir.members[staffGroup], "it is not left")
				want := ""
				if violation != "" {
					want = "group:" + partnersGroup
				}
				require.Equal(t, want, given(t, store, contractor()))
			})
		})
	}
}

func TestACrashWhileAGroupGivesIsResumed(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*licenseTenant){
		"a plain join":                func(*licenseTenant) {},
		"a join whose answer is lost": func(dir *licenseTenant) { dir.next("AddMembers", fault{err: dropped(), commit: true}) },
		"a race that is lost": func(dir *licenseTenant) {
			dir.next("AddMembers", fault{before: func(context.Context) { dir.seats(enterpriseSKU, 0) }})
		},
	} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, after the effect: %v", name, after), func(t *testing.T) {
				t.Parallel()
				for crashAt := 1; crashInAGroup(t, prepare, crashAt, after); crashAt++ {
					require.Less(t, crashAt, 200)
				}
			})
		}
	}
}

// groupProcess is a process whose directory has groups.
type groupProcess struct {
	*process
	groups provision.Groups
}

func (p *groupProcess) FindGroup(ctx context.Context, key provision.GroupKey) (g provision.Group, err error) {
	err = p.step(func() error { g, err = p.groups.FindGroup(ctx, key); return err })
	return g, err
}

func (p *groupProcess) AddMembers(ctx context.Context, groupID string, objectIDs []string) error {
	return p.step(func() error { return p.groups.AddMembers(ctx, groupID, objectIDs) })
}

func (p *groupProcess) RemoveMember(ctx context.Context, groupID, objectID string) error {
	return p.step(func() error { return p.groups.RemoveMember(ctx, groupID, objectID) })
}

func crashInAGroup(t *testing.T, prepare func(*licenseTenant), crashAt int, after bool) (crashed bool) {
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		prepare(dir)
		p := &process{directory: dir, store: store, crashAt: crashAt, after: after}
		rule := byGroup("staff", byGroup("partners"))
		account, err := newProvisioner(t, licensedBy(&groupProcess{p, dir}, p, rule)).Ensure(t.Context(), contractor())
		if crashed = p.crashed; crashed {
			account, err = newProvisioner(t, licensedBy(dir, store, rule)).Ensure(t.Context(), contractor())
		}
		require.NoError(t, err, "crash at call %d", crashAt)
		user := oneAccount(t, dir.tenant, account)
		in := slices.Concat(dir.members[staffGroup], dir.members[partnersGroup])
		require.Equal(t, []string{user.ObjectID}, in, "crash at call %d: in one group only", crashAt)
		time.Sleep(time.Minute)
		_, err = dir.FindUser(t.Context(), provision.UserKey{ObjectID: user.ObjectID})
		require.NoError(t, err)
		group := staffGroup
		if len(dir.members[partnersGroup]) > 0 {
			group = partnersGroup
		}
		require.Equal(t, "group:"+group, given(t, store, contractor()), "crash at call %d", crashAt)
		require.NotEmpty(t, user.SKUIDs)
	})
	return crashed
}
