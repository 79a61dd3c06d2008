package entratest_test

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

const (
	partnerIssuer = "https://id.example.net/guests"
	partnerSSO    = "https://id.example.net/guests/sso"
	emailClaim    = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
	visitorEmail  = "visitor@example.net"
	visitorUPN    = "visitor_example.net#EXT#@contoso.onmicrosoft.com"
	tenantGUID    = "22222222-3333-4444-8555-666666666666"
	tenantName    = "https://login.microsoftonline.com/" + tenantGUID + "/"
)

// guestWorld is the world with a federation for the people of example.net and example.org.
func guestWorld(t testing.TB, change ...func(*entratest.Config)) *world {
	t.Helper()
	w := newWorld(t, append([]func(*entratest.Config){func(c *entratest.Config) {
		c.TenantID = tenantGUID
		c.Users = append(c.Users,
			entratest.User{UPN: visitorUPN, Mail: visitorEmail, Guest: true, Enabled: true},
			entratest.User{UPN: "former_example.net#EXT#@contoso.onmicrosoft.com", Mail: "former@example.net", Guest: true},
			entratest.User{UPN: "unmailed_example.org#EXT#@contoso.onmicrosoft.com", Guest: true, Enabled: true},
			entratest.User{UPN: "someone@managed.example.net", Mail: "someone@example.net", Enabled: true},
			entratest.User{UPN: "other_example.com#EXT#@contoso.onmicrosoft.com", Mail: "other@example.com", Guest: true, Enabled: true},
		)
	}}, change...)...)
	w.federateGuests(t, partnerIssuer, partnerKey().certificate, "example.net", "example.org")
	return w
}

// federateGuests does what an administrator does at Graph.
func (w *world) federateGuests(t testing.TB, issuer string, certificate *x509.Certificate, domains ...string) {
	t.Helper()
	var names []any
	for _, d := range domains {
		names = append(names, map[string]any{"@odata.type": "microsoft.graph.externalDomainName", "id": d})
	}
	status := w.graph(t, http.MethodPost, "directory/federationConfigurations/graph.samlOrWsFedExternalDomainFederation",
		map[string]any{
			"@odata.type": "microsoft.graph.samlOrWsFedExternalDomainFederation",
			"displayName": "Partner", "issuerUri": issuer, "passiveSignInUri": partnerSSO,
			"preferredAuthenticationProtocol": "saml",
			"signingCertificate":              base64.StdEncoding.EncodeToString(certificate.Raw), "domains": names,
		})
	require.Equal(t, http.StatusCreated, status)
}

// asGuest makes the draft that of a guest.
func (d *draft) asGuest() *draft {
	d.issuer, d.signer, d.audience, d.attribute = partnerIssuer, partnerKey(), tenantName, emailClaim
	d.nameID, d.upn = "b1946ac92492d2347c6235b4d2611184", visitorEmail
	return d
}

// guestDraft starts a sign-in of a guest and returns the answer that is to be changed.
func (w *world) guestDraft(t testing.TB) *draft {
	t.Helper()
	request, err := w.NewAuthnRequest(visitorEmail)
	require.NoError(t, err)
	return newDraft(request, w.clock.Now()).asGuest()
}

func TestTheTableOfGuestsIsComplete(t *testing.T) {
	t.Parallel()
	members := map[int]entratest.Rule{}
	for _, r := range entratest.Rules() {
		members[r.Number] = r
	}
	var numbers []int
	for _, r := range entratest.GuestRules() {
		require.NotContains(t, numbers, r.Number)
		numbers = append(numbers, r.Number)
		if shared, is := members[r.Number]; is {
			require.Equal(t, shared.Title, r.Title, "a shared rule is the same")
			continue
		}
		require.Regexp(t, `^AADSTS[0-9]{5,7}$`, r.Code, "rule %d", r.Number)
		require.NotEmpty(t, r.Source, "rule %d", r.Number)
		for _, text := range []string{r.Title, r.Remedy} {
			require.True(t, strings.HasSuffix(text, "."), "rule %d: %q is no sentence", r.Number, text)
		}
	}
	for n := 1; n <= 48; n++ {
		member := slices.Contains([]int{12, 20, 21, 22, 26, 28, 29, 32}, n)
		request := n >= 36 && n <= 43
		require.Equal(t, !member && !request, slices.Contains(numbers, n), "rule %d", n)
	}
}

func TestAGoodResponseOfAGuestPassesEveryRule(t *testing.T) {
	t.Parallel()
	w := guestWorld(t)
	v := w.check(t, w.guestDraft(t))
	require.NoError(t, v.Err())
	require.True(t, v.Accepted)
	require.Equal(t, visitorUPN, v.User.UPN)
	require.True(t, v.User.Guest)
	require.Equal(t, "example.net", v.Realm)
	require.Equal(t, visitorEmail, v.Claims.Email)
	require.Empty(t, v.Claims.UPN)
	require.Equal(t, []string{tenantName}, v.Claims.Audiences)
	require.Len(t, v.Findings, len(entratest.GuestRules()))
	for i, r := range entratest.GuestRules() {
		require.Equal(t, r.Number, v.Findings[i].Rule)
		require.Equal(t, entratest.Passed, v.Findings[i].Outcome, "rule %d: %s", r.Number, v.Findings[i].Detail)
	}
}

func setEmail(address string) func(testing.TB, *draft) {
	return func(_ testing.TB, d *draft) { d.upn = address }
}

func setAudience(name string) func(testing.TB, *draft) {
	return func(_ testing.TB, d *draft) { d.audience = name }
}

// guestVariants differ in one thing from the good response of a guest.
func guestVariants() []variant {
	return []variant{
		{name: "the audience is the tenant", rule: 44},
		{name: "the audience is the tenant, among others", rule: 44,
			change: prepare(func(t testing.TB, _, a *etree.Element) {
				find(t, a, ".//AudienceRestriction").CreateElement("saml:Audience").SetText("https://other.example.org")
			})},
		{name: "the audience is the cloud", rule: 44, code: "AADSTS500089", detail: "should be " + tenantName,
			change: setAudience("urn:federation:MicrosoftOnline")},
		{name: "the audience is the cloud, lenient", rule: 44, warns: true, world: lenient,
			change: setAudience("urn:federation:MicrosoftOnline")},
		{name: "the audience is another tenant", rule: 44, code: "AADSTS500089",
			change: setAudience("https://login.microsoftonline.com/33333333-3333-4444-8555-666666666666/")},
		{name: "the audience is another tenant, lenient", rule: 44, code: "AADSTS500089", world: lenient,
			change: setAudience("https://login.microsoftonline.com/33333333-3333-4444-8555-666666666666/")},
		{name: "the audience lacks the slash", rule: 44, code: "AADSTS500089",
			change: setAudience(strings.TrimSuffix(tenantName, "/"))},
		{name: "a guest without an AudienceRestriction", rule: 44, code: "AADSTS500089", detail: "no AudienceRestriction",
			change: prepare(func(t testing.TB, _, a *etree.Element) { remove(t, a, ".//AudienceRestriction") })},

		{name: "a guest's NameID of 256 characters", rule: 45,
			change: func(_ testing.TB, d *draft) { d.nameID = strings.Repeat("ü", 256) }},
		{name: "a guest's NameID of 257 characters", rule: 45, code: "AADSTS51004",
			change: func(_ testing.TB, d *draft) { d.nameID = strings.Repeat("ü", 257) }},
		{name: "a guest's NameID of 257 characters, lenient", rule: 45, warns: true, world: lenient,
			change: func(_ testing.TB, d *draft) { d.nameID = strings.Repeat("ü", 257) }},
		{name: "a guest's NameID is empty", rule: 45, code: "AADSTS51004",
			change: func(_ testing.TB, d *draft) { d.nameID = "" }},
		{name: "white space around a guest's NameID", rule: 45, code: "AADSTS51004",
			change: func(_ testing.TB, d *draft) { d.nameID = " x" }},
		{name: "a guest's NameID is unspecified", rule: 19, code: "AADSTS51004",
			change: prepare(func(t testing.TB, _, a *etree.Element) {
				set(t, a, ".//NameID", "Format", "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified")
			})},

		{name: "the address that was invited", rule: 46},
		{name: "an address in another case", rule: 46, change: setEmail("Visitor@EXAMPLE.net")},
		{name: "no emailaddress", rule: 46, code: "AADSTS5000819", detail: "no attribute",
			change: func(_ testing.TB, d *draft) { d.attribute = "IDPEmail" }},
		{name: "the name as Microsoft's pages print it", rule: 46, code: "AADSTS5000819", detail: `but there is "https://`,
			change: func(_ testing.TB, d *draft) { d.attribute = strings.Replace(emailClaim, "http:", "https:", 1) }},
		{name: "two addresses", rule: 46, code: "AADSTS5000819", detail: "more than one value",
			change: prepare(func(t testing.TB, _, a *etree.Element) {
				find(t, a, ".//Attribute").CreateElement("saml:AttributeValue").SetText("other@example.net")
			})},
		{name: "no address at all", rule: 46, code: "AADSTS5000819", detail: "no mail address", change: setEmail("visitor")},
		{name: "an address with a name", rule: 46, code: "AADSTS5000819", detail: "no mail address",
			change: setEmail("Visitor <visitor@example.net>")},
		{name: "an address of another domain", rule: 46, code: "AADSTS5000819", detail: "none of the federation's domains",
			change: setEmail("other@example.com")},
		{name: "an address of a domain below", rule: 46, code: "AADSTS5000819",
			change: setEmail("visitor@sales.example.net")},
		{name: "an address of a member", rule: 46, code: "AADSTS5000819", change: setEmail("employee@contoso.com")},
		{name: "a comment in emailaddress", rule: 46, code: "AADSTS5000819", detail: "visitor@example.net.example.com",
			change: prepare(func(t testing.TB, _, a *etree.Element) {
				value := find(t, a, ".//AttributeValue")
				value.CreateComment("what follows is read as well")
				value.CreateText(".example.com")
			})},
		{name: "an element in emailaddress", rule: 35, code: "AADSTS500132", detail: "AttributeValue",
			change: prepare(func(t testing.TB, _, a *etree.Element) {
				find(t, a, ".//AttributeValue").CreateElement("saml:b").SetText("x")
			})},

		{name: "an account that was invited", rule: 47},
		{name: "a guest who has no mail", rule: 47, change: setEmail("unmailed@example.org")},
		{name: "nobody was invited", rule: 47, code: "AADSTS50020", detail: "no guest has the mail address",
			change: setEmail("nobody@example.net")},
		{name: "an address that a member has", rule: 47, code: "AADSTS50020", detail: "no guest has the mail address",
			change: setEmail("someone@example.net")},
		{name: "a guest whose account is disabled", rule: 47, code: "AADSTS50057", change: setEmail("former@example.net")},

		{name: "no MFA is asked of guests", rule: 48},
		{name: "MFA is asked of guests", rule: 48, code: "AADSTS50076",
			tenant: withPolicy(entratest.SignInPolicy{RequireMFA: true})},
		{name: "MFA is asked of guests and stated", rule: 48, code: "AADSTS50076",
			tenant: withPolicy(entratest.SignInPolicy{RequireMFA: true}),
			change: func(_ testing.TB, d *draft) { d.classRef = mfaRef }},
		{name: "a guest authenticated two hours ago", rule: 33, code: "AADSTS70043",
			tenant: withPolicy(entratest.SignInPolicy{SignInFrequency: time.Hour}),
			change: func(_ testing.TB, d *draft) { d.authnInstant = d.now.Add(-2 * time.Hour) }},

		{name: "a guest's issuer that nobody has", rule: 10, code: "AADSTS50107", also: []int{26, 28}, // as a member's
			change: func(_ testing.TB, d *draft) { d.issuer += "/" }},
		{name: "a guest's response is signed by a member's key", rule: 14, code: "AADSTS5000811",
			change: func(_ testing.TB, d *draft) { d.signer = contosoKey() }},
	}
}

func TestRulesOfGuests(t *testing.T) {
	t.Parallel()
	for _, v := range guestVariants() {
		t.Run(fmt.Sprintf("rule %d: %s", v.rule, v.name), func(t *testing.T) {
			t.Parallel()
			w := guestWorld(t, func(c *entratest.Config) {
				if v.world != nil {
					v.world(c)
				}
			})
			d := w.guestDraft(t)
			if v.tenant != nil {
				v.tenant(t, w)
			}
			if v.change != nil {
				v.change(t, d)
			}
			v.judge(t, w.check(t, d))
		})
	}
}

// What is wrong with a message, a signature or a time is wrong with a guest's too, and refused in the same way.
func TestSharedRulesHoldForGuests(t *testing.T) {
	t.Parallel()
	guests := map[int]bool{}
	for _, r := range entratest.GuestRules() {
		guests[r.Number] = true
	}
	checked := 0
	for _, v := range flatten(messageVariants(), signatureVariants(), conditionVariants()) {
		if !guests[v.rule] || v.code == "" || v.tenant != nil || v.world != nil || strings.Contains(v.name, "entit") {
			continue // of entities: what they are put in place of is the member's
		}
		checked++
		t.Run(fmt.Sprintf("rule %d: %s", v.rule, v.name), func(t *testing.T) {
			t.Parallel()
			w := guestWorld(t)
			d := w.guestDraft(t)
			d.nameID = "employee0001" // some of the changes look for it
			v.change(t, d)
			verdict := w.check(t, d)
			require.False(t, verdict.Accepted)
			require.Equal(t, v.rule, verdict.Rule, verdict.Detail)
			require.Equal(t, v.code, verdict.Code)
		})
	}
	require.Greater(t, checked, 50)
}

// The two relying parties of a tenant, and the two kinds of account, are kept apart from both sides.
func TestMembersAndGuestsAreKeptApart(t *testing.T) {
	t.Parallel()
	both := func(_ testing.TB, _, a *etree.Element) {
		a.FindElement(".//AudienceRestriction").CreateElement("saml:Audience").SetText(tenantName)
	}
	for name, test := range map[string]struct {
		change func(t testing.TB, d *draft) // of a member's response
		rule   int
	}{
		"a domain's own key signs the profile of guests for a member": {func(_ testing.TB, d *draft) {
			d.audience, d.attribute = tenantName, emailClaim
		}, 26},
		"a domain's own key signs the profile of guests for a guest": {func(_ testing.TB, d *draft) {
			d.audience, d.attribute, d.upn, d.nameID = tenantName, emailClaim, visitorEmail, "b1946ac92492d2347c6235b4d2611184"
		}, 21},
		"a partner's key signs the profile of members": {func(_ testing.TB, d *draft) {
			d.issuer, d.signer = partnerIssuer, partnerKey()
		}, 44},
		"a partner's key signs for both relying parties, with a member's name": {func(t testing.TB, d *draft) {
			d.issuer, d.signer = partnerIssuer, partnerKey()
			prepare(both)(t, d)
		}, 46},
		"a partner's key signs for a member, by address and by ImmutableID": {func(_ testing.TB, d *draft) {
			d.asGuest()
			d.upn, d.nameID = "employee@contoso.com", "employee0001"
		}, 46},
		"a partner's key signs for a member who has an address of the partner": {func(_ testing.TB, d *draft) {
			d.asGuest()
			d.upn = "someone@example.net"
		}, 47},
		"a partner's key signs for another partner's guest": {func(_ testing.TB, d *draft) {
			d.asGuest()
			d.upn = "other@example.com"
		}, 46},
		"a partner's key signs as the domain": {func(_ testing.TB, d *draft) { d.signer = partnerKey() }, 14},
		"the domain's key signs as the partner": {func(_ testing.TB, d *draft) {
			d.asGuest()
			d.signer = contosoKey()
		}, 14},
	} {
		for _, mode := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, lenient %t", name, mode), func(t *testing.T) {
				t.Parallel()
				w := guestWorld(t, func(c *entratest.Config) { c.Lenient = mode })
				d := w.draft(t)
				test.change(t, d)
				v := w.check(t, d)
				require.False(t, v.Accepted)
				require.Empty(t, v.User)
				require.Contains(t, numbersOf(v.Failures()), lenientOr(mode, test.rule), v.Detail)
			})
		}
	}
	w := guestWorld(t)
	require.True(t, w.check(t, w.draft(t)).Accepted, "members sign in as ever")
}

// lenientOr is the rule that is left where lenient checking tolerates the one.
func lenientOr(lenient bool, rule int) int {
	if lenient && rule == 44 {
		return 46
	}
	return rule
}

// A federation for guests that takes the issuer of a domain takes nothing away from it, and gives nothing.
func TestADomainKeepsItsIssuer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *entratest.Config) {
		c.TenantID = tenantGUID
		c.Users = append(c.Users, entratest.User{UPN: visitorUPN, Mail: visitorEmail, Guest: true, Enabled: true})
	})
	w.federateGuests(t, contosoIssuer, partnerKey().certificate, "example.net")
	require.True(t, w.check(t, w.draft(t)).Accepted)

	d := w.draft(t).asGuest()
	d.issuer = contosoIssuer
	v := w.check(t, d)
	require.False(t, v.Accepted)
	require.Equal(t, 14, v.Rule, "it is judged as one of the domain's")
}

// A federation for guests without a domain speaks for nobody.
func TestAFederationForGuestsWithoutADomain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *entratest.Config) { c.TenantID = tenantGUID })
	w.federateGuests(t, partnerIssuer, partnerKey().certificate)
	d := w.draft(t).asGuest()
	v := w.check(t, d)
	require.False(t, v.Accepted)
	require.Equal(t, 46, v.Rule, v.Detail)
	require.Contains(t, v.Detail, "it has none")
	_, err := w.NewAuthnRequest(visitorEmail)
	require.ErrorIs(t, err, entratest.ErrNotFederated)
}

func TestAGuestsAssertionIsGoodForOneSignIn(t *testing.T) {
	t.Parallel()
	w := guestWorld(t)
	d := w.guestDraft(t)
	require.True(t, w.check(t, d).Accepted)
	v := w.check(t, d)
	require.False(t, v.Accepted)
	require.Subset(t, numbersOf(v.Failures()), []int{8, 27})
}

// An Expectation knows guests only if it is told of the tenant and has a directory with guests.
func TestAGuestWithoutATenant(t *testing.T) {
	t.Parallel()
	realms := []entratest.Realm{{
		Domain: "example.net", External: true, Domains: []string{"example.net"},
		Federation: entratest.Federation{Issuer: partnerIssuer, Certificates: certificatesOf(partnerKey()), Protocol: entratest.SAML},
	}}
	guest := entratest.User{UPN: visitorUPN, Mail: visitorEmail, Enabled: true} // #EXT# says that it is one
	accounts := entratest.AccountList{Users: []entratest.User{guest}, Realms: realms}
	x := entratest.Expectation{Realms: realms, TenantID: tenantGUID, Accounts: accounts, Now: morning}
	d := newDraft(entratest.AuthnRequest{ID: "_1", RelayState: "x"}, morning()).asGuest()
	samlResponse, relayState := d.post(t)
	require.True(t, x.Check(samlResponse, relayState).Accepted)

	unknown := x
	unknown.TenantID = ""
	v := unknown.Check(samlResponse, relayState)
	require.Equal(t, 44, v.Rule)
	require.Contains(t, v.Remedy, "TenantID")

	without := x
	without.Accounts = onlyMembers{accounts}
	v = without.Check(samlResponse, relayState)
	require.False(t, v.Accepted || v.Refused())
	require.Equal(t, entratest.NotChecked, findingOf(t, v, 47).Outcome)

	double := x
	double.Accounts = entratest.AccountList{Users: []entratest.User{guest, guest}}
	v = double.Check(samlResponse, relayState)
	require.Equal(t, 47, v.Rule)
	require.Contains(t, v.Detail, "2 guests")
	require.Contains(t, v.Message, visitorEmail)
	require.Contains(t, v.Message, partnerIssuer)
}

// onlyMembers hides what a directory knows of guests.
type onlyMembers struct{ entratest.Accounts }
