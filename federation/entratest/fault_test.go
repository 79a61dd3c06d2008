package entratest_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

func TestFaultsAnswerInGraphsForm(t *testing.T) {
	for _, rule := range []struct {
		name          string
		fault         entratest.Fault
		code, message string
	}{
		{"400", entratest.Fault{Status: 400}, "Request_BadRequest", "One or more properties contains invalid values."},
		{"401", entratest.Fault{Status: 401}, "InvalidAuthenticationToken",
			"Lifetime validation failed, the token is expired."},
		{"403", entratest.Fault{Status: 403}, "Authorization_RequestDenied",
			"Insufficient privileges to complete the operation."},
		{"404", entratest.Fault{Status: 404}, "Request_ResourceNotFound", ""},
		{"409", entratest.Fault{Status: 409}, "Directory_ConcurrencyViolation", ""},
		{"429", entratest.Fault{Status: 429}, "TooManyRequests", "Too many requests."},
		{"500", entratest.Fault{Status: 500}, "Service_InternalServerError", ""},
		{"502", entratest.Fault{Status: 502}, "UnknownError", "Bad Gateway"},
		{"503", entratest.Fault{Status: 503}, "ServiceUnavailable", ""},
		{"504", entratest.Fault{Status: 504}, "UnknownError", "Gateway Timeout"},
		{"chosen", entratest.Fault{Status: 400, Code: "Request_BadRequest",
			Message: "One or more property values specified are invalid."}, "Request_BadRequest",
			"One or more property values specified are invalid."},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			g.tenant.Inject(rule.fault)
			answer := g.call(http.MethodGet, "users", nil)
			code, message := answer.Error()
			require.Equal(t, rule.fault.Status, answer.Status)
			require.Equal(t, rule.code, code)
			require.Contains(t, message, rule.message)
			require.NotEmpty(t, answer.Header.Get("request-id"))
			require.Equal(t, http.StatusOK, g.get("users").Status, "a fault applies once")
		})
	}
}

func TestThrottling(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	tenantID, app := g.tenant.Config().TenantID, entratest.DefaultApp().ClientID
	g.tenant.Inject(entratest.Fault{Path: "/v1.0/*", Status: 429, RetryAfter: "7", Times: 2})
	g.tenant.Inject(entratest.Fault{Path: "/v1.0/*", Status: 429})

	read := g.get("users").Header
	require.Equal(t, "7", read.Get("Retry-After"))
	require.Equal(t, "Tenant_Application/Read/"+app+"/"+tenantID, read.Get("x-ms-throttle-scope"))
	require.Equal(t, "ResourceUnitLimitExceeded", read.Get("x-ms-throttle-information"))
	write := g.post("users", userBody("ada")).Header
	require.Equal(t, "Tenant_Application/Write/"+app+"/"+tenantID, write.Get("x-ms-throttle-scope"))
	require.Equal(t, "WriteLimitExceeded", write.Get("x-ms-throttle-information"))
	require.Empty(t, g.get("users").Header.Values("Retry-After"), "it can be absent")
	require.Empty(t, g.tenant.Users())
}

func TestFaultsMatch(t *testing.T) {
	for _, rule := range []struct {
		name  string
		fault entratest.Fault
		fails map[string]bool // method and path
	}{
		{"a method", entratest.Fault{Method: "get"}, map[string]bool{"GET users": true, "POST users": false}},
		{"a path", entratest.Fault{Path: "/v1.0/users"}, map[string]bool{"GET users": true, "GET domains": false,
			"GET users/ada@contoso.com": false}},
		{"a path in another case", entratest.Fault{Path: "/V1.0/Users"}, map[string]bool{"GET users": true}},
		{"a pattern", entratest.Fault{Path: "/v1.0/users/*/assignLicense"}, map[string]bool{
			"POST users/ada@contoso.com/assignLicense": true, "GET users/ada@contoso.com": false}},
		{"everything", entratest.Fault{Path: "/v1.0/*"}, map[string]bool{"GET users": true, "GET domains": true}},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			g.token()
			rule.fault.Status, rule.fault.Times = 503, -1
			remove := g.tenant.Inject(rule.fault)
			for request, fails := range rule.fails {
				method, path, _ := strings.Cut(request, " ")
				require.Equal(t, fails, g.call(method, path, nil).Status == 503, request)
			}
			remove()
			require.Equal(t, http.StatusOK, g.get("users").Status)
		})
	}
}

func TestFaultsSkipAndCount(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	g.tenant.Inject(entratest.Fault{Path: "/v1.0/users", Status: 503, Skip: 1, Times: 2})
	var seen []int
	for range 5 {
		seen = append(seen, g.get("users").Status)
	}
	require.Equal(t, []int{200, 503, 503, 200, 200}, seen)
}

func TestLostAnswers(t *testing.T) {
	for _, rule := range []struct {
		name      string
		fault     entratest.Fault
		committed bool
	}{
		{"504 after the commit", entratest.Fault{Status: 504, AfterCommit: true}, true},
		{"504 before the commit", entratest.Fault{Status: 504}, false},
		{"a broken connection after the commit", entratest.Fault{Drop: true, AfterCommit: true}, true},
		{"a broken connection before the commit", entratest.Fault{Drop: true}, false},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			header := g.headers()
			rule.fault.Method, rule.fault.Path = http.MethodPost, "/v1.0/users"
			g.tenant.Inject(rule.fault)
			body := `{"accountEnabled": true, "displayName": "Ada", "mailNickname": "ada",
				"userPrincipalName": "ada@contoso.com", "passwordProfile": {"password": "Correct-Horse-1"}}`
			answer, err := g.send(http.MethodPost, "users", strings.NewReader(body), header)
			if rule.fault.Drop {
				require.ErrorIs(t, err, io.EOF)
			} else {
				require.NoError(t, err)
				require.Equal(t, 504, answer.Status)
			}
			calls := g.tenant.GraphCalls()
			require.Len(t, calls, 1)
			require.Equal(t, rule.fault.Status, calls[0].Status)
			require.True(t, calls[0].Fault)

			again := g.post("users", userBody("ada"))
			if rule.committed {
				require.Equal(t, "userPrincipalName", again.Targets()["ObjectConflict"], "asking again asks twice")
			} else {
				require.Equal(t, http.StatusCreated, again.Status)
			}
			require.Len(t, g.tenant.Users(), 1)
		})
	}
}

func TestDroppedConnectionOverASocket(t *testing.T) {
	tenant := entratest.Start(t, entratest.Config{Lag: entratest.LagNone})
	tenant.Inject(entratest.Fault{Drop: true})
	server := httptest.NewServer(tenant)
	defer server.Close()
	_, err := http.Post(server.URL+"/v1.0/users", "application/json", strings.NewReader("{}"))
	require.Error(t, err)
	require.True(t, errors.Is(err, io.EOF) || strings.Contains(err.Error(), "reset"), "%v", err)
}

func TestFaultsOutsideGraph(t *testing.T) {
	tenant := entratest.Start(t, entratest.Config{})
	tenant.Inject(entratest.Fault{Path: "/*/oauth2/v2.0/token", Status: 503, RetryAfter: "3"})
	res, err := tenant.Client().Post("https://login.microsoftonline.com/"+tenant.Config().TenantID+"/oauth2/v2.0/token",
		"application/x-www-form-urlencoded", strings.NewReader(""))
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, 503, res.StatusCode)
	require.Equal(t, "3", res.Header.Get("Retry-After"))
	require.JSONEq(t, `{"error": "temporarily_unavailable", "error_description": "Service Unavailable"}`, string(body))
}

func TestLostAnswersOutsideGraph(t *testing.T) {
	tenant := entratest.Start(t, entratest.Config{})
	tenant.Inject(entratest.Fault{Path: "/*/oauth2/v2.0/token", Status: 504, AfterCommit: true})
	status, answer := askToken(t, tenant, "contoso.com", goodForm())
	require.Equal(t, 504, status)
	require.NotContains(t, answer, "access_token")
	status, _ = askToken(t, tenant, "contoso.com", goodForm())
	require.Equal(t, http.StatusOK, status)
}

func TestImpossibleFaultsPanic(t *testing.T) {
	tenant := entratest.Start(t, entratest.Config{})
	for name, fault := range map[string]entratest.Fault{
		"no status":          {},
		"a success":          {Status: 200},
		"a broken pattern":   {Status: 503, Path: "/["},
		"a negative skip":    {Status: 503, Skip: -1},
		"beyond all classes": {Status: 600},
	} {
		t.Run(name, func(t *testing.T) { require.Panics(t, func() { tenant.Inject(fault) }) })
	}
}
