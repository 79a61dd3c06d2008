package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/federation/entratest"
)

// defaultDomain makes contoso.com the tenant's default one, so that two writes are needed.
func defaultDomain(cfg *entratest.Config) { cfg.Domains[0].Default = true }

func TestAPlanIsApplied(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	newIdentityProvider(t, p.Now).writeMetadata(t, f.metadata, false)
	tenant := p.tenant(t, defaultDomain)
	p = p.at(tenant)
	plan := p.planned(t, f, "-default-domain", "contoso.onmicrosoft.com")
	got := p.must(t, command.ExitOK, "apply", f.plan, "-state", f.state, "-yes", "-wait")
	require.Contains(t, got.Stdout, "To try it, in a private window: https://login.microsoftonline.com/login.srf")
	require.Equal(t, []string{"PATCH /v1.0/domains/contoso.onmicrosoft.com", "POST /v1.0/domains/contoso.com/federationConfiguration"},
		writes(tenant))
	require.Equal(t, issuer, tenant.Domains()[0].Federation.Issuer)

	got = p.must(t, command.ExitOK, "apply", f.plan, "-state", f.state, "-yes")
	require.Contains(t, got.Stdout, "nothing has to be written")
	require.Len(t, writes(tenant), 2)

	got = p.must(t, command.ExitOK, "revert", "contoso.com", "-list", "-state", f.state)
	require.Contains(t, got.Stdout, plan.ID)
	p.must(t, command.ExitOK, "revert", "contoso.com", "-undo", plan.ID, "-state", f.state, "-yes")
	require.Nil(t, tenant.Domains()[0].Federation)
	require.True(t, tenant.Domains()[0].Default, "what the plan moved is moved back")
}

func TestTheResultAsJSON(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	newIdentityProvider(t, p.Now).writeMetadata(t, f.metadata, false)
	got := p.must(t, command.ExitOK, "apply", "-domain", "contoso.com", "-metadata", f.metadata, "-default-domain",
		"contoso.onmicrosoft.com", "-simulate", f.tenant, "-yes", "-wait", "-json")
	golden(t, f, "apply-json", got.Stdout)
	var result applied
	require.NoError(t, json.Unmarshal([]byte(got.Stdout), &result))
	require.Equal(t, 2, result.Outcome.Done)
	require.Equal(t, result.Plan.ID, result.Outcome.Undo)
	require.True(t, result.Verification.Live)
	require.Contains(t, got.Stderr, "Done: create configuration", "who looks sees what happens")
}

func TestADryRunWritesNothing(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	idp.writeMetadata(t, f.metadata, true)
	tenant := p.tenant(t, func(cfg *entratest.Config) {
		cfg.Domains = append(cfg.Domains, entratest.Domain{Name: "hr.contoso.com"}, entratest.Domain{Name: "fabrikam.com",
			Federation: &entratest.Federation{Issuer: "https://x.contoso.com/", SignInURL: "https://x.contoso.com/",
				Certificates: []*x509.Certificate{idp.signers[0].Certificate}}})
	})
	p = p.at(tenant)
	p.planned(t, f)
	for _, args := range [][]string{
		{"apply", f.plan},
		{"apply", "-domain", "contoso.com", "-metadata", f.metadata},
		{"revert", "fabrikam.com"},
		{"domain", "promote", "hr.contoso.com"},
		{"domain", "default", "contoso.com"},
		{"rotate", "step", "fabrikam.com", "-metadata", f.metadata},
		{"rotate", "abandon", "fabrikam.com", "-metadata", f.metadata},
	} {
		got := p.must(t, command.ExitOK, append(args, "-dry-run", "-state", f.state)...)
		require.Contains(t, got.Stderr, nothingChanged, args)
		require.NotContains(t, got.Stdout, "Done:", args)
	}
	require.Empty(t, writes(tenant))
	kept, err := filepath.Glob(filepath.Join(f.state, "record-*.json"))
	require.NoError(t, err)
	require.Empty(t, kept)
}

func TestNothingChangesBeforeSomebodySaysYes(t *testing.T) {
	t.Parallel()
	const question = "federate contoso.com, by 1 of the writes above. Planned 0s ago."
	commandtest.OnlyAYesGoesOn(t, question, func(t *testing.T, answer commandtest.Answer) {
		f, p, tenant := beforeApply(t)
		answer.Give(&p.Program)
		got := p.must(t, answer.Code, "apply", f.plan, "-state", f.state)
		require.Contains(t, got.Stderr, answer.Says)
		if answer.Yes() {
			require.Len(t, writes(tenant), 1)
			return
		}
		require.Empty(t, writes(tenant))
		require.NoFileExists(t, filepath.Join(f.state, "record-contoso.com.json"))
	})
}

// beforeApply is a tenant and a plan for it.
func beforeApply(t *testing.T, changes ...func(*entratest.Config)) (files, program, *entratest.Tenant) {
	t.Helper()
	f, p := newFiles(t), newProgram()
	newIdentityProvider(t, p.Now).writeMetadata(t, f.metadata, false)
	tenant := p.tenant(t, changes...)
	p = p.at(tenant)
	p.planned(t, f)
	return f, p, tenant
}

func TestAPlanWithAnErrorIsRefused(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	newIdentityProvider(t, p.Now).writeMetadata(t, f.metadata, false)
	tenant := p.tenant(t, defaultDomain)
	p = p.at(tenant)
	p.must(t, command.ExitFailed, "plan", "contoso.com", "-metadata", f.metadata, "-out", f.plan, "-state", f.state)
	for _, args := range [][]string{{f.plan}, {"-domain", "contoso.com"}} {
		got := p.must(t, command.ExitFailed, append([]string{"apply", "-yes", "-state", f.state}, args...)...)
		require.Contains(t, got.Stderr, nothingChanged)
	}
	require.Empty(t, writes(tenant))
}

// What is written is what was shown: a file in which the two differ is no plan.
func TestAPlanThatWasChangedByHandIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, old, new, says string }{
		{"another issuer is sent than is shown", `"issuerUri": "` + issuer + `"`, `"issuerUri": "https://other.example.net/"`, "issuerUri"},
		{"no certificate is sent", `"signingCertificate": "MII`, `"signingCertificate_": "MII`, "signingCertificate"},
		{"another domain", `"domain": "contoso.com",
      "body"`, `"domain": "fabrikam.com",
      "body"`, "contoso.com"},
		{"another operation", `"operation": "create configuration"`, `"operation": "delete everything"`, "delete everything"},
		{"a name that is none", `"purpose"`, `"porpoise"`, "porpoise"},
		{"cut off", `"findings"`, ``, "not a plan"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, p, tenant := beforeApply(t)
			text := commandtest.Read(t, f.plan)
			require.Contains(t, text, c.old)
			require.NoError(t, os.WriteFile(f.plan, []byte(strings.Replace(text, c.old, c.new, 1)), 0o600))
			got := p.must(t, command.ExitUsage, "apply", f.plan, "-state", f.state, "-yes")
			require.Contains(t, got.Stderr, f.plan)
			require.Contains(t, got.Stderr, c.says)
			require.Empty(t, writes(tenant))
		})
	}
}

func TestAPlanForATenantThatHasChangedIsRefused(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	idp.writeMetadata(t, f.metadata, false)
	tenant := p.tenant(t)
	p = p.at(tenant)
	p.planned(t, f)
	require.NoError(t, tenant.Federate("contoso.com", entratest.Federation{
		Issuer: "https://x.contoso.com/", SignInURL: "https://x.contoso.com/", Certificates: []*x509.Certificate{idp.signers[1].Certificate},
	}))
	got := p.must(t, command.ExitFailed, "apply", f.plan, "-state", f.state, "-yes")
	require.Contains(t, got.Stderr, "https://x.contoso.com/")
	require.Contains(t, got.Stderr, "Make a new plan")
	require.Empty(t, writes(tenant))
}

// interruptedAt returns a program that is interrupted before its n-th request to Graph, and whether that came.
func (p program) interruptedAt(ctx context.Context, n int) (program, context.Context, func() bool) {
	ctx, interrupt := context.WithCancel(ctx)
	came := false
	p.Transport = &commandtest.Counting{Next: p.Transport, Host: "graph.microsoft.com", Before: func(i int) error {
		if i == n {
			came = true
			interrupt()
		}
		return nil
	}}
	return p, ctx, func() bool { return came }
}

// Whenever it is interrupted, the same command goes on, and the way back leads back to the beginning.
func TestAfterCtrlCAnywhereTheSameCommandGoesOn(t *testing.T) {
	t.Parallel()
	halfway := 0
	for at := 1; ; at++ {
		f, p := newFiles(t), newProgram()
		newIdentityProvider(t, p.Now).writeMetadata(t, f.metadata, false)
		tenant := p.tenant(t, defaultDomain)
		p = p.at(tenant)
		plan := p.planned(t, f, "-default-domain", "contoso.onmicrosoft.com")
		interrupted, ctx, came := p.interruptedAt(t.Context(), at)
		got := interrupted.command(t, ctx, "apply", f.plan, "-state", f.state, "-yes")
		if !came() {
			require.Equal(t, command.ExitOK, got.Code, got.Stderr)
			break
		}
		if got.Code != command.ExitOK { // the last look may be over
			require.Equal(t, command.ExitStopped, got.Code, got.Stderr)
			require.Contains(t, got.Stderr, "to go on: federate apply "+f.plan)
		}
		if n := len(writes(tenant)); n == 1 {
			halfway++
			require.Contains(t, got.Stderr, "to go back: federate revert contoso.com -undo "+plan.ID)
		}
		p.must(t, command.ExitOK, "apply", f.plan, "-state", f.state, "-yes")
		require.Len(t, writes(tenant), 2, "nothing is written twice")
		require.Equal(t, issuer, tenant.Domains()[0].Federation.Issuer)
		p.must(t, command.ExitOK, "revert", "contoso.com", "-undo", plan.ID, "-state", f.state, "-yes")
		require.Equal(t, []entratest.Domain{{Name: "contoso.com", Default: true}}, tenant.Domains())
	}
	require.Positive(t, halfway, "it was interrupted between the two writes")
}

// A plan that was never in a file is in one when it stops.
func TestAPlanInOneGoCanBeGoneOnWith(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	newIdentityProvider(t, p.Now).writeMetadata(t, f.metadata, false)
	tenant := p.tenant(t, defaultDomain)
	p = p.at(tenant)
	remove := tenant.Inject(entratest.Fault{
		Method: http.MethodPost, Path: "/v1.0/domains/contoso.com/federationConfiguration", Status: http.StatusForbidden, Times: -1,
	})
	got := p.must(t, command.ExitStopped, "apply", "-domain", "contoso.com", "-metadata", f.metadata, "-default-domain",
		"contoso.onmicrosoft.com", "-state", f.state, "-yes")
	require.Contains(t, got.Stderr, "Domain-InternalFederation.ReadWrite.All")
	kept, err := filepath.Glob(filepath.Join(f.state, "plan-*.json"))
	require.NoError(t, err)
	require.Len(t, kept, 1)
	require.Contains(t, got.Stderr, "to go on: federate apply "+kept[0])
	remove()
	p.must(t, command.ExitOK, "apply", kept[0], "-state", f.state, "-yes")
	require.NotNil(t, tenant.Domains()[0].Federation)
}

func TestTheQuestionCanBeInterrupted(t *testing.T) {
	t.Parallel()
	f, p, tenant := beforeApply(t)
	ctx, cancel := context.WithCancel(t.Context())
	p.InTerminal, p.Stdin = true, commandtest.Silent{Leave: cancel}
	got := p.command(t, ctx, "apply", f.plan, "-state", f.state)
	require.Equal(t, command.ExitStopped, got.Code)
	require.Contains(t, got.Stderr, nothingChanged)
	require.Empty(t, writes(tenant))
}

// Two hours are the longest that Microsoft speaks of; what is not in force by then is said, and not hidden.
func TestAWaitThatIsInVainEnds(t *testing.T) {
	t.Parallel()
	f, p, tenant := beforeApply(t, func(cfg *entratest.Config) { cfg.FederationLag = 3 * time.Hour })
	p.ErrTerminal = true
	got := p.must(t, command.ExitStopped, "apply", f.plan, "-state", f.state, "-yes", "-wait")
	require.Contains(t, got.Stderr, "[############............] waiting for 1h1m0s of up to 2h0m0s")
	require.Contains(t, got.Stderr, "24 hours")
	require.Contains(t, got.Stderr, "To go on waiting: federate verify contoso.com -wait -state "+f.state)
	require.NotNil(t, tenant.Domains()[0].Federation)
	got = p.must(t, command.ExitOK, "verify", "contoso.com", "-wait", "-state", f.state)
	require.Contains(t, got.Stdout, "That is as Graph has it.")
}
