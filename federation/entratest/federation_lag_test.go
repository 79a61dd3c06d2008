package entratest_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
)

const lag = 5 * time.Minute

// lagging is a tenant whose sign-in service learns of a federation after five minutes.
func lagging(t *testing.T, change ...func(*entratest.Config)) (*world, *graphCaller) {
	t.Helper()
	w := newWorld(t, append(change, func(c *entratest.Config) {
		if c.FederationLag == 0 {
			c.FederationLag = lag
		}
	})...)
	return w, &graphCaller{t: t, tenant: w.Tenant, header: http.Header{}}
}

func (w *world) accountType(t *testing.T, upn string) string {
	t.Helper()
	res, err := w.Client().Get("https://login.microsoftonline.com/common/UserRealm/" + upn + "?api-version=1.0")
	require.NoError(t, err)
	defer res.Body.Close()
	var answer struct {
		AccountType string `json:"account_type"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
	return answer.AccountType
}

// signIn is the code with which the sign-in service answers, or empty. The request is one that stays possible: which
// identity provider was asked is not looked at.
func (w *world) signIn(t *testing.T, change func(d *draft)) string {
	t.Helper()
	request, err := w.NewAuthnRequest("fabrikam.com")
	require.NoError(t, err)
	d := newDraft(request, w.clock.Now())
	change(d)
	return w.check(t, d).Code
}

func TestANewFederationIsInForceLater(t *testing.T) {
	t.Parallel()
	w, g := lagging(t)
	federation := federationBody("issuerUri", "https://id.example.net/entra",
		"signingCertificate", onGraph(rogueKey().certificate))
	g.post("domains/managed.example.net/federationConfiguration", federation).must(t, 201)
	operator := func(d *draft) {
		d.issuer, d.signer, d.upn, d.nameID = "https://id.example.net/entra", rogueKey(), "operator@managed.example.net",
			"operator0001"
	}
	require.Equal(t, "Federated", g.get("domains/managed.example.net").Body["authenticationType"], "Graph knows at once")
	w.clock.Advance(lag - time.Second)
	require.Equal(t, "Managed", w.accountType(t, "operator@managed.example.net"))
	require.Equal(t, "AADSTS50107", w.signIn(t, operator))
	_, err := w.NewAuthnRequest("managed.example.net")
	require.ErrorIs(t, err, entratest.ErrNotFederated)
	w.clock.Advance(time.Second)
	require.Equal(t, "Federated", w.accountType(t, "operator@managed.example.net"))
	require.Empty(t, w.signIn(t, operator))
	_, err = w.NewAuthnRequest("managed.example.net")
	require.NoError(t, err)
}

func TestARemovedFederationIsInForceMeanwhile(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(g *graphCaller){
		"deleted": func(g *graphCaller) { g.delete(contosoFederations+"/"+g.federationID()).must(g.t, 204) },
		"made managed": func(g *graphCaller) {
			g.patch("domains/contoso.com", map[string]any{"authenticationType": "Managed"}).must(g.t, 204)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, g := lagging(t)
			g.t = t
			remove(g)
			require.Equal(t, "Managed", g.get("domains/contoso.com").Body["authenticationType"])
			w.clock.Advance(lag - time.Second)
			require.Equal(t, "Federated", w.accountType(t, "employee@contoso.com"))
			require.Empty(t, w.signIn(t, func(*draft) {}))
			w.clock.Advance(time.Second)
			require.Equal(t, "Managed", w.accountType(t, "employee@contoso.com"))
			require.Equal(t, "Managed", w.accountType(t, "manager@hr.contoso.com"))
			require.Equal(t, "AADSTS50107", w.signIn(t, func(*draft) {}))
		})
	}
}

// Two changes follow one another, each after its own time.
func TestChangesOfAFederationComeInTheirOrder(t *testing.T) {
	t.Parallel()
	w, g := lagging(t)
	path := contosoFederations + "/" + g.federationID()
	by := func(issuer string) func(d *draft) { return func(d *draft) { d.issuer = issuer } }
	g.patch(path, map[string]any{"issuerUri": "urn:second"}).must(t, 204)
	w.clock.Advance(2 * time.Minute)
	g.patch(path, map[string]any{"issuerUri": "urn:third"}).must(t, 204)
	g.patch("domains/contoso.com", map[string]any{"supportedServices": []string{"Email"}}).must(t, 204)
	for _, step := range []struct {
		after  time.Duration
		issuer string
	}{{0, contosoIssuer}, {3*time.Minute - time.Second, contosoIssuer}, {time.Second, "urn:second"},
		{2*time.Minute - time.Second, "urn:second"}, {time.Second, "urn:third"}} {
		w.clock.Advance(step.after)
		for _, issuer := range []string{contosoIssuer, "urn:second", "urn:third"} {
			want := "AADSTS50107"
			if issuer == step.issuer {
				want = ""
			}
			require.Equal(t, want, w.signIn(t, by(issuer)), "%s at %s", issuer, w.clock.Now())
		}
	}
}

func TestARotationIsInForceLater(t *testing.T) {
	t.Parallel()
	w, g := lagging(t, func(c *entratest.Config) { c.Domains[0].Federation.Certificates = certificatesOf(contosoKey()) })
	path := contosoFederations + "/" + g.federationID()
	with := func(k signingKey) func(d *draft) { return func(d *draft) { d.signer = k } }
	require.Equal(t, "AADSTS5000811", w.signIn(t, with(nextKey())))
	g.patch(path, map[string]any{"nextSigningCertificate": onGraph(nextKey().certificate)}).must(t, 204)
	require.Equal(t, "AADSTS5000811", w.signIn(t, with(nextKey())), "not yet")
	w.clock.Advance(lag)
	require.Empty(t, w.signIn(t, with(nextKey())))
	require.Empty(t, w.signIn(t, with(contosoKey())), "both verify")
	g.patch(path, map[string]any{"signingCertificate": onGraph(nextKey().certificate), "nextSigningCertificate": nil}).
		must(t, 204)
	require.Empty(t, w.signIn(t, with(contosoKey())), "still")
	w.clock.Advance(lag)
	require.Equal(t, "AADSTS5000811", w.signIn(t, with(contosoKey())))
	require.Empty(t, w.signIn(t, with(nextKey())))
}

func TestTheNextCertificateMayWaitForTheFirstOne(t *testing.T) {
	t.Parallel()
	first := contosoKey()
	first.certificate = certtest.SelfSigned(first.key, "contoso.com", morning().Add(-time.Hour), morning().Add(time.Hour))
	w, _ := lagging(t, func(c *entratest.Config) {
		c.NextCertificateAfterExpiry = true
		c.Domains[0].Federation.Certificates = certificatesOf(first, nextKey())
	})
	with := func(k signingKey) func(d *draft) { return func(d *draft) { d.signer = k } }
	require.Equal(t, "AADSTS5000811", w.signIn(t, with(nextKey())))
	require.Empty(t, w.signIn(t, with(first)))
	w.clock.Advance(time.Hour)
	require.Empty(t, w.signIn(t, with(first)), "the last second")
	w.clock.Advance(time.Second)
	require.Empty(t, w.signIn(t, with(nextKey())))
	require.Equal(t, "AADSTS5000811", w.signIn(t, with(first)), "it has expired")
}

func TestAPromotionIsInForceLater(t *testing.T) {
	t.Parallel()
	w, g := lagging(t, func(c *entratest.Config) { c.Users = c.Users[:2] })
	g.post("domains/hr.contoso.com/promote", nil).must(t, 200)
	require.Equal(t, "Managed", g.get("domains/hr.contoso.com").Body["authenticationType"])
	require.Equal(t, "Federated", w.accountType(t, "somebody@hr.contoso.com"))
	w.clock.Advance(lag)
	require.Equal(t, "Managed", w.accountType(t, "somebody@hr.contoso.com"))
	require.Equal(t, "Federated", w.accountType(t, "somebody@contoso.com"))
}

func TestFederateIsAtOnce(t *testing.T) {
	t.Parallel()
	w, g := lagging(t)
	g.patch(contosoFederations+"/"+g.federationID(), map[string]any{"issuerUri": "urn:pending"}).must(t, 204)
	federation := *contosoFederation()
	federation.Issuer = "urn:chosen"
	require.NoError(t, w.Federate("contoso.com", federation))
	chosen := func(d *draft) { d.issuer = "urn:chosen" }
	require.Empty(t, w.signIn(t, chosen))
	w.clock.Advance(lag)
	require.Empty(t, w.signIn(t, chosen), "what was pending is forgotten")
	require.ErrorContains(t, w.Federate("new.example", federation), "not a domain of the tenant")
}

func TestNobodySignsInToAFederationWithoutACertificate(t *testing.T) {
	t.Parallel()
	w, g := lagging(t)
	body := federationBody("issuerUri", "urn:broken", "signingCertificate", nil)
	g.post("domains/managed.example.net/federationConfiguration", body).must(t, 500)
	w.clock.Advance(lag)
	require.Equal(t, "Federated", w.accountType(t, "operator@managed.example.net"))
	require.Equal(t, "AADSTS5000811", w.signIn(t, func(d *draft) {
		d.issuer, d.upn, d.nameID = "urn:broken", "operator@managed.example.net", "operator0001"
	}))
}

func TestHowLongAFederationTakes(t *testing.T) {
	t.Parallel()
	for _, rule := range []struct {
		name string
		cfg  entratest.Config
		want time.Duration
	}{
		{"five minutes", entratest.Config{}, 5 * time.Minute},
		{"nothing without lag", entratest.Config{Lag: entratest.LagNone}, 0},
		{"what is said", entratest.Config{Lag: entratest.LagNone, FederationLag: time.Hour}, time.Hour},
		{"nothing, if it is negative", entratest.Config{FederationLag: -1}, 0},
	} {
		t.Run(rule.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, rule.want, entratest.Start(t, rule.cfg).Config().FederationLag)
		})
	}
}

func TestAnUnverifiedDomainIsNobodysRealm(t *testing.T) {
	t.Parallel()
	w, g := lagging(t, func(c *entratest.Config) {
		c.Domains = append(c.Domains, entratest.Domain{Name: "new.example", Unverified: true})
	})
	require.Equal(t, "Unknown", w.accountType(t, "somebody@new.example"))
	g.tenant.PublishDNS("new.example", g.get("domains/new.example/verificationDnsRecords").Values()[0]["text"].(string))
	g.post("domains/new.example/verify", nil).must(t, 200)
	require.Equal(t, "Managed", w.accountType(t, "somebody@new.example"), "at once")
}
