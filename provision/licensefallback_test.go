package provision_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestTheFirstAlternativeWithASeatIsGiven(t *testing.T) {
	t.Parallel()
	all := []provision.License{seat("O365_BUSINESS_PREMIUM", seat("M365 Business Basic"), seat(enterpriseSKU))}
	for name, tc := range map[string]struct {
		licenses []provision.License
		prepare  func(*licenseTenant)
		want     []string
	}{
		"the licence itself": {all, func(*licenseTenant) {}, []string{standardSKU}},
		"no seat of it":      {all, func(dir *licenseTenant) { dir.seats(standardSKU, 0) }, []string{basicSKU}},
		"no seat of two": {all, func(dir *licenseTenant) {
			dir.seats(standardSKU, 0)
			dir.seats(basicSKU, 0)
		}, []string{enterpriseSKU}},
		"the tenant does not have it": {
			[]provision.License{seat("SPB", seat(basicSKU))}, func(*licenseTenant) {}, []string{basicSKU}},
		"it is suspended": {all, func(dir *licenseTenant) { dir.skus[0].Status = "Suspended" }, []string{basicSKU}},
		"each licence has its own": {
			[]provision.License{seat(standardSKU, seat(basicSKU)), seat("SPB", seat(enterpriseSKU))},
			func(dir *licenseTenant) { dir.seats(standardSKU, 0) }, []string{basicSKU, enterpriseSKU}},
		"two licences come to the same": {
			[]provision.License{seat("SPB", seat(basicSKU)), seat("SPE_E3", seat("O365_BUSINESS_ESSENTIALS"))},
			func(*licenseTenant) {}, []string{basicSKU}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLicenseTenant(), provision.NewMemoryStore()
				tc.prepare(dir)
				account, err := newProvisioner(t, licensedBy(dir, store, tc.licenses...)).Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, tc.want, oneAccount(t, dir.tenant, account).SKUIDs)
				require.Equal(t, 1, dir.count("ChangeLicenses"), "all in one call")
				require.ElementsMatch(t, tc.want, fieldsOf(given(t, store, contractor())), "the record names what was given")
			})
		})
	}
}

func TestALostRaceForTheLastSeatGoesOnWithTheNextAlternative(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]*provision.DirectoryError{
		"the answer quotes the SKU":    noSeat(standardSKU),
		"the answer quotes none":       noSeat("x"),
		"the subscription has expired": badRequest("License " + standardSKU + " does not correspond to a valid company License."),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLicenseTenant(), provision.NewMemoryStore()
				dir.next("ChangeLicenses", fault{err: answer, before: func(context.Context) { dir.seats(standardSKU, 0) }})
				p := newProvisioner(t, licensedBy(dir, store, seat(standardSKU, seat(basicSKU)), seat(enterpriseSKU)))
				account, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.ElementsMatch(t, []string{basicSKU, enterpriseSKU}, oneAccount(t, dir.tenant, account).SKUIDs)
				require.ElementsMatch(t, []string{basicSKU, enterpriseSKU}, fieldsOf(given(t, store, contractor())))
				require.Equal(t, 2, dir.count("ChangeLicenses"))
				require.Equal(t, 2, dir.count("SKUs"), "the list that promised the seat is read again")
			})
		})
	}
}

func TestWhenNoAlternativeIsLeftAllOfThemAreExplained(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newLicenseTenant()
		dir.seats(basicSKU, 0)
		_, err := newProvisioner(t, licensedBy(dir, nil, seat("SPB", seat(basicSKU), byGroup("nobody")))).
			Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrNoLicense)
		requireStep(t, err, provision.StepLicense)
		var refusal *provision.LicenseError
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, "SPB", refusal.License)
		require.ErrorContains(t, err, "no alternative is left: SPB: the tenant has no such subscription")
		require.ErrorContains(t, err, basicSKU+": no seat is left")
		require.ErrorContains(t, err, "nobody: the tenant has no such group")
		require.ErrorContains(t, err, "ENTERPRISEPACK (Office 365 E3, Enabled, 100 free, for User)")
	})
}

func TestAnAlternativeThatTheAccountHoldsCounts(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*licenseTenant, *tenantUser){
		"directly": func(dir *licenseTenant, u *tenantUser) { dir.give(u, basicSKU) },
		"from a group": func(dir *licenseTenant, u *tenantUser) {
			dir.members[partnersGroup] = []string{u.ObjectID}
			dir.inherit(u, partnersGroup)
		},
		"with none left of it": func(dir *licenseTenant, u *tenantUser) {
			dir.give(u, basicSKU)
			dir.seats(basicSKU, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLicenseTenant(), provision.NewMemoryStore()
				u := dir.has(provision.ImmutableIDFromSubject("google", "104"), "c@contoso.com")
				prepare(dir, u)
				p := newProvisioner(t, licensedBy(dir, store, seat(standardSKU, seat(basicSKU))))
				_, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, []string{basicSKU}, u.SKUIDs)
				require.Equal(t, 0, dir.count("ChangeLicenses"), "nothing is changed")
				require.Empty(t, given(t, store, contractor()), "somebody else gave it")
			})
		})
	}
}

// A run that crashes after it chose an alternative must not be continued with another one.
func TestACrashAfterTheChoiceDoesNotTakeASecondSeat(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*licenseTenant){
		"a plain assignment": func(*licenseTenant) {},
		"the last seat":      func(dir *licenseTenant) { dir.seats(standardSKU, 1) },
		"the last seat, and the answer is lost": func(dir *licenseTenant) {
			dir.seats(standardSKU, 1)
			dir.next("ChangeLicenses", fault{err: dropped(), commit: true})
		},
		"a lost race": func(dir *licenseTenant) {
			dir.next("ChangeLicenses", fault{err: noSeat(standardSKU),
				before: func(context.Context) { dir.seats(standardSKU, 0) }})
		},
		"a lagging directory": func(dir *licenseTenant) {
			dir.seats(standardSKU, 1)
			dir.lag = 4 * time.Second
		},
	} {
		for _, after := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for crashAt := 1; crashWhileLicensing(t, prepare, crashAt, after); crashAt++ {
					require.Less(t, crashAt, 200)
				}
			})
		}
	}
}

func crashWhileLicensing(t *testing.T, prepare func(*licenseTenant), crashAt int, after bool) (crashed bool) {
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		prepare(dir)
		p := &process{directory: dir, store: store, crashAt: crashAt, after: after}
		rule := seat(standardSKU, seat(basicSKU))
		account, err := newProvisioner(t, licensedBy(p, p, rule)).Ensure(t.Context(), contractor())
		if crashed = p.crashed; crashed {
			account, err = newProvisioner(t, licensedBy(dir, store, rule)).Ensure(t.Context(), contractor())
		}
		require.NoError(t, err, "crash at call %d", crashAt)
		user := oneAccount(t, dir.tenant, account)
		require.Len(t, user.SKUIDs, 1, "crash at call %d", crashAt)
		require.Equal(t, user.SKUIDs[0], given(t, store, contractor()), "crash at call %d: it is known whose seat it is", crashAt)
		require.Equal(t, 1, dir.consumed(standardSKU)+dir.consumed(basicSKU))
	})
	return crashed
}

// The replica that answers the second run does not know the seat of the first, and the list has no other.
func TestAChosenSeatThatCannotBeSeenYetIsNotReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		dir.seats(standardSKU, 1)
		rule := seat(standardSKU, seat(basicSKU))
		dir.next("ChangeLicenses", fault{err: status(403), commit: true})
		_, err := newProvisioner(t, licensedBy(dir, store, rule)).Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrForbidden)

		stale := &staleReads{licenseTenant: dir, until: time.Now().Add(time.Minute)}
		account, err := newProvisioner(t, licensedBy(stale, store, rule)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, []string{standardSKU}, oneAccount(t, dir.tenant, account).SKUIDs)
		require.Equal(t, 0, dir.consumed(basicSKU))
	})
}

// The last seat is ours, the answer to its assignment was lost, and the replicas that answer do not know it yet.
func TestNoSeatAfterALostAnswerIsNotBelievedSoon(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answers []fault
		stale   time.Duration // how long the replicas lag
		want    string        // the SKU that is held in the end
		first   error         // of the first of two runs; nil: it is the only one
	}{
		"the seat shows after a while": {
			[]fault{{err: dropped(), commit: true}, {err: noSeat(standardSKU)}}, 25 * time.Second, standardSKU, nil},
		"the answer was an error of the server": {
			[]fault{{err: status(504), commit: true}, {err: noSeat(standardSKU)}}, 25 * time.Second, standardSKU, nil},
		"an earlier run sent it": {
			[]fault{{err: status(403), commit: true}, {err: noSeat(standardSKU)}}, 25 * time.Second, standardSKU,
			provision.ErrForbidden},
		"it never shows": {
			[]fault{{err: dropped()}, {err: noSeat(standardSKU)}}, 0, basicSKU, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLicenseTenant(), provision.NewMemoryStore()
				dir.seats(standardSKU, 1)
				if !tc.answers[0].commit {
					tc.answers[0].before = func(context.Context) { dir.seats(standardSKU, 0) }
				}
				dir.next("ChangeLicenses", tc.answers...)
				stale := &staleReads{licenseTenant: dir, until: time.Now().Add(tc.stale)}
				p := newProvisioner(t, licensedBy(stale, store, seat(standardSKU, seat(basicSKU))))
				if tc.first != nil {
					_, err := p.Ensure(t.Context(), contractor())
					require.ErrorIs(t, err, tc.first)
				}
				account, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, []string{tc.want}, oneAccount(t, dir.tenant, account).SKUIDs)
				require.Equal(t, tc.want, given(t, store, contractor()))
			})
		})
	}
}

// A budget that is too short for the doubt ends as not ready, with the choice remembered, and not with another seat.
func TestADoubtedSeatOutlastsTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		dir.seats(standardSKU, 1)
		stale := &staleReads{licenseTenant: dir, until: time.Now().Add(25 * time.Second)}
		c := licensedBy(stale, store, seat(standardSKU, seat(basicSKU)))
		c.Settle.Budget = 24 * time.Second
		dir.next("ChangeLicenses", fault{before: func(context.Context) { time.Sleep(12 * time.Second) },
			err: dropped(), commit: true}, fault{err: noSeat(standardSKU)})
		p := newProvisioner(t, c)
		_, err := p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrNotReady)
		requireStep(t, err, provision.StepLicense)
		require.Equal(t, standardSKU, given(t, store, contractor()))

		account, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, []string{standardSKU}, oneAccount(t, dir.tenant, account).SKUIDs)
		require.Equal(t, 0, dir.consumed(basicSKU))
	})
}

// A race that was lost in a run's own first attempt is believed as before.
func TestNoSeatWithoutALostAnswerIsBelievedSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newLicenseTenant()
		dir.next("ChangeLicenses", fault{err: throttled(time.Second)}, fault{err: noSeat(standardSKU),
			before: func(context.Context) { dir.seats(standardSKU, 0) }})
		began := time.Now()
		_, err := newProvisioner(t, licensedBy(dir, nil, seat(standardSKU, seat(basicSKU)))).
			Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Less(t, time.Since(began), 20*time.Second)
	})
}

// staleReads shows accounts without their licences for a while.
type staleReads struct {
	*licenseTenant
	until time.Time
}

func (s *staleReads) FindUser(ctx context.Context, key provision.UserKey) (provision.User, error) {
	user, err := s.licenseTenant.FindUser(ctx, key)
	if time.Now().Before(s.until) {
		user.SKUIDs, user.Licenses = nil, nil
	}
	return user, err
}

// Between the look ahead and the assignment the seats were lost, and no replica that answers knows the account.
func TestAnAccountThatCannotBeSeenIsLookedForBeforeNoSeatIsBelieved(t *testing.T) {
	t.Parallel()
	for name, held := range map[string]bool{"it holds none": false, "it holds the last one": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLicenseTenant(), provision.NewMemoryStore()
				rule := seat(standardSKU)
				dir.next("ChangeLicenses", fault{err: status(403)})
				_, err := newProvisioner(t, licensedBy(dir, store, rule)).Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, provision.ErrForbidden)
				rec, err := store.Load(t.Context(), contractor().Key())
				require.NoError(t, err)
				rec.Licenses = ""
				_, err = store.Save(t.Context(), rec)
				require.NoError(t, err)
				if held {
					dir.give(dir.mine()[0], standardSKU)
				}
				dir.seats(standardSKU, 0)
				dir.next("FindUser", fault{err: notFound()}, fault{err: notFound()})
				_, err = newProvisioner(t, licensedBy(dir, store, rule)).Ensure(t.Context(), contractor())
				if held {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, provision.ErrNoLicense)
				}
			})
		})
	}
}

const applicants = 30

// licensedCrowd signs people in, each some time after the one before: more than there are seats.
func licensedCrowd(t *testing.T, dir *licenseTenant, apart time.Duration) {
	t.Helper()
	dir.seats(standardSKU, 10)
	dir.seats(basicSKU, 15)
	p := newProvisioner(t, licensedBy(dir, nil, seat(standardSKU, seat(basicSKU))))
	var all sync.WaitGroup
	var mu sync.Mutex
	var refused []error
	for i := range applicants {
		all.Go(func() {
			time.Sleep(time.Duration(i) * apart)
			if _, err := p.Ensure(t.Context(), person(i)); err != nil {
				mu.Lock()
				defer mu.Unlock()
				refused = append(refused, err)
			}
		})
	}
	all.Wait()
	seats := make(map[string]int)
	for _, u := range dir.mine() {
		require.LessOrEqual(t, len(u.SKUIDs), 1, "a seat of each alternative")
		for _, id := range u.SKUIDs {
			seats[id]++
		}
	}
	require.Equal(t, map[string]int{standardSKU: 10, basicSKU: 15}, seats)
	require.Equal(t, 10, dir.consumed(standardSKU))
	require.Equal(t, 15, dir.consumed(basicSKU))
	require.Len(t, refused, applicants-25)
	for _, err := range refused {
		require.ErrorIs(t, err, provision.ErrNoLicense)
		requireStep(t, err, provision.StepLicense)
	}
	accounts := len(dir.mine())
	_, err := p.Ensure(t.Context(), person(applicants))
	require.ErrorIs(t, err, provision.ErrNoLicense)
	require.Len(t, dir.mine(), accounts, "whoever comes later gets no account")
}

func TestACrowdSharesTheSeatsThereAre(t *testing.T) {
	t.Parallel()
	t.Run("all at once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			dir := newLicenseTenant()
			licensedCrowd(t, dir, 0)
		})
	})
	t.Run("one after the other", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			dir := newLicenseTenant()
			licensedCrowd(t, dir, time.Second)
			require.Len(t, dir.mine(), 25, "an account was made although the list said that no seat is left")
			require.Equal(t, 25, dir.count("ChangeLicenses"), "no seat was asked for in vain")
		})
	})
}
