package federation_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/internal/aadsts"
)

// scene is a tenant, what is kept of the domain, and the settings of a plan. The plain one has a finding of one rule alone:
// conversion.
type scene struct {
	*tenant
	federation.Settings
	federation.Record
	t         *testing.T
	directory federation.Directory // nil: the tenant
}

// signing is the certificate of the plain scene's settings; other is one that nobody knows. They are files so that golden
// files can have them.
var (
	signing = sync.OnceValue(func() *x509.Certificate { return stored("signing") })
	other   = sync.OnceValue(func() *x509.Certificate { return stored("other") })
)

func stored(name string) *x509.Certificate {
	raw, err := os.ReadFile("testdata/plan/" + name + ".pem")
	if err != nil {
		panic(err)
	}
	certificate, err := federation.ReadCertificate(raw)
	if err != nil {
		panic(err)
	}
	return certificate
}

func newScene(t *testing.T, changes ...func(*scene)) *scene {
	t.Helper()
	s := &scene{tenant: newTenant(), Settings: settings(signing()), t: t}
	for _, change := range changes {
		change(s)
	}
	return s
}

// live makes the domain one that is federated as the plain settings say, by this program.
func live(s *scene) {
	c := configured(signing())
	c.ID = "ours"
	s.federated("contoso.com", c)
	s.Record.Configuration = "ours"
	s.Record.Certificates = []string{bare(signing())}
}

// change changes the federation that the tenant has.
func (s *scene) change(f func(*federation.Configuration)) { f(s.configurations["contoso.com"]) }

func (s *scene) domain(name string) *federation.Domain { return s.domains[name] }

// forbid refuses one call for want of a permission.
func (s *scene) forbid(call string) {
	s.refuse = func(asked string) error {
		if asked == call {
			return answer(call, http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges.")
		}
		return nil
	}
}

func (s *scene) world() *world {
	w := newWorld(s.t, s.tenant)
	if s.directory != nil {
		w.fed = w.federator(s.t, s.directory)
	}
	document, err := json.Marshal(s.Record)
	require.NoError(s.t, err)
	require.NoError(s.t, w.store.Save(context.Background(), "contoso.com", nil, document))
	return w
}

// commands are the sub-commands that a finding may name.
var commands = regexp.MustCompile(
	`^((plan|apply|verify|rotate|revert|doctor|domain (add|show|verify|promote|default)) [a-z0-9.-]+( -user [^ ]+@[^ ]+)?)?$`)

// plan makes the plan, and checks what is so of every plan: the tenant was not changed, the findings are complete and in
// order, and the plan can be stored.
func (s *scene) plan() *federation.Plan {
	s.t.Helper()
	w := s.world()
	plan, err := w.fed.Plan(context.Background(), s.Settings)
	require.NoError(s.t, err)
	require.Empty(s.t, s.writes, "planning changed the tenant")

	order := []federation.Severity{federation.SeverityError, federation.SeverityWarning, federation.SeverityNotice}
	last := 0
	for _, f := range plan.Findings {
		checkFinding(s.t, f)
		require.GreaterOrEqual(s.t, slices.Index(order, f.Severity), last, "the worst come first")
		last = slices.Index(order, f.Severity)
	}
	document, err := json.Marshal(plan)
	require.NoError(s.t, err)
	read, err := federation.ReadPlan(bytes.NewReader(document))
	require.NoError(s.t, err)
	require.Equal(s.t, plan.String(), read.String())
	return plan
}

// checkFinding checks what is so of every finding.
func checkFinding(t *testing.T, f federation.Finding) {
	t.Helper()
	require.NotEmpty(t, f.Summary, f.Rule)
	require.Regexp(t, `\.$`, f.Summary, f.Rule)
	require.Regexp(t, commands, f.Command, f.Rule)
	require.LessOrEqual(t, len(f.Details), federation.MaxDetails, f.Rule)
	if f.AADSTS != "" {
		_, known := aadsts.Lookup(f.AADSTS)
		require.True(t, known, "%s: %s is not in the catalogue", f.Rule, f.AADSTS)
	}
	if f.Severity != federation.SeverityNotice {
		require.NotEmpty(t, f.Remedy, f.Rule)
	}
}

// ofRule are the findings of a rule.
func ofRule(all []federation.Finding, rule string) []federation.Finding {
	var found []federation.Finding
	for _, f := range all {
		if f.Rule == rule {
			found = append(found, f)
		}
	}
	return found
}

// rulesOf are the names of the rules that found something, in order, each once.
func rulesOf(all []federation.Finding) []string {
	names := []string{}
	for _, f := range all {
		if !slices.Contains(names, f.Rule) {
			names = append(names, f.Rule)
		}
	}
	return names
}

// ends makes a certificate that ends then.
func ends(days int) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = today.AddDate(-2, 0, 0), today.AddDate(0, 0, days)
	}
}

// bareDirectory is a directory that cannot do more than it must.
type bareDirectory struct{ federation.Directory }

// person is somebody in contoso.com who may sign in.
func person(name, immutableID string) federation.User {
	return federation.User{
		ObjectID: name, UserPrincipalName: name + "@contoso.com", ImmutableID: immutableID, Enabled: true,
	}
}
