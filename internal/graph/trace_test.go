package graph_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/graph"
)

func TestThePriorityIsTheCalls(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		bulk     bool
		trace    *graph.Trace
		priority string
	}{
		"without a trace":               {false, nil, "high"},
		"a person is waiting":           {false, &graph.Trace{}, "high"},
		"nobody is":                     {false, &graph.Trace{Low: true}, "low"},
		"bulk work":                     {true, nil, "low"},
		"bulk work, whatever the trace": {true, &graph.Trace{}, "low"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, says(http.StatusOK, `{"responses":[]}`))
			client := newClient(t, graph.Config{Cloud: s.cloud(), Bulk: test.bulk})
			ctx := t.Context()
			if test.trace != nil {
				ctx = graph.WithTrace(ctx, test.trace)
			}
			_, err := client.CreateUsers(ctx, people("adele", "bo"))
			require.NoError(t, err)
			sent := s.only(t)
			require.Equal(t, []string{test.priority}, sent.Header["X-Ms-Throttle-Priority"])
			inner := `"x-ms-throttle-priority":"` + test.priority + `"`
			require.Equal(t, 2, strings.Count(sent.body, inner), "each request of the batch has it as well")
		})
	}
}

func TestTheTraceTellsWhatTheAnswerDid(t *testing.T) {
	t.Parallel()
	const percentage, scope = "x-ms-throttle-limit-percentage", "x-ms-throttle-scope"
	for name, test := range map[string]struct {
		header map[string]string
		load   float64
		scope  string
		id     string
	}{
		"nothing":           {nil, 0, "", ""},
		"a limit is near":   {map[string]string{percentage: "0.92"}, 0.92, "", ""},
		"a limit is passed": {map[string]string{percentage: "1.30", scope: "Tenant/Write/app/tenant"}, 1.3, "Tenant/Write", ""},
		"more than it goes": {map[string]string{percentage: "92"}, 1.8, "", ""},
		"no number":         {map[string]string{percentage: "high"}, 0, "", ""},
		"not a number":      {map[string]string{percentage: "NaN"}, 0, "", ""},
		"below nothing":     {map[string]string{percentage: "-1"}, 0, "", ""},
		"without an end":    {map[string]string{percentage: "Inf"}, 1.8, "", ""},
		"half a scope":      {map[string]string{scope: "Tenant"}, 0, "Tenant", ""},
		"its request-id":    {map[string]string{"request-id": "4b0e"}, 0, "", "4b0e"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, status := range []int{http.StatusOK, http.StatusTooManyRequests} {
				client, _ := answering(t, answer{status: status, body: wholeUser, header: test.header})
				trace := graph.Trace{Load: 7, Scope: "of an earlier call", Duration: time.Hour}
				_, _ = client.UserByObjectID(graph.WithTrace(t.Context(), &trace), objectID)
				require.Equal(t, graph.Trace{Load: test.load, Scope: test.scope, Status: status, RequestID: test.id}, trace)
			}
		})
	}
}

func TestTheTraceTellsHowLongTheWireTook(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	for name, failure := range map[string]error{"an answer": nil, "no answer": errors.New("reset")} {
		client := newClient(t, graph.Config{
			Now: func() time.Time { return now },
			Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
				now = now.Add(3 * time.Second)
				if failure != nil {
					return nil, failure
				}
				return answer{status: http.StatusOK, body: wholeUser}.response(req), nil
			}),
		})
		var trace graph.Trace
		_, err := client.UserByObjectID(graph.WithTrace(t.Context(), &trace), objectID)
		require.Equal(t, failure == nil, err == nil, name)
		require.Equal(t, 3*time.Second, trace.Duration, name)
	}
}

func TestTheTraceOfABatchIsThatOfItsBusiestRequest(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, responses(
		`{"id":"1","status":201,"headers":{"x-ms-throttle-limit-percentage":"0.85"},
			"body":{"id":"x","userPrincipalName":"adele@contoso.com"}}`,
		`{"id":"2","status":429,"headers":{"x-ms-throttle-limit-percentage":"1.1",
			"x-ms-throttle-scope":"Tenant_Application/Write/app/tenant"}}`,
		`{"id":"3","status":201,"headers":{"X-MS-Throttle-Limit-Percentage":"0.9","x-ms-throttle-scope":"Tenant/Read"}}`,
	))
	var trace graph.Trace
	_, err := client.CreateUsers(graph.WithTrace(t.Context(), &trace), people("adele", "bo", "cy"))
	require.NoError(t, err)
	require.Equal(t, graph.Trace{Load: 1.1, Scope: "Tenant_Application/Write", Status: http.StatusOK,
		RequestID: "batch"}, trace)
}
