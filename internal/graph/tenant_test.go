package graph_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/internal/graph"
)

const (
	objectID   = "87d349ed-44d7-43e1-9a83-5f2406dee5bd"
	otherID    = "87d349ed-44d7-43e1-9a83-5f2406dee5be"
	groupID    = "aa000000-0000-0000-0000-00000000000a"
	skuID      = "f245ecc8-75af-4f8e-b61f-27d8114de5f3"
	otherSKUID = "05e9a617-0261-4cee-bb44-138d3ef5d965"
	planID     = "8a256a2b-b617-496d-b51b-e76466e88db0"
)

// token is a credential that always returns itself.
type token string

func (t token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(t), ExpiresOn: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}, nil
}

// credential is a credential made of a function.
type credential func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error)

func (c credential) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return c(ctx, options)
}

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }

// answer is what a tenant says to every request.
type answer struct {
	status int
	header map[string]string
	body   string
}

func (a answer) response(req *http.Request) *http.Response {
	header := http.Header{"Content-Type": {"application/json;odata.metadata=minimal;charset=utf-8"}}
	for name, value := range a.header {
		header.Set(name, value)
	}
	return &http.Response{
		StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header,
		Body: io.NopCloser(strings.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: req,
	}
}

// answering returns a client of a tenant that says the same to every request, and the count of the requests.
func answering(t testing.TB, a answer) (*graph.Client, *int) {
	t.Helper()
	requests := 0
	client := newClient(t, graph.Config{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		requests++
		return a.response(req), nil
	})})
	return client, &requests
}

// newClient fills in a credential and a clock.
func newClient(t testing.TB, cfg graph.Config) *graph.Client {
	t.Helper()
	if cfg.Credential == nil {
		cfg.Credential = token("secret-token")
	}
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC) }
	}
	client, err := graph.New(cfg)
	require.NoError(t, err)
	return client
}

// request is what a server saw.
type request struct {
	*http.Request
	body string
}

// server is a tenant on the loopback interface that records what it is asked.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []request
}

func newServer(t testing.TB, handler http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(recording(s, handler))
	t.Cleanup(s.Close)
	return s
}

// recording keeps what the handler is asked.
func recording(s *server, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		s.mu.Lock()
		s.requests = append(s.requests, request{r, string(body)})
		s.mu.Unlock()
		handler(w, r)
	}
}

func (s *server) cloud() entrafed.Cloud {
	cloud := entrafed.Global()
	cloud.Graph, cloud.InsecureLoopback = s.URL, true
	return cloud
}

// only returns the one request that the server has seen.
func (s *server) only(t testing.TB) request {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Len(t, s.requests, 1, "one call is one request")
	return s.requests[0]
}

// replaceOrigin makes what was sent independent of the server's port.
func replaceOrigin(s *server, body string) string { return strings.ReplaceAll(body, s.URL, "ORIGIN") }

// says returns a handler that writes a JSON body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const wholeUser = `{
	"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
	"id": "87d349ed-44d7-43e1-9a83-5f2406dee5bd",
	"userPrincipalName": "Adele@contoso.com",
	"onPremisesImmutableId": "9f86d081884c7d65",
	"displayName": "Adele",
	"mail": "adele@contoso.com",
	"employeeId": "4711",
	"createdDateTime": "2026-03-02T09:00:00Z",
	"deletedDateTime": "2026-04-02T09:00:00Z",
	"accountEnabled": true,
	"usageLocation": "DE",
	"onPremisesSyncEnabled": true,
	"assignedLicenses": [
		{"disabledPlans": [], "skuId": "F245ECC8-75AF-4F8E-B61F-27D8114DE5F3"},
		{"disabledPlans": ["8a256a2b-b617-496d-b51b-e76466e88db0"], "skuId": "05e9a617-0261-4cee-bb44-138d3ef5d965"}
	],
	"licenseAssignmentStates": [
		{"skuId": "F245ECC8-75AF-4F8E-B61F-27D8114DE5F3", "assignedByGroup": null, "disabledPlans": [], "error": "None",
		 "state": "Active", "lastUpdatedDateTime": "2026-03-02T09:00:00Z"},
		{"skuId": "05e9a617-0261-4cee-bb44-138d3ef5d965", "assignedByGroup": "AA000000-0000-0000-0000-00000000000A",
		 "disabledPlans": ["8A256A2B-B617-496D-B51B-E76466E88DB0"], "error": "CountViolation", "state": "Error"}
	]
}`

func readWholeUser() graph.User {
	return graph.User{
		ObjectID:          objectID,
		UserPrincipalName: "Adele@contoso.com",
		ImmutableID:       "9f86d081884c7d65",
		DisplayName:       "Adele",
		Mail:              "adele@contoso.com",
		EmployeeID:        "4711",
		UsageLocation:     "DE",
		AccountEnabled:    true,
		DirectorySynced:   true,
		SKUIDs:            []string{skuID, otherSKUID},
		Licenses: []graph.AssignedLicense{
			{SKUID: skuID, State: "Active", Error: "None"},
			{
				SKUID: otherSKUID, GroupID: "aa000000-0000-0000-0000-00000000000a", State: "Error", Error: "CountViolation",
				DisabledPlans: []string{planID},
			},
		},
		CreatedAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
		DeletedAt: time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC),
	}
}

// asError returns err as the *graph.Error that it must be.
func asError(t testing.TB, err error) *graph.Error {
	t.Helper()
	var answered *graph.Error
	require.ErrorAs(t, err, &answered)
	return answered
}
