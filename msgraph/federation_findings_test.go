package msgraph_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/federation/entratest"
)

// obstacle is a tenant in which a domain cannot be federated.
type obstacle struct {
	rule    string // of the finding that says so
	aadsts  string // of the finding
	tenant  func(*entratest.Config)
	plan    func(*federation.Settings)
	refused int // what the tenant answers to whoever tries all the same

	// mend does what the finding's remedy says; then there is no error any more. Nil: nothing helps.
	mend    func(f *federating, s *federation.Settings)
	command string // of the finding
}

const issuerOfFabrikam = "https://id.contoso.com/entra/fabrikam.com"

// fabrikam asks for fabrikam.com.
func fabrikam(s *federation.Settings) { s.Domain, s.Issuer = "fabrikam.com", issuerOfFabrikam }

// subdomain asks for a domain below contoso.com.
func subdomain(s *federation.Settings) {
	s.Domain, s.Issuer = "hr.contoso.com", "https://id.contoso.com/entra/hr.contoso.com"
}

// domains are those of the tenant.
func domains(all ...entratest.Domain) func(*entratest.Config) {
	return func(c *entratest.Config) { c.Domains = all }
}

// federatedWith is a domain that signs in with the identity provider, by this issuer.
func federatedWith(t testing.TB, name, issuer string) entratest.Domain {
	return entratest.Domain{Name: name, Federation: &entratest.Federation{
		Issuer: issuer, SignInURL: signInURL, DisplayName: name, MFABehavior: entratest.RejectMFA,
		Certificates: certificates(signerOf(t, "old")),
	}}
}

func obstacles(t *testing.T) map[string]obstacle {
	return map[string]obstacle{
		"the domain is not in the tenant": {
			rule: "domain-unknown", aadsts: "AADSTS90019", plan: fabrikam, refused: 404, command: "domain add fabrikam.com",
			mend: func(f *federating, _ *federation.Settings) { f.addAndVerify("fabrikam.com") },
		},
		"nobody has proved whose the domain is": {
			rule: "domain-unverified", aadsts: "AADSTS50128", plan: fabrikam, refused: 400, command: "domain verify fabrikam.com",
			tenant: domains(entratest.Domain{Name: "contoso.com"}, entratest.Domain{Name: "fabrikam.com", Unverified: true}),
			mend:   func(f *federating, _ *federation.Settings) { f.addAndVerify("fabrikam.com") },
		},
		"the domain is the default one": {
			rule: "domain-default", refused: 400, command: "domain default " + initialDomain,
			tenant: domains(entratest.Domain{Name: "contoso.com", Default: true}),
			mend:   func(_ *federating, s *federation.Settings) { s.DefaultDomain = initialDomain },
		},
		"the domain is the default one, and another is made that": {
			rule: "domain-default", refused: 400, command: "domain default " + initialDomain,
			tenant: domains(entratest.Domain{Name: "contoso.com", Default: true}),
			mend: func(f *federating, _ *federation.Settings) {
				plan, err := f.fed.PlanMakeDefault(f.Context(), initialDomain)
				require.NoError(f, err)
				f.apply(plan)
			},
		},
		"the domain is the tenant's first": {
			rule: "domain-initial", refused: 400, plan: func(s *federation.Settings) { s.Domain = initialDomain },
		},
		"the domain is below a managed one": {
			rule: "domain-below-managed", refused: 400, plan: subdomain, command: "plan contoso.com",
			tenant: domains(entratest.Domain{Name: "contoso.com"}, entratest.Domain{Name: "hr.contoso.com"}),
			mend: func(f *federating, _ *federation.Settings) {
				plan, err := f.fed.PlanPromote(f.Context(), "hr.contoso.com")
				require.NoError(f, err)
				f.apply(plan)
			},
		},
		"the domain signs in as the one above it": {
			rule: "domain-inherits", aadsts: "AADSTS50107", refused: 400, plan: subdomain, command: "domain promote hr.contoso.com",
			tenant: domains(federatedWith(t, "contoso.com", issuer), entratest.Domain{Name: "hr.contoso.com"}),
			mend: func(f *federating, _ *federation.Settings) {
				plan, err := f.fed.PlanPromote(f.Context(), "hr.contoso.com")
				require.NoError(f, err)
				f.apply(plan)
			},
		},
		"the issuer is another domain's": {
			rule: "issuer-taken", refused: 409,
			tenant: domains(entratest.Domain{Name: "contoso.com"}, federatedWith(t, "fabrikam.com", issuer)),
			mend:   func(_ *federating, s *federation.Settings) { s.Issuer += "/2" },
		},
	}
}

func TestWhatStandsInTheWayIsFoundRefusedAndMended(t *testing.T) {
	t.Parallel()
	for name, o := range obstacles(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := contoso()
			if o.tenant != nil {
				o.tenant(&cfg)
			}
			f := newFederating(t, cfg)
			settings := f.settings()
			if o.plan != nil {
				o.plan(&settings)
			}
			plan, err := f.fed.Plan(t.Context(), settings)
			require.NoError(t, err)
			found := f.ofRule(plan.Findings, o.rule)
			require.Equal(t, federation.SeverityError, found.Severity)
			require.Equal(t, o.aadsts, found.AADSTS)
			require.Equal(t, o.command, found.Command)
			require.NotEmpty(t, found.Remedy)

			before := f.entra.Domains()
			_, err = f.fed.Apply(t.Context(), plan, nil)
			require.ErrorIs(t, err, federation.ErrBlocked)
			require.ErrorContains(t, err, found.Summary)
			require.Empty(t, f.writes())
			f.refuses(settings, o.refused)
			require.Equal(t, before, f.entra.Domains())

			if o.mend == nil {
				return
			}
			o.mend(f, &settings)
			f.apply(f.plan(settings))
			require.Equal(t, settings.Issuer, f.domain(settings.Domain).Federation.Issuer)
			require.Equal(t, []string{"configuration-equal"}, rulesOf(f.plan(settings).Findings))
		})
	}
}

// refuses asserts what the tenant answers to somebody who federates the domain without a plan.
func (f *federating) refuses(s federation.Settings, status int) {
	f.Helper()
	_, err := f.dir.CreateConfiguration(f.Context(), s.Domain, federation.Properties{
		"issuerUri": s.Issuer, "passiveSignInUri": s.SignInURL, "signingCertificate": bare(signerOf(f, "old").Certificate),
	})
	var answer *federation.DirectoryError
	require.ErrorAs(f, err, &answer)
	require.Equal(f, status, answer.Status, answer.Message)
}

// addAndVerify adds a domain, publishes its record and has it verified.
func (f *federating) addAndVerify(name string) {
	f.Helper()
	status, err := f.fed.AddDomain(f.Context(), name)
	require.NoError(f, err)
	require.NotEmpty(f, status.Records)
	f.entra.PublishDNS(name, status.Records[0].Text)
	_, err = f.fed.VerifyDomain(f.Context(), name, 0, nil)
	require.NoError(f, err)
}

// A plan that was made before somebody else took the issuer is refused by the tenant, and says so.
func TestAnIssuerThatIsTakenMeanwhileIsAConflict(t *testing.T) {
	t.Parallel()
	for name, federated := range map[string]bool{"create": false, "change": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFederating(t, contoso(domains(
				entratest.Domain{Name: "contoso.com"}, entratest.Domain{Name: "fabrikam.com"})))
			if federated {
				f.federate()
			}
			before := f.domain("contoso.com")
			plan := f.plan(f.settings(func(s *federation.Settings) { s.Issuer = issuerOfFabrikam }))
			require.NoError(t, f.entra.Federate("fabrikam.com", *federatedWith(t, "", issuerOfFabrikam).Federation))

			outcome, err := f.fed.Apply(t.Context(), plan, nil)
			var answer *federation.DirectoryError
			require.ErrorAs(t, err, &answer)
			require.Equal(t, http.StatusConflict, answer.Status)
			require.ErrorContains(t, err, "Something else in Entra has the same value, most likely the issuer")
			require.Zero(t, outcome.Done)
			require.Equal(t, before, f.domain("contoso.com"))

			again, err := f.fed.Plan(t.Context(), f.settings(func(s *federation.Settings) { s.Issuer = issuerOfFabrikam }))
			require.NoError(t, err)
			require.Contains(t, f.ofRule(again.Findings, "issuer-taken").Summary, "fabrikam.com")
		})
	}
}

// Who could still get in: the caller's own account, and those of the Global Administrators.
func TestWhoCouldStillGetIn(t *testing.T) {
	t.Parallel()
	inDomain := entratest.User{UPN: "boss@contoso.com", ImmutableID: "b1", Enabled: true, GlobalAdministrator: true}
	all := []string{"User.Read", "User.Read.All", "Domain.ReadWrite.All", "Domain-InternalFederation.ReadWrite.All",
		"RoleManagement.Read.Directory"}
	for name, test := range map[string]struct {
		caller   string // empty: the application
		users    []entratest.User
		insecure bool
		findings map[string]federation.Severity
	}{
		"an administrator outside, called by an application": {},
		"an administrator outside calls":                     {caller: adminUPN},
		"an administrator of the domain calls, and there is one outside": {
			caller: inDomain.UPN, users: []entratest.User{inDomain},
			findings: map[string]federation.Severity{"caller-in-domain": federation.SeverityWarning},
		},
		"the only administrator is in the domain, and calls": {
			caller: inDomain.UPN, users: []entratest.User{inDomain, {UPN: adminUPN, Enabled: true}},
			findings: map[string]federation.Severity{
				"caller-in-domain": federation.SeverityError, "administrators-none-managed": federation.SeverityError,
			},
		},
		"the one outside is blocked": {
			users: []entratest.User{inDomain, {UPN: adminUPN, GlobalAdministrator: true}},
			findings: map[string]federation.Severity{
				"administrators-none-managed": federation.SeverityError,
			},
		},
		"the one outside is blocked, and somebody answers for that": {
			users: []entratest.User{inDomain, {UPN: adminUPN, GlobalAdministrator: true}}, insecure: true,
			findings: map[string]federation.Severity{
				"administrators-none-managed": federation.SeverityWarning,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFederating(t, contoso(func(c *entratest.Config) {
				for _, u := range test.users {
					c.Users = slices.DeleteFunc(c.Users, func(present entratest.User) bool { return present.UPN == u.UPN })
				}
				c.Users = append(c.Users, test.users...)
			}))
			if test.caller != "" {
				f.fed = f.as(test.caller, all...)
			}
			plan, err := f.fed.Plan(t.Context(), f.settings(func(s *federation.Settings) {
				s.InsecureNoAdministrator = test.insecure
			}))
			require.NoError(t, err)
			found := map[string]federation.Severity{}
			blocked := false
			for _, finding := range plan.Findings {
				if finding.Rule != "conversion" {
					found[finding.Rule] = finding.Severity
				}
				blocked = blocked || finding.Severity == federation.SeverityError
			}
			if test.findings == nil {
				test.findings = map[string]federation.Severity{}
			}
			require.Equal(t, test.findings, found)
			_, err = f.fed.Apply(t.Context(), plan, nil)
			if blocked {
				require.ErrorIs(t, err, federation.ErrBlocked)
				require.Empty(t, f.writes())
				return
			}
			require.NoError(t, err)
			f.settle()
			f.requireSignsIn()
		})
	}
}

// A federation of somebody else's is shown and left alone, unless the settings name it; then there is a way back to it.
func TestTheFederationOfAnotherProgram(t *testing.T) {
	t.Parallel()
	f := newFederating(t, contoso())
	theirs, err := f.dir.CreateConfiguration(t.Context(), "contoso.com", federation.Properties{
		"displayName": "Another one", "issuerUri": "https://sso.example.net", "passiveSignInUri": "https://sso.example.net/sso",
		"signingCertificate": bare(signerOf(t, "other").Certificate), "preferredAuthenticationProtocol": "saml",
		"federatedIdpMfaBehavior": "acceptIfMfaDoneByFederatedIdp",
	})
	require.NoError(t, err)
	made := f.writes()

	plan, err := f.fed.Plan(t.Context(), f.settings())
	require.NoError(t, err)
	found := f.ofRule(plan.Findings, "configuration-foreign")
	require.Equal(t, federation.SeverityError, found.Severity)
	require.Contains(t, found.Remedy, theirs.ID)
	require.Contains(t, strings.Join(found.Details, "\n"), "https://sso.example.net/sso")
	_, err = f.fed.Apply(t.Context(), plan, nil)
	require.ErrorIs(t, err, federation.ErrBlocked)
	require.Equal(t, made, f.writes())

	plan = f.plan(f.settings(func(s *federation.Settings) { s.Replace = theirs.ID }))
	require.Equal(t, federation.SeverityWarning, f.ofRule(plan.Findings, "configuration-foreign").Severity)
	f.apply(plan)
	require.Equal(t, theirs.ID, f.configuration().ID)
	f.requireSignsIn()
	require.Equal(t, []string{"configuration-equal"}, rulesOf(f.plan(f.settings()).Findings), "it is ours now")

	back, err := f.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com", Undo: plan.ID})
	require.NoError(t, err)
	f.apply(back)
	require.Equal(t, theirs, f.configuration())
}

// A certificate that somebody slips into a federation of ours is found, by a plan and by a diagnosis.
func TestACertificateThatSomebodySlippedIn(t *testing.T) {
	t.Parallel()
	f := newFederating(t, contoso())
	f.federate()
	require.NoError(t, f.dir.ChangeConfiguration(t.Context(), "contoso.com", f.configuration().ID,
		federation.Properties{"nextSigningCertificate": bare(signerOf(t, "other").Certificate)}))

	plan, err := f.fed.Plan(t.Context(), f.settings())
	require.NoError(t, err)
	found := f.ofRule(plan.Findings, "certificate-foreign")
	require.Equal(t, federation.SeverityError, found.Severity)
	require.Contains(t, strings.Join(found.Details, "\n"), "CN=other")
	diagnosis, err := f.fed.Diagnose(t.Context(), federation.DiagnoseSettings{Domain: "contoso.com"})
	require.NoError(t, err)
	require.Equal(t, federation.SeverityError, f.ofRule(diagnosis.Findings, "certificate-foreign").Severity)

	f.apply(f.plan(f.settings(func(s *federation.Settings) { s.Replace = f.configuration().ID })))
	require.Empty(t, f.configuration().NextSigningCertificate)
	f.requireSignsIn()
}

// A script that federated a domain without a certificate has left it so that Graph can neither show nor change it.
func TestADomainThatACarelessScriptBroke(t *testing.T) {
	t.Parallel()
	f := newFederating(t, contoso(domains(entratest.Domain{Name: "contoso.com"}, entratest.Domain{Name: "fabrikam.com"})))
	ctx := t.Context()
	before, err := f.fed.Plan(ctx, f.settings(fabrikam))
	require.NoError(t, err)
	require.Equal(t, http.StatusInternalServerError, f.graph(http.MethodPost, "/domains/fabrikam.com/federationConfiguration",
		`{"issuerUri":"`+issuerOfFabrikam+`","passiveSignInUri":"`+signInURL+`"}`))
	require.NotNil(t, f.domain("fabrikam.com").Federation)
	script := f.writes()

	plan, err := f.fed.Plan(ctx, f.settings(fabrikam))
	require.NoError(t, err)
	require.Empty(t, plan.Writes)
	found := f.ofRule(plan.Findings, "configuration-unreadable")
	require.Equal(t, federation.SeverityError, found.Severity)
	require.Contains(t, found.Summary, "fabrikam.com is federated, but the tenant does not show its federation")
	for _, way := range []string{"Directory.AccessAsUser.All", "PATCH /domains/fabrikam.com", "Microsoft's support",
		"removing the domain"} {
		require.Contains(t, found.Remedy, way)
	}
	diagnosis, err := f.fed.Diagnose(ctx, federation.DiagnoseSettings{Domain: "fabrikam.com"})
	require.NoError(t, err)
	require.Equal(t, found.Summary, f.ofRule(diagnosis.Findings, "configuration-unreadable").Summary)

	_, err = f.fed.Apply(ctx, plan, nil)
	require.ErrorIs(t, err, federation.ErrBlocked)
	_, err = f.fed.Apply(ctx, before, nil)
	require.ErrorContains(t, err, "fabrikam.com is federated, but its configuration cannot be read")
	_, err = f.fed.PlanRevert(ctx, federation.RevertSettings{Domain: "fabrikam.com"})
	require.ErrorContains(t, err, "remove the domain from the tenant and add it again")
	_, err = f.fed.RotationStatus(ctx, "fabrikam.com", f.idp)
	require.ErrorIs(t, err, federation.ErrUnavailable)
	require.Equal(t, script, f.writes(), "nothing was written to it")

	other, err := f.fed.Plan(ctx, f.settings())
	require.NoError(t, err)
	require.Empty(t, ofSeverity(other.Findings, federation.SeverityError), "other domains are not in its way")

	// The first remedy is refused here; the last one helps.
	require.Equal(t, http.StatusInternalServerError,
		f.graph(http.MethodPatch, "/domains/fabrikam.com", `{"authenticationType":"Managed"}`))
	require.Equal(t, http.StatusNoContent, f.graph(http.MethodDelete, "/domains/fabrikam.com", ""))
	f.addAndVerify("fabrikam.com")
	f.apply(f.plan(f.settings(fabrikam)))
	require.Equal(t, issuerOfFabrikam, f.domain("fabrikam.com").Federation.Issuer)
}

// graph is a request of somebody who minds nothing.
func (f *federating) graph(method, path, body string) (status int) {
	f.Helper()
	token, err := f.entra.Credential().GetToken(f.Context(),
		policy.TokenRequestOptions{Scopes: []string{f.entra.Cloud().Graph + "/.default"}})
	require.NoError(f, err)
	r, err := http.NewRequestWithContext(f.Context(), method, f.entra.Cloud().Graph+"/v1.0"+path,
		bytes.NewReader([]byte(body)))
	require.NoError(f, err)
	r.Header.Set("Authorization", "Bearer "+token.Token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := f.entra.Transport().RoundTrip(r)
	require.NoError(f, err)
	require.NoError(f, answer.Body.Close())
	return answer.StatusCode
}

// The users of the domain are looked at for the NameID that the identity provider sends.
func TestUsersWhoseImmutableIDIsNotSent(t *testing.T) {
	t.Parallel()
	f := newFederating(t, contoso(func(c *entratest.Config) {
		c.Users = append(c.Users,
			entratest.User{UPN: "none@contoso.com", Enabled: true},
			entratest.User{UPN: "blocked@contoso.com"},
			entratest.User{UPN: "wrong@contoso.com", ImmutableID: "wrong", Enabled: true},
			entratest.User{UPN: "alike@contoso.com", ImmutableID: "A1", Enabled: true},
			entratest.User{UPN: "synced@contoso.com", ImmutableID: "s1", Enabled: true, DirectorySynced: true},
		)
	}))
	plan := f.plan(f.settings(func(s *federation.Settings) {
		s.ImmutableID = func(u federation.User) string {
			if u.UserPrincipalName == "wrong@contoso.com" {
				return "right"
			}
			return u.ImmutableID
		}
	}))
	require.Equal(t, []string{"none@contoso.com"}, f.ofRule(plan.Findings, "users-without-immutable-id").Details)
	require.Contains(t, f.ofRule(plan.Findings, "users-other-immutable-id").Details[0], `"wrong"`)
	require.Contains(t, f.ofRule(plan.Findings, "users-same-immutable-id").Details[0], "adele@contoso.com")
	require.Equal(t, []string{"synced@contoso.com"}, f.ofRule(plan.Findings, "users-synced").Details)
}
