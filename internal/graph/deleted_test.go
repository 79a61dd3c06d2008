package graph_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/graph"
)

// kept is a deleted user as Graph keeps it.
func kept(id, upn string) string {
	return fmt.Sprintf(`{"id":"%s","userPrincipalName":"%s%s","onPremisesImmutableId":"abc"}`, id,
		strings.ToUpper(strings.ReplaceAll(id, "-", "")), upn)
}

func TestDeletedUsersAreFound(t *testing.T) {
	t.Parallel()
	found := func(id, upn string) graph.User {
		return graph.User{ObjectID: id, UserPrincipalName: upn, ImmutableID: "abc"}
	}
	byID := func(c *graph.Client, t *testing.T) ([]graph.User, error) {
		return c.DeletedUsersByObjectID(t.Context(), objectID)
	}
	byImmutableID := func(id string) func(*graph.Client, *testing.T) ([]graph.User, error) {
		return func(c *graph.Client, t *testing.T) ([]graph.User, error) {
			return c.DeletedUsersByImmutableID(t.Context(), id)
		}
	}
	byUPN := func(upn string) func(*graph.Client, *testing.T) ([]graph.User, error) {
		return func(c *graph.Client, t *testing.T) ([]graph.User, error) {
			return c.DeletedUsersByUPN(t.Context(), upn)
		}
	}
	for name, test := range map[string]struct {
		call   func(*graph.Client, *testing.T) ([]graph.User, error)
		users  []string
		filter string
		want   []graph.User
	}{
		"by object ID": {
			byID, []string{kept(objectID, "adele@contoso.com")}, "id eq '" + objectID + "'",
			[]graph.User{found(objectID, "adele@contoso.com")},
		},
		"another object ID": {byID, []string{kept(otherID, "x@contoso.com")}, "id eq '" + objectID + "'", []graph.User{}},
		"by ImmutableID": {
			byImmutableID("abc"), []string{kept(objectID, "a@contoso.com"), kept(otherID, "b@contoso.com")},
			"onPremisesImmutableId eq 'abc'",
			[]graph.User{found(objectID, "a@contoso.com"), found(otherID, "b@contoso.com")},
		},
		"by ImmutableID, in other case": {
			byImmutableID("ABC"), []string{kept(objectID, "a@contoso.com")}, "onPremisesImmutableId eq 'ABC'", []graph.User{},
		},
		"by ImmutableID, with a quote": {byImmutableID("a'b"), nil, "onPremisesImmutableId eq 'a''b'", []graph.User{}},
		"by UPN": {
			byUPN("Adele@contoso.com"), []string{kept(objectID, "adele@contoso.com"), kept(otherID, "adele@contoso.com")},
			"endsWith(userPrincipalName,'Adele@contoso.com')",
			[]graph.User{found(objectID, "adele@contoso.com"), found(otherID, "adele@contoso.com")},
		},
		"by UPN: others end like it": {
			byUPN("adele@contoso.com"), []string{kept(objectID, "mary.adele@contoso.com")},
			"endsWith(userPrincipalName,'adele@contoso.com')", []graph.User{},
		},
		"by UPN: a user that kept it": {
			byUPN("adele@contoso.com"),
			[]string{`{"id":"` + objectID + `","userPrincipalName":"adele@contoso.com","onPremisesImmutableId":"abc"}`},
			"endsWith(userPrincipalName,'adele@contoso.com')", []graph.User{found(objectID, "adele@contoso.com")},
		},
		"by UPN: another user's ID before it": {
			byUPN("adele@contoso.com"),
			[]string{strings.Replace(kept(objectID, "adele@contoso.com"), objectID, otherID, 1)},
			"endsWith(userPrincipalName,'adele@contoso.com')", []graph.User{},
		},
		"by UPN, with a quote": {
			byUPN("o'b@contoso.com"), nil, "endsWith(userPrincipalName,'o''b@contoso.com')", []graph.User{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, says(http.StatusOK, `{"value":[`+strings.Join(test.users, ",")+`]}`))
			users, err := test.call(newClient(t, graph.Config{Cloud: s.cloud()}), t)
			require.NoError(t, err)
			require.Equal(t, test.want, users)

			sent := s.only(t)
			require.Equal(t, "/v1.0/directory/deletedItems/microsoft.graph.user", sent.URL.Path)
			query := sent.URL.Query()
			require.Equal(t, test.filter, query.Get("$filter"))
			require.Equal(t, selectUser, "$select="+query.Get("$select"))
			require.Equal(t, "999", query.Get("$top"))
			advanced := strings.HasPrefix(test.filter, "endsWith")
			require.Equal(t, advanced, sent.Header.Get("ConsistencyLevel") == "eventual")
			require.Equal(t, advanced, query.Get("$count") == "true")
		})
	}
}

func TestDeletedUsersThatAreTooManyAreAnError(t *testing.T) {
	t.Parallel()
	client, requests := answering(t, answer{status: http.StatusOK, body: `{"value":[],
		"@odata.nextLink":"https://graph.microsoft.com/v1.0/directory/deletedItems/microsoft.graph.user?$skiptoken=x"}`})
	_, err := client.DeletedUsersByUPN(t.Context(), "a@contoso.com")
	require.ErrorContains(t, err, "more than 999 deleted users")
	require.Equal(t, 1, *requests)
}

func TestRestoreUser(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		upn, body string
	}{
		"with its UPN":     {"", ""},
		"with another UPN": {"adele2@contoso.com", `{"newUserPrincipalName":"adele2@contoso.com"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, says(http.StatusOK, `{"@odata.type":"#microsoft.graph.user","id":"`+objectID+`",
				"userPrincipalName":"adele@contoso.com"}`))
			client := newClient(t, graph.Config{Cloud: s.cloud()})
			user, err := client.RestoreUser(t.Context(), objectID, test.upn)
			require.NoError(t, err)
			require.Equal(t, graph.User{ObjectID: objectID, UserPrincipalName: "adele@contoso.com"}, user)

			sent := s.only(t)
			require.Equal(t, "POST /v1.0/directory/deletedItems/"+objectID+"/restore", sent.Method+" "+sent.RequestURI)
			require.Equal(t, test.body, sent.body)
			require.EqualValues(t, len(test.body), sent.ContentLength)
		})
	}
}

func TestRestoringSomebodyElseIsNoAnswer(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, answer{status: http.StatusOK, body: wholeUser})
	user, err := client.RestoreUser(t.Context(), otherID, "")
	require.ErrorContains(t, err, "another user")
	require.Zero(t, user)
}
