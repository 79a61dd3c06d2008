package provision_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/entrafed/entrafed/internal/telemetry"
	"github.com/entrafed/entrafed/provision"
)

// traced is a configuration whose spans are kept.
func traced(c provision.Config) (provision.Config, *telemetry.Spans) {
	spans := new(telemetry.Spans)
	c.TracerProvider = spans
	return c, spans
}

// inSpan is a caller's context that is in a span of the caller's.
func inSpan(t *testing.T, spans *telemetry.Spans, name string) (context.Context, trace.SpanContext) {
	t.Helper()
	ctx, span := spans.Tracer("host").Start(t.Context(), name)
	return ctx, span.SpanContext()
}

// only is the one span of a name.
func only(t *testing.T, spans *telemetry.Spans, name string) *telemetry.Span {
	t.Helper()
	named := spans.Named(name)
	require.Len(t, named, 1, name)
	return named[0]
}

// nameAndOutcome describes a span by what became of it.
func nameAndOutcome(s *telemetry.Span) string {
	text := s.Name()
	for _, key := range []string{"entrafed.outcome", "error.type"} {
		if value := s.Attribute(key); value != "" {
			text += " " + value
		}
	}
	return text
}

// requireEnded requires that every span that the pipeline began has ended.
func requireEnded(t *testing.T, spans *telemetry.Spans) {
	t.Helper()
	for _, s := range spans.All() {
		if s.Name() != "page" {
			require.True(t, s.Ended(), s.Name())
		}
	}
}

func TestTheSpansOfANewPersonAreATree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, spans := traced(licensed(config(newTenant(), nil), standardSKU))
		ctx, _ := inSpan(t, spans, "page")
		_, err := newProvisioner(t, c).Ensure(ctx, contractor())
		require.NoError(t, err)
		require.Equal(t, strings.TrimLeft(`
page
  provision ensure created
    step select done
    step known skipped
    step token skipped
    step reserve done
      directory SKUs
    step create done
      directory FindUser
      directory CreateUser
    step license done
      directory FindUser
      directory ChangeLicenses
    step settle done
      directory FindUser
      directory FindUser
      directory FindUser
`, "\n"), spans.Tree(nameAndOutcome))
		requireEnded(t, spans)
		require.Equal(t, 15*time.Second, only(t, spans, "provision ensure").Duration())
		require.Equal(t, 15*time.Second, only(t, spans, "step settle").Duration())
		require.Equal(t, trace.SpanKindClient, only(t, spans, "directory CreateUser").Kind())
	})
}

func TestTheRunsSpanSaysHowItEnded(t *testing.T) {
	t.Parallel()
	ensure := func(ctx context.Context, p *provision.Provisioner) error {
		_, err := p.Ensure(ctx, contractor())
		return err
	}
	twice := func(ctx context.Context, p *provision.Provisioner) error {
		return errors.Join(ensure(ctx, p), ensure(ctx, p))
	}
	for name, tc := range map[string]struct {
		prepare func(dir *tenant, c *provision.Config)
		do      func(ctx context.Context, p *provision.Provisioner) error
		want    string // outcome, error.type, last step
	}{
		"a new person":    {nil, ensure, "created  settle"},
		"a ready person":  {nil, twice, "known  known"},
		"a sync's person": {func(_ *tenant, c *provision.Config) { c.Rules.SkipConnections = []string{"google"} }, ensure, "refused invalid-person select"},
		"an account there": {func(dir *tenant, _ *provision.Config) {
			dir.has(provision.ImmutableIDFromSubject("google", "104"), "x@contoso.com")
		}, ensure, "adopted  settle"},
		"no permission":    {func(dir *tenant, _ *provision.Config) { dir.always("CreateUser", fault{err: status(403)}) }, ensure, "failed forbidden create"},
		"a bad credential": {func(dir *tenant, _ *provision.Config) { dir.always("CreateUser", fault{err: status(401)}) }, ensure, "failed unauthorized create"},
		"throttling":       {func(dir *tenant, _ *provision.Config) { dir.always("CreateUser", fault{err: throttled(time.Minute)}) }, ensure, "failed throttled create"},
		"failures":         {func(dir *tenant, _ *provision.Config) { dir.always("CreateUser", fault{err: status(503)}) }, ensure, "failed unavailable create"},
		"a slow replica":   {func(dir *tenant, _ *provision.Config) { dir.lag = time.Hour }, ensure, "failed not-ready settle"},
		"no seat":          {func(dir *tenant, c *provision.Config) { dir.skus = nil; *c = licensed(*c, standardSKU) }, ensure, "failed no-license license"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				c, spans := traced(config(dir, nil))
				if tc.prepare != nil {
					tc.prepare(dir, &c)
				}
				err := tc.do(t.Context(), newProvisioner(t, c))
				runs := spans.Named("provision ensure")
				last := runs[len(runs)-1]
				require.Equal(t, tc.want, fmt.Sprintf("%s %s %s", last.Attribute("entrafed.outcome"),
					last.Attribute("error.type"), last.Attribute("entrafed.step")))
				code, description := last.Status()
				require.Equal(t, err != nil, code == codes.Error)
				require.Equal(t, last.Attribute("error.type"), description, "and no text of the error")
				requireEnded(t, spans)
			})
		})
	}
}

func TestEveryErrandHasASpanOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newLeavingTenant()
		c, spans := traced(leavingConfig(dir, nil))
		p := newProvisioner(t, c)
		account, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		time.Sleep(2 * time.Hour)
		require.NoError(t, p.SwapLicenses(t.Context(), contractor().Key()))
		require.NoError(t, p.Retire(t.Context(), contractor().Key(), provision.Leaving{Delete: true}))
		require.NoError(t, p.Restore(t.Context(), contractor()))
		for _, errand := range []string{"ensure", "swap-licenses", "retire", "restore"} {
			run := only(t, spans, "provision "+errand)
			require.Equal(t, errand, run.Attribute("entrafed.errand"))
			require.Equal(t, "google", run.Attribute("entrafed.connection"))
			require.Equal(t, account.ObjectID, run.Attribute("entrafed.object_id"))
			require.False(t, run.Parent().IsValid())
		}
		require.Equal(t, "done", only(t, spans, "provision retire").Attribute("entrafed.outcome"))
		require.Equal(t, only(t, spans, "provision retire").SpanContext(), only(t, spans, "step block").Parent())
		require.Equal(t, only(t, spans, "provision restore").SpanContext(), only(t, spans, "step enable").Parent())
		require.Equal(t, only(t, spans, "step delete").SpanContext(), only(t, spans, "directory DeleteUser").Parent())
		requireEnded(t, spans)
	})
}

func TestARunIsTheFirstCallersAndLinkedToWhoJoins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, spans := traced(config(newTenant(), nil))
		p := newProvisioner(t, c)
		var all sync.WaitGroup
		var callers []trace.SpanContext
		for range 3 {
			ctx, caller := inSpan(t, spans, "page")
			callers = append(callers, caller)
			all.Go(func() {
				_, err := p.Ensure(ctx, contractor())
				require.NoError(t, err)
			})
			synctest.Wait()
		}
		all.Wait()
		run := only(t, spans, "provision ensure")
		require.Equal(t, callers[0], run.Parent())
		require.Equal(t, callers[0].TraceID(), run.SpanContext().TraceID())
		require.Equal(t, callers[1:], run.Links())
	})
}

func TestSpansEndWhenSomethingPanics(t *testing.T) {
	t.Parallel()
	broken := func(context.Context) { panic("contractor@example.net") }
	for name, tc := range map[string]struct {
		prepare func(dir *tenant, c *provision.Config)
		failed  []string
	}{
		"a step of the host's": {func(_ *tenant, c *provision.Config) {
			c.Extra = []provision.Step{ownStep{"crm", func(ctx context.Context, _ provision.Person, _ provision.Account) error {
				broken(ctx)
				return nil
			}}}
		}, []string{"step crm", "provision ensure"}},
		"a call to the directory": {func(dir *tenant, _ *provision.Config) { dir.next("CreateUser", fault{before: broken}) },
			[]string{"directory CreateUser", "step create", "provision ensure"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				c, spans := traced(config(dir, nil))
				tc.prepare(dir, &c)
				_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
				require.ErrorContains(t, err, "panic")
				for _, name := range tc.failed {
					code, description := only(t, spans, name).Status()
					require.Equal(t, codes.Error, code, name)
					require.Equal(t, "internal", description, name)
				}
				requireEnded(t, spans)
				require.NotContains(t, spans.Text(), "contractor@example.net")
			})
		})
	}
}

func TestARunThatEverybodyLeftIsCanceledInItsSpan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.lag = time.Hour
		c, spans := traced(config(dir, nil))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err := newProvisioner(t, c).Ensure(ctx, contractor())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		for _, name := range []string{"step settle", "provision ensure"} {
			require.Equal(t, "canceled", only(t, spans, name).Attribute("error.type"))
			require.Equal(t, 20*time.Second, spans.Named("provision ensure")[0].Duration())
		}
		requireEnded(t, spans)
	})
}

func TestTheSpanOfACallSaysWhatTheDirectoryAnswered(t *testing.T) {
	t.Parallel()
	said := func(status int, id string, load float64) func(context.Context) {
		return func(ctx context.Context) {
			trace := provision.CallTraceOf(ctx)
			trace.Status, trace.RequestID, trace.Load = status, id, load
		}
	}
	refused := status(503)
	refused.RequestID = "4b0e9a6e-0000"
	for name, tc := range map[string]struct {
		fault fault
		want  map[string]string
	}{
		"a success": {fault{before: said(201, "7f-1", .85)}, map[string]string{
			"http.response.status_code": "201", "azure.service.request.id": "7f-1", "entrafed.load": "0.85"}},
		"a directory that says nothing": {fault{}, map[string]string{}},
		"a failure": {fault{err: refused}, map[string]string{
			"http.response.status_code": "503", "azure.service.request.id": "4b0e9a6e-0000", "error.type": "503"}},
		"no answer": {fault{err: dropped()}, map[string]string{"error.type": "unavailable"}},
		"a request-id that is none": {fault{before: said(201, "contractor@example.net", 0)}, map[string]string{
			"http.response.status_code": "201"}},
		"a request-id without an end": {fault{before: said(201, strings.Repeat("a", 65), 0)}, map[string]string{
			"http.response.status_code": "201"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				dir.next("CreateUser", tc.fault)
				c, spans := traced(config(dir, nil))
				_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
				require.NoError(t, err)
				call := spans.Named("directory CreateUser")[0]
				for key, value := range map[string]string{"entrafed.operation": "CreateUser", "entrafed.attempt": "1",
					"entrafed.priority": "high", "entrafed.turn.wait": "0"} {
					tc.want[key] = value
				}
				require.Len(t, call.Keys(), len(tc.want), "%v", call.Keys())
				for key, value := range tc.want {
					require.Equal(t, value, call.Attribute(key), key)
				}
			})
		})
	}
}

func TestTheSpanOfACallSaysWhichAttemptItIsAndHowLongItWaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.next("CreateUser", fault{err: throttled(7 * time.Second)}, fault{err: dropped()})
		c, spans := traced(config(dir, nil))
		c.Rand = fixed(0)
		p := newProvisioner(t, c)
		_, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		var attempts []string
		for _, call := range spans.Named("directory CreateUser") {
			attempts = append(attempts, call.Attribute("entrafed.attempt")+" "+nameAndOutcome(call))
		}
		require.Equal(t, []string{"1 directory CreateUser 429", "2 directory CreateUser unavailable", "3 directory CreateUser"},
			attempts)
	})
	synctest.Test(t, func(t *testing.T) { // one write a second, and one at once
		c, spans := traced(config(newTenant(), nil))
		c.Pace = provision.Pace{WritesPerSecond: 1, WriteBurst: 1, Reserve: -1}
		p := newProvisioner(t, c)
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() { _, _ = p.Ensure(t.Context(), member(i)) })
		}
		all.Wait()
		var waits []string
		for _, call := range spans.Named("directory CreateUser") {
			waits = append(waits, call.Attribute("entrafed.turn.wait"))
		}
		require.Equal(t, []string{"0", "1", "2"}, waits)
	})
}

// fixed is randomness that is always the same byte.
type fixed byte

func (f fixed) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(f)
	}
	return len(b), nil
}

func TestNobodyThereIsNoFailedCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.lag = 16 * time.Second
		c, spans := traced(config(dir, nil))
		_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		look := spans.Named("directory FindUser")[0]
		code, _ := look.Status()
		require.Equal(t, codes.Unset, code)
		require.Equal(t, "404", look.Attribute("http.response.status_code"))
		require.Empty(t, look.Attribute("error.type"))
	})
}

func TestThePeopleOfABulkAreTracesOfTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newBatchTenant()
		c, spans := traced(config(dir, nil))
		ctx, page := inSpan(t, spans, "page")
		_, err := newProvisioner(t, c).EnsureAll(ctx, crowd(3), provision.Bulk{})
		require.NoError(t, err)

		bulk := only(t, spans, "provision bulk")
		require.Equal(t, page, bulk.Parent())
		require.Equal(t, "3", bulk.Attribute("entrafed.people"))
		require.Equal(t, "done", bulk.Attribute("entrafed.outcome"))
		runs := spans.Named("provision ensure")
		require.Len(t, runs, 3)
		for _, run := range runs {
			require.False(t, run.Parent().IsValid())
			require.NotEqual(t, bulk.SpanContext().TraceID(), run.SpanContext().TraceID())
			require.Equal(t, []trace.SpanContext{bulk.SpanContext()}, run.Links())
		}

		var steps []trace.SpanContext
		for _, step := range spans.Named("step create") {
			steps = append(steps, step.SpanContext())
		}
		shared := only(t, spans, "directory CreateUsers")
		require.Equal(t, "low", shared.Attribute("entrafed.priority"))
		require.ElementsMatch(t, steps, append(shared.Links(), shared.Parent()), "it names everybody whom it is for")
		requireEnded(t, spans)
	})
}

func TestAReconciliationIsASpanAndEverybodyLookedAtATraceOfTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newChangingTenant()
		c, spans := traced(config(dir, nil))
		p := newProvisioner(t, c)
		account, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		dir.edit(account.ObjectID, func(u *provision.User) { u.AccountEnabled, u.UserPrincipalName = false, "x@contoso.com" })
		_, err = p.Reconcile(t.Context(), provision.Reconciliation{Repair: always})
		require.NoError(t, err)

		round := only(t, spans, "provision reconcile")
		require.Equal(t, "1 2", round.Attribute("entrafed.people")+" "+round.Attribute("entrafed.drifts"))
		require.Equal(t, round.SpanContext(), only(t, spans, "directory UserChanges").Parent())
		look := only(t, spans, "reconcile person")
		require.False(t, look.Parent().IsValid())
		require.Equal(t, []trace.SpanContext{round.SpanContext()}, look.Links())
		require.Equal(t, `["upn","disabled"]`, look.Attribute("entrafed.drift.kind"))
		require.Equal(t, account.ObjectID, look.Attribute("entrafed.object_id"))
		repair := only(t, spans, "provision repair")
		require.Equal(t, look.SpanContext(), repair.Parent())
		require.Equal(t, "provision repair done", nameAndOutcome(repair))
		require.Equal(t, repair.SpanContext(), only(t, spans, "step reconcile").Parent())
		require.Equal(t, only(t, spans, "step reconcile").SpanContext(), only(t, spans, "directory UpdateUser").Parent())
		requireEnded(t, spans)

		dir.always("UserChanges", fault{err: status(403)})
		_, err = p.Reconcile(t.Context(), provision.Reconciliation{})
		require.ErrorIs(t, err, provision.ErrForbidden)
		failed := spans.Named("provision reconcile")[1]
		require.Equal(t, "provision reconcile failed forbidden", nameAndOutcome(failed))
	})
}

func TestTheHostsContextReachesTheDirectoryInTheCallsSpan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		var in trace.SpanContext
		dir.next("CreateUser", fault{before: func(ctx context.Context) { in = trace.SpanContextFromContext(ctx) }})
		c, spans := traced(config(dir, nil))
		_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, only(t, spans, "directory CreateUser").SpanContext(), in)
	})
}

func TestWithoutATracerTheCallersSpanIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		spans := new(telemetry.Spans)
		ctx, _ := inSpan(t, spans, "page")
		p := newProvisioner(t, config(newTenant(), nil))
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() { _, _ = p.Ensure(ctx, contractor()) })
		}
		all.Wait()
		require.Len(t, spans.All(), 1)
		page := only(t, spans, "page")
		require.Empty(t, page.Keys())
		require.Empty(t, page.Links())
		require.False(t, page.Ended())
	})
}
