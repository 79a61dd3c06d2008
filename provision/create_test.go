package provision_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestALostAnswerNeverMakesASecondAccount(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"connection dropped":       dropped(),
		"500":                      status(500),
		"502":                      status(502),
		"503 with Retry-After":     &provision.DirectoryError{Status: 503, RetryAfter: 3 * time.Second},
		"504":                      status(504),
		"429":                      throttled(0),
		"429 with Retry-After":     throttled(7 * time.Second),
		"lag text":                 badRequest("One or more property values specified are invalid."),
		"Directory_ObjectNotFound": &provision.DirectoryError{Status: 400, Code: "Directory_ObjectNotFound"},
		"concurrency violation":    concurrencyViolation(),
		"concurrency with Retry-After": &provision.DirectoryError{Status: 409, Code: "Directory_ConcurrencyViolation",
			RetryAfter: time.Second},
	} {
		for _, commit := range []bool{true, false} {
			for _, lag := range []time.Duration{0, 5 * time.Second, 40 * time.Second} {
				t.Run(fmt.Sprintf("%s, committed %v, lag %v", name, commit, lag), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						dir := newTenant()
						dir.lag = lag
						dir.next("CreateUser", fault{err: err, commit: commit}, fault{err: err, commit: commit})
						account, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), contractor())
						require.NoError(t, err)
						oneAccount(t, dir, account)
						require.False(t, account.CreatedAt.IsZero(), "the pipeline created it, although it did not hear so")
					})
				})
			}
		}
	}
}

func TestAnAnswerWithoutObjectIDIsALostAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		account, err := newProvisioner(t, config(withoutObjectID{dir}, nil)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		oneAccount(t, dir, account)
	})
}

type withoutObjectID struct{ *tenant }

func (d withoutObjectID) CreateUser(ctx context.Context, n provision.NewUser) (provision.User, error) {
	_, err := d.tenant.CreateUser(ctx, n)
	return provision.User{}, err
}

func TestAnAccountWithExactlyOurImmutableIDIsAdopted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		has     string // the UPN that the account has
		wantUPN string
	}{
		"with our UPN":             {"contractor@contoso.com", "contractor@contoso.com"},
		"with our UPN in capitals": {"Contractor@Contoso.com", "contractor@contoso.com"},
		"with another UPN":         {"renamed@contoso.com", "renamed@contoso.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, began := newTenant(), time.Now()
				user := dir.has(provision.ImmutableIDFromSubject("google", "104"), tc.has)
				account, err := newProvisioner(t, licensed(config(dir, nil), standardSKU)).Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, provision.Account{
					ImmutableID: user.ImmutableID, UPN: tc.wantUPN, ObjectID: user.ObjectID, ReadyAt: account.ReadyAt,
				}, account, "CreatedAt is zero: the pipeline did not create it")
				require.Equal(t, []string{standardSKU}, user.SKUIDs)
				require.Equal(t, 0, dir.count("CreateUser"))
				require.Equal(t, time.Second, time.Since(began), "three reads and no dwell")
			})
		})
	}
}

func TestAnAccountWithAnotherImmutableIDIsNeverAdopted(t *testing.T) {
	t.Parallel()
	for name, immutableID := range map[string]string{
		"another one":            "somebody-else",
		"none":                   "",
		"ours in other capitals": "ABCDEF",
	} {
		for _, form := range []string{"details", "bare", "409"} {
			t.Run(name+", "+form, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					dir := newTenant()
					dir.bareClash, dir.clash409 = form == "bare", form == "409"
					foreign := dir.has(immutableID, "contractor@contoso.com")
					before := foreign.User
					c := config(dir, nil)
					c.Rules.ImmutableID = func(provision.Person) (string, error) { return "abcdef", nil }
					account, err := newProvisioner(t, licensed(c, standardSKU)).Ensure(t.Context(), contractor())
					require.Equal(t, before, foreign.User, "the other account is left alone")
					if name == "ours in other capitals" {
						require.ErrorIs(t, err, provision.ErrConflict)
						var clash *provision.ConflictError
						require.ErrorAs(t, err, &clash)
						require.Equal(t, "onPremisesImmutableId", clash.Property)
						require.Equal(t, foreign.ObjectID, clash.Owner.ObjectID)
						require.Empty(t, dir.mine())
						return
					}
					require.NoError(t, err)
					oneAccount(t, dir, account)
					require.Equal(t, "contractor2@contoso.com", account.UPN)
				})
			})
		}
	}
}

func TestUPNsThatAreTakenAreNumberedAndThenHashed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.has("x0", "contractor@contoso.com")
		for i := 2; i <= 10; i++ {
			dir.has(fmt.Sprintf("x%d", i), fmt.Sprintf("contractor%d@contoso.com", i))
		}
		account, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Regexp(t, `^contractor-[0-9a-f]{10}@contoso\.com$`, account.UPN)
		oneAccount(t, dir, account)
	})
}

func TestTheSearchForAFreeUPNEnds(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]func(int) string{
		"after twenty attempts":        func(attempt int) string { return fmt.Sprintf("c%d@contoso.com", attempt) },
		"when the rule repeats itself": func(attempt int) string { return fmt.Sprintf("c%d@contoso.com", min(attempt, 3)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				for i := range 30 {
					dir.has(fmt.Sprintf("x%d", i), fmt.Sprintf("c%d@contoso.com", i))
				}
				c := config(dir, nil)
				c.Rules.UPN = func(_ provision.Person, attempt int) (string, error) { return rule(attempt), nil }
				_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, provision.ErrConflict)
				var clash *provision.ConflictError
				require.ErrorAs(t, err, &clash)
				require.Equal(t, "userPrincipalName", clash.Property)
				require.Equal(t, provision.ImmutableIDFromSubject("google", "104"), clash.ImmutableID)
				require.NotEmpty(t, clash.Owner.ObjectID)
				require.Contains(t, err.Error(), clash.Owner.ObjectID, "both accounts are named")
				require.Contains(t, err.Error(), clash.ImmutableID, "both accounts are named")
				require.LessOrEqual(t, dir.count("CreateUser"), 20)
				require.Empty(t, dir.mine())
			})
		})
	}
}

func TestAUPNThatTheHostGaveIsNeverReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		owner := dir.has("somebody-else", "staff@contoso.com")
		person := contractor()
		person.UPN, person.ImmutableID = "staff@contoso.com", "staff-7"
		_, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), person)
		require.ErrorIs(t, err, provision.ErrConflict)
		var clash *provision.ConflictError
		require.ErrorAs(t, err, &clash)
		require.Equal(t, owner.ObjectID, clash.Owner.ObjectID)
		require.Equal(t, "staff@contoso.com", clash.UPN)
		require.Equal(t, "staff-7", clash.ImmutableID)
		require.Empty(t, dir.mine())
	})
}

func TestAnIdentityThatTheHostGaveIsExactlyWhatThePersonGets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		person := contractor()
		person.UPN, person.ImmutableID = "Staff.Member@partner.contoso.com", "MyIRAFVEd2aImaq7zN3u/w=="
		account, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), person)
		require.NoError(t, err)
		require.Equal(t, person.UPN, account.UPN)
		require.Equal(t, person.ImmutableID, account.ImmutableID)
		oneAccount(t, dir, account)
	})
}

func TestAGivenIdentityThatIsNotThePersonsIsAMismatch(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		settled  bool // the person is ready; otherwise the first run fails after the reservation
		change   func(*provision.Person)
		property string
	}{
		"other ImmutableID, ready":    {true, func(p *provision.Person) { p.ImmutableID = "other" }, "onPremisesImmutableId"},
		"other ImmutableID, reserved": {false, func(p *provision.Person) { p.ImmutableID = "other" }, "onPremisesImmutableId"},
		"other UPN, ready":            {true, func(p *provision.Person) { p.UPN = "o@contoso.com" }, "userPrincipalName"},
		"other UPN, reserved":         {false, func(p *provision.Person) { p.UPN = "o@contoso.com" }, "userPrincipalName"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				if !tc.settled {
					dir.next("CreateUser", fault{err: status(403)})
				}
				p := newProvisioner(t, config(dir, nil))
				_, err := p.Ensure(t.Context(), contractor())
				require.Equal(t, tc.settled, err == nil)

				person := contractor()
				tc.change(&person)
				_, err = p.Ensure(t.Context(), person)
				require.ErrorIs(t, err, provision.ErrInvalidPerson)
				var mismatch *provision.MismatchError
				require.ErrorAs(t, err, &mismatch)
				require.Equal(t, tc.property, mismatch.Property)
				require.NotEmpty(t, mismatch.Has)
				require.NotEqual(t, mismatch.Given, mismatch.Has)
			})
		})
	}
}

func TestAnAccountWhoseUPNIsNotTheGivenOneIsAMismatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.has("staff-7", "renamed@contoso.com")
		person := contractor()
		person.UPN, person.ImmutableID = "staff@contoso.com", "staff-7"
		_, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), person)
		var mismatch *provision.MismatchError
		require.ErrorAs(t, err, &mismatch)
		require.Equal(t, "renamed@contoso.com", mismatch.Has)
	})
}

func TestAClashWithNothingToBeSeenIsLagAndIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.lag = 30 * time.Second
		dir.next("CreateUser", fault{err: dropped(), commit: true}) // committed, and every retry clashes with it
		began := time.Now()
		account, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		oneAccount(t, dir, account)
		require.Equal(t, "contractor@contoso.com", account.UPN, "an own account that is late is no reason for another UPN")
		require.Greater(t, time.Since(began), 30*time.Second)
	})
}

func TestAClashThatNeverShowsIsNotReady(t *testing.T) {
	t.Parallel()
	for _, property := range []string{"onPremisesImmutableId", "userPrincipalName", ""} {
		t.Run(property, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant() // as when a deleted user holds it
				dir.always("CreateUser", fault{err: conflict(property, "")})
				began := time.Now()
				_, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, provision.ErrNotReady)
				require.NotErrorIs(t, err, provision.ErrConflict, "one sentinel only")
				require.ErrorContains(t, err, "Deleted users")
				var answer *provision.DirectoryError
				require.ErrorAs(t, err, &answer, "the last answer is kept")
				require.InDelta(t, 2*time.Minute, time.Since(began), float64(9*time.Second))
				require.Less(t, dir.count("CreateUser"), 20)
			})
		})
	}
}

func TestAnAddressOfAGroupIsAReasonForTheNextUPN(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.next("CreateUser", fault{err: conflict("proxyAddresses", "")})
		account, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, "contractor2@contoso.com", account.UPN)
		oneAccount(t, dir, account)
	})
}

func TestTheUserThatAClashNamesIsLookedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		other := dir.has("somebody-else", "other@contoso.com") // has our UPN as an alias
		dir.next("CreateUser", fault{err: conflict("proxyAddresses", other.ObjectID)})
		account, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, "contractor2@contoso.com", account.UPN)
		oneAccount(t, dir, account)
	})
}

func TestAForeignUPNIsNoReasonToMoveWhenTheClashIsOnlyAboutTheImmutableID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, began := newTenant(), time.Now()
		ours := dir.has(provision.ImmutableIDFromSubject("google", "104"), "renamed@contoso.com")
		dir.has("somebody-else", "contractor@contoso.com")
		dir.visible = func(u *tenantUser) bool { return u != ours || time.Since(began) > 3*time.Second }
		store := provision.NewMemoryStore()
		account, err := newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, ours.ObjectID, account.ObjectID)
		require.Equal(t, "renamed@contoso.com", account.UPN)
		rec, err := store.Load(t.Context(), contractor().Key())
		require.NoError(t, err)
		require.Zero(t, rec.UPNAttempt)
	})
}

func TestCreationFailsAtOnceWhereTryingAgainIsUseless(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err    error
		want   error
		reason provision.Reason
		remedy string
	}{
		"401": {status(401), provision.ErrUnauthorized, provision.ReasonUnauthorized, "client ID"},
		"403": {status(403), provision.ErrForbidden, provision.ReasonForbidden, "User.ReadWrite.All"},
		"no room in the tenant": {&provision.DirectoryError{Status: 403, Code: "Directory_QuotaExceeded"}, nil,
			provision.ReasonRefused, "as many objects as it may have"},
		"404, as from a wrong address": {notFound(), provision.ErrNotFound, provision.ReasonRefused, "the cloud in use"},
		"anything else":                {badRequest("Property userPrincipalName is invalid."), nil, provision.ReasonRefused, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, began := newTenant(), time.Now()
				dir.always("CreateUser", fault{err: tc.err})
				_, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), contractor())
				var failure *provision.Error
				require.ErrorAs(t, err, &failure)
				require.Equal(t, provision.StepCreate, failure.Step)
				require.Equal(t, contractor().Key(), failure.Person)
				require.Equal(t, tc.reason, failure.Reason())
				_, again := failure.RetryAfter()
				require.False(t, again)
				require.ErrorContains(t, err, tc.remedy)
				require.ErrorIs(t, err, tc.err)
				if tc.want != nil {
					require.ErrorIs(t, err, tc.want)
				}
				require.Equal(t, 1, dir.count("CreateUser"))
				require.Equal(t, began, time.Now(), "without waiting")
			})
		})
	}
}

func TestADomainThatIsNotVerifiedIsLookedAtAgainAndThenRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answers int // that the domain is not verified
		created bool
	}{
		"verified a moment ago": {3, true},
		"never verified":        {4, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, began := newTenant(), time.Now()
				for range tc.answers {
					dir.next("CreateUser", fault{err: badRequest("The domain portion of the userPrincipalName property is invalid.")})
				}
				_, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), contractor())
				require.Equal(t, 4, dir.count("CreateUser"))
				if tc.created {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, "verify the domain")
				var failure *provision.Error
				require.ErrorAs(t, err, &failure)
				require.Equal(t, provision.ReasonRefused, failure.Reason())
				_, again := failure.RetryAfter()
				require.False(t, again)
				require.Less(t, time.Since(began), 4*time.Second)
			})
		})
	}
}
