package msgraph_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

// refused counts the calls that the tenant answered with 429 after a time, and that no fault made it answer so.
func (w *world) refused(after time.Time) (n int) {
	for _, call := range w.calls("", "") {
		if call.Status == http.StatusTooManyRequests && !call.Fault && call.Time.After(after) {
			n++
		}
	}
	return n
}

// everybodyOnce requires that each of the n contractors has one account, with these subscriptions.
func (w *world) everybodyOnce(n int, skuIDs ...string) {
	w.Helper()
	w.calm()
	byID := map[string]entratest.User{}
	for _, user := range w.entra.Users() {
		require.NotContains(w, byID, user.ImmutableID)
		byID[user.ImmutableID] = user
	}
	require.Len(w, byID, n)
	for i := range n {
		rec := w.record(contractor(i))
		user := byID[rec.ImmutableID]
		require.Equal(w, rec.ObjectID, user.ObjectID)
		require.Equal(w, rec.UPN, user.UPN)
		require.ElementsMatch(w, skuIDs, user.SKUIDs, user.UPN)
	}
	require.Empty(w, w.entra.DeletedUsers())
}

// A bulk of 500 in a tenant that allows a tenth of what tenants allow, loses answers and drops connections.
func TestPipelineABulkInATenantThatThrottles(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it provisions 500 people")
	}
	const people = 500
	scale := 0.1 // 300 writes in 150 seconds, 350 resource units in 10
	for name, test := range map[string]struct {
		pace    provision.Pace
		learned time.Duration // from when on the tenant has said what it allows
		refused int           // one of so many calls at most is refused after that
	}{
		"by a pace that fits": {
			provision.Pace{WritesPerSecond: 1.7, WriteBurst: 255, UnitsPerSecond: 29, UnitBurst: 290}, 0, 100,
		},
		"by a pace that is ten times too fast": {provision.Pace{}, time.Minute, 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := subscriptions(people, people, people)
			cfg.Throttle = entratest.Throttle{Scale: scale, Size: entratest.TenantSmall}
			config := licensing(provision.License{Group: "staff"}, provision.License{SKU: "SPE_E3"})
			config.Pace = test.pace
			inWorlds(t, 1, cfg, config, func(w *world) {
				for i := range 20 {
					for _, f := range []entratest.Fault{
						{Method: "POST", Path: "/v1.0/users", Status: 504, AfterCommit: true, Skip: 20 * i},
						{Method: "POST", Path: "/v1.0/$batch", Drop: true, AfterCommit: true, Skip: 2 * i},
						{Method: "PATCH", Path: "/v1.0/groups/*", Drop: true, AfterCommit: true, Skip: 3 * i},
						{Method: "POST", Path: "/v1.0/users/*/assignLicense", Status: 504, AfterCommit: true, Skip: 25 * i},
						{Method: "GET", Path: "/v1.0/users/*", Drop: true, Skip: 50 * i},
					} {
						w.entra.Inject(f)
					}
				}
				began := time.Now()
				report, err := w.EnsureAll(w.Context(), contractors(people), provision.Bulk{Budget: 2 * time.Hour})
				require.NoError(w, err)
				require.Zero(w, report.Failed(), "%v", report.Reasons)
				require.Equal(w, people, report.Next)
				took := time.Since(began)
				w.Logf("%d calls, %d of them refused, in %v", len(w.calls("", "")), w.refused(began), took)
				require.Less(w, took, 40*time.Minute)
				require.LessOrEqual(w, w.refused(began.Add(test.learned)), len(w.calls("", ""))/test.refused)
				w.everybodyOnce(people, premium, standard)

				calls := len(w.calls("", ""))
				report, err = w.EnsureAll(w.Context(), contractors(people), provision.Bulk{})
				require.NoError(w, err)
				require.Equal(w, people, report.Outcomes[provision.BulkKnown])
				require.Len(w, w.calls("", ""), calls)
			})
		})
	}
}

// A person who signs in during a bulk does not wait for it.
func TestPipelineASignInDuringABulk(t *testing.T) {
	t.Parallel()
	cfg := subscriptions(1000, 1000, 1000)
	cfg.Throttle = entratest.Throttle{Scale: 0.1, Size: entratest.TenantSmall}
	config := licensing(give("SPE_E3")...)
	config.Pace = provision.Pace{WritesPerSecond: 1.7, WriteBurst: 255, UnitsPerSecond: 29, UnitBurst: 290}
	inWorld(t, cfg, config, func(w *world) {
		const people = 200
		w.together(2, func(i int) {
			if i == 0 {
				report, err := w.EnsureAll(w.Context(), contractors(people), provision.Bulk{Budget: time.Hour})
				require.NoError(w, err)
				require.Zero(w, report.Failed(), "%v", report.Reasons)
				return
			}
			time.Sleep(time.Minute)
			for _, who := range []int{people, people - 1} { // nobody of the bulk, and its last one
				began := time.Now()
				w.ensure(contractor(who))
				require.Less(w, time.Since(began), 90*time.Second)
			}
		})
		w.everybodyOnce(people+1, standard)
	})
}

// The tenant wants silence for ten minutes: a bulk keeps it, and somebody who signs in is told at once.
func TestPipelineARetryAfterOfTenMinutes(t *testing.T) {
	t.Parallel()
	const silence = 10 * time.Minute
	throttled := entratest.Fault{
		Method: "POST", Path: "/v1.0/users", Status: http.StatusTooManyRequests, RetryAfter: "600",
	}
	t.Run("in a bulk", func(t *testing.T) {
		t.Parallel()
		inWorld(t, subscriptions(50, 50, 50), licensing(give("SPE_E3")...), func(w *world) {
			fault := throttled
			fault.Skip = 7
			w.entra.Inject(fault)
			report, err := w.EnsureAll(w.Context(), contractors(30), provision.Bulk{})
			require.NoError(w, err)
			require.Zero(w, report.Failed(), "%v", report.Reasons)
			w.everybodyOnce(30, standard)

			var refusedAt time.Time
			for _, call := range w.calls("", "") {
				if call.Fault {
					refusedAt = call.Time
				}
			}
			for _, call := range w.calls("", "") {
				if call.Time.After(refusedAt.Add(latency)) { // but for what was on its way
					require.GreaterOrEqual(w, call.Time.Sub(refusedAt), silence, "%s %s", call.Method, call.Path)
				}
			}
		})
	})
	t.Run("in a sign-in", func(t *testing.T) {
		t.Parallel()
		inWorld(t, subscriptions(5, 5, 5), licensing(give("SPE_E3")...), func(w *world) {
			w.entra.Inject(throttled)
			began := time.Now()
			_, err := w.Ensure(w.Context(), contractor(1))
			require.ErrorIs(w, err, provision.ErrThrottled)
			require.Less(w, time.Since(began), 2*time.Second)
			var failure *provision.Error
			require.True(w, errors.As(err, &failure))
			after, again := failure.RetryAfter()
			require.True(w, again)
			require.Equal(w, silence, after)

			calls := len(w.calls("", ""))
			began = time.Now()
			_, err = w.Ensure(w.Context(), contractor(2))
			require.ErrorIs(w, err, provision.ErrThrottled, "everybody keeps the silence")
			require.Less(w, time.Since(began), 2*time.Second)
			require.Len(w, w.calls("", ""), calls)

			time.Sleep(silence)
			w.ensure(contractor(1))
			w.ensure(contractor(2))
		})
	})
}
