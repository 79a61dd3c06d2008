package graph_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/graph"
)

const wholeGroup = `{"id":"` + groupID + `","uniqueName":"Staff","displayName":"All staff",
	"assignedLicenses":[{"skuId":"F245ECC8-75AF-4F8E-B61F-27D8114DE5F3","disabledPlans":[]}]}`

func TestGroupsAreRead(t *testing.T) {
	t.Parallel()
	want := graph.Group{ObjectID: groupID, UniqueName: "Staff", DisplayName: "All staff", SKUIDs: []string{skuID}}
	byID := func(id string) func(*graph.Client, *testing.T) (graph.Group, error) {
		return func(c *graph.Client, t *testing.T) (graph.Group, error) { return c.GroupByObjectID(t.Context(), id) }
	}
	byName := func(name string) func(*graph.Client, *testing.T) (graph.Group, error) {
		return func(c *graph.Client, t *testing.T) (graph.Group, error) {
			return c.GroupByUniqueName(t.Context(), name)
		}
	}
	for name, test := range map[string]struct {
		call       func(*graph.Client, *testing.T) (graph.Group, error)
		body       string
		requestURI string
		want       graph.Group
		text       string // of the error
	}{
		"by object ID":   {byID(groupID), wholeGroup, "/v1.0/groups/" + groupID, want, ""},
		"by unique name": {byName("staff"), wholeGroup, "/v1.0/groups(uniqueName=%27staff%27)", want, ""},
		"a unique name may hold ' / # ?": {
			byName("o'b/c#d?e"), `{"id":"` + groupID + `","uniqueName":"o'b/c#d?e"}`,
			"/v1.0/groups(uniqueName=%27o%27%27b%2Fc%23d%3Fe%27)",
			graph.Group{ObjectID: groupID, UniqueName: "o'b/c#d?e"}, "",
		},
		"another group by object ID": {
			byID(otherID), wholeGroup, "/v1.0/groups/" + otherID, graph.Group{}, "another group",
		},
		"another group by unique name": {
			byName("x"), wholeGroup, "/v1.0/groups(uniqueName=%27x%27)", graph.Group{}, "another group",
		},
		"no group": {byID(groupID), `{"id":""}`, "/v1.0/groups/" + groupID, graph.Group{}, "no group with an id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, says(http.StatusOK, test.body))
			group, err := test.call(newClient(t, graph.Config{Cloud: s.cloud()}), t)
			require.Equal(t, test.want, group)
			if test.text == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.text)
			}
			sent := s.only(t)
			uri := strings.ReplaceAll(strings.ReplaceAll(sent.RequestURI, "%2C", ","), "'", "%27")
			require.Equal(t, "GET "+test.requestURI+"?$select=id,uniqueName,displayName,assignedLicenses",
				sent.Method+" "+uri)
		})
	}
}

// One member or twenty: the request has the same form, and the URLs in it are of the cloud in use.
func TestMembersAreAddedInOneWrite(t *testing.T) {
	t.Parallel()
	for _, members := range [][]string{{objectID}, {objectID, otherID}, repeatedIDs(20)} {
		s := newServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
		require.NoError(t, newClient(t, graph.Config{Cloud: s.cloud()}).AddMembers(t.Context(), groupID, members))

		var addresses []string
		for _, id := range members {
			addresses = append(addresses, `"`+s.URL+"/v1.0/directoryObjects/"+id+`"`)
		}
		sent := s.only(t)
		require.Equal(t, "PATCH /v1.0/groups/"+groupID, sent.Method+" "+sent.RequestURI)
		require.JSONEq(t, `{"members@odata.bind": [`+strings.Join(addresses, ",")+`]}`, sent.body)
	}
}

func repeatedIDs(times int) (ids []string) {
	for range times {
		ids = append(ids, objectID)
	}
	return ids
}

// Without /$ref Graph deletes the user.
func TestRemovingAMemberNamesTheReference(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	require.NoError(t, newClient(t, graph.Config{Cloud: s.cloud()}).RemoveMember(t.Context(), groupID, objectID))
	sent := s.only(t)
	require.Equal(t, "DELETE /v1.0/groups/"+groupID+"/members/"+objectID+"/$ref", sent.Method+" "+sent.RequestURI)
	require.Empty(t, sent.body)
}

func TestWrongGroupCallsAreNotMade(t *testing.T) {
	t.Parallel()
	client, requests := answering(t, answer{status: http.StatusNoContent})
	for _, id := range []string{"", "..", "staff", objectID + "/x", "{" + objectID + "}"} {
		_, err := client.GroupByObjectID(t.Context(), id)
		require.ErrorContains(t, err, "group ID", "%q", id)
		require.ErrorContains(t, client.AddMembers(t.Context(), id, []string{objectID}), "group ID", "%q", id)
		require.ErrorContains(t, client.AddMembers(t.Context(), groupID, []string{objectID, id}), "object ID", "%q", id)
		require.ErrorContains(t, client.RemoveMember(t.Context(), id, objectID), "group ID", "%q", id)
		require.ErrorContains(t, client.RemoveMember(t.Context(), groupID, id), "object ID", "%q", id)
	}
	for _, name := range []string{"", strings.Repeat("x", 129)} {
		_, err := client.GroupByUniqueName(t.Context(), name)
		require.ErrorContains(t, err, "unique name has 1 to 128 characters")
	}
	require.ErrorContains(t, client.AddMembers(t.Context(), groupID, nil), "1 to 20 members, not 0")
	require.ErrorContains(t, client.AddMembers(t.Context(), groupID, repeatedIDs(21)), "1 to 20 members, not 21")
	require.Zero(t, *requests)
}
