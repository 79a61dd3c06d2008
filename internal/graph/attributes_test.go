package graph_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/graph"
)

func TestAttributesAreSentByTheirNames(t *testing.T) {
	t.Parallel()
	s := newServer(t, says(http.StatusCreated, wholeUser))
	_, err := newClient(t, graph.Config{Cloud: s.cloud()}).CreateUser(t.Context(), graph.NewUser{
		UserPrincipalName: "adele@contoso.com",
		Attributes: map[string]string{
			"department": `Sales "EMEA" \ <&>`, "employeeId": "4711", "businessPhones": "+49 30 0", "city": "",
			"otherMails": "adele@example.net",
		},
	})
	require.NoError(t, err)
	require.JSONEq(t, `{
		"accountEnabled": true, "userPrincipalName": "adele@contoso.com", "onPremisesImmutableId": "", "displayName": "",
		"mailNickname": "", "passwordProfile": {"password": "", "forceChangePasswordNextSignIn": false},
		"department": "Sales \"EMEA\" \\ <&>", "employeeId": "4711", "businessPhones": ["+49 30 0"],
		"otherMails": ["adele@example.net"]}`, s.only(t).body)
}

func TestAttributesThatAreNotLeftToAttributes(t *testing.T) {
	t.Parallel()
	client, requests := answering(t, answer{status: http.StatusCreated, body: wholeUser})
	for _, name := range []string{
		"id", "userPrincipalName", "onPremisesImmutableId", "accountEnabled", "passwordProfile", "displayName",
		"mailNickname", "givenName", "surname", "usageLocation", "AccountEnabled", // Graph may not mind the case
		"", `a":1,"b`, "extension_1", "manager@odata.bind", "städte", "a b", strings.Repeat("x", 65),
	} {
		attributes := map[string]string{name: "x", "department": "Sales"}
		_, createErr := client.CreateUser(t.Context(), graph.NewUser{Attributes: attributes})
		updateErr := client.UpdateUser(t.Context(), objectID, graph.UserChange{Attributes: attributes})
		for _, err := range []error{createErr, updateErr} {
			require.ErrorContains(t, err, "cannot be sent", name)
			require.NotContains(t, err.Error(), "department")
		}
	}
	require.Zero(t, *requests)
}

func TestAllAttributesThatAreWrongAreListed(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, answer{status: http.StatusCreated, body: wholeUser})
	_, err := client.CreateUser(t.Context(), graph.NewUser{Attributes: map[string]string{"b1": "x", "id": "x", "a1": "x"}})
	require.EqualError(t, err, `graph: the attribute "a1" cannot be sent: a name is 1 to 64 letters
graph: the attribute "b1" cannot be sent: a name is 1 to 64 letters
graph: the attribute "id" cannot be sent: it is not one of those that are left to attributes`)
}
