package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/federation/entratest"
)

// federated is a simulated tenant whose domain is federated, with an employee who has an ImmutableID, in a file.
func (p program) federated(t testing.TB, f files, idp *identityProvider) {
	t.Helper()
	p.must(t, command.ExitOK, "apply", "-domain", "contoso.com", "-certificate", idp.writeCertificate(t, f.first, 0), "-issuer", issuer,
		"-sign-in-url", signInURL, "-default-domain", "contoso.onmicrosoft.com", "-simulate", f.tenant, "-yes", "-wait")
	idp.writeCertificate(t, f.second, 1)
	tenant := opened(t, f)
	for i := range tenant.File.Users {
		if strings.HasPrefix(tenant.File.Users[i].UPN, "employee1@") {
			tenant.File.Users[i].ImmutableID = "employee1"
		}
	}
	require.NoError(t, writeTenant(f.tenant, tenant.File))
}

// accepted requires that employee1 can sign in with what the identity provider signs now.
func accepted(t testing.TB, f files, idp *identityProvider) {
	t.Helper()
	verdict := idp.signIn(t, opened(t, f).Tenant, "employee1@contoso.com", "employee1")
	require.True(t, verdict.Accepted, "%+v", verdict)
}

// A whole rotation, as an operator makes it with two files, locks nobody out at any stage.
func TestARotationIsWalkedThrough(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	p.federated(t, f, idp)
	accepted(t, f, idp)
	before := []string{"contoso.com", "-certificate", f.first, "-next-certificate", f.second, "-simulate", f.tenant}
	after := []string{"contoso.com", "-certificate", f.second, "-next-certificate", f.first, "-simulate", f.tenant}
	rotate := func(code int, verb string, files []string, more ...string) commandtest.Result {
		t.Helper()
		return p.must(t, code, append(append([]string{"rotate", verb}, files...), more...)...)
	}
	var said strings.Builder
	tell := func(got commandtest.Result) { said.WriteString(got.Stdout + "---\n" + got.Stderr + "===\n") }

	tell(rotate(command.ExitOK, "status", before))
	tell(rotate(command.ExitOK, "step", before, "-yes"))
	accepted(t, f, idp)
	got := rotate(command.ExitStopped, "step", before, "-yes")
	require.Contains(t, got.Stderr, "not before 2026-03-02 11:05:00 UTC")
	tell(got)
	tell(rotate(command.ExitOK, "status", before, "-later", "1h"))
	got = rotate(command.ExitStopped, "step", before, "-yes", "-wait")
	require.Contains(t, got.Stderr, "make the identity provider sign with the other key")
	tell(got)
	tell(rotate(command.ExitOK, "status", before))
	accepted(t, f, idp)

	require.NoError(t, idp.SetNextSigner(idp.signers[1]))
	require.NoError(t, idp.Switch(t.Context(), idp.signers[1].Certificate))
	accepted(t, f, idp)
	tell(rotate(command.ExitOK, "status", after))
	tell(rotate(command.ExitOK, "step", after, "-yes"))
	accepted(t, f, idp)
	got = rotate(command.ExitFailed, "abandon", after, "-yes")
	require.Contains(t, got.Stderr, "would lock people out")
	tell(got)
	tell(rotate(command.ExitStopped, "step", after, "-yes"))
	tell(rotate(command.ExitOK, "step", after, "-yes", "-wait"))
	accepted(t, f, idp)
	got = rotate(command.ExitOK, "step", after, "-yes")
	require.Contains(t, got.Stderr, "there is nothing to do")
	tell(got)
	golden(t, f, "rotate", said.String())
	require.Equal(t, idp.signers[1].Certificate.Raw, opened(t, f).Domains()[0].Federation.Certificates[0].Raw)
	require.Len(t, opened(t, f).Domains()[0].Federation.Certificates, 1)

	var ways []federation.Undo
	got = p.must(t, command.ExitOK, "revert", "contoso.com", "-list", "-json", "-simulate", f.tenant)
	require.NoError(t, json.Unmarshal([]byte(got.Stdout), &ways))
	undo := []string{"revert", "contoso.com", "-undo", ways[len(ways)-2].Plan, "-simulate", f.tenant, "-yes"}
	got = p.must(t, command.ExitFailed, undo...)
	require.Contains(t, got.Stdout, "error revert-retired-certificate")
	accepted(t, f, idp)
	p.must(t, command.ExitOK, append(undo, "-insecure-retired-certificate")...)
	require.Equal(t, idp.signers[0].Certificate.Raw, opened(t, f).Domains()[0].Federation.Certificates[0].Raw)
}

func TestARotationIsAbandoned(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	p.federated(t, f, idp)
	args := []string{"contoso.com", "-certificate", f.first, "-next-certificate", f.second, "-simulate", f.tenant, "-yes"}
	p.must(t, command.ExitOK, append([]string{"rotate", "step"}, args...)...)
	require.Len(t, opened(t, f).Domains()[0].Federation.Certificates, 2)
	got := p.must(t, command.ExitOK, append([]string{"rotate", "abandon"}, args...)...)
	require.NotContains(t, got.Stderr, "rotate step", "what to do now is for the operator to say")
	require.Len(t, opened(t, f).Domains()[0].Federation.Certificates, 1)
}

// A key that Entra does not know is broken, and says so.
func TestAKeyThatEntraDoesNotKnowIsAFailure(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	p.federated(t, f, idp)
	got := p.must(t, command.ExitFailed, "rotate", "contoso.com", "-certificate", f.second, "-simulate", f.tenant, "-json")
	var r rotated
	require.NoError(t, json.Unmarshal([]byte(got.Stdout), &r))
	require.Equal(t, federation.RotationBroken, r.Stage)
	require.Contains(t, strings.Join(r.Reasons, " "), "AADSTS5000811")
	got = p.must(t, command.ExitFailed, "rotate", "step", "contoso.com", "-certificate", f.second, "-simulate", f.tenant, "-json", "-yes")
	require.NoError(t, json.Unmarshal([]byte(got.Stdout), &r))
	require.Contains(t, r.Error, federation.ErrLockout.Error())
}

func TestARotationNeedsTheKeysAndAFederation(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	tenant := p.tenant(t)
	p = p.at(tenant)
	got := p.must(t, command.ExitUsage, "rotate", "contoso.com", "-state", f.state)
	require.Contains(t, got.Stderr, "say which key signs")
	got = p.must(t, command.ExitFailed, "rotate", "contoso.com", "-state", f.state, "-certificate", idp.writeCertificate(t, f.first, 0))
	require.Contains(t, got.Stderr, "contoso.com is not federated")
}

// With metadata nothing has to be said twice: the identity provider publishes which key signs.
func TestARotationByMetadata(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	idp.writeMetadata(t, f.metadata, false)
	tenant := p.tenant(t, func(cfg *entratest.Config) { cfg.FederationLag = -1 })
	p = p.at(tenant)
	p.planned(t, f)
	p.must(t, command.ExitOK, "apply", f.plan, "-state", f.state, "-yes")
	idp.writeMetadata(t, f.metadata, true)
	p.must(t, command.ExitOK, "rotate", "step", "contoso.com", "-state", f.state, "-yes")
	p.Clock.Advance(2 * time.Hour)
	got := p.must(t, command.ExitStopped, "rotate", "step", "contoso.com", "-state", f.state, "-yes")
	require.Contains(t, got.Stderr, "so that its certificate is the first in the metadata")
	require.NoError(t, idp.Switch(t.Context(), idp.signers[1].Certificate))
	document, err := idp.Metadata("contoso.com")
	require.NoError(t, err)
	require.NoError(t, writeFile(f.metadata, document))
	got = p.must(t, command.ExitOK, "rotate", "step", "contoso.com", "-state", f.state, "-yes")
	require.Contains(t, got.Stdout, "contoso.com: promoted")
	p.Clock.Advance(2 * time.Hour)
	p.must(t, command.ExitOK, "rotate", "step", "contoso.com", "-state", f.state, "-yes")
	require.Len(t, tenant.Domains()[0].Federation.Certificates, 1)
	require.Equal(t, idp.signers[1].Certificate.Raw, tenant.Domains()[0].Federation.Certificates[0].Raw)
}
