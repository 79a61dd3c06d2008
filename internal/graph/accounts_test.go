package graph_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/graph"
)

func TestUpdateUserSendsWhatIsSet(t *testing.T) {
	t.Parallel()
	yes, no, empty, id := true, false, "", "9f86d081884c7d65"
	for name, test := range map[string]struct {
		change graph.UserChange
		body   string
	}{
		"everything": {
			graph.UserChange{
				AccountEnabled: &yes, ImmutableID: &id, UserPrincipalName: "adele@contoso.com", UsageLocation: "DE",
				DisplayName: `Adele "A"`, GivenName: "Adele", Surname: "Söhne",
				Attributes: map[string]string{"department": "Sales", "otherMails": "adele@example.net", "city": ""},
			},
			`{"accountEnabled": true, "onPremisesImmutableId": "9f86d081884c7d65", "userPrincipalName": "adele@contoso.com",
				"usageLocation": "DE", "displayName": "Adele \"A\"", "givenName": "Adele", "surname": "Söhne",
				"department": "Sales", "otherMails": ["adele@example.net"]}`,
		},
		"an account is disabled": {graph.UserChange{AccountEnabled: &no}, `{"accountEnabled": false}`},
		"the ImmutableID is removed": {
			graph.UserChange{ImmutableID: &empty, DisplayName: "Adele"},
			`{"onPremisesImmutableId": null, "displayName": "Adele"}`,
		},
		"an attribute alone": {
			graph.UserChange{Attributes: map[string]string{"businessPhones": "+49 30 0"}},
			`{"businessPhones": ["+49 30 0"]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
			require.NoError(t, newClient(t, graph.Config{Cloud: s.cloud()}).UpdateUser(t.Context(), objectID, test.change))
			sent := s.only(t)
			require.Equal(t, "PATCH /v1.0/users/"+objectID, sent.Method+" "+sent.RequestURI)
			require.JSONEq(t, test.body, sent.body)
		})
	}
}

func TestNothingToChangeIsNoCall(t *testing.T) {
	t.Parallel()
	client, requests := answering(t, answer{status: http.StatusNoContent})
	for _, change := range []graph.UserChange{{}, {Attributes: map[string]string{"city": ""}}} {
		require.NoError(t, client.UpdateUser(t.Context(), objectID, change))
	}
	require.Zero(t, *requests)
}

func TestAccountsAreChangedByTheirObjectID(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		call    func(*graph.Client, *testing.T) error
		status  int
		answer  string
		request string
		body    string
	}{
		"sessions are revoked": {
			func(c *graph.Client, t *testing.T) error { return c.RevokeSessions(t.Context(), objectID) },
			http.StatusOK, `{"value":true}`, "POST /v1.0/users/" + objectID + "/revokeSignInSessions", "",
		},
		"sessions are revoked, without a word": {
			func(c *graph.Client, t *testing.T) error { return c.RevokeSessions(t.Context(), objectID) },
			http.StatusNoContent, "", "POST /v1.0/users/" + objectID + "/revokeSignInSessions", "",
		},
		"a user is deleted": {
			func(c *graph.Client, t *testing.T) error { return c.DeleteUser(t.Context(), objectID) },
			http.StatusNoContent, "", "DELETE /v1.0/users/" + objectID, "",
		},
		"a deleted user is purged": {
			func(c *graph.Client, t *testing.T) error { return c.PurgeUser(t.Context(), objectID) },
			http.StatusNoContent, "", "DELETE /v1.0/directory/deletedItems/" + objectID, "",
		},
		"a manager is set": {
			func(c *graph.Client, t *testing.T) error { return c.SetManager(t.Context(), objectID, otherID) },
			http.StatusNoContent, "", "PUT /v1.0/users/" + objectID + "/manager/$ref",
			`{"@odata.id":"ORIGIN/v1.0/directoryObjects/` + otherID + `"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				if test.answer == "" {
					w.WriteHeader(test.status)
					return
				}
				says(test.status, test.answer)(w, r)
			})
			require.NoError(t, test.call(newClient(t, graph.Config{Cloud: s.cloud()}), t))
			sent := s.only(t)
			require.Equal(t, test.request, sent.Method+" "+sent.RequestURI)
			require.Equal(t, test.body, replaceOrigin(s, sent.body))
		})
	}
}

func TestSessionsThatWereNotRevoked(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"value":false}`, `{"value":null}`, `{}`, `null`, `{"value":"true"}`} {
		client, _ := answering(t, answer{status: http.StatusOK, body: body})
		require.Zero(t, asError(t, client.RevokeSessions(t.Context(), objectID)).Status, body)
	}
}

func TestIdentifiersThatAreNoneAreNotSent(t *testing.T) {
	t.Parallel()
	client, requests := answering(t, answer{status: http.StatusNoContent})
	for _, id := range []string{"", "me", "adele@contoso.com", objectID + "/manager"} {
		_, restoreErr := client.RestoreUser(t.Context(), id, "")
		_, deletedErr := client.DeletedUsersByObjectID(t.Context(), id)
		for name, err := range map[string]error{
			"update":  client.UpdateUser(t.Context(), id, graph.UserChange{DisplayName: "x"}),
			"revoke":  client.RevokeSessions(t.Context(), id),
			"delete":  client.DeleteUser(t.Context(), id),
			"purge":   client.PurgeUser(t.Context(), id),
			"manage":  client.SetManager(t.Context(), id, objectID),
			"manager": client.SetManager(t.Context(), objectID, id),
			"restore": restoreErr,
			"find":    deletedErr,
		} {
			require.ErrorContains(t, err, "is not a GUID", "%s %q", name, id)
		}
	}
	require.Zero(t, *requests)
}
