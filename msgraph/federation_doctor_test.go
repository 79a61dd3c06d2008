package msgraph_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/saml"
)

// illness is something that keeps Adele out.
type illness struct {
	aadsts string // what she sees
	rule   string // of the finding that tells why
	says   string // the finding

	tenant   func(*entratest.Config)
	provider func(f *federating) *provider // nil: the one that the domain was federated with
	managed  bool                          // contoso.com is not federated before

	// falls is what happens after Entra has sent her to the identity provider, and before that answers. Nil: nothing.
	falls func(f *federating)
}

// asking is the identity provider with another issuer.
func asking(name string) func(f *federating) *provider {
	return func(f *federating) *provider { return f.provider(name, signerOf(f, "old"), saml.Signer{}) }
}

// off is the identity provider with a clock that is wrong. It bears more than Entra does.
func off(by, skew, lifetime time.Duration) func(f *federating) *provider {
	return func(f *federating) *provider {
		return f.provider(issuer, signerOf(f, "old"), saml.Signer{}, func(c *saml.Config) {
			c.ClockSkew, c.Lifetime = skew, lifetime
			c.Now = func() time.Time { return f.clock.Now().Add(by) }
		})
	}
}

// somebody is the identity provider that signs in as somebody else.
func somebody(immutableID string) func(f *federating) *provider {
	return func(f *federating) *provider {
		p := f.provider(issuer, signerOf(f, "old"), saml.Signer{})
		p.subject.ImmutableID = immutableID
		return p
	}
}

// adeleIs changes her account.
func adeleIs(change func(*entratest.User)) func(*entratest.Config) {
	return func(c *entratest.Config) { change(&c.Users[0]) }
}

func illnesses(t *testing.T) map[string]illness {
	unsolicited := func(c *entratest.Config) { c.Lenient = true } // nobody is sent to the identity provider
	return map[string]illness{
		"the issuer has a slash too many": {
			aadsts: "AADSTS50107", rule: "issuer-differs", says: "the slash at the end alone", provider: asking(issuer + "/"),
		},
		"the issuer has a capital letter": {
			aadsts: "AADSTS50107", rule: "issuer-differs", says: "upper and lower case alone",
			provider: asking(strings.Replace(issuer, "entra", "Entra", 1)),
		},
		"the issuer is http": {
			aadsts: "AADSTS50107", rule: "issuer-differs", says: "http and https alone",
			provider: asking(strings.Replace(issuer, "https", "http", 1)),
		},
		"the issuer is another one": {
			aadsts: "AADSTS50107", rule: "issuer-differs", says: "from character",
			provider: asking("https://id.contoso.com/realms/x"),
		},
		"the domain is federated for another protocol": {
			aadsts: "AADSTS50107", rule: "protocol-differs", says: `"wsFed"`, falls: func(f *federating) {
				f.apply(f.plan(f.settings(func(s *federation.Settings) { s.Protocol = federation.WSFed })))
			},
		},
		"the protocol was left out": {
			aadsts: "AADSTS50107", rule: "protocol-differs", says: `"wsFed"`, managed: true, tenant: unsolicited,
			falls: func(f *federating) {
				_, err := f.dir.CreateConfiguration(f.Context(), "contoso.com", federation.Properties{
					"issuerUri": issuer, "passiveSignInUri": signInURL, "signingCertificate": bare(signerOf(f, "old").Certificate),
				})
				require.NoError(f, err)
				f.settle()
			},
		},
		"the domain is not federated": {
			aadsts: "AADSTS50107", rule: "domain-not-federated", says: "not federated", managed: true, tenant: unsolicited,
		},
		"Entra does not act on the federation yet": {
			aadsts: "AADSTS50107", rule: "realm-managed", says: "does not act on it yet", managed: true,
			tenant: func(c *entratest.Config) { c.Lenient, c.FederationLag = true, time.Hour },
			falls: func(f *federating) {
				_, err := f.fed.Apply(f.Context(), f.plan(f.settings()), nil)
				require.NoError(f, err)
			},
		},
		"Entra does not act on the change yet": {
			aadsts: "AADSTS50107", rule: "realm-differs", says: "does not act on the present federation",
			tenant:   func(c *entratest.Config) { c.FederationLag = time.Hour },
			provider: asking(issuer + "/2"),
			falls: func(f *federating) {
				_, err := f.fed.Apply(f.Context(), f.plan(f.settings(func(s *federation.Settings) {
					s.Issuer, s.SignInURL = issuer+"/2", signInURL+"/2"
				})), nil)
				require.NoError(f, err)
			},
		},
		"the key is not registered": {
			aadsts: "AADSTS5000811", rule: "key-not-registered", says: "signs with a key that contoso.com does not know",
			provider: func(f *federating) *provider { return f.provider(issuer, signerOf(f, "other"), saml.Signer{}) },
		},
		"the key signs too early": {
			aadsts: "AADSTS5000811", rule: "key-registered-as-next", says: "as nextSigningCertificate alone",
			tenant:   nextAfterExpiry(-1),
			provider: func(f *federating) *provider { return f.provider(issuer, signerOf(f, "new"), saml.Signer{}) },
			falls: func(f *federating) {
				f.apply(f.plan(f.settings(func(s *federation.Settings) {
					s.SigningCertificate, s.NextSigningCertificate =
						signerOf(f, "old").Certificate.Raw, signerOf(f, "new").Certificate.Raw
				})))
			},
		},
		"the certificate has expired": {
			aadsts: "AADSTS5000811", rule: "certificate-expired", says: "expired on",
			falls: func(f *federating) {
				f.clock.Advance(signerOf(f, "old").Certificate.NotAfter.Add(time.Hour).Sub(f.clock.Now()))
			},
		},
		"the NameID has a capital letter": {
			aadsts: "AADSTS51004", rule: "person-immutable-id-differs", says: "upper and lower case alone", provider: somebody("A1"),
		},
		"the NameID is another one": {
			aadsts: "AADSTS51004", rule: "person-immutable-id-differs", says: `sends "4711"`, provider: somebody("4711"),
		},
		"the account has no ImmutableID": {
			aadsts: "AADSTS51004", rule: "person-without-immutable-id", says: "no assertion leads to it",
			tenant: adeleIs(func(u *entratest.User) { u.ImmutableID = "" }),
		},
		"the account is blocked": {
			aadsts: "AADSTS50057", rule: "person-blocked", says: "blocked",
			tenant: adeleIs(func(u *entratest.User) { u.Enabled = false }),
		},
		"the issuer is another domain's": {
			aadsts: "AADSTS5000820", rule: "issuer-of-another-domain", says: "the issuer of fabrikam.com",
			tenant:   domains(entratest.Domain{Name: "contoso.com"}, federatedWith(t, "fabrikam.com", issuerOfFabrikam)),
			provider: asking(issuerOfFabrikam),
		},
		"the account is in another domain, which is managed": {
			aadsts: "AADSTS5000820", rule: "person-in-another-domain", says: "does not sign in by the federation of contoso.com",
			tenant: func(c *entratest.Config) {
				c.Domains = []entratest.Domain{{Name: "contoso.com"}, {Name: "fabrikam.com"}}
				c.Users[0].UPN = "adele@fabrikam.com"
			},
			provider: func(f *federating) *provider {
				p := f.provider(issuer, signerOf(f, "old"), saml.Signer{}, func(c *saml.Config) {
					c.Realms[0].Domain = "fabrikam.com"
				})
				p.subject.UPN = "adele@fabrikam.com"
				return p
			},
		},
		"the identity provider's clock is behind": {
			aadsts: "AADSTS500089", rule: "idp-clock", says: "7m0s behind",
			provider: off(-7*time.Minute, 10*time.Minute, time.Minute),
		},
		"the identity provider's clock is ahead": {
			aadsts: "AADSTS500089", rule: "idp-clock", says: "7m0s ahead",
			provider: off(7*time.Minute, time.Minute, 5*time.Minute),
		},
		"the identity provider tells of no second factor, which it must": {
			aadsts: "AADSTS50079", rule: "mfa-loop", says: "round in circles", falls: func(f *federating) {
				f.apply(f.plan(f.settings(func(s *federation.Settings) { s.MFABehavior = federation.EnforceMFA })))
				require.NoError(f, f.entra.SetSignInPolicy(entratest.SignInPolicy{RequireMFA: true}))
			},
		},
	}
}

// Adele is refused with a code, and the diagnosis has a finding with that code, which says what it is.
func TestTheDiagnosisNamesTheCodeThatPeopleSee(t *testing.T) {
	t.Parallel()
	for name, ill := range illnesses(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := contoso()
			if ill.tenant != nil {
				ill.tenant(&cfg)
			}
			f := newFederating(t, cfg)
			if !ill.managed {
				f.federate()
			}
			if ill.provider != nil {
				f.idp = ill.provider(f)
				f.entra.Mount(providerHost, f.idp)
			}
			refused := f.fallIll(ill)
			require.False(t, refused.Accepted)
			require.Equal(t, ill.aadsts, refused.Code, refused.Detail)

			diagnosis := f.diagnose()
			found := f.ofRule(diagnosis.Findings, ill.rule)
			require.Equal(t, ill.aadsts, found.AADSTS)
			require.NotEqual(t, federation.SeverityNotice, found.Severity)
			require.Contains(t, found.Summary+strings.Join(found.Details, "\n"), ill.says)
			require.NotEmpty(t, found.Remedy)
			require.Contains(t, diagnosis.String(), ill.aadsts)
		})
	}
}

// fallIll lets Adele try to sign in, and returns what she sees.
func (f *federating) fallIll(ill illness) entratest.Verdict {
	f.Helper()
	fall := func() {
		if ill.falls != nil {
			ill.falls(f)
		}
	}
	if ill.managed {
		fall()
		subject := f.idp.subject
		subject.AuthnInstant = f.clock.Now()
		response, err := f.idp.RespondUnsolicited(subject, "")
		require.NoError(f, err)
		return f.entra.CheckResponse(response.SAMLResponse(), "")
	}
	var request entratest.AuthnRequest
	if ill.aadsts == "AADSTS5000811" { // a request is not good for a year
		fall()
		request = f.asked("contoso.com")
	} else {
		request = f.asked("contoso.com")
		fall()
	}
	response := f.answered(f.idp, request)
	return f.entra.CheckResponse(response.SAMLResponse(), response.RelayState)
}

// diagnose explains why Adele cannot sign in, from what the metadata of the identity provider says and its operator knows.
func (f *federating) diagnose() federation.Diagnosis {
	f.Helper()
	idp, err := federation.FetchMetadata(f.Context(), &http.Client{Transport: f.entra.Transport()},
		"https://"+providerHost+"/entra/metadata", federation.MetadataOptions{Now: f.clock.Now})
	require.NoError(f, err)
	idp.MFA = &f.idp.subject.MFA
	diagnosis, err := f.fed.Diagnose(f.Context(), federation.DiagnoseSettings{
		Domain: "contoso.com", IdentityProvider: idp, User: f.idp.subject.UPN,
		ImmutableID: func(u federation.User) string {
			if !strings.EqualFold(u.UserPrincipalName, f.idp.subject.UPN) {
				return ""
			}
			return f.idp.subject.ImmutableID
		},
	})
	require.NoError(f, err)
	return diagnosis
}

// People of a domain below a federated one are signed in with the issuer of that.
func TestADiagnosisOfADomainBelowAFederatedOne(t *testing.T) {
	t.Parallel()
	const below = "https://id.contoso.com/entra/hr.contoso.com"
	f := newFederating(t, contoso(func(c *entratest.Config) {
		c.Domains = []entratest.Domain{{Name: "contoso.com"}, {Name: "hr.contoso.com"}}
		c.Users[0].UPN = "adele@hr.contoso.com"
	}))
	plan := f.plan(f.settings())
	require.Equal(t, []string{"hr.contoso.com"}, f.ofRule(plan.Findings, "domain-children").Details)
	f.apply(plan)
	diagnose := func(issuer string) (entratest.Verdict, federation.Diagnosis) {
		p := asking(issuer)(f)
		p.subject.UPN = "adele@hr.contoso.com"
		response := f.answered(p, f.asked("adele@hr.contoso.com"))
		diagnosis, err := f.fed.Diagnose(t.Context(), federation.DiagnoseSettings{
			Domain: "hr.contoso.com", User: p.subject.UPN, IdentityProvider: federation.IdentityProvider{Issuer: issuer},
		})
		require.NoError(t, err)
		return f.entra.CheckResponse(response.SAMLResponse(), response.RelayState), diagnosis
	}
	refused, diagnosis := diagnose(below)
	require.Equal(t, "AADSTS50107", refused.Code)
	found := f.ofRule(diagnosis.Findings, "issuer-differs")
	require.Equal(t, "AADSTS50107", found.AADSTS)
	require.Contains(t, found.Summary, "signs in with the issuer of that, \""+issuer+"\"")
	accepted, diagnosis := diagnose(issuer)
	require.True(t, accepted.Accepted, accepted.Detail)
	require.Empty(t, ofSeverity(diagnosis.Findings, federation.SeverityError))
}

// Where everything is well, the diagnosis says nothing but what is worth knowing.
func TestADiagnosisOfTheHealthy(t *testing.T) {
	t.Parallel()
	f := newFederating(t, lagging(0))
	f.federate()
	f.requireSignsIn()
	diagnosis := f.diagnose()
	for _, found := range diagnosis.Findings {
		require.Equal(t, federation.SeverityNotice, found.Severity, found.Summary)
		require.Empty(t, found.AADSTS, found.Summary)
	}
	require.True(t, diagnosis.Verification.Live)
	require.Empty(t, diagnosis.Verification.Differences)
}

// Whom the tenant does not know: an assertion gets one code, a name that is typed at Entra another. The finding has both.
func TestADiagnosisOfSomebodyWhoHasNoAccount(t *testing.T) {
	t.Parallel()
	f := newFederating(t, contoso(func(c *entratest.Config) { c.Users = c.Users[1:] }))
	f.federate()
	require.Equal(t, "AADSTS51004", f.signIn().Code)
	found := f.ofRule(f.diagnose().Findings, "person-not-found")
	require.Equal(t, "AADSTS50034", found.AADSTS)
	require.Contains(t, strings.Join(found.Details, "\n"), "AADSTS51004")
}

// Where the tenant's policy lets one federation speak for all, the sign-in succeeds, and the finding is a warning.
func TestADiagnosisUnderAPolicyThatRefusesNothing(t *testing.T) {
	t.Parallel()
	f := newFederating(t, contoso(domains(
		entratest.Domain{Name: "contoso.com"}, federatedWith(t, "fabrikam.com", issuerOfFabrikam))))
	f.federate()
	require.NoError(t, f.entra.SetSignInPolicy(entratest.SignInPolicy{
		TokenValidation: entratest.TokenValidation{RootDomains: entratest.RootDomainsNone},
	}))
	f.idp = asking(issuerOfFabrikam)(f)
	f.entra.Mount(providerHost, f.idp)
	v := f.signIn()
	require.True(t, v.Accepted, v.Detail)
	found := f.ofRule(f.diagnose().Findings, "issuer-of-another-domain")
	require.Equal(t, federation.SeverityWarning, found.Severity)
	require.Empty(t, found.AADSTS)
	f.ofRule(f.diagnose().Findings, "token-policy-none")
}
