package entratest_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
)

var clockStart = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// graphCaller calls Graph as the tenant's first application.
type graphCaller struct {
	t      *testing.T
	tenant *entratest.Tenant
	header http.Header
}

// callGraph starts a tenant without lag, unless cfg says otherwise, on a clock of its own.
func callGraph(t *testing.T, cfg entratest.Config) (*graphCaller, *entratest.Clock) {
	t.Helper()
	if cfg.Clock == nil {
		cfg.Clock = entratest.NewClock(clockStart)
	}
	return &graphCaller{t: t, tenant: entratest.Start(t, cfg), header: http.Header{}}, cfg.Clock
}

// graphAnswer is an answer with its JSON decoded.
type graphAnswer struct {
	Status int
	Header http.Header
	Body   map[string]any
}

// Error is the code and message of an error.
func (a graphAnswer) Error() (code, message string) {
	e, _ := a.Body["error"].(map[string]any)
	code, _ = e["code"].(string)
	message, _ = e["message"].(string)
	return code, message
}

// Targets are the code and target of each of the error's details.
func (a graphAnswer) Targets() map[string]string {
	e, _ := a.Body["error"].(map[string]any)
	details, _ := e["details"].([]any)
	out := map[string]string{}
	for _, d := range details {
		d := d.(map[string]any)
		out[d["code"].(string)] = d["target"].(string)
	}
	return out
}

// Values are the items of a list.
func (a graphAnswer) Values() []map[string]any {
	items, _ := a.Body["value"].([]any)
	out := []map[string]any{}
	for _, item := range items {
		out = append(out, item.(map[string]any))
	}
	return out
}

// Column is one property of each item of a list.
func (a graphAnswer) Column(name string) []string {
	out := []string{}
	for _, item := range a.Values() {
		out = append(out, item[name].(string))
	}
	return out
}

func (g *graphCaller) token() string {
	g.t.Helper()
	scope := g.tenant.Cloud().Graph + "/.default"
	token, err := g.tenant.Credential().GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{scope}})
	require.NoError(g.t, err)
	return token.Token
}

// as makes an application the caller from now on.
func (g *graphCaller) as(app entratest.App) {
	g.t.Helper()
	status, answer := askToken(g.t, g.tenant, "contoso.com", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {app.ClientID}, "client_secret": {app.Secret},
		"scope": {g.tenant.Cloud().Graph + "/.default"},
	})
	require.Equal(g.t, http.StatusOK, status)
	g.header.Set("Authorization", "Bearer "+answer["access_token"].(string))
}

// send sends a request below /v1.0 without touching g, and may be called from any goroutine.
func (g *graphCaller) send(method, path string, body io.Reader, header http.Header) (graphAnswer, error) {
	req, err := http.NewRequest(method, g.tenant.Cloud().Graph+"/v1.0/"+path, body)
	if err != nil {
		return graphAnswer{}, err
	}
	req.Header = header
	res, err := g.tenant.Client().Do(req)
	if err != nil {
		return graphAnswer{}, err
	}
	defer res.Body.Close()
	answer := graphAnswer{Status: res.StatusCode, Header: res.Header}
	raw, err := io.ReadAll(res.Body)
	if err == nil && len(raw) > 0 {
		err = json.Unmarshal(raw, &answer.Body)
	}
	return answer, err
}

// headers are those of a good request.
func (g *graphCaller) headers() http.Header {
	header := g.header.Clone()
	if header.Get("Authorization") == "" {
		header.Set("Authorization", "Bearer "+g.token())
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	return header
}

func (g *graphCaller) call(method, path string, body any) graphAnswer {
	g.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(body)
		require.NoError(g.t, err)
		reader = bytes.NewReader(raw)
	}
	answer, err := g.send(method, path, reader, g.headers())
	require.NoError(g.t, err)
	return answer
}

func (g *graphCaller) get(path string) graphAnswer {
	g.t.Helper()
	return g.call(http.MethodGet, path, nil)
}

func (g *graphCaller) filter(expression string) graphAnswer {
	g.t.Helper()
	return g.get("users?$filter=" + escape(expression))
}

// escape makes an expression part of a query.
func escape(expression string) string { return url.QueryEscape(expression) }

func (g *graphCaller) post(path string, body any) graphAnswer {
	g.t.Helper()
	return g.call(http.MethodPost, path, body)
}

func (g *graphCaller) patch(path string, body any) graphAnswer {
	g.t.Helper()
	return g.call(http.MethodPatch, path, body)
}

func (g *graphCaller) put(path string, body any) graphAnswer {
	g.t.Helper()
	return g.call(http.MethodPut, path, body)
}

func (g *graphCaller) delete(path string) graphAnswer {
	g.t.Helper()
	return g.call(http.MethodDelete, path, nil)
}

// must fails the test unless the answer has the status.
func (a graphAnswer) must(t *testing.T, status int) graphAnswer {
	t.Helper()
	require.Equal(t, status, a.Status, "%v", a.Body)
	return a
}

// mustRefuse fails the test unless the answer is this refusal; an empty message is any.
func (a graphAnswer) mustRefuse(t *testing.T, status int, code, message string) graphAnswer {
	t.Helper()
	gotCode, gotMessage := a.Error()
	require.Equal(t, status, a.Status, "%v", a.Body)
	require.Equal(t, code, gotCode)
	if message != "" {
		require.Equal(t, message, gotMessage)
	}
	return a
}

func notFound(key string) string {
	return "Resource '" + key + "' does not exist or one of its queried reference-property objects are not present."
}

func conflict(property string) string {
	return "Another object with the same value for property " + property + " already exists."
}

// create creates a user and returns the object ID.
func (g *graphCaller) create(body map[string]any) string {
	g.t.Helper()
	answer := g.post("users", body)
	require.Equal(g.t, http.StatusCreated, answer.Status, "%v", answer.Body)
	return answer.Body["id"].(string)
}

// userBody is a body that POST /users accepts in contoso.com, changed by the pairs of name and value; a nil value takes
// the property away.
func userBody(name string, pairs ...any) map[string]any {
	body := map[string]any{
		"accountEnabled":    true,
		"displayName":       name,
		"mailNickname":      name,
		"userPrincipalName": name + "@contoso.com",
		"passwordProfile":   map[string]any{"password": "Correct-Horse-1", "forceChangePasswordNextSignIn": false},
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == nil {
			delete(body, pairs[i].(string))
			continue
		}
		body[pairs[i].(string)] = pairs[i+1]
	}
	return body
}

// federatedConfig is a tenant without lag whose domain contoso.com is federated.
func federatedConfig(t *testing.T) entratest.Config {
	t.Helper()
	return entratest.Config{
		Lag:     entratest.LagNone,
		Domains: []entratest.Domain{{Name: "contoso.com", Federation: someFederation(t)}},
	}
}

func someFederation(t *testing.T) *entratest.Federation {
	t.Helper()
	return &entratest.Federation{
		Issuer:       "https://id.contoso.com/entra",
		SignInURL:    "https://id.contoso.com/sso",
		SignOutURL:   "https://id.contoso.com/logout",
		Certificates: []*x509.Certificate{someCertificate()},
	}
}

// someRegisteredKey is made once: a key takes long.
var someRegisteredKey = sync.OnceValue(func() signingKey {
	key := certtest.RSA(2048)
	return signingKey{
		key, certtest.SelfSigned(key, "contoso.com", clockStart.Add(-time.Hour), clockStart.Add(24*time.Hour)),
	}
})

func someCertificate() *x509.Certificate { return someRegisteredKey().certificate }
