package msgraph_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/federation/entratest"
)

// doing is what any process of an operator does, as often as it takes.
type doing func(context.Context, *federation.Federator) error

// journey is something that an operator does to a domain, and does again when it was interrupted.
type journey struct {
	tenant func(*entratest.Config)

	// prepare brings the tenant to where the journey begins, and returns what is done then.
	prepare func(f *federating) doing

	writes  int    // so many requests that change something
	managed string // the domain that is managed in the end; empty: contoso.com signs in
	back    bool   // it has a way back to where it began
}

// journeys are all that write.
func journeys(t testing.TB) map[string]journey {
	plan := func(settings ...func(*federation.Settings)) func(*federating) doing {
		return func(f *federating) doing {
			return f.stored(f.plan(f.settings(settings...)))
		}
	}
	asDefault := domains(entratest.Domain{Name: "contoso.com", Default: true})
	withDefault := func(s *federation.Settings) { s.DefaultDomain = initialDomain }
	differently := func(s *federation.Settings) {
		s.DisplayName, s.SignOutURL, s.PromptLogin = "Contoso", signInURL+"/out", federation.NativePrompt
		s.MFABehavior = federation.AcceptMFA
	}
	return map[string]journey{
		"create": {prepare: plan(), writes: 1, back: true},
		"change": {
			prepare: func(f *federating) doing {
				f.federate()
				return plan(differently)(f)
			},
			writes: 1, back: true,
		},
		"default, then create": {tenant: asDefault, prepare: plan(withDefault), writes: 2, back: true},
		"revert to managed": {
			prepare: func(f *federating) doing {
				f.federate()
				return f.reverting("")
			},
			writes: 1, managed: "contoso.com", back: true,
		},
		"revert to the federation before": {
			prepare: func(f *federating) doing {
				f.federate()
				change := f.plan(f.settings(differently))
				f.apply(change)
				return f.reverting(change.ID)
			},
			writes: 1, back: true,
		},
		"revert to managed and to the default domain before": {
			tenant: asDefault,
			prepare: func(f *federating) doing {
				there := f.plan(f.settings(withDefault))
				f.apply(there)
				return f.reverting(there.ID)
			},
			writes: 2, managed: "contoso.com", back: true,
		},
		"revert the way back": {
			prepare: func(f *federating) doing {
				f.federate()
				back, err := f.fed.PlanRevert(f.Context(), federation.RevertSettings{Domain: "contoso.com"})
				require.NoError(f, err)
				f.apply(back)
				return f.reverting(back.ID)
			},
			writes: 1, back: true,
		},
		"promote": {
			tenant: func(c *entratest.Config) {
				c.Domains = []entratest.Domain{federatedWith(t, "contoso.com", issuer), {Name: "hr.contoso.com"}}
			},
			prepare: func(f *federating) doing {
				plan, err := f.fed.PlanPromote(f.Context(), "hr.contoso.com")
				require.NoError(f, err)
				return f.stored(plan)
			},
			writes: 1, managed: "hr.contoso.com",
		},
		"rotate": {
			prepare: func(f *federating) doing {
				f.federate()
				require.NoError(f, f.idp.SetNextSigner(signerOf(f, "new")))
				return f.rotate
			},
			writes: 3,
		},
		"abandon a rotation": {
			prepare: func(f *federating) doing {
				f.federate()
				require.NoError(f, f.idp.SetNextSigner(signerOf(f, "new")))
				_, err := f.fed.RotateStep(f.Context(), "contoso.com", f.idp, nil)
				require.NoError(f, err)
				return f.abandon
			},
			writes: 1,
		},
		"abandon a rotation after its key has signed": {
			prepare: func(f *federating) doing {
				f.federate()
				require.NoError(f, f.idp.SetNextSigner(signerOf(f, "new")))
				for range 3 {
					_, err := f.fed.RotateStep(f.Context(), "contoso.com", f.idp, nil)
					require.NoError(f, err)
					f.clock.Advance(federation.RotationOverlap)
				}
				f.idp.turn()
				return f.abandon
			},
			writes: 2,
		},
		"guests": {prepare: func(f *federating) doing {
			return f.stored(f.planGuests("example.net"))
		}, writes: 1, managed: "contoso.com"},
		"guests of other domains": {prepare: func(f *federating) doing {
			f.apply(f.planGuests("example.net", "example.com"))
			return f.stored(f.planGuests("example.net", "example.org", "example.edu"))
		}, writes: 4, managed: "contoso.com"},
		"no guests any more": {prepare: func(f *federating) doing {
			f.apply(f.planGuests("example.net", "example.com"))
			plan, err := f.fed.PlanRevertGuests(f.Context(), "example.net")
			require.NoError(f, err)
			return f.stored(plan)
		}, writes: 1, managed: "contoso.com"},
	}
}

// planGuests plans the federation with a partner that has these domains.
func (f *federating) planGuests(names ...string) *federation.Plan {
	f.Helper()
	plan, err := f.fed.PlanGuests(f.Context(), federation.GuestSettings{
		Domains: names, Issuer: "https://id.example.net/guests", SignInURL: "https://id.example.net/guests/sso",
		SigningCertificate: signerOf(f, "other").Certificate.Raw, DisplayName: "Partner with " + names[len(names)-1],
	})
	require.NoError(f, err)
	require.Empty(f, ofSeverity(plan.Findings, federation.SeverityError))
	return plan
}

// federations are all that the tenant has, without their IDs.
type federations struct {
	domains []entratest.Domain
	guests  []federation.GuestConfiguration
}

func (f *federating) federations() federations {
	f.Helper()
	guests, err := f.dir.GuestConfigurations(f.Context())
	require.NoError(f, err)
	for i := range guests {
		guests[i].ID = ""
	}
	return federations{f.entra.Domains(), guests}
}

// stored is the plan on disk, and how it is applied from there.
func (f *federating) stored(plan *federation.Plan) doing {
	f.Helper()
	document, err := json.Marshal(plan)
	require.NoError(f, err)
	return func(ctx context.Context, fed *federation.Federator) error {
		plan, err := federation.ReadPlan(bytes.NewReader(document))
		if err != nil {
			return err
		}
		_, err = fed.Apply(ctx, plan, nil)
		return err
	}
}

// reverting applies the plan for a way back.
func (f *federating) reverting(undo string) doing {
	f.Helper()
	plan, err := f.fed.PlanRevert(f.Context(), federation.RevertSettings{Domain: "contoso.com", Undo: undo})
	require.NoError(f, err)
	require.Empty(f, ofSeverity(plan.Findings, federation.SeverityError))
	return f.stored(plan)
}

// rotate makes step after step, and waits where it must. Between the steps somebody signs in.
func (f *federating) rotate(ctx context.Context, fed *federation.Federator) error {
	for {
		f.requireSignsIn()
		s, err := fed.RotateStep(ctx, "contoso.com", f.idp, nil)
		_, other := f.idp.signs()
		switch {
		case errors.Is(err, federation.ErrTooEarly):
			if err := f.clock.Sleep(ctx, s.NotBefore.Sub(f.clock.Now())); err != nil {
				return err
			}
		case errors.Is(err, federation.ErrNoNextKey) && other.Subject.CommonName == "old":
			return nil // it was complete before
		case err != nil:
			return err
		case s.Stage == federation.RotationIdle:
			return nil
		}
	}
}

// abandon withdraws the certificate that came last, and waits where it must. Between the steps somebody signs in.
func (f *federating) abandon(ctx context.Context, fed *federation.Federator) error {
	for {
		f.requireSignsIn()
		s, err := fed.AbandonRotation(ctx, "contoso.com", f.idp, nil)
		if err != nil || s.Stage == federation.RotationIdle {
			return err
		}
		if !s.NotBefore.IsZero() {
			f.clock.Advance(s.NotBefore.Sub(f.clock.Now()))
		}
		if _, err = fed.RotateStep(ctx, "contoso.com", f.idp, nil); err != nil {
			return err
		}
	}
}

// process is a program with a way to the tenant and a store that are cut off when it ends. Something happens to it at one of
// its writes.
type process struct {
	http.RoundTripper // the way
	federation.Store
	cancel context.CancelFunc

	at            int // the number of the write
	before, after func(*http.Request) error
	heal          func() // ends what the disturbance began; nil: nothing

	written int
	ended   atomic.Bool
}

var errEnded = errors.New("the process has ended")

// RoundTrip implements [http.RoundTripper].
func (p *process) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.ended.Load() {
		return nil, errEnded
	}
	if r.Method == http.MethodGet {
		return p.RoundTripper.RoundTrip(r)
	}
	number := p.written
	p.written++
	if number == p.at && p.before != nil {
		if err := p.before(r); err != nil {
			return nil, err
		}
	}
	answer, err := p.RoundTripper.RoundTrip(r)
	if err == nil && number == p.at && p.after != nil {
		if failed := p.after(r); failed != nil {
			return nil, errors.Join(failed, answer.Body.Close())
		}
	}
	return answer, err
}

// Load implements [federation.Store].
func (p *process) Load(ctx context.Context, name string) ([]byte, error) {
	if p.ended.Load() {
		return nil, errEnded
	}
	return p.Store.Load(ctx, name)
}

// Save implements [federation.Store].
func (p *process) Save(ctx context.Context, name string, old, document []byte) error {
	if p.ended.Load() {
		return errEnded
	}
	return p.Store.Save(ctx, name, old, document)
}

// end ends the process here and now.
func (p *process) end() error {
	p.ended.Store(true)
	p.cancel()
	return errEnded
}

// federator is the process's.
func (p *process) federator(f *federating) *federation.Federator {
	f.Helper()
	return f.federator(f.directory(f.entra.Credential(), p), func(c *federation.Config) { c.Store = p })
}

// disturbance is what happens at a write.
type disturbance struct {
	arrange func(f *federating, p *process)
	fails   bool // the first run
	once    bool // the tenant gets no more writes than without the disturbance
	done    bool // the first run ends after this write, and the tenant has it
}

// answering is a disturbance of the tenant's: it answers the write so, for so many times.
func answering(fault entratest.Fault, fails, once bool) disturbance {
	return disturbance{fails: fails, once: once, arrange: func(f *federating, p *process) {
		p.before = func(r *http.Request) error {
			fault := fault
			fault.Method, fault.Path = r.Method, r.URL.EscapedPath()
			f.entra.Inject(fault)
			return nil
		}
	}}
}

func disturbances() map[string]disturbance {
	broken := errors.New("the connection broke")
	return map[string]disturbance{
		"the process ends before the write": {fails: true, once: true, arrange: func(_ *federating, p *process) {
			p.before = func(*http.Request) error { return p.end() }
		}},
		"the process ends after the write": {fails: true, once: true, done: true, arrange: func(_ *federating, p *process) {
			p.after = func(*http.Request) error { return p.end() }
		}},
		"the operator stops it before the write": {once: true, done: true, arrange: func(_ *federating, p *process) {
			p.before = func(*http.Request) error { p.cancel(); return nil }
		}},
		"the operator stops it after the write": {once: true, done: true, arrange: func(_ *federating, p *process) {
			p.after = func(*http.Request) error { p.cancel(); return nil }
		}},
		"the connection breaks before the write": {arrange: func(_ *federating, p *process) {
			p.before = func(*http.Request) error { return broken }
		}},
		"the connection breaks after the write": {once: true, arrange: func(_ *federating, p *process) {
			p.after = func(*http.Request) error { return broken }
		}},
		"the connection breaks after the write, and Graph cannot be reached any more": {
			fails: true, once: true, arrange: func(f *federating, p *process) {
				p.after = func(*http.Request) error {
					p.heal = f.entra.Inject(entratest.Fault{Status: http.StatusServiceUnavailable, Times: -1})
					return broken
				}
			},
		},
		"the answer is lost":             answering(entratest.Fault{Drop: true, AfterCommit: true}, false, true),
		"500 after the commit":           answering(entratest.Fault{Status: 500, AfterCommit: true}, false, true),
		"504 after the commit":           answering(entratest.Fault{Status: 504, AfterCommit: true}, false, true),
		"500 before the commit":          answering(entratest.Fault{Status: 500}, false, false),
		"503 before the commit":          answering(entratest.Fault{Status: 503, RetryAfter: "5"}, false, false),
		"500 again and again":            answering(entratest.Fault{Status: 500, Times: 2}, true, false),
		"429 with Retry-After":           answering(entratest.Fault{Status: 429, RetryAfter: "7", Times: 3}, false, false),
		"429 without Retry-After":        answering(entratest.Fault{Status: 429, Times: 3}, false, false),
		"429 that asks for an hour":      answering(entratest.Fault{Status: 429, RetryAfter: "3600"}, true, false),
		"429 again and again":            answering(entratest.Fault{Status: 429, Times: 6}, true, false),
		"401":                            answering(entratest.Fault{Status: 401}, true, false),
		"403":                            answering(entratest.Fault{Status: 403}, true, false),
		"409, another writes just now":   answering(entratest.Fault{Status: 409}, true, false),
		"429, then 500 after the commit": twice(),
	}
}

// twice is a write that is throttled, and whose answer is lost when it comes again.
func twice() disturbance {
	return disturbance{arrange: func(f *federating, p *process) {
		p.before = func(r *http.Request) error {
			path := r.URL.EscapedPath()
			f.entra.Inject(entratest.Fault{Method: r.Method, Path: path, Status: 429})
			f.entra.Inject(entratest.Fault{Method: r.Method, Path: path, Status: 500, AfterCommit: true})
			return nil
		}
	}}
}

// begin brings a new tenant to where the journey begins.
func (j journey) begin(t testing.TB) (f *federating, do doing) {
	t.Helper()
	cfg := contoso(func(c *entratest.Config) { c.FederationLag = 20 * time.Minute })
	if j.tenant != nil {
		j.tenant(&cfg)
	}
	f = newFederating(t, cfg)
	return f, j.prepare(f)
}

// requireEnded asserts that the journey has led to where it leads without a disturbance.
func (j journey) requireEnded(f *federating, want federations) {
	f.Helper()
	require.Equal(f, want, f.federations())
	f.settle()
	if j.managed != "" {
		f.requireManaged(j.managed)
		return
	}
	f.requireSignsIn()
}

// undisturbed is the tenant after the journey, and the writes that it took.
func (j journey) undisturbed(t testing.TB) (end federations, writes []string) {
	t.Helper()
	f, do := j.begin(t)
	before := len(f.writes())
	require.NoError(t, do(t.Context(), f.fed))
	end = f.federations()
	j.requireEnded(f, end)
	return end, f.writes()[before:]
}

// Whatever happens at whichever write: doing the same again leads to where it leads without a disturbance.
func TestWhateverHappensAtAWriteTheSameAgainEndsWell(t *testing.T) {
	t.Parallel()
	for name, j := range journeys(t) {
		end, writes := j.undisturbed(t)
		require.Len(t, writes, j.writes, name)
		for disturbed, d := range disturbances() {
			for k := range writes {
				t.Run(fmt.Sprintf("%s/%s/%d", name, disturbed, k+1), func(t *testing.T) {
					t.Parallel()
					f, do := j.begin(t)
					before := len(f.writes())
					ctx, cancel := context.WithCancel(t.Context())
					p := &process{RoundTripper: f.entra.Transport(), Store: f.store, cancel: cancel, at: k}
					d.arrange(f, p)
					err := do(ctx, p.federator(f))
					require.Greater(t, p.written, k, "it was not disturbed")
					if d.fails {
						require.Error(t, err)
					}
					if p.heal != nil {
						p.heal()
					}
					if d.done {
						require.Equal(t, writes[:k+1], f.writes()[before:])
					}

					require.NoError(t, do(t.Context(), f.fed), "after: %v", err)
					j.requireEnded(f, end)
					if d.once {
						require.Equal(t, writes, f.writes()[before:])
					}
					require.NoError(t, do(t.Context(), f.fed), "once more")
					require.Equal(t, end, f.federations())
				})
			}
		}
	}
}

// Who gives up in place of going on gets back to where it began, wherever the process ended.
func TestWhereverTheProcessEndedThereIsAWayBack(t *testing.T) {
	t.Parallel()
	for name, j := range journeys(t) {
		if !j.back {
			continue
		}
		for _, after := range []bool{false, true} {
			for k := range j.writes {
				t.Run(fmt.Sprintf("%s/%d/%t", name, k+1, after), func(t *testing.T) {
					t.Parallel()
					f, do := j.begin(t)
					before := f.entra.Domains()
					ctx, cancel := context.WithCancel(t.Context())
					p := &process{RoundTripper: f.entra.Transport(), Store: f.store, cancel: cancel, at: k}
					end := func(*http.Request) error { return p.end() }
					if after {
						p.after = end
					} else {
						p.before = end
					}
					require.Error(t, do(ctx, p.federator(f)))

					records, err := f.fed.UndoRecords(t.Context(), "contoso.com")
					require.NoError(t, err)
					back, err := f.fed.PlanRevert(t.Context(),
						federation.RevertSettings{Domain: "contoso.com", Undo: records[0].Plan})
					require.NoError(t, err)
					f.apply(back)
					require.Equal(t, assumed(before), assumed(f.entra.Domains()))
				})
			}
		}
	}
}

// assumed writes out what Entra takes for what is not set, because it may be restored so.
func assumed(all []entratest.Domain) []entratest.Domain {
	for i := range all {
		if f := all[i].Federation; f != nil && f.PromptLoginBehavior == "" {
			f.PromptLoginBehavior = string(federation.TranslatePrompt)
		}
	}
	return all
}

// A read that fails for a while is made again: the plan is the one that there would be without it.
func TestWhateverHappensAtAReadThePlanIsTheSame(t *testing.T) {
	t.Parallel()
	f := newFederating(t, contoso())
	want := f.plan(f.settings())
	reads := len(f.entra.GraphCalls())
	require.Greater(t, reads, 3)
	for name, fault := range map[string]entratest.Fault{
		"503": {Status: 503, RetryAfter: "3", Times: 2}, "500": {Status: 500}, "504": {Status: 504}, "a lost answer": {Drop: true},
		"429": {Status: 429, RetryAfter: "30", Times: 3}, "429 without Retry-After": {Status: 429, Times: 4},
	} {
		for k := range reads {
			fault.Skip = k
			f.entra.Inject(fault)
			plan := f.plan(f.settings())
			require.Equal(t, want.Before, plan.Before, "%s at read %d", name, k+1)
			require.Equal(t, want.Writes, plan.Writes, "%s at read %d", name, k+1)
			require.Equal(t, want.Findings, plan.Findings, "%s at read %d", name, k+1)
		}
	}
	var disturbed int
	for _, call := range f.entra.GraphCalls() {
		if call.Fault {
			disturbed++
		}
	}
	require.Equal(t, reads*(2+1+1+1+3+4), disturbed)
}

// switching is an identity provider to which something happens when it is told to switch.
type switching struct {
	*provider
	before, after func() error // of the first time
	told          int
}

// Switch implements [federation.Switcher].
func (s *switching) Switch(ctx context.Context, certificate *x509.Certificate) error {
	s.told++
	if s.told == 1 && s.before != nil {
		if err := s.before(); err != nil {
			return err
		}
	}
	err := s.provider.Switch(ctx, certificate)
	if err == nil && s.told == 1 && s.after != nil {
		return s.after()
	}
	return err
}

// The one step of a rotation that the tenant sees nothing of.
func TestWhateverHappensWhenTheKeyIsSwitchedTheRotationEndsWell(t *testing.T) {
	t.Parallel()
	j := journeys(t)["rotate"]
	end, writes := j.undisturbed(t)
	broken := errors.New("the connection broke")
	for name, arrange := range map[string]func(s *switching, p *process){
		"the process ends before": func(s *switching, p *process) { s.before = p.end },
		"the process ends after":  func(s *switching, p *process) { s.after = p.end },
		"the operator stops it":   func(s *switching, p *process) { s.before = func() error { p.cancel(); return nil } },
		"it is not reached":       func(s *switching, _ *process) { s.before = func() error { return broken } },
		"its answer is lost":      func(s *switching, _ *process) { s.after = func() error { return broken } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _ := j.begin(t)
			before := len(f.writes())
			ctx, cancel := context.WithCancel(t.Context())
			p := &process{RoundTripper: f.entra.Transport(), Store: f.store, cancel: cancel, at: -1}
			s := &switching{provider: f.idp}
			arrange(s, p)
			fed := p.federator(f)
			_, err := fed.RotateStep(ctx, "contoso.com", s, nil)
			require.NoError(t, err)
			f.clock.Advance(federation.RotationOverlap)
			_, _ = fed.RotateStep(ctx, "contoso.com", s, nil)
			require.Equal(t, 1, s.told)

			require.NoError(t, f.rotate(t.Context(), f.fed))
			j.requireEnded(f, end)
			require.Equal(t, writes, f.writes()[before:])
			active, _ := f.idp.signs()
			require.Equal(t, "new", active.Subject.CommonName)
		})
	}
}

// Two processes federate the same domain: what the faster one did stands, and the slower one says what it found.
func TestSomebodyElseIsFasterAtTheWrite(t *testing.T) {
	t.Parallel()
	for _, as409 := range []bool{false, true} {
		for name, test := range map[string]struct {
			others func(f *federating) federation.Properties
			err    error
		}{
			"with the same federation": {others: func(f *federating) federation.Properties {
				return f.plan(f.settings()).Writes[0].Body
			}},
			"with another one": {err: federation.ErrChanged, others: func(f *federating) federation.Properties {
				return federation.Properties{
					"issuerUri": issuerOfFabrikam, "passiveSignInUri": "https://sso.example.net/sso",
					"signingCertificate": bare(signerOf(f, "other").Certificate), "preferredAuthenticationProtocol": "saml",
				}
			}},
		} {
			t.Run(fmt.Sprintf("%s/%t", name, as409), func(t *testing.T) {
				t.Parallel()
				f := newFederating(t, contoso(func(c *entratest.Config) { c.SecondFederationAs409 = as409 }))
				plan := f.plan(f.settings())
				others := test.others(f)
				p := &process{RoundTripper: f.entra.Transport(), Store: f.store, before: func(*http.Request) error {
					_, err := f.dir.CreateConfiguration(t.Context(), "contoso.com", others)
					return err
				}}
				outcome, err := p.federator(f).Apply(t.Context(), plan, nil)
				require.Len(t, f.writes(), 2)
				require.Equal(t, others["issuerUri"], f.domain("contoso.com").Federation.Issuer)
				require.Equal(t, others["issuerUri"], outcome.State.Configuration.IssuerURI)
				if test.err != nil {
					require.ErrorIs(t, err, test.err)
					require.ErrorContains(t, err, issuerOfFabrikam)
					require.ErrorContains(t, err, "Make a new plan")
					return
				}
				require.NoError(t, err)
				require.Equal(t, 1, outcome.Done)
				f.settle()
				f.requireSignsIn()
			})
		}
	}
}

// A plan is for the tenant that it was made of: whatever somebody changed since, it is refused and says what is different.
func TestAPlanForATenantThatWasChangedIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(f *federating)
		says   string
	}{
		"its federation was removed": {func(f *federating) {
			require.NoError(f, f.dir.DeleteConfiguration(f.Context(), "contoso.com", f.configuration().ID))
		}, "contoso.com is managed and not federated"},
		"its federation was changed": {func(f *federating) {
			require.NoError(f, f.dir.ChangeConfiguration(f.Context(), "contoso.com", f.configuration().ID,
				federation.Properties{"passiveSignInUri": "https://sso.example.net"}))
		}, `passiveSignInUri is "https://sso.example.net" and not`},
		"its key was changed": {func(f *federating) {
			require.NoError(f, f.dir.ChangeConfiguration(f.Context(), "contoso.com", f.configuration().ID,
				federation.Properties{"signingCertificate": bare(signerOf(f, "other").Certificate)}))
		}, `signingCertificate is the certificate "CN=other"`},
		"another domain is the default one": {func(f *federating) {
			require.NoError(f, f.dir.ChangeDomain(f.Context(), "fabrikam.com", federation.Properties{"isDefault": true}))
		}, "default domain is fabrikam.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFederating(t, contoso(domains(
				entratest.Domain{Name: "contoso.com"}, entratest.Domain{Name: "fabrikam.com"})))
			f.federate()
			plan := f.plan(f.settings(func(s *federation.Settings) { s.DisplayName = "Contoso" }))
			test.change(f)
			before := f.writes()
			_, err := f.fed.Apply(t.Context(), plan, nil)
			require.ErrorIs(t, err, federation.ErrChanged)
			require.ErrorContains(t, err, test.says)
			require.Equal(t, before, f.writes())
		})
	}
}
