package graph_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/microsoft/kiota-abstractions-go/serialization"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/internal/graph"
)

func TestNewListsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	cloud := entrafed.Global()
	cloud.Graph = "http://graph.microsoft.com"
	_, err := graph.New(graph.Config{Cloud: cloud, Timeout: -1})
	require.ErrorContains(t, err, "Cloud.Graph")
	require.ErrorContains(t, err, "Credential is nil")
	require.ErrorContains(t, err, "Timeout is -1ns")
}

func TestGraphIsAnOrigin(t *testing.T) {
	t.Parallel()
	for origin, ok := range map[string]bool{
		"https://graph.microsoft.com":       true,
		"https://graph.microsoft.com:443":   true,
		"https://graph.microsoft.com/":      false,
		"https://graph.microsoft.com/v1.0":  false,
		"https://graph.microsoft.com?x=y":   false,
		"https://graph.microsoft.com?":      false,
		"https://graph.microsoft.com#x":     false,
		"https://a:b@graph.microsoft.com":   false,
		"http://graph.microsoft.com":        false,
		"http://127.0.0.1:8080":             false,
		"graph.microsoft.com":               false,
		"":                                  false,
		"https://graph.microsoft.com\u007f": false,
	} {
		cloud := entrafed.Global()
		cloud.Graph = origin
		_, err := graph.New(graph.Config{Cloud: cloud, Credential: token("t")})
		require.Equal(t, ok, err == nil, "%q: %v", origin, err)
	}
}

// The sign-in's own settings are no business of Graph: a government cloud can be provisioned before its audience is
// known.
func TestOnlyGraphIsAsked(t *testing.T) {
	t.Parallel()
	_, err := graph.New(graph.Config{Cloud: entrafed.USGovernmentHigh(), Credential: token("t")})
	require.NoError(t, err)
}

func TestDefaultTransportCalls(t *testing.T) {
	t.Parallel()
	s := newServer(t, says(http.StatusOK, wholeUser))
	client, err := graph.New(graph.Config{Cloud: s.cloud(), Credential: token("t")})
	require.NoError(t, err)
	user, err := client.UserByObjectID(t.Context(), objectID)
	require.NoError(t, err)
	require.Equal(t, readWholeUser(), user)
}

// What kiota registers process-wide would be shared with everything else in the host that uses it.
func TestNothingIsRegisteredForTheWholeProcess(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, answer{status: http.StatusOK, body: wholeUser})
	for operation, call := range operations(client) {
		_ = call(t.Context())
		require.Empty(t, serialization.DefaultParseNodeFactoryInstance.ContentTypeAssociatedFactories, operation)
		require.Empty(t, serialization.DefaultSerializationWriterFactoryInstance.ContentTypeAssociatedFactories, operation)
	}
}

func TestCallsAreLogged(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		header map[string]string
		status int
		want   []string
	}{
		"a success": {
			map[string]string{"request-id": "b9d3"}, 200,
			[]string{"level=DEBUG", `operation="GET /users/{id}"`, "status=200", "request_id=b9d3", "took=0s"},
		},
		"a limit is near": {
			map[string]string{"x-ms-throttle-limit-percentage": "0.9"}, 200, []string{"level=WARN", "throttle_limit=0.9"},
		},
		"a refusal": {nil, 403, []string{"level=DEBUG", "status=403", "error="}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			client := newClient(t, graph.Config{
				Logger: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})),
				Now:    func() time.Time { return time.Unix(0, 0) },
				Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
					return answer{status: test.status, header: test.header, body: wholeUser}.response(req), nil
				}),
			})
			_, _ = client.UserByObjectID(t.Context(), objectID)
			for _, text := range test.want {
				require.Contains(t, out.String(), text)
			}
			require.NotContains(t, out.String(), "secret-token")
		})
	}
}
