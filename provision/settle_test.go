package provision_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestReadinessIsThreeConsecutiveReads(t *testing.T) {
	t.Parallel()
	const gone = false
	const here = true
	for name, tc := range map[string]struct {
		answers []bool // of the reads; visible after the last one
		reads   int
	}{
		"at once":            {nil, 3},
		"late":               {[]bool{gone, gone}, 5},
		"one is not enough":  {[]bool{here, gone}, 5},
		"two are not enough": {[]bool{here, here, gone}, 6},
		"flapping":           {[]bool{here, gone, here, here, gone, gone, here, gone}, 11},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				ours := dir.has(provision.ImmutableIDFromSubject("google", "104"), "c@contoso.com")
				looks := -1 // the first look is that of the step "create"
				dir.visible = func(u *tenantUser) bool {
					looks++
					return looks == 0 || looks > len(tc.answers) || tc.answers[looks-1]
				}
				began := time.Now()
				account, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, ours.ObjectID, account.ObjectID)
				require.Equal(t, tc.reads, looks)
				require.Equal(t, time.Duration(tc.reads-1)*time.Second/2, time.Since(began), "half a second apart")
			})
		})
	}
}

func TestAFailingReadStartsTheCountAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.has(provision.ImmutableIDFromSubject("google", "104"), "c@contoso.com")
		down, slow := fault{err: status(503)}, fault{err: throttled(4 * time.Second)}
		dir.next("FindUser", fault{}, fault{}, fault{}, down, fault{}, fault{}, slow)
		_, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, 1+3+3+3, dir.count("FindUser"))
	})
}

func TestTheDwellIsWaitedForOnceAndOnlyForAnAccountOfOurs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		settle provision.Settle
		want   time.Duration
	}{
		"default":                     {provision.Settle{}, 15 * time.Second},
		"longer":                      {provision.Settle{Dwell: 40 * time.Second}, 40 * time.Second},
		"none":                        {provision.Settle{Dwell: -1}, time.Second},
		"shorter than the reads":      {provision.Settle{Dwell: time.Second, Reads: 5, Interval: 2 * time.Second}, 8 * time.Second},
		"one read is after the dwell": {provision.Settle{Reads: 1}, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := config(newTenant(), nil)
				c.Settle = tc.settle
				account, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, tc.want, account.ReadyAt.Sub(account.CreatedAt))
			})
		})
	}
	t.Run("what is left of it after a restart", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			dir, store := newTenant(), provision.NewMemoryStore()
			dir.always("ChangeLicenses", fault{err: status(403)})
			_, err := newProvisioner(t, licensed(config(dir, store), standardSKU)).Ensure(t.Context(), contractor())
			require.ErrorIs(t, err, provision.ErrForbidden)
			time.Sleep(6 * time.Second)
			dir.script = map[string][]fault{}
			began := time.Now()
			_, err = newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor())
			require.NoError(t, err)
			require.Equal(t, 9*time.Second, time.Since(began))
		})
	})
	t.Run("never longer than the dwell, whatever another machine's clock wrote", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			dir, store := newTenant(), provision.NewMemoryStore()
			u := dir.has("id-1", "c@contoso.com")
			_, err := store.Reserve(t.Context(), provision.Record{Key: contractor().Key(), ImmutableID: "id-1",
				UPN: u.UserPrincipalName, ObjectID: u.ObjectID, CreatedAt: time.Now().Add(time.Hour)})
			require.NoError(t, err)
			began := time.Now()
			_, err = newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor())
			require.NoError(t, err)
			require.Equal(t, 15*time.Second, time.Since(began))
		})
	})
}

func TestABudgetThatRunsOutIsNotReadyAndTheNextRunContinues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, began := newTenant(), time.Now()
		dir.lag = 150 * time.Second
		p := newProvisioner(t, config(dir, nil))
		_, err := p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrNotReady)
		require.NotErrorIs(t, err, provision.ErrNotFound, "one sentinel only")
		requireStep(t, err, provision.StepSettle)
		var failure *provision.Error
		require.ErrorAs(t, err, &failure)
		_, again := failure.RetryAfter()
		require.True(t, again)
		require.LessOrEqual(t, time.Since(began), 2*time.Minute)

		account, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		oneAccount(t, dir, account)
		require.Equal(t, 1, dir.count("CreateUser"))
	})
}

func TestAnotherAccountUnderTheImmutableIDIsNeverReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		u := dir.has("id-1", "c@contoso.com")
		person := contractor()
		person.ImmutableID = "id-1"
		dir.visible = func(*tenantUser) bool {
			u.ImmutableID = map[bool]string{true: "ID-1", false: "id-1"}[dirCalls(dir) > 1]
			return true
		}
		_, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), person)
		require.ErrorIs(t, err, provision.ErrConflict)
	})
}

// dirCalls is for hooks that run while the tenant is locked.
func dirCalls(dir *tenant) int { return len(dir.calls) }
