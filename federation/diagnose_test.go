package federation_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/internal/certtest"
)

// keyed is a certificate of an elliptic key of its own, valid from a day before today for a year, unless change says
// otherwise.
func keyed(t testing.TB, name string, change ...func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return certified(name, key, change...)
}

// certified is a certificate of a key.
func certified(name string, key crypto.Signer, change ...func(*x509.Certificate)) *x509.Certificate {
	return certtest.SelfSigned(key, name, today.AddDate(0, 0, -1), today.AddDate(1, 0, 0), change...)
}

// patient is a tenant and an identity provider in health, which a row makes ill.
type patient struct {
	*world
	t        *testing.T
	settings federation.DiagnoseSettings
	idp      *federation.IdentityProvider // of the settings
	config   *federation.Configuration    // of contoso.com
	user     *federation.User             // employee@contoso.com
	realm    func(r *federation.Realm)    // changes what realm discovery says
	dir      federation.Directory         // in place of the tenant
}

func yes() *bool { b := true; return &b }
func no() *bool  { b := false; return &b }

func newPatient(t *testing.T) *patient {
	t.Helper()
	certificate := newCertificate(t, "contoso")
	tenant := newTenant()
	tenant.federated("contoso.com", configured(certificate))
	tenant.users = []federation.User{
		{ObjectID: "1", UserPrincipalName: "employee@contoso.com", ImmutableID: "id-employee", Enabled: true},
		{ObjectID: "2", UserPrincipalName: "contractor@contoso.com", ImmutableID: "id-contractor", Enabled: true},
	}
	p := &patient{t: t, world: newWorld(t, tenant), config: tenant.configurations["contoso.com"], user: &tenant.users[0]}
	p.settings = federation.DiagnoseSettings{
		Domain: "contoso.com", User: "Employee@contoso.com",
		IdentityProvider: federation.IdentityProvider{
			Issuer: p.config.IssuerURI, SignInURL: p.config.PassiveSignInURI, Protocol: federation.SAML,
			Certificates: []*x509.Certificate{certificate}, SignedRequests: no(), Time: today, TimeRead: today, MFA: no(),
		},
		ImmutableID: func(u federation.User) string {
			name, _, _ := strings.Cut(u.UserPrincipalName, "@")
			return "id-" + name
		},
	}
	p.idp = &p.settings.IdentityProvider
	return p
}

// Realm implements federation.Discovery.
func (p *patient) Realm(ctx context.Context, domain string) (federation.Realm, error) {
	r, err := p.tenant.Realm(ctx, domain)
	if p.realm != nil {
		p.realm(&r)
	}
	return r, err
}

func (p *patient) diagnosis() federation.Diagnosis {
	p.t.Helper()
	dir := p.dir
	if dir == nil {
		dir = p.tenant
	}
	fed, err := federation.New(federation.Config{
		Directory: dir, Store: p.store, Discovery: p, Now: p.clock.Now, Sleep: p.clock.Sleep,
	})
	require.NoError(p.t, err)
	d, err := fed.Diagnose(context.Background(), p.settings)
	require.NoError(p.t, err)
	return d
}

// child makes the patient hr.contoso.com, below contoso.com.
func (p *patient) child() {
	p.with(federation.Domain{Name: "hr.contoso.com", IsVerified: true, AuthenticationType: federation.Federated})
	p.settings.Domain, p.settings.User = "hr.contoso.com", ""
}

// remember makes it so that this program put the certificate into the tenant.
func (p *patient) remember(c *x509.Certificate) {
	document, err := json.Marshal(federation.Record{Certificates: []string{bare(c)}})
	require.NoError(p.t, err)
	require.NoError(p.t, p.store.Save(context.Background(), "contoso.com", nil, document))
}

// other adds fabrikam.com, another federated root of the same tenant.
func (p *patient) other() federation.Configuration {
	c := configured(keyed(p.t, "fabrikam"))
	c.IssuerURI = "https://id.contoso.com/entra/fabrikam.com"
	p.with(federation.Domain{Name: "fabrikam.com", IsRoot: true, IsVerified: true})
	p.federated("fabrikam.com", c)
	return c
}

// looked is a row: a rule, what is ill, and what the finding is. Without a severity, the rule must find nothing.
type looked struct {
	rule     string
	name     string
	change   func(p *patient)
	severity federation.Severity
	aadsts   string
	command  string
	says     []string // in the summary, the details or the remedy
}

func notices(rule, name string, change func(p *patient), says ...string) looked {
	return looked{rule: rule, name: name, change: change, severity: federation.SeverityNotice, says: says}
}

func nothing(rule, name string, change func(p *patient)) looked {
	return looked{rule: rule, name: name, change: change}
}

func diagnoseRows() []looked {
	var rows []looked
	for _, some := range [][]looked{realmRows(), issuerRows(), keyRows(), agreementRows(), personRows(), unknownRows()} {
		rows = append(rows, some...)
	}
	return rows
}

func realmRows() []looked {
	const errs, warns = federation.SeverityError, federation.SeverityWarning
	unfederate := func(p *patient) { p.replace("contoso.com", nil) }
	return []looked{
		{"domain-not-federated", "a managed domain", unfederate, errs, "AADSTS50107", "plan contoso.com", nil},
		nothing("domain-not-federated", "a child of a managed domain is another matter", func(p *patient) {
			unfederate(p)
			p.child()
			p.with(federation.Domain{Name: "hr.contoso.com", IsVerified: true})
		}),
		nothing("domain-not-federated", "so is the initial domain", func(p *patient) {
			p.settings.Domain = "contoso.onmicrosoft.com"
		}),
		nothing("domain-not-federated", "so is one that is not verified", func(p *patient) {
			p.with(federation.Domain{Name: "contoso.com", IsRoot: true})
			p.configurations = nil
		}),
		nothing("domain-not-federated", "and one whose federation cannot be read", func(p *patient) {
			unfederate(p)
			p.refuse = func(call string) error {
				if call == "configuration contoso.com" {
					return answer(call, http.StatusForbidden, "Authorization_RequestDenied", "")
				}
				return nil
			}
		}),
		nothing("domain-not-federated", "a child of a federated domain", (*patient).child),
		{"realm-managed", "not in force", func(p *patient) {
			p.realm = func(r *federation.Realm) { *r = federation.Realm{Type: federation.ManagedRealm} }
		}, errs, "AADSTS50107", "verify contoso.com", []string{"two hours", "24 hours"}},
		nothing("realm-managed", "a managed domain", unfederate),
		{"realm-unknown", "another cloud", func(p *patient) {
			p.realm = func(r *federation.Realm) { *r = federation.Realm{Type: federation.UnknownRealm} }
		}, errs, "AADSTS50128", "verify contoso.com", []string{"cloud"}},
		nothing("realm-unknown", "not in force", func(p *patient) {
			p.realm = func(r *federation.Realm) { *r = federation.Realm{Type: federation.ManagedRealm} }
		}),
		{"realm-still-federated", "just reverted", func(p *patient) {
			unfederate(p)
			p.realm = func(r *federation.Realm) {
				*r = federation.Realm{Type: federation.FederatedRealm, SignInURL: "https://old.example.net/sso"}
			}
		}, errs, "AADSTS50107", "verify contoso.com", []string{"https://old.example.net/sso"}},
		nothing("realm-still-federated", "reverted a day ago", unfederate),
		{"realm-differs", "the old sign-in URL", func(p *patient) {
			p.realm = func(r *federation.Realm) { r.SignInURL = "https://old.example.net/sso" }
		}, warns, "AADSTS50107", "verify contoso.com", []string{"https://old.example.net/sso", "two hours"}},
		{"realm-differs", "the old protocol", func(p *patient) {
			p.realm = func(r *federation.Realm) { r.Protocol = federation.WSFed }
		}, warns, "AADSTS50107", "verify contoso.com", []string{`"wsFed"`}},
		nothing("realm-differs", "the query, which discovery does not tell", func(p *patient) {
			p.config.PassiveSignInURI += "?tenant=contoso"
			p.realm = func(r *federation.Realm) { r.SignInURL = "https://id.contoso.com/entra/sso" }
		}),
		nothing("realm-differs", "capital letters in the host, which are no difference", func(p *patient) {
			p.realm = func(r *federation.Realm) { r.SignInURL = "HTTPS://ID.CONTOSO.com/entra/sso" }
		}),
		nothing("realm-differs", "discovery does not say", func(p *patient) {
			p.realm = func(r *federation.Realm) { r.SignInURL, r.Protocol = "", "" }
		}),
	}
}

func issuerRows() []looked {
	const errs, warns = federation.SeverityError, federation.SeverityWarning
	sends := func(issuer string) func(p *patient) { return func(p *patient) { p.idp.Issuer = issuer } }
	differs := func(name, issuer string, says ...string) looked {
		return looked{"issuer-differs", name, sends(issuer), errs, "AADSTS50107", "plan contoso.com", append(says,
			`"`+issuer+`"`, `"https://id.contoso.com/entra/contoso.com"`)}
	}
	foreign := func(policy federation.TokenValidationPolicy) func(p *patient) {
		return func(p *patient) {
			p.idp.Issuer = p.other().IssuerURI
			p.policy = policy
		}
	}
	url := func(address string) func(p *patient) { return func(p *patient) { p.config.PassiveSignInURI = address } }
	const all = "issuer-of-another-domain"
	return []looked{
		differs("a slash", "https://id.contoso.com/entra/contoso.com/", "differ in the slash at the end alone"),
		differs("http", "http://id.contoso.com/entra/contoso.com", "differ in http and https alone"),
		differs("case", "https://id.contoso.com/Entra/contoso.com", "differ in upper and lower case alone"),
		differs("white space", "https://id.contoso.com/entra/contoso.com ", "differ in white space at an end alone"),
		differs("case and slash", "HTTPS://id.contoso.com/entra/contoso.com/",
			"differ in upper and lower case and in the slash at the end alone"),
		differs("something else", "https://id.contoso.com/saml", `differ from character 24 on, "saml" and "entra/contoso.com"`),
		{"issuer-differs", "a child with an issuer of its own", func(p *patient) {
			p.child()
			p.idp.Issuer = "https://id.contoso.com/entra/hr.contoso.com"
		}, errs, "AADSTS50107", "", []string{"below contoso.com", `"https://id.contoso.com/entra/hr.contoso.com"`,
			`send "https://id.contoso.com/entra/contoso.com"`}},
		{"issuer-differs", "a child with something else", func(p *patient) {
			p.child()
			p.idp.Issuer = "https://id.contoso.com/saml"
		}, errs, "AADSTS50107", "plan contoso.com", []string{"contoso.com has the issuerUri"}},
		nothing("issuer-differs", "a child with its root's issuer", (*patient).child),
		nothing("issuer-differs", "that of another domain is another rule", foreign(federation.TokenValidationPolicy{})),
		nothing("issuer-differs", "not known", sends("")),

		{all, "by default", foreign(federation.TokenValidationPolicy{}), errs, "AADSTS5000820", "",
			[]string{"fabrikam.com", "the default is all"}},
		{all, "all", foreign(federation.TokenValidationPolicy{RootDomains: "all"}), errs, "AADSTS5000820", "", []string{`"all"`}},
		{all, "all federated", foreign(federation.TokenValidationPolicy{RootDomains: "allFederated"}), errs, "AADSTS5000820", "", nil},
		{all, "all managed", foreign(federation.TokenValidationPolicy{RootDomains: "allManaged"}), warns, "", "", []string{"allows"}},
		{all, "enumerated", foreign(federation.TokenValidationPolicy{
			RootDomains: "enumerated", DomainNames: []string{"Contoso.com"},
		}), errs, "AADSTS5000820", "", nil},
		{all, "a child, enumerated by its own name", func(p *patient) {
			p.child()
			p.idp.Issuer = p.other().IssuerURI
			p.policy = federation.TokenValidationPolicy{RootDomains: "enumerated", DomainNames: []string{"hr.contoso.com"}}
		}, errs, "AADSTS5000820", "", nil},
		{all, "not enumerated", foreign(federation.TokenValidationPolicy{
			RootDomains: "enumerated", DomainNames: []string{"fabrikam.com"},
		}), warns, "", "", nil},
		{all, "among the enumerated federated", foreign(federation.TokenValidationPolicy{
			RootDomains: "allManagedAndEnumeratedFederated", DomainNames: []string{"contoso.com"},
		}), errs, "AADSTS5000820", "", nil},
		{all, "federated and not enumerated", foreign(federation.TokenValidationPolicy{
			RootDomains: "allManagedAndEnumeratedFederated",
		}), warns, "", "", nil},
		{all, "none", foreign(federation.TokenValidationPolicy{RootDomains: "none"}), warns, "", "", nil},
		{all, "a value that is not known", foreign(federation.TokenValidationPolicy{RootDomains: "new"}), errs, "AADSTS5000820", "", nil},
		{all, "the policy cannot be read", func(p *patient) {
			p.idp.Issuer = p.other().IssuerURI
			p.dir = bareDirectory{p.tenant}
		}, errs, "AADSTS5000820", "", []string{"could not be read"}},
		{all, "a promoted child sent with its old root's", func(p *patient) {
			p.child()
			p.with(federation.Domain{Name: "hr.contoso.com", IsRoot: true, IsVerified: true})
			own := *p.config
			own.IssuerURI = "https://id.contoso.com/entra/hr.contoso.com"
			p.federated("hr.contoso.com", own)
		}, errs, "AADSTS5000820", "", []string{"the issuer of contoso.com", "for the people of hr.contoso.com"}},
		nothing(all, "its own, beside another domain", func(p *patient) { p.other() }),
		nothing(all, "a child with its root's", (*patient).child),

		notices("token-policy-none", "none", func(p *patient) { p.policy.RootDomains = "none" }, "anybody"),
		nothing("token-policy-none", "all", func(p *patient) { p.policy.RootDomains = "all" }),

		{"sign-in-url-differs", "another host", url("https://old.contoso.com/entra/sso"), errs, "", "plan contoso.com",
			[]string{"https://old.contoso.com/entra/sso", "differ from character 9 on"}},
		{"sign-in-url-differs", "a slash", url("https://id.contoso.com/entra/sso/"), errs, "", "plan contoso.com",
			[]string{"the slash at the end alone"}},
		{"sign-in-url-differs", "the URL for HTTP-Redirect", func(p *patient) {
			p.config.PassiveSignInURI = "https://id.contoso.com/redirect"
			p.idp.RedirectURL = "https://id.contoso.com/redirect"
		}, errs, "", "plan contoso.com", []string{"by HTTP-Redirect"}},
		{"sign-in-url-differs", "HTTP-Redirect alone", func(p *patient) {
			p.idp.SignInURL, p.idp.RedirectURL = "", p.idp.SignInURL
		}, errs, "", "", []string{"HTTP-Redirect alone"}},
		nothing("sign-in-url-differs", "not known", func(p *patient) { p.idp.SignInURL = "" }),

		{"protocol-differs", "not set", func(p *patient) { p.config.Protocol = "" }, errs, "AADSTS50107", "plan contoso.com",
			[]string{`not set, which is "wsFed"`, `speaks "saml"`}},
		{"protocol-differs", "WS-Federation", func(p *patient) { p.config.Protocol = federation.WSFed }, errs, "AADSTS50107",
			"plan contoso.com", []string{`"wsFed"`}},
		{"protocol-differs", "an identity provider that speaks WS-Federation", func(p *patient) {
			p.idp.Protocol = federation.WSFed
		}, errs, "AADSTS50107", "plan contoso.com", []string{`speaks "wsFed"`}},
		{"protocol-differs", "a SAML URL says it", func(p *patient) {
			p.config.Protocol, p.idp.Protocol = federation.WSFed, ""
		}, errs, "AADSTS50107", "plan contoso.com", nil},
		nothing("protocol-differs", "not set, and it speaks WS-Federation", func(p *patient) {
			p.config.Protocol, p.idp.Protocol = "", federation.WSFed
		}),
		nothing("protocol-differs", "not known", func(p *patient) {
			p.config.Protocol, p.idp.Protocol, p.idp.SignInURL = "", "", ""
		}),
	}
}

func keyRows() []looked {
	const errs, warns, notes = federation.SeverityError, federation.SeverityWarning, federation.SeverityNotice
	signs := func(c ...*x509.Certificate) func(p *patient) { return func(p *patient) { p.idp.Certificates = c } }
	dated := func(from, to time.Time) func(p *patient) {
		return func(p *patient) {
			c := keyed(p.t, "dated", func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, to })
			p.idp.Certificates = []*x509.Certificate{c}
		}
	}
	return []looked{
		{"key-not-registered", "a new key", func(p *patient) {
			p.idp.Certificates = []*x509.Certificate{keyed(p.t, "a new one")}
		}, errs, "AADSTS5000811", "plan contoso.com", []string{"signs with CN=a new one", "signingCertificate: CN=contoso"}},
		{"key-not-registered", "the key was changed too early", func(p *patient) {
			p.idp.Certificates = []*x509.Certificate{keyed(p.t, "a new one"), p.idp.Certificates[0]}
		}, errs, "AADSTS5000811", "plan contoso.com", []string{"its other key is CN=contoso"}},
		{"key-not-registered", "the tenant's is no certificate", func(p *patient) {
			p.config.SigningCertificate = "bm90aGluZw=="
		}, errs, "AADSTS5000811", "plan contoso.com", []string{"signingCertificate: 12 characters that are no certificate"}},
		{"key-not-registered", "a new certificate of the same key", func(p *patient) {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			require.NoError(p.t, err)
			p.config.SigningCertificate = bare(certified("old", key))
			p.idp.Certificates = []*x509.Certificate{certified("new", key)}
		}, warns, "AADSTS5000811", "plan contoso.com", []string{"another one of the same key"}},
		nothing("key-not-registered", "the next one is registered", func(p *patient) {
			p.config.NextSigningCertificate = bare(p.idp.Certificates[0])
			p.config.SigningCertificate = bare(keyed(p.t, "old"))
		}),
		nothing("key-not-registered", "with line breaks in the tenant's", func(p *patient) {
			p.config.SigningCertificate = p.config.SigningCertificate[:64] + "\r\n" + p.config.SigningCertificate[64:]
		}),
		nothing("key-not-registered", "not known", signs()),

		{"key-registered-as-next", "before the step of the rotation", func(p *patient) {
			p.config.NextSigningCertificate = bare(p.idp.Certificates[0])
			p.config.SigningCertificate = bare(keyed(p.t, "old"))
		}, warns, "AADSTS5000811", "rotate contoso.com", []string{"nextSigningCertificate alone"}},
		nothing("key-registered-as-next", "both are the same", func(p *patient) {
			p.config.NextSigningCertificate = p.config.SigningCertificate
		}),

		{"idp-certificate-dates", "expired", dated(today.AddDate(-1, 0, 0), today.Add(-time.Second)), errs, "",
			"rotate contoso.com", []string{"expired on 2026-03-02", "CN=dated"}},
		{"idp-certificate-dates", "not valid yet", dated(today.Add(time.Hour), today.AddDate(1, 0, 0)), errs, "",
			"rotate contoso.com", []string{"2026-03-02T10:00:00Z"}},
		{"idp-certificate-dates", "expired, and its root has it", func(p *patient) {
			dated(today.AddDate(-1, 0, 0), today.Add(-time.Second))(p)
			p.config.SigningCertificate = bare(p.idp.Certificates[0])
			p.child()
		}, errs, "", "rotate contoso.com", nil},
		nothing("idp-certificate-dates", "the last second", dated(today.AddDate(-1, 0, 0), today)),
		nothing("idp-certificate-dates", "what the domain has expired too, and another rule says so", func(p *patient) {
			dated(today.AddDate(-1, 0, 0), today.Add(-time.Second))(p)
			p.config.SigningCertificate = bare(p.idp.Certificates[0])
		}),

		{"certificate-not-of-idp", "the one before the last rotation", func(p *patient) {
			old := keyed(p.t, "old")
			p.config.NextSigningCertificate = bare(old)
			p.remember(old)
		}, notes, "", "rotate contoso.com", []string{"this program gave", "nextSigningCertificate: CN=old"}},
		nothing("certificate-not-of-idp", "somebody else's is another matter", func(p *patient) {
			p.config.NextSigningCertificate = bare(keyed(p.t, "somebody else"))
		}),
		nothing("certificate-not-of-idp", "the identity provider's second one", func(p *patient) {
			next := keyed(p.t, "next")
			p.config.NextSigningCertificate = bare(next)
			p.idp.Certificates = append(p.idp.Certificates, next)
			p.remember(next)
		}),
		nothing("certificate-not-of-idp", "not known", func(p *patient) {
			p.remember(p.idp.Certificates[0])
			p.idp.Certificates = nil
		}),
	}
}

func agreementRows() []looked {
	const errs, warns = federation.SeverityError, federation.SeverityWarning
	clock := func(name string, d time.Duration, severity federation.Severity, says ...string) looked {
		row := looked{"idp-clock", name, func(p *patient) { p.idp.Time = today.Add(d) }, severity, "AADSTS500089", "", says}
		if severity == "" {
			row.aadsts = ""
		}
		return row
	}
	behaves := func(b federation.MFABehavior, tells *bool) func(p *patient) {
		return func(p *patient) { p.config.MFABehavior, p.idp.MFA = b, tells }
	}
	prompt := func(b federation.PromptLogin) func(p *patient) { return func(p *patient) { p.config.PromptLogin = b } }
	return []looked{
		clock("ahead", 5*time.Minute+time.Second, errs, "5m1s ahead of", "not valid yet", "AADSTS500133"),
		clock("behind", -6*time.Minute, errs, "6m0s behind", "expired"),
		clock("drifts ahead", 5*time.Minute, warns, "5m0s ahead of", "beyond 5m0s"),
		clock("drifts behind", -61*time.Second, warns, "1m1s behind"),
		clock("a minute", time.Minute, ""),
		{"idp-clock", "it is the tenant's that counts", func(p *patient) {
			p.serverTime = func() time.Time { return today.Add(-10 * time.Minute) }
		}, errs, "AADSTS500089", "", []string{"10m0s ahead of"}},
		nothing("idp-clock", "both differ from this machine's", func(p *patient) {
			p.serverTime = func() time.Time { return today.Add(time.Hour) }
			p.idp.Time = today.Add(time.Hour)
		}),
		nothing("idp-clock", "read an hour ago", func(p *patient) {
			p.idp.Time, p.idp.TimeRead = today.Add(-time.Hour), today.Add(-time.Hour)
		}),
		nothing("idp-clock", "not known", func(p *patient) { p.idp.Time = time.Time{} }),
		nothing("idp-clock", "the tenant's is not known", func(p *patient) {
			p.idp.Time = today.Add(time.Hour)
			p.dir = bareDirectory{p.tenant}
		}),

		{"mfa-loop", "enforced, and none", behaves(federation.EnforceMFA, no()), errs, "AADSTS50079", "plan contoso.com",
			[]string{"circles", "enforceMfaByFederatedIdp"}},
		nothing("mfa-loop", "enforced, and there", behaves(federation.EnforceMFA, yes())),
		nothing("mfa-loop", "enforced, and not known", behaves(federation.EnforceMFA, nil)),
		{"mfa-twice", "rejected, and there", behaves(federation.RejectMFA, yes()), federation.SeverityNotice, "",
			"plan contoso.com", []string{"twice"}},
		nothing("mfa-twice", "accepted, and there", behaves(federation.AcceptMFA, yes())),
		notices("mfa-at-entra", "accepted, and none", behaves(federation.AcceptMFA, no()), "asked by Entra"),
		notices("mfa-at-entra", "not set, and none", behaves("", no()), "acceptIfMfaDoneByFederatedIdp"),
		nothing("mfa-at-entra", "accepted, and there", behaves(federation.AcceptMFA, yes())),

		notices("prompt-login", "translated", prompt(federation.TranslatePrompt), "with a password", "ForceAuthn"),
		notices("prompt-login", "native", prompt(federation.NativePrompt), "prompt=login"),
		notices("prompt-login", "disabled", prompt(federation.DisabledPrompt), "no particular kind"),
		nothing("prompt-login", "not set", prompt("")),
		notices("signed-requests", "signed", func(p *patient) { p.config.SignedRequests = true }, "MicrosoftOnline"),
		nothing("signed-requests", "not signed", func(p *patient) { p.config.SignedRequests = false }),
		{"unsigned-requests", "wanted, and not signed", func(p *patient) { p.idp.SignedRequests = yes() },
			federation.SeverityNotice, "", "plan contoso.com", []string{"wants signed requests"}},
		nothing("unsigned-requests", "wanted, and signed", func(p *patient) {
			p.idp.SignedRequests, p.config.SignedRequests = yes(), true
		}),
		nothing("unsigned-requests", "not known", func(p *patient) { p.idp.SignedRequests = nil }),
		{"metadata-not-read", "of SAML", func(p *patient) { p.config.MetadataExchangeURI = "https://id.contoso.com/metadata" },
			federation.SeverityNotice, "", "rotate contoso.com", []string{"https://id.contoso.com/metadata"}},
		nothing("metadata-not-read", "of WS-Federation", func(p *patient) {
			p.config.MetadataExchangeURI, p.config.Protocol = "https://id.contoso.com/metadata", federation.WSFed
		}),
	}
}

func personRows() []looked {
	const errs, warns, notes = federation.SeverityError, federation.SeverityWarning, federation.SeverityNotice
	asks := func(upn string) func(p *patient) { return func(p *patient) { p.settings.User = upn } }
	has := func(immutableID string) func(p *patient) {
		return func(p *patient) { p.user.ImmutableID = immutableID }
	}
	elsewhere := func(policy string) func(p *patient) {
		return func(p *patient) {
			p.other()
			p.policy.RootDomains = policy
			p.settings.User = "employee@fabrikam.com"
		}
	}
	const differs, shared = "person-immutable-id-differs", "person-immutable-id-shared"
	return []looked{
		{"person-domain-unknown", "a domain of nobody's", asks("employee@example.net"), errs, "AADSTS50034", "",
			[]string{"employee@example.net", "no verified domain"}},
		{"person-domain-unknown", "a domain that is not verified", func(p *patient) {
			p.with(federation.Domain{Name: "fabrikam.com", IsRoot: true})
			p.settings.User = "employee@fabrikam.com"
		}, errs, "AADSTS50034", "", nil},
		{"person-domain-unknown", "no UPN", asks("employee"), errs, "AADSTS50034", "", []string{"not a user principal name"}},
		{"person-domain-unknown", "an address in place of the UPN", func(p *patient) {
			p.user.Mail = "first.last@example.net"
			p.settings.User = "First.Last@example.net"
		}, errs, "AADSTS50034", "", []string{"the address of employee@contoso.com"}},
		nothing("person-domain-unknown", "nobody in particular", asks("")),
		nothing("person-domain-unknown", "another domain of the tenant", elsewhere("")),

		{"person-in-another-domain", "another root", elsewhere("all"), errs, "AADSTS5000820",
			"doctor fabrikam.com -user employee@fabrikam.com", []string{"in fabrikam.com", "refused"}},
		{"person-in-another-domain", "another root, and the policy allows it", elsewhere("none"), warns, "",
			"doctor fabrikam.com -user employee@fabrikam.com", []string{"does not sign in by the federation of contoso.com"}},
		{"person-in-another-domain", "a managed domain", func(p *patient) {
			p.settings.User = "admin@contoso.onmicrosoft.com"
			p.policy.RootDomains = "allFederated"
		}, warns, "", "doctor contoso.onmicrosoft.com -user admin@contoso.onmicrosoft.com", nil},
		{"person-in-another-domain", "a child of the same root", func(p *patient) {
			p.child()
			p.settings.Domain, p.settings.User = "contoso.com", "employee@hr.contoso.com"
		}, notes, "", "doctor hr.contoso.com -user employee@hr.contoso.com", []string{"signs in as contoso.com does"}},
		nothing("person-in-another-domain", "the domain itself", asks("contractor@contoso.com")),

		{"person-not-found", "no account", asks("nobody@contoso.com"), errs, "AADSTS50034", "",
			[]string{"nobody@contoso.com", "Create", "AADSTS51004"}},
		{"person-not-found", "an alias", func(p *patient) {
			p.user.Mail = "first.last@contoso.com"
			p.settings.User = "first.last@contoso.com"
		}, errs, "AADSTS50034", "", []string{"the address of employee@contoso.com"}},
		nothing("person-not-found", "on the second page", func(p *patient) {
			for range 3 {
				p.users = append([]federation.User{{ObjectID: "x", UserPrincipalName: "x@contoso.com"}}, p.users...)
			}
		}),
		nothing("person-not-found", "the users cannot be read", func(p *patient) { p.dir = bareDirectory{p.tenant} }),

		{"person-blocked", "blocked", func(p *patient) { p.user.Enabled = false }, errs, "AADSTS50057", "", []string{"accountEnabled"}},
		nothing("person-blocked", "somebody else is", func(p *patient) { p.users[1].Enabled = false }),

		{"person-without-immutable-id", "none", has(""), errs, "AADSTS51004", "", []string{`ImmutableID "id-employee"`}},
		{"person-without-immutable-id", "none, without a rule", func(p *patient) {
			p.user.ImmutableID, p.settings.ImmutableID = "", nil
		}, errs, "AADSTS51004", "", []string{"sends as NameID"}},
		nothing("person-without-immutable-id", "another one", has("another")),

		{differs, "another one", has("another"), errs, "AADSTS51004", "", []string{`"another"`, `"id-employee"`}},
		{differs, "case", has("ID-employee"), errs, "AADSTS51004", "", []string{"upper and lower case alone"}},
		{differs, "somebody else's", func(p *patient) {
			p.user.ImmutableID, p.users[1].ImmutableID = "id-contractor", "id-employee"
		}, errs, "AADSTS51004", "", []string{`contractor@contoso.com has the ImmutableID "id-employee"`}},
		nothing(differs, "without a rule", func(p *patient) {
			p.user.ImmutableID, p.settings.ImmutableID = "another", nil
		}),
		nothing(differs, "the rule cannot tell", func(p *patient) {
			p.settings.ImmutableID = func(federation.User) string { return "" }
		}),

		{shared, "shared", func(p *patient) { p.users[1].ImmutableID = "id-employee" }, errs, "AADSTS51004", "",
			[]string{"1 other user", "contractor@contoso.com"}},
		nothing(shared, "nobody has one", func(p *patient) { p.user.ImmutableID, p.users[1].ImmutableID = "", "" }),

		notices("person-synced", "synced", func(p *patient) { p.user.Synced = true }, "directory sync"),
		nothing("person-synced", "somebody else is", func(p *patient) { p.users[1].Synced = true }),
	}
}

func unknownRows() []looked {
	return []looked{
		notices("idp-not-looked-at", "nothing is known", func(p *patient) { *p.idp = federation.IdentityProvider{} },
			"its issuer", "its sign-in URL", "its protocol", "the certificate", "its clock", "a second factor"),
		notices("idp-not-looked-at", "a part is not known", func(p *patient) { p.idp.MFA = nil }, "a second factor"),
		nothing("idp-not-looked-at", "all is known", func(*patient) {}),
		nothing("idp-not-looked-at", "there is no federation to compare with", func(p *patient) {
			*p.idp = federation.IdentityProvider{}
			p.replace("contoso.com", nil)
		}),

		notices("person-not-looked-at", "the users cannot be read", func(p *patient) { p.dir = bareDirectory{p.tenant} },
			"could not be read"),
		notices("person-not-looked-at", "without a rule", func(p *patient) { p.settings.ImmutableID = nil },
			`"id-employee", was not compared`),
		nothing("person-not-looked-at", "nobody in particular", func(p *patient) {
			p.settings.User, p.dir = "", bareDirectory{p.tenant}
		}),
	}
}

func TestDiagnoseRules(t *testing.T) {
	t.Parallel()
	for _, row := range diagnoseRows() {
		t.Run(row.rule+"/"+row.name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t)
			row.change(p)
			row.judge(t, p.diagnosis().Findings)
			require.Empty(t, p.writes, "a diagnosis changes nothing")
		})
	}
}

// judge compares what a rule found with the row.
func (row looked) judge(t *testing.T, all []federation.Finding) {
	t.Helper()
	found := ofRule(all, row.rule)
	if row.severity == "" {
		require.Empty(t, found)
		return
	}
	require.Len(t, found, 1)
	f := found[0]
	require.Equal(t, row.severity, f.Severity, f.Summary)
	require.Equal(t, row.aadsts, f.AADSTS)
	require.Equal(t, row.command, f.Command)
	checkFinding(t, f)
	text := f.Summary + "\n" + strings.Join(f.Details, "\n") + "\n" + f.Remedy
	for _, says := range row.says {
		require.Contains(t, text, says)
	}
}

// isFor reports whether a rule is looked at for a purpose.
func isFor(r federation.Rule, p federation.Purpose) bool { return slices.Contains(r.Purposes, p) }

// diagnoseOnly are the rules that only a diagnosis looks at.
func diagnoseOnly() map[string]federation.Rule {
	rules := map[string]federation.Rule{}
	for _, r := range federation.Rules() {
		if isFor(r, federation.PurposeDiagnose) && !isFor(r, federation.PurposeFederate) {
			rules[r.Name] = r
		}
	}
	return rules
}

func TestEveryDiagnoseRuleHasARowThatShowsItAndOneThatDoesNot(t *testing.T) {
	t.Parallel()
	complete(t, diagnoseOnly(), diagnoseRows())
}

// complete checks that each rule has a row of both kinds, and is what its rows say that it is.
func complete(t *testing.T, rules map[string]federation.Rule, rows []looked) {
	t.Helper()
	shown, hidden := map[string]bool{}, map[string]bool{}
	highest := map[string]federation.Severity{}
	rank := map[federation.Severity]int{
		federation.SeverityNotice: 1, federation.SeverityWarning: 2, federation.SeverityError: 3,
	}
	for _, row := range rows {
		require.Contains(t, rules, row.rule)
		if row.severity == "" {
			hidden[row.rule] = true
			continue
		}
		shown[row.rule] = true
		if rank[row.severity] > rank[highest[row.rule]] {
			highest[row.rule] = row.severity
		}
		if row.aadsts != "" {
			require.Equal(t, rules[row.rule].AADSTS, row.aadsts, row.rule)
		}
	}
	require.NotEmpty(t, rules)
	for name, r := range rules {
		require.True(t, shown[name], "no row shows %s", name)
		require.True(t, hidden[name], "no row does not show %s", name)
		require.Equal(t, highest[name], r.Severity, name)
		require.True(t, strings.HasSuffix(r.Meaning, "."), name)
	}
}

func TestAHealthyDomainHasNoFindings(t *testing.T) {
	t.Parallel()
	require.Empty(t, newPatient(t).diagnosis().Findings)
}

func TestDiagnosisHasTheWorstFirst(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.config.SignedRequests = true
	p.idp.Time = today.Add(2 * time.Minute)
	p.user.Enabled = false
	d := p.diagnosis()
	rank := map[federation.Severity]int{
		federation.SeverityNotice: 1, federation.SeverityWarning: 2, federation.SeverityError: 3,
	}
	require.GreaterOrEqual(t, len(d.Findings), 3)
	for i := range d.Findings[1:] {
		require.LessOrEqual(t, rank[d.Findings[i+1].Severity], rank[d.Findings[i].Severity])
	}
	require.Equal(t, "person-blocked", d.Findings[0].Rule)
}

func TestDiagnosisSaysWhatTheTenantIs(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.settings.Domain = "Contoso.COM"
	d := p.diagnosis()
	require.Equal(t, "contoso.com", d.Domain)
	require.Equal(t, today, d.At)
	require.Equal(t, p.config, d.State.Configuration)
	require.Equal(t, "contoso.onmicrosoft.com", d.State.DefaultDomain)
	require.Equal(t, federation.FederatedRealm, d.Verification.Realm.Type)
	require.NotEmpty(t, d.Verification.SignInLink)
}

func TestADiagnosisWithoutRealmDiscoverySaysSo(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.refuse = func(call string) error {
		if call == "realm contoso.com" {
			return answer(call, http.StatusServiceUnavailable, "", "")
		}
		return nil
	}
	d := p.diagnosis()
	require.Len(t, d.Verification.Differences, 1)
	require.Contains(t, d.Verification.Differences[0], "could not be compared")
	require.Len(t, ofRule(d.Findings, "not-looked-at"), 1)
}

// What the findings say and what the verification says is of the same moment.
func TestADiagnosisReadsEverythingOnce(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	asked := map[string]int{}
	p.refuse = func(call string) error {
		asked[call]++
		return nil
	}
	require.True(t, p.diagnosis().Verification.Live)
	require.Positive(t, asked["realm contoso.com"])
	for call, times := range asked {
		require.Equal(t, 1, times, call)
	}
}

func TestADiagnosisOfAChildWhoseRootCannotBeReadSaysSo(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.child()
	p.refuse = always("configuration contoso.com", unavailable)
	d := p.diagnosis()
	require.False(t, d.Verification.Live)
	require.Len(t, d.Verification.Differences, 1)
	require.Contains(t, d.Verification.Differences[0], "could not be compared")
	require.Contains(t, d.Verification.Differences[0], "503 Service Unavailable")
}

func TestADiagnosisOfWhatIsNoDomainSaysSo(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.settings.Domain = "https://contoso.com"
	d := p.diagnosis()
	require.Len(t, ofRule(d.Findings, "domain-name"), 1)
	require.Contains(t, d.Verification.Differences[0], "could not be compared")
}

func TestADiagnosisOfATenantThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newTenant())
	w.refuse = func(call string) error {
		return answer(call, http.StatusUnauthorized, "InvalidAuthenticationToken", "")
	}
	_, err := w.fed.Diagnose(context.Background(), federation.DiagnoseSettings{Domain: "contoso.com"})
	require.ErrorIs(t, err, federation.ErrUnauthorized)

	_, err = w.fed.Diagnose(context.Background(), federation.DiagnoseSettings{})
	require.ErrorContains(t, err, "set DiagnoseSettings.Domain")

	ended, end := context.WithCancel(context.Background())
	end()
	_, err = newPatient(t).fed.Diagnose(ended, federation.DiagnoseSettings{Domain: "contoso.com"})
	require.ErrorIs(t, err, context.Canceled)
}

// shownDiagnosis is a diagnosis with all that one may have.
func shownDiagnosis() federation.Diagnosis {
	return federation.Diagnosis{
		Domain: "contoso.com", At: today,
		State: federation.State{
			Domain: &federation.Domain{
				Name: "contoso.com", AuthenticationType: federation.Federated, IsRoot: true, IsVerified: true,
			},
			DefaultDomain: "contoso.onmicrosoft.com",
			Configuration: &federation.Configuration{
				ID: "configuration-1", IssuerURI: "https://id.contoso.com/entra/contoso.com",
				PassiveSignInURI:   "https://id.contoso.com/entra/sso",
				SigningCertificate: base64.StdEncoding.EncodeToString([]byte("certificate")), Protocol: federation.SAML,
			},
		},
		Verification: federation.Verification{
			Realm: federation.Realm{
				Domain: "contoso.com", Type: federation.FederatedRealm, SignInURL: "https://old.example.net/sso",
			},
			Differences: []string{"The sign-in URL is another one."},
			SignInLink:  "https://login.microsoftonline.com/login.srf?whr=contoso.com",
		},
		Findings: []federation.Finding{
			{
				Rule: "person-without-immutable-id", Severity: federation.SeverityError,
				Summary: "The account of employee@contoso.com has no ImmutableID.", Remedy: "Give it one.", AADSTS: "AADSTS51004",
			},
			{
				Rule: "key-registered-as-next", Severity: federation.SeverityWarning, Summary: "The next key signs.",
				Remedy: "Finish the rotation.", Command: "rotate contoso.com", Details: []string{"one", "two\x1b[31m"},
			},
			{Rule: "signed-requests", Severity: federation.SeverityNotice, Summary: "Entra signs its requests."},
		},
	}
}

func TestDiagnosisForPeople(t *testing.T) {
	t.Parallel()
	require.Equal(t, `Diagnosis of contoso.com, as the tenant was at 2026-03-02 09:00:00 UTC.
Entra's sign-in service: Federated, to https://old.example.net/sso.
   · The sign-in URL is another one.
To try it: https://login.microsoftonline.com/login.srf?whr=contoso.com

error person-without-immutable-id: The account of employee@contoso.com has no ImmutableID.
   Somebody who signs in may see AADSTS51004.
   Give it one.

warning key-registered-as-next: The next key signs.
   · one
   · two?[31m
   Finish the rotation.
   Command: federate rotate contoso.com

notice signed-requests: Entra signs its requests.

1 error, 1 warning, 1 notice.
`, shownDiagnosis().String())
	require.Equal(t, "Diagnosis of contoso.com, as the tenant was at 2026-03-02 09:00:00 UTC.\n"+
		"Entra's sign-in service: Managed.\n\nNothing was found.\n", federation.Diagnosis{
		Domain: "contoso.com", At: today,
		Verification: federation.Verification{Realm: federation.Realm{Type: federation.ManagedRealm}},
	}.String())

	var styled strings.Builder
	require.NoError(t, shownDiagnosis().Print(&styled, federation.Style{Error: strings.ToUpper}))
	require.Contains(t, styled.String(), "ERROR person-without-immutable-id")
}

func TestDiagnosisForPrograms(t *testing.T) {
	t.Parallel()
	const want = `{
  "domain": "contoso.com",
  "at": "2026-03-02T09:00:00Z",
  "state": {
    "domain": {
      "id": "contoso.com",
      "authenticationType": "Federated",
      "isDefault": false,
      "isInitial": false,
      "isRoot": true,
      "isVerified": true
    },
    "defaultDomain": "contoso.onmicrosoft.com",
    "configuration": {
      "id": "configuration-1",
      "issuerUri": "https://id.contoso.com/entra/contoso.com",
      "passiveSignInUri": "https://id.contoso.com/entra/sso",
      "signingCertificate": "Y2VydGlmaWNhdGU=",
      "preferredAuthenticationProtocol": "saml",
      "isSignedAuthenticationRequestRequired": false
    }
  },
  "verification": {
    "realm": {
      "domain": "contoso.com",
      "type": "Federated",
      "signInUrl": "https://old.example.net/sso"
    },
    "live": false,
    "differences": [
      "The sign-in URL is another one."
    ],
    "signInLink": "https://login.microsoftonline.com/login.srf?whr=contoso.com"
  },
  "findings": [
    {
      "rule": "person-without-immutable-id",
      "severity": "error",
      "summary": "The account of employee@contoso.com has no ImmutableID.",
      "remedy": "Give it one.",
      "aadsts": "AADSTS51004"
    },
    {
      "rule": "key-registered-as-next",
      "severity": "warning",
      "summary": "The next key signs.",
      "remedy": "Finish the rotation.",
      "command": "rotate contoso.com",
      "details": [
        "one",
        "two\u001b[31m"
      ]
    },
    {
      "rule": "signed-requests",
      "severity": "notice",
      "summary": "Entra signs its requests."
    }
  ]
}`
	got, err := json.MarshalIndent(shownDiagnosis(), "", "  ")
	require.NoError(t, err)
	require.Equal(t, want, string(got))

	healthy, err := json.Marshal(federation.Diagnosis{Findings: newPatient(t).diagnosis().Findings})
	require.NoError(t, err)
	require.NotContains(t, string(healthy), `"findings":null`)
}
