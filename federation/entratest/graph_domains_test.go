package entratest_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// domainsConfig is a tenant without lag with a domain of every kind.
func domainsConfig(t *testing.T) entratest.Config {
	t.Helper()
	return entratest.Config{
		Lag: entratest.LagNone,
		Domains: []entratest.Domain{
			{Name: "contoso.com", Federation: someFederation(t)},
			{Name: "hr.contoso.com"},
			{Name: "fabrikam.com"},
			{Name: "sub.fabrikam.com"},
			{Name: "default.example", Default: true},
			{Name: "new.example", Unverified: true},
		},
		Users: []entratest.User{
			{UPN: "employee@contoso.com", ImmutableID: "employee0001", Enabled: true},
			{UPN: "operator@fabrikam.com", Enabled: true},
		},
		Groups: []entratest.Group{{DisplayName: "staff", UniqueName: "staff"}},
	}
}

// domain finds a domain of the tenant as it is exported.
func domainOf(t *testing.T, tenant *entratest.Tenant, name string) entratest.Domain {
	t.Helper()
	for _, d := range tenant.Domains() {
		if d.Name == name {
			return d
		}
	}
	require.Failf(t, "no such domain", "%s", name)
	return entratest.Domain{}
}

func TestADomainIsAddedAndVerified(t *testing.T) {
	for _, rule := range []struct {
		name   string
		record func(text, mailExchange string) string
		status int
	}{
		{"by the TXT record", func(text, _ string) string { return text }, 200},
		{"by the MX record", func(_, mailExchange string) string { return mailExchange + "." }, 200},
		{"not by another record", func(text, _ string) string { return text + "0" }, 400},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, domainsConfig(t))
			created := g.post("domains", map[string]any{"id": "Added.example"}).must(t, 201)
			require.Equal(t, map[string]any{
				"@odata.context":     "https://graph.microsoft.com/v1.0/$metadata#domains/$entity",
				"authenticationType": "Managed", "availabilityStatus": nil, "id": "added.example", "isAdminManaged": true,
				"isDefault": false, "isInitial": false, "isRoot": true, "isVerified": false, "manufacturer": nil, "model": nil,
				"passwordNotificationWindowInDays": 14.0, "passwordValidityPeriodInDays": 2147483647.0, "state": nil,
				"supportedServices": []any{},
			}, created.Body)
			g.post("users", userBody("x", "userPrincipalName", "x@added.example")).
				mustRefuse(t, 400, "Request_BadRequest", "The domain portion of the userPrincipalName property is invalid. "+
					"You must use one of the verified domain names in your organization.")
			require.NotContains(t, g.get("organization").Values()[0]["verifiedDomains"], "added.example")

			records := g.get("domains/added.example/verificationDnsRecords").must(t, 200).Values()
			require.Len(t, records, 2)
			text, mailExchange := records[0]["text"].(string), records[1]["mailExchange"].(string)
			require.Regexp(t, `^MS=ms\d{8}$`, text)
			require.Equal(t, text[3:]+".msv1.invalid", mailExchange)
			require.Equal(t, "#microsoft.graph.domainDnsTxtRecord", records[0]["@odata.type"])
			require.Equal(t, "added.example", records[1]["label"])

			g.post("domains/added.example/verify", nil).must(t, 400)
			g.tenant.PublishDNS("other.example", text)
			g.post("domains/added.example/verify", nil).must(t, 400)
			g.tenant.PublishDNS("ADDED.example.", rule.record(text, mailExchange))
			answer := g.post("domains/added.example/verify", map[string]any{"forceTakeover": false}).must(t, rule.status)
			verified := rule.status == 200
			require.Equal(t, !verified, domainOf(t, g.tenant, "added.example").Unverified)
			if verified {
				require.Equal(t, true, answer.Body["isVerified"])
				g.post("domains/added.example/verify", nil).must(t, 400)
				g.post("users", userBody("x", "userPrincipalName", "x@added.example")).must(t, 201)
			}
		})
	}
}

func TestAChildDomainIsVerifiedWithItsRoot(t *testing.T) {
	g, _ := callGraph(t, domainsConfig(t))
	for root, kind := range map[string]string{"contoso.com": "Federated", "fabrikam.com": "Managed"} {
		child := g.post("domains", map[string]any{"id": "child." + root}).must(t, 201).Body
		require.Equal(t, true, child["isVerified"], root)
		require.Equal(t, false, child["isRoot"], root)
		require.Equal(t, kind, child["authenticationType"], "it has its root's")
		require.Equal(t, root, g.get("domains/child."+root+"/rootDomain").must(t, 200).Body["id"])
	}
	g.post("domains", map[string]any{"id": "below.new.example"}).must(t, 201)
	require.Equal(t, true, g.get("domains/below.new.example").Body["isRoot"], "nothing verified is above it")
	require.True(t, domainOf(t, g.tenant, "below.new.example").Unverified)
}

func TestRulesOfDomains(t *testing.T) {
	const patch, post, remove, get = "PATCH", "POST", "DELETE", "GET"
	id := func(name string, pairs ...any) map[string]any {
		body := map[string]any{"id": name}
		for i := 0; i < len(pairs); i += 2 {
			body[pairs[i].(string)] = pairs[i+1]
		}
		return body
	}
	federated, managed := map[string]any{"authenticationType": "Federated"}, map[string]any{"authenticationType": "Managed"}
	for _, rule := range []struct {
		name, method, path string
		body               any
		status             int
		message            string
	}{
		{"a domain is not created federated", post, "domains", id("x.example", "authenticationType", "Federated"), 400,
			"Creation of federated domain is not allowed."},
		{"nor is a child of a federated one", post, "domains", id("x.contoso.com", "authenticationType", "Federated"), 400,
			"Creation of federated domain is not allowed."},
		{"a child of a federated domain is not managed", post, "domains",
			id("x.contoso.com", "authenticationType", "Managed"), 400, "One or more properties contains invalid values."},
		{"a child of a managed domain may be", post, "domains", id("x.fabrikam.com", "authenticationType", "Managed"), 201, ""},
		{"a domain is there once", post, "domains", id("CONTOSO.com"), 400, ""},
		{"a domain has a name", post, "domains", map[string]any{}, 400, ""},
		{"a domain's name is one", post, "domains", id("contoso"), 400,
			"Invalid value specified for property 'id' of resource 'Domain'."},
		{"a new domain is not the default", post, "domains", id("x.example", "isDefault", true), 400, ""},
		{"nobody says that a domain is verified", post, "domains", id("x.example", "isVerified", true), 400,
			"Property 'isVerified' is read-only and cannot be set."},
		{"a domain has no other properties", post, "domains", id("x.example", "owner", "x"), 400,
			"Property 'owner' does not exist as a declared property or extension property."},
		{"a domain is written in JSON", post, "domains", "{", 400, ""},

		{"a domain is not made federated", patch, "domains/fabrikam.com", federated, 400,
			"Changing authenticationType from Managed to Federated is currently not supported."},
		{"a federated one can be told so", patch, "domains/contoso.com", federated, 204, ""},
		{"a child cannot be made managed", patch, "domains/hr.contoso.com", managed, 400,
			"One or more properties contains invalid values."},
		{"an authentication is known", patch, "domains/fabrikam.com", map[string]any{"authenticationType": "managed"}, 400,
			"Invalid value specified for property 'authenticationType' of resource 'Domain'."},
		{"an authentication is not null", patch, "domains/fabrikam.com", map[string]any{"authenticationType": nil}, 400, ""},
		{"a federated domain is not the default", patch, "domains/contoso.com", map[string]any{"isDefault": true}, 400,
			"Domain authentication type must be Managed to become default"},
		{"nor is its child", patch, "domains/hr.contoso.com", map[string]any{"isDefault": true}, 400,
			"Domain authentication type must be Managed to become default"},
		{"there is always a default", patch, "domains/default.example", map[string]any{"isDefault": false}, 400, ""},
		{"an unverified domain is not changed", patch, "domains/new.example", map[string]any{"isDefault": true}, 400,
			"Only verified domains can be updated."},
		{"a service is known", patch, "domains/fabrikam.com", map[string]any{"supportedServices": []string{"Mail"}}, 400, ""},
		{"days are a number", patch, "domains/fabrikam.com", map[string]any{"passwordValidityPeriodInDays": "90"}, 400, ""},
		{"and positive", patch, "domains/fabrikam.com", map[string]any{"passwordValidityPeriodInDays": 0}, 400, ""},
		{"and whole", patch, "domains/fabrikam.com", map[string]any{"passwordValidityPeriodInDays": 1.5}, 400, ""},
		{"a domain is not renamed", patch, "domains/fabrikam.com", id("x.example"), 400, ""},
		{"only a domain of the tenant is changed", patch, "domains/x.example", managed, 404, notFound("x.example")},
		{"a domain's change is JSON", patch, "domains/fabrikam.com", "{", 400, ""},

		{"the initial domain stays", remove, "domains/contoso.onmicrosoft.com", nil, 400, ""},
		{"the default domain stays", remove, "domains/default.example", nil, 400, ""},
		{"a domain with users stays", remove, "domains/fabrikam.com", nil, 400, ""},
		{"a domain with children stays", remove, "domains/contoso.com", nil, 400, ""},
		{"a domain without any goes", remove, "domains/sub.fabrikam.com", nil, 204, ""},
		{"an unverified domain goes", remove, "domains/new.example", nil, 204, ""},
		{"no other domain goes", remove, "domains/x.example", nil, 404, notFound("x.example")},

		{"an unverified domain is not promoted", post, "domains/new.example/promote", nil, 400,
			"Unverified domains can't be promoted."},
		{"a root is not promoted", post, "domains/fabrikam.com/promote", nil, 400, ""},
		{"no other domain is promoted", post, "domains/x.example/promote", nil, 404, notFound("x.example")},

		{"verification has known parameters", post, "domains/new.example/verify", map[string]any{"force": true}, 400, ""},
		{"of a known type", post, "domains/new.example/verify", map[string]any{"forceTakeover": "yes"}, 400, ""},
		{"no other domain is verified", post, "domains/x.example/verify", nil, 404, notFound("x.example")},
		{"no other domain has records", get, "domains/x.example/verificationDnsRecords", nil, 404, notFound("x.example")},
		{"a root has no root", get, "domains/fabrikam.com/rootDomain", nil, 404, ""},
		{"no other domain has a root", get, "domains/x.example/rootDomain", nil, 404, notFound("x.example")},
		{"what refers to a federated domain is not listed", get, "domains/contoso.com/domainNameReferences", nil, 400,
			"This API is not supported for federated domains."},
		{"nor to its child", get, "domains/hr.contoso.com/domainNameReferences", nil, 400,
			"This API is not supported for federated domains."},
		{"no other domain has references", get, "domains/x.example/domainNameReferences", nil, 404, notFound("x.example")},
		{"references have known properties", get, "domains/fabrikam.com/domainNameReferences?$select=x", nil, 400, ""},
		{"and pages", get, "domains/fabrikam.com/domainNameReferences?$top=0", nil, 400, ""},
		{"a federation has known properties", get, "domains/contoso.com/federationConfiguration?$select=x", nil, 400, ""},
		{"no other domain has a federation", get, "domains/x.example/federationConfiguration/1", nil, 404,
			notFound("x.example")},
		{"a domain has known properties", get, "domains/fabrikam.com?$select=x", nil, 400, ""},
		{"domains have known properties", get, "domains?$select=x", nil, 400, ""},
		{"the root has known properties", get, "domains/hr.contoso.com/rootDomain?$select=x", nil, 400, ""},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, domainsConfig(t))
			before := g.tenant.Domains()
			answer := g.call(rule.method, rule.path, rule.body).must(t, rule.status)
			if rule.status < 300 {
				return
			}
			_, message := answer.Error()
			require.NotEmpty(t, message)
			if rule.message != "" {
				require.Equal(t, rule.message, message)
			}
			require.Equal(t, before, g.tenant.Domains(), "nothing has changed")
		})
	}
}

func TestADomainIsChanged(t *testing.T) {
	g, _ := callGraph(t, domainsConfig(t))
	g.patch("domains/fabrikam.com", map[string]any{
		"isDefault": true, "supportedServices": []string{"Email", "Intune"}, "passwordValidityPeriodInDays": 90,
		"passwordNotificationWindowInDays": 7, "authenticationType": "Managed",
	}).must(t, 204)
	got := g.get("domains/fabrikam.com?$select=isDefault,supportedServices,passwordValidityPeriodInDays,"+
		"passwordNotificationWindowInDays").must(t, 200).Body
	delete(got, "@odata.context")
	require.Equal(t, map[string]any{
		"isDefault": true, "supportedServices": []any{"Email", "Intune"}, "passwordValidityPeriodInDays": 90.0,
		"passwordNotificationWindowInDays": 7.0,
	}, got)
	require.Equal(t, false, g.get("domains/default.example").Body["isDefault"], "one is the default")
	g.delete("domains/default.example").must(t, 204)
	g.patch("domains/contoso.onmicrosoft.com", map[string]any{"isDefault": true}).must(t, 204)
	require.False(t, domainOf(t, g.tenant, "fabrikam.com").Default)
}

func TestAManagedDomainHasNoFederation(t *testing.T) {
	g, _ := callGraph(t, domainsConfig(t))
	g.patch("domains/contoso.com", map[string]any{"authenticationType": "Managed"}).must(t, 204)
	g.get("domains/contoso.com/federationConfiguration").must(t, 404)
	require.Equal(t, "Managed", g.get("domains/contoso.com").Body["authenticationType"])
	require.Equal(t, "Managed", g.get("domains/hr.contoso.com").Body["authenticationType"], "its child as well")
	require.Nil(t, domainOf(t, g.tenant, "contoso.com").Federation)
}

// Promotion makes the domain managed, whatever it was.
func TestPromotion(t *testing.T) {
	cfg := domainsConfig(t)
	cfg.Users = append(cfg.Users, entratest.User{UPN: "manager@hr.contoso.com", ImmutableID: "manager0001"})
	g, _ := callGraph(t, cfg)
	require.Equal(t, "Federated", g.get("domains/hr.contoso.com").Body["authenticationType"])
	g.post("domains/hr.contoso.com/promote", nil).
		mustRefuse(t, 400, "Request_BadRequest", "Promoting a subdomain with user references isn't allowed.")
	g.patch("users/manager@hr.contoso.com", map[string]any{"userPrincipalName": "manager@contoso.com"}).must(t, 204)
	answer := g.post("domains/hr.contoso.com/promote", nil).must(t, 200)
	require.Equal(t, map[string]any{
		"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean", "value": true,
	}, answer.Body)
	child := g.get("domains/hr.contoso.com").Body
	require.Equal(t, "Managed", child["authenticationType"])
	require.Equal(t, true, child["isRoot"])
	require.True(t, domainOf(t, g.tenant, "hr.contoso.com").Promoted)
	require.Equal(t, "Federated", g.get("domains/contoso.com").Body["authenticationType"])
	g.patch("domains/hr.contoso.com", map[string]any{"isDefault": true}).must(t, 204)
}

func TestReferencesOfADomain(t *testing.T) {
	cfg := domainsConfig(t)
	cfg.Users = append(cfg.Users,
		entratest.User{UPN: "a@default.example", ProxyAddresses: []string{"smtp:a@fabrikam.com"}},
		entratest.User{UPN: "b@default.example", Mail: "b@FABRIKAM.com"},
		entratest.User{UPN: "c@default.example"},
		entratest.User{UPN: "gone@fabrikam.com"})
	g, _ := callGraph(t, cfg)
	g.delete("users/gone@fabrikam.com").must(t, 204)
	path := "domains/fabrikam.com/domainNameReferences?$select=userPrincipalName&$top=2"
	first := g.get(path).must(t, 200)
	next := first.Body["@odata.nextLink"].(string)
	second := g.get(next[len("https://graph.microsoft.com/v1.0/"):]).must(t, 200)
	require.Equal(t, []string{"operator@fabrikam.com", "a@default.example", "b@default.example"},
		append(first.Column("userPrincipalName"), second.Column("userPrincipalName")...))
	require.Equal(t, "#microsoft.graph.user", first.Values()[0]["@odata.type"])
	require.Empty(t, g.get("domains/new.example/domainNameReferences").must(t, 200).Values())
}

func TestDomainsAreExportedAsTheyCanBeConfigured(t *testing.T) {
	cfg := domainsConfig(t)
	cfg.Domains[4].Promoted = false
	cfg.Domains = append(cfg.Domains, entratest.Domain{Name: "own.fabrikam.com", Promoted: true})
	g, _ := callGraph(t, cfg)
	exported := g.tenant.Domains()
	again, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone, Domains: exported})
	require.Equal(t, exported, again.tenant.Domains())
	require.Equal(t, "contoso.com", exported[0].Name)
	require.Equal(t, contosoIssuer, exported[0].Federation.Issuer)
	require.Nil(t, exported[1].Federation, "a child has none of its own")
	exported[0].Federation.Certificates[0] = nil
	require.NotNil(t, g.tenant.Domains()[0].Federation.Certificates[0], "it is a copy")
}

func TestTwoWritesOfADomainAtOnce(t *testing.T) {
	g, _ := callGraph(t, domainsConfig(t))
	item := func(id string) map[string]any {
		return map[string]any{"id": id, "method": "PATCH", "url": "/domains/fabrikam.com",
			"headers": map[string]any{"Content-Type": "application/json"}, "body": map[string]any{"isDefault": true}}
	}
	answer := g.post("$batch", map[string]any{"requests": []any{item("1"), item("2")}}).must(t, 200)
	statuses := map[any]int{}
	for _, r := range answer.Body["responses"].([]any) {
		statuses[r.(map[string]any)["status"]]++
	}
	require.Equal(t, map[any]int{204.0: 1, 409.0: 1}, maps.Clone(statuses))
}
