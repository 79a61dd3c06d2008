package graph_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/graph"
)

// What stands between Graph and us may answer with what it was sent.
func TestAnAnswerThatRepeatsSecretsIsReadWithoutThem(t *testing.T) {
	t.Parallel()
	const password = "Correct-Horse-1"
	user := graph.NewUser{UserPrincipalName: "adele@contoso.com", ImmutableID: "9f86", DisplayName: "Adele",
		MailNickname: "adele", Password: password}
	for name, create := range map[string]func(t *testing.T, c *graph.Client) error{
		"one user": func(t *testing.T, c *graph.Client) error {
			_, err := c.CreateUser(t.Context(), user)
			return err
		},
		"a batch": func(t *testing.T, c *graph.Client) error {
			_, err := c.CreateUsers(t.Context(), []graph.NewUser{user})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			var token string
			client := newClient(t, graph.Config{
				Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
				Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
					token = strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
					body, err := io.ReadAll(req.Body)
					require.Contains(t, string(body), password)
					text := `{"error":{"code":"` + password + `","message":"` + token + " " + password + `",
						"details":[{"code":"` + password + `","target":"` + token + `"}]}}`
					return answer{status: http.StatusBadRequest, body: text}.response(req), err
				}),
			})
			err := create(t, client)
			var refused *graph.Error
			require.ErrorAs(t, err, &refused)
			require.GreaterOrEqual(t, len(token), 8)
			require.Equal(t, "[secret] [secret]", refused.Message)
			require.Equal(t, "[secret]", refused.Code)
			require.Equal(t, []graph.ErrorDetail{{Code: "[secret]", Target: "[secret]"}}, refused.Details)
			require.Contains(t, log.String(), "graph: call")
			require.NotContains(t, log.String(), password)
			require.NotContains(t, log.String(), token)
		})
	}
}
