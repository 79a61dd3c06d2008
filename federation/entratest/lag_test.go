package entratest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// statuses reads the path n times.
func (g *graphCaller) statuses(path string, n int) map[int]int {
	g.t.Helper()
	seen := map[int]int{}
	for range n {
		seen[g.get(path).Status]++
	}
	return seen
}

func TestLagProfilesEnd(t *testing.T) {
	for _, profile := range []struct {
		lag  entratest.Lag
		ends time.Duration
	}{
		{entratest.LagNone, 0},
		{entratest.LagFast, 2 * time.Second},
		{entratest.LagNormal, time.Minute},
		{entratest.LagBad, 2 * time.Minute},
	} {
		t.Run(string("lag "+profile.lag), func(t *testing.T) {
			g, clock := callGraph(t, entratest.Config{Lag: profile.lag})
			var ids []string
			for i := range 20 {
				ids = append(ids, g.create(userBody(fmt.Sprintf("person%d", i))))
			}
			clock.Advance(profile.ends)
			for _, id := range ids {
				require.Equal(t, map[int]int{http.StatusOK: 10}, g.statuses("users/"+id, 10))
			}
		})
	}
}

func TestLagIsOnUnlessItIsSwitchedOff(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{})
	id := g.create(userBody("ada"))
	require.Equal(t, map[int]int{http.StatusNotFound: 20}, g.statuses("users/"+id, 20), "nothing is there at once")
}

func TestReadsFlapBetweenReplicas(t *testing.T) {
	g, clock := callGraph(t, entratest.Config{Lag: entratest.LagBad})
	id := g.create(userBody("ada", "onPremisesImmutableId", "ada1"))
	byKey, byFilter := false, false
	for range 120 {
		clock.Advance(time.Second)
		seen := g.statuses("users/"+id, 10)
		byKey = byKey || (seen[http.StatusOK] > 0 && seen[http.StatusNotFound] > 0)
		found := map[int]int{}
		for range 10 {
			found[len(g.filter("onPremisesImmutableId eq 'ada1'").Values())]++
		}
		byFilter = byFilter || (found[0] > 0 && found[1] > 0)
	}
	require.True(t, byKey, "a read by key answers 200 and 404 in turn while the replicas differ")
	require.True(t, byFilter, "a filter finds the user and does not find it in turn while the replicas differ")
}

func TestReplicasNeverGoBack(t *testing.T) {
	g, clock := callGraph(t, entratest.Config{Lag: entratest.LagBad})
	id := g.create(userBody("ada", "department", "0"))
	clock.Advance(time.Hour)
	for i := range 10 {
		answer := g.call(http.MethodPatch, "users/"+id, map[string]any{"department": fmt.Sprint(i + 1)})
		require.Equal(t, http.StatusNoContent, answer.Status)
	}
	oldest := map[string]bool{}
	for range 200 {
		clock.Advance(time.Second)
		oldest[g.get("users/" + id + "?$select=department").Body["department"].(string)] = true
	}
	require.Contains(t, oldest, "10")
	require.Equal(t, "10", g.get("users/" + id + "?$select=department").Body["department"])
}

func TestUniquenessIsDecidedOnThePrimary(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagBad})
	g.create(userBody("ada"))
	require.Empty(t, g.filter("userPrincipalName eq 'ada@contoso.com'").Values(), "no replica shows the user")
	answer := g.post("users", userBody("ada"))
	require.Equal(t, http.StatusBadRequest, answer.Status, "and yet the name is taken")
}

func TestReferencesAreResolvedOnReplicas(t *testing.T) {
	g, clock := callGraph(t, entratest.Config{Lag: entratest.LagBad})
	id := g.create(userBody("ada"))
	assign := map[string]any{
		"addLicenses":    []any{map[string]any{"skuId": skuStandardPack, "disabledPlans": []any{}}},
		"removeLicenses": []any{},
	}
	require.Equal(t, http.StatusNotFound, g.post("users/"+id+"/assignLicense", assign).Status, "a lagging user")

	clock.Advance(time.Hour)
	patch := map[string]any{"usageLocation": "DE"}
	require.Equal(t, http.StatusNoContent, g.call(http.MethodPatch, "users/"+id, patch).Status)
	lagging := g.post("users/"+id+"/assignLicense", assign)
	_, message := lagging.Error()
	require.Equal(t, http.StatusBadRequest, lagging.Status)
	require.Equal(t, "License assignment cannot be done for user with invalid usage location.", message)

	clock.Advance(time.Hour)
	require.Equal(t, http.StatusOK, g.post("users/"+id+"/assignLicense", assign).Status)
}

func TestAdvancedQueriesLagMore(t *testing.T) {
	g, clock := callGraph(t, entratest.Config{Lag: entratest.LagFast, Seed: 3})
	g.header.Set("ConsistencyLevel", "eventual")
	for i := range 20 {
		g.create(userBody(fmt.Sprintf("person%d", i)))
	}
	path := "users?$count=true&$filter=" + url.QueryEscape("endswith(userPrincipalName,'@contoso.com')")
	clock.Advance(2 * time.Second)
	require.Less(t, len(g.get(path).Values()), 20, "the index is behind when every replica is up to date")
	clock.Advance(4 * time.Second)
	require.Len(t, g.get(path).Values(), 20)
}

// lagHistory is what a fixed conversation with a tenant looks like.
func lagHistory(t *testing.T, seed uint64) []string {
	g, clock := callGraph(t, entratest.Config{Seed: seed, Lag: entratest.LagBad})
	var seen []string
	for i := range 5 {
		id := g.create(userBody(fmt.Sprintf("person%d", i)))
		seen = append(seen, id)
		for range 20 {
			clock.Advance(3 * time.Second)
			seen = append(seen, fmt.Sprint(g.get("users/"+id).Status))
		}
	}
	return seen
}

func TestSeedReplays(t *testing.T) {
	require.Equal(t, lagHistory(t, 7), lagHistory(t, 7), "the same seed gives the same identifiers and the same lag")
	require.NotEqual(t, lagHistory(t, 7), lagHistory(t, 8))
}
