package entratest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// validating is a body that sets the policy to one of the kinds, with the domains that it enumerates.
func validating(kind string, domains ...any) map[string]any {
	body := map[string]any{"@odata.type": "#microsoft.graph.allDomains", "rootDomains": kind}
	if len(domains) > 0 {
		body["@odata.type"], body["domainNames"] = "#microsoft.graph.enumeratedDomains", domains
	}
	return map[string]any{"validatingDomains": body}
}

func TestTheTokenValidationPolicyIsShown(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	first := g.get(policyPath).must(t, 200).Body
	require.Regexp(t, "^"+aGUID+"$", first["id"])
	require.Equal(t, map[string]any{"@odata.type": "#microsoft.graph.allDomains", "rootDomains": "all"},
		first["validatingDomains"])
	for _, body := range []map[string]any{
		validating("none"), validating("allFederated"), validating("allManaged"), validating("all"),
		validating("enumerated", "fabrikam.com", "contoso.com"),
		validating("allManagedAndEnumeratedFederated", "fabrikam.com"),
	} {
		require.Empty(t, g.put(policyPath, body).must(t, 204).Body)
		require.Equal(t, body["validatingDomains"], g.get(policyPath + "?$select=validatingDomains").Body["validatingDomains"])
	}
	g.get(policyPath+"?$select=x").must(t, 400)
	require.NoError(t, g.tenant.SetSignInPolicy(entratest.SignInPolicy{}))
	require.Equal(t, first, g.get(policyPath).Body, "it is the one of the sign-in policy")
}

func TestRulesOfTheTokenValidationPolicy(t *testing.T) {
	of := func(pairs ...any) map[string]any {
		domains := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			domains[pairs[i].(string)] = pairs[i+1]
		}
		return map[string]any{"validatingDomains": domains}
	}
	const all, some = "#microsoft.graph.allDomains", "#microsoft.graph.enumeratedDomains"
	for _, rule := range []struct {
		name string
		body any
	}{
		{"it is JSON", "{"},
		{"it says something", map[string]any{}},
		{"it is not null", map[string]any{"validatingDomains": nil}},
		{"it is an object", map[string]any{"validatingDomains": "none"}},
		{"it has a type", of("rootDomains", "none")},
		{"the type is known", of("@odata.type", "#microsoft.graph.validatingDomains", "rootDomains", "none")},
		{"the kind is there", of("@odata.type", all)},
		{"the kind is known", of("@odata.type", all, "rootDomains", "some")},
		{"the kind is not that of the future", of("@odata.type", all, "rootDomains", "unknownFutureValue")},
		{"the kind is of the type", of("@odata.type", all, "rootDomains", "enumerated")},
		{"and of the other type", of("@odata.type", some, "rootDomains", "all", "domainNames", []any{})},
		{"all domains have no names", of("@odata.type", all, "rootDomains", "all", "domainNames", []any{"x.example"})},
		{"enumerated ones have", of("@odata.type", some, "rootDomains", "enumerated")},
		{"the names are a list", of("@odata.type", some, "rootDomains", "enumerated", "domainNames", "x.example")},
		{"of domains", of("@odata.type", some, "rootDomains", "enumerated", "domainNames", []any{"x"})},
		{"there is nothing else in it", of("@odata.type", all, "rootDomains", "all", "x", 1)},
		{"nor beside it", map[string]any{"validatingDomains": validating("none")["validatingDomains"], "x": 1}},
		{"the id is Graph's", map[string]any{"validatingDomains": validating("none")["validatingDomains"], "id": "x"}},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			before := g.get(policyPath).Body
			code, message := g.put(policyPath, rule.body).must(t, 400).Error()
			require.NotEmpty(t, code)
			require.NotEmpty(t, message)
			require.Equal(t, before, g.get(policyPath).Body, "nothing has changed")
		})
	}
}

// Rule 12 goes by the root domain of the user's UPN.
func TestTheTokenValidationPolicyIsEnforced(t *testing.T) {
	t.Parallel()
	child := entratest.User{UPN: "operator@sub.managed.example.net", ImmutableID: "operator0002", Enabled: true}
	below := entratest.User{UPN: "partner@sub.fabrikam.com", ImmutableID: "partner0002", Enabled: true}
	const blocked = "AADSTS5000820"
	for _, rule := range []struct {
		name    string
		policy  map[string]any
		upn, id string
		want    string
	}{
		{"all: another realm", validating("all"), "partner@fabrikam.com", "partner0001", blocked},
		{"none: another realm", validating("none"), "partner@fabrikam.com", "partner0001", ""},
		{"allManaged: a managed domain", validating("allManaged"), "operator@managed.example.net", "operator0001", blocked},
		{"allFederated: a managed domain", validating("allFederated"), "operator@managed.example.net", "operator0001", ""},
		{"enumerated: the domain", validating("enumerated", "fabrikam.com"), "partner@fabrikam.com", "partner0001", blocked},
		{"enumerated: its root", validating("enumerated", "Fabrikam.com"), below.UPN, below.ImmutableID, blocked},
		{"enumerated: the child of a federated root", validating("enumerated", "sub.fabrikam.com"), below.UPN,
			below.ImmutableID, ""},
		{"enumerated: the root of a managed domain", validating("enumerated", "managed.example.net"), child.UPN,
			child.ImmutableID, blocked},
		{"enumerated: another", validating("enumerated", "contoso.com"), child.UPN, child.ImmutableID, ""},
	} {
		t.Run(rule.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *entratest.Config) {
				c.Domains = append(c.Domains, entratest.Domain{Name: "sub.managed.example.net"},
					entratest.Domain{Name: "sub.fabrikam.com"})
				c.Users = append(c.Users, child, below)
			})
			require.Equal(t, http.StatusNoContent, w.graph(t, http.MethodPut, policyPath, rule.policy))
			require.Equal(t, rule.want, w.signIn(t, func(d *draft) { d.upn, d.nameID = rule.upn, rule.id }))
		})
	}
}
