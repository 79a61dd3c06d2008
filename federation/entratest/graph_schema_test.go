package entratest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

func TestLengthsOfUserProperties(t *testing.T) {
	for property, length := range map[string]int{
		"displayName": 256, "givenName": 64, "surname": 64, "jobTitle": 128, "mobilePhone": 64, "city": 128, "state": 128,
		"country": 128, "postalCode": 40, "streetAddress": 1024, "department": 64, "companyName": 64, "mailNickname": 64,
		"employeeId": 16,
	} {
		t.Run(property, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			fits := strings.Repeat("x", length)
			id := g.post("users", userBody("ada", property, fits)).must(t, 201).Body["id"].(string)
			require.Equal(t, fits, g.get("users/" + id + "?$select=" + property).Body[property])
			g.patch("users/"+id, map[string]any{property: fits + "x"}).mustRefuse(t, 400, "Request_BadRequest",
				"Invalid value specified for property '"+property+"' of resource 'User'.")
			require.Equal(t, fits, g.get("users/" + id + "?$select=" + property).Body[property])
		})
	}
}

func TestUserProperties(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	body := map[string]any{
		"department": "R&D", "companyName": "Partner", "city": "Bonn", "state": "NRW", "country": "Germany",
		"postalCode": "53111", "streetAddress": "Markt 2", "officeLocation": "1.23", "mobilePhone": "+49 171 1",
		"businessPhones": []any{"+49 228 1"}, "employeeId": "4711", "employeeType": "Contractor",
		"preferredLanguage": "de-DE", "jobTitle": "Engineer", "otherMails": []any{"ada@example.org"}, "faxNumber": "+49 228 2",
		"showInAddressList": false, "ageGroup": "Adult", "consentProvidedForMinor": nil,
		"employeeOrgData":               map[string]any{"costCenter": "12", "division": "East"},
		"onPremisesExtensionAttributes": map[string]any{"extensionAttribute1": "one"},
		"employeeHireDate":              "2026-03-01T00:00:00Z",
	}
	id := g.create(userBody("ada"))
	g.patch("users/"+id, body).must(t, 204)
	for property, want := range body {
		require.Equal(t, want, g.get("users/"+id+"?$select="+property).must(t, 200).Body[property], property)
	}
	g.patch("users/"+id, map[string]any{"onPremisesExtensionAttributes": map[string]any{"extensionAttribute2": "two"},
		"employeeHireDate": "2026-03-01T02:00:00+02:00"}).must(t, 204)
	user := g.get("users/" + id + "?$select=onPremisesExtensionAttributes,employeeHireDate").Body
	require.Equal(t, map[string]any{"extensionAttribute1": "one", "extensionAttribute2": "two"},
		user["onPremisesExtensionAttributes"], "one attribute leaves the others")
	require.Equal(t, "2026-03-01T00:00:00Z", user["employeeHireDate"])
	g.patch("users/"+id, map[string]any{"otherMails": []any{}, "businessPhones": []any{}}).must(t, 204)
	require.Empty(t, g.get("users/" + id).Body["businessPhones"])
}

func TestUserPropertyRefusals(t *testing.T) {
	for _, rule := range []struct {
		name     string
		property string
		value    any
	}{
		{"one business phone", "businessPhones", []any{"1", "2"}},
		{"a business phone of 65 characters", "businessPhones", []any{strings.Repeat("1", 65)}},
		{"other mails are addresses", "otherMails", []any{"ada"}},
		{"without accents", "otherMails", []any{"adá@example.net"}},
		{"nor has mail", "mail", "adá@example.net"},
		{"an age group that does not exist", "ageGroup", "Old"},
		{"an extension attribute that does not exist", "onPremisesExtensionAttributes",
			map[string]any{"extensionAttribute16": "x"}},
		{"an extension attribute that is no text", "onPremisesExtensionAttributes",
			map[string]any{"extensionAttribute1": 1}},
		{"organization data that does not exist", "employeeOrgData", map[string]any{"room": "x"}},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			id := g.create(userBody("ada"))
			answer := g.patch("users/"+id, map[string]any{rule.property: rule.value})
			answer.mustRefuse(t, 400, "Request_BadRequest",
				"Invalid value specified for property '"+rule.property+"' of resource 'User'.")
		})
	}
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	id := g.create(userBody("ada"))
	g.patch("users/"+id, map[string]any{"employeeHireDate": "yesterday"}).mustRefuse(t, 400, "BadRequest",
		"Cannot convert a value of the request payload to the expected type 'Edm.DateTimeOffset'.")
	g.patch("users/"+id, map[string]any{"proxyAddresses": []any{"smtp:x@contoso.com"}}).mustRefuse(t, 400,
		"Request_BadRequest", "Property 'proxyAddresses' is read-only and cannot be set.")
}

func TestAddresses(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone, Users: []entratest.User{
		{UPN: "bob@contoso.com", Mail: "bob@example.net", ProxyAddresses: []string{"smtp:alias@example.net"}},
	}})
	proxies := func(user string) any {
		return g.get("users/" + user + "?$select=proxyAddresses").Body["proxyAddresses"]
	}
	require.Equal(t, []any{"SMTP:bob@example.net", "smtp:alias@example.net"}, proxies("bob@contoso.com"))
	ada := g.create(userBody("ada", "mail", "ada@example.net"))
	require.Equal(t, []any{"SMTP:ada@example.net"}, proxies(ada))
	g.patch("users/"+ada, map[string]any{"mail": "lovelace@example.net"}).must(t, 204)
	require.Equal(t, []any{"SMTP:lovelace@example.net", "smtp:ada@example.net"}, proxies(ada), "the old address stays")
	g.patch("users/"+ada, map[string]any{"mail": "Ada@example.net"}).must(t, 204)
	require.Equal(t, []any{"SMTP:Ada@example.net", "smtp:lovelace@example.net"}, proxies(ada))

	for _, taken := range []string{"bob@example.net", "Alias@example.net", "ALIAS@EXAMPLE.NET"} {
		answer := g.patch("users/"+ada, map[string]any{"mail": taken})
		answer.mustRefuse(t, 400, "Request_BadRequest", conflict("proxyAddresses"))
		require.Equal(t, "proxyAddresses", answer.Targets()["ObjectConflict"])
	}
	g.patch("users/bob@contoso.com", map[string]any{"mail": "lovelace@example.net"}).
		mustRefuse(t, 400, "Request_BadRequest", conflict("proxyAddresses")) // an address that is secondary
	g.patch("users/bob@contoso.com", map[string]any{"otherMails": []any{"ada@example.net"}}).must(t, 204)
	g.patch("users/"+ada, map[string]any{"mail": nil}).must(t, 204)
	require.Equal(t, []any{"smtp:lovelace@example.net"}, proxies(ada))
	g.patch("users/bob@contoso.com", map[string]any{"mail": "ada@example.net"}).must(t, 204)
}

func TestAClashThatWasThereBeforeStopsEveryChange(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone, Users: []entratest.User{
		{UPN: "ada@contoso.com", ProxyAddresses: []string{"smtp:both@example.net"}},
		{UPN: "bob@contoso.com", ProxyAddresses: []string{"smtp:both@example.net"}},
	}})
	g.patch("users/ada@contoso.com", map[string]any{"usageLocation": "DE"}).
		mustRefuse(t, 400, "Request_BadRequest", conflict("proxyAddresses"))
}

func TestUsersWithAnAdministratorsRole(t *testing.T) {
	ordinary, powerful := entratest.DefaultApp(), entratest.DefaultApp()
	powerful.ClientID, powerful.AdminRole = "11111111-2222-4333-8444-666666666666", true
	cfg := entratest.Config{Lag: entratest.LagNone, Apps: []entratest.App{ordinary, powerful},
		Users: []entratest.User{{UPN: "admin@contoso.com", AdminRole: true, UsageLocation: "DE", Enabled: true}}}
	const path = "users/admin@contoso.com"
	g, _ := callGraph(t, cfg)
	const denied = "Insufficient privileges to complete the operation."
	g.patch(path, map[string]any{"city": "Bonn"}).mustRefuse(t, 403, "Authorization_RequestDenied", denied)
	g.delete(path).mustRefuse(t, 403, "Authorization_RequestDenied", denied)
	g.get(path).must(t, 200)
	g.post(path+"/assignLicense", assigning(skuStandardPack)).must(t, 200)
	require.True(t, g.tenant.Users()[0].AdminRole)

	g.as(powerful)
	g.patch(path, map[string]any{"city": "Bonn"}).must(t, 204)
	id := g.get(path).Body["id"].(string)
	g.delete(path).must(t, 204)
	g.as(ordinary)
	g.post("directory/deletedItems/"+id+"/restore", nil).mustRefuse(t, 403, "Authorization_RequestDenied", denied)
	g.delete("directory/deletedItems/"+id).mustRefuse(t, 403, "Authorization_RequestDenied", denied)
	g.as(powerful)
	g.post("directory/deletedItems/"+id+"/restore", nil).must(t, 200)
}
