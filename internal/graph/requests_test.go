package graph_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/graph"
)

const (
	selectTracked = "$select=id,userPrincipalName,onPremisesImmutableId,displayName,mail,employeeId,accountEnabled," +
		"usageLocation,onPremisesSyncEnabled,assignedLicenses"
	selectUser = selectTracked + ",licenseAssignmentStates,createdDateTime,deletedDateTime"
)

func TestCreateUserSendsWhatGraphTakes(t *testing.T) {
	t.Parallel()
	full := graph.NewUser{
		UserPrincipalName: "adele@contoso.com", ImmutableID: "9f86d081884c7d65", DisplayName: `Adele <"A"> & Söhne`,
		MailNickname: "adele", GivenName: "Adele", Surname: "Söhne", UsageLocation: "DE", Password: `p"\<>é`,
	}
	bare := full
	bare.GivenName, bare.Surname, bare.UsageLocation = "", "", ""

	for name, test := range map[string]struct {
		user graph.NewUser
		body string
	}{
		"everything": {full, `{
			"accountEnabled": true, "userPrincipalName": "adele@contoso.com", "onPremisesImmutableId": "9f86d081884c7d65",
			"displayName": "Adele <\"A\"> & Söhne", "mailNickname": "adele", "givenName": "Adele", "surname": "Söhne",
			"usageLocation": "DE",
			"passwordProfile": {"password": "p\"\\<>é", "forceChangePasswordNextSignIn": false}}`},
		"what is empty is not sent": {bare, `{
			"accountEnabled": true, "userPrincipalName": "adele@contoso.com", "onPremisesImmutableId": "9f86d081884c7d65",
			"displayName": "Adele <\"A\"> & Söhne", "mailNickname": "adele",
			"passwordProfile": {"password": "p\"\\<>é", "forceChangePasswordNextSignIn": false}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, says(http.StatusCreated, `{"id":"`+objectID+`","userPrincipalName":"adele@contoso.com"}`))
			user, err := newClient(t, graph.Config{Cloud: s.cloud()}).CreateUser(t.Context(), test.user)
			require.NoError(t, err)
			require.Equal(t, graph.User{ObjectID: objectID, UserPrincipalName: "adele@contoso.com"}, user)

			sent := s.only(t)
			require.Equal(t, "POST /v1.0/users", sent.Method+" "+sent.RequestURI)
			require.Equal(t, "application/json", sent.Header.Get("Content-Type"))
			require.JSONEq(t, test.body, sent.body)
			require.Empty(t, sent.Header.Get("Content-Encoding"), "request bodies are not compressed")
			require.EqualValues(t, len(sent.body), sent.ContentLength, "nor sent in chunks")
		})
	}
}

func TestChangeLicensesSendsBothArrays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		add    []graph.LicenseGrant
		remove []string
		body   string
	}{
		"to give": {
			[]graph.LicenseGrant{{SKUID: strings.ToUpper(skuID)}, {SKUID: otherSKUID, DisabledPlans: []string{planID}}}, nil,
			`{"addLicenses": [{"disabledPlans": [], "skuId": "` + skuID + `"},
				{"disabledPlans": ["` + planID + `"], "skuId": "` + otherSKUID + `"}], "removeLicenses": []}`,
		},
		"to take": {nil, []string{skuID}, `{"addLicenses": [], "removeLicenses": ["` + skuID + `"]}`},
		"to swap": {
			[]graph.LicenseGrant{{SKUID: skuID}}, []string{otherSKUID},
			`{"addLicenses": [{"disabledPlans": [], "skuId": "` + skuID + `"}], "removeLicenses": ["` + otherSKUID + `"]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, says(http.StatusOK, wholeUser))
			client := newClient(t, graph.Config{Cloud: s.cloud()})
			require.NoError(t, client.ChangeLicenses(t.Context(), objectID, test.add, test.remove))

			sent := s.only(t)
			require.Equal(t, "POST /v1.0/users/"+objectID+"/assignLicense", sent.Method+" "+sent.RequestURI)
			require.JSONEq(t, test.body, sent.body)
		})
	}
}

func TestReadsSelectWhatTheyNeed(t *testing.T) {
	t.Parallel()
	skus := func(c *graph.Client, t *testing.T) error { _, err := c.SKUs(t.Context()); return err }
	byID := func(c *graph.Client, t *testing.T) error {
		_, err := c.UserByObjectID(t.Context(), objectID)
		return err
	}
	byUPN := func(upn string) func(*graph.Client, *testing.T) error {
		return func(c *graph.Client, t *testing.T) error { _, err := c.UserByUPN(t.Context(), upn); return err }
	}
	byImmutableID := func(id string) func(*graph.Client, *testing.T) error {
		return func(c *graph.Client, t *testing.T) error { _, err := c.UserByImmutableID(t.Context(), id); return err }
	}
	for name, test := range map[string]struct {
		call       func(*graph.Client, *testing.T) error
		body       string
		requestURI string
		filter     string
	}{
		"subscriptions": {
			call: skus, body: `{"value":[]}`,
			requestURI: "/v1.0/subscribedSkus?" +
				"$select=skuId,skuPartNumber,appliesTo,capabilityStatus,prepaidUnits,consumedUnits,servicePlans",
		},
		"by object ID": {call: byID, body: wholeUser, requestURI: "/v1.0/users/" + objectID + "?" + selectUser},
		"by UPN": {
			call: byUPN("adele@contoso.com"), body: wholeUser,
			requestURI: "/v1.0/users/adele%40contoso.com?" + selectUser,
		},
		"a guest's UPN holds a #": {
			call:       byUPN("a_example.net#EXT#@contoso.com"),
			body:       `{"id":"` + objectID + `","userPrincipalName":"a_example.net#EXT#@contoso.com"}`,
			requestURI: "/v1.0/users/a_example.net%23EXT%23%40contoso.com?" + selectUser,
		},
		"a UPN may hold ' ^ ~ ! ? % +": {
			call:       byUPN("o'b^~!?%+@contoso.com"),
			body:       `{"id":"` + objectID + `","userPrincipalName":"o'b^~!?%+@contoso.com"}`,
			requestURI: "/v1.0/users/o%27b%5E~%21%3F%25%2B%40contoso.com?" + selectUser,
		},
		"by ImmutableID": {
			call: byImmutableID("9f86d081884c7d65"), body: `{"value":[` + wholeUser + `]}`,
			filter: "onPremisesImmutableId eq '9f86d081884c7d65'",
		},
		"quotes are doubled, base64 is escaped": {
			call:   byImmutableID("a'b+/=&#$ç %24%2D"),
			body:   `{"value":[{"id":"` + objectID + `","onPremisesImmutableId":"a'b+/=&#$ç %24%2D"}]}`,
			filter: "onPremisesImmutableId eq 'a''b+/=&#$ç %24%2D'",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, says(http.StatusOK, test.body))
			require.NoError(t, test.call(newClient(t, graph.Config{Cloud: s.cloud()}), t))

			sent := s.only(t)
			require.Equal(t, http.MethodGet, sent.Method)
			require.Empty(t, sent.body)
			if test.requestURI != "" {
				require.Equal(t, test.requestURI, strings.ReplaceAll(sent.RequestURI, "%2C", ","))
			} else {
				require.Equal(t, "/v1.0/users", sent.URL.Path)
				require.Equal(t, test.filter, sent.URL.Query().Get("$filter"))
				require.Equal(t, selectUser, "$select="+sent.URL.Query().Get("$select"))
			}
			require.Empty(t, sent.Header.Get("ConsistencyLevel"), "the slower index is never asked")
		})
	}
}

func TestEveryRequestCarriesItsHeaders(t *testing.T) {
	t.Parallel()
	s := newServer(t, says(http.StatusOK, wholeUser))
	client := newClient(t, graph.Config{Cloud: s.cloud(), Rand: bytes.NewReader(bytes.Repeat([]byte{0xab}, 16))})
	_, err := client.UserByObjectID(t.Context(), objectID)
	require.NoError(t, err)

	sent := s.only(t)
	require.Equal(t, []string{"Bearer secret-token"}, sent.Header["Authorization"])
	require.Equal(t, []string{"abababab-abab-4bab-abab-abababababab"}, sent.Header["Client-Request-Id"])
	require.Equal(t, []string{"application/json"}, sent.Header["Accept"])
	require.Equal(t, []string{"entrafed"}, sent.Header["User-Agent"])
	require.Empty(t, sent.Header["Sdkversion"])
}

// The same holds where the requests are made by hand.
func TestAllOperationsSendTheirHeaders(t *testing.T) {
	t.Parallel()
	s := newServer(t, says(http.StatusForbidden, `{}`))
	for operation, call := range operations(newClient(t, graph.Config{Cloud: s.cloud()})) {
		require.Error(t, call(t.Context()))
		sent := s.requests[len(s.requests)-1]
		require.Equal(t, []string{"Bearer secret-token"}, sent.Header["Authorization"], operation)
		require.Equal(t, []string{"high"}, sent.Header["X-Ms-Throttle-Priority"], operation)
		require.Equal(t, []string{"entrafed"}, sent.Header["User-Agent"], operation)
		require.NotEmpty(t, sent.Header["Client-Request-Id"], operation)
		if sent.body != "" {
			require.Equal(t, []string{"application/json"}, sent.Header["Content-Type"], operation)
			require.EqualValues(t, len(sent.body), sent.ContentLength, operation)
		}
	}
}

func TestNoRequestWithoutRandomness(t *testing.T) {
	t.Parallel()
	s := newServer(t, says(http.StatusOK, wholeUser))
	client := newClient(t, graph.Config{Cloud: s.cloud(), Rand: bytes.NewReader(nil)})
	_, err := client.UserByObjectID(t.Context(), objectID)
	require.ErrorContains(t, err, "randomness")
	require.Empty(t, s.requests)
}

func TestUserIsReadWhole(t *testing.T) {
	t.Parallel()
	client, requests := answering(t, answer{status: http.StatusOK, body: wholeUser})
	user, err := client.UserByObjectID(t.Context(), strings.ToUpper(objectID))
	require.NoError(t, err)
	require.Equal(t, readWholeUser(), user)
	require.Equal(t, 1, *requests)
}

func TestPropertiesThatAreNullOrAbsentAreEmpty(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, answer{status: http.StatusOK, body: `{"id":"` + objectID + `","userPrincipalName":null,
		"onPremisesImmutableId":null,"usageLocation":null,"onPremisesSyncEnabled":null,"assignedLicenses":[null,{}],
		"licenseAssignmentStates":[null,{"state":"Active"}],"createdDateTime":null,"deletedDateTime":null}`})
	user, err := client.UserByObjectID(t.Context(), objectID)
	require.NoError(t, err)
	require.Equal(t, graph.User{ObjectID: objectID}, user)
}

func TestCompressedAnswersAreRead(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "gzip", r.Header.Get("Accept-Encoding"))
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write([]byte(wholeUser))
		_ = z.Close()
	})
	user, err := newClient(t, graph.Config{Cloud: s.cloud()}).UserByObjectID(t.Context(), objectID)
	require.NoError(t, err)
	require.Equal(t, readWholeUser(), user)
}

func TestSKUsAreRead(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, answer{status: http.StatusOK, body: `{"value":[
		{"skuId":"F245ECC8-75AF-4F8E-B61F-27D8114DE5F3","skuPartNumber":"O365_BUSINESS_PREMIUM","appliesTo":"User",
		 "capabilityStatus":"Warning","consumedUnits":14,
		 "prepaidUnits":{"enabled":25,"suspended":3,"warning":5,"lockedOut":1},
		 "servicePlans":[null,{"servicePlanName":"without an ID"},{"servicePlanId":"8A256A2B-B617-496D-B51B-E76466E88DB0",
		  "servicePlanName":"EXCHANGE_S_STANDARD","appliesTo":"User","provisioningStatus":"Success"}]},
		{"skuId":"05e9a617-0261-4cee-bb44-138d3ef5d965","prepaidUnits":null}]}`})
	skus, err := client.SKUs(t.Context())
	require.NoError(t, err)
	require.Equal(t, []graph.SKU{
		{
			ID: skuID, PartNumber: "O365_BUSINESS_PREMIUM", AppliesTo: "User", Status: "Warning",
			Enabled: 25, Warning: 5, Consumed: 14,
			Plans: []graph.ServicePlan{{ID: planID, Name: "EXCHANGE_S_STANDARD", AppliesTo: "User"}},
		},
		{ID: "05e9a617-0261-4cee-bb44-138d3ef5d965"},
	}, skus)
}

func TestUserByImmutableIDIsExact(t *testing.T) {
	t.Parallel()
	entry := func(immutableID string) string {
		return fmt.Sprintf(`{"id":"%s","onPremisesImmutableId":"%s"}`, objectID, immutableID)
	}
	for name, test := range map[string]struct {
		body   string
		status int // of the error; -1 without an error
		code   string
		text   string
	}{
		"one user":               {`{"value":[` + entry("abc") + `]}`, -1, "", ""},
		"nobody":                 {`{"value":[]}`, http.StatusNotFound, graph.CodeNotFound, "no user has this"},
		"somebody in other case": {`{"value":[` + entry("ABC") + `]}`, http.StatusNotFound, graph.CodeNotFound, ""},
		"one among other cases":  {`{"value":[` + entry("ABC") + `,` + entry("abc") + `]}`, -1, "", ""},
		"two of the same":        {`{"value":[` + entry("abc") + `,` + entry("abc") + `]}`, 0, "", "2 users have the same"},
		"an entry without an id": {`{"value":[{"onPremisesImmutableId":"abc"}]}`, 0, "", "no user with an id"},
		"a null entry":           {`{"value":[null]}`, 0, "", "no user with an id"},
		"an unfinished list": {
			`{"value":[],"@odata.nextLink":"https://graph.microsoft.com/v1.0/users?$skiptoken=x"}`, 0, "", "first page",
		},
		"no list": {`{"error":"none"}`, 0, "", "no list of users"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, requests := answering(t, answer{
				status: http.StatusOK, body: test.body, header: map[string]string{"request-id": "b9d3"},
			})
			user, err := client.UserByImmutableID(t.Context(), "abc")
			require.Equal(t, 1, *requests)
			if test.status == -1 {
				require.NoError(t, err)
				require.Equal(t, graph.User{ObjectID: objectID, ImmutableID: "abc"}, user)
				return
			}
			require.Zero(t, user)
			require.ErrorContains(t, err, test.text)
			answered := asError(t, err)
			require.Equal(t, test.status, answered.Status)
			require.Equal(t, test.code, answered.Code)
			require.Equal(t, "b9d3", answered.RequestID)
			require.Equal(t, "GET /users?$filter=onPremisesImmutableId", answered.Operation)
		})
	}
}

func TestAnotherUserIsNoAnswer(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, answer{status: http.StatusOK, body: wholeUser})
	for name, read := range map[string]func() (graph.User, error){
		"by object ID": func() (graph.User, error) {
			return client.UserByObjectID(t.Context(), "00000000-0000-0000-0000-000000000001")
		},
		"by UPN": func() (graph.User, error) { return client.UserByUPN(t.Context(), "someone.else@contoso.com") },
	} {
		user, err := read()
		require.ErrorContains(t, err, "another user", name)
		require.Zero(t, asError(t, err).Status, name)
		require.Zero(t, user, name)
	}
}

func TestKeysThatGraphWouldReadOtherwiseAreNotSent(t *testing.T) {
	t.Parallel()
	client, requests := answering(t, answer{status: http.StatusOK, body: wholeUser})
	for _, id := range []string{
		"", "..", "me", "adele@contoso.com", "{87d349ed-44d7-43e1-9a83-5f2406dee5bd}",
		"87d349ed44d743e19a835f2406dee5bd", "urn:uuid:87d349ed-44d7-43e1-9a83-5f2406dee5bd",
	} {
		_, err := client.UserByObjectID(t.Context(), id)
		require.ErrorContains(t, err, "not a GUID", "object ID %q", id)
		for want, err := range map[string]error{
			"object ID": client.ChangeLicenses(t.Context(), id, giving(skuID), nil),
			"SKU ID":    client.ChangeLicenses(t.Context(), objectID, giving(skuID, id), nil),
			"SKU ID \"": client.ChangeLicenses(t.Context(), objectID, nil, []string{id}),
			"service plan ID": client.ChangeLicenses(t.Context(), objectID,
				[]graph.LicenseGrant{{SKUID: skuID, DisabledPlans: []string{id}}}, nil),
		} {
			require.ErrorContains(t, err, want, "%q", id)
		}
	}
	for _, upn := range []string{
		"", ".", "adele", objectID, "$a@contoso.com", "a b@contoso.com", "a/@contoso.com", `a\@contoso.com`,
	} {
		_, err := client.UserByUPN(t.Context(), upn)
		require.ErrorContains(t, err, "not a user principal name", "UPN %q", upn)
	}
	require.NoError(t, client.ChangeLicenses(t.Context(), objectID, nil, []string{}), "nothing to change")
	require.Zero(t, *requests)
}

// giving are grants with all plans on.
func giving(skuIDs ...string) (grants []graph.LicenseGrant) {
	for _, id := range skuIDs {
		grants = append(grants, graph.LicenseGrant{SKUID: id})
	}
	return grants
}

func TestClientServesManyAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		id := strings.TrimPrefix(r.URL.Path, "/v1.0/users/")
		says(http.StatusOK, `{"id":"`+id+`"}`)(w, r)
	})
	client := newClient(t, graph.Config{Cloud: s.cloud()})
	var wait sync.WaitGroup
	errs := make([]error, 32)
	for i := range errs {
		wait.Go(func() {
			_, errs[i] = client.UserByObjectID(t.Context(), fmt.Sprintf("00000000-0000-0000-0000-%012d", i))
		})
	}
	wait.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	ids := map[string]bool{}
	for _, sent := range s.requests {
		ids[sent.Header.Get("client-request-id")] = true
	}
	require.Len(t, ids, len(errs), "each call has its own client-request-id")
}
