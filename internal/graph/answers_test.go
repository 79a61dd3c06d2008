package graph_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/graph"
)

func TestRefusalsKeepWhatGraphSaid(t *testing.T) {
	t.Parallel()
	const conflict = "Another object with the same value for property userPrincipalName already exists."
	for name, test := range map[string]struct {
		answer answer
		want   graph.Error
	}{
		"the UPN is taken": {
			answer{status: 400, body: `{"error":{"code":"Request_BadRequest","message":"` + conflict + `",
				"details":[{"code":"ObjectConflict","target":"userPrincipalName","message":"` + conflict + `"},
				{"code":"ConflictingObjects","target":"User_` + objectID + `","message":"x"}],
				"innerError":{"date":"2026-11-02T10:00:00","request-id":"b9d3","client-request-id":"c"}}}`},
			graph.Error{
				Status: 400, Code: "Request_BadRequest", Message: conflict, RequestID: "b9d3",
				Details: []graph.ErrorDetail{
					{Code: "ObjectConflict", Target: "userPrincipalName", Message: conflict},
					{Code: "ConflictingObjects", Target: "User_" + objectID, Message: "x"},
				},
			},
		},
		"the request-id of the header wins": {
			answer{
				status: 409, header: map[string]string{"request-id": "header"},
				body: `{"error":{"code":"Directory_ConcurrencyViolation","message":"Please wait briefly and retry.",
					"innerError":{"request-id":"body"}}}`,
			},
			graph.Error{
				Status: 409, Code: "Directory_ConcurrencyViolation", Message: "Please wait briefly and retry.",
				RequestID: "header",
			},
		},
		"an immutableId is missing": {
			answer{status: 400, body: `{"error":{"code":"Request_BadRequest",
				"message":"SourceAnchor is a required property for creation of a federated user."}}`},
			graph.Error{
				Status: 400, Code: "Request_BadRequest",
				Message: "SourceAnchor is a required property for creation of a federated user.",
			},
		},
		"no seat is left": {
			answer{status: 400, body: `{"error":{"code":"Request_BadRequest",
				"message":"Subscription with SKU ` + skuID + ` does not have any available licenses."}}`},
			graph.Error{
				Status: 400, Code: "Request_BadRequest",
				Message: "Subscription with SKU " + skuID + " does not have any available licenses.",
			},
		},
		"a clash as 409": {
			answer{status: 409, body: `{"error":{"code":"Request_MultipleObjectsWithSameKeyValue","message":"m"}}`},
			graph.Error{Status: 409, Code: "Request_MultipleObjectsWithSameKeyValue", Message: "m"},
		},
		"a token that expired": {
			answer{
				status: 401, body: `{"error":{"code":"InvalidAuthenticationToken","message":"The token is expired."}}`,
				header: map[string]string{"WWW-Authenticate": `Bearer error="invalid_token"`},
			},
			graph.Error{Status: 401, Code: "InvalidAuthenticationToken", Message: "The token is expired."},
		},
		"a claims challenge is not answered": {
			answer{
				status: 401, body: `{"error":{"code":"InvalidAuthenticationToken","message":"m"}}`,
				header: map[string]string{"WWW-Authenticate": `Bearer realm="", error="insufficient_claims", claims="e30="`},
			},
			graph.Error{Status: 401, Code: "InvalidAuthenticationToken", Message: "m"},
		},
		"nor one that kiota cannot read": {
			answer{status: 401, header: map[string]string{"WWW-Authenticate": "Bearer claims"}},
			graph.Error{Status: 401, Message: `the body is not a Graph error (Content-Type "application/json;` +
				`odata.metadata=minimal;charset=utf-8")`},
		},
		"a permission is missing": {
			answer{status: 403, body: `{"error":{"code":"Authorization_RequestDenied",
				"message":"Insufficient privileges to complete the operation."}}`},
			graph.Error{
				Status: 403, Code: "Authorization_RequestDenied",
				Message: "Insufficient privileges to complete the operation.",
			},
		},
		"not there, or not yet": {
			answer{status: 404, body: `{"error":{"code":"Request_ResourceNotFound","message":"Resource does not exist."}}`},
			graph.Error{Status: 404, Code: graph.CodeNotFound, Message: "Resource does not exist."},
		},
		"throttled, in seconds": {
			answer{
				status: 429, header: map[string]string{"Retry-After": "17"},
				body: `{"error":{"code":"TooManyRequests","message":"Too many requests."}}`,
			},
			graph.Error{Status: 429, Code: "TooManyRequests", Message: "Too many requests.", RetryAfter: 17 * time.Second},
		},
		"throttled, until a date": {
			answer{
				status: 429, header: map[string]string{"Retry-After": "Mon, 02 Nov 2026 10:01:30 GMT"},
				body: `{"error":{"code":"TooManyRequests","message":"m"}}`,
			},
			graph.Error{Status: 429, Code: "TooManyRequests", Message: "m", RetryAfter: 90 * time.Second},
		},
		"throttled, until a date that is past": {
			answer{
				status: 429, header: map[string]string{"Retry-After": "Mon, 02 Nov 2026 09:00:00 GMT"},
				body: `{"error":{"code":"TooManyRequests","message":"m"}}`,
			},
			graph.Error{Status: 429, Code: "TooManyRequests", Message: "m"},
		},
		"throttled, without a Retry-After": {
			answer{status: 429, body: `{"error":{"code":"TooManyRequests","message":"m"}}`},
			graph.Error{Status: 429, Code: "TooManyRequests", Message: "m"},
		},
		"a Retry-After that is none": {
			answer{
				status: 503, header: map[string]string{"Retry-After": "99999999999999999999"},
				body: `{"error":{"code":"serviceNotAvailable","message":"m"}}`,
			},
			graph.Error{Status: 503, Code: "serviceNotAvailable", Message: "m"},
		},
		"a failure of Graph": {
			answer{status: 500, body: `{"error":{"code":"InternalServerError","message":""}}`},
			graph.Error{Status: 500, Code: "InternalServerError"},
		},
		"a page of a gateway": {
			answer{
				status: 502, body: "<html><h1>502 Bad Gateway</h1></html>",
				header: map[string]string{"Content-Type": "text/html"},
			},
			graph.Error{Status: 502, Message: `the body is not a Graph error (Content-Type "text/html")`},
		},
		"an error without a body": {
			answer{status: 504, header: map[string]string{"Content-Type": ""}},
			graph.Error{Status: 504, Message: `the body is not a Graph error (Content-Type "")`},
		},
		"an error cut short": {
			answer{
				status: 400, body: `{"error":{"code":"Request_BadRequest","mess`,
				header: map[string]string{"Content-Type": "application/json"},
			},
			graph.Error{Status: 400, Message: `the body is not a Graph error (Content-Type "application/json")`},
		},
		"a field of the wrong type costs that field only": {
			answer{status: 400, body: `{"error":{"message":7,"code":"Request_BadRequest","details":[{"code":{}},
				{"code":"ObjectConflict","target":"onPremisesImmutableId"}],"innerError":{"date":"yesterday","request-id":[]}}}`},
			graph.Error{
				Status: 400, Code: "Request_BadRequest",
				Details: []graph.ErrorDetail{{}, {Code: "ObjectConflict", Target: "onPremisesImmutableId"}},
			},
		},
		"an error that is a string": {
			answer{status: 400, body: `{"error":"invalid"}`, header: map[string]string{"Content-Type": "application/json"}},
			graph.Error{Status: 400, Message: `the body is not a Graph error (Content-Type "application/json")`},
		},
		"texts are limited": {
			answer{status: 400, body: `{"error":{"code":"c","message":"` + strings.Repeat("é", 4096) + `"}}`},
			graph.Error{Status: 400, Code: "c", Message: strings.Repeat("é", 512)},
		},
		"details are limited": {
			answer{status: 400, body: `{"error":{"code":"c","message":"m","details":[` +
				strings.TrimSuffix(strings.Repeat(`{"code":"d"},`, 1000), ",") + `]}}`},
			graph.Error{Status: 400, Code: "c", Message: "m", Details: repeated(graph.ErrorDetail{Code: "d"}, 16)},
		},
		"an error larger than what is read": {
			answer{
				status: 500, body: `{"error":{"code":"c","message":"` + strings.Repeat("x", 5<<20) + `"}}`,
				header: map[string]string{"Content-Type": "application/json"},
			},
			graph.Error{Status: 500, Message: `the body is not a Graph error (Content-Type "application/json")`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, requests := answering(t, test.answer)
			test.want.Operation = "POST /users"
			_, err := client.CreateUser(t.Context(), graph.NewUser{})
			require.Equal(t, &test.want, asError(t, err))
			require.Equal(t, 1, *requests, "one attempt")
		})
	}
}

func repeated(detail graph.ErrorDetail, times int) (details []graph.ErrorDetail) {
	for range times {
		details = append(details, detail)
	}
	return details
}

func TestOperationsAreNamed(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, answer{status: 403})
	for operation, call := range operations(client) {
		require.Equal(t, operation, asError(t, call(t.Context())).Operation)
	}
}

// operations are the calls that reach Graph, by the name in their errors.
func operations(client *graph.Client) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"POST /users": func(ctx context.Context) error {
			_, err := client.CreateUser(ctx, graph.NewUser{})
			return err
		},
		"GET /users/{id}": func(ctx context.Context) error {
			_, err := client.UserByObjectID(ctx, objectID)
			return err
		},
		"GET /users/{userPrincipalName}": func(ctx context.Context) error {
			_, err := client.UserByUPN(ctx, "adele@contoso.com")
			return err
		},
		"GET /users?$filter=onPremisesImmutableId": func(ctx context.Context) error {
			_, err := client.UserByImmutableID(ctx, "9f86d081884c7d65")
			return err
		},
		"GET /subscribedSkus": func(ctx context.Context) error {
			_, err := client.SKUs(ctx)
			return err
		},
		"POST /users/{id}/assignLicense": func(ctx context.Context) error {
			return client.ChangeLicenses(ctx, objectID, giving(skuID), nil)
		},
		"GET /groups/{id}": func(ctx context.Context) error {
			_, err := client.GroupByObjectID(ctx, groupID)
			return err
		},
		"GET /groups(uniqueName)": func(ctx context.Context) error {
			_, err := client.GroupByUniqueName(ctx, "staff")
			return err
		},
		"PATCH /groups/{id}": func(ctx context.Context) error {
			return client.AddMembers(ctx, groupID, []string{objectID})
		},
		"DELETE /groups/{id}/members/{id}/$ref": func(ctx context.Context) error {
			return client.RemoveMember(ctx, groupID, objectID)
		},
		"PATCH /users/{id}": func(ctx context.Context) error {
			return client.UpdateUser(ctx, objectID, graph.UserChange{DisplayName: "Adele"})
		},
		"POST /users/{id}/revokeSignInSessions": func(ctx context.Context) error {
			return client.RevokeSessions(ctx, objectID)
		},
		"DELETE /users/{id}": func(ctx context.Context) error {
			return client.DeleteUser(ctx, objectID)
		},
		"PUT /users/{id}/manager/$ref": func(ctx context.Context) error {
			return client.SetManager(ctx, objectID, otherID)
		},
		"GET /directory/deletedItems/microsoft.graph.user?$filter=id": func(ctx context.Context) error {
			_, err := client.DeletedUsersByObjectID(ctx, objectID)
			return err
		},
		"GET /directory/deletedItems/microsoft.graph.user?$filter=onPremisesImmutableId": func(ctx context.Context) error {
			_, err := client.DeletedUsersByImmutableID(ctx, "9f86d081884c7d65")
			return err
		},
		"GET /directory/deletedItems/microsoft.graph.user?$filter=userPrincipalName": func(ctx context.Context) error {
			_, err := client.DeletedUsersByUPN(ctx, "adele@contoso.com")
			return err
		},
		"POST /directory/deletedItems/{id}/restore": func(ctx context.Context) error {
			_, err := client.RestoreUser(ctx, objectID, "adele@contoso.com")
			return err
		},
		"DELETE /directory/deletedItems/{id}": func(ctx context.Context) error {
			return client.PurgeUser(ctx, objectID)
		},
		"GET /users": func(ctx context.Context) error {
			_, err := client.Users(ctx, "")
			return err
		},
		"GET /users/delta": func(ctx context.Context) error {
			_, err := client.UserChanges(ctx, "")
			return err
		},
		"POST /$batch": func(ctx context.Context) error {
			_, err := client.CreateUsers(ctx, []graph.NewUser{{UserPrincipalName: "adele@contoso.com"}})
			return err
		},
	}
}

// withoutContent are the operations for which 204 is a success.
func withoutContent() []string {
	return []string{
		"PATCH /groups/{id}", "DELETE /groups/{id}/members/{id}/$ref", "PATCH /users/{id}",
		"POST /users/{id}/revokeSignInSessions", "DELETE /users/{id}", "PUT /users/{id}/manager/$ref",
		"DELETE /directory/deletedItems/{id}",
	}
}

func TestNoContentIsASuccessWhereThereIsNothingToSay(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, answer{status: http.StatusNoContent, header: map[string]string{"Content-Type": ""}})
	for operation, call := range operations(client) {
		require.Equal(t, slices.Contains(withoutContent(), operation), call(t.Context()) == nil, operation)
	}
}

// A write that was answered with something unreadable may have happened, so that the answer counts as lost.
func TestSuccessThatCannotBeReadIsLost(t *testing.T) {
	t.Parallel()
	html := map[string]string{"Content-Type": "text/html"}
	for name, a := range map[string]answer{
		"no body":                {status: 201},
		"accepted, no more":      {status: 202, body: `{}`},
		"no Content-Type":        {status: 201, body: wholeUser, header: map[string]string{"Content-Type": ""}},
		"a sign-in page":         {status: 200, body: "<html>Sign in to the network</html>", header: html},
		"cut short":              {status: 201, body: wholeUser[:100]},
		"null":                   {status: 201, body: "null"},
		"a list":                 {status: 201, body: "[]"},
		"a string":               {status: 201, body: `"x"`},
		"a number":               {status: 201, body: "1"},
		"without an id":          {status: 201, body: `{"value":null}`},
		"an empty id":            {status: 201, body: `{"id":""}`},
		"an id of another type":  {status: 201, body: `{"id":5,"value":5}`},
		"a list of another type": {status: 201, body: `{"id":"x","assignedLicenses":5,"value":{}}`},
		"an ID that is none":     {status: 201, body: `{"id":"x","assignedLicenses":[{"skuId":"x"}],"value":[{"skuId":"x"}]}`},
		"nested too deep":        {status: 201, body: strings.Repeat("[", 20000)},
		"larger than is read":    {status: 201, body: `{"id":"` + strings.Repeat("x", 33<<20) + `"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a.header = withHeader(a.header, "request-id", "b9d3")
			client, requests := answering(t, a)
			for operation, call := range operations(client) {
				*requests = 0
				err := asError(t, call(t.Context()))
				require.Zero(t, err.Status, operation)
				require.Equal(t, "b9d3", err.RequestID, operation)
				require.ErrorContains(t, err, "cannot be used", operation)
				require.ErrorContains(t, err, "client-request-id", operation)
				require.NotErrorIs(t, err, graph.ErrSDKPanic, operation)
				require.Equal(t, 1, *requests, operation)
			}
		})
	}
}

func withHeader(header map[string]string, name, value string) map[string]string {
	all := map[string]string{name: value}
	for name, value := range header {
		all[name] = value
	}
	return all
}

func TestAnswersThatBreakOff(t *testing.T) {
	t.Parallel()
	drop := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	cut := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "4096")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		status  int
		cause   error
	}{
		"before the status":        {drop, 0, io.EOF},
		"within a success":         {cut(201, `{"id":"`), 0, io.ErrUnexpectedEOF},
		"after a whole success":    {cut(201, `{"id":"`+objectID+`"}`), 0, io.ErrUnexpectedEOF},
		"within an error":          {cut(503, `{"error":{"code":"s`), 503, nil},
		"within a throttling note": {cut(429, ``), 429, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, test.handler)
			_, err := newClient(t, graph.Config{Cloud: s.cloud()}).CreateUser(t.Context(), graph.NewUser{})
			require.Equal(t, test.status, asError(t, err).Status)
			if test.cause != nil {
				require.ErrorIs(t, err, test.cause)
			}
			require.NotContains(t, err.Error(), "secret-token")
			s.only(t)
		})
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	s := newServer(t, says(200, wholeUser))
	cloud := s.cloud()
	s.Close()
	_, err := newClient(t, graph.Config{Cloud: cloud}).UserByUPN(t.Context(), "adele@contoso.com")
	require.Zero(t, asError(t, err).Status)
	require.NotContains(t, err.Error(), "adele", "a transport error does not name the person")
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		elsewhere := newServer(t, says(200, wholeUser))
		s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)+"/v1.0/users", status)
		})
		client := newClient(t, graph.Config{Cloud: s.cloud()})
		for operation, call := range operations(client) {
			err := asError(t, call(t.Context()))
			require.Equal(t, status, err.Status, operation)
			require.Contains(t, err.Message, "it redirects to localhost:", operation)
		}
		require.Empty(t, elsewhere.requests, "nothing goes to the other host, least of all the token")
		require.Len(t, s.requests, len(operations(client)))
	}
}

func TestCallsEnd(t *testing.T) {
	t.Parallel()
	waits := roundTrip(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	t.Run("when the caller gives up", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := newClient(t, graph.Config{Transport: waits}).SKUs(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, asError(t, err).Status)
	})
	t.Run("when their time is up", func(t *testing.T) {
		t.Parallel()
		_, err := newClient(t, graph.Config{Transport: waits, Timeout: time.Nanosecond}).SKUs(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, asError(t, err).Status)
	})
}

func TestPanicOfTheSDKIsAnError(t *testing.T) {
	t.Parallel()
	client := newClient(t, graph.Config{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		panic("as generated code would")
	})})
	_, err := client.CreateUser(t.Context(), graph.NewUser{})
	require.ErrorIs(t, err, graph.ErrSDKPanic)
	require.Zero(t, asError(t, err).Status, "the user may exist")
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection reset")
	lost := &graph.Error{Operation: "POST /users", Err: cause}
	require.EqualError(t, lost, "graph: POST /users: no answer: connection reset")
	require.ErrorIs(t, lost, cause)
	require.EqualError(t, &graph.Error{Operation: "GET /users/{id}", Status: 404, Code: "c", Message: "m"},
		"graph: GET /users/{id}: 404 c: m")
}

// FuzzAnswers says that no answer, however odd, panics, is taken for a user that was not asked for, or is asked twice.
func FuzzAnswers(f *testing.F) {
	f.Add(200, "application/json", "", wholeUser)
	f.Add(201, "application/json;charset=utf-8", "Bearer claims",
		`{"id":"x","assignedLicenses":[null,{"skuId":"`+skuID+`"}]}`)
	f.Add(200, "application/json", "",
		`{"value":[{"skuId":"`+skuID+`","prepaidUnits":{"enabled":1.5}}],"@odata.nextLink":1}`)
	f.Add(200, "application/json", "", `{"value":[`+wholeUser+`,null]}`)
	f.Add(400, "application/json", "17", `{"error":{"code":"c","details":[null],"innererror":{"request-id":null}}}`)
	f.Add(401, "", `Bearer claims="e30="`, `null`)
	f.Add(502, "text/html", "Mon, 02 Nov 2026 10:01:30 GMT", "<html>")
	f.Add(200, "application/json", "",
		`{"id":"x","manager":{"@odata.type":"#microsoft.graph.group"},"memberOf":[{"@odata.type":"#microsoft.graph.user"}]}`)
	f.Add(200, "application/json", "0.9", `{"value":[{"id":"x","@removed":{"reason":"changed"}},{"id":"y"}],
		"@odata.deltaLink":"https://graph.microsoft.com/v1.0/users/delta?$deltatoken=x"}`)
	f.Add(200, "application/json", "", `{"responses":[null,{"id":"1","status":201,"body":`+wholeUser+`},{"id":2}]}`)
	f.Add(204, "", "", "")
	f.Add(200, "application/json", "", `{"value":true}`)
	f.Add(200, "application/json", "",
		`{"id":"x","createdDateTime":"2026-11-02T10:00:00","passwordProfile":[],"identities":[{}]}`)
	f.Fuzz(func(t *testing.T, status int, contentType, header, body string) {
		client, requests := answering(t, answer{status: status, body: body, header: map[string]string{
			"Content-Type": contentType, "WWW-Authenticate": header, "Retry-After": header, "Location": header,
			"x-ms-throttle-limit-percentage": header, "x-ms-throttle-scope": header,
		}})
		for operation, call := range operations(client) {
			*requests = 0
			err := call(t.Context())
			require.NotErrorIs(t, err, graph.ErrSDKPanic, operation)
			require.Equal(t, 1, *requests, operation)
			if err != nil {
				answered := asError(t, err)
				require.True(t, answered.Status == 0 || answered.Status == status || answered.Code == graph.CodeNotFound)
				require.GreaterOrEqual(t, answered.RetryAfter, time.Duration(0))
			}
		}
		if user, err := client.UserByObjectID(t.Context(), objectID); err == nil {
			require.True(t, strings.EqualFold(objectID, user.ObjectID))
		}
	})
}
