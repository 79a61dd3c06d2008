package entratest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
)

const (
	fabrikamFederation = "domains/fabrikam.com/federationConfiguration"
	contosoFederations = "domains/contoso.com/federationConfiguration"
)

func onGraph(c *x509.Certificate) string { return base64.StdEncoding.EncodeToString(c.Raw) }

// federationBody is a body that federates fabrikam.com, changed by the pairs of name and value; a nil value takes the
// property away.
func federationBody(pairs ...any) map[string]any {
	body := map[string]any{
		"@odata.type": "#microsoft.graph.internalDomainFederation",
		"displayName": "Fabrikam", "issuerUri": fabrikamIssuer, "passiveSignInUri": "https://id.fabrikam.com/sso",
		"preferredAuthenticationProtocol": "saml", "signingCertificate": onGraph(fabrikamKey().certificate),
	}
	for i := 0; i < len(pairs); i += 2 {
		body[pairs[i].(string)] = pairs[i+1]
		if pairs[i+1] == nil {
			delete(body, pairs[i].(string))
		}
	}
	return body
}

func TestAFederationIsCreated(t *testing.T) {
	g, _ := callGraph(t, domainsConfig(t))
	sent := federationBody("nextSigningCertificate", onGraph(nextKey().certificate),
		"metadataExchangeUri", "https://id.fabrikam.com/mex", "activeSignInUri", "https://id.fabrikam.com/active",
		"signOutUri", "https://id.fabrikam.com/logout", "promptLoginBehavior", "nativeSupport",
		"isSignedAuthenticationRequestRequired", true, "federatedIdpMfaBehavior", "enforceMfaByFederatedIdp",
		"passwordResetUri", "https://id.fabrikam.com/password")
	created := g.post(fabrikamFederation, sent).must(t, 201)
	id := created.Body["id"].(string)
	require.Regexp(t, "^"+aGUID+"$", id)
	for name, value := range sent {
		if name != "@odata.type" {
			require.Equal(t, value, created.Body[name], name)
		}
	}
	require.Equal(t, "https://graph.microsoft.com/v1.0/$metadata#domains('fabrikam.com')/federationConfiguration/$entity",
		created.Body["@odata.context"])
	require.Equal(t, created.Body, g.get(fabrikamFederation+"/"+id).must(t, 200).Body)
	require.Equal(t, id, g.get(fabrikamFederation).must(t, 200).Values()[0]["id"])
	require.Equal(t, "Federated", g.get("domains/fabrikam.com").Body["authenticationType"])
	require.Equal(t, "Federated", g.get("domains/sub.fabrikam.com").Body["authenticationType"])
	g.post("users", userBody("x", "userPrincipalName", "x@fabrikam.com")).
		mustRefuse(t, 400, "Request_BadRequest", "SourceAnchor is a required property for creation of a federated user.")

	exported := domainOf(t, g.tenant, "fabrikam.com").Federation
	require.Equal(t, certificatesOf(fabrikamKey(), nextKey()), exported.Certificates)
	require.Equal(t, entratest.EnforceMFA, exported.MFABehavior)
	require.True(t, exported.SignedAuthnRequests)
}

func TestWhatAFederationIsWithoutBeingTold(t *testing.T) {
	g, _ := callGraph(t, domainsConfig(t))
	created := g.post(fabrikamFederation, federationBody("displayName", nil, "preferredAuthenticationProtocol", nil)).
		must(t, 201).Body
	delete(created, "@odata.context")
	delete(created, "id")
	require.Equal(t, map[string]any{
		"displayName": nil, "issuerUri": fabrikamIssuer, "metadataExchangeUri": nil,
		"signingCertificate": onGraph(fabrikamKey().certificate), "passiveSignInUri": "https://id.fabrikam.com/sso",
		"preferredAuthenticationProtocol": "wsFed", "activeSignInUri": nil, "signOutUri": nil, "promptLoginBehavior": nil,
		"isSignedAuthenticationRequestRequired": false, "nextSigningCertificate": nil, "federatedIdpMfaBehavior": nil,
		"passwordResetUri": nil, "signingCertificateUpdateStatus": nil,
	}, created)
}

func TestRulesOfCreatingAFederation(t *testing.T) {
	good := onGraph(fabrikamKey().certificate)
	armoured := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: fabrikamKey().certificate.Raw}))
	invalid := func(property string) string {
		return "Invalid value specified for property '" + property + "' of resource 'InternalDomainFederation'."
	}
	at := func(domain string) string { return "domains/" + domain + "/federationConfiguration" }
	for _, rule := range []struct {
		name, path    string
		body          any
		status        int
		code, message string
	}{
		{"the domain is the tenant's", at("x.example"), federationBody(), 404, "Request_ResourceNotFound",
			notFound("x.example")},
		{"the domain is not the initial one", at("contoso.onmicrosoft.com"), federationBody(), 400, "Request_BadRequest", ""},
		{"the domain is not the default", at("default.example"), federationBody(), 400, "Request_BadRequest", ""},
		{"the domain is verified", at("new.example"), federationBody(), 400, "Request_BadRequest", ""},
		{"the domain is a root", at("sub.fabrikam.com"), federationBody(), 400, "Request_BadRequest", ""},
		{"the domain has no federation yet", at("contoso.com"), federationBody(), 400, "Request_BadRequest",
			"Domain already has Federation Configuration set."},
		{"the issuer is no other domain's", at("fabrikam.com"), federationBody("issuerUri", contosoIssuer), 409,
			"Request_MultipleObjectsWithSameKeyValue", ""},
		{"the issuer is a URI", at("fabrikam.com"), federationBody("issuerUri", "id.fabrikam.com"), 400,
			"Request_BadRequest", invalid("issuerUri")},
		{"the issuer is there", at("fabrikam.com"), federationBody("issuerUri", nil), 400, "Request_BadRequest", ""},
		{"the sign-in address is there", at("fabrikam.com"), federationBody("passiveSignInUri", nil), 400,
			"Request_BadRequest", ""},
		{"the sign-in address is absolute", at("fabrikam.com"), federationBody("passiveSignInUri", "/sso"), 400,
			"Request_BadRequest", invalid("passiveSignInUri")},
		{"the protocol is known", at("fabrikam.com"), federationBody("preferredAuthenticationProtocol", "samlp"), 400,
			"Request_BadRequest", invalid("preferredAuthenticationProtocol")},
		{"in its own case", at("fabrikam.com"), federationBody("preferredAuthenticationProtocol", "SAML"), 400,
			"Request_BadRequest", invalid("preferredAuthenticationProtocol")},
		{"and not the value of the future", at("fabrikam.com"),
			federationBody("preferredAuthenticationProtocol", "unknownFutureValue"), 400, "Request_BadRequest", ""},
		{"the MFA behaviour is known", at("fabrikam.com"), federationBody("federatedIdpMfaBehavior", "x"), 400,
			"Request_BadRequest", invalid("federatedIdpMfaBehavior")},
		{"the prompt behaviour is known", at("fabrikam.com"), federationBody("promptLoginBehavior", "x"), 400,
			"Request_BadRequest", invalid("promptLoginBehavior")},
		{"a certificate is not PEM", at("fabrikam.com"), federationBody("signingCertificate", armoured), 400,
			"Request_BadRequest", invalid("signingCertificate")},
		{"nor on several lines", at("fabrikam.com"), federationBody("signingCertificate", good[:64]+"\n"+good[64:]), 400,
			"Request_BadRequest", invalid("signingCertificate")},
		{"nor hexadecimal", at("fabrikam.com"), federationBody("signingCertificate", "zz"), 400, "Request_BadRequest", ""},
		{"nor empty", at("fabrikam.com"), federationBody("signingCertificate", ""), 400, "Request_BadRequest", ""},
		{"nor cut off", at("fabrikam.com"), federationBody("signingCertificate", good[:100]), 400, "Request_BadRequest", ""},
		{"nor in base64 with bits to spare", at("fabrikam.com"), federationBody("signingCertificate", looseCertificate(t)),
			400, "Request_BadRequest", invalid("signingCertificate")},
		{"nor a bare key", at("fabrikam.com"), federationBody("signingCertificate",
			base64.StdEncoding.EncodeToString(fabrikamKey().certificate.RawSubjectPublicKeyInfo)), 400, "Request_BadRequest", ""},
		{"nor for another key than RSA", at("fabrikam.com"), federationBody("signingCertificate", onGraph(ellipticCertificate(t))),
			400, "Request_BadRequest", invalid("signingCertificate")},
		{"nor is the next one", at("fabrikam.com"), federationBody("nextSigningCertificate", armoured), 400,
			"Request_BadRequest", invalid("nextSigningCertificate")},
		{"the id is Graph's", at("fabrikam.com"), federationBody("id", "x"), 400, "Request_BadRequest",
			"Property 'id' is read-only and cannot be set."},
		{"a property is known", at("fabrikam.com"), federationBody("supportsMfa", true), 400, "Request_BadRequest",
			"Property 'supportsMfa' does not exist as a declared property or extension property."},
		{"and written as it is", at("fabrikam.com"), federationBody("IssuerUri", "urn:x"), 400, "Request_BadRequest", ""},
		{"and of its type", at("fabrikam.com"), federationBody("isSignedAuthenticationRequestRequired", "true"), 400,
			"BadRequest", ""},
		{"a federation is written in JSON", at("fabrikam.com"), "{", 400, "BadRequest", ""},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, domainsConfig(t))
			before := g.tenant.Domains()
			g.post(rule.path, rule.body).mustRefuse(t, rule.status, rule.code, rule.message)
			require.Equal(t, before, g.tenant.Domains(), "nothing has changed")
		})
	}
}

// looseCertificate is a certificate whose base64 would not come back as it was sent: its last letter has bits that stand
// for nothing.
func looseCertificate(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"a", "aa", "aaa"} {
		text, padded := strings.CutSuffix(onGraph(certtest.SelfSigned(rogueKey().key, name, morning(), morning().Add(time.Hour))), "==")
		if padded {
			last := text[len(text)-1]
			return text[:len(text)-1] + string(last+1) + "=="
		}
	}
	require.Fail(t, "no length ends with two signs of padding")
	return ""
}

func ellipticCertificate(t *testing.T) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return certtest.SelfSigned(key, "", time.Time{}, time.Time{})
}

// What the domain is left in, nothing but its removal mends.
func TestAFederationWithoutACertificate(t *testing.T) {
	for name, body := range map[string]map[string]any{
		"left out": federationBody("signingCertificate", nil),
		"only the next one": federationBody("signingCertificate", nil,
			"nextSigningCertificate", onGraph(fabrikamKey().certificate)),
		"null": func() map[string]any {
			body := federationBody()
			body["signingCertificate"] = nil
			return body
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			g, _ := callGraph(t, domainsConfig(t))
			const internal, id = "Service_InternalServerError", "/11111111-1111-4111-8111-111111111111"
			g.post(fabrikamFederation, body).mustRefuse(t, 500, internal, "")
			require.Equal(t, "Federated", g.get("domains/fabrikam.com").Body["authenticationType"])
			require.Empty(t, domainOf(t, g.tenant, "fabrikam.com").Federation.Certificates)
			g.get(fabrikamFederation).mustRefuse(t, 500, internal, "")
			g.get(fabrikamFederation+id).mustRefuse(t, 500, internal, "")
			g.patch(fabrikamFederation+id, map[string]any{"displayName": "x"}).mustRefuse(t, 500, internal, "")
			g.delete(fabrikamFederation+id).mustRefuse(t, 500, internal, "")
			g.post(fabrikamFederation, federationBody()).must(t, 400)
			g.patch("domains/fabrikam.com", map[string]any{"authenticationType": "Managed"}).mustRefuse(t, 500, internal, "")

			g.delete("domains/fabrikam.com").must(t, 400)
			g.delete("users/operator@fabrikam.com").must(t, 204)
			g.delete("domains/sub.fabrikam.com").must(t, 204)
			g.delete("domains/fabrikam.com").must(t, 204)
			g.post("domains", map[string]any{"id": "fabrikam.com"}).must(t, 201)
			g.tenant.PublishDNS("fabrikam.com", g.get("domains/fabrikam.com/verificationDnsRecords").Values()[0]["text"].(string))
			g.post("domains/fabrikam.com/verify", nil).must(t, 200)
			g.post(fabrikamFederation, federationBody()).must(t, 201)
		})
	}
}

// federationID is the ID of the federation of contoso.com.
func (g *graphCaller) federationID() string {
	g.t.Helper()
	return g.get(contosoFederations).must(g.t, 200).Values()[0]["id"].(string)
}

func TestAFederationIsChanged(t *testing.T) {
	contoso, next := onGraph(someCertificate()), onGraph(nextKey().certificate)
	for _, rule := range []struct {
		name   string
		change map[string]any
		want   map[string]any
	}{
		{"one property", map[string]any{"displayName": "Contoso"},
			map[string]any{"displayName": "Contoso", "issuerUri": contosoIssuer, "signingCertificate": contoso}},
		{"a rotation begins", map[string]any{"nextSigningCertificate": next},
			map[string]any{"signingCertificate": contoso, "nextSigningCertificate": next}},
		{"a rotation ends", map[string]any{"signingCertificate": next, "nextSigningCertificate": nil},
			map[string]any{"signingCertificate": next, "nextSigningCertificate": nil}},
		{"a rotation is turned round", map[string]any{"signingCertificate": next, "nextSigningCertificate": contoso},
			map[string]any{"signingCertificate": next, "nextSigningCertificate": contoso}},
		{"null clears", map[string]any{"signOutUri": nil, "promptLoginBehavior": nil},
			map[string]any{"signOutUri": nil, "promptLoginBehavior": nil}},
		{"null is the default of a protocol", map[string]any{"preferredAuthenticationProtocol": nil},
			map[string]any{"preferredAuthenticationProtocol": "wsFed"}},
		{"null is the default of a switch", map[string]any{"isSignedAuthenticationRequestRequired": nil},
			map[string]any{"isSignedAuthenticationRequestRequired": false}},
		{"null leaves unset what never was set", map[string]any{"federatedIdpMfaBehavior": nil},
			map[string]any{"federatedIdpMfaBehavior": nil}},
		{"an issuer of its own", map[string]any{"issuerUri": contosoIssuer}, map[string]any{"issuerUri": contosoIssuer}},
		{"another issuer", map[string]any{"issuerUri": "urn:contoso"}, map[string]any{"issuerUri": "urn:contoso"}},
		{"nothing", map[string]any{}, map[string]any{"issuerUri": contosoIssuer}},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, domainsConfig(t))
			id := g.federationID()
			require.Empty(t, g.patch(contosoFederations+"/"+id, rule.change).must(t, 204).Body)
			got := g.get(contosoFederations+"/"+strings.ToUpper(id)).must(t, 200).Body
			for name, value := range rule.want {
				require.Equal(t, value, got[name], name)
			}
			require.Equal(t, id, got["id"])
		})
	}
}

func TestRulesOfChangingAFederation(t *testing.T) {
	const another = "11111111-1111-4111-8111-111111111111"
	for _, rule := range []struct {
		name   string
		id     string // empty: that of the federation
		change any
		status int
		code   string
	}{
		{"the federation is there", another, map[string]any{}, 404, "Request_ResourceNotFound"},
		{"the issuer is no other domain's", "", map[string]any{"issuerUri": fabrikamIssuer}, 409,
			"Request_MultipleObjectsWithSameKeyValue"},
		{"the issuer stays", "", map[string]any{"issuerUri": nil}, 400, "Request_BadRequest"},
		{"the sign-in address stays", "", map[string]any{"passiveSignInUri": nil}, 400, "Request_BadRequest"},
		{"the certificate stays", "", map[string]any{"signingCertificate": nil}, 400, "Request_BadRequest"},
		{"the MFA behaviour stays once it is set", "", map[string]any{"federatedIdpMfaBehavior": nil}, 400,
			"Request_BadRequest"},
		{"a certificate is one", "", map[string]any{"nextSigningCertificate": "x"}, 400, "Request_BadRequest"},
		{"the protocol is known", "", map[string]any{"preferredAuthenticationProtocol": "oidc"}, 400, "Request_BadRequest"},
		{"the id is Graph's", "", map[string]any{"id": another}, 400, "Request_BadRequest"},
		{"what became of the certificates is Graph's", "", map[string]any{"signingCertificateUpdateStatus": nil}, 400,
			"Request_BadRequest"},
		{"a property is known", "", map[string]any{"x": 1}, 400, "Request_BadRequest"},
		{"a change is JSON", "", "{", 400, "BadRequest"},
	} {
		t.Run(rule.name, func(t *testing.T) {
			cfg := domainsConfig(t)
			cfg.Domains[0].Federation.MFABehavior = entratest.AcceptMFA
			g, _ := callGraph(t, cfg)
			g.post(fabrikamFederation, federationBody()).must(t, 201)
			before := g.tenant.Domains()
			id := rule.id
			if id == "" {
				id = g.federationID()
			}
			g.patch(contosoFederations+"/"+id, rule.change).mustRefuse(t, rule.status, rule.code, "")
			require.Equal(t, before, g.tenant.Domains(), "nothing has changed")
		})
	}
}

func TestAFederationIsDeleted(t *testing.T) {
	g, _ := callGraph(t, domainsConfig(t))
	first := g.federationID()
	g.delete(contosoFederations+"/11111111-1111-4111-8111-111111111111").must(t, 404)
	g.delete("domains/fabrikam.com/federationConfiguration/"+first).
		mustRefuse(t, 404, "Request_ResourceNotFound", notFound("federationConfiguration"))
	g.delete(contosoFederations+"/"+first).must(t, 204)
	require.Equal(t, "Managed", g.get("domains/contoso.com").Body["authenticationType"])
	g.delete(contosoFederations+"/"+first).must(t, 404)
	second := g.post(contosoFederations, federationBody()).must(t, 201).Body["id"]
	require.NotEqual(t, first, second, "it is another one")
}

func TestSwitchesOfFederations(t *testing.T) {
	t.Run("EmptyFederationList", func(t *testing.T) {
		cfg := domainsConfig(t)
		cfg.EmptyFederationList = true
		g, _ := callGraph(t, cfg)
		answer := g.get(fabrikamFederation).must(t, 200)
		require.Equal(t, []any{}, answer.Body["value"])
		g.get("domains/x.example/federationConfiguration").must(t, 404)
		require.Len(t, g.get(contosoFederations).must(t, 200).Values(), 1)
	})
	t.Run("SecondFederationAs409", func(t *testing.T) {
		cfg := domainsConfig(t)
		cfg.SecondFederationAs409 = true
		g, _ := callGraph(t, cfg)
		g.post(contosoFederations, federationBody()).mustRefuse(t, 409, "Request_MultipleObjectsWithSameKeyValue",
			"Domain already has Federation Configuration set.")
	})
	t.Run("PatchFederationReturnsObject", func(t *testing.T) {
		cfg := domainsConfig(t)
		cfg.PatchFederationReturnsObject = true
		g, _ := callGraph(t, cfg)
		path := contosoFederations + "/" + g.federationID()
		answer := g.patch(path, map[string]any{"displayName": "Contoso"}).must(t, 200)
		require.Equal(t, g.get(path).Body, answer.Body)
	})
	t.Run("FederationNeedsRole", func(t *testing.T) {
		cfg := domainsConfig(t)
		cfg.FederationNeedsRole = true
		app := entratest.DefaultApp()
		app.ClientID, app.AdminRole = "11111111-2222-4333-8444-666666666666", true
		cfg.Apps = []entratest.App{entratest.DefaultApp(), app}
		g, _ := callGraph(t, cfg)
		path := contosoFederations + "/" + g.federationID()
		const denied = "Authorization_RequestDenied"
		g.post(fabrikamFederation, federationBody()).mustRefuse(t, 403, denied, "")
		g.patch(path, map[string]any{"displayName": "x"}).mustRefuse(t, 403, denied, "")
		g.delete(path).mustRefuse(t, 403, denied, "")
		g.patch("domains/fabrikam.com", map[string]any{"isDefault": true}).must(t, 204)
		g.patch("domains/default.example", map[string]any{"isDefault": true}).must(t, 204)
		g.as(app)
		g.post(fabrikamFederation, federationBody()).must(t, 201)
		g.patch(path, map[string]any{"displayName": "x"}).must(t, 204)
		g.delete(path).must(t, 204)
	})
}

func TestFaultsOfFederationWrites(t *testing.T) {
	g, _ := callGraph(t, domainsConfig(t))
	g.tenant.Inject(entratest.Fault{Method: "POST", Path: "/v1.0/domains/*/federationConfiguration", Status: 503})
	g.post(fabrikamFederation, federationBody()).must(t, 503)
	require.Nil(t, domainOf(t, g.tenant, "fabrikam.com").Federation, "nothing happened")
	g.tenant.Inject(entratest.Fault{Method: "POST", Path: "/v1.0/domains/*/federationConfiguration", Status: 504,
		AfterCommit: true})
	g.post(fabrikamFederation, federationBody()).must(t, 504)
	require.NotNil(t, domainOf(t, g.tenant, "fabrikam.com").Federation, "all of it happened")
	path := contosoFederations + "/" + g.federationID()
	g.tenant.Inject(entratest.Fault{Path: "/v1.0/domains/contoso.com/federationConfiguration/*", Status: 500, AfterCommit: true,
		Times: 2})
	g.patch(path, map[string]any{"displayName": "x"}).must(t, 500)
	require.Equal(t, "x", domainOf(t, g.tenant, "contoso.com").Federation.DisplayName)
	g.delete(path).must(t, 500)
	require.Nil(t, domainOf(t, g.tenant, "contoso.com").Federation)
}
