package federation_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

// guestScene is a tenant, what is kept of the partner, and the settings of a plan. The plain one has notices alone.
type guestScene struct {
	*tenant
	federation.GuestSettings
	federation.Record
	t         *testing.T
	revert    bool                 // plan the way back, for the first domain
	recordOf  string               // the domain that the record is of; empty: example.net
	directory federation.Directory // nil: the tenant
}

func newGuestScene(t *testing.T, changes ...func(*guestScene)) *guestScene {
	t.Helper()
	s := &guestScene{tenant: newTenant(), t: t, GuestSettings: federation.GuestSettings{
		Domains: []string{"example.net"}, Issuer: "https://id.example.net/guests",
		SignInURL: "https://id.example.net/guests/sso", SigningCertificate: armoured(signing()),
	}}
	for _, change := range changes {
		change(s)
	}
	return s
}

// liveGuests has the federation that the plain settings ask for, made by this program.
func liveGuests(s *guestScene) {
	s.has("ours", nil)
	s.Record.Configuration = "ours"
	s.Record.Certificates = []string{bare(signing())}
}

// has gives the tenant a federation as the plain settings have it, but for a change.
func (s *guestScene) has(id string, change func(*federation.GuestConfiguration)) {
	g := &federation.GuestConfiguration{
		ID: id, DisplayName: "example.net", IssuerURI: "https://id.example.net/guests",
		PassiveSignInURI: "https://id.example.net/guests/sso", SigningCertificate: bare(signing()), Protocol: federation.SAML,
		Domains: []string{"example.net"},
	}
	if change != nil {
		change(g)
	}
	s.guests[id] = g
}

// forbid refuses one call for want of a permission.
func (s *guestScene) forbid(call string) {
	s.refuse = func(asked string) error {
		if asked == call {
			return answer(call, http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges.")
		}
		return nil
	}
}

func (s *guestScene) world() (*world, *federation.Federator) {
	w := newWorld(s.t, s.tenant)
	directory := s.directory
	if directory == nil {
		directory = partners{s.tenant}
	}
	document, err := json.Marshal(s.Record)
	require.NoError(s.t, err)
	name := s.recordOf
	if name == "" {
		name = "example.net"
	}
	require.NoError(s.t, w.store.Save(context.Background(), "guests/"+name, nil, document))
	return w, w.federator(s.t, directory)
}

// plan makes the plan, and checks what is so of every plan.
func (s *guestScene) plan() *federation.Plan {
	s.t.Helper()
	_, fed := s.world()
	var plan *federation.Plan
	var err error
	if s.revert {
		plan, err = fed.PlanRevertGuests(context.Background(), s.GuestSettings.Domains[0])
	} else {
		plan, err = fed.PlanGuests(context.Background(), s.GuestSettings)
	}
	require.NoError(s.t, err)
	require.Empty(s.t, s.writes, "planning changed the tenant")
	for _, f := range plan.Findings {
		checkFinding(s.t, f)
	}
	document, err := json.Marshal(plan)
	require.NoError(s.t, err)
	read, err := federation.ReadPlan(bytes.NewReader(document))
	require.NoError(s.t, err)
	require.Equal(s.t, plan.String(), read.String())
	return plan
}

// guestCase is a scene that shows a rule, and one that almost does.
type guestCase struct {
	rule     string
	name     string
	shows    func(*guestScene)
	severity federation.Severity
	says     string
	nearMiss func(*guestScene)
}

func guestCases() []guestCase {
	domains := func(all ...string) func(*guestScene) {
		return func(s *guestScene) { s.GuestSettings.Domains = all }
	}
	certificate := func(c func(*guestScene) []byte) func(*guestScene) {
		return func(s *guestScene) { s.SigningCertificate = c(s) }
	}
	changed := func(change ...func(*x509.Certificate)) func(*guestScene) {
		return certificate(func(s *guestScene) []byte { return armoured(newCertificate(s.t, "changed", change...)) })
	}
	both := func(all ...func(*guestScene)) func(*guestScene) {
		return func(s *guestScene) {
			for _, f := range all {
				f(s)
			}
		}
	}
	plain := func(*guestScene) {}
	revert := func(s *guestScene) { s.revert = true }
	change := func(f func(*federation.GuestConfiguration)) func(*guestScene) {
		return func(s *guestScene) { f(s.guests["ours"]) }
	}
	foreign := func(s *guestScene) {
		s.has("theirs", func(g *federation.GuestConfiguration) {
			g.IssuerURI, g.SigningCertificate = "https://elsewhere.example.org", bare(other())
		})
	}
	replace := func(id string) func(*guestScene) { return func(s *guestScene) { s.Replace = id } }
	may := func(permissions ...string) func(*guestScene) {
		return func(s *guestScene) { s.caller.Permissions = permissions }
	}
	elsewhere := func(s *guestScene) { s.SignInURL = "https://idp.example.com/sso" }
	metadata := func(s *guestScene) { s.MetadataURL = "https://id.example.net/metadata" }
	swapped := func(g *federation.GuestConfiguration) { g.SigningCertificate = bare(other()) }

	return []guestCase{
		{rule: "settings-missing", name: "everything", severity: isError, says: "Domains, Issuer, SignInURL",
			shows:    func(s *guestScene) { s.GuestSettings.Domains, s.Issuer, s.SignInURL = nil, "", "" },
			nearMiss: func(s *guestScene) { s.DisplayName = "" }},
		{rule: "guest-domain-name", name: "a URL", severity: isError, says: `"https://example.net"`,
			shows: domains("https://example.net"), nearMiss: domains("EXAMPLE.net")},
		{rule: "guest-domain-name", name: "the second", severity: isError, says: `"example"`,
			shows: domains("example.net", "example"), nearMiss: domains("example.net", "xn--exmple-cua.net")},
		{rule: "guest-domain-twice", name: "in another case", severity: isWarning, says: "example.net is in Domains 2 times",
			shows: domains("example.net", "EXAMPLE.NET"), nearMiss: domains("example.net", "sales.example.net")},
		{rule: "guest-domain-own", name: "a domain of the tenant", severity: isError, says: "contoso.com is a domain of this tenant",
			shows: domains("contoso.com"), nearMiss: both(domains("fabrikam.com"), func(s *guestScene) {
				s.with(federation.Domain{Name: "fabrikam.com", IsRoot: true}) // nobody has proved whose it is
			})},
		{rule: "guest-domain-own", name: "the initial one, as the second", severity: isError, says: "contoso.onmicrosoft.com",
			shows: domains("example.net", "contoso.onmicrosoft.com"), nearMiss: domains("example.net", "contoso2.onmicrosoft.com")},
		{rule: "guest-domain-own", name: "one below", severity: isWarning, says: "below contoso.com",
			shows: domains("partners.contoso.com"), nearMiss: domains("partnerscontoso.com")},
		{rule: "guest-domain-taken", name: "by a second federation", severity: isError,
			says: `The federation "second" has example.org`,
			shows: both(domains("example.net", "example.org"), liveGuests, func(s *guestScene) {
				s.has("second", func(g *federation.GuestConfiguration) { g.Domains = []string{"example.com", "example.org"} })
			}),
			nearMiss: both(domains("example.net", "example.org"), liveGuests, func(s *guestScene) {
				s.has("second", func(g *federation.GuestConfiguration) { g.Domains = []string{"example.com"} })
			})},
		{rule: "guest-issuer-taken", name: "by another partner's federation", severity: isWarning,
			says: `federation "second", with example.com`,
			shows: func(s *guestScene) {
				s.has("second", func(g *federation.GuestConfiguration) { g.Domains = []string{"example.com"} })
			},
			nearMiss: liveGuests},
		{rule: "issuer-taken", name: "by a domain of the tenant", severity: isError, says: "contoso.com",
			shows: func(s *guestScene) {
				c := configured(other())
				c.IssuerURI = s.Issuer
				s.federated("contoso.com", c)
			},
			nearMiss: func(s *guestScene) { s.federated("contoso.com", configured(other())) }},
		{rule: "issuer-not-uri", name: "a host name", severity: isError, says: "bare name",
			shows:    func(s *guestScene) { s.Issuer = "id.example.net" },
			nearMiss: func(s *guestScene) { s.Issuer = "urn:example:id" }},
		{rule: "issuer-shared", name: "one of many guides", severity: isWarning, says: "urn:uri:o365",
			shows:    func(s *guestScene) { s.Issuer = "urn:uri:o365" },
			nearMiss: func(s *guestScene) { s.Issuer = "urn:uri:example" }},
		{rule: "url", name: "sign-in by http", severity: isError, says: "SignInURL",
			shows:    func(s *guestScene) { s.SignInURL = "http://id.example.net/sso" },
			nearMiss: func(s *guestScene) { s.SignInURL = "https://id.example.net/sso?a=b" }},
		{rule: "url", name: "metadata that is not absolute", severity: isError, says: "MetadataURL",
			shows: func(s *guestScene) { s.MetadataURL = "/metadata" }, nearMiss: metadata},
		{rule: "settings-value", name: "the protocol", severity: isError, says: "Samlp",
			shows:    func(s *guestScene) { s.Protocol = "Samlp" },
			nearMiss: func(s *guestScene) { s.Protocol = federation.WSFed }},

		{rule: "certificate-missing", name: "none", severity: isError, says: "SigningCertificate",
			shows: func(s *guestScene) { s.SigningCertificate = nil }, nearMiss: plain},
		{rule: "certificate-private-key", name: "a key", severity: isError, says: "was not read",
			shows: certificate(func(*guestScene) []byte {
				return []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
			}), nearMiss: plain},
		{rule: "certificate-several", name: "a chain", severity: isError, says: "more than one",
			shows: certificate(func(*guestScene) []byte { return append(armoured(signing()), armoured(other())...) }), nearMiss: plain},
		{rule: "certificate-unreadable", name: "a name", severity: isError, says: "cannot be read",
			shows:    certificate(func(*guestScene) []byte { return []byte("signing.pem") }),
			nearMiss: certificate(func(*guestScene) []byte { return signing().Raw })},
		{rule: "certificate-not-rsa", name: "elliptic", severity: isError, says: "ECDSA",
			shows: certificate(func(s *guestScene) []byte { return armoured(keyed(s.t, "elliptic")) }), nearMiss: plain},
		{rule: "certificate-weak", name: "1024 bits", severity: isError, says: "1024 bits",
			shows: certificate(func(s *guestScene) []byte { return armoured(weakCertificate()) }), nearMiss: plain},
		{rule: "certificate-sha1", name: "an old one", severity: isNotice, says: "SHA1",
			shows: changed(func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }), nearMiss: plain},
		{rule: "certificate-expired", name: "yesterday", severity: isError, says: "expired on",
			shows: changed(ends(-1)), nearMiss: changed(ends(1))},
		{rule: "certificate-not-yet-valid", name: "tomorrow", severity: isError, says: "not valid before",
			shows:    changed(func(c *x509.Certificate) { c.NotBefore = today.AddDate(0, 0, 1) }),
			nearMiss: changed(func(c *x509.Certificate) { c.NotBefore = today })},
		{rule: "guest-certificate-expiring", name: "in a week", severity: isWarning, says: "in 7 days",
			shows: changed(ends(7)), nearMiss: changed(ends(31))},

		{rule: "guest-foreign", name: "somebody else's", severity: isError, says: `issuerUri: "https://elsewhere.example.org"`,
			shows: foreign, nearMiss: liveGuests},
		{rule: "guest-foreign", name: "shown by its certificate", severity: isError, says: "signingCertificate: CN=other",
			shows: foreign, nearMiss: func(s *guestScene) { s.has("unknown", nil) }}, // it says what the settings say
		{rule: "guest-foreign", name: "to be replaced", severity: isWarning, says: "Replace names it",
			shows: both(foreign, replace("theirs")), nearMiss: liveGuests},
		{rule: "guest-foreign", name: "with our issuer and another certificate", severity: isError, says: "Find out who uses it",
			shows: func(s *guestScene) { s.has("theirs", swapped) }, nearMiss: both(liveGuests, change(swapped))},
		{rule: "guest-foreign", name: "to be removed", severity: isWarning, says: "before it is removed",
			shows: both(foreign, revert), nearMiss: both(liveGuests, revert)},
		{rule: "guest-replace-unknown", name: "another ID", severity: isError, says: `Replace is "nobodys"`,
			shows: both(foreign, replace("nobodys")), nearMiss: both(foreign, replace("theirs"))},
		{rule: "guest-certificate-foreign", name: "in our federation", severity: isError, says: "CN=other",
			shows: both(liveGuests, change(swapped)), nearMiss: both(liveGuests, change(swapped), func(s *guestScene) {
				s.SigningCertificate = armoured(other())
			})},
		{rule: "guest-certificate-foreign", name: "to be replaced", severity: isWarning, says: "Replace names it",
			shows: both(liveGuests, change(swapped), replace("ours")), nearMiss: both(liveGuests, replace("ours"))},
		{rule: "guest-certificate-foreign", name: "that Entra may have read", severity: isWarning, says: "read it from the metadata",
			shows: both(liveGuests, metadata, change(swapped), change(func(g *federation.GuestConfiguration) {
				g.MetadataExchangeURI = "https://id.example.net/metadata"
			})), nearMiss: both(liveGuests, metadata)},

		{rule: "guest-dns-record", name: "an address elsewhere", severity: isWarning,
			says:  "example.net. IN TXT DirectFedAuthUrl=https://idp.example.com/sso",
			shows: elsewhere, nearMiss: func(s *guestScene) { s.SignInURL = "https://example.net/sso" }},
		{rule: "guest-dns-record", name: "for the second domain alone", severity: isWarning,
			says:  "example.org. IN TXT DirectFedAuthUrl=https://id.example.net/guests/sso",
			shows: domains("example.net", "example.org"), nearMiss: both(domains("example.net", "example.org"), liveGuests,
				change(func(g *federation.GuestConfiguration) { g.Domains = []string{"example.net", "example.org"} }))},
		{rule: "guest-dns-record", name: "that only looks like the domain", severity: isWarning, says: "badexample.net",
			shows:    func(s *guestScene) { s.SignInURL = "https://badexample.net/sso" },
			nearMiss: func(s *guestScene) { s.SignInURL = "https://BAD.Example.net/sso" }},
		{rule: "guest-dns-record", name: "a URL that moves", severity: isWarning, says: "idp.example.com",
			shows: both(liveGuests, elsewhere), nearMiss: both(liveGuests, elsewhere,
				change(func(g *federation.GuestConfiguration) { g.PassiveSignInURI = "https://idp.example.com/sso" }))},

		{rule: "guest-live-change", name: "the certificate", severity: isWarning, says: "signingCertificate from CN=",
			shows:    both(liveGuests, func(s *guestScene) { s.SigningCertificate = armoured(other()) }),
			nearMiss: both(liveGuests, func(s *guestScene) { s.DisplayName = "Partner" })},
		{rule: "guest-live-change", name: "the issuer", severity: isWarning, says: "issuerUri from",
			shows:    both(liveGuests, func(s *guestScene) { s.Issuer = "https://id.example.net/new" }),
			nearMiss: func(s *guestScene) { s.Issuer = "https://id.example.net/new" }},
		{rule: "guest-live-change", name: "the protocol", severity: isWarning, says: "preferredAuthenticationProtocol",
			shows:    both(liveGuests, func(s *guestScene) { s.Protocol = federation.WSFed }),
			nearMiss: both(liveGuests, func(s *guestScene) { s.Protocol = federation.SAML })},
		{rule: "guest-domain-removed", name: "one", severity: isWarning, says: "example.org",
			shows: both(liveGuests, change(func(g *federation.GuestConfiguration) {
				g.Domains = []string{"example.net", "example.org"}
			})), nearMiss: both(domains("example.net", "example.org"), liveGuests)},
		{rule: "guest-rollover", name: "by metadata", severity: isNotice, says: "https://id.example.net/metadata",
			shows: metadata, nearMiss: liveGuests},
		{rule: "guest-rollover", name: "by hand", severity: isNotice, says: "does not renew", shows: plain, nearMiss: liveGuests},
		{rule: "guest-redemption", name: "a new federation", severity: isNotice, says: "5 to 10 minutes",
			shows: plain, nearMiss: liveGuests},
		{rule: "guest-redemption", name: "a new domain", severity: isNotice, says: "example.org",
			shows:    both(domains("example.net", "example.org"), liveGuests),
			nearMiss: both(liveGuests, func(s *guestScene) { s.DisplayName = "Partner" })},
		{rule: "guest-assertion", name: "what to send", severity: isNotice,
			says:  "audience: https://login.microsoftonline.com/22222222-3333-4444-8555-666666666666/",
			shows: plain, nearMiss: func(s *guestScene) { s.Protocol = federation.WSFed }},
		{rule: "guest-assertion", name: "to a tenant that is not known", severity: isNotice, says: "/{tenant ID}/",
			shows: func(s *guestScene) { s.forbid("organization") }, nearMiss: liveGuests},
		{rule: "guest-equal", name: "nothing to do", severity: isNotice, says: "as the settings say",
			shows: liveGuests, nearMiss: plain},
		{rule: "guest-equal", name: "nothing to remove", severity: isNotice, says: "have no federation",
			shows: revert, nearMiss: both(liveGuests, revert)},
		{rule: "guest-revert-cost", name: "its guests", severity: isWarning, says: "reset-redemption-status",
			shows: both(liveGuests, revert), nearMiss: revert},

		{rule: "permission-missing", name: "to write", severity: isError, says: "IdentityProvider.ReadWrite.All",
			shows:    may("Domain.Read.All", "IdentityProvider.Read.All"),
			nearMiss: may("IdentityProvider.ReadWrite.All")},
		{rule: "permission-missing", name: "to add a domain", severity: isError, says: "/domains",
			shows:    both(domains("example.net", "example.org"), liveGuests, may("Domain.Read.All", "IdentityProvider.Read.All")),
			nearMiss: both(liveGuests, may("IdentityProvider.Read.All"))},
		{rule: "permission-missing", name: "to remove", severity: isError, says: "DELETE /directory/federationConfigurations/ours",
			shows:    both(liveGuests, revert, may("IdentityProvider.Read.All")),
			nearMiss: both(liveGuests, revert, may("Domain.ReadWrite.All"))},
		{rule: "permission-missing", name: "to read", severity: isError, says: "the federations for guests",
			shows: func(s *guestScene) { s.forbid("guests") }, nearMiss: func(s *guestScene) { s.forbid("users contoso.com") }},
		{rule: "not-looked-at", name: "a domain's federation", severity: isNotice, says: "the federations of the other domains",
			shows: func(s *guestScene) {
				s.federated("contoso.com", configured(other()))
				s.forbid("configuration contoso.com")
			}, nearMiss: func(s *guestScene) { s.forbid("administrators") }},
	}
}

func TestEachRuleOfAPlanForGuests(t *testing.T) {
	t.Parallel()
	for _, c := range guestCases() {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			plan := newGuestScene(t, c.shows).plan()
			found := ofRule(plan.Findings, c.rule)
			require.Len(t, found, 1, "%s", plan)
			require.Equal(t, c.severity, found[0].Severity)
			require.Contains(t, strings.Join(append(found[0].Details, found[0].Summary, found[0].Remedy), "\n"), c.says)
			require.NotContains(t, found[0].Remedy, "rotate", "guests have no rotation")

			plan = newGuestScene(t, c.nearMiss).plan()
			require.Empty(t, ofRule(plan.Findings, c.rule), "%s", plan)
		})
	}
}

func TestEachRuleOfGuestsHasACase(t *testing.T) {
	t.Parallel()
	highest := map[string]federation.Severity{}
	for _, c := range guestCases() {
		if now, seen := highest[c.rule]; !seen || now == isNotice || c.severity == isError {
			highest[c.rule] = c.severity
		}
	}
	for _, r := range federation.Rules() {
		if !isFor(r, federation.PurposeFederateGuest) && !isFor(r, federation.PurposeRevertGuest) {
			require.NotContains(t, highest, r.Name)
			continue
		}
		require.Equal(t, r.Severity, highest[r.Name], "%s: no case shows its severity", r.Name)
		require.Regexp(t, `^[A-Z].*\.$`, r.Meaning, r.Name)
		delete(highest, r.Name)
	}
	require.Empty(t, highest, "there are no such rules")
}

func TestThePlainPartnerHasNoticesAlone(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"guest-rollover", "guest-redemption", "guest-assertion"},
		rulesOf(newGuestScene(t).plan().Findings))
	require.Equal(t, []string{"guest-equal"}, rulesOf(newGuestScene(t, liveGuests).plan().Findings))
}

// What must be mended first has no writes; what only speaks against them has.
func TestWritesOfAPlanForGuests(t *testing.T) {
	t.Parallel()
	operations := func(p *federation.Plan) []string {
		all := []string{}
		for _, w := range p.Writes {
			all = append(all, strings.TrimSpace(string(w.Operation)+" "+w.Domain))
		}
		return all
	}
	for name, test := range map[string]struct {
		scene func(*guestScene)
		want  []string
	}{
		"a new partner": {func(*guestScene) {}, []string{"create guests"}},
		"as it is":      {liveGuests, nil},
		"everything else": {func(s *guestScene) {
			liveGuests(s)
			s.guests["ours"].Domains = []string{"example.net", "old.example.net"}
			s.GuestSettings.Domains = []string{"example.net", "New.example.net"}
			s.DisplayName = "Partner"
		}, []string{"change guests", "add guest domain new.example.net", "remove guest domain old.example.net"}},
		"somebody else's, not named": {func(s *guestScene) {
			s.has("theirs", func(g *federation.GuestConfiguration) { g.SigningCertificate = bare(other()) })
		}, []string{"change guests"}},
		"metadata is taken away": {func(s *guestScene) {
			liveGuests(s)
			s.guests["ours"].MetadataExchangeURI = "https://id.example.net/metadata"
		}, []string{"change guests"}},
		"a domain of the tenant":      {func(s *guestScene) { s.GuestSettings.Domains = []string{"contoso.com"} }, nil},
		"no domain":                   {func(s *guestScene) { s.GuestSettings.Domains = nil }, nil},
		"no certificate":              {func(s *guestScene) { s.SigningCertificate = nil }, nil},
		"a URL that is none":          {func(s *guestScene) { s.SignInURL = "id.example.net" }, nil},
		"an issuer that is none":      {func(s *guestScene) { s.Issuer = "id.example.net" }, nil},
		"federations that are hidden": {func(s *guestScene) { s.forbid("guests") }, nil},
		"removing them":               {func(s *guestScene) { liveGuests(s); s.revert = true }, []string{"delete guests"}},
		"removing what is not there":  {func(s *guestScene) { s.revert = true }, nil},
		"removing by a second domain": {func(s *guestScene) {
			liveGuests(s)
			s.guests["ours"].Domains = []string{"a.example", "example.net"}
			s.revert = true
		}, []string{"delete guests"}},
		"removing in another spelling": {func(s *guestScene) {
			liveGuests(s)
			s.GuestSettings.Domains[0], s.revert = " EXAMPLE.net ", true
		}, []string{"delete guests"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := newGuestScene(t, test.scene).plan()
			require.ElementsMatch(t, test.want, operations(plan))
			require.Equal(t, len(test.want) > 0 && test.want[0] == "create guests", plan.Before.Guests == nil && len(test.want) > 0)
			for _, w := range plan.Writes {
				require.NotEmpty(t, w.Changes)
				require.NotEmpty(t, w.Reason)
			}
		})
	}
}

// The record has the name of the first domain; the federation is still ours when another one is named first.
func TestAPartnerIsKnownByAnyOfItsDomains(t *testing.T) {
	t.Parallel()
	plan := newGuestScene(t, liveGuests, func(s *guestScene) {
		s.recordOf = "example.org"
		s.guests["ours"].Domains = []string{"example.net", "example.org"}
		s.guests["ours"].IssuerURI = "https://id.example.net/old"
		s.GuestSettings.Domains = []string{"example.net"}
	}).plan()
	require.Empty(t, ofRule(plan.Findings, "guest-foreign"), "%s", plan)
	require.Equal(t, []string{"guest-live-change", "guest-domain-removed", "guest-rollover"}, rulesOf(plan.Findings))
}

func TestAPlanForGuestsNeedsADirectoryThatHasThem(t *testing.T) {
	t.Parallel()
	s := newGuestScene(t)
	s.directory = s.tenant
	_, fed := s.world()
	_, err := fed.PlanGuests(t.Context(), s.GuestSettings)
	require.ErrorIs(t, err, federation.ErrUnsupported)
	_, err = fed.PlanRevertGuests(t.Context(), "example.net")
	require.ErrorIs(t, err, federation.ErrUnsupported)
	_, err = fed.PlanRevertGuests(t.Context(), " ")
	require.ErrorContains(t, err, "no domain is named")
}

func TestATenantThatCannotBeReadHasNoPlanForGuests(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"domains", "guests"} {
		s := newGuestScene(t)
		s.refuse = func(asked string) error {
			if asked == call {
				return answer(call, http.StatusServiceUnavailable, "ServiceUnavailable", "try again")
			}
			return nil
		}
		_, fed := s.world()
		_, err := fed.PlanGuests(t.Context(), s.GuestSettings)
		require.ErrorIs(t, err, federation.ErrUnavailable, call)
	}
}

func TestAPrintedPlanForGuests(t *testing.T) {
	t.Parallel()
	for name, scene := range map[string][]func(*guestScene){
		"guests, new": {func(s *guestScene) { s.SignInURL = "https://idp.example.com/sso" }},
		"guests, changed": {liveGuests, func(s *guestScene) {
			s.GuestSettings.Domains = []string{"example.net", "example.org"}
			s.guests["ours"].Domains = []string{"example.com", "example.net"}
			s.SigningCertificate = armoured(other())
		}},
		"guests, removed": {liveGuests, func(s *guestScene) { s.revert = true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := newGuestScene(t, scene...).plan()
			plan.ID = strings.Repeat("0", 32)
			golden(t, "plan", name+".txt", plan.String())
		})
	}
}

// From nothing to a federation and back, with a new process for each step, and a plan that went through a file.
func TestAPartnersWayThereAndBack(t *testing.T) {
	t.Parallel()
	s := newGuestScene(t, func(s *guestScene) { s.GuestSettings.Domains = []string{"Example.net", "example.org"} })
	w, _ := s.world()
	fed := func() *federation.Federator { return w.federator(t, partners{s.tenant}) }
	apply := func(plan *federation.Plan, err error) federation.State {
		require.NoError(t, err)
		outcome, err := fed().Apply(t.Context(), asStored(t, plan), nil)
		require.NoError(t, err)
		return outcome.State
	}
	made := apply(fed().PlanGuests(t.Context(), s.GuestSettings)).Guests
	require.Equal(t, []string{"example.net", "example.org"}, made.Domains)
	require.Equal(t, bare(signing()), made.SigningCertificate)

	again, err := fed().PlanGuests(t.Context(), s.GuestSettings)
	require.NoError(t, err)
	require.Empty(t, again.Writes)
	require.Equal(t, []string{"guest-equal"}, rulesOf(again.Findings))

	changed := s.GuestSettings
	changed.Domains = []string{"example.net", "example.com"}
	changed.Issuer = "https://id.example.net/new"
	made = apply(fed().PlanGuests(t.Context(), changed)).Guests
	require.True(t, slices.Equal([]string{"example.com", "example.net"}, slices.Sorted(slices.Values(made.Domains))))
	require.Equal(t, changed.Issuer, made.IssuerURI)

	require.Nil(t, apply(fed().PlanRevertGuests(t.Context(), "example.com")).Guests)
	require.Empty(t, s.guests)
}

// A stored plan for guests that was changed is not taken.
func TestStoredPlansForGuestsAreValidated(t *testing.T) {
	t.Parallel()
	both := func(s *guestScene) {
		liveGuests(s)
		s.GuestSettings.Domains = []string{"example.net", "example.org"}
		s.DisplayName = "Partner"
	}
	for name, test := range map[string]struct {
		scene  func(*guestScene)
		change func(*federation.Plan)
		says   string
	}{
		"another federation": {both, func(p *federation.Plan) { p.Writes[0].ID = "theirs" }, "not the one that was there before"},
		"another federation for a domain": {both, func(p *federation.Plan) { p.Writes[1].ID = "theirs" },
			"not the one that was there before"},
		"a domain that is none": {both, func(p *federation.Plan) { p.Writes[1].Domain = "example" }, "not a domain name"},
		"a property that is not shown": {both, func(p *federation.Plan) { p.Writes[0].Body["issuerUri"] = "urn:x" },
			"it sends another issuerUri than it shows"},
		"a property that there is not": {both, func(p *federation.Plan) { p.Writes[0].Body["signOutUri"] = "https://x" },
			`the property "signOutUri" is not known`},
		"what was there before": {both, func(p *federation.Plan) { p.Writes[0].Changes[0].From = "Another" }, "was not so before"},
		"no certificate": {func(*guestScene) {}, func(p *federation.Plan) {
			delete(p.Writes[0].Body, "signingCertificate")
			p.Writes[0].Changes = slices.DeleteFunc(p.Writes[0].Changes, func(c federation.Change) bool {
				return c.Property == "signingCertificate"
			})
		}, "without a signing certificate"},
		"no domain": {func(*guestScene) {}, func(p *federation.Plan) { delete(p.Writes[0].Body, "domains") }, "without a domain"},
		"domains that are no names": {func(*guestScene) {}, func(p *federation.Plan) {
			p.Writes[0].Body["domains"] = []string{"EXAMPLE.net"}
		}, `"EXAMPLE.net" is not a domain name in lower case`},
		"a body for a removal": {func(s *guestScene) { liveGuests(s); s.revert = true }, func(p *federation.Plan) {
			p.Writes[0].Body = federation.Properties{"displayName": "x"}
		}, "must not send anything"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := newGuestScene(t, test.scene).plan()
			require.NoError(t, plan.Validate())
			test.change(plan)
			require.ErrorContains(t, plan.Validate(), test.says)
		})
	}
}
