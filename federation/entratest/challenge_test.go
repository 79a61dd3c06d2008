package entratest_test

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"regexp"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

func TestAChallengedTokenIsWorthNothing(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	first := g.token()
	g.tenant.ChallengeOnce()
	for range 2 {
		answer := g.get("users")
		answer.mustRefuse(t, 401, "InvalidAuthenticationToken", "Continuous access evaluation resulted in challenge with "+
			"result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp")
		match := regexp.MustCompile(`^Bearer realm="", authorization_uri="https://login\.microsoftonline\.com/common/oauth2/` +
			`authorize", client_id="[^"]+", error="insufficient_claims", claims="([^"]+)"$`).
			FindStringSubmatch(answer.Header.Get("WWW-Authenticate"))
		require.NotNil(t, match, answer.Header.Get("WWW-Authenticate"))
		claims, err := base64.StdEncoding.DecodeString(match[1])
		require.NoError(t, err)
		require.JSONEq(t, `{"access_token":{"nbf":{"essential":true,"value":"1772442000"}}}`, string(claims))
	}
	credential := g.tenant.Credential()
	o := policy.TokenRequestOptions{Scopes: []string{"https://graph.microsoft.com/.default"}, Claims: `{"access_token":{}}`}
	second, err := credential.GetToken(context.Background(), o)
	require.NoError(t, err)
	require.NotEqual(t, first, second.Token, "with claims, it is not the one that is kept")
	g.get("users").must(t, 200)
}

// A bad token is no occasion for a challenge, and an injected fault comes before it.
func TestAChallengeIsForAGoodToken(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	g.tenant.ChallengeOnce()
	g.tenant.Inject(entratest.Fault{Status: 429})
	g.get("users").must(t, 429)
	g.header.Set("Authorization", "Bearer x")
	g.get("users").mustRefuse(t, 401, "InvalidAuthenticationToken", "IDX14100: JWT is not well formed.")
	g.header.Del("Authorization")
	require.Contains(t, g.get("users").must(t, 401).Header.Get("WWW-Authenticate"), "insufficient_claims")
}

func TestAzcoreUnderstandsTheChallenge(t *testing.T) {
	tenant := entratest.Start(t, entratest.Config{Lag: entratest.LagNone})
	scopes := []string{tenant.Cloud().Graph + "/.default"}
	pipeline := runtime.NewPipeline("test", "v0", runtime.PipelineOptions{
		PerRetry: []policy.Policy{runtime.NewBearerTokenPolicy(tenant.Credential(), scopes, nil)},
	}, &policy.ClientOptions{Transport: tenant.Client()})
	status := func() int {
		req, err := runtime.NewRequest(context.Background(), http.MethodGet, tenant.Cloud().Graph+"/v1.0/users")
		require.NoError(t, err)
		res, err := pipeline.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		_, err = io.Copy(io.Discard, res.Body)
		require.NoError(t, err)
		return res.StatusCode
	}
	require.Equal(t, http.StatusOK, status())
	tenant.ChallengeOnce()
	require.Equal(t, http.StatusOK, status())
	calls := tenant.GraphCalls()
	require.Equal(t, []int{200, 401, 200}, []int{calls[0].Status, calls[1].Status, calls[2].Status})
}

func TestCreateRefusals(t *testing.T) {
	for _, rule := range []struct {
		name     string
		share    float64
		from, to int
	}{{"none", 0, 0, 0}, {"some", 0.5, 20, 80}, {"all", 1, 100, 100}} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone, CreateRefusals: rule.share})
			refused := 0
			for i := range 100 {
				body := userBody(string(rune('a'+i/26)) + string(rune('a'+i%26)))
				if answer := g.post("users", body); answer.Status != http.StatusCreated {
					answer.mustRefuse(t, 400, "Request_BadRequest", "One or more property values specified are invalid.")
					refused++
					g.post("users", body).must(t, 201)
				}
			}
			require.GreaterOrEqual(t, refused, rule.from)
			require.LessOrEqual(t, refused, rule.to)
			require.Len(t, g.tenant.Users(), 100)
		})
	}
}
