package entratest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

func TestTheGroupsOfAUser(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	ada := g.create(userBody("ada"))
	outer, middle, inner, other := g.createGroup(groupBody("outer")), g.createGroup(groupBody("middle")),
		g.createGroup(groupBody("inner")), g.createGroup(groupBody("other"))
	require.Empty(t, g.get("users/"+ada+"/memberOf").must(t, 200).Values())

	g.patch("groups/"+other, binding(ada)).must(t, 204)
	g.patch("groups/"+inner, binding(ada)).must(t, 204)
	g.patch("groups/"+middle, binding(inner)).must(t, 204)
	g.patch("groups/"+outer, binding(middle, inner)).must(t, 204)
	g.patch("groups/"+inner, binding(outer)).must(t, 204) // in a circle

	direct := g.get("users/ada@contoso.com/memberOf").must(t, 200)
	require.Equal(t, []string{"inner", "other"}, direct.Column("displayName"), "in order of creation")
	require.Equal(t, []string{"#microsoft.graph.group", "#microsoft.graph.group"}, direct.Column("@odata.type"))
	require.Equal(t, "https://graph.microsoft.com/v1.0/$metadata#directoryObjects", direct.Body["@odata.context"])
	require.Equal(t, "2", direct.Header.Get("x-ms-resource-unit"))
	require.Equal(t, []string{"outer", "middle", "inner", "other"},
		g.get("users/"+ada+"/transitiveMemberOf").must(t, 200).Column("displayName"), "each once")

	page := g.get("users/"+ada+"/transitiveMemberOf?$top=3&$select=id").must(t, 200)
	require.Equal(t, []string{outer, middle, inner}, page.Column("id"))
	require.Equal(t, []string{other}, g.get(below(page.Body["@odata.nextLink"])).must(t, 200).Column("id"))

	g.delete("groups/"+inner+"/members/"+ada+"/$ref").must(t, 204)
	require.Equal(t, []string{"other"}, g.get("users/"+ada+"/transitiveMemberOf").Column("displayName"))
}

// A replica that does not know of a membership shows it on neither side.
func TestTheGroupsOfAUserLag(t *testing.T) {
	g, clock := callGraph(t, entratest.Config{Lag: entratest.LagBad})
	ada, group := g.create(userBody("ada")), g.createGroup(groupBody("staff"))
	clock.Advance(time.Hour)
	g.patch("groups/"+group, binding(ada)).must(t, 204)
	require.Empty(t, g.get("users/"+ada+"/memberOf").must(t, 200).Values())
	clock.Advance(2 * time.Minute)
	require.Equal(t, []string{group}, g.get("users/"+ada+"/memberOf").must(t, 200).Column("id"))
}
