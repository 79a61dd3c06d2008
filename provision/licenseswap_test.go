package provision_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestPeopleAreMovedToWhatTheRulesSayNow(t *testing.T) {
	t.Parallel()
	one := func(l ...provision.License) []provision.License { return l }
	for name, tc := range map[string]struct {
		before, after []provision.License
		prepare       func(*licenseTenant)
		seats         []string // that the account has in the end
		given         []string
		changes       []provision.LicenseChange // beyond those of the first run
	}{
		"from seat to seat, in one call": {
			before: one(seat(standardSKU)), after: one(seat(enterpriseSKU)),
			seats: []string{enterpriseSKU}, given: []string{enterpriseSKU},
			changes: []provision.LicenseChange{{Add: []provision.LicenseGrant{{SKUID: enterpriseSKU}}, Remove: []string{standardSKU}}},
		},
		"between seats that exclude one another": {
			before: one(seat(standardSKU)), after: one(seat(enterpriseSKU)),
			prepare: func(dir *licenseTenant) { dir.excludes = [2]string{standardSKU, enterpriseSKU} },
			seats:   []string{enterpriseSKU}, given: []string{enterpriseSKU},
			changes: []provision.LicenseChange{{Add: []provision.LicenseGrant{{SKUID: enterpriseSKU}}, Remove: []string{standardSKU}}},
		},
		"to the fallback that has a seat": {
			before: one(seat(standardSKU)), after: one(seat(enterpriseSKU, seat(basicSKU))),
			prepare: func(dir *licenseTenant) { dir.seats(enterpriseSKU, 0) },
			seats:   []string{basicSKU}, given: []string{basicSKU},
			changes: []provision.LicenseChange{{Add: []provision.LicenseGrant{{SKUID: basicSKU}}, Remove: []string{standardSKU}}},
		},
		"one more": {
			before: one(seat(standardSKU)), after: one(seat(standardSKU), seat(basicSKU)),
			seats: []string{standardSKU, basicSKU}, given: []string{standardSKU, basicSKU},
			changes: []provision.LicenseChange{{Add: []provision.LicenseGrant{{SKUID: basicSKU}}}},
		},
		"one less": {
			before: one(seat(standardSKU), seat(basicSKU)), after: one(seat(basicSKU)),
			seats: []string{basicSKU}, given: []string{basicSKU},
			changes: []provision.LicenseChange{{Remove: []string{standardSKU}}},
		},
		"to nothing": {
			before: one(seat(standardSKU), byGroup("partners")), after: nil,
			changes: []provision.LicenseChange{{Remove: []string{standardSKU}}},
		},
		"from nothing": {
			before: nil, after: one(seat(standardSKU)), seats: []string{standardSKU}, given: []string{standardSKU},
			changes: []provision.LicenseChange{{Add: []provision.LicenseGrant{{SKUID: standardSKU}}}},
		},
		"what is held counts, though another alternative is preferred": {
			before: one(seat(basicSKU)), after: one(seat(standardSKU, seat(basicSKU))),
			seats: []string{basicSKU}, given: []string{basicSKU},
		},
		"from seat to group": {
			before: one(seat(standardSKU)), after: one(byGroup("partners")),
			seats: []string{basicSKU}, given: []string{"group:" + partnersGroup},
			changes: []provision.LicenseChange{{Remove: []string{standardSKU}}},
		},
		"from seat to a group that gives the same": {
			before: one(seat(basicSKU)), after: one(byGroup("partners")),
			prepare: func(dir *licenseTenant) { dir.seats(basicSKU, 0) },
			seats:   []string{basicSKU}, given: []string{"group:" + partnersGroup},
			changes: []provision.LicenseChange{{Remove: []string{basicSKU}}},
		},
		"from group to a seat of the same": {
			before: one(byGroup("partners")), after: one(seat(basicSKU)),
			prepare: func(dir *licenseTenant) { dir.seats(basicSKU, 1) },
			seats:   []string{basicSKU}, given: []string{basicSKU},
			changes: []provision.LicenseChange{{Add: []provision.LicenseGrant{{SKUID: basicSKU}}}},
		},
		"from group to group": {
			before: one(byGroup("partners")), after: one(byGroup("staff")),
			seats: []string{standardSKU, enterpriseSKU}, given: []string{"group:" + staffGroup},
		},
		"from seat to a group that excludes it": {
			before: one(seat(basicSKU)), after: one(byGroup("staff")),
			prepare: func(dir *licenseTenant) { dir.excludes = [2]string{basicSKU, enterpriseSKU} },
			seats:   []string{standardSKU, enterpriseSKU}, given: []string{"group:" + staffGroup},
			changes: []provision.LicenseChange{{Remove: []string{basicSKU}}},
		},
		"from group to a group that excludes it": {
			before: one(byGroup("partners")), after: one(byGroup("staff")),
			prepare: func(dir *licenseTenant) { dir.excludes = [2]string{basicSKU, enterpriseSKU} },
			seats:   []string{standardSKU, enterpriseSKU}, given: []string{"group:" + staffGroup},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLicenseTenant(), provision.NewMemoryStore()
				_, err := newProvisioner(t, licensedBy(dir, store, tc.before...)).Ensure(t.Context(), contractor())
				require.NoError(t, err)
				if tc.prepare != nil {
					tc.prepare(dir)
				}
				dir.changes = nil
				p := newProvisioner(t, licensedBy(dir, store, tc.after...))
				for range 2 { // it is idempotent
					require.NoError(t, p.SwapLicenses(t.Context(), contractor().Key()))
					time.Sleep(time.Minute)
					user, err := dir.FindUser(t.Context(), provision.UserKey{ObjectID: dir.mine()[0].ObjectID})
					require.NoError(t, err)
					require.ElementsMatch(t, tc.seats, user.SKUIDs)
					require.ElementsMatch(t, tc.given, fieldsOf(given(t, store, contractor())))
					require.Equal(t, tc.changes, dir.changes)
				}
			})
		})
	}
}

func TestASwapLeavesWhatSomebodyElseGave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		_, err := newProvisioner(t, licensedBy(dir, store, seat(standardSKU))).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		dir.give(dir.mine()[0], enterpriseSKU)
		require.NoError(t, newProvisioner(t, licensedBy(dir, store, seat(basicSKU))).SwapLicenses(t.Context(), contractor().Key()))
		require.ElementsMatch(t, []string{basicSKU, enterpriseSKU}, dir.mine()[0].SKUIDs)
	})
}

func TestASeatThatIsGoneAlreadyDoesNotKeepASwap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		_, err := newProvisioner(t, licensedBy(dir, store, seat(standardSKU), seat(enterpriseSKU))).
			Ensure(t.Context(), contractor())
		require.NoError(t, err)
		dir.next("ChangeLicenses", fault{err: badRequest("User does not have a corresponding license."),
			before: func(context.Context) { dir.hold(dir.mine()[0], dir.mine()[0].Licenses[1:]) }})
		require.NoError(t, newProvisioner(t, licensedBy(dir, store, seat(basicSKU))).SwapLicenses(t.Context(), contractor().Key()))
		require.Equal(t, []string{basicSKU}, dir.mine()[0].SKUIDs)
		require.Equal(t, basicSKU, given(t, store, contractor()))
	})
}

func TestASwapOfAnAccountThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		_, err := newProvisioner(t, licensedBy(dir, store, seat(standardSKU))).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		dir.users = nil
		err = newProvisioner(t, licensedBy(dir, store, seat(basicSKU))).SwapLicenses(t.Context(), contractor().Key())
		require.ErrorIs(t, err, provision.ErrNotFound)
		require.Equal(t, standardSKU, given(t, store, contractor()))
	})
}

func TestASwapWithoutASeatChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		_, err := newProvisioner(t, licensedBy(dir, store, seat(standardSKU))).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		p := newProvisioner(t, licensedBy(dir, store, seat(enterpriseSKU, byGroup("partners"))))
		dir.seats(basicSKU, 0)
		dir.next("ChangeLicenses", fault{err: noSeat(enterpriseSKU), before: func(context.Context) { dir.seats(enterpriseSKU, 0) }})
		err = p.SwapLicenses(t.Context(), contractor().Key())
		require.ErrorIs(t, err, provision.ErrNoLicense)
		requireStep(t, err, provision.StepLicense)
		require.Equal(t, []string{standardSKU}, dir.mine()[0].SKUIDs)
		require.Equal(t, standardSKU, given(t, store, contractor()))
	})
}

func TestASwapIsResumedAfterACrash(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][2]provision.License{
		"from seat to seat":   {seat(standardSKU), seat(enterpriseSKU)},
		"from seat to group":  {seat(basicSKU), byGroup("staff")},
		"from group to seat":  {byGroup("staff"), seat(basicSKU)},
		"from group to group": {byGroup("staff"), byGroup("partners")},
	} {
		for _, after := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for crashAt := 1; crashWhileSwapping(t, rules, crashAt, after); crashAt++ {
					require.Less(t, crashAt, 200)
				}
			})
		}
	}
}

func crashWhileSwapping(t *testing.T, rules [2]provision.License, crashAt int, after bool) (crashed bool) {
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		_, err := newProvisioner(t, licensedBy(dir, store, rules[0])).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		p := &process{directory: dir, store: store, crashAt: crashAt, after: after}
		err = newProvisioner(t, licensedBy(&groupProcess{p, dir}, p, rules[1])).SwapLicenses(t.Context(), contractor().Key())
		if crashed = p.crashed; crashed {
			err = newProvisioner(t, licensedBy(dir, store, rules[1])).SwapLicenses(t.Context(), contractor().Key())
		}
		require.NoError(t, err, "crash at call %d", crashAt)
		time.Sleep(time.Minute)
		_, err = dir.FindUser(t.Context(), provision.UserKey{ObjectID: dir.mine()[0].ObjectID})
		require.NoError(t, err)
		marks := fieldsOf(given(t, store, contractor()))
		require.Len(t, marks, 1, "crash at call %d", crashAt)
		switch rules[1].Group {
		case "staff":
			require.ElementsMatch(t, []string{standardSKU, enterpriseSKU}, dir.mine()[0].SKUIDs)
		case "partners":
			require.Equal(t, []string{basicSKU}, dir.mine()[0].SKUIDs)
		default:
			require.Equal(t, []string{rules[1].SKU}, dir.mine()[0].SKUIDs, "crash at call %d", crashAt)
			require.Equal(t, rules[1].SKU, marks[0])
		}
	})
	return crashed
}

func TestWhoCannotBeSwapped(t *testing.T) {
	t.Parallel()
	t.Run("nobody knows the person", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProvisioner(t, licensedBy(newLicenseTenant(), nil, seat(standardSKU)))
			err := p.SwapLicenses(t.Context(), contractor().Key())
			require.ErrorIs(t, err, provision.ErrNoRecord)
			requireStep(t, err, provision.StepLicense)
		})
	})
	for name, tc := range map[string]struct {
		change func(*provision.Record)
		want   error
	}{
		"has left":      {func(r *provision.Record) { r.RetiringAt = time.Unix(1e9, 0).UTC() }, provision.ErrRetired},
		"not there yet": {func(r *provision.Record) { r.LicensedAt, r.ReadyAt = time.Time{}, time.Time{} }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLicenseTenant(), provision.NewMemoryStore()
				_, err := newProvisioner(t, licensedBy(dir, store, seat(standardSKU))).Ensure(t.Context(), contractor())
				require.NoError(t, err)
				rec, err := store.Load(t.Context(), contractor().Key())
				require.NoError(t, err)
				tc.change(&rec)
				_, err = store.Save(t.Context(), rec)
				require.NoError(t, err)
				dir.calls = nil
				err = newProvisioner(t, licensedBy(dir, store, seat(basicSKU))).SwapLicenses(t.Context(), contractor().Key())
				require.ErrorIs(t, err, tc.want)
				require.Empty(t, dir.calls)
			})
		})
	}
}

// Who was ready signs in meanwhile.
func TestSwapsOfTheSamePersonTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		_, err := newProvisioner(t, licensedBy(dir, store, seat(standardSKU))).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		p := newProvisioner(t, licensedBy(dir, store, seat(basicSKU)))
		dir.next("ChangeLicenses", fault{before: func(context.Context) { time.Sleep(10 * time.Second) }})
		began := time.Now()
		swapped := make(chan error)
		go func() { swapped <- p.SwapLicenses(t.Context(), contractor().Key()) }()
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = p.Ensure(ctx, contractor())
		require.NoError(t, err)
		require.Zero(t, time.Since(began))
		err = p.SwapLicenses(ctx, contractor().Key())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, p.SwapLicenses(t.Context(), contractor().Key()))
		require.Equal(t, 10*time.Second, time.Since(began), "it waited for the first swap")
		require.NoError(t, <-swapped)
	})
}

// Another process holds the person's lease.
func TestASwapWaitsForTheLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		_, err := newProvisioner(t, licensedBy(dir, store, seat(standardSKU))).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		lease, err := store.Acquire(t.Context(), contractor().Key(), 20*time.Second)
		require.NoError(t, err)
		began := time.Now()
		p := newProvisioner(t, licensedBy(dir, store, seat(basicSKU)))
		require.NoError(t, p.SwapLicenses(t.Context(), contractor().Key()))
		require.Equal(t, 20*time.Second, time.Since(began).Round(time.Second))
		require.ErrorIs(t, store.Renew(t.Context(), lease, time.Second), provision.ErrLeaseLost)
		_, err = store.Acquire(t.Context(), contractor().Key(), time.Second)
		require.NoError(t, err, "it is released afterwards")
	})
}

func TestAnAccountThatADirectorySyncOwnsKeepsItsLicences(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newLicenseTenant()
		key := contractor().Key()
		user := dir.has(provision.ImmutableIDFromSubject(key.Connection, key.ID), "contractor@contoso.com")
		user.DirectorySynced = true
		cfg := config(dir, nil)
		cfg.Rules.Licenses = []provision.License{seat(standardSKU)}
		p := newProvisioner(t, cfg)
		_, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.NoError(t, p.SwapLicenses(t.Context(), key))
		require.Empty(t, user.SKUIDs)
	})
}
