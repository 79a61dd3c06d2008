package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/federation/entratest"
)

// planned writes a plan for the tenant that the program is in front of.
func (p program) planned(t testing.TB, f files, args ...string) *federation.Plan {
	t.Helper()
	p.must(t, command.ExitOK, append([]string{
		"plan", "contoso.com", "-metadata", f.metadata, "-out", f.plan, "-state", f.state}, args...)...)
	return readPlan(t, f.plan)
}

func readPlan(t testing.TB, path string) *federation.Plan {
	t.Helper()
	plan, err := federation.ReadPlan(strings.NewReader(commandtest.Read(t, path)))
	require.NoError(t, err)
	return plan
}

func TestThePlanOfTheSimulatedTenant(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	newIdentityProvider(t, p.Now).writeMetadata(t, f.metadata, false)
	args := []string{"plan", "contoso.com", "-simulate", f.tenant, "-metadata", f.metadata}
	got := p.must(t, command.ExitFailed, args...)
	golden(t, f, "plan-blocked", got.Stdout+"---\n"+got.Stderr)

	got = p.must(t, command.ExitOK, append(args, "-default-domain", "contoso.onmicrosoft.com", "-out", f.plan)...)
	golden(t, f, "plan", got.Stdout+"---\n"+got.Stderr)
	info, err := os.Stat(f.plan)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it says who people are")

	got = p.must(t, command.ExitOK, append(args, "-default-domain", "contoso.onmicrosoft.com", "-json")...)
	golden(t, f, "plan-json", got.Stdout)
	_, err = federation.ReadPlan(strings.NewReader(got.Stdout))
	require.NoError(t, err, "-json prints what apply reads")
}

func TestAPlanOnlyReads(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	newIdentityProvider(t, p.Now).writeMetadata(t, f.metadata, false)
	tenant := p.tenant(t)
	p.at(tenant).planned(t, f)
	require.NotEmpty(t, tenant.GraphCalls())
	require.Empty(t, writes(tenant))
}

// Each flag of plan is in what is written.
func TestTheFlagsOfAPlanAreItsSettings(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	first, second := idp.writeCertificate(t, f.first, 0), idp.writeCertificate(t, f.second, 1)
	tenant := p.tenant(t)
	got := p.at(tenant).must(t, command.ExitOK, "plan", "-state", f.state, "-json", "-domain", "CONTOSO.com",
		"-issuer", issuer, "-sign-in-url", signInURL, "-certificate", first, "-next-certificate", second,
		"-display-name", "Contoso", "-sign-out-url", "https://id.contoso.com/out", "-active-sign-in-url", "https://id.contoso.com/ecp",
		"-metadata-exchange-url", "https://id.contoso.com/mex", "-password-reset-url", "https://id.contoso.com/reset",
		"-protocol", "wsfed", "-mfa", "enforce", "-prompt-login", "native", "-signed-requests")
	plan, err := federation.ReadPlan(strings.NewReader(got.Stdout))
	require.NoError(t, err)
	require.Len(t, plan.Writes, 1)
	body := plan.Writes[0].Body
	for _, name := range []string{"signingCertificate", "nextSigningCertificate"} {
		require.NotEmpty(t, body[name])
		delete(body, name)
	}
	require.Equal(t, federation.Properties{
		"displayName": "Contoso", "issuerUri": issuer, "passiveSignInUri": signInURL, "signOutUri": "https://id.contoso.com/out",
		"activeSignInUri": "https://id.contoso.com/ecp", "metadataExchangeUri": "https://id.contoso.com/mex",
		"passwordResetUri": "https://id.contoso.com/reset", "preferredAuthenticationProtocol": "wsFed",
		"federatedIdpMfaBehavior": "enforceMfaByFederatedIdp", "promptLoginBehavior": "nativeSupport",
		"isSignedAuthenticationRequestRequired": true,
	}, body)
}

// What the identity provider publishes is read from where it does.
func TestMetadataIsReadFromAURL(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	idp.writeMetadata(t, f.metadata, true)
	tenant := p.tenant(t)
	tenant.Mount("id.contoso.com", http.FileServer(http.Dir(f.folder)))
	p = p.at(tenant)
	got := p.must(t, command.ExitOK, "plan", "contoso.com", "-state", f.state, "-metadata", "https://id.contoso.com/idp.xml")
	require.Contains(t, got.Stdout, `issuerUri: "`+issuer+`"`)
	require.Contains(t, got.Stdout, "nextSigningCertificate: CN=second")

	got = p.must(t, command.ExitUsage, "plan", "contoso.com", "-state", f.state, "-metadata", "https://id.contoso.com/nowhere")
	require.Contains(t, got.Stderr, "404")
	got = p.must(t, command.ExitUsage, "plan", "contoso.com", "-state", f.state, "-metadata", "http://id.contoso.com/idp.xml")
	require.Contains(t, got.Stderr, "https")
}

// A domain is planned again as it was planned before, but for what is said anew.
func TestWhatWasSaidOfTheIdentityProviderIsKept(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	idp.writeMetadata(t, f.metadata, false)
	p = p.at(p.tenant(t))
	got := p.must(t, command.ExitUsage, "plan", "contoso.com", "-state", f.state)
	for _, missing := range []string{"-issuer URI is missing", "-sign-in-url URL is missing", "-certificate FILE is missing"} {
		require.Contains(t, got.Stderr, missing)
	}
	p.planned(t, f, "-mfa", "accept", "-sign-out-url", "https://id.contoso.com/out", "-replace", "x", "-insecure-no-administrator")

	got = p.must(t, command.ExitOK, "plan", "contoso.com", "-state", f.state, "-display-name", "A name", "-sign-out-url", "")
	require.Contains(t, got.Stderr, "as last time: -metadata "+f.metadata+" -mfa accept\n")
	require.Contains(t, got.Stdout, "acceptIfMfaDoneByFederatedIdp")
	require.Contains(t, got.Stdout, `displayName: "A name"`)
	require.NotContains(t, got.Stdout, "signOutUri", "it was taken back")

	first := idp.writeCertificate(t, f.first, 0)
	got = p.must(t, command.ExitOK, "plan", "contoso.com", "-state", f.state, "-certificate", first, "-issuer", "urn:another:one")
	require.Contains(t, got.Stdout, `issuerUri: "urn:another:one"`)
	got = p.must(t, command.ExitOK, "plan", "contoso.com", "-state", f.state, "-metadata", f.metadata)
	require.Contains(t, got.Stdout, `issuerUri: "`+issuer+`"`, "metadata that is given anew goes before what was said before it")
	got = p.must(t, command.ExitUsage, "plan", "fabrikam.com", "-state", f.state)
	require.NotContains(t, got.Stderr, "as last time", "of another domain nothing was said")
}

func TestTheRuleOfImmutableIDsIsLookedAt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		args []string
		says bool
	}{
		{"by address", []string{"-immutable-id", "mail"}, false},
		{"by UPN", []string{"-immutable-id", "upn"}, false},
		{"of a connection", []string{"-immutable-id", "mail", "-connection", "hr"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, p := newFiles(t), newProgram()
			newIdentityProvider(t, p.Now).writeMetadata(t, f.metadata, false)
			p = p.at(p.tenant(t))
			plan := p.planned(t, f, c.args...)
			found := false
			for _, finding := range plan.Findings {
				found = found || strings.Contains(strings.Join(finding.Details, " "), "employee@contoso.com")
			}
			require.Equal(t, c.says, found, "%+v", plan.Findings)
		})
	}
}

func TestATenantThatCannotBeReadEndsThePlan(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	newIdentityProvider(t, p.Now).writeMetadata(t, f.metadata, false)
	tenant := p.tenant(t)
	tenant.Inject(entratest.Fault{Status: http.StatusUnauthorized, Times: -1})
	got := p.at(tenant).must(t, command.ExitStopped, "plan", "contoso.com", "-metadata", f.metadata, "-state", f.state, "-out", f.plan)
	require.Contains(t, got.Stderr, nothingChanged)
	require.Contains(t, got.Stderr, "az login")
	require.NoFileExists(t, f.plan)
}

func TestAPlanIsColouredOnATerminalAlone(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	newIdentityProvider(t, p.Now).writeMetadata(t, f.metadata, false)
	args := []string{"plan", "contoso.com", "-simulate", f.tenant, "-metadata", f.metadata}
	p.OutTerminal = true
	coloured := p.must(t, command.ExitFailed, args...).Stdout
	require.Contains(t, coloured, "\x1b[32m")
	require.Contains(t, coloured, "\x1b[1;31merror\x1b[0m")
	p.Environ = []string{"NO_COLOR=1"}
	require.NotContains(t, p.must(t, command.ExitFailed, args...).Stdout, "\x1b")
	p.OutTerminal, p.Environ = false, nil
	require.NotContains(t, p.must(t, command.ExitFailed, args...).Stdout, "\x1b")
}

// Without a directory that is named, what is kept is in the user's own.
func TestWhatIsKeptIsInTheConfigurationDirectory(t *testing.T) {
	f, p := newFiles(t), newProgram()
	t.Setenv("HOME", f.folder)
	t.Setenv("XDG_CONFIG_HOME", f.folder)
	newIdentityProvider(t, p.Now).writeMetadata(t, f.metadata, false)
	p = p.at(p.tenant(t))
	got := p.must(t, command.ExitOK, "apply", "-domain", "contoso.com", "-metadata", f.metadata, "-yes", "-json")
	var result applied
	require.NoError(t, json.Unmarshal([]byte(got.Stdout), &result))
	own, err := os.UserConfigDir()
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(own, "entrafed", "federate", "record-contoso.com.json"))
	require.NoFileExists(t, filepath.Join(own, "entrafed", "federate", "plan-"+result.Plan.ID+".json"), "it was applied")
}
