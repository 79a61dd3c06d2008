package federation_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

const (
	isError   = federation.SeverityError
	isWarning = federation.SeverityWarning
	isNotice  = federation.SeverityNotice
)

// ruleCase is a scene that shows a rule, and one that almost does.
type ruleCase struct {
	rule     string
	name     string
	shows    func(*scene)
	severity federation.Severity
	says     string // part of the summary, the remedy or the details
	command  string
	nearMiss func(*scene)
}

// valued is the case of a setting that is wrong with one value, and right with another.
func valued[T any](rule, name string, severity federation.Severity, says string, setting func(*scene) *T,
	wrong, right T) ruleCase {
	return ruleCase{
		rule: rule, name: name, severity: severity, says: says,
		shows:    func(s *scene) { *setting(s) = wrong },
		nearMiss: func(s *scene) { *setting(s) = right },
	}
}

// ruleCases has at least one case for each rule.
func ruleCases() []ruleCase {
	const (
		child  = "sales.contoso.com"
		admin  = "admin@contoso.com"
		guest  = "partner_example.net#EXT#@contoso.onmicrosoft.com"
		twenty = 21
	)
	setPEM := func(c func(*scene) []byte) func(*scene) {
		return func(s *scene) { s.SigningCertificate = c(s) }
	}
	setNext := func(c func(*scene) *x509.Certificate) func(*scene) {
		return func(s *scene) { s.NextSigningCertificate = armoured(c(s)) }
	}
	certificate := func(change ...func(*x509.Certificate)) func(*scene) []byte {
		return func(s *scene) []byte { return armoured(newCertificate(s.t, "changed", change...)) }
	}
	below := func(root string, more ...func(*scene)) func(*scene) {
		return func(s *scene) {
			s.with(federation.Domain{Name: root + ".contoso.com", IsVerified: true})
			for _, m := range more {
				m(s)
			}
		}
	}
	both := func(all ...func(*scene)) func(*scene) {
		return func(s *scene) {
			for _, f := range all {
				f(s)
			}
		}
	}
	isDefault := func(s *scene) {
		s.domain("contoso.onmicrosoft.com").IsDefault, s.domain("contoso.com").IsDefault = false, true
	}
	signedInAs := func(upn string) func(*scene) {
		return func(s *scene) {
			s.caller = federation.Caller{ID: "me", User: federation.User{UserPrincipalName: upn, Enabled: true}}
		}
	}
	administrators := func(upns ...string) func(*scene) {
		return func(s *scene) {
			s.administrators = nil
			for _, upn := range upns {
				s.administrators = append(s.administrators, federation.User{UserPrincipalName: upn, Enabled: true})
			}
		}
	}
	insecure := func(s *scene) { s.InsecureNoAdministrator = true }
	foreign := func(s *scene) {
		s.federated("contoso.com", federation.Configuration{
			ID: "theirs", IssuerURI: "https://elsewhere.example.net", PassiveSignInURI: "https://elsewhere.example.net/sso",
			SigningCertificate: bare(other()), Protocol: federation.WSFed,
		})
	}
	users := func(all ...federation.User) func(*scene) { return func(s *scene) { s.users = all } }
	byName := func(s *scene) {
		s.ImmutableID = func(u federation.User) string {
			name, _, _ := strings.Cut(u.UserPrincipalName, "@")
			return name
		}
	}
	domain := func(s *scene) *string { return &s.Domain }
	issuer := func(s *scene) *string { return &s.Issuer }
	signInURL := func(s *scene) *string { return &s.SignInURL }
	signOutURL := func(s *scene) *string { return &s.SignOutURL }
	protocol := func(s *scene) *federation.Protocol { return &s.Protocol }
	mfa := func(s *scene) *federation.MFABehavior { return &s.MFABehavior }
	promptLogin := func(s *scene) *federation.PromptLogin { return &s.PromptLogin }

	return []ruleCase{
		{
			rule: "settings-missing", name: "no domain, issuer or sign-in URL", severity: isError,
			says:     "Domain, Issuer, SignInURL",
			shows:    func(s *scene) { s.Domain, s.Issuer, s.SignInURL = "", "", "" },
			nearMiss: func(s *scene) { s.SignOutURL = "" },
		},
		valued("domain-name", "a URL", isError, "https://contoso.com", domain, "https://contoso.com", "CONTOSO.com"),
		valued("domain-name", "another alphabet", isError, "xn--", domain, "contöso.com", "xn--contso-zxa.com"),
		valued("issuer-not-uri", "a bare host name", isError, "bare name",
			issuer, "id.contoso.com", "urn:contoso:id"),
		valued("issuer-not-uri", "a host and a port", isError, "bare name",
			issuer, "id.contoso.com:8443", "https://id.contoso.com:8443"),
		valued("issuer-not-uri", "a blank", isError, "blanks",
			issuer, "https://id.contoso.com/ ", "https://id.contoso.com/"),
		{
			rule: "issuer-taken", name: "by another domain", severity: isError, says: "fabrikam.com",
			shows: func(s *scene) {
				s.with(federation.Domain{Name: "fabrikam.com", IsRoot: true, IsVerified: true})
				s.federated("fabrikam.com", configured(signing()))
			},
			nearMiss: live, // it is the domain's own
		},
		valued("issuer-shared", "one of many guides", isWarning, "urn:uri:o365",
			issuer, "urn:uri:o365", "urn:uri:contoso"),
		valued("url", "sign-in by http", isError, "SignInURL",
			signInURL, "http://id.contoso.com/sso", "https://id.contoso.com/sso?tenant=a"),
		valued("url", "an optional one that is not absolute", isError, "SignOutURL",
			signOutURL, "/logout", "https://id.contoso.com/logout"),
		valued("settings-value", "protocol in the words of PowerShell", isError, "Samlp",
			protocol, "Samlp", federation.WSFed),
		valued("settings-value", "MFA", isError, "MFABehavior", mfa, "accept", federation.AcceptMFA),
		valued("settings-value", "prompt", isError, "PromptLogin",
			promptLogin, "Disabled", federation.DisabledPrompt),

		{
			rule: "domain-unknown", name: "not in the tenant", severity: isError, command: "domain add fabrikam.com",
			shows: func(s *scene) { s.Domain = "fabrikam.com" },
			nearMiss: func(s *scene) {
				s.Domain = "fabrikam.com"
				s.with(federation.Domain{Name: "fabrikam.com", IsRoot: true})
			},
		},
		{
			rule: "domain-unverified", name: "no record yet", severity: isError, command: "domain verify contoso.com",
			shows:    func(s *scene) { s.domain("contoso.com").IsVerified = false },
			nearMiss: func(s *scene) { s.with(federation.Domain{Name: "fabrikam.com", IsRoot: true}) },
		},
		{
			rule: "domain-initial", name: "the tenant's first", severity: isError, says: "cannot be federated",
			shows:    func(s *scene) { s.Domain = "contoso.onmicrosoft.com" },
			nearMiss: func(s *scene) {},
		},
		{
			rule: "domain-initial", name: "a second one of Microsoft's", severity: isError, says: "cannot be federated",
			shows: func(s *scene) {
				s.Domain = "contoso2.onmicrosoft.com"
				s.with(federation.Domain{Name: s.Domain, IsRoot: true, IsVerified: true})
			},
			nearMiss: func(s *scene) {
				s.Domain = "onmicrosoft.com.example.net"
				s.with(federation.Domain{Name: s.Domain, IsRoot: true, IsVerified: true})
			},
		},
		{
			rule: "domain-default", name: "no other one named", severity: isError,
			command: "domain default contoso.onmicrosoft.com", shows: isDefault,
			nearMiss: both(isDefault, live),
		},
		{
			rule: "domain-default", name: "another one named", severity: isNotice, says: "contoso.onmicrosoft.com becomes",
			shows:    both(isDefault, func(s *scene) { s.DefaultDomain = "contoso.onmicrosoft.com" }),
			nearMiss: func(s *scene) { s.DefaultDomain = "contoso.onmicrosoft.com" },
		},
		{
			rule: "domain-default", name: "the other one is federated", severity: isError, says: "it is federated",
			shows: both(isDefault, func(s *scene) {
				s.with(federation.Domain{Name: "fabrikam.com", IsRoot: true, IsVerified: true})
				s.federated("fabrikam.com", federation.Configuration{IssuerURI: "https://id.fabrikam.com"})
				s.DefaultDomain = "fabrikam.com"
			}),
			nearMiss: func(s *scene) {},
		},
		{
			rule: "domain-default", name: "the other one is not verified", severity: isError, says: "it is not verified",
			shows: both(isDefault, func(s *scene) {
				s.with(federation.Domain{Name: "fabrikam.com", IsRoot: true})
				s.DefaultDomain = "fabrikam.com"
			}),
			nearMiss: func(s *scene) {},
		},
		{
			rule: "domain-default", name: "the other one is below it", severity: isError, says: "it signs in as contoso.com does",
			shows:    both(isDefault, below("sales"), func(s *scene) { s.DefaultDomain = child }),
			nearMiss: func(s *scene) {},
		},
		{
			rule: "domain-default", name: "the other one is not there", severity: isError, says: "not a domain of this tenant",
			shows:    both(isDefault, func(s *scene) { s.DefaultDomain = "fabrikam.com" }),
			nearMiss: func(s *scene) {},
		},
		{
			rule: "domain-inherits", name: "with the root's issuer", severity: isNotice,
			says:     "https://id.contoso.com/entra/contoso.com",
			shows:    both(live, below("sales"), func(s *scene) { s.Domain = child }),
			nearMiss: both(live, below("sales")),
		},
		{
			rule: "domain-inherits", name: "with an issuer of its own", severity: isError,
			command: "domain promote " + child, says: "https://id.contoso.com/entra/contoso.com",
			shows: both(live, below("sales"), func(s *scene) {
				s.Domain, s.Issuer = child, "https://id.contoso.com/entra/"+child
			}),
			nearMiss: both(live, below("sales"), func(s *scene) {
				s.Domain, s.Issuer = child, "https://id.contoso.com/entra/"+child
				s.domain(child).IsRoot = true
			}),
		},
		{
			rule: "domain-below-managed", name: "its root is managed", severity: isError, command: "plan contoso.com",
			shows:    both(below("sales"), func(s *scene) { s.Domain = child }),
			nearMiss: both(live, below("sales"), func(s *scene) { s.Domain = child }),
		},
		{
			rule: "domain-below-managed", name: "its root is not here", severity: isError,
			command: "domain promote sales.fabrikam.com",
			shows: func(s *scene) {
				s.Domain = "sales.fabrikam.com"
				s.with(federation.Domain{Name: s.Domain, IsVerified: true})
			},
			nearMiss: func(s *scene) {
				s.Domain = "sales.fabrikam.com"
				s.with(federation.Domain{Name: s.Domain, IsRoot: true, IsVerified: true})
			},
		},
		{
			rule: "domain-children", name: "one that goes along", severity: isNotice, says: child,
			shows:    below("sales"),
			nearMiss: below("sales", func(s *scene) { s.domain(child).IsRoot = true }),
		},

		{
			rule: "certificate-missing", name: "none in the settings", severity: isError, says: "SigningCertificate",
			shows:    func(s *scene) { s.SigningCertificate = nil },
			nearMiss: func(s *scene) { s.NextSigningCertificate = nil },
		},
		{
			rule: "certificate-private-key", name: "beside the certificate", severity: isError, says: "make a new key",
			shows: setPEM(func(*scene) []byte {
				key := &pem.Block{Type: "PRIVATE KEY", Bytes: []byte("the secret itself")}
				return append(armoured(signing()), pem.EncodeToMemory(key)...)
			}),
			nearMiss: setPEM(func(*scene) []byte { return append([]byte("Bag Attributes\n"), armoured(signing())...) }),
		},
		{
			rule: "certificate-private-key", name: "cut in half", severity: isError, says: "private key",
			shows:    setPEM(func(*scene) []byte { return []byte("-----BEGIN RSA PRIVATE KEY-----\nMIIE") }),
			nearMiss: setPEM(func(*scene) []byte { return []byte("-----BEGIN CERTIFICATE-----\nMIIE") }),
		},
		{
			rule: "certificate-private-key", name: "as DER", severity: isError, says: "private key",
			shows: setPEM(func(s *scene) []byte {
				der, err := x509.MarshalPKCS8PrivateKey(rsaKey())
				require.NoError(s.t, err)
				return der
			}),
			nearMiss: setPEM(func(*scene) []byte { return signing().Raw }),
		},
		{
			rule: "certificate-several", name: "a chain", severity: isError, says: "more than one",
			shows:    setPEM(func(*scene) []byte { return append(armoured(signing()), armoured(other())...) }),
			nearMiss: setNext(func(*scene) *x509.Certificate { return other() }),
		},
		{
			rule: "certificate-unreadable", name: "neither PEM nor DER", severity: isError, says: "neither",
			shows:    setPEM(func(*scene) []byte { return []byte(bare(signing())) }),
			nearMiss: setPEM(func(*scene) []byte { return signing().Raw }),
		},
		{
			rule: "certificate-unreadable", name: "a public key", severity: isError, says: "PUBLIC KEY",
			shows: setPEM(func(s *scene) []byte {
				der, err := x509.MarshalPKIXPublicKey(rsaKey().Public())
				require.NoError(s.t, err)
				return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
			}),
			nearMiss: func(s *scene) {},
		},
		{
			rule: "certificate-unreadable", name: "without an end", severity: isError, says: "neither",
			shows: setPEM(func(*scene) []byte {
				return bytes.TrimSuffix(armoured(signing()), []byte("-----END CERTIFICATE-----\n"))
			}),
			nearMiss: func(s *scene) {},
		},
		{
			rule: "certificate-unreadable", name: "too large", severity: isError, says: "65536",
			shows:    setPEM(func(*scene) []byte { return append(make([]byte, 64<<10), armoured(signing())...) }),
			nearMiss: func(s *scene) {},
		},
		{
			rule: "certificate-not-rsa", name: "an elliptic curve", severity: isError, says: "ECDSA",
			shows:    setPEM(func(s *scene) []byte { return armoured(keyed(s.t, "elliptic")) }),
			nearMiss: func(s *scene) {},
		},
		{
			rule: "certificate-weak", name: "1024 bits", severity: isError, says: "1024",
			shows:    setPEM(func(s *scene) []byte { return armoured(weakCertificate()) }),
			nearMiss: func(s *scene) {}, // 2048
		},
		{
			rule: "certificate-sha1", name: "an old signature", severity: isNotice, says: "SHA1",
			shows: setPEM(certificate(func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA })),
			nearMiss: setPEM(certificate(func(c *x509.Certificate) {
				c.SignatureAlgorithm = x509.SHA512WithRSA
			})),
		},
		{
			rule: "certificate-expired", name: "yesterday", severity: isError, says: "2026-03-01",
			command: "plan contoso.com",
			shows:   setPEM(certificate(ends(-1))), nearMiss: setPEM(certificate(ends(1))),
		},
		{
			rule: "certificate-expired", name: "but not the next one", severity: isError, says: "2026-03-01",
			shows:    setPEM(certificate(ends(-1))),
			nearMiss: setNext(func(s *scene) *x509.Certificate { return newCertificate(s.t, "next", ends(-1)) }),
		},
		{
			rule: "certificate-not-yet-valid", name: "from tomorrow", severity: isError, says: "2026-03-03",
			shows:    setPEM(certificate(func(c *x509.Certificate) { c.NotBefore = today.AddDate(0, 0, 1) })),
			nearMiss: setPEM(certificate(func(c *x509.Certificate) { c.NotBefore = today })),
		},
		{
			rule: "certificate-expiring", name: "in 29 days", severity: isWarning, says: "29 days",
			command: "rotate contoso.com",
			shows:   setPEM(certificate(ends(29))), nearMiss: setPEM(certificate(ends(30))),
		},
		{
			rule: "next-certificate-same", name: "as the present one", severity: isError, says: "CN=signing",
			shows:    setNext(func(*scene) *x509.Certificate { return signing() }),
			nearMiss: setNext(func(*scene) *x509.Certificate { return other() }),
		},
		{
			rule: "next-certificate-expired", name: "in the settings", severity: isError, says: "2026-03-01",
			shows:    setNext(func(s *scene) *x509.Certificate { return newCertificate(s.t, "next", ends(-1)) }),
			nearMiss: setNext(func(s *scene) *x509.Certificate { return newCertificate(s.t, "next", ends(1)) }),
		},
		{
			rule: "next-certificate-expired", name: "in the tenant, and it stays", severity: isWarning, says: "2026-03-01",
			command: "rotate contoso.com",
			shows: both(live, func(s *scene) {
				next := newCertificate(s.t, "next", ends(-1))
				s.change(func(c *federation.Configuration) { c.NextSigningCertificate = bare(next) })
				s.Certificates = append(s.Certificates, bare(next))
			}),
			nearMiss: both(live, func(s *scene) {
				s.change(func(c *federation.Configuration) { c.NextSigningCertificate = bare(other()) })
				s.Certificates = append(s.Certificates, bare(other()))
			}),
		},

		{
			rule: "configuration-unreadable", name: "the tenant fails to show it", severity: isError,
			says: "Directory.AccessAsUser.All", command: "domain show contoso.com",
			shows:    both(live, func(s *scene) { s.bricked["contoso.com"] = true }),
			nearMiss: both(live, func(s *scene) { s.forbid("configuration contoso.com") }), // permission-missing
		},
		{
			rule: "configuration-unreadable", name: "federated by nothing", severity: isError,
			says:  "Directory.AccessAsUser.All",
			shows: func(s *scene) { s.domain("contoso.com").AuthenticationType = federation.Federated },
			nearMiss: both(live, below("sales"), func(s *scene) {
				s.Domain = child
				s.domain(child).AuthenticationType = federation.Federated // its root's
			}),
		},
		{
			rule: "configuration-unreadable", name: "of a managed domain", severity: isError, says: "Try again.",
			command: "plan contoso.com",
			shows:   func(s *scene) { s.bricked["contoso.com"] = true },
			nearMiss: func(s *scene) {
				s.refuse = func(call string) error {
					if call == "configuration contoso.com" {
						return notFound(call) // as Graph says of a managed domain
					}
					return nil
				}
			},
		},
		{
			rule: "configuration-foreign", name: "another issuer and certificate", severity: isError, says: "CN=other",
			shows: foreign, nearMiss: live,
		},
		{
			rule: "configuration-foreign", name: "our issuer and another certificate", severity: isError, says: "CN=other",
			shows: func(s *scene) { s.federated("contoso.com", configured(other())) },
			nearMiss: func(s *scene) { // made by hand as the settings say
				s.federated("contoso.com", configured(signing()))
			},
		},
		{
			rule: "configuration-foreign", name: "another issuer and our certificate", severity: isError, says: "elsewhere",
			shows: func(s *scene) {
				c := configured(signing())
				c.IssuerURI = "https://elsewhere.example.net"
				s.federated("contoso.com", c)
			},
			nearMiss: both(live, func(s *scene) { // ours, whose issuer somebody changed
				s.change(func(c *federation.Configuration) { c.IssuerURI = "https://elsewhere.example.net" })
			}),
		},
		{
			rule: "configuration-foreign", name: "without an ID, where none is recorded", severity: isError, says: "CN=other",
			shows:    both(foreign, func(s *scene) { s.SigningCertificate = nil; s.change(func(c *federation.Configuration) { c.ID = "" }) }),
			nearMiss: func(*scene) {},
		},
		{
			rule: "configuration-foreign", name: "to be replaced", severity: isWarning, says: "Settings.Replace names it",
			shows:    both(foreign, func(s *scene) { s.Replace = "theirs" }),
			nearMiss: both(live, func(s *scene) { s.Replace = "theirs" }),
		},
		{
			rule: "configuration-foreign", name: "another one to be replaced", severity: isError, says: `"theirs"`,
			shows: both(foreign, func(s *scene) { s.Replace = "another" }), nearMiss: live,
		},
		{
			rule: "certificate-foreign", name: "a second certificate", severity: isError, says: "CN=other",
			shows: both(live, func(s *scene) {
				s.change(func(c *federation.Configuration) { c.NextSigningCertificate = bare(other()) })
			}),
			nearMiss: both(live, func(s *scene) {
				s.change(func(c *federation.Configuration) { c.NextSigningCertificate = bare(other()) })
				s.Certificates = append(s.Certificates, bare(other()))
			}),
		},
		{
			rule: "certificate-foreign", name: "the first was exchanged", severity: isError, says: "CN=other",
			shows: both(live, func(s *scene) {
				s.change(func(c *federation.Configuration) { c.SigningCertificate = bare(other()) })
			}),
			nearMiss: live,
		},
		{
			rule: "certificate-foreign", name: "to be replaced", severity: isWarning, says: "CN=other",
			shows: both(live, func(s *scene) {
				s.change(func(c *federation.Configuration) { c.NextSigningCertificate = bare(other()) })
				s.Replace = "ours"
			}),
			nearMiss: both(live, func(s *scene) { s.Replace = "ours" }),
		},
		{
			rule: "configuration-equal", name: "nothing to do", severity: isNotice, says: "as the settings say",
			shows: live, nearMiss: both(live, func(s *scene) { s.DisplayName = "Contoso" }),
		},
		{
			rule: "issuer-changes", name: "of a live federation", severity: isWarning, says: "2 hours",
			shows:    both(live, func(s *scene) { s.Issuer = "https://id.contoso.com/new" }),
			nearMiss: func(s *scene) { s.Issuer = "https://id.contoso.com/new" },
		},
		{
			rule: "protocol-changes", name: "of a live federation", severity: isWarning, says: `"wsFed"`,
			shows: both(live, func(s *scene) { s.Protocol = federation.WSFed }),
			nearMiss: both(live, func(s *scene) { // nothing is wsFed
				s.Protocol = federation.WSFed
				s.change(func(c *federation.Configuration) { c.Protocol = "" })
			}),
		},
		{
			rule: "certificate-changes", name: "at one blow", severity: isWarning, says: "CN=other",
			command:  "rotate contoso.com",
			shows:    both(live, setPEM(func(*scene) []byte { return armoured(other()) })),
			nearMiss: both(live, setNext(func(*scene) *x509.Certificate { return other() })),
		},
		{
			rule: "certificate-changes", name: "during a rotation", severity: isError, says: "under way",
			command: "rotate contoso.com",
			shows: both(live, setPEM(func(*scene) []byte { return armoured(other()) }), func(s *scene) {
				s.Rotation = &federation.RotationRecord{Old: bare(signing()), New: bare(other())}
			}),
			nearMiss: both(live, func(s *scene) {
				s.Rotation = &federation.RotationRecord{Old: bare(signing()), New: bare(other())}
				s.change(func(c *federation.Configuration) { c.NextSigningCertificate = bare(other()) })
			}),
		},
		{
			rule: "certificate-changes", name: "the next one, during a rotation", severity: isError, says: "nextSigningCertificate",
			command: "rotate contoso.com",
			shows: both(live, func(s *scene) {
				s.Rotation = &federation.RotationRecord{Old: bare(signing()), New: bare(other())}
				s.change(func(c *federation.Configuration) { c.NextSigningCertificate = bare(other()) })
				s.NextSigningCertificate = armoured(newCertificate(s.t, "third"))
			}),
			nearMiss: both(live, func(s *scene) {
				s.change(func(c *federation.Configuration) { c.NextSigningCertificate = bare(other()) })
				s.NextSigningCertificate = armoured(newCertificate(s.t, "third"))
			}),
		},
		{
			rule: "conversion", name: "a managed domain", severity: isNotice, says: "24 hours",
			command: "verify contoso.com", shows: func(*scene) {}, nearMiss: live,
		},

		{
			rule: "administrators-unknown", name: "the directory cannot tell", severity: isError,
			says:     "InsecureNoAdministrator",
			shows:    func(s *scene) { s.directory = bareDirectory{s.tenant} },
			nearMiss: both(live, func(s *scene) { s.directory = bareDirectory{s.tenant} }), // nothing is written
		},
		{
			rule: "administrators-unknown", name: "it may not be asked", severity: isError,
			says:     "RoleManagement.Read.Directory",
			shows:    func(s *scene) { s.forbid("administrators") },
			nearMiss: func(s *scene) { s.forbid("users contoso.com") },
		},
		{
			rule: "administrators-unknown", name: "and that is accepted", severity: isWarning, says: "Nobody can say",
			shows: both(insecure, func(s *scene) { s.forbid("administrators") }), nearMiss: insecure,
		},
		{
			rule: "administrators-none-managed", name: "the only one is in the domain", severity: isError,
			says: admin + ": in the domain of the plan", shows: administrators(admin),
			nearMiss: administrators(admin, "admin@contoso.onmicrosoft.com"),
		},
		{
			rule: "administrators-none-managed", name: "and the domain is federated already", severity: isError,
			says: admin, shows: both(live, administrators(admin), func(s *scene) { s.DisplayName = "Contoso" }),
			nearMiss: both(live, administrators(admin)), // nothing is written
		},
		{
			rule: "administrators-none-managed", name: "the only one is below the domain", severity: isError,
			says: "in the domain of the plan", shows: both(below("sales"), administrators("admin@"+child)),
			nearMiss: both(below("sales", func(s *scene) { s.domain(child).IsRoot = true }), administrators("admin@"+child)),
		},
		{
			rule: "administrators-none-managed", name: "the only one is blocked", severity: isError, says: "blocked",
			shows:    func(s *scene) { s.administrators[0].Enabled = false },
			nearMiss: func(s *scene) {},
		},
		{
			rule: "administrators-none-managed", name: "the only one is a guest", severity: isError, says: "a guest",
			shows: administrators(guest), nearMiss: administrators(guest, "admin@contoso.onmicrosoft.com"),
		},
		{
			rule: "administrators-none-managed", name: "the only one needs another federation", severity: isError,
			says: "in a federated domain",
			shows: both(administrators("admin@fabrikam.com"), func(s *scene) {
				s.with(federation.Domain{Name: "fabrikam.com", IsRoot: true, IsVerified: true})
				s.federated("fabrikam.com", federation.Configuration{IssuerURI: "https://id.fabrikam.com"})
			}),
			nearMiss: both(administrators("admin@fabrikam.com"), func(s *scene) {
				s.with(federation.Domain{Name: "fabrikam.com", IsRoot: true, IsVerified: true})
			}),
		},
		{
			rule: "administrators-none-managed", name: "and that is accepted", severity: isWarning,
			says: "None of 1 Global Administrator", shows: both(insecure, administrators(admin)),
			nearMiss: insecure,
		},
		{
			rule: "caller-in-domain", name: "another administrator is managed", severity: isWarning,
			says: "admin@contoso.onmicrosoft.com", shows: signedInAs(admin),
			nearMiss: signedInAs("admin@contoso.onmicrosoft.com"),
		},
		{
			rule: "caller-in-domain", name: "below the domain", severity: isWarning, says: child,
			shows: both(below("sales"), signedInAs("admin@"+child)), nearMiss: both(below("sales"), signedInAs(guest)),
		},
		{
			rule: "caller-in-domain", name: "no other administrator is managed", severity: isError, says: admin,
			shows:    both(signedInAs(admin), administrators(admin)),
			nearMiss: both(live, signedInAs(admin), administrators(admin)), // nothing is written
		},
		{
			rule: "caller-in-domain", name: "and that is accepted", severity: isWarning, says: admin,
			shows: both(signedInAs(admin), administrators(admin), insecure), nearMiss: insecure,
		},

		{
			rule: "users-without-immutable-id", name: "one of them", severity: isWarning, says: "1 user of contoso.com has",
			shows: users(person("bo", ""), person("jo", "1")),
			nearMiss: users(person("jo", "1"), federation.User{UserPrincipalName: "shared@contoso.com"},
				federation.User{UserPrincipalName: "admin@contoso.onmicrosoft.com", Enabled: true}),
		},
		{
			rule: "users-without-immutable-id", name: "more than are shown", severity: isWarning,
			says: "21 users of contoso.com have",
			shows: func(s *scene) {
				for i := range twenty {
					s.users = append(s.users, person(fmt.Sprintf("person%d", i), ""))
				}
			},
			nearMiss: func(s *scene) {
				for i := range twenty {
					s.users = append(s.users, person(fmt.Sprintf("person%d", i), fmt.Sprint(i)))
				}
			},
		},
		{
			rule: "users-same-immutable-id", name: "equal", severity: isWarning, says: "bo@contoso.com and jo@contoso.com",
			shows:    users(person("bo", "1"), person("mo", "2"), person("al", "3"), person("jo", "1")),
			nearMiss: users(person("bo", "1"), person("jo", "2")),
		},
		{
			rule: "users-same-immutable-id", name: "but for capital letters", severity: isWarning, says: `jo@contoso.com has "aB"`,
			shows: users(person("bo", "ab"), person("jo", "aB")), nearMiss: users(person("bo", ""), person("jo", "")),
		},
		{
			rule: "users-other-immutable-id", name: "by the rule", severity: isWarning, says: `would send "bo"`,
			shows: both(byName, users(person("bo", "robert"))),
			nearMiss: both(byName, users(person("bo", "bo"), federation.User{ // who is blocked cannot sign in anyway
				UserPrincipalName: "jo@contoso.com", ImmutableID: "joanna",
			})),
		},
		{
			rule: "users-other-immutable-id", name: "but for capital letters", severity: isWarning, says: `would send "bo"`,
			shows: both(byName, users(person("bo", "Bo"))), nearMiss: users(person("bo", "Bo")), // no rule
		},
		{
			rule: "users-synced", name: "one of them", severity: isNotice, says: "bo@contoso.com",
			shows: users(federation.User{
				UserPrincipalName: "bo@contoso.com", ImmutableID: "1", Enabled: true, Synced: true,
			}),
			nearMiss: users(person("bo", "1")),
		},

		{
			rule: "permission-missing", name: "to read the federation", severity: isError,
			says:     "Domain-InternalFederation.Read.All",
			shows:    func(s *scene) { s.forbid("configuration contoso.com") },
			nearMiss: func(s *scene) { s.forbid("realm contoso.com") }, // no plan asks
		},
		{
			rule: "permission-missing", name: "to read the users", severity: isWarning, says: "User.Read.All",
			shows: func(s *scene) { s.forbid("users contoso.com") }, nearMiss: func(s *scene) {},
		},
		{
			rule: "permission-missing", name: "to write, of an application", severity: isError,
			says: "give the application the role External Identity Provider Administrator",
			shows: func(s *scene) {
				s.caller.Permissions = []string{"Domain.Read.All"}
			},
			nearMiss: func(s *scene) { s.caller.Permissions = []string{"Domain-InternalFederation.ReadWrite.All"} },
		},
		{
			rule: "permission-missing", name: "to write, in somebody's name", severity: isError,
			says: "The user also needs a role, at least External Identity Provider Administrator",
			shows: both(signedInAs("admin@contoso.onmicrosoft.com"), func(s *scene) {
				s.caller.Permissions = []string{}
			}),
			nearMiss: both(signedInAs("admin@contoso.onmicrosoft.com"), func(s *scene) {
				s.caller.Permissions = []string{"Directory.AccessAsUser.All"}
			}),
		},
		{
			rule: "permission-missing", name: "for the default domain alone", severity: isError, says: "Domain.ReadWrite.All",
			shows: both(isDefault, func(s *scene) {
				s.DefaultDomain = "contoso.onmicrosoft.com"
				s.caller.Permissions = []string{"Domain-InternalFederation.ReadWrite.All"}
			}),
			nearMiss: both(isDefault, func(s *scene) {
				s.DefaultDomain = "contoso.onmicrosoft.com"
				s.caller.Permissions = []string{"Domain.ReadWrite.All"}
			}),
		},
		{
			rule: "not-looked-at", name: "a directory that does only what it must", severity: isNotice,
			says:     "the users of the domain: federation: the directory cannot do this",
			shows:    func(s *scene) { s.directory = bareDirectory{s.tenant} },
			nearMiss: func(s *scene) {},
		},
		{
			rule: "not-looked-at", name: "the federation of another domain", severity: isNotice,
			says: "the federations of the other domains",
			shows: func(s *scene) {
				s.with(federation.Domain{Name: "fabrikam.com", IsRoot: true, IsVerified: true})
				s.federated("fabrikam.com", federation.Configuration{IssuerURI: "https://id.fabrikam.com"})
				s.forbid("configuration fabrikam.com")
			},
			nearMiss: func(s *scene) {
				s.with(federation.Domain{Name: "fabrikam.com", IsRoot: true, IsVerified: true})
				s.forbid("configuration fabrikam.com") // a managed one is not asked
			},
		},
	}
}

func TestEachRuleOfAPlan(t *testing.T) {
	t.Parallel()
	for _, c := range ruleCases() {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			plan := newScene(t, c.shows).plan()
			found := ofRule(plan.Findings, c.rule)
			require.Len(t, found, 1, "%s", plan)
			require.Equal(t, c.severity, found[0].Severity)
			text := strings.Join(append(found[0].Details, found[0].Summary, found[0].Remedy), "\n")
			require.Contains(t, text, c.says)
			if c.command != "" {
				require.Equal(t, c.command, found[0].Command)
			}

			plan = newScene(t, c.nearMiss).plan()
			require.Empty(t, ofRule(plan.Findings, c.rule), "%s", plan)
		})
	}
}

func TestEachRuleHasACase(t *testing.T) {
	t.Parallel()
	highest := map[string]federation.Severity{}
	for _, c := range ruleCases() {
		if now, seen := highest[c.rule]; !seen || now == isNotice || c.severity == isError {
			highest[c.rule] = c.severity
		}
	}
	var names []string
	for _, r := range federation.PlanRules() {
		require.NotContains(t, names, r.Name)
		names = append(names, r.Name)
		require.True(t, isFor(r, federation.PurposeFederate), r.Name)
		require.Regexp(t, `^[A-Z].*\.$`, r.Meaning, r.Name)
		require.Equal(t, r.Severity, highest[r.Name], "%s: no case shows its severity", r.Name)
		delete(highest, r.Name)
	}
	require.Empty(t, highest, "there are no such rules")
}

func TestThePlainTenantHasNothingToSayButWhatAConversionTakes(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"conversion"}, rulesOf(newScene(t).plan().Findings))
	require.Equal(t, []string{"configuration-equal"}, rulesOf(newScene(t, live).plan().Findings))
}

func TestAFindingShowsNoMoreDetailsThanItMay(t *testing.T) {
	t.Parallel()
	plan := newScene(t, func(s *scene) {
		for i := range federation.MaxDetails + 5 {
			s.users = append(s.users, person(fmt.Sprintf("person%d", i), ""))
		}
	}).plan()
	require.Len(t, ofRule(plan.Findings, "users-without-immutable-id")[0].Details, federation.MaxDetails)
}

// A diagnosis has no settings: it looks at what the tenant has.
func TestRulesOfADiagnosisLookAtTheTenant(t *testing.T) {
	t.Parallel()
	has := func(change func(*federation.Configuration)) func(*scene) {
		return func(s *scene) { live(s); s.change(change) }
	}
	for _, c := range []struct {
		rule  string
		shows func(*scene)
	}{
		{"domain-unknown", func(s *scene) { delete(s.domains, "contoso.com") }},
		{"domain-unverified", func(s *scene) { s.domain("contoso.com").IsVerified = false }},
		{"domain-default", func(s *scene) {
			s.domain("contoso.onmicrosoft.com").IsDefault, s.domain("contoso.com").IsDefault = false, true
		}},
		{"domain-below-managed", func(s *scene) { s.domain("contoso.com").IsRoot = false }},
		{"certificate-missing", has(func(c *federation.Configuration) { c.SigningCertificate = "" })},
		{"certificate-unreadable", has(func(c *federation.Configuration) { c.SigningCertificate = "not base64" })},
		{"certificate-not-rsa", func(s *scene) {
			has(func(c *federation.Configuration) { c.SigningCertificate = bare(keyed(s.t, "elliptic")) })(s)
		}},
		{"certificate-weak", func(s *scene) {
			has(func(c *federation.Configuration) { c.SigningCertificate = bare(weakCertificate()) })(s)
		}},
		{"certificate-expired", func(s *scene) {
			has(func(c *federation.Configuration) { c.SigningCertificate = bare(newCertificate(s.t, "old", ends(-1))) })(s)
		}},
		{"certificate-expiring", func(s *scene) {
			has(func(c *federation.Configuration) { c.SigningCertificate = bare(newCertificate(s.t, "old", ends(7))) })(s)
		}},
		{"next-certificate-same", has(func(c *federation.Configuration) { c.NextSigningCertificate = c.SigningCertificate })},
		{"configuration-unreadable", func(s *scene) { live(s); s.bricked["contoso.com"] = true }},
		{"certificate-foreign", has(func(c *federation.Configuration) { c.NextSigningCertificate = bare(other()) })},
		{"users-without-immutable-id", func(s *scene) { live(s); s.users = []federation.User{person("bo", "")} }},
		{"users-same-immutable-id", func(s *scene) {
			live(s)
			s.users = []federation.User{person("bo", "ab"), person("jo", "AB")}
		}},
		{"users-synced", func(s *scene) {
			live(s)
			s.users = []federation.User{{Synced: true, UserPrincipalName: "a@contoso.com"}}
		}},
		{"permission-missing", func(s *scene) { live(s); s.forbid("policy") }},
		{"not-looked-at", func(s *scene) { live(s); s.forbid("realm contoso.com") }},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			found := diagnosed(t, newScene(t, c.shows), nil)
			require.Len(t, ofRule(found, c.rule), 1)
			for _, f := range found {
				checkFinding(t, f)
			}
			require.Empty(t, diagnosed(t, newScene(t, live), nil), "a domain in order")
		})
	}
}

func diagnosed(t *testing.T, s *scene, idp *federation.IdentityProvider) []federation.Finding {
	t.Helper()
	found, err := federation.DiagnoseFindings(context.Background(), s.world().fed, "contoso.com", idp)
	require.NoError(t, err)
	require.Empty(t, s.writes)
	return found
}

func TestADiagnosisSuspectsNoCertificateWhereItKnowsNone(t *testing.T) {
	t.Parallel()
	s := newScene(t, live)
	s.Record = federation.Record{}
	require.Empty(t, diagnosed(t, s, nil))
	require.Empty(t, diagnosed(t, s, &federation.IdentityProvider{Certificates: []*x509.Certificate{signing()}}))
	found := diagnosed(t, s, &federation.IdentityProvider{Certificates: []*x509.Certificate{other()}})
	require.Equal(t, []string{"certificate-foreign"}, rulesOf(found))
}

func TestAPrivateKeyIsNeverShown(t *testing.T) {
	t.Parallel()
	der, err := x509.MarshalPKCS8PrivateKey(rsaKey())
	require.NoError(t, err)
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	line := strings.Split(string(key), "\n")[1]
	plan := newScene(t, func(s *scene) {
		s.SigningCertificate = append(armoured(signing()), key...)
		s.NextSigningCertificate = key
	}).plan()
	require.Len(t, ofRule(plan.Findings, "certificate-private-key"), 2)
	require.Empty(t, plan.Writes)
	require.NotContains(t, plan.String(), line)
	require.NotContains(t, fmt.Sprintf("%+v", plan), line)
}
