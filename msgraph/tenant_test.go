package msgraph_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
)

const (
	objectID = "87d349ed-44d7-43e1-9a83-5f2406dee5bd"
	skuID    = "f245ecc8-75af-4f8e-b61f-27d8114de5f3"
)

// token is a credential that returns itself, or an error.
type token struct {
	text string
	err  error
}

func (t token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: t.text}, t.err
}

// answer is a transport on which Graph always says the same.
type answer struct {
	status int
	body   string
	header http.Header
	err    error
	seen   *[]string // "POST /v1.0/users {…}"
}

func (a answer) RoundTrip(req *http.Request) (*http.Response, error) {
	if a.err != nil {
		return nil, a.err
	}
	if a.seen != nil {
		line := req.Method + " " + req.URL.RequestURI()
		if req.Body != nil {
			body, err := io.ReadAll(req.Body)
			if err != nil {
				return nil, err
			}
			line += " " + string(body)
		}
		*a.seen = append(*a.seen, line)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	for name, values := range a.header {
		header[name] = values
	}
	return &http.Response{
		StatusCode: a.status, Header: header, Body: io.NopCloser(strings.NewReader(a.body)), Request: req,
		ContentLength: int64(len(a.body)),
	}, nil
}

func newTenant(t *testing.T, credential token, transport answer) *msgraph.Tenant {
	t.Helper()
	tenant, err := msgraph.New(msgraph.Config{Credential: credential, Transport: transport})
	require.NoError(t, err)
	return tenant
}

func TestNewListsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := msgraph.New(msgraph.Config{Cloud: entrafed.Cloud{Name: "nowhere"}, Timeout: -time.Second})
	require.ErrorContains(t, err, "msgraph: the configuration cannot be used")
	require.ErrorContains(t, err, "Cloud.Graph: the URL is empty")
	require.ErrorContains(t, err, "Credential is nil")
	require.ErrorContains(t, err, "Timeout is -1s")
}

func TestTenantDoesWhatThePipelineAsks(t *testing.T) {
	t.Parallel()
	const user = `{"id":"` + objectID + `","userPrincipalName":"adele@contoso.com","onPremisesImmutableId":"9f86",
		"displayName":"Adele","usageLocation":"DE","accountEnabled":true,"onPremisesSyncEnabled":true,
		"assignedLicenses":[{"skuId":"` + skuID + `"}],"mail":"a@contoso.com","employeeId":"4711",
		"licenseAssignmentStates":[{"skuId":"` + skuID + `","assignedByGroup":"` + objectID + `","state":"Error",
			"error":"CountViolation","disabledPlans":["` + skuID + `"]}],
		"createdDateTime":"2026-03-02T09:00:00Z","deletedDateTime":"2026-04-02T09:00:00Z"}`
	read := provision.User{
		ObjectID: objectID, UserPrincipalName: "adele@contoso.com", ImmutableID: "9f86", DisplayName: "Adele",
		UsageLocation: "DE", AccountEnabled: true, DirectorySynced: true, SKUIDs: []string{skuID},
		Mail: "a@contoso.com", EmployeeID: "4711",
		Licenses: []provision.AssignedLicense{{
			SKUID: skuID, GroupID: objectID, State: "Error", Error: "CountViolation", DisabledPlans: []string{skuID},
		}},
		CreatedAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), DeletedAt: time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC),
	}
	find := func(key provision.UserKey) func(*testing.T, *msgraph.Tenant) {
		return func(t *testing.T, tenant *msgraph.Tenant) {
			found, err := tenant.FindUser(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, read, found)
		}
	}
	for name, test := range map[string]struct {
		body  string
		call  func(*testing.T, *msgraph.Tenant)
		begin string // of the one request
	}{
		"create": {
			`{"id":"` + objectID + `","userPrincipalName":"adele@contoso.com","displayName":"Adele"}`,
			func(t *testing.T, tenant *msgraph.Tenant) {
				created, err := tenant.CreateUser(t.Context(), provision.NewUser{
					UserPrincipalName: "adele@contoso.com", ImmutableID: "9f86", DisplayName: "Adele",
					MailNickname: "adele", Password: "never used",
				})
				require.NoError(t, err)
				require.Equal(t, provision.User{
					ObjectID: objectID, UserPrincipalName: "adele@contoso.com", DisplayName: "Adele",
				}, created)
			},
			`POST /v1.0/users {`,
		},
		"find by object ID": {user, find(provision.UserKey{ObjectID: objectID}), "GET /v1.0/users/" + objectID + "?"},
		"find by UPN": {
			user, find(provision.UserKey{UserPrincipalName: "Adele@contoso.com"}),
			"GET /v1.0/users/Adele%40contoso.com?",
		},
		"find by ImmutableID": {
			`{"value":[` + user + `]}`, find(provision.UserKey{ImmutableID: "9f86"}),
			"GET /v1.0/users?$filter=onPremisesImmutableId%20eq%20%279f86%27&",
		},
		"list the subscriptions": {
			`{"value":[{"skuId":"` + skuID + `","skuPartNumber":"SPB","appliesTo":"User","capabilityStatus":"Enabled",
				"consumedUnits":3,"prepaidUnits":{"enabled":5,"warning":1},
				"servicePlans":[{"servicePlanId":"` + skuID + `","servicePlanName":"EXCHANGE","appliesTo":"User"}]}]}`,
			func(t *testing.T, tenant *msgraph.Tenant) {
				skus, err := tenant.SKUs(t.Context())
				require.NoError(t, err)
				require.Equal(t, []provision.SKU{{
					ID: skuID, PartNumber: "SPB", AppliesTo: "User", Status: "Enabled", Enabled: 5, Warning: 1, Consumed: 3,
					Plans: []provision.ServicePlan{{ID: skuID, Name: "EXCHANGE", AppliesTo: "User"}},
				}}, skus)
			},
			"GET /v1.0/subscribedSkus?",
		},
		"assign a seat": {
			user,
			func(t *testing.T, tenant *msgraph.Tenant) {
				require.NoError(t, tenant.ChangeLicenses(t.Context(), objectID, addLicense(skuID)))
			},
			"POST /v1.0/users/" + objectID + "/assignLicense {",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen []string
			test.call(t, newTenant(t, token{text: "t"}, answer{status: 200, body: test.body, seen: &seen}))
			require.Len(t, seen, 1)
			require.Truef(t, strings.HasPrefix(seen[0], test.begin), "%s", seen[0])
		})
	}
}

func TestAuthorizeAsksTheCredentialAlone(t *testing.T) {
	t.Parallel()
	var seen []string
	require.NoError(t, newTenant(t, token{text: "t"}, answer{status: 500, seen: &seen}).Authorize(t.Context()))
	require.Empty(t, seen)
}

func TestErrorsMatchWhatHappened(t *testing.T) {
	t.Parallel()
	sentinels := []error{
		provision.ErrUnauthorized, provision.ErrForbidden, provision.ErrNotFound, provision.ErrConflict,
		provision.ErrNoLicense, provision.ErrThrottled, provision.ErrUnavailable,
	}
	reset := errors.New("connection reset by peer")
	body := func(code, message string) string {
		return `{"error":{"code":"` + code + `","message":"` + message + `"}}`
	}
	for name, test := range map[string]struct {
		credential token
		answer     answer
		want       error
	}{
		"a taken ImmutableID": {token{text: "t"}, answer{
			status: 400, body: `{"error":{"code":"Request_BadRequest","message":"m",
				"details":[{"code":"ObjectConflict","target":"onPremisesImmutableId"}]}}`,
		}, provision.ErrConflict},
		"no seat": {token{text: "t"}, answer{
			status: 400,
			body:   body("Request_BadRequest", "Subscription with SKU x does not have any available licenses."),
		}, provision.ErrNoLicense},
		"nobody has the ImmutableID": {token{text: "t"}, answer{status: 200, body: `{"value":[]}`}, provision.ErrNotFound},
		"not there": {
			token{text: "t"}, answer{status: 404, body: body("Request_ResourceNotFound", "m")}, provision.ErrNotFound,
		},
		"an expired token": {
			token{text: "t"}, answer{status: 401, body: body("InvalidAuthenticationToken", "m")}, provision.ErrUnauthorized,
		},
		"an empty token": {token{}, answer{status: 200, body: "{}"}, provision.ErrUnauthorized},
		"no answer to the credential": {
			token{err: reset}, answer{status: 200, body: "{}"}, provision.ErrUnavailable,
		},
		"a missing permission": {
			token{text: "t"}, answer{status: 403, body: body("Authorization_RequestDenied", "m")}, provision.ErrForbidden,
		},
		"throttling":               {token{text: "t"}, answer{status: 429}, provision.ErrThrottled},
		"a failure":                {token{text: "t"}, answer{status: 500}, provision.ErrUnavailable},
		"a gateway's page":         {token{text: "t"}, answer{status: 502, body: "<html>"}, provision.ErrUnavailable},
		"a connection lost":        {token{text: "t"}, answer{err: reset}, provision.ErrUnavailable},
		"a success cut short":      {token{text: "t"}, answer{status: 201, body: `{"id":`}, provision.ErrUnavailable},
		"a redirect":               {token{text: "t"}, answer{status: 302}, nil},
		"a request it disapproves": {token{text: "t"}, answer{status: 400, body: body("Request_BadRequest", "m")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant := newTenant(t, test.credential, test.answer)
			_, err := tenant.FindUser(t.Context(), provision.UserKey{ImmutableID: "9f86"})
			for _, sentinel := range sentinels {
				require.Equal(t, sentinel == test.want, errors.Is(err, sentinel), "%v: %v", sentinel, err)
			}
			var answered *provision.DirectoryError
			require.ErrorAs(t, err, &answered)
		})
	}
}

func TestDirectoryErrorIsWhole(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, token{text: "t"}, answer{
		status: 400,
		header: http.Header{"Request-Id": {"b9d3"}, "Retry-After": {"3"}},
		body: `{"error":{"code":"Request_BadRequest","message":"taken",
			"details":[{"code":"ObjectConflict","target":"userPrincipalName","message":"d"}]}}`,
	})
	_, err := tenant.CreateUser(t.Context(), provision.NewUser{})
	require.Equal(t, &provision.DirectoryError{
		Operation: "POST /users", Status: 400, Code: "Request_BadRequest", Message: "taken",
		Details:   []provision.ErrorDetail{{Code: "ObjectConflict", Target: "userPrincipalName", Message: "d"}},
		RequestID: "b9d3", RetryAfter: 3 * time.Second,
	}, err)
}

func TestLostAnswersKeepTheirCause(t *testing.T) {
	t.Parallel()
	reset := errors.New("connection reset by peer")
	err := newTenant(t, token{text: "t"}, answer{err: reset}).ChangeLicenses(t.Context(), objectID, addLicense(skuID))
	require.ErrorIs(t, err, reset)
	require.ErrorContains(t, err, "client-request-id")
}

func TestWrongCallsAreNotMade(t *testing.T) {
	t.Parallel()
	var seen []string
	tenant := newTenant(t, token{text: "t"}, answer{status: 200, seen: &seen})
	for name, key := range map[string]provision.UserKey{
		"no key":                  {},
		"two keys":                {ObjectID: objectID, ImmutableID: "9f86"},
		"three keys":              {ObjectID: objectID, ImmutableID: "9f86", UserPrincipalName: "adele@contoso.com"},
		"an ObjectID that is not": {ObjectID: "adele@contoso.com"},
		"a UPN that is not":       {UserPrincipalName: "me"},
	} {
		_, err := tenant.FindUser(t.Context(), key)
		require.Error(t, err, name)
		var answered *provision.DirectoryError
		require.NotErrorAs(t, err, &answered, name)
	}
	for name, key := range map[string]provision.UserKey{"no key": {}, "two keys": {ObjectID: objectID, ImmutableID: "9f86"}} {
		_, err := tenant.FindDeletedUsers(t.Context(), key)
		require.ErrorContains(t, err, "exactly one", name)
	}
	for name, key := range map[string]provision.GroupKey{"no key": {}, "two keys": {ObjectID: objectID, UniqueName: "x"}} {
		_, err := tenant.FindGroup(t.Context(), key)
		require.ErrorContains(t, err, "exactly one", name)
	}
	_, err := tenant.CreateUsers(t.Context(), make([]provision.NewUser, provision.MaxBatch+1))
	require.ErrorContains(t, err, "1 to 20 users")
	require.ErrorContains(t, tenant.AddMembers(t.Context(), objectID, make([]string, provision.MaxMembers+1)), "1 to 20")
	require.Error(t, tenant.ChangeLicenses(t.Context(), objectID, addLicense("SPB")))
	require.NoError(t, tenant.ChangeLicenses(t.Context(), objectID, provision.LicenseChange{}))
	require.Empty(t, seen)
}

func addLicense(skuID string) provision.LicenseChange {
	return provision.LicenseChange{Add: []provision.LicenseGrant{{SKUID: skuID}}}
}
