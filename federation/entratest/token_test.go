package entratest_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
)

const loginOrigin = "https://login.microsoftonline.com/"

// askToken posts a form to the token endpoint of a tenant, named in the path, and returns the status and the answer.
func askToken(t *testing.T, tenant *entratest.Tenant, name string, form url.Values, headers ...string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, loginOrigin+name+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := tenant.Client().Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	var answer map[string]any
	require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
	return res.StatusCode, answer
}

// goodForm asks for a token as the default application, changed by pairs of name and value; "" takes a field away.
func goodForm(pairs ...string) url.Values {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {entratest.DefaultApp().ClientID},
		"client_secret": {entratest.DefaultApp().Secret}, "scope": {"https://graph.microsoft.com/.default"},
	}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			form.Del(pairs[i])
		}
	}
	return form
}

func TestTokenEndpointGrants(t *testing.T) {
	tenant := entratest.Start(t, entratest.Config{Clock: entratest.NewClock(clockStart)})
	app := entratest.DefaultApp()
	basic := base64.StdEncoding.EncodeToString([]byte(app.ClientID + ":" + url.QueryEscape(app.Secret)))
	for _, rule := range []struct {
		name, tenant string
		form         url.Values
		headers      []string
	}{
		{"by tenant ID", tenant.Config().TenantID, goodForm(), nil},
		{"by domain", "contoso.com", goodForm(), nil},
		{"by initial domain", "contoso.onmicrosoft.com", goodForm(), nil},
		{"for Graph by its application ID", "contoso.com",
			goodForm("scope", "00000003-0000-0000-c000-000000000000/.default"), nil},
		{"for Graph with two slashes", "contoso.com", goodForm("scope", "https://graph.microsoft.com//.default"), nil},
		{"with HTTP basic authentication", "contoso.com", goodForm("client_id", "", "client_secret", ""),
			[]string{"Authorization", "Basic " + basic}},
	} {
		t.Run(rule.name, func(t *testing.T) {
			status, answer := askToken(t, tenant, rule.tenant, rule.form, rule.headers...)
			require.Equal(t, http.StatusOK, status, "%v", answer)
			require.Equal(t, "Bearer", answer["token_type"])
			require.EqualValues(t, 3599, answer["expires_in"])
			parts := strings.Split(answer["access_token"].(string), ".")
			require.Len(t, parts, 3, "a JWT, which is for Graph alone to check")
			payload, err := base64.RawURLEncoding.DecodeString(parts[1])
			require.NoError(t, err)
			var claims map[string]any
			require.NoError(t, json.Unmarshal(payload, &claims))
			require.Equal(t, "https://graph.microsoft.com", claims["aud"])
			require.Equal(t, app.ClientID, claims["appid"])
			require.Equal(t, tenant.Config().TenantID, claims["tid"])
			require.EqualValues(t, clockStart.Add(3599*time.Second).Unix(), claims["exp"])
			require.Len(t, claims["roles"], len(app.Permissions))
		})
	}
}

func TestTokenEndpointRefusals(t *testing.T) {
	noSecret := entratest.App{ClientID: "22222222-2222-4222-8222-222222222222"}
	for _, rule := range []struct {
		name, tenant string
		form         url.Values
		status       int
		code         string
		aadsts       int
	}{
		{"an unknown tenant", "fabrikam.com", goodForm(), 400, "invalid_request", 90002},
		{"no tenant", "common", goodForm(), 400, "invalid_request", 90002},
		{"no grant", "contoso.com", goodForm("grant_type", ""), 400, "invalid_request", 900144},
		{"another grant", "contoso.com", goodForm("grant_type", "password"), 400, "unsupported_grant_type", 70003},
		{"no client", "contoso.com", goodForm("client_id", ""), 400, "invalid_request", 900144},
		{"an unknown client", "contoso.com", goodForm("client_id", "x"), 400, "unauthorized_client", 700016},
		{"no secret", "contoso.com", goodForm("client_secret", ""), 401, "invalid_client", 7000218},
		{"a wrong secret", "contoso.com", goodForm("client_secret", "x"), 401, "invalid_client", 7000215},
		{"a secret for a client without one", "contoso.com", goodForm("client_id", noSecret.ClientID), 401,
			"invalid_client", 7000215},
		{"no scope", "contoso.com", goodForm("scope", ""), 400, "invalid_request", 900144},
		{"a scope of one permission", "contoso.com", goodForm("scope", "https://graph.microsoft.com/User.Read.All"), 400,
			"invalid_scope", 1002012},
		{"two scopes", "contoso.com", goodForm("scope",
			"https://vault.azure.net/.default https://graph.microsoft.com/.default"), 400, "invalid_scope", 1002012},
		{"scopes of OpenID Connect alone", "contoso.com", goodForm("scope", "openid profile"), 400, "invalid_scope",
			1002012},
		{"Graph of another cloud", "contoso.com", goodForm("scope", "https://graph.microsoft.us/.default"), 400,
			"invalid_request", 900382},
		{"another resource", "contoso.com", goodForm("scope", "https://vault.azure.net/.default"), 400,
			"invalid_resource", 500011},
		{"an assertion without its type", "contoso.com", goodForm("client_assertion", "x"), 401, "invalid_client", 7000216},
		{"an assertion that is none", "contoso.com", goodForm("client_assertion", "x", "client_assertion_type",
			assertionType), 401, "invalid_client", 50027},
	} {
		t.Run(rule.name, func(t *testing.T) {
			tenant := entratest.Start(t, entratest.Config{
				Clock: entratest.NewClock(clockStart), Apps: []entratest.App{entratest.DefaultApp(), noSecret},
			})
			status, answer := askToken(t, tenant, rule.tenant, rule.form, "client-request-id", "mine")
			require.Equal(t, rule.status, status)
			require.Equal(t, rule.code, answer["error"])
			require.Equal(t, []any{float64(rule.aadsts)}, answer["error_codes"])
			require.Regexp(t, `^AADSTS\d+: .+ Trace ID: `+aGUID+` Correlation ID: mine Timestamp: 2026-03-02 09:00:00Z$`,
				answer["error_description"])
			require.Equal(t, "mine", answer["correlation_id"])
			require.Equal(t, "2026-03-02 09:00:00Z", answer["timestamp"])
			require.Contains(t, answer["error_uri"], "https://login.microsoftonline.com/error?code=")
		})
	}
	res, err := entratest.Start(t, entratest.Config{}).Client().Get(loginOrigin + "contoso.com/oauth2/v2.0/token")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusBadRequest, res.StatusCode, "only POST")
}

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// clientAssertion is a client assertion signed with RS256.
func clientAssertion(t *testing.T, key *rsa.PrivateKey, claims map[string]any) string {
	t.Helper()
	encode := func(v any) string {
		raw, err := json.Marshal(v)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	signed := encode(map[string]string{"alg": "RS256", "typ": "JWT"}) + "." + encode(claims)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	require.NoError(t, err)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestClientAssertions(t *testing.T) {
	pair := someRegisteredKey()
	other := certtest.RSA(2048)
	app := entratest.App{
		ClientID: entratest.DefaultApp().ClientID, Certificates: []*x509.Certificate{pair.certificate},
	}
	for _, rule := range []struct {
		name   string
		key    *rsa.PrivateKey
		change map[string]any
		aadsts int // 0: granted
	}{
		{"as it should be", pair.key, nil, 0},
		{"another key", other, nil, 700027},
		{"another issuer", pair.key, map[string]any{"iss": "x"}, 700021},
		{"another subject", pair.key, map[string]any{"sub": "x"}, 700021},
		{"another audience", pair.key, map[string]any{"aud": loginOrigin + "fabrikam.com/oauth2/v2.0/token"}, 700023},
		{"too old", pair.key, map[string]any{"exp": clockStart.Add(-6 * time.Minute).Unix()}, 700024},
		{"too new", pair.key, map[string]any{"nbf": clockStart.Add(6 * time.Minute).Unix()}, 700024},
		{"claims of a wrong type", pair.key, map[string]any{"exp": "soon"}, 50027},
	} {
		t.Run(rule.name, func(t *testing.T) {
			tenant := entratest.Start(t, entratest.Config{
				Clock: entratest.NewClock(clockStart), Apps: []entratest.App{app},
			})
			claims := map[string]any{
				"iss": app.ClientID, "sub": app.ClientID, "aud": loginOrigin + "contoso.com/oauth2/v2.0/token", "jti": "1",
				"nbf": clockStart.Unix(), "exp": clockStart.Add(10 * time.Minute).Unix(),
			}
			for name, value := range rule.change {
				claims[name] = value
			}
			form := goodForm("client_secret", "", "client_assertion_type", assertionType,
				"client_assertion", clientAssertion(t, rule.key, claims))
			status, answer := askToken(t, tenant, "contoso.com", form)
			if rule.aadsts == 0 {
				require.Equal(t, http.StatusOK, status, "%v", answer)
				return
			}
			require.Equal(t, http.StatusUnauthorized, status)
			require.Equal(t, []any{float64(rule.aadsts)}, answer["error_codes"])
		})
	}
}

// TestAzidentity: Microsoft's own client library gets its tokens here, over the real host names.
func TestAzidentity(t *testing.T) {
	pair := someRegisteredKey()
	app := entratest.DefaultApp()
	app.Certificates = []*x509.Certificate{pair.certificate}
	tenant := entratest.Start(t, entratest.Config{Lag: entratest.LagNone, Apps: []entratest.App{app}})
	options := policy.ClientOptions{Transport: tenant.Client(), Retry: policy.RetryOptions{MaxRetries: -1}}
	tenantID := tenant.Config().TenantID

	secret, err := azidentity.NewClientSecretCredential(tenantID, app.ClientID, app.Secret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options})
	require.NoError(t, err)
	certificate, err := azidentity.NewClientCertificateCredential(tenantID, app.ClientID,
		[]*x509.Certificate{pair.certificate}, pair.key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: options})
	require.NoError(t, err)
	for name, credential := range map[string]azcore.TokenCredential{"secret": secret, "certificate": certificate} {
		t.Run(name, func(t *testing.T) {
			token, err := credential.GetToken(context.Background(), policy.TokenRequestOptions{
				Scopes: []string{"https://graph.microsoft.com/.default"},
			})
			require.NoError(t, err)
			g := &graphCaller{t: t, tenant: tenant, header: http.Header{"Authorization": {"Bearer " + token.Token}}}
			require.Equal(t, http.StatusOK, g.get("users").Status)
		})
	}

	wrong, err := azidentity.NewClientSecretCredential(tenantID, app.ClientID, "x",
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options})
	require.NoError(t, err)
	_, err = wrong.GetToken(context.Background(), policy.TokenRequestOptions{
		Scopes: []string{"https://graph.microsoft.com/.default"},
	})
	require.ErrorContains(t, err, "AADSTS7000215")
}

func TestDiscoveryDocuments(t *testing.T) {
	tenant := entratest.Start(t, entratest.Config{})
	tenantID := tenant.Config().TenantID
	read := func(path string) (int, map[string]any) {
		res, err := tenant.Client().Get(loginOrigin + path)
		require.NoError(t, err)
		defer res.Body.Close()
		var answer map[string]any
		require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
		return res.StatusCode, answer
	}
	_, document := read("contoso.com/v2.0/.well-known/openid-configuration")
	require.Equal(t, loginOrigin+tenantID+"/v2.0", document["issuer"])
	require.Equal(t, loginOrigin+"contoso.com/oauth2/v2.0/token", document["token_endpoint"])
	require.Equal(t, "graph.microsoft.com", document["msgraph_host"])
	_, document = read("common/v2.0/.well-known/openid-configuration")
	require.Equal(t, loginOrigin+"{tenantid}/v2.0", document["issuer"])
	status, refusal := read("fabrikam.com/v2.0/.well-known/openid-configuration")
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, []any{90002.0}, refusal["error_codes"])
	_, keys := read("common/discovery/v2.0/keys")
	require.Empty(t, keys["keys"])
	_, instance := read("common/discovery/instance?api-version=1.1")
	require.Equal(t, loginOrigin+tenantID+"/v2.0/.well-known/openid-configuration", instance["tenant_discovery_endpoint"])
	require.Contains(t, instance["metadata"].([]any)[0].(map[string]any)["aliases"], "login.windows.net")
}
