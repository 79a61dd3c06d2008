package graph_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/internal/graph"
)

func TestTokenIsForTheCloudsGraph(t *testing.T) {
	t.Parallel()
	for _, cloud := range entrafed.Clouds() {
		var asked []policy.TokenRequestOptions
		var host string
		client := newClient(t, graph.Config{
			Cloud: cloud,
			Credential: credential(func(_ context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
				asked = append(asked, options)
				return azcore.AccessToken{Token: "secret-token"}, nil
			}),
			Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
				host = req.URL.Scheme + "://" + req.URL.Host
				require.Equal(t, "Bearer secret-token", req.Header.Get("Authorization"))
				return answer{status: 200, body: `{"value":[]}`}.response(req), nil
			}),
		})
		_, err := client.SKUs(t.Context())
		require.NoError(t, err, cloud.Name)
		require.Equal(t, cloud.Graph, host, cloud.Name)
		require.Equal(t, []policy.TokenRequestOptions{{Scopes: []string{cloud.Graph + "/.default"}}}, asked, cloud.Name)
		require.NoError(t, client.Authorize(t.Context()), cloud.Name)
		require.Len(t, asked, 2, cloud.Name)
	}
}

func TestNoTokenForAnotherOrigin(t *testing.T) {
	t.Parallel()
	client := newClient(t, graph.Config{})
	for target, want := range map[string][]string{
		"https://graph.microsoft.com/v1.0/users":              {"Bearer secret-token"},
		"http://graph.microsoft.com/v1.0/users":               {},
		"https://graph.microsoft.com:8443/v1.0/users":         {},
		"https://graph.microsoft.us/v1.0/users":               {},
		"https://graph.microsoft.com.example.net/users":       {},
		"https://x.graph.microsoft.com/users":                 {},
		"https://graph.microsoft.com@example.net/users":       {},
		"https://someone:word@graph.microsoft.com/v1.0/users": {},
		"//graph.microsoft.com/v1.0/users":                    {},
		"/v1.0/users":                                         {},
	} {
		u, err := url.Parse(target)
		require.NoError(t, err)
		header, err := client.Authorization(t.Context(), *u)
		require.Equal(t, want, header, target)
		require.Equal(t, len(want) == 0, err != nil, target)
	}
}

// entra is azidentity's own credential, with this behind it in place of the sign-in service.
func entra(t *testing.T, token roundTrip) azcore.TokenCredential {
	t.Helper()
	credential, err := azidentity.NewClientSecretCredential("tenant", "client", "secret",
		&azidentity.ClientSecretCredentialOptions{
			DisableInstanceDiscovery: true,
			ClientOptions: policy.ClientOptions{
				Retry:     policy.RetryOptions{MaxRetries: -1},
				Transport: signIn(token),
			},
		})
	require.NoError(t, err)
	return credential
}

// signIn answers the discovery of the tenant, and leaves the token to its function.
type signIn roundTrip

func (s signIn) Do(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, "/.well-known/openid-configuration") {
		const tenant = "https://login.microsoftonline.com/tenant"
		return answer{status: 200, body: `{"issuer":"` + tenant + `/v2.0","token_endpoint":"` + tenant +
			`/oauth2/v2.0/token","authorization_endpoint":"` + tenant + `/oauth2/v2.0/authorize"}`}.response(req), nil
	}
	return s(req)
}

func TestAzidentityBringsTheToken(t *testing.T) {
	t.Parallel()
	s := newServer(t, says(200, `{"value":[]}`))
	cloud := s.cloud()
	client := newClient(t, graph.Config{
		Cloud: cloud,
		Credential: entra(t, func(req *http.Request) (*http.Response, error) {
			require.NoError(t, req.ParseForm())
			require.Contains(t, strings.Fields(req.PostForm.Get("scope")), cloud.Graph+"/.default")
			return answer{status: 200, body: `{"access_token":"from-entra","token_type":"Bearer","expires_in":3599}`}.
				response(req), nil
		}),
	})
	_, err := client.SKUs(t.Context())
	require.NoError(t, err)
	require.Equal(t, "Bearer from-entra", s.only(t).Header.Get("Authorization"))
}

func TestWithoutATokenNothingIsSent(t *testing.T) {
	t.Parallel()
	refuses := func(status int, body string) func(t *testing.T) azcore.TokenCredential {
		return func(t *testing.T) azcore.TokenCredential {
			return entra(t, func(req *http.Request) (*http.Response, error) {
				header := map[string]string{"Retry-After": "7", "x-ms-request-id": "r1"}
				return answer{status: status, header: header, body: body}.response(req), nil
			})
		}
	}
	fails := func(err error) func(*testing.T) azcore.TokenCredential {
		return func(*testing.T) azcore.TokenCredential {
			return credential(func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
				return azcore.AccessToken{}, err
			})
		}
	}
	for name, test := range map[string]struct {
		credential func(*testing.T) azcore.TokenCredential
		want       graph.Error
	}{
		"the sign-in service refuses": {
			refuses(401, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. `+
				`Ensure it is the value.\r\nTrace ID: 1"}`),
			graph.Error{
				Status: 401, Code: "AADSTS7000215", RequestID: "r1", RetryAfter: 7 * time.Second,
				Message: "Invalid client secret provided. Ensure it is the value.",
			},
		},
		"it refuses with 400": {
			refuses(400, `{"error":"unauthorized_client","error_description":"AADSTS700016: Application not found."}`),
			graph.Error{
				Status: 401, Code: "AADSTS700016", Message: "Application not found.", RequestID: "r1",
				RetryAfter: 7 * time.Second,
			},
		},
		"it refuses without saying why": {
			refuses(403, `{}`),
			graph.Error{
				Status: 401, Message: "ClientSecretCredential authentication failed.", RequestID: "r1",
				RetryAfter: 7 * time.Second,
			},
		},
		"it throttles": {
			refuses(429, `{"error":"temporarily_unavailable","error_description":"AADSTS90055: Too many requests."}`),
			graph.Error{
				Status: 429, Code: "AADSTS90055", Message: "Too many requests.", RequestID: "r1",
				RetryAfter: 7 * time.Second,
			},
		},
		"it fails": {
			refuses(503, `{"error":"server_error","error_description":"AADSTS90033: A transient error."}`),
			graph.Error{
				Status: 503, Code: "AADSTS90033", Message: "A transient error.", RequestID: "r1",
				RetryAfter: 7 * time.Second,
			},
		},
		"it is out of reach": {
			func(t *testing.T) azcore.TokenCredential {
				return entra(t, func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") })
			},
			graph.Error{},
		},
		"another kind of credential is refused": {
			fails(runtime.NewResponseErrorWithErrorCode(
				answer{status: 400}.response(&http.Request{
					Method: http.MethodPost, URL: &url.URL{Scheme: "https", Host: "example.net", Path: "/token"},
				}), "identity_not_found")),
			graph.Error{Status: 401, Code: "identity_not_found", Message: "POST https://example.net/token"},
		},
		"another kind of credential has no answer": {fails(context.DeadlineExceeded), graph.Error{}},
		"an empty token": {
			fails(nil), graph.Error{Status: 401, Message: "the credential returned an empty token and no error"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := 0
			client := newClient(t, graph.Config{
				Credential: test.credential(t),
				Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
					sent++
					return answer{status: 200, body: wholeUser}.response(req), nil
				}),
			})
			calls := operations(client)
			calls["token"] = client.Authorize
			for operation, call := range calls {
				err := asError(t, call(t.Context()))
				want := test.want
				want.Operation, want.Err = "token", err.Err
				require.Equal(t, &want, err, operation)
				require.NotContains(t, err.Error(), "secret\"", operation)
			}
			require.Zero(t, sent)
		})
	}
}

func TestTokenThatComesTooLate(t *testing.T) {
	t.Parallel()
	hidden := errors.New("a cause that the credential does not wrap")
	client := newClient(t, graph.Config{
		Timeout: time.Nanosecond,
		Credential: credential(func(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
			<-ctx.Done()
			return azcore.AccessToken{}, hidden
		}),
	})
	err := client.Authorize(t.Context())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, err, hidden)
	require.Zero(t, asError(t, err).Status)
}
