package msgraph_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/saml"
)

const (
	visitor    = "visitor@example.net"
	visitorUPN = "visitor_example.net#EXT#@" + initialDomain
	visitLink  = "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&login_hint=" + visitor +
		"&wreply=https%3A%2F%2Fcontoso.sharepoint.com%2F"
)

// visit is a tenant with a guest, a partner's identity provider, and a Federator in front of the tenant.
type visit struct {
	*entratest.Tenant
	clock *entratest.Clock
	dir   *msgraph.Tenant
	store federation.Store
	idp   *saml.GuestIdentityProvider
}

func newVisit(t *testing.T, signer saml.Signer) *visit {
	t.Helper()
	clock := entratest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	_, own := newCertificate("contoso")
	dir, entra := simulated(t, entratest.Config{
		Clock: clock,
		Domains: []entratest.Domain{{Name: "contoso.com", Federation: &entratest.Federation{
			Issuer: "https://id.contoso.com/entra", SignInURL: "https://id.contoso.com/sso",
			Certificates: []*x509.Certificate{own},
		}}},
		Users: []entratest.User{
			{UPN: visitorUPN, Mail: visitor, Guest: true, Enabled: true},
			{UPN: "employee@contoso.com", ImmutableID: "employee0001", Mail: "employee@example.net", Enabled: true},
		},
	})
	idp, err := saml.NewGuests(saml.GuestConfig{
		TenantID: entra.Config().TenantID, Issuer: "https://id.example.net/guests", Domains: []string{"example.net"},
		SingleSignOnService: "https://id.example.net/guests/sso", Signer: signer,
		Replays: saml.NewMemoryReplayStore(clock.Now), Now: clock.Now,
	})
	require.NoError(t, err)
	v := &visit{Tenant: entra, clock: clock, dir: dir, store: federation.NewMemoryStore(), idp: idp}
	entra.Mount("id.example.net", http.HandlerFunc(v.signOn))
	return v
}

// signOn is the identity provider's page: it asks nobody anything.
func (v *visit) signOn(w http.ResponseWriter, r *http.Request) {
	request, err := v.idp.ReadRequest(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	response, err := v.idp.Respond(request, v.subject(visitor))
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	_ = response.Post(w)
}

func (v *visit) subject(email string) saml.GuestSubject {
	return saml.GuestSubject{NameID: "b1946ac92492d2347c6235b4d2611184", Email: email, AuthnInstant: v.clock.Now()}
}

// federator is a process of its own.
func (v *visit) federator(t *testing.T) *federation.Federator {
	t.Helper()
	fed, err := federation.New(federation.Config{
		Directory: v.dir, Store: v.store, Cloud: v.Cloud(), Now: v.clock.Now, Sleep: v.clock.Sleep,
	})
	require.NoError(t, err)
	return fed
}

// apply applies a plan that went through a file, in another process.
func (v *visit) apply(t *testing.T, plan *federation.Plan, err error) *federation.GuestConfiguration {
	t.Helper()
	require.NoError(t, err)
	document, err := json.Marshal(plan)
	require.NoError(t, err)
	stored, err := federation.ReadPlan(strings.NewReader(string(document)))
	require.NoError(t, err)
	outcome, err := v.federator(t).Apply(t.Context(), stored, nil)
	require.NoError(t, err)
	return outcome.State.Guests
}

func (v *visit) settings(t *testing.T) federation.GuestSettings {
	t.Helper()
	certificate, _, err := v.idp.Certificates(t.Context())
	require.NoError(t, err)
	return federation.GuestSettings{
		Domains: []string{"example.net"}, Issuer: "https://id.example.net/guests",
		SignInURL:          "https://id.example.net/guests/sso",
		SigningCertificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}),
	}
}

// browse opens a link that leads the visitor to a site.
func (v *visit) browse(t *testing.T) entratest.Page {
	t.Helper()
	browser := entratest.NewBrowser(v.Transport())
	browser.Sleep = v.clock.Sleep
	page, err := browser.Open(t.Context(), visitLink)
	require.NoError(t, err)
	return page
}

// Plan, apply, sign in; a new key; and back.
func TestAPartnersGuestSignsIn(t *testing.T) {
	t.Parallel()
	key, certificate := newCertificate("partner")
	v := newVisit(t, saml.Signer{Key: key, Certificate: certificate})
	_, err := v.NewAuthnRequest(visitor)
	require.ErrorIs(t, err, entratest.ErrNotFederated)

	plan, err := v.federator(t).PlanGuests(t.Context(), v.settings(t))
	require.NoError(t, err)
	require.Len(t, plan.Writes, 1)
	require.Contains(t, plan.String(), "0 errors, 0 warnings")
	require.Contains(t, plan.String(), "audience: "+v.idp.Audience(), "the partner is told what to send")
	made := v.apply(t, plan, nil)
	require.NotEmpty(t, made.ID)
	require.Equal(t, []string{"example.net"}, made.Domains)

	page := v.browse(t)
	require.Equal(t, "https://contoso.sharepoint.com/", page.URL)
	require.Contains(t, string(page.Body), visitorUPN)

	nextKey, next := newCertificate("partner's next")
	require.NoError(t, v.idp.SetNextSigner(saml.Signer{Key: nextKey, Certificate: next}))
	require.NoError(t, v.idp.Switch(t.Context(), next))
	require.Contains(t, string(v.browse(t).Body), "AADSTS5000811", "the tenant does not know the new key yet")
	plan, err = v.federator(t).PlanGuests(t.Context(), v.settings(t))
	require.NoError(t, err)
	require.Contains(t, plan.String(), "guest-live-change")
	require.Equal(t, made.ID, v.apply(t, plan, nil).ID)
	require.Contains(t, string(v.browse(t).Body), visitorUPN)

	plan, err = v.federator(t).PlanRevertGuests(t.Context(), "example.net")
	require.Nil(t, v.apply(t, plan, err))
	found, err := v.dir.GuestConfigurations(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
	require.Contains(t, string(v.browse(t).Body), "AADSTS50128")
}

// A partner has its domains changed one by one, and a plan that was made before is refused.
func TestAPartnersDomainsChange(t *testing.T) {
	t.Parallel()
	key, certificate := newCertificate("partner")
	v := newVisit(t, saml.Signer{Key: key, Certificate: certificate})
	old, err := v.federator(t).PlanGuests(t.Context(), v.settings(t))
	require.NoError(t, err)
	v.apply(t, old, nil)

	settings := v.settings(t)
	settings.Domains, settings.DisplayName = []string{"example.org", "example.net"}, "Partner"
	plan, err := v.federator(t).PlanGuests(t.Context(), settings)
	require.NoError(t, err)
	require.Equal(t, "example.org", plan.Domain)
	made := v.apply(t, plan, nil)
	require.Equal(t, []string{"example.net", "example.org"}, made.Domains)
	require.Equal(t, "Partner", made.DisplayName)

	settings.Domains = []string{"example.net"}
	plan, err = v.federator(t).PlanGuests(t.Context(), settings)
	require.NoError(t, err)
	require.NotContains(t, plan.String(), "guest-foreign", "the record of the other domain has it")
	require.Equal(t, []string{"example.net"}, v.apply(t, plan, nil).Domains)
	require.Contains(t, string(v.browse(t).Body), visitorUPN)

	_, err = v.federator(t).Apply(t.Context(), old, nil)
	require.ErrorIs(t, err, federation.ErrChanged)
}

// What one profile issues is worth nothing for the other, and nobody but a guest comes in by a partner.
func TestAPartnerSignsInNobodyElse(t *testing.T) {
	t.Parallel()
	key, certificate := newCertificate("partner")
	signer := saml.Signer{Key: key, Certificate: certificate}
	v := newVisit(t, signer)
	plan, err := v.federator(t).PlanGuests(t.Context(), v.settings(t))
	require.NoError(t, err)
	v.apply(t, plan, nil)
	asked := func() *saml.AuthnRequest {
		request, err := v.NewAuthnRequest(visitor)
		require.NoError(t, err)
		return &saml.AuthnRequest{ID: request.ID, RelayState: request.RelayState}
	}

	request := asked()
	response, err := v.idp.Respond(request, v.subject("employee@example.net"))
	require.NoError(t, err)
	verdict := v.CheckResponse(response.SAMLResponse(), request.RelayState)
	require.Equal(t, "AADSTS50020", verdict.Code, "a member's mail address makes nobody a guest")

	members, err := saml.New(saml.Config{
		SingleSignOnService: "https://id.example.net/sso", Signer: signer, Now: v.clock.Now,
		Realms: []saml.Realm{{Domain: "contoso.com", Issuer: "https://id.example.net/guests"}},
	})
	require.NoError(t, err)
	request = asked()
	response, err = members.Respond(request, saml.Subject{
		ImmutableID: "employee0001", UPN: "employee@contoso.com", AuthnInstant: v.clock.Now()})
	require.NoError(t, err)
	verdict = v.CheckResponse(response.SAMLResponse(), request.RelayState)
	require.False(t, verdict.Accepted)
	require.Equal(t, 44, verdict.Rule, "the profile of members has another audience")

	impostor, err := saml.NewGuests(saml.GuestConfig{
		TenantID: v.Config().TenantID, Issuer: "https://id.contoso.com/entra", Domains: []string{"contoso.com"},
		SingleSignOnService: "https://id.example.net/guests/sso", Signer: signer, Now: v.clock.Now,
	})
	require.NoError(t, err)
	request = asked()
	response, err = impostor.Respond(request, v.subject("employee@contoso.com"))
	require.NoError(t, err)
	verdict = v.CheckResponse(response.SAMLResponse(), request.RelayState)
	require.False(t, verdict.Accepted)
	require.Equal(t, 14, verdict.Rule, "nobody signs as the tenant's own domain")

	request = asked()
	response, err = v.idp.Respond(request, v.subject(visitor))
	require.NoError(t, err)
	require.NoError(t, v.CheckResponse(response.SAMLResponse(), request.RelayState).Err())
}
