package federation_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

// shape is a kind of plan.
type shape struct {
	name  string
	begin func() *tenant
	plan  func(t *testing.T, dir *tenant) *federation.Plan

	// configuration, nil for none, and isDefault are how contoso.com must be in the end.
	configuration *federation.Configuration
	isDefault     bool
}

// shapes are all kinds of plan.
func shapes(t *testing.T) []shape {
	t.Helper()
	first, second := newCertificate(t, "first"), newCertificate(t, "second")
	one, other := configured(first), configured(first)
	other.IssuerURI, other.SigningCertificate = "https://other.example.net", bare(second)
	other.PromptLogin, other.NextSigningCertificate = federation.NativePrompt, bare(first)
	restored := one
	restored.PromptLogin = federation.TranslatePrompt // what was not set is what Entra took for it

	federated := func() *tenant { return newTenant().federated("contoso.com", one) }
	asDefault := func() *tenant {
		dir := newTenant()
		dir.domains["contoso.com"].IsDefault, dir.domains["contoso.onmicrosoft.com"].IsDefault = true, false
		return dir
	}
	child := func() *tenant {
		dir := newTenant().with(federation.Domain{Name: "example.com", IsRoot: true, IsVerified: true})
		dir.domains["contoso.com"].IsRoot = false
		dir.domains["contoso.com"].AuthenticationType = federation.Federated
		return dir
	}
	return []shape{
		{"create", newTenant, func(t *testing.T, dir *tenant) *federation.Plan {
			return planned(t, dir, federation.PurposeFederate, "contoso.com", creating("contoso.com", one))
		}, &one, false},
		{"change", federated, func(t *testing.T, dir *tenant) *federation.Plan {
			return planned(t, dir, federation.PurposeFederate, "contoso.com", changing("contoso.com", "configuration-1", properties(other)))
		}, &other, false},
		{"change in two steps", federated, func(t *testing.T, dir *tenant) *federation.Plan {
			return planned(t, dir, federation.PurposeRotate, "contoso.com",
				changing("contoso.com", "configuration-1", federation.Properties{"nextSigningCertificate": bare(first)}),
				changing("contoso.com", "configuration-1", properties(other)))
		}, &other, false},
		{"default, then create", asDefault, func(t *testing.T, dir *tenant) *federation.Plan {
			return planned(t, dir, federation.PurposeFederate, "contoso.com",
				makingDefault("contoso.onmicrosoft.com"), creating("contoso.com", one))
		}, &one, false},
		{"default, create, change", asDefault, func(t *testing.T, dir *tenant) *federation.Plan {
			return planned(t, dir, federation.PurposeFederate, "contoso.com",
				makingDefault("contoso.onmicrosoft.com"), creating("contoso.com", one), changing("contoso.com", "", properties(other)))
		}, &other, false},
		{"delete", federated, func(t *testing.T, dir *tenant) *federation.Plan {
			return planned(t, dir, federation.PurposeRevert, "contoso.com", deleting("contoso.com", "configuration-1"))
		}, nil, false},
		{"delete, then default", federated, func(t *testing.T, dir *tenant) *federation.Plan {
			return planned(t, dir, federation.PurposeRevert, "contoso.com",
				deleting("contoso.com", "configuration-1"), makingDefault("contoso.com"))
		}, nil, true},
		{"delete, then create", federated, func(t *testing.T, dir *tenant) *federation.Plan {
			return planned(t, dir, federation.PurposeRevert, "contoso.com",
				deleting("contoso.com", "configuration-1"), creating("contoso.com", other))
		}, &other, false},
		{"make default", newTenant, func(t *testing.T, dir *tenant) *federation.Plan {
			return planned(t, dir, federation.PurposeMakeDefault, "contoso.com", makingDefault("contoso.com"))
		}, nil, true},
		{"promote", child, func(t *testing.T, dir *tenant) *federation.Plan {
			return planned(t, dir, federation.PurposePromote, "contoso.com", promoting("contoso.com"))
		}, nil, false},
		{"promote, then create", child, func(t *testing.T, dir *tenant) *federation.Plan {
			return planned(t, dir, federation.PurposePromote, "contoso.com", promoting("contoso.com"), creating("contoso.com", one))
		}, &one, false},
		{"back to the federation before", federated, func(t *testing.T, dir *tenant) *federation.Plan {
			w := newWorld(t, dir)
			there := planned(t, dir, federation.PurposeFederate, "contoso.com", changing("contoso.com", "configuration-1", properties(other)))
			there.ID = "a plan before"
			_, err := w.fed.Apply(t.Context(), there, nil)
			require.NoError(t, err)
			dir.writes = nil
			plan, err := w.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com", Undo: there.ID})
			require.NoError(t, err)
			require.NotEmpty(t, plan.Writes)
			return plan
		}, &restored, false},
	}
}

// atWrite does something after the write with this number is done, and before anybody knows it. Once.
func atWrite(k int, do func()) func(string) error {
	written := 0
	return func(string) error {
		if written++; written == k+1 {
			do()
		}
		return nil
	}
}

// isWrite reports whether the call changes something.
func isWrite(call string) bool {
	return beginsWith(call, "create ", "change ", "delete ", "promote ", "add ", "remove ")
}

// beforeWrite does something before the write with this number is made.
func beforeWrite(k int, do func(call string) error) func(string) error {
	asked := 0
	return func(call string) error {
		if !isWrite(call) {
			return nil
		}
		if asked++; asked == k+1 {
			return do(call)
		}
		return nil
	}
}

// interruptions are the ways in which Apply ends early, at the write with number k.
var interruptions = map[string]func(w *world, k int, cancel context.CancelFunc){
	"killed before the write": func(w *world, k int, _ context.CancelFunc) {
		w.refuse = beforeWrite(k, func(string) error { panic("killed") })
	},
	"killed after the write": func(w *world, k int, _ context.CancelFunc) {
		w.lose = atWrite(k, func() { panic("killed") })
	},
	"killed in the read after the write": func(w *world, k int, _ context.CancelFunc) {
		written := false
		w.lose = atWrite(k, func() { written = true })
		w.refuse = func(string) error {
			if written {
				panic("killed")
			}
			return nil
		}
	},
	"cancelled before the write": func(w *world, k int, cancel context.CancelFunc) {
		w.refuse = beforeWrite(k, func(string) error { cancel(); return context.Canceled })
	},
	"cancelled during the write": func(w *world, k int, cancel context.CancelFunc) {
		w.lose = atWrite(k, cancel)
	},
	"cancelled during the write, whose answer is lost": func(w *world, k int, cancel context.CancelFunc) {
		written := 0
		w.lose = func(call string) error {
			if written++; written == k+1 {
				cancel()
				return noAnswer(call)
			}
			return nil
		}
	},
	"refused for want of a permission": func(w *world, k int, _ context.CancelFunc) {
		w.refuse = beforeWrite(k, func(call string) error { return answer(call, 403, "Authorization_RequestDenied", "no") })
	},
}

// runs are the directories that a plan is run with: one that shows everything at once, one whose configurations are read
// late, and one whose reads are all late.
var runs = map[string]func(*tenant) federation.Directory{
	"no lag":             func(dir *tenant) federation.Directory { return dir },
	"late configuration": func(dir *tenant) federation.Directory { dir.lag = 3; return dir },
	"late reads":         func(dir *tenant) federation.Directory { return newReplica(dir, 3) },
}

// However Apply ends at whichever write, another process that applies the same plan brings the tenant into the state that
// the plan leads to. Each write is made once. Only a read that is late may lead to one that is made again, and then only to
// one that changes nothing the second time: a federation is never created twice.
func TestAPlanThatIsStoppedAnywhereIsFinishedByTheNextRun(t *testing.T) {
	t.Parallel()
	for _, shape := range shapes(t) {
		for lag, directory := range runs {
			for how, interrupt := range interruptions {
				writes := len(shape.plan(t, shape.begin()).Writes)
				for k := range writes {
					t.Run(fmt.Sprintf("%s/%s/%s %d", shape.name, lag, how, k+1), func(t *testing.T) {
						t.Parallel()
						dir := shape.begin()
						plan := shape.plan(t, dir)
						w := newWorld(t, dir)
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						interrupt(w, k, cancel)
						reads := directory(dir)

						applyKilled(ctx, w.federator(t, reads), plan)
						require.LessOrEqual(t, len(dir.writes), k+1, "what was stopped goes no further")
						dir.refuse, dir.lose = nil, nil
						if again, late := reads.(*replica); late {
							reads = again.tenantAgain()
						}

						outcome, err := w.federator(t, reads).Apply(t.Context(), asStored(t, plan), nil)
						require.NoError(t, err)
						requireEnd(t, shape, dir, plan, outcome)
						requireOnce(t, dir.writes, plan, lag != "no lag")

						third, err := w.federator(t, reads).Apply(t.Context(), asStored(t, plan), nil)
						require.NoError(t, err, "a third run finds nothing to do")
						require.Equal(t, outcome.Done, third.Done)
						requireEnd(t, shape, dir, plan, third)
					})
				}
			}
		}
	}
}

// applyKilled applies a plan in a process that may be killed.
func applyKilled(ctx context.Context, fed *federation.Federator, plan *federation.Plan) {
	defer func() { _ = recover() }()
	_, _ = fed.Apply(ctx, plan, nil)
}

// tenantAgain is the replica, with the tenant's own behaviour put back.
func (r *replica) tenantAgain() *replica {
	again := newReplica(r.tenant, r.lag)
	again.left, again.domains, again.configurations = r.left, r.domains, r.configurations
	return again
}

func requireEnd(t *testing.T, shape shape, dir *tenant, plan *federation.Plan, outcome federation.Outcome) {
	t.Helper()
	require.Equal(t, len(plan.Writes), outcome.Done)
	require.Equal(t, plan.ID, outcome.Undo)
	require.Equal(t, shape.configuration, withoutID(dir.configurations["contoso.com"]))
	require.Equal(t, shape.configuration, withoutID(outcome.State.Configuration))
	require.Equal(t, shape.isDefault, dir.domains["contoso.com"].IsDefault)
	require.True(t, dir.domains["contoso.com"].IsRoot)
	expected := federation.Managed
	if shape.configuration != nil {
		expected = federation.Federated
	}
	require.Equal(t, expected, dir.domains["contoso.com"].AuthenticationType)
}

// requireOnce has each of the plan's writes in its order, once. Where reads are late, one that changes nothing the second
// time may be there again.
func requireOnce(t *testing.T, made []string, plan *federation.Plan, late bool) {
	t.Helper()
	var expected []string
	for _, w := range plan.Writes {
		expected = append(expected, string(w.Operation)+" "+w.Domain)
	}
	if !late {
		require.Equal(t, expected, made)
		return
	}
	require.Subset(t, expected, made, "nothing else is written")
	require.Subset(t, made, expected, "all of it is written")
	times := map[string]int{}
	for _, call := range made {
		times[call]++
		if beginsWith(call, "create ", "delete ") {
			require.Equal(t, 1, times[call], "%s is there again in %v", call, made)
		}
	}
}

// A write whose answer is lost, or that the server fails at, is looked up, and the run goes on by itself.
func TestAWriteWhoseAnswerIsLostIsLookedUp(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(string) error{"no answer": noAnswer, "a failure of the server": unavailable} {
		for _, shape := range shapes(t) {
			for lag, directory := range runs {
				t.Run(fmt.Sprintf("%s/%s/%s", name, shape.name, lag), func(t *testing.T) {
					t.Parallel()
					dir := shape.begin()
					plan := shape.plan(t, dir)
					dir.lose = fail // of every write
					w := newWorld(t, dir)
					outcome, err := w.federator(t, directory(dir)).Apply(t.Context(), plan, nil)
					require.NoError(t, err)
					requireEnd(t, shape, dir, plan, outcome)
					requireOnce(t, dir.writes, plan, false)
				})
			}
		}
	}
}

// A write that the server fails at, and that was clearly not done, is made once more.
func TestAWriteThatWasNotDoneIsMadeOnceMore(t *testing.T) {
	t.Parallel()
	for _, shape := range shapes(t) {
		for k := range shape.plan(t, shape.begin()).Writes {
			t.Run(fmt.Sprintf("%s %d", shape.name, k+1), func(t *testing.T) {
				t.Parallel()
				dir := shape.begin()
				plan := shape.plan(t, dir)
				dir.refuse = beforeWrite(k, unavailable)
				w := newWorld(t, dir)
				outcome, err := w.fed.Apply(t.Context(), plan, nil)
				require.NoError(t, err)
				requireEnd(t, shape, dir, plan, outcome)
				requireOnce(t, dir.writes, plan, false)
			})
		}
	}
}

// A tenant that throttles a write has not done it.
func TestAThrottledWriteIsMadeAgain(t *testing.T) {
	t.Parallel()
	for _, shape := range shapes(t) {
		t.Run(shape.name, func(t *testing.T) {
			t.Parallel()
			dir := shape.begin()
			plan := shape.plan(t, dir)
			dir.refuse = beforeWrite(0, func(call string) error { return answer(call, 429, "TooManyRequests", "slow down") })
			w := newWorld(t, dir)
			outcome, err := w.fed.Apply(t.Context(), plan, nil)
			require.NoError(t, err)
			requireEnd(t, shape, dir, plan, outcome)
			requireOnce(t, dir.writes, plan, false)
		})
	}
}

func TestAContextThatEndsDuringAWriteLetsItFinish(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	w := newWorld(t, dir)
	c := configured(newCertificate(t, "first"))
	plan := planned(t, dir, federation.PurposeFederate, "contoso.com",
		creating("contoso.com", c), changing("contoso.com", "", federation.Properties{"displayName": "Contoso"}))
	ctx, cancel := context.WithCancel(t.Context())
	fed, err := federation.New(federation.Config{
		Directory: heeds{dir, cancel}, Discovery: dir, Now: w.clock.Now, Sleep: w.clock.Sleep,
		Store: saving(func(ctx context.Context, save func() error) error { return errors.Join(ctx.Err(), save()) }, w.store),
	})
	require.NoError(t, err)

	outcome, err := fed.Apply(ctx, plan, nil)
	require.ErrorIs(t, err, context.Canceled)
	require.EqualError(t, err, "federation: stopped with 1 of 2 writes done; contoso.com is federated with "+
		"https://id.contoso.com/entra/contoso.com (configuration configuration-1). Apply the plan again to go on: context canceled")
	require.Equal(t, []string{"create configuration contoso.com"}, dir.writes, "once, at the first attempt")
	require.Equal(t, 1, outcome.Done)
	require.Equal(t, &c, withoutID(outcome.State.Configuration), "the outcome has the state after the write")
	require.Equal(t, "configuration-1", w.record(t, "contoso.com").Configuration)
}

// heeds is a directory that does nothing once the context has ended, which it does when a federation is created.
type heeds struct {
	*tenant
	cancel context.CancelFunc
}

func (h heeds) Domains(ctx context.Context) ([]federation.Domain, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return h.tenant.Domains(ctx)
}

func (h heeds) CreateConfiguration(ctx context.Context, domain string, p federation.Properties) (federation.Configuration, error) {
	h.cancel()
	if _, limited := ctx.Deadline(); !limited || ctx.Err() != nil {
		return federation.Configuration{}, noAnswer("create configuration " + domain)
	}
	return h.tenant.CreateConfiguration(ctx, domain, p)
}

func TestAContextThatHasEndedWritesNothing(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	w := newWorld(t, dir)
	plan := planned(t, dir, federation.PurposeFederate, "contoso.com",
		creating("contoso.com", configured(newCertificate(t, "first"))))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	outcome, err := w.fed.Apply(ctx, plan, nil)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, dir.writes)
	require.Equal(t, plan.Before, outcome.State)
	require.Empty(t, w.record(t, "contoso.com").Undo)
}
