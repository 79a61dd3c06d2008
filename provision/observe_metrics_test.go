package provision_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/entrafed/entrafed/internal/telemetry"
	"github.com/entrafed/entrafed/provision"
)

// metered is a configuration whose metrics are kept.
func metered(c provision.Config) (provision.Config, *telemetry.Metrics) {
	metrics := new(telemetry.Metrics)
	c.MeterProvider = metrics
	return c, metrics
}

// requirePoint requires that an instrument measured so often, and how much in all.
func requirePoint(t *testing.T, m *telemetry.Metrics, name string, count int, sum float64) {
	t.Helper()
	point, ok := m.Points()["entrafed.provision."+name]
	require.True(t, ok, "%s is none of:\n%s", name, m.Text())
	require.Equal(t, count, point.Count, name)
	require.InDelta(t, sum, point.Sum, .01, name)
}

func TestTheMetricsOfANewPerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.next("CreateUser", fault{err: throttled(7 * time.Second)}, fault{before: func(context.Context) { time.Sleep(time.Second) }})
		c, metrics := metered(licensed(config(dir, nil), standardSKU))
		p := newProvisioner(t, c)
		_, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		requirePoint(t, metrics, "runs{entrafed.errand=ensure entrafed.outcome=created}", 1, 1)
		requirePoint(t, metrics, "run.duration{entrafed.errand=ensure entrafed.outcome=created}", 1, 23)
		requirePoint(t, metrics, "step.duration{entrafed.outcome=done entrafed.step=create}", 1, 8)
		requirePoint(t, metrics, "step.duration{entrafed.outcome=skipped entrafed.step=token}", 1, 0)
		requirePoint(t, metrics, "directory.duration{entrafed.operation=CreateUser entrafed.status_class=429}", 1, 0)
		requirePoint(t, metrics, "directory.duration{entrafed.operation=CreateUser entrafed.status_class=2xx}", 1, 1)
		requirePoint(t, metrics, "retries{entrafed.reason=throttled entrafed.step=create}", 1, 1)
		requirePoint(t, metrics, "people{entrafed.errand=ensure}", 2, 0)

		_, err = p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		requirePoint(t, metrics, "runs{entrafed.errand=ensure entrafed.outcome=known}", 1, 1)
	})
}

func TestPeopleAreCountedWhileTheyAreWorkedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		c, metrics := metered(config(dir, nil))
		p := newProvisioner(t, c)
		for i := range 3 {
			go func() { _, _ = p.Ensure(t.Context(), member(i)) }()
		}
		synctest.Wait()
		requirePoint(t, metrics, "people{entrafed.errand=ensure}", 3, 3)
		time.Sleep(time.Minute)
		requirePoint(t, metrics, "people{entrafed.errand=ensure}", 6, 0)
	})
}

func TestAnswersAreCountedByTheirClass(t *testing.T) {
	t.Parallel()
	for class, answer := range map[string]error{
		"none": dropped(), "4xx": status(403), "429": throttled(time.Second), "5xx": status(503),
	} {
		synctest.Test(t, func(t *testing.T) {
			dir := newTenant()
			dir.next("CreateUser", fault{err: answer})
			c, metrics := metered(config(dir, nil))
			_, _ = newProvisioner(t, c).Ensure(t.Context(), contractor())
			point := metrics.Points()["entrafed.provision.directory.duration{entrafed.operation=CreateUser entrafed.status_class="+class+"}"]
			require.Equal(t, 1, point.Count, class)
		})
	}
}

func TestHowLongCallsWaitForTheirTurnIsMeasuredByPriority(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, metrics := metered(config(newTenant(), nil))
		c.Pace = provision.Pace{WritesPerSecond: .1, WriteBurst: 1, Reserve: -1}
		p := newProvisioner(t, c)
		for _, err := range ensureLow(t.Context(), p, hires(1)) {
			require.NoError(t, err)
		}
		_, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		low := metrics.Points()["entrafed.provision.turn.wait{entrafed.priority=low}"]
		high := metrics.Points()["entrafed.provision.turn.wait{entrafed.priority=high}"]
		require.Positive(t, low.Count)
		require.Zero(t, low.Sum, "the bucket was full")
		require.Positive(t, high.Count)
		for name := range metrics.Points() {
			require.NotContains(t, name, "retries", "who waits for a turn has not tried yet")
		}
	})
}

func TestDriftsAreCountedByKindAndByWhatBecameOfThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newChangingTenant()
		c, metrics := metered(config(dir, nil))
		p := newProvisioner(t, c)
		account, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		dir.edit(account.ObjectID, func(u *provision.User) {
			u.AccountEnabled, u.UserPrincipalName, u.ImmutableID = false, "x@contoso.com", "another"
		})
		dir.always("UpdateUser", fault{err: status(403)})
		_, err = p.Reconcile(t.Context(), provision.Reconciliation{Repair: func(d provision.Drift) bool {
			return d.Kind != provision.DriftImmutableID
		}})
		require.NoError(t, err)
		requirePoint(t, metrics, "drifts{entrafed.drift.kind=immutable-id entrafed.outcome=reported}", 1, 1)
		requirePoint(t, metrics, "drifts{entrafed.drift.kind=upn entrafed.outcome=repaired}", 1, 1)
		requirePoint(t, metrics, "drifts{entrafed.drift.kind=disabled entrafed.outcome=failed}", 1, 1)
		requirePoint(t, metrics, "runs{entrafed.errand=reconcile entrafed.outcome=done}", 1, 1)
	})
}

// mutePacer is a pacer that cannot say what is left.
type mutePacer struct{ provision.Pacer }

func TestWhatIsLeftOfThePaceIsShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		c, metrics := metered(config(dir, nil))
		c.Pace = provision.Pace{WritesPerSecond: 1, WriteBurst: 100}
		p := newProvisioner(t, c)
		left := func(writes int, share float64) {
			t.Helper()
			require.NoError(t, metrics.Collect(t.Context()))
			require.Equal(t, float64(writes), metrics.Points()["entrafed.provision.budget.writes{}"].Sum)
			require.InDelta(t, share, metrics.Points()["entrafed.provision.budget.share{}"].Sum, 1e-6)
		}
		left(100, 1)
		for i := range 40 {
			go func() { _, _ = p.Ensure(t.Context(), member(i)) }()
		}
		synctest.Wait()
		left(60, .6)
		time.Sleep(10 * time.Second)
		left(70, .7)
		dir.next("CreateUser", fault{err: throttled(time.Minute)})
		go func() { _, _ = p.Ensure(t.Context(), contractor()) }()
		synctest.Wait()
		left(0, 0)
		time.Sleep(10 * time.Minute)
		left(100, 1)
	})
	c, metrics := metered(config(newTenant(), nil))
	c.Pacer = mutePacer{newPacer(t, provision.Pace{})}
	newProvisioner(t, c)
	require.NoError(t, metrics.Collect(t.Context()))
	require.NotContains(t, strings.Join(metrics.Instruments(), " "), "budget")
}

// What there are values of does not grow with people, accounts or answers.
func TestMetricsHaveFewAttributes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newChangingTenant()
		draws := 0
		dir.chaos = func(method string) fault {
			if draws++; draws%5 == 0 && method == "CreateUser" {
				return fault{err: &provision.DirectoryError{Operation: fmt.Sprint(draws), Status: 400 + draws%150,
					Code: fmt.Sprint(draws), Message: fmt.Sprint(draws), RequestID: fmt.Sprint(draws)}}
			}
			return fault{}
		}
		c, metrics := metered(config(dir, nil))
		p := newProvisioner(t, c)
		sizes := []int{}
		for _, n := range []int{200, 400} {
			_, err := p.EnsureAll(t.Context(), crowd(n), provision.Bulk{StopAfter: -1})
			require.NoError(t, err)
			sizes = append(sizes, len(metrics.Points()))
		}
		require.InDelta(t, sizes[0], sizes[1], 5, "%s", metrics.Text())
		require.Less(t, sizes[1], 60)
		for name := range metrics.Points() {
			require.NotRegexp(t, `m0|contoso|00000000`, name)
		}
	})
}

func TestEveryInstrumentAndAttributeIsDocumented(t *testing.T) {
	t.Parallel()
	text := packageDoc(t)
	require.Contains(t, text, "# Observing")
	synctest.Test(t, func(t *testing.T) {
		dir := newChangingTenant()
		dir.next("CreateUser", fault{err: throttled(time.Second)})
		c, metrics := metered(config(dir, nil))
		c, spans := traced(c)
		p := newProvisioner(t, c)
		account, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		dir.remove(account.ObjectID)
		_, err = p.Reconcile(t.Context(), provision.Reconciliation{})
		require.NoError(t, err)
		require.NoError(t, metrics.Collect(t.Context()))

		require.Len(t, metrics.Instruments(), 10)
		for _, name := range metrics.Instruments() {
			require.Contains(t, text, "\n\t"+strings.TrimPrefix(name, "entrafed.provision.")+" ")
		}
		var keys []string
		for _, span := range spans.All() {
			keys = append(keys, span.Keys()...)
		}
		for _, point := range metrics.Points() {
			for _, a := range point.Attributes.ToSlice() {
				keys = append(keys, string(a.Key))
			}
		}
		slices.Sort(keys)
		for _, key := range slices.Compact(keys) {
			require.Contains(t, text, "\n\t"+key+" ")
		}
	})
}

// brokenMeters is a MeterProvider that makes no counters.
type brokenMeters struct{ embedded.MeterProvider }

func (brokenMeters) Meter(string, ...metric.MeterOption) metric.Meter { return brokenMeter{} }

type brokenMeter struct{ noop.Meter }

func (brokenMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return noop.Int64Counter{}, errors.New("no such instrument")
}

func TestAMeterProviderThatRefusesIsABadConfiguration(t *testing.T) {
	t.Parallel()
	c := config(newTenant(), nil)
	c.MeterProvider = brokenMeters{}
	_, err := provision.New(c)
	require.ErrorContains(t, err, "Config.MeterProvider: no such instrument")
}
