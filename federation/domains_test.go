package federation_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

// familyTenant verifies a domain below a verified root at once, and shows what is new only after some reads, as Graph does.
type familyTenant struct {
	*tenant
	hidden  map[string]int // reads until a domain is listed
	lag     int
	proving int // reads that list a domain before they show that it is verified
}

func newFamily(lag int) *familyTenant {
	return &familyTenant{tenant: newTenant(), hidden: map[string]int{}, lag: lag}
}

func (f *familyTenant) AddDomain(ctx context.Context, name string) (federation.Domain, error) {
	added, err := f.tenant.AddDomain(ctx, name)
	f.hidden[name] = f.lag
	_, above, _ := strings.Cut(name, ".")
	if root := f.domains[above]; root != nil && root.IsVerified && f.domains[name] != nil {
		d := f.domains[name]
		d.IsRoot, d.IsVerified, d.AuthenticationType = false, true, root.AuthenticationType
	}
	return added, err
}

func (f *familyTenant) Domains(ctx context.Context) ([]federation.Domain, error) {
	all, err := f.tenant.Domains(ctx)
	var listed []federation.Domain
	for _, d := range all {
		if f.hidden[d.Name] > 0 {
			f.hidden[d.Name]--
			continue
		}
		if f.writes != nil && f.proving > 0 && !d.IsRoot {
			f.proving--
			d.IsVerified = false
		}
		listed = append(listed, d)
	}
	return listed, err
}

const record = `the TXT record "MS=ms12345678" at fabrikam.com (TTL 3600)`

func TestAddDomain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(f *familyTenant)
		lag    int
	}{
		"at once":       {},
		"listed later":  {lag: 3},
		"never listed":  {lag: 1000},
		"a lost answer": {change: func(f *familyTenant) { f.lose = unavailable }},
		"a lost answer, and listed later": {change: func(f *familyTenant) {
			f.lose = unavailable
		}, lag: 2},
		"another process is faster": {change: func(f *familyTenant) {
			f.refuse = func(call string) error {
				if call == "add domain fabrikam.com" {
					f.with(federation.Domain{Name: "fabrikam.com", IsRoot: true})
					f.records["fabrikam.com"] = []federation.DNSRecord{
						{Type: "Mx", Name: "fabrikam.com", MailServer: "ms1.msv1.invalid", Preference: 32767},
						{Type: "Txt", Name: "fabrikam.com", Text: "MS=ms12345678", TTL: time.Hour},
					}
				}
				return nil
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newFamily(test.lag)
			w := newWorld(t, dir.tenant)
			if test.change != nil {
				test.change(dir)
			}
			status, err := w.federator(t, dir).AddDomain(context.Background(), "Fabrikam.com")
			require.NoError(t, err)
			require.Equal(t, "fabrikam.com", status.Domain.Name)
			require.False(t, status.Domain.IsVerified)
			require.NotEmpty(t, status.Records)
			require.Equal(t, "Publish "+record+", and have the domain verified.", status.Next)
			require.LessOrEqual(t, len(w.writes), 1)
			for _, body := range w.bodies {
				require.Equal(t, federation.Properties{"id": "fabrikam.com"}, body)
			}
		})
	}
}

func TestAddDomainTwiceWritesOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newTenant())
	first, err := w.fed.AddDomain(context.Background(), "fabrikam.com")
	require.NoError(t, err)
	second, err := w.fed.AddDomain(context.Background(), "fabrikam.com")
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.Equal(t, []string{"add domain fabrikam.com"}, w.writes)
}

func TestAChildOfAVerifiedDomainIsVerifiedAndInherits(t *testing.T) {
	t.Parallel()
	for name, lag := range map[string]struct{ listed, verified int }{
		"at once": {0, 0}, "listed later": {2, 0}, "verified later": {0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newFamily(lag.listed)
			dir.proving = lag.verified
			w := newWorld(t, dir.tenant.federated("contoso.com", configured(keyed(t, "contoso"))))
			status, err := w.federator(t, dir).AddDomain(context.Background(), "hr.contoso.com")
			require.NoError(t, err)
			require.True(t, status.Domain.IsVerified)
			require.Equal(t, federation.Federated, status.Domain.AuthenticationType)
			require.Empty(t, status.Records)
			require.Empty(t, status.Next)
		})
	}
}

func TestAddDomainFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newTenant())
	w.refuse = func(call string) error {
		if call == "add domain fabrikam.com" {
			return answer(call, http.StatusBadRequest, "Request_BadRequest", "taken by another tenant")
		}
		return nil
	}
	_, err := w.fed.AddDomain(context.Background(), "fabrikam.com")
	require.ErrorContains(t, err, "fabrikam.com was not added")
	require.ErrorContains(t, err, "taken by another tenant")

	w = newWorld(t, newTenant())
	w.refuse = func(call string) error {
		if strings.HasPrefix(call, "records") {
			return answer(call, http.StatusForbidden, "Authorization_RequestDenied", "")
		}
		return nil
	}
	status, err := w.fed.AddDomain(context.Background(), "fabrikam.com")
	require.ErrorIs(t, err, federation.ErrForbidden)
	require.ErrorContains(t, err, "is in the tenant, but")
	require.Equal(t, "fabrikam.com", status.Domain.Name)

	_, err = w.federator(t, bareDirectory{w.tenant}).AddDomain(context.Background(), "fabrikam.com")
	require.ErrorIs(t, err, federation.ErrUnsupported)
}

func TestNamesThatAreNoDomains(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newTenant())
	for _, name := range []string{
		"", "contoso", "contoso.com.", ".com", "a..com", "user@contoso.com", "https://contoso.com", "contoso.com/verify",
		"contoso .com", "münchen.example", strings.Repeat("a.", 127) + "com",
	} {
		_, err := w.fed.AddDomain(context.Background(), name)
		require.ErrorContains(t, err, "is not the name of a domain", name)
		_, err = w.fed.DomainStatus(context.Background(), name)
		require.ErrorContains(t, err, "is not the name of a domain", name)
		_, err = w.fed.VerifyDomain(context.Background(), name, 0, nil)
		require.ErrorContains(t, err, "is not the name of a domain", name)
		_, err = w.fed.PlanPromote(context.Background(), name)
		require.ErrorContains(t, err, "is not the name of a domain", name)
		_, err = w.fed.PlanMakeDefault(context.Background(), name)
		require.ErrorContains(t, err, "is not the name of a domain", name)
	}
	require.Empty(t, w.writes)
}

func TestDomainStatusSaysWhatIsNext(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		domain federation.Domain
		roots  []federation.Domain
		record []federation.DNSRecord
		next   string
	}{
		"not verified": {
			domain: federation.Domain{Name: "fabrikam.com", IsRoot: true},
			record: []federation.DNSRecord{{Type: "Txt", Name: "fabrikam.com", Text: "MS=ms12345678", TTL: time.Hour}},
			next:   "Publish " + record + ", and have the domain verified.",
		},
		"not verified, by MX": {
			domain: federation.Domain{Name: "fabrikam.com", IsRoot: true},
			record: []federation.DNSRecord{{Type: "Mx", Name: "fabrikam.com", MailServer: "ms1.msv1.invalid", Preference: 32767}},
			next: `Publish the MX record "ms1.msv1.invalid" with preference 32767 at fabrikam.com, and have the ` +
				"domain verified.",
		},
		"not verified, without records": {
			domain: federation.Domain{Name: "fabrikam.com", IsRoot: true},
			next:   "Publish the DNS record that the tenant shows for it, and have the domain verified.",
		},
		"verified": {
			domain: federation.Domain{Name: "fabrikam.com", IsRoot: true, IsVerified: true}, next: "Plan its federation.",
		},
		"federated": {domain: federation.Domain{
			Name: "fabrikam.com", IsRoot: true, IsVerified: true, AuthenticationType: federation.Federated,
		}},
		"the initial one": {domain: federation.Domain{
			Name: "fabrikam.onmicrosoft.com", IsRoot: true, IsVerified: true, IsInitial: true, IsDefault: true,
		}},
		"the default one": {
			domain: federation.Domain{Name: "fabrikam.com", IsRoot: true, IsVerified: true, IsDefault: true},
			next:   "Make another domain the tenant's default before this one is federated.",
		},
		"a child of a managed one": {
			domain: federation.Domain{Name: "hr.fabrikam.com", IsVerified: true},
			roots:  []federation.Domain{{Name: "fabrikam.com", IsRoot: true, IsVerified: true}},
			next:   "It signs in as fabrikam.com does: federate that, or promote this one.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newTenant().with(test.domain).with(test.roots...))
			w.records[test.domain.Name] = test.record
			status, err := w.fed.DomainStatus(context.Background(), strings.ToUpper(test.domain.Name))
			require.NoError(t, err)
			require.Equal(t, test.next, status.Next)
			require.Equal(t, test.record, status.Records)
			require.Empty(t, w.writes)
		})
	}
}

func TestDomainStatusOfADomainThatIsNotThere(t *testing.T) {
	t.Parallel()
	_, err := newWorld(t, newTenant()).fed.DomainStatus(context.Background(), "fabrikam.com")
	require.ErrorIs(t, err, federation.ErrNotFound)
	require.ErrorContains(t, err, "add it first")
}

// unverified is a world with fabrikam.com, which is not verified yet.
func unverified(t *testing.T) *world {
	w := newWorld(t, newTenant().with(federation.Domain{Name: "fabrikam.com", IsRoot: true}))
	w.records["fabrikam.com"] = []federation.DNSRecord{{Type: "Txt", Name: "fabrikam.com", Text: "MS=ms12345678", TTL: time.Hour}}
	return w
}

// events collects progress.
type events []federation.Event

func (e *events) add(event federation.Event) { *e = append(*e, event) }

func (e events) kinds() (all []federation.EventKind) {
	for _, event := range e {
		all = append(all, event.Kind)
	}
	return all
}

func TestVerifyDomainAtOnce(t *testing.T) {
	t.Parallel()
	w := unverified(t)
	w.published["fabrikam.com"] = true
	var told events
	status, err := w.fed.VerifyDomain(context.Background(), "fabrikam.com", 0, told.add)
	require.NoError(t, err)
	require.True(t, status.Domain.IsVerified)
	require.Empty(t, status.Records)
	require.Equal(t, "Plan its federation.", status.Next)
	require.Equal(t, []federation.EventKind{federation.EventWritten}, told.kinds())

	told = nil
	_, err = w.fed.VerifyDomain(context.Background(), "fabrikam.com", time.Hour, told.add)
	require.NoError(t, err)
	require.Equal(t, []federation.EventKind{federation.EventFound}, told.kinds())
	require.Equal(t, []string{"verify domain fabrikam.com"}, w.writes, "what is verified is left alone")
}

func TestVerifyDomainWaits(t *testing.T) {
	t.Parallel()
	w := unverified(t)
	var told events
	status, err := w.fed.VerifyDomain(context.Background(), "fabrikam.com", time.Hour, func(e federation.Event) {
		told.add(e)
		w.published["fabrikam.com"] = len(told) == 22
	})
	require.NoError(t, err)
	require.True(t, status.Domain.IsVerified)
	require.Len(t, told, 23)
	require.Equal(t, federation.EventWaiting, told[0].Kind)
	require.Equal(t, "The record of fabrikam.com is not seen yet; the next look is in 15s.", told[0].Message)
	require.Equal(t, today, told[0].At)
	require.Equal(t, federation.EventWritten, told[22].Kind)
	const often, seldom = 15 * time.Second, 2 * time.Minute
	require.Equal(t, slices.Concat(slices.Repeat([]time.Duration{often}, 20), []time.Duration{seldom, seldom}), w.clock.slept)
}

func TestVerifyDomainGivesUp(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]time.Duration{"at once": 0, "negative": -time.Second, "within the pause": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := unverified(t)
			status, err := w.fed.VerifyDomain(context.Background(), "fabrikam.com", wait, nil)
			require.ErrorIs(t, err, federation.ErrNotLive)
			var answered *federation.DirectoryError
			require.ErrorAs(t, err, &answered)
			require.ErrorContains(t, err, "MS=ms12345678")
			require.Len(t, status.Records, 1)
			require.Equal(t, max(0, wait), w.clock.Now().Sub(today), "no longer, and no shorter")
		})
	}
}

func TestVerifyDomainWhenTheTenantFails(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	failing := func(w *world, status, times int) {
		w.published["fabrikam.com"] = true
		w.refuse = func(call string) error {
			if call != "verify domain fabrikam.com" || times == 0 {
				return nil
			}
			times--
			return answer(call, status, "", "")
		}
	}
	t.Run("it failed once", func(t *testing.T) {
		w := unverified(t)
		failing(w, http.StatusInternalServerError, 1)
		status, err := w.fed.VerifyDomain(ctx, "fabrikam.com", time.Minute, nil)
		require.NoError(t, err)
		require.True(t, status.Domain.IsVerified)
	})
	t.Run("the answer was lost", func(t *testing.T) {
		w := unverified(t)
		w.published["fabrikam.com"] = true
		w.lose = unavailable
		status, err := w.fed.VerifyDomain(ctx, "fabrikam.com", 0, nil)
		require.NoError(t, err)
		require.True(t, status.Domain.IsVerified)
		require.Len(t, w.writes, 1)
	})
	t.Run("it says when to ask again", func(t *testing.T) {
		w := unverified(t)
		w.published["fabrikam.com"] = true
		w.refuse = once("verify domain fabrikam.com", func(call string) error {
			return &federation.DirectoryError{Operation: call, Status: http.StatusTooManyRequests, RetryAfter: 3 * time.Minute}
		})
		_, err := w.fed.VerifyDomain(ctx, "fabrikam.com", time.Hour, nil)
		require.NoError(t, err)
		require.Equal(t, []time.Duration{3 * time.Minute}, w.clock.slept)
	})
	t.Run("a permission is missing", func(t *testing.T) {
		w := unverified(t)
		failing(w, http.StatusForbidden, 1)
		_, err := w.fed.VerifyDomain(ctx, "fabrikam.com", time.Hour, nil)
		require.ErrorIs(t, err, federation.ErrForbidden)
		require.Empty(t, w.clock.slept, "waiting does not help")
	})
	t.Run("somebody stops it", func(t *testing.T) {
		w := unverified(t)
		stopped, stop := context.WithCancel(ctx)
		_, err := w.fed.VerifyDomain(stopped, "fabrikam.com", time.Hour, func(federation.Event) { stop() })
		require.ErrorIs(t, err, federation.ErrNotLive)
		require.ErrorIs(t, err, context.Canceled)
	})
	t.Run("the directory cannot", func(t *testing.T) {
		w := unverified(t)
		_, err := w.federator(t, bareDirectory{w.tenant}).VerifyDomain(ctx, "fabrikam.com", 0, nil)
		require.ErrorIs(t, err, federation.ErrUnsupported)
		status, err := w.federator(t, bareDirectory{w.tenant}).DomainStatus(ctx, "fabrikam.com")
		require.NoError(t, err)
		require.Equal(t, "Publish the DNS record that the tenant shows for it, and have the domain verified.", status.Next)
	})
}

// domainRows are planned for the domain of the settings, by the plan that the rule is for.
func domainRows() []looked {
	const errs, warns, notes = federation.SeverityError, federation.SeverityWarning, federation.SeverityNotice
	about := func(d federation.Domain) func(p *patient) {
		return func(p *patient) {
			p.with(d)
			p.settings.Domain = d.Name
		}
	}
	unknown := func(p *patient) { p.settings.Domain = "fabrikam.com" }
	root := about(federation.Domain{Name: "fabrikam.com", IsRoot: true, IsVerified: true})
	managedChild := about(federation.Domain{Name: "hr.contoso.com", IsVerified: true})
	unverifiedChild := about(federation.Domain{Name: "hr.contoso.com"})
	people := func(p *patient) {
		p.child()
		for range 25 {
			p.users = append(p.users, federation.User{UserPrincipalName: "employee@hr.contoso.com"})
		}
	}
	return []looked{
		{"promote-unknown", "not there", unknown, errs, "", "domain add fabrikam.com", []string{"fabrikam.com"}},
		nothing("promote-unknown", "there", (*patient).child),
		notices("promote-root", "a root", root, "nothing to do"),
		nothing("promote-root", "a child", (*patient).child),
		nothing("promote-root", "not there", unknown),
		{"promote-unverified", "not verified", unverifiedChild, errs, "", "domain verify hr.contoso.com", nil},
		nothing("promote-unverified", "verified", managedChild),
		{"promote-users", "users", people, errs, "", "", []string{"25 users", "employee@hr.contoso.com"}},
		{"promote-users", "they cannot be read", func(p *patient) {
			p.child()
			p.dir = bareDirectory{p.tenant}
		}, warns, "", "", []string{"could not be read"}},
		nothing("promote-users", "users of the root", (*patient).child),
		{"promote-becomes-managed", "federated by its root", (*patient).child, warns, "", "plan hr.contoso.com",
			[]string{"loses the federation that it has from contoso.com", "passwords", "cannot be undone"}},
		{"promote-becomes-managed", "managed", managedChild, notes, "", "", []string{"whatever becomes of contoso.com"}},
		nothing("promote-becomes-managed", "a root", root),

		{"default-unknown", "not there", unknown, errs, "", "domain add fabrikam.com", nil},
		nothing("default-unknown", "there", root),
		notices("default-already", "already", func(p *patient) { p.settings.Domain = "contoso.onmicrosoft.com" }, "nothing to do"),
		nothing("default-already", "another one", root),
		{"default-unverified", "not verified", unverifiedChild, errs, "", "domain verify hr.contoso.com", nil},
		nothing("default-unverified", "verified", root),
		{"default-federated", "federated", func(*patient) {}, errs, "", "", []string{"such as contoso.onmicrosoft.com"}},
		{"default-federated", "federated by its root", (*patient).child, errs, "", "", nil},
		nothing("default-federated", "managed", root),
	}
}

// domainPlan plans for the domain of the settings what the rule is for.
func (p *patient) domainPlan(rule string) *federation.Plan {
	p.t.Helper()
	var dir federation.Directory = p.tenant
	if p.dir != nil {
		dir = p.dir
	}
	fed := p.federator(p.t, dir)
	change := fed.PlanMakeDefault
	if strings.HasPrefix(rule, "promote-") {
		change = fed.PlanPromote
	}
	plan, err := change(context.Background(), p.settings.Domain)
	require.NoError(p.t, err)
	return plan
}

func TestDomainRules(t *testing.T) {
	t.Parallel()
	for _, row := range domainRows() {
		t.Run(row.rule+"/"+row.name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t)
			row.change(p)
			row.judge(t, p.domainPlan(row.rule).Findings)
			require.Empty(t, p.writes, "a plan changes nothing")
		})
	}
}

func TestEveryDomainRuleHasARowThatShowsItAndOneThatDoesNot(t *testing.T) {
	t.Parallel()
	rules := map[string]federation.Rule{}
	for _, r := range federation.Rules() {
		if isFor(r, federation.PurposePromote) || isFor(r, federation.PurposeMakeDefault) {
			require.False(t, isFor(r, federation.PurposeFederate) || isFor(r, federation.PurposeDiagnose), r.Name)
			rules[r.Name] = r
		}
	}
	complete(t, rules, domainRows())
}

func TestPlanPromote(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.child()
	plan := p.domainPlan("promote-")
	require.Equal(t, federation.PurposePromote, plan.Purpose)
	require.Equal(t, "hr.contoso.com", plan.Domain)
	require.Equal(t, today, plan.Made)
	require.Equal(t, "hr.contoso.com", plan.Before.Domain.Name)
	require.Len(t, plan.Writes, 1)
	w := plan.Writes[0]
	require.Equal(t, federation.PromoteDomain, w.Operation)
	require.Equal(t, "hr.contoso.com", w.Domain)
	require.Nil(t, w.Body)
	require.Equal(t, []federation.Change{
		{Property: "isRoot", From: false, To: true},
		{Property: "authenticationType", From: federation.Federated, To: federation.Managed},
	}, w.Changes)

	p.settings.Domain = "contoso.com"
	require.Empty(t, p.domainPlan("promote-").Writes, "a root is left alone")
	p.settings.Domain = "fabrikam.com"
	require.Empty(t, p.domainPlan("promote-").Writes, "what is not there is not written")
}

func TestPlanMakeDefault(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.replace("contoso.com", nil)
	plan := p.domainPlan("default-")
	require.Equal(t, federation.PurposeMakeDefault, plan.Purpose)
	require.Equal(t, "contoso.onmicrosoft.com", plan.Before.DefaultDomain)
	require.Empty(t, plan.Findings)
	require.Equal(t, []federation.Write{{
		Operation: federation.ChangeDomain, Domain: "contoso.com", Body: federation.Properties{"isDefault": true},
		Changes: []federation.Change{{Property: "isDefault", From: false, To: true}}, Reason: plan.Writes[0].Reason,
	}}, plan.Writes)
	require.NotEmpty(t, plan.Writes[0].Reason)

	p.settings.Domain = "contoso.onmicrosoft.com"
	require.Empty(t, p.domainPlan("default-").Writes)
}
