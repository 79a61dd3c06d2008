package entratest_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

const aGUID = `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`

func TestEveryAnswerHasGraphsHeaders(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	for name, answer := range map[string]graphAnswer{
		"success": g.get("users"), "refusal": g.get("users/nobody@contoso.com"),
	} {
		t.Run(name, func(t *testing.T) {
			h := answer.Header
			require.Regexp(t, "^"+aGUID+"$", h.Get("request-id"))
			require.Equal(t, h.Get("request-id"), h.Get("client-request-id"), "what the caller did not choose")
			require.Equal(t, "4.0", h.Get("OData-Version"))
			require.Equal(t, "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;"+
				"charset=utf-8", h.Get("Content-Type"))
			require.Equal(t, clockStart.Format(http.TimeFormat), h.Get("Date"), "the tenant's clock")
			require.Contains(t, h.Get("x-ms-ags-diagnostic"), "ServerInfo")
			require.NotEmpty(t, h.Get("x-ms-resource-unit"))
		})
	}
	g.header.Set("client-request-id", "chosen-by-the-caller")
	require.Equal(t, "chosen-by-the-caller", g.get("users").Header.Get("client-request-id"))
}

func TestErrorBody(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	g.header.Set("client-request-id", "chosen-by-the-caller")
	answer := g.get("users/nobody@contoso.com")
	require.Equal(t, map[string]any{"error": map[string]any{
		"code": "Request_ResourceNotFound",
		"message": "Resource 'nobody@contoso.com' does not exist or one of its queried reference-property objects are not " +
			"present.",
		"innerError": map[string]any{
			"date":              "2026-03-02T09:00:00",
			"request-id":        answer.Header.Get("request-id"),
			"client-request-id": "chosen-by-the-caller",
		},
	}}, answer.Body)
}

func TestResourceUnits(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone, Users: []entratest.User{{UPN: "ada@contoso.com"}}})
	for path, units := range map[string]string{
		"users":                                "2",
		"users?$select=id":                     "1",
		"users?$top=5":                         "1",
		"users?$top=5&$select=id":              "1",
		"users/ada@contoso.com":                "1",
		"users/ada@contoso.com/licenseDetails": "2",
		"subscribedSkus":                       "3",
		"domains":                              "1",
	} {
		require.Equal(t, units, g.get(path).Header.Get("x-ms-resource-unit"), path)
	}
}

func TestUnknownPaths(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	for _, rule := range []struct {
		method, path string
		status       int
		message      string
	}{
		{"GET", "robots", 400, "Resource not found for the segment 'robots'."},
		{"GET", "", 400, "Resource not found for the segment ''."},
		{"GET", "users/$count", 400, "Resource not found for the segment '$count'."},
		{"GET", "$batch", 405, "Specified HTTP method is not allowed for the request target."},
		{"GET", "users/x@contoso.com/directReports", 400, "Resource not found for the segment 'directReports'."},
		{"GET", "groups/delta", 400, "Resource not found for the segment 'delta'."},
		{"GET", "domains/contoso.com/robots/x", 400, "Resource not found for the segment 'robots'."},
		{"GET", "me", 400, "/me request is only valid with delegated authentication flow."},
		{"GET", "me/licenseDetails", 400, "/me request is only valid with delegated authentication flow."},
		{"GET", "users(onPremisesImmutableId='x')", 400,
			"Resource not found for the segment 'users(onPremisesImmutableId='x')'."},
		{"PUT", "users", 405, "Specified HTTP method is not allowed for the request target."},
		{"GET", "users/x/assignLicense", 405, "Specified HTTP method is not allowed for the request target."},
	} {
		t.Run(rule.method+" "+rule.path, func(t *testing.T) {
			answer := g.call(rule.method, rule.path, nil)
			_, message := answer.Error()
			require.Equal(t, rule.status, answer.Status)
			require.Equal(t, rule.message, message)
		})
	}
	req, err := http.NewRequest(http.MethodGet, "https://graph.microsoft.com/beta/users", nil)
	require.NoError(t, err)
	req.Header = g.headers()
	res, err := g.tenant.Client().Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusBadRequest, res.StatusCode, "there is no beta")
}

func TestAccessTokens(t *testing.T) {
	other, _ := callGraph(t, entratest.Config{Seed: 2})
	for _, rule := range []struct {
		name    string
		header  func(g *graphCaller, clock *entratest.Clock) string
		message string
	}{
		{"none", func(*graphCaller, *entratest.Clock) string { return "" }, "Access token is empty."},
		{"another scheme", func(g *graphCaller, _ *entratest.Clock) string { return "Basic " + g.token() },
			"Access token is empty."},
		{"nothing behind Bearer", func(*graphCaller, *entratest.Clock) string { return "Bearer " },
			"Access token is empty."},
		{"not a JWT", func(*graphCaller, *entratest.Clock) string { return "Bearer x" }, "IDX14100: JWT is not well formed."},
		{"changed", func(g *graphCaller, _ *entratest.Clock) string {
			parts := strings.Split(g.token(), ".")
			return "Bearer " + parts[0] + "." + parts[1] + "x." + parts[2]
		}, ""},
		{"of another tenant", func(*graphCaller, *entratest.Clock) string { return "Bearer " + other.token() },
			"Access token validation failure."},
		{"expired", func(g *graphCaller, clock *entratest.Clock) string {
			token := g.token()
			clock.Advance(time.Hour)
			return "Bearer " + token
		}, "Lifetime validation failed, the token is expired."},
		{"of the future", func(g *graphCaller, _ *entratest.Clock) string {
			later, _ := callGraph(t, entratest.Config{Clock: entratest.NewClock(clockStart.Add(time.Hour))})
			return "Bearer " + later.token()
		}, "Lifetime validation failed, the token is not yet valid."},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, clock := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			header := http.Header{}
			if value := rule.header(g, clock); value != "" {
				header.Set("Authorization", value)
			}
			answer, err := g.send(http.MethodGet, "users", nil, header)
			require.NoError(t, err)
			code, message := answer.Error()
			require.Equal(t, http.StatusUnauthorized, answer.Status)
			require.Equal(t, "InvalidAuthenticationToken", code)
			require.Contains(t, message, rule.message)
			require.Contains(t, answer.Header.Get("WWW-Authenticate"), "Bearer ")
		})
	}
}

func TestBasicReadersSeeBasicProperties(t *testing.T) {
	app := entratest.DefaultApp()
	app.Permissions = []string{"User.ReadBasic.All"}
	g, _ := callGraph(t, entratest.Config{
		Lag: entratest.LagNone, Apps: []entratest.App{app},
		Users: []entratest.User{{UPN: "ada@contoso.com", DisplayName: "Ada", Enabled: true}},
	})
	body := g.get("users/ada@contoso.com").Body
	require.Equal(t, "Ada", body["displayName"])
	require.NotContains(t, body, "jobTitle")
	require.Equal(t, http.StatusOK, g.filter("startswith(displayName,'A')").Status)
}

func TestDomains(t *testing.T) {
	cfg := federatedConfig(t)
	cfg.Domains = append(cfg.Domains, entratest.Domain{Name: "sub.contoso.com"},
		entratest.Domain{Name: "Fabrikam.com", Default: true})
	g, _ := callGraph(t, cfg)

	answer := g.get("domains?$select=id,authenticationType,isDefault,isInitial,isRoot,isVerified")
	domain := func(id, kind string, isDefault, initial, root bool) map[string]any {
		return map[string]any{"id": id, "authenticationType": kind, "isDefault": isDefault, "isInitial": initial,
			"isRoot": root, "isVerified": true}
	}
	require.Equal(t, []map[string]any{
		domain("contoso.onmicrosoft.com", "Managed", false, true, true),
		domain("contoso.com", "Federated", false, false, true),
		domain("sub.contoso.com", "Federated", false, false, false),
		domain("fabrikam.com", "Managed", true, false, true),
	}, answer.Values())
	require.Equal(t, "fabrikam.com", g.get("domains/FABRIKAM.com").Body["id"])
	require.Equal(t, http.StatusNotFound, g.get("domains/example.net").Status)
	require.Equal(t, http.StatusBadRequest, g.get("domains?$select=x").Status)

	organization := g.get("organization").Values()[0]
	require.Equal(t, g.tenant.Config().TenantID, organization["id"])
	require.Len(t, organization["verifiedDomains"], 4)
	require.Equal(t, map[string]any{"capabilities": "Email, OfficeCommunicationsOnline", "isDefault": false,
		"isInitial": false, "name": "contoso.com", "type": "Federated"}, organization["verifiedDomains"].([]any)[1])
	tenantID := g.tenant.Config().TenantID
	require.Equal(t, tenantID, g.get("organization/" + tenantID + "?$select=id").Body["id"])
	require.Equal(t, http.StatusNotFound, g.get("organization/11111111-1111-4111-8111-111111111111").Status)
}

func TestFederationConfiguration(t *testing.T) {
	cfg := federatedConfig(t)
	federation := cfg.Domains[0].Federation
	federation.Certificates = append(federation.Certificates, federation.Certificates[0])
	federation.MFABehavior = entratest.EnforceMFA
	cfg.Domains = append(cfg.Domains, entratest.Domain{Name: "sub.contoso.com"}, entratest.Domain{Name: "fabrikam.com"})
	g, _ := callGraph(t, cfg)

	list := g.get("domains/contoso.com/federationConfiguration")
	require.Equal(t, "https://graph.microsoft.com/v1.0/$metadata#domains('contoso.com')/federationConfiguration",
		list.Body["@odata.context"])
	require.Len(t, list.Values(), 1)
	got := list.Values()[0]
	require.Regexp(t, regexp.MustCompile("^"+aGUID+"$"), got["id"])
	require.Equal(t, "https://id.contoso.com/entra", got["issuerUri"])
	require.Equal(t, "https://id.contoso.com/sso", got["passiveSignInUri"])
	require.Equal(t, "https://id.contoso.com/logout", got["signOutUri"])
	require.Equal(t, "saml", got["preferredAuthenticationProtocol"], "SAML unless it says otherwise")
	require.Equal(t, "enforceMfaByFederatedIdp", got["federatedIdpMfaBehavior"])
	require.Equal(t, false, got["isSignedAuthenticationRequestRequired"])
	require.Nil(t, got["displayName"])
	require.NotEmpty(t, got["signingCertificate"])
	require.Equal(t, got["signingCertificate"], got["nextSigningCertificate"])

	one := g.get("domains/contoso.com/federationConfiguration/" + got["id"].(string) + "?$select=issuerUri")
	require.Equal(t, "https://id.contoso.com/entra", one.Body["issuerUri"])
	for _, path := range []string{
		"domains/contoso.com/federationConfiguration/11111111-1111-4111-8111-111111111111",
		"domains/fabrikam.com/federationConfiguration",
		"domains/sub.contoso.com/federationConfiguration",
		"domains/example.net/federationConfiguration",
	} {
		require.Equal(t, http.StatusNotFound, g.get(path).Status, path)
	}
	_, message := g.get("domains/fabrikam.com/federationConfiguration").Error()
	require.Equal(t, "Resource 'federationConfiguration' does not exist or one of its queried reference-property objects "+
		"are not present.", message)
}

func TestGraphCallsAreRemembered(t *testing.T) {
	g, clock := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	g.header.Set("client-request-id", "mine")
	g.get("users/nobody@contoso.com?$select=id")
	clock.Advance(time.Second)
	g.create(userBody("ada"))
	calls := g.tenant.GraphCalls()
	require.Len(t, calls, 2)
	require.Equal(t, "GET", calls[0].Method)
	require.Equal(t, "/v1.0/users/nobody@contoso.com", calls[0].Path)
	require.Equal(t, "id", calls[0].Query.Get("$select"))
	require.Equal(t, http.StatusNotFound, calls[0].Status)
	require.Equal(t, "mine", calls[0].ClientRequestID)
	require.Equal(t, entratest.DefaultApp().ClientID, calls[0].ClientID)
	require.Equal(t, clockStart.Add(time.Second), calls[1].Time)
	require.Equal(t, http.StatusCreated, calls[1].Status)
}
