package entratest_test

import (
	"net/http"
	"testing"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// partnerProvider mounts an identity provider that signs the visitor in.
func partnerProvider(t testing.TB, w *world) *identityProvider {
	t.Helper()
	idp := &identityProvider{t: t, clock: w.clock, change: func(d *draft, _ *etree.Element) { d.asGuest() }}
	w.Mount("id.example.net", idp)
	return idp
}

func TestAGuestSignsInWithABrowser(t *testing.T) {
	t.Parallel()
	for name, link := range map[string]string{
		"the address as login_hint": smartLink("login_hint", visitorEmail, "wreply", hrSite),
		"its domain as whr":         smartLink("whr", "example.net", "wreply", hrSite),
		"another of its domains":    smartLink("whr", "EXAMPLE.org", "wreply", hrSite),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := guestWorld(t)
			idp := partnerProvider(t, w)
			b := w.browser()
			page := b.open(t, link)
			require.Equal(t, hrSite, page.URL)
			require.Contains(t, string(page.Body), visitorUPN)
			require.True(t, b.went("id.example.net"))

			require.Len(t, idp.seen(), 1)
			request := idp.seen()[0]
			require.Equal(t, tenantName, request.SelectElement("Issuer").Text(), "the tenant asks, and not the cloud")
			require.Nil(t, request.SelectElement("Signature"))

			b.open(t, smartLink("login_hint", visitorEmail, "wreply", hrSite))
			require.Len(t, idp.seen(), 1, "the session is the guest's")
		})
	}
}

func TestAMemberIsAskedInTheNameOfTheCloud(t *testing.T) {
	t.Parallel()
	w := guestWorld(t)
	idp := withIdentityProvider(t, w)
	w.browser().open(t, smartLink("whr", "contoso.com", "wreply", hrSite))
	require.Len(t, idp.seen(), 1)
	require.Equal(t, "urn:federation:MicrosoftOnline", idp.seen()[0].SelectElement("Issuer").Text())
}

func TestGuestsAreSentNowhereOnceTheFederationIsGone(t *testing.T) {
	t.Parallel()
	w := guestWorld(t)
	_, err := w.NewAuthnRequest("visitor@example.com")
	require.ErrorIs(t, err, entratest.ErrNotFederated, "it is not one of the partner's domains")
	_, err = w.NewAuthnRequest("visitor@sales.example.net")
	require.ErrorIs(t, err, entratest.ErrNotFederated, "nor one below counts")
	_, err = w.NewAuthnRequest(visitorEmail)
	require.NoError(t, err)

	d := w.guestDraft(t)
	g := &graphCaller{t: t, tenant: w.Tenant, header: http.Header{}}
	id := g.get("directory/federationConfigurations/graph.samlOrWsFedExternalDomainFederation").Column("id")[0]
	g.delete("directory/federationConfigurations/"+id).must(t, http.StatusNoContent)
	_, err = w.NewAuthnRequest(visitorEmail)
	require.ErrorIs(t, err, entratest.ErrNotFederated)
	require.Equal(t, 10, w.check(t, d).Rule)
}

// A domain that the tenant has verified since is its own.
func TestAVerifiedDomainIsNoGuests(t *testing.T) {
	t.Parallel()
	w := guestWorld(t)
	g := &graphCaller{t: t, tenant: w.Tenant, header: http.Header{}}
	g.post("domains", map[string]any{"id": "example.net"}).must(t, http.StatusCreated)
	for _, record := range g.get("domains/example.net/verificationDnsRecords").must(t, http.StatusOK).Values() {
		if text, is := record["text"].(string); is {
			w.PublishDNS("example.net", text)
		}
	}
	g.post("domains/example.net/verify", nil).must(t, http.StatusOK)
	_, err := w.NewAuthnRequest(visitorEmail)
	require.ErrorIs(t, err, entratest.ErrNotFederated)
	_, err = w.NewAuthnRequest("unmailed@example.org")
	require.NoError(t, err)
}

func TestAGuestsSignOutAsksNobody(t *testing.T) {
	t.Parallel()
	w := guestWorld(t)
	idp := partnerProvider(t, w)
	b := w.browser()
	b.open(t, smartLink("login_hint", visitorEmail, "wreply", hrSite))
	b.open(t, "https://contoso.sharepoint.com/logout")
	require.Len(t, idp.seen(), 1)

	a := newLogoutAnswer("_1", "x", morning())
	a.SelectElement("Issuer").SetText(partnerIssuer)
	a.signer = partnerKey()
	x := entratest.Expectation{Now: morning, Realms: []entratest.Realm{{Domain: "contoso.com", External: true,
		Federation: entratest.Federation{Issuer: partnerIssuer, Certificates: certificatesOf(partnerKey())}}}}
	v := x.CheckHTTP(formPost(loginSRF, a.form(t)))
	require.True(t, v.Refused())
	require.Contains(t, v.Detail, "no sign-out")
}

func TestRequestsForGuestsAreWhatTheTenantSends(t *testing.T) {
	t.Parallel()
	w := guestWorld(t)
	member := entratest.Realm{Domain: "contoso.com", Federation: *contosoFederation()}
	partner := entratest.Realm{Domain: "example.net", External: true, Domains: []string{"example.net"},
		Federation: entratest.Federation{Issuer: partnerIssuer, SignInURL: partnerSSO}}
	x := entratest.Expectation{TenantID: tenantGUID, Realms: []entratest.Realm{member, partner}, Now: w.clock.Now}
	forGuests, err := w.NewAuthnRequest(visitorEmail)
	require.NoError(t, err)
	require.Equal(t, partnerSSO, forGuests.URL)
	v := x.CheckRequest(formPost(partnerSSO, forGuests.Form()))
	require.True(t, v.Accepted, v.Detail)
	require.Equal(t, "example.net", v.Realm)

	for name, test := range map[string]struct {
		x       entratest.Expectation
		address string
	}{
		"the address of a domain":  {x, ssoURL},
		"no federation for guests": {entratest.Expectation{TenantID: tenantGUID, Realms: x.Realms[:1]}, ssoURL},
		"another tenant": {entratest.Expectation{TenantID: "33333333" + tenantGUID[8:], Realms: x.Realms},
			partnerSSO},
		"a tenant that is not known":      {entratest.Expectation{Realms: x.Realms}, partnerSSO},
		"no realm with an address at all": {entratest.Expectation{TenantID: tenantGUID}, partnerSSO},
	} {
		require.True(t, test.x.CheckRequest(formPost(test.address, forGuests.Form())).Refused(), name)
	}
}
