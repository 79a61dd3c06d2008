package main

import (
	"context"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/examples/internal/simulation"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/saml"
)

func newProgram() program { return program{commandtest.New("federate")} }

// command runs the program with these flags until it ends by itself.
func (p program) command(t testing.TB, ctx context.Context, args ...string) commandtest.Result {
	t.Helper()
	return commandtest.Run(&p.Program, args, func() int { return run(ctx, p) })
}

// must runs the program and requires an exit code.
func (p program) must(t testing.TB, code int, args ...string) commandtest.Result {
	t.Helper()
	got := p.command(t, t.Context(), args...)
	require.Equal(t, code, got.Code, "%s\n%s%s", strings.Join(args, " "), got.Stdout, got.Stderr)
	return got
}

// at returns the program in front of a tenant that is not simulated by itself.
func (p program) at(tenant *entratest.Tenant) program {
	return program{commandtest.At(p.Program, tenant)}
}

// tenant is one with a managed domain, a user in it and an administrator outside of it.
func (p program) tenant(t testing.TB, changes ...func(*entratest.Config)) *entratest.Tenant {
	t.Helper()
	cfg := entratest.Config{
		Domains: []entratest.Domain{{Name: "contoso.com"}}, Clock: p.Clock, Seed: 1, Lag: entratest.LagNone,
		Users: []entratest.User{
			{UPN: "employee@contoso.com", Mail: "employee@contoso.com", ImmutableID: "employee@contoso.com", Enabled: true},
			{UPN: "emergency@contoso.onmicrosoft.com", Enabled: true, GlobalAdministrator: true},
		},
	}
	for _, change := range changes {
		change(&cfg)
	}
	return entratest.Start(t, cfg)
}

// writes are the requests of a tenant that were not for reading.
func writes(tenant *entratest.Tenant) (made []string) {
	for _, call := range tenant.GraphCalls() {
		if call.Method != http.MethodGet {
			made = append(made, call.Method+" "+call.Path)
		}
	}
	return made
}

// identityProvider is one with two keys, of which the first signs.
type identityProvider struct {
	*saml.IdentityProvider
	signers []saml.Signer
	now     func() time.Time // its clock
}

const (
	issuer    = "https://id.contoso.com/entra"
	signInURL = "https://id.contoso.com/entra/sign-in"
)

func newIdentityProvider(t testing.TB, now func() time.Time, signers ...saml.Signer) *identityProvider {
	t.Helper()
	if signers == nil {
		signers = []saml.Signer{newSigner("first", now()), newSigner("second", now())}
	}
	idp := &identityProvider{signers: signers, now: now}
	var err error
	idp.IdentityProvider, err = saml.New(saml.Config{
		SingleSignOnService: signInURL, Realms: []saml.Realm{{Domain: "contoso.com", Issuer: issuer}}, Signer: signers[0],
		Now: func() time.Time { return idp.now() },
	})
	require.NoError(t, err)
	return idp
}

func newSigner(name string, now time.Time) saml.Signer {
	key, from := certtest.RSA(2048), now.AddDate(0, -1, 0)
	if name == "second" {
		from = from.AddDate(0, 0, 1)
	}
	return saml.Signer{Key: key, Certificate: certtest.SelfSigned(key, name, from, now.AddDate(3, 0, 0))}
}

// writeMetadata writes what the identity provider publishes, with the second key announced if there is to be a second.
func (i *identityProvider) writeMetadata(t testing.TB, file string, second bool) {
	t.Helper()
	if second {
		require.NoError(t, i.SetNextSigner(i.signers[1]))
	}
	document, err := i.Metadata("contoso.com")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, document, 0o600))
}

// writeCertificate writes a certificate as PEM.
func (i *identityProvider) writeCertificate(t testing.TB, file string, n int) string {
	t.Helper()
	block := &pem.Block{Type: "CERTIFICATE", Bytes: i.signers[n].Certificate.Raw}
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	return file
}

// signIn is what Entra says to a sign-in of a user.
func (i *identityProvider) signIn(t testing.TB, tenant *entratest.Tenant, upn, immutableID string) entratest.Verdict {
	t.Helper()
	i.now = tenant.Config().Clock.Now
	sent, err := tenant.NewAuthnRequest(upn)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, sent.URL, strings.NewReader(sent.Form().Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request, err := i.ReadRequest(r)
	require.NoError(t, err)
	response, err := i.Respond(request, saml.Subject{ImmutableID: immutableID, UPN: upn, AuthnInstant: i.now()})
	require.NoError(t, err)
	return tenant.CheckResponse(response.SAMLResponse(), response.RelayState)
}

// files are those of a test.
type files struct{ folder, tenant, metadata, plan, state, dump, first, second string }

func newFiles(t testing.TB) files {
	t.Helper()
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	return files{folder, in("tenant.json"), in("idp.xml"), in("plan.json"), in("state"), in("graph.jsonl"), in("first.crt"),
		in("second.crt")}
}

// opened is the simulated tenant as a command would find it.
func opened(t testing.TB, f files) *simulation.Tenant {
	t.Helper()
	tenant, err := simulation.Open(t.Context(), f.tenant, newClock(), newTenantFile)
	require.NoError(t, err)
	return tenant
}

// What differs from run to run.
var (
	planIDs    = regexp.MustCompile(`\b[0-9a-f]{32}\b`)
	hashes     = regexp.MustCompile(`SHA-256 [0-9a-f]+…?`)
	wholeHash  = regexp.MustCompile(`"sha256": "[0-9a-f]{64}"`)
	base64Text = regexp.MustCompile(`"MII[A-Za-z0-9+/=]+"`)
)

// golden compares with the file that is named after the test.
func golden(t *testing.T, f files, name, got string) {
	t.Helper()
	if f.folder != "" {
		got = strings.ReplaceAll(got, f.folder+string(filepath.Separator), "")
	}
	got = planIDs.ReplaceAllString(got, "0123456789abcdef0123456789abcdef")
	got = hashes.ReplaceAllString(got, "SHA-256 (a hash)")
	got = wholeHash.ReplaceAllString(got, `"sha256": "(a hash)"`)
	got = base64Text.ReplaceAllString(got, `"(base64 of a certificate)"`)
	commandtest.Golden(t, filepath.Join("testdata", name+".txt"), got)
}

func writeFile(path string, content []byte) error { return document.ReplaceFile(path, content) }

func writeTenant(path string, f simulation.File) error { return document.Replace(path, f) }

func tokenOptions(tenant *entratest.Tenant) policy.TokenRequestOptions {
	return policy.TokenRequestOptions{Scopes: []string{tenant.Cloud().Graph + "/.default"}}
}
