package graph_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/graph"
)

// people are users to create, by the part of their UPNs before the @.
func people(names ...string) (users []graph.NewUser) {
	for _, name := range names {
		users = append(users, graph.NewUser{UserPrincipalName: name + "@contoso.com", ImmutableID: name, Password: "p"})
	}
	return users
}

// responses is the answer to a batch.
func responses(inner ...string) answer {
	return answer{
		status: http.StatusOK, body: `{"responses":[` + strings.Join(inner, ",") + `]}`,
		header: map[string]string{"request-id": "batch"},
	}
}

func TestABatchIsOneRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t, says(http.StatusOK, `{"responses":[]}`))
	users := people("adele", "bo")
	users[0].Attributes = map[string]string{"department": `Sales "EMEA"`, "businessPhones": "+49 30 0"}
	_, err := newClient(t, graph.Config{Cloud: s.cloud()}).CreateUsers(t.Context(), users)
	require.NoError(t, err)

	sent := s.only(t)
	require.Equal(t, "POST /v1.0/$batch", sent.Method+" "+sent.RequestURI)
	require.Equal(t, "application/json", sent.Header.Get("Content-Type"))
	require.JSONEq(t, `{"requests": [
		{"id": "1", "method": "POST", "url": "/users",
		 "headers": {"Content-Type": "application/json", "x-ms-throttle-priority": "high"},
		 "body": {"accountEnabled": true, "userPrincipalName": "adele@contoso.com", "onPremisesImmutableId": "adele",
			"displayName": "", "mailNickname": "", "department": "Sales \"EMEA\"", "businessPhones": ["+49 30 0"],
			"passwordProfile": {"password": "p", "forceChangePasswordNextSignIn": false}}},
		{"id": "2", "method": "POST", "url": "/users",
		 "headers": {"Content-Type": "application/json", "x-ms-throttle-priority": "high"},
		 "body": {"accountEnabled": true, "userPrincipalName": "bo@contoso.com", "onPremisesImmutableId": "bo",
			"displayName": "", "mailNickname": "",
			"passwordProfile": {"password": "p", "forceChangePasswordNextSignIn": false}}}]}`, sent.body)
}

func TestAnswersOfABatchComeInAnyOrder(t *testing.T) {
	t.Parallel()
	client, requests := answering(t, responses(
		`{"id":"3","status":429,"headers":{"Retry-After":"17","Content-Type":"application/json"},
			"body":{"error":{"code":"TooManyRequests","message":"Too many requests."}}}`,
		`{"id":"2","status":400,"body":{"error":{"code":"Request_BadRequest","message":"taken",
			"details":[{"code":"ObjectConflict","target":"userPrincipalName","message":"d"}],
			"innerError":{"request-id":"inner"}}},"headers":{"Request-Id":"header"}}`,
		`{"id":"1","status":201,"headers":{"Location":"x"},"body":`+
			`{"id":"`+objectID+`","userPrincipalName":"Adele@contoso.com","displayName":"Adele"}}`,
	))
	created, err := client.CreateUsers(t.Context(), people("adele", "bo", "cy"))
	require.NoError(t, err)
	require.Equal(t, []graph.Created{
		{User: graph.User{ObjectID: objectID, UserPrincipalName: "Adele@contoso.com", DisplayName: "Adele"}},
		{Err: &graph.Error{
			Operation: "POST /users", Status: 400, Code: "Request_BadRequest", Message: "taken", RequestID: "header",
			Details: []graph.ErrorDetail{{Code: "ObjectConflict", Target: "userPrincipalName", Message: "d"}},
		}},
		{Err: &graph.Error{
			Operation: "POST /users", Status: 429, Code: "TooManyRequests", Message: "Too many requests.",
			RequestID: "batch", RetryAfter: 17 * time.Second,
		}},
	}, created)
	require.Equal(t, 1, *requests)
}

// Whoever is not spoken of clearly may have been created.
func TestAnUnclearAnswerOfABatchIsAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	const good = `{"id":"1","status":201,"body":{"id":"` + objectID + `","userPrincipalName":"adele@contoso.com"}}`
	for name, inner := range map[string][]string{
		"none":          {},
		"null":          {`null`},
		"of another id": {strings.Replace(good, `"id":"1"`, `"id":"2"`, 1)},
		"without an id": {`{"status":201,"body":{"id":"x","userPrincipalName":"adele@contoso.com"}}`},
		"an id that is a number": {
			strings.Replace(good, `"id":"1"`, `"id":1`, 1),
		},
		"two":                    {good, good},
		"two that disagree":      {good, `{"id":"1","status":400,"body":{"error":{"code":"c"}}}`},
		"without a status":       {`{"id":"1","body":{"id":"x","userPrincipalName":"adele@contoso.com"}}`},
		"a status that is none":  {`{"id":"1","status":"201","body":{"id":"x"}}`},
		"a status beyond":        {`{"id":"1","status":700,"body":{"id":"x"}}`},
		"a status on the way":    {`{"id":"1","status":100,"body":{"id":"x"}}`},
		"a success with no body": {`{"id":"1","status":201}`},
		"a success with null":    {`{"id":"1","status":201,"body":null}`},
		"a success in base64":    {`{"id":"1","status":201,"body":"eyJpZCI6IngifQ=="}`},
		"a success with no user": {`{"id":"1","status":201,"body":{"userPrincipalName":"adele@contoso.com"}}`},
		"another user":           {`{"id":"1","status":201,"body":{"id":"x","userPrincipalName":"bo@contoso.com"}}`},
		"a user without a name":  {`{"id":"1","status":201,"body":{"id":"x"}}`},
		"not an object":          {`"x"`, `[]`, `7`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := answering(t, responses(inner...))
			created, err := client.CreateUsers(t.Context(), people("adele"))
			require.NoError(t, err)
			require.Len(t, created, 1)
			lost := asError(t, created[0].Err)
			require.Zero(t, lost.Status)
			require.Equal(t, "POST /users", lost.Operation)
			require.Equal(t, "batch", lost.RequestID)
			require.ErrorContains(t, lost, "client-request-id")
			require.NotErrorIs(t, lost, graph.ErrSDKPanic)
			require.Zero(t, created[0].User)
		})
	}
}

func TestAnOddAnswerOfABatchCostsOneUser(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, responses(`null`, `{"id":"2","status":201,"body":[]}`, `7`,
		`{"id":"1","status":201,"headers":{"Retry-After":3},"body":{"id":"x","userPrincipalName":"adele@contoso.com"}}`,
		`{"id":"3","status":403,"body":"no"}`))
	created, err := client.CreateUsers(t.Context(), people("adele", "bo", "cy"))
	require.NoError(t, err)
	require.Equal(t, graph.Created{User: graph.User{ObjectID: "x", UserPrincipalName: "adele@contoso.com"}}, created[0])
	require.Zero(t, asError(t, created[1].Err).Status)
	require.Equal(t, 403, asError(t, created[2].Err).Status)
}

func TestABatchThatFailsSaysNothingOfAnybody(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer answer
		status int
	}{
		"a permission is missing": {answer{status: 403, body: `{"error":{"code":"Authorization_RequestDenied"}}`}, 403},
		"throttled":               {answer{status: 429}, 429},
		"no list":                 {answer{status: 200, body: `{}`}, 0},
		"a list that is none":     {answer{status: 200, body: `{"responses":{}}`}, 0},
		"cut short":               {answer{status: 200, body: `{"responses":[`}, 0},
		"no content":              {answer{status: 204}, 0},
		"larger than is read":     {answer{status: 200, body: `{"responses":["` + strings.Repeat("x", 5<<20) + `"]}`}, 0},
	} {
		client, _ := answering(t, test.answer)
		created, err := client.CreateUsers(t.Context(), people("adele"))
		require.Equal(t, test.status, asError(t, err).Status, name)
		require.Equal(t, "POST /$batch", asError(t, err).Operation, name)
		require.Nil(t, created, name)
	}
}

func TestUsersWhoCannotBeSentAreLeftOut(t *testing.T) {
	t.Parallel()
	s := newServer(t, says(http.StatusOK, `{"responses":[
		{"id":"2","status":201,"body":{"id":"x","userPrincipalName":"bo@contoso.com"}}]}`))
	client := newClient(t, graph.Config{Cloud: s.cloud()})
	users := people("adele", "bo")
	users[0].Attributes = map[string]string{"displayName": "Adele"}

	created, err := client.CreateUsers(t.Context(), users)
	require.NoError(t, err)
	require.ErrorContains(t, created[0].Err, "cannot be sent")
	require.Equal(t, graph.Created{User: graph.User{ObjectID: "x", UserPrincipalName: "bo@contoso.com"}}, created[1])
	require.NotContains(t, s.only(t).body, "adele")

	created, err = client.CreateUsers(t.Context(), users[:1])
	require.NoError(t, err)
	require.ErrorContains(t, created[0].Err, "cannot be sent")
	s.only(t)
}

func TestABatchHasALimit(t *testing.T) {
	t.Parallel()
	client, requests := answering(t, responses())
	for _, size := range []int{0, 21} {
		_, err := client.CreateUsers(t.Context(), make([]graph.NewUser, size))
		require.ErrorContains(t, err, "1 to 20 users")
	}
	require.Zero(t, *requests)
	created, err := client.CreateUsers(t.Context(), make([]graph.NewUser, 20))
	require.NoError(t, err)
	require.Len(t, created, 20)
}

// Nothing that a batch sends is in what it logs or says.
func TestABatchKeepsItsSecrets(t *testing.T) {
	t.Parallel()
	users := people("adele")
	users[0].Password = "secret-password"
	client := newClient(t, graph.Config{
		Credential: credential(func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
			return azcore.AccessToken{Token: "secret-token"}, nil
		}),
		Transport: roundTrip(func(req *http.Request) (*http.Response, error) { return responses().response(req), nil }),
	})
	created, err := client.CreateUsers(t.Context(), users)
	require.NoError(t, err)
	require.NotContains(t, created[0].Err.Error(), "secret")
}

// FuzzBatch says that no answer to a batch panics, or makes somebody of another user.
func FuzzBatch(f *testing.F) {
	f.Add(`{"responses":[{"id":"2","status":201,"headers":{"Retry-After":"3"},"body":` + wholeUser + `}]}`)
	f.Add(`{"responses":[{"id":"1","status":201,"body":{"id":"x","userPrincipalName":"adele@contoso.com"}},
		{"id":"2","status":429,"headers":{"Retry-After":"Mon, 02 Nov 2026 10:01:30 GMT"}}]}`)
	f.Add(`{"responses":[null,7,{"id":"1","status":1e3},{"id":"2","status":500,"body":{"error":{"details":[null]}}}]}`)
	f.Add(`{"responses":[{"id":"1","status":201,"body":{"id":"x","assignedLicenses":[null,{"skuId":"x"}],
		"createdDateTime":"yesterday","manager":{"@odata.type":"#microsoft.graph.group"}}}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		client, requests := answering(t, answer{status: http.StatusOK, body: body})
		users := people("adele", "bo")
		created, err := client.CreateUsers(t.Context(), users)
		require.Equal(t, 1, *requests)
		if err != nil {
			require.Zero(t, asError(t, err).Status)
			require.NotErrorIs(t, err, graph.ErrSDKPanic)
			return
		}
		require.Len(t, created, len(users))
		for i, outcome := range created {
			require.NotErrorIs(t, outcome.Err, graph.ErrSDKPanic)
			if outcome.Err == nil {
				require.NotEmpty(t, outcome.User.ObjectID)
				require.True(t, strings.EqualFold(users[i].UserPrincipalName, outcome.User.UserPrincipalName))
				continue
			}
			require.Zero(t, outcome.User)
			require.NotEqual(t, 201, asError(t, outcome.Err).Status)
		}
	})
}
