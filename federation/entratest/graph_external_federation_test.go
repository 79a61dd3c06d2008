package entratest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// externalBody is a body that federates these domains of other organizations.
func externalBody(domains ...string) map[string]any {
	var names []any
	for _, name := range domains {
		names = append(names, map[string]any{"@odata.type": "microsoft.graph.externalDomainName", "id": name})
	}
	return map[string]any{
		"@odata.type": "microsoft.graph.samlOrWsFedExternalDomainFederation",
		"displayName": "Partner", "issuerUri": "https://id.partner.example/entra", "metadataExchangeUri": nil,
		"passiveSignInUri": "https://id.partner.example/sso", "preferredAuthenticationProtocol": "saml",
		"signingCertificate": onGraph(rogueKey().certificate), "domains": names,
	}
}

func TestExternalFederations(t *testing.T) {
	const collection = "directory/federationConfigurations/"
	for _, alias := range []string{"graph.", "microsoft.graph."} {
		t.Run(alias, func(t *testing.T) {
			g, _ := callGraph(t, domainsConfig(t))
			typed := collection + alias + "samlOrWsFedExternalDomainFederation"
			require.Empty(t, g.get(typed).must(t, 200).Values())
			created := g.post(typed, externalBody("Partner.example", "other.example")).must(t, 201).Body
			id := created["id"].(string)
			require.Equal(t, "https://id.partner.example/entra", created["issuerUri"])
			require.Equal(t, "saml", created["preferredAuthenticationProtocol"])
			require.Equal(t, onGraph(rogueKey().certificate), created["signingCertificate"])
			require.Nil(t, created["metadataExchangeUri"])
			require.Equal(t, []any{map[string]any{"id": "partner.example"}, map[string]any{"id": "other.example"}},
				created["domains"])
			require.Equal(t, []string{id}, g.get(typed).must(t, 200).Column("id"))
			require.Equal(t, []string{id},
				g.get(typed+"?$filter="+escape("domains/any(x: x/id eq 'Other.example')")).must(t, 200).Column("id"))
			require.Empty(t, g.get(typed+"?$filter="+escape("domains/any(x: x/id eq 'contoso.com')")).must(t, 200).Values())

			ways := []string{typed + "/" + id, collection + id + "/" + alias + "samlOrWsFedExternalDomainFederation",
				collection + id}
			for i, one := range ways {
				require.Equal(t, created, g.get(one).must(t, 200).Body, one)
				changed := g.patch(one, map[string]any{"metadataExchangeUri": "urn:" + alias}).must(t, 200).Body
				require.Equal(t, "urn:"+alias, changed["metadataExchangeUri"])
				g.patch(one, map[string]any{"metadataExchangeUri": nil}).must(t, 200)

				name := []string{"a.example", "b.example", "c.example"}[i]
				added := g.post(one+"/domains", map[string]any{
					"@odata.type": "microsoft.graph.externalDomainName", "id": name}).must(t, 201).Body
				delete(added, "@odata.context")
				require.Equal(t, map[string]any{"@odata.type": "#microsoft.graph.externalDomainName", "id": name}, added)
				require.Equal(t, []string{"partner.example", "other.example", name},
					g.get(one+"/domains").must(t, 200).Column("id"))
				g.delete(one+"/domains/"+name).must(t, 204)
				g.delete(one+"/domains/"+name).must(t, 404)
			}
			g.delete(ways[2]).must(t, 204)
			g.get(ways[0]).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(id))
			require.Equal(t, "contoso.com", g.get("domains/contoso.com").must(t, 200).Body["id"])
		})
	}
}

// The alias of the namespace is also what a domain's name may begin with.
func TestADomainMayBeNamedLikeANamespace(t *testing.T) {
	g, _ := callGraph(t, domainsConfig(t))
	g.post("domains", map[string]any{"id": "graph.example"}).must(t, 201)
	require.Equal(t, "graph.example", g.get("domains/graph.example").must(t, 200).Body["id"])
}

func TestRulesOfExternalFederations(t *testing.T) {
	with := func(name string, value any) map[string]any {
		body := externalBody("x.example")
		if body[name] = value; value == nil {
			delete(body, name)
		}
		return body
	}
	name := func(value any) map[string]any { return map[string]any{"id": value} }
	const missing = "/11111111-1111-4111-8111-111111111111"
	for _, rule := range []struct {
		name, method, path string
		body               any
		status             int
	}{
		{"a domain is not verified in the tenant", "POST", "", externalBody("fabrikam.com"), 400},
		{"an unverified one may be", "POST", "", externalBody("new.example"), 201},
		{"below a verified one may be", "POST", "", externalBody("own.fabrikam.com"), 201},
		{"there need be none", "POST", "", externalBody(), 201},
		{"a domain has one federation", "POST", "", externalBody("partner.example"), 400},
		{"and once", "POST", "", externalBody("x.example", "X.example"), 400},
		{"a domain is one", "POST", "", externalBody("example"), 400},
		{"domains are a list", "POST", "", with("domains", "x.example"), 400},
		{"of objects", "POST", "", with("domains", []any{"x.example"}), 400},
		{"with a name", "POST", "", with("domains", []any{name(nil)}), 400},
		{"that is a text", "POST", "", with("domains", []any{name(1)}), 400},
		{"and nothing else", "POST", "", with("domains", []any{map[string]any{"id": "x.example", "x": 1}}), 400},
		{"a name is there", "POST", "", with("displayName", nil), 400},
		{"an issuer is there", "POST", "", with("issuerUri", nil), 400},
		{"an issuer is a URI", "POST", "", with("issuerUri", "x"), 400},
		{"a sign-in address is absolute", "POST", "", with("passiveSignInUri", "/sso"), 400},
		{"a protocol is there", "POST", "", with("preferredAuthenticationProtocol", nil), 400},
		{"a protocol is known", "POST", "", with("preferredAuthenticationProtocol", "oidc"), 400},
		{"a certificate is there", "POST", "", with("signingCertificate", nil), 400},
		{"a certificate is one", "POST", "", with("signingCertificate", "MIID"), 400},
		{"a property is known", "POST", "", with("signOutUri", "https://x.example"), 400},
		{"a federation is JSON", "POST", "", "{", 400},
		{"a filter is by domain", "GET", "?$filter=" + escape("id eq 'x'"), nil, 400},
		{"a filter has one variable", "GET", "?$filter=" + escape("domains/any(x: y/id eq 'x')"), nil, 400},
		{"the properties are known", "GET", "?$select=x", nil, 400},
		{"another is not there", "GET", missing, nil, 404},
		{"nor changed", "PATCH", missing, map[string]any{}, 404},
		{"nor deleted", "DELETE", missing, nil, 404},
		{"nor has it domains", "GET", missing + "/domains", nil, 404},
		{"nor gets it any", "POST", missing + "/domains", name("x.example"), 404},
		{"nor loses it any", "DELETE", missing + "/domains/x.example", nil, 404},
		{"one has known properties", "GET", "/{}?$select=x", nil, 400},
		{"a change keeps what is needed", "PATCH", "/{}", map[string]any{"displayName": nil}, 400},
		{"a change is not of the domains", "PATCH", "/{}", map[string]any{"domains": []any{}}, 400},
		{"a change is JSON", "PATCH", "/{}", "{", 400},
		{"no verified domain is added", "POST", "/{}/domains", name("contoso.com"), 400},
		{"no domain is added twice", "POST", "/{}/domains", name("partner.example"), 400},
		{"an added domain is JSON", "POST", "/{}/domains", "{", 400},
		{"an added domain is one", "POST", "/{}/domains", name("x"), 400},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, domainsConfig(t))
			id := g.post(externalBase, externalBody("partner.example")).must(t, 201).Body["id"].(string)
			before := g.get(externalBase).Values()
			path := rule.path
			if len(path) > 2 && path[:3] == "/{}" {
				path = "/" + id + path[3:]
			}
			answer := g.call(rule.method, externalBase+path, rule.body).must(t, rule.status)
			if rule.status >= 400 {
				code, message := answer.Error()
				require.NotEmpty(t, code)
				require.NotEmpty(t, message)
				require.Equal(t, before, g.get(externalBase).Values(), "nothing has changed")
			}
		})
	}
}
