package entratest_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/federation/entratest"
)

func realmTenant(t *testing.T) *entratest.Tenant {
	t.Helper()
	cfg := federatedConfig(t)
	wsfed := *cfg.Domains[0].Federation
	wsfed.Issuer, wsfed.Protocol = "https://id.fabrikam.com/", entratest.WSFed
	wsfed.SignInURL, wsfed.DisplayName = "https://id.fabrikam.com/wsfed?a=b", "Fabrikam"
	wsfed.MetadataExchangeURL, wsfed.ActiveSignInURL = "https://id.fabrikam.com/mex", "https://id.fabrikam.com/active"
	cfg.Domains = append(cfg.Domains, entratest.Domain{Name: "sub.contoso.com"},
		entratest.Domain{Name: "fabrikam.com", Federation: &wsfed}, entratest.Domain{Name: "managed.example"})
	return entratest.Start(t, cfg)
}

func TestUserRealm(t *testing.T) {
	tenant := realmTenant(t)
	global := func(pairs ...string) map[string]any {
		out := map[string]any{"ver": "1.0", "cloud_instance_name": "microsoftonline.com",
			"cloud_audience_urn": "urn:federation:MicrosoftOnline"}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i]] = pairs[i+1]
		}
		return out
	}
	for _, rule := range []struct {
		name, upn string
		want      map[string]any
	}{
		{"SAML", "ada@contoso.com", global("account_type", "Federated", "domain_name", "contoso.com",
			"federation_protocol", "SAMLP", "federation_metadata_url", "", "federation_active_auth_url", "")},
		{"a child domain", "ada@Sub.Contoso.com", global("account_type", "Federated", "domain_name", "sub.contoso.com",
			"federation_protocol", "SAMLP", "federation_metadata_url", "", "federation_active_auth_url", "")},
		{"WS-Federation", "ada@fabrikam.com", global("account_type", "Federated", "domain_name", "fabrikam.com",
			"federation_protocol", "WSTrust", "federation_metadata_url", "https://id.fabrikam.com/mex",
			"federation_active_auth_url", "https://id.fabrikam.com/active")},
		{"managed", "ada@managed.example", global("account_type", "Managed", "domain_name", "managed.example")},
		{"not the tenant's", "ada@example.net", global("account_type", "Unknown")},
	} {
		t.Run(rule.name, func(t *testing.T) {
			res, err := tenant.Client().Get(loginOrigin + "common/UserRealm/" + url.PathEscape(rule.upn) + "?api-version=1.0")
			require.NoError(t, err)
			defer res.Body.Close()
			var got map[string]any
			require.NoError(t, json.NewDecoder(res.Body).Decode(&got))
			require.Equal(t, rule.want, got)
		})
	}
}

func TestLegacyUserRealm(t *testing.T) {
	client := realmTenant(t).Client()
	read := func(res *http.Response, err error) map[string]any {
		t.Helper()
		require.NoError(t, err)
		defer res.Body.Close()
		var got map[string]any
		require.NoError(t, json.NewDecoder(res.Body).Decode(&got))
		return got
	}
	federated := read(client.Get(loginOrigin + "GetUserRealm.srf?login=ada@contoso.com"))
	require.Equal(t, map[string]any{
		"State": 3.0, "UserState": 2.0, "Login": "ada@contoso.com", "NameSpaceType": "Federated",
		"DomainName": "contoso.com", "IsFederatedNS": true, "FederationBrandName": "contoso.com",
		"AuthURL": "https://id.contoso.com/sso", "CloudInstanceName": "microsoftonline.com",
		"CloudInstanceIssuerUri": "urn:federation:MicrosoftOnline",
	}, federated)
	posted := read(client.PostForm(loginOrigin+"getuserrealm.srf", url.Values{"login": {"ada@fabrikam.com"}}))
	require.Equal(t, "Fabrikam", posted["FederationBrandName"])
	address, err := url.Parse(posted["AuthURL"].(string))
	require.NoError(t, err)
	require.Equal(t, "ada@fabrikam.com", address.Query().Get("username"))
	require.Equal(t, "urn:federation:MicrosoftOnline", address.Query().Get("wtrealm"))
	require.Equal(t, "b", address.Query().Get("a"))
	require.Equal(t, "Managed", read(client.Get(loginOrigin + "GetUserRealm.srf?login=ada@managed.example"))["NameSpaceType"])
	require.Equal(t, "Unknown", read(client.Get(loginOrigin + "GetUserRealm.srf"))["NameSpaceType"])
	require.Equal(t, "Federated", read(client.Get(loginOrigin + "common/userrealm/?user=ada@contoso.com"))["NameSpaceType"])

	res, err := client.Get(loginOrigin + "GetUserRealm.srf?login=ada@contoso.com&xml=1")
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	var answer struct {
		XMLName       xml.Name `xml:"RealmInfo"`
		Success       bool     `xml:"Success,attr"`
		NameSpaceType string
	}
	require.NoError(t, xml.Unmarshal(raw, &answer), string(raw))
	require.True(t, answer.Success)
	require.Equal(t, "Federated", answer.NameSpaceType)
}

func TestRealmNamesTheCloud(t *testing.T) {
	government := entrafed.USGovernmentHigh()
	government.Audience = "urn:federation:test"
	tenant := entratest.Start(t, entratest.Config{Cloud: government})
	res, err := tenant.Client().Get("https://login.microsoftonline.us/common/UserRealm/a@contoso.com?api-version=1.0")
	require.NoError(t, err)
	defer res.Body.Close()
	var got map[string]any
	require.NoError(t, json.NewDecoder(res.Body).Decode(&got))
	require.Equal(t, "microsoftonline.us", got["cloud_instance_name"])
	require.Equal(t, "urn:federation:test", got["cloud_audience_urn"])
}

func TestFederate(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone, Domains: []entratest.Domain{
		{Name: "contoso.com"}, {Name: "sub.contoso.com"}, {Name: "fabrikam.com"},
		{Name: "default.example", Default: true}, {Name: "new.example", Unverified: true},
	}})
	federation := *someFederation(t)
	require.NoError(t, g.tenant.Federate("Contoso.com", federation))
	require.Equal(t, "Federated", g.get("domains/contoso.com").Body["authenticationType"])
	require.Equal(t, "Federated", g.get("domains/sub.contoso.com").Body["authenticationType"])
	first := g.get("domains/contoso.com/federationConfiguration").Values()[0]

	federation.SignInURL = "https://id.contoso.com/other"
	require.NoError(t, g.tenant.Federate("contoso.com", federation))
	second := g.get("domains/contoso.com/federationConfiguration").Values()[0]
	require.Equal(t, "https://id.contoso.com/other", second["passiveSignInUri"])
	require.Equal(t, first["id"], second["id"], "it is replaced, not added")

	for _, rule := range []struct {
		name, domain string
		change       func(f *entratest.Federation)
		want         string
	}{
		{"an unknown domain", "example.net", nil, "not a domain of the tenant"},
		{"the initial domain", "contoso.onmicrosoft.com", nil, "initial domain"},
		{"the default domain", "default.example", nil, "default domain"},
		{"a child domain", "sub.contoso.com", nil, "parent domain"},
		{"an unverified domain", "new.example", nil, "not verified"},
		{"an issuer in use", "fabrikam.com", nil, "already the issuer of contoso.com"},
		{"an issuer that is no URI", "fabrikam.com", func(f *entratest.Federation) { f.Issuer = "id.fabrikam.com" },
			"is not a URI"},
		{"no certificate", "fabrikam.com", func(f *entratest.Federation) { f.Certificates = nil }, "Certificates"},
	} {
		t.Run(rule.name, func(t *testing.T) {
			federation := federation
			if rule.change != nil {
				rule.change(&federation)
			}
			require.ErrorContains(t, g.tenant.Federate(rule.domain, federation), rule.want)
		})
	}
}
