package main

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/federation/entratest"
)

func TestVerifyComparesWhatEntraSays(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	newIdentityProvider(t, p.Now).writeMetadata(t, f.metadata, false)
	p.must(t, command.ExitOK, "apply", "-domain", "contoso.com", "-metadata", f.metadata, "-default-domain", "contoso.onmicrosoft.com",
		"-simulate", f.tenant, "-yes")
	got := p.must(t, command.ExitFailed, "verify", "contoso.com", "-simulate", f.tenant)
	require.Contains(t, got.Stdout, "it should be federated")
	require.Contains(t, got.Stderr, "federate verify contoso.com -wait -simulate "+f.tenant)
	got = p.must(t, command.ExitFailed, "verify", "contoso.com", "-simulate", f.tenant, "-json")
	var v federation.Verification
	require.NoError(t, json.Unmarshal([]byte(got.Stdout), &v))
	require.False(t, v.Live)
	require.Equal(t, federation.ManagedRealm, v.Realm.Type)
	got = p.must(t, command.ExitOK, "verify", "contoso.com", "-simulate", f.tenant, "-later", "5m")
	require.Contains(t, got.Stdout, "That is as Graph has it.")
	got = p.must(t, command.ExitFailed, "verify", "fabrikam.com", "-simulate", f.tenant)
	require.Contains(t, got.Stdout, "fabrikam.com is not a domain of the tenant")
	p.must(t, command.ExitFailed, "verify", "fabrikam.com", "-wait", "-simulate", f.tenant)
}

// The doctor's exit code tells whether something stands in the way.
func TestTheDoctorSaysWhy(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	idp.writeMetadata(t, f.metadata, false)
	tenant := p.tenant(t, func(cfg *entratest.Config) {
		cfg.Domains[0].Federation = &entratest.Federation{
			Issuer: issuer, SignInURL: signInURL, Certificates: []*x509.Certificate{idp.signers[0].Certificate},
			MFABehavior: entratest.EnforceMFA,
		}
	})
	p = p.at(tenant)
	args := []string{"doctor", "contoso.com", "-state", f.state}
	p.must(t, command.ExitOK, append(args, "-metadata", f.metadata, "-mfa", "yes", "-user", "employee@contoso.com")...)
	got := p.must(t, command.ExitFailed, append(args, "-metadata", f.metadata, "-mfa", "no")...)
	require.Contains(t, got.Stdout, "error mfa-loop")
	got = p.must(t, command.ExitFailed, append(args, "-issuer", issuer+"/", "-json")...)
	var d federation.Diagnosis
	require.NoError(t, json.Unmarshal([]byte(got.Stdout), &d))
	require.Equal(t, "issuer-differs", d.Findings[0].Rule)
	require.Equal(t, "plan contoso.com", d.Findings[0].Command)
	got = p.must(t, command.ExitOK, append(args, "-metadata", "nowhere.xml")...)
	require.Contains(t, got.Stderr, "the identity provider's metadata cannot be read, and is left out")
	got = p.must(t, command.ExitFailed, append(args, "-immutable-id", "mail", "-connection", "hr", "-user", "employee@contoso.com")...)
	require.Contains(t, got.Stdout, "AADSTS51004")
	for _, call := range tenant.GraphCalls() {
		require.Equal(t, http.MethodGet, call.Method)
	}
}

func TestRevertMakesTheDomainManaged(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	tenant := p.tenant(t, func(cfg *entratest.Config) {
		cfg.Domains[0].Federation = &entratest.Federation{
			Issuer: issuer, SignInURL: signInURL, Certificates: []*x509.Certificate{idp.signers[0].Certificate},
		}
	})
	p = p.at(tenant)
	got := p.must(t, command.ExitOK, "revert", "contoso.com", "-list", "-state", f.state)
	require.Contains(t, got.Stdout, "contoso.com has no way back in "+f.state)
	got = p.must(t, command.ExitOK, "revert", "contoso.com", "-list", "-state", f.state, "-json")
	require.Equal(t, "[]\n", got.Stdout)
	got = p.must(t, command.ExitFailed, "revert", "contoso.com", "-undo", "0123", "-state", f.state, "-yes")
	require.Contains(t, got.Stderr, `no way back "0123"`)
	require.Equal(t, command.ExitUsage, p.command(t, t.Context(), "revert", "contoso.com", "-state", f.state).Code, "nobody was asked")
	require.Empty(t, writes(tenant))

	p.must(t, command.ExitOK, "revert", "contoso.com", "-out", f.plan, "-state", f.state)
	require.Empty(t, writes(tenant))
	p.must(t, command.ExitOK, "apply", f.plan, "-state", f.state, "-yes", "-wait")
	require.Nil(t, tenant.Domains()[0].Federation)
	got = p.must(t, command.ExitOK, "revert", "contoso.com", "-list", "-state", f.state)
	require.Contains(t, got.Stdout, "contoso.com was federated with "+issuer)
	got = p.must(t, command.ExitOK, "revert", "contoso.com", "-state", f.state)
	require.Contains(t, got.Stdout, "Nothing is written.", "where nothing is to be done, nobody is asked")
}

func TestADomainIsAddedAndVerified(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	got := p.must(t, command.ExitOK, "domain", "add", "fabrikam.com", "-simulate", f.tenant)
	require.Contains(t, got.Stdout, "MS=ms")
	again := p.must(t, command.ExitOK, "domain", "show", "fabrikam.com", "-simulate", f.tenant)
	require.Equal(t, got.Stdout, again.Stdout)
	require.Equal(t, got.Stdout, p.must(t, command.ExitOK, "domain", "add", "fabrikam.com", "-simulate", f.tenant).Stdout)
	got = p.must(t, command.ExitStopped, "domain", "verify", "fabrikam.com", "-simulate", f.tenant)
	require.Contains(t, got.Stderr, "to go on: federate domain verify fabrikam.com -wait")
	p.must(t, command.ExitOK, "domain", "verify", "fabrikam.com", "-simulate", f.tenant, "-later", "1h")
	got = p.must(t, command.ExitOK, "domain", "show", "fabrikam.com", "-simulate", f.tenant, "-json")
	var status federation.DomainStatus
	require.NoError(t, json.Unmarshal([]byte(got.Stdout), &status))
	require.True(t, status.Domain.IsVerified)
	got = p.must(t, command.ExitFailed, "domain", "show", "example.org", "-simulate", f.tenant)
	require.Contains(t, got.Stderr, "example.org: add it first")
}

func TestADomainIsPromotedAndMadeTheDefault(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	got := p.must(t, command.ExitOK, "domain", "promote", "hr.contoso.com", "-simulate", f.tenant, "-yes")
	require.NotContains(t, got.Stderr, "the way back", "there is none")
	got = p.must(t, command.ExitOK, "domain", "default", "hr.contoso.com", "-simulate", f.tenant, "-yes", "-json")
	var result applied
	require.NoError(t, json.Unmarshal([]byte(got.Stdout), &result))
	require.Equal(t, 1, result.Outcome.Done)
	tenant := opened(t, f)
	require.Equal(t, []entratest.Domain{{Name: "contoso.com"}, {Name: "hr.contoso.com", Promoted: true, Default: true}}, tenant.Domains())
	p.must(t, command.ExitOK, "revert", "hr.contoso.com", "-undo", result.Outcome.Undo, "-simulate", f.tenant, "-yes")
	require.True(t, opened(t, f).Domains()[0].Default)
	p.must(t, command.ExitFailed, "domain", "promote", "contoso.org", "-simulate", f.tenant, "-yes")
}

func TestAPartnersGuestsAreFederated(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	idp.writeCertificate(t, f.first, 0)
	tenant := p.tenant(t)
	p = p.at(tenant)
	args := []string{"guests", "plan", "partner.example.org", "partner.example.net", "-issuer", "https://id.partner.example.org/",
		"-sign-in-url", "https://id.partner.example.org/sso", "-certificate", f.first, "-state", f.state}
	got := p.must(t, command.ExitOK, append(args, "-out", f.plan)...)
	require.Contains(t, got.Stderr, "to go on: federate apply "+f.plan)
	require.Empty(t, writes(tenant))
	got = p.must(t, command.ExitOK, "guests", "apply", f.plan, "-state", f.state, "-yes")
	require.Contains(t, got.Stderr, "the way back: federate guests revert partner.example.org")
	require.Contains(t, got.Stderr, "let a guest try")
	require.NotEmpty(t, writes(tenant))
	got = p.must(t, command.ExitOK, args...)
	require.Contains(t, got.Stdout, "Nothing is written.")
	got = p.must(t, command.ExitUsage, "guests", "revert", "partner.example.org", "-state", f.state)
	require.Contains(t, got.Stdout, "DELETE")
	p.must(t, command.ExitOK, "guests", "revert", "partner.example.org", "-state", f.state, "-yes")
	got = p.must(t, command.ExitOK, "guests", "revert", "partner.example.org", "-state", f.state)
	require.Contains(t, got.Stdout, "Nothing is written.")
}
