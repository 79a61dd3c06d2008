package entratest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// batched is a request of a batch. A write gets a body and the header that goes with it.
func batched(id, method, url string, pairs ...any) map[string]any {
	item := map[string]any{"id": id, "method": method, "url": url}
	if method != http.MethodGet && method != http.MethodDelete {
		item["body"] = map[string]any{}
		item["headers"] = map[string]any{"Content-Type": "application/json"}
	}
	for i := 0; i < len(pairs); i += 2 {
		item[pairs[i].(string)] = pairs[i+1]
		if pairs[i+1] == nil {
			delete(item, pairs[i].(string))
		}
	}
	return item
}

// batch sends the requests as one batch.
func (g *graphCaller) batch(items ...map[string]any) graphAnswer {
	g.t.Helper()
	return g.post("$batch", map[string]any{"requests": items})
}

// Answers are the answers of a batch by the id of their requests.
func (a graphAnswer) Answers() map[string]map[string]any {
	items, _ := a.Body["responses"].([]any)
	out := map[string]map[string]any{}
	for _, item := range items {
		answer := item.(map[string]any)
		out[answer["id"].(string)] = answer
	}
	return out
}

// Statuses are the statuses of a batch's answers by the id of their requests.
func (a graphAnswer) Statuses() map[string]int {
	out := map[string]int{}
	for id, answer := range a.Answers() {
		out[id] = int(answer["status"].(float64))
	}
	return out
}

func TestBatch(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	ada := g.create(userBody("ada"))
	answer := g.batch(
		batched("1", "GET", "/users/"+ada+"?$select=id"),
		batched("2", "get", "users?$filter=city eq null&$count=true&$select=displayName", "body", nil, "headers",
			map[string]any{"consistencylevel": "eventual"}),
		batched("3", "POST", "/users", "body", userBody("bob")),
		batched("4", "DELETE", "/users/nobody@contoso.com"),
		batched("5", "POST", "/users/"+ada+"/assignLicense", "body", assigning(skuStandardPack)),
		batched("six", "GET", "/robots"),
	).must(t, 200)
	require.Empty(t, answer.Header.Get("x-ms-resource-unit"), "a batch as such costs nothing")
	require.Equal(t, map[string]int{"1": 200, "2": 200, "3": 201, "4": 404, "5": 400, "six": 400}, answer.Statuses())

	answers := answer.Answers()
	require.Equal(t, map[string]any{
		"Cache-Control": "no-cache", "x-ms-resource-unit": "1", "OData-Version": "4.0",
		"Content-Type": "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
	}, answers["1"]["headers"])
	require.Equal(t, ada, answers["1"]["body"].(map[string]any)["id"])
	require.GreaterOrEqual(t, answers["2"]["body"].(map[string]any)["@odata.count"], 1.0)
	require.Contains(t, answers["3"]["headers"].(map[string]any)["Location"], "Microsoft.DirectoryServices.User")
	failure := answers["4"]["body"].(map[string]any)["error"].(map[string]any)
	require.Equal(t, "Request_ResourceNotFound", failure["code"])
	require.Equal(t, answer.Header.Get("request-id"), failure["innerError"].(map[string]any)["request-id"])
	require.Len(t, g.tenant.Users(), 2)

	calls := g.tenant.GraphCalls()
	batches := map[string]entratest.GraphCall{}
	for _, call := range calls[1:] {
		batches[call.Batch] = call
	}
	require.Len(t, batches, 7, "six requests and the batch")
	require.Equal(t, "/v1.0/users", batches["3"].Path)
	require.Equal(t, http.StatusCreated, batches["3"].Status)
	require.Equal(t, entratest.DefaultApp().ClientID, batches["3"].ClientID)
	require.Equal(t, 1, batches["3"].ResourceUnits)
	require.Equal(t, "/v1.0/$batch", batches[""].Path)
	require.Zero(t, batches[""].ResourceUnits)
	require.Equal(t, batches[""].RequestID, batches["3"].RequestID)
}

func TestBatchAnswersWithoutABody(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	ada := g.create(userBody("ada"))
	answer := g.batch(batched("1", "PATCH", "/users/"+ada, "body", map[string]any{"city": "Bonn"})).Answers()["1"]
	require.Equal(t, 204.0, answer["status"])
	require.NotContains(t, answer, "body")
	require.NotContains(t, answer["headers"], "Content-Type")
}

func TestBatchRefusals(t *testing.T) {
	const format = "Invalid batch payload format."
	order := "The dependsOn properties of a batch must be absent, or make one sequence of all its requests."
	get := func(id string, pairs ...any) map[string]any { return batched(id, "GET", "/users", pairs...) }
	many := func(n int) (items []map[string]any) {
		for i := range n {
			items = append(items, get(fmt.Sprint(i)))
		}
		return items
	}
	after := func(ids ...string) []any {
		out := []any{}
		for _, id := range ids {
			out = append(out, id)
		}
		return out
	}
	for _, rule := range []struct {
		name    string
		body    any
		message string
	}{
		{"not JSON", "{", format},
		{"a list", "[]", format},
		{"no requests", map[string]any{}, format},
		{"an empty list of requests", map[string]any{"requests": []any{}}, format},
		{"a request that is null", map[string]any{"requests": []any{nil}}, format},
		{"a request that is a text", map[string]any{"requests": []any{"x"}}, format},
		{"21 requests", map[string]any{"requests": many(21)}, "Number of batch request steps exceeds the maximum value of 20."},
		{"an id is required", []map[string]any{get("")}, format},
		{"an id is a text", []map[string]any{get("1", "id", 1)}, format},
		{"a method is required", []map[string]any{get("1", "method", nil)}, format},
		{"a URL is required", []map[string]any{get("1", "url", "")}, format},
		{"a URL is relative", []map[string]any{get("1", "url", "https://graph.microsoft.com/v1.0/users")}, format},
		{"a URL has no host", []map[string]any{get("1", "url", "//example.net/users")}, format},
		{"an id is unique", []map[string]any{get("1"), get("1")}, "Request id '1' is used more than once in the batch."},
		{"whatever its case", []map[string]any{get("a"), get("A")}, "Request id 'A' is used more than once in the batch."},
		{"a write has a body", []map[string]any{batched("7", "POST", "/users", "body", nil)},
			"Write request id : 7 does not contain Content-Type header or body."},
		{"even one without parameters", []map[string]any{
			batched("7", "POST", "/users/x/revokeSignInSessions", "body", nil, "headers", nil)},
			"Write request id : 7 does not contain Content-Type header or body."},
		{"a body has a type", []map[string]any{batched("7", "PATCH", "/users/x", "headers", nil)},
			"Write request with id '7' does not contain a Content-Type header."},
		{"a dependency exists", []map[string]any{get("1"), get("2", "dependsOn", after("3"))}, order},
		{"a request does not depend on itself", []map[string]any{get("1"), get("2", "dependsOn", after("2"))}, order},
		{"a request depends on one other", []map[string]any{get("1"), get("2", "dependsOn", after("1")),
			get("3", "dependsOn", after("1", "2"))}, order},
		{"two requests do not depend on one", []map[string]any{get("1"), get("2", "dependsOn", after("1")),
			get("3", "dependsOn", after("1"))}, order},
		{"all requests are in the sequence", []map[string]any{get("1"), get("2", "dependsOn", after("1")), get("3")}, order},
		{"the sequence has a start", []map[string]any{get("1", "dependsOn", after("2")), get("2", "dependsOn", after("1"))},
			order},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			body := rule.body
			if items, ok := body.([]map[string]any); ok {
				body = map[string]any{"requests": items}
			}
			g.post("$batch", body).mustRefuse(t, 400, "BadRequest", rule.message)
			require.Len(t, g.tenant.GraphCalls(), 1, "nothing of it was carried out")
		})
	}
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	g.batch(many(20)...).must(t, 200)
	require.Equal(t, map[string]int{"1": 400}, g.batch(batched("1", "POST", "/$batch")).Statuses(), "no batch in a batch")
	require.Equal(t, map[string]int{"1": 400}, g.batch(get("1", "url", "/v1.0/users")).Statuses(), "no version in a URL")
	g.header.Set("Authorization", "Bearer x")
	g.batch(get("1")).must(t, 401)
}

func TestBatchesInSequence(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	sequence := []map[string]any{
		batched("licence", "POST", "/users/ada@contoso.com/assignLicense", "body", assigning(skuStandardPack), "dependsOn",
			[]any{"Create"}),
		batched("create", "POST", "/users", "body", userBody("ada", "usageLocation", "DE")),
		batched("read", "GET", "/users/ada@contoso.com", "dependsOn", []any{"licence"}),
	}
	require.Equal(t, map[string]int{"create": 201, "licence": 200, "read": 200}, g.batch(sequence...).Statuses())
	failed := g.batch(sequence...).must(t, 200)
	require.Equal(t, map[string]int{"create": 400, "licence": 424, "read": 424}, failed.Statuses(),
		"what depends on a failure is not carried out")
	require.Equal(t, "FailedDependency",
		failed.Answers()["read"]["body"].(map[string]any)["error"].(map[string]any)["code"])
	require.Len(t, g.tenant.GraphCalls(), 2+3+1)
}

func TestBatchesComeInAnyOrder(t *testing.T) {
	order := func(seed uint64) (answers, execution string) {
		g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone, Seed: seed})
		var items []map[string]any
		for i := range 10 {
			items = append(items, batched(fmt.Sprint(i), "GET", "/users"))
		}
		for _, item := range g.batch(items...).Body["responses"].([]any) {
			answers += item.(map[string]any)["id"].(string)
		}
		for _, call := range g.tenant.GraphCalls() {
			execution += call.Batch
		}
		return answers, execution
	}
	answers, execution := order(1)
	require.NotEqual(t, "0123456789", answers)
	require.NotEqual(t, "0123456789", execution)
	require.NotEqual(t, answers, execution)
	sameAnswers, sameExecution := order(1)
	require.Equal(t, answers, sameAnswers, "the seed decides")
	require.Equal(t, execution, sameExecution)
}

func TestParallelWritesOfABatchCollide(t *testing.T) {
	g, _ := callGraph(t, licensedConfig())
	ada := g.create(userBody("ada", "usageLocation", "DE"))
	bob := g.create(userBody("bob", "usageLocation", "DE"))
	give := func(id, user, sku string) map[string]any {
		return batched(id, "POST", "/users/"+user+"/assignLicense", "body", assigning(sku))
	}
	answer := g.batch(give("1", ada, skuStandardPack), give("2", ada, skuBusinessPremium), give("3", bob, skuStandardPack))
	statuses := answer.Statuses()
	require.Equal(t, 200, statuses["3"], "another user is not concerned")
	require.ElementsMatch(t, []int{200, 409}, []int{statuses["1"], statuses["2"]})
	for _, id := range []string{"1", "2"} {
		if statuses[id] == 409 {
			failure := answer.Answers()[id]["body"].(map[string]any)["error"].(map[string]any)
			require.Equal(t, "Directory_ConcurrencyViolation", failure["code"])
		}
	}
	second := give("2", ada, skuBusinessPremium)
	second["dependsOn"] = []any{"1"}
	require.Equal(t, map[string]int{"1": 200, "2": 200}, g.batch(give("1", ada, skuStandardPack), second).Statuses(),
		"one after the other they do not")

	group := g.createGroup(groupBody("staff"))
	require.Equal(t, map[string]int{"1": 204, "2": 204}, g.batch(
		batched("1", "POST", "/groups/"+group+"/members/$ref", "body", reference(ada)),
		batched("2", "POST", "/groups/"+group+"/members/$ref", "body", reference(bob))).Statuses(),
		"nor do memberships")
}

func TestFaultsInABatch(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	g.tenant.Inject(entratest.Fault{Path: "/v1.0/users", Status: 429, RetryAfter: "7"})
	answer := g.batch(batched("1", "GET", "/users"), batched("2", "GET", "/domains"))
	require.Equal(t, map[string]int{"1": 429, "2": 200}, answer.Statuses())
	require.Equal(t, "7", answer.Answers()["1"]["headers"].(map[string]any)["Retry-After"])
	require.Empty(t, answer.Header.Get("Retry-After"))

	g.tenant.Inject(entratest.Fault{Path: "/v1.0/$batch", Status: 503, AfterCommit: true})
	g.batch(batched("1", "POST", "/users", "body", userBody("ada"))).must(t, 503)
	require.Len(t, g.tenant.Users(), 1, "the batch was carried out, and its answer lost")

	header := g.headers()
	g.tenant.Inject(entratest.Fault{Path: "/v1.0/users/*", Method: http.MethodPatch, Drop: true, AfterCommit: true})
	body := `{"requests": [{"id": "1", "method": "PATCH", "url": "/users/ada@contoso.com", "body": {"city": "Bonn"},
		"headers": {"Content-Type": "application/json"}}]}`
	_, err := g.send(http.MethodPost, "$batch", strings.NewReader(body), header)
	require.ErrorIs(t, err, io.EOF, "the connection of a batch is that of its requests")
	g.patch("users/ada@contoso.com", map[string]any{"city": "Bonn"}).must(t, 204)
}

func TestBatchThroughABrowserLikeClient(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	g.create(userBody("o'neil", "userPrincipalName", "o'neil#1@contoso.com", "mailNickname", "oneil"))
	answers := g.batch(
		batched("escaped", "GET", "/users/"+url.PathEscape("o'neil#1@contoso.com")),
		batched("function", "GET", "users(userPrincipalName='o''neil%231@contoso.com')"),
		batched("filter", "GET", "users?$filter="+escape("userPrincipalName eq 'o''neil#1@contoso.com'")),
	)
	require.Equal(t, map[string]int{"escaped": 200, "function": 200, "filter": 200}, answers.Statuses())
}
