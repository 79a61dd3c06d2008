package entratest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// held is a request that has arrived and whose body has not. The returned function sends the body and awaits the answer.
func (g *graphCaller) held(method, path string, body any) (finish func() graphAnswer) {
	g.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(g.t, err)
	reader, writer := io.Pipe()
	answers := make(chan graphAnswer, 1)
	header := g.headers()
	go func() {
		answer, _ := g.send(method, path, reader, header)
		answers <- answer
	}()
	_, err = writer.Write(raw[:1]) // it is read only once the request has been looked at
	require.NoError(g.t, err)
	return func() graphAnswer {
		_, err := writer.Write(raw[1:])
		require.NoError(g.t, err)
		require.NoError(g.t, writer.Close())
		return <-answers
	}
}

func TestOverlappingWritesOfOneObjectAreRefused(t *testing.T) {
	const ada, boss = "users/ada@contoso.com", "aaaaaaaa-0000-4000-8000-000000000001"
	patch := map[string]any{"city": "Bonn"}
	group := "groups(uniqueName='staff')"
	for _, rule := range []struct {
		name                       string
		firstMethod, first         string
		firstBody                  any
		secondMethod, second       string
		secondBody                 any
		refused                    bool
		afterwardsMethod, afterwds string
	}{
		{"two changes", "PATCH", ada, patch, "PATCH", ada, patch, true, "PATCH", ada},
		{"a change and a licence", "PATCH", ada, patch, "POST", ada + "/assignLicense", assigning(skuStandardPack), true,
			"PATCH", ada},
		{"a licence and a deletion", "POST", ada + "/assignLicense", assigning(skuStandardPack), "DELETE", ada, nil, true,
			"PATCH", ada},
		{"a change and the sessions", "PATCH", ada, patch, "POST", ada + "/revokeSignInSessions", nil, true, "PATCH", ada},
		{"a change and the manager", "PATCH", ada, patch, "PUT", ada + "/manager/$ref", reference(boss), true, "PATCH", ada},
		{"a change and the groups' licences", "PATCH", ada, patch, "POST", ada + "/reprocessLicenseAssignment", nil, true,
			"PATCH", ada},
		{"two changes of a group", "PATCH", group, map[string]any{"description": "x"}, "PATCH", group,
			map[string]any{"description": "y"}, true, "PATCH", group},
		{"a group's members and its licences", "PATCH", group, binding(boss), "POST", group + "/assignLicense",
			assigning(skuStandardPack), true, "PATCH", group},
		{"another user", "PATCH", ada, patch, "PATCH", "users/" + boss, patch, false, "PATCH", ada},
		{"a read", "PATCH", ada, patch, "GET", ada, nil, false, "PATCH", ada},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{
				Lag: entratest.LagNone,
				Users: []entratest.User{{UPN: "ada@contoso.com", UsageLocation: "DE"},
					{UPN: "boss@contoso.com", ObjectID: boss}},
				Groups: []entratest.Group{{DisplayName: "staff", UniqueName: "staff"}},
			})
			finish := g.held(rule.firstMethod, rule.first, rule.firstBody)
			second := g.call(rule.secondMethod, rule.second, rule.secondBody)
			if rule.refused {
				second.mustRefuse(t, 409, "Directory_ConcurrencyViolation",
					"Error due to concurrent requests being made to the tenant. Please wait briefly and retry.")
			} else {
				require.Less(t, second.Status, 300, "%v", second.Body)
			}
			require.Less(t, finish().Status, 300)
			afterwards := g.call(rule.afterwardsMethod, rule.afterwds, map[string]any{})
			require.Equal(t, 204, afterwards.Status, "afterwards the object is free again")
		})
	}
}

// Whatever happens at the same time, nothing is lost and nothing is done twice.
func TestConcurrentHistories(t *testing.T) {
	cfg := plansConfig()
	cfg.Users = []entratest.User{{UPN: "ada@contoso.com", UsageLocation: "DE"}}
	cfg.Groups = []entratest.Group{{DisplayName: "staff", SKUIDs: []string{skuStandardPack}}}
	g, clock := callGraph(t, cfg)
	header := g.headers()
	ada, group := g.tenant.Users()[0].ObjectID, g.tenant.Groups()[0].ObjectID
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				for _, request := range [][3]string{
					{"POST", "users", fmt.Sprintf(`{"accountEnabled": true, "displayName": "x", "mailNickname": "x",
						"userPrincipalName": "person%d-%d@contoso.com", "passwordProfile": {"password": "Correct-1"}}`, i, j)},
					{"POST", "groups/" + group + "/members/$ref", `{"@odata.id": "` + address(ada) + `"}`},
					{"PATCH", "users/" + ada, `{"city": "Bonn"}`},
					{"GET", "groups/" + group + "/members", ""},
					{"GET", "users/delta", ""},
					{"DELETE", "groups/" + group + "/members/" + ada + "/$ref", ""},
					{"POST", "$batch", `{"requests": [{"id": "1", "method": "GET", "url": "/users"},
						{"id": "2", "method": "POST", "url": "/users/` + ada + `/reprocessLicenseAssignment", "body": {},
						"headers": {"Content-Type": "application/json"}}]}`},
				} {
					answer, err := g.send(request[0], request[1], strings.NewReader(request[2]), header.Clone())
					if err != nil || answer.Status >= 500 {
						t.Errorf("%s %s: %d %v", request[0], request[1], answer.Status, err)
					}
				}
				clock.Advance(1)
			}
		})
	}
	wg.Wait()
	require.Len(t, g.tenant.Users(), 1+8*20)
	member := len(g.tenant.Groups()[0].Members) == 1
	require.Equal(t, member, g.consumed(skuStandardPack) == 1)
	require.Equal(t, http.StatusNoContent, g.patch("users/"+ada, map[string]any{}).Status)
}
