package entratest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

func TestManager(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	ada, boss := g.create(userBody("ada")), g.create(userBody("boss", "jobTitle", "Head"))
	path := "users/" + ada + "/manager"
	g.get(path).mustRefuse(t, 404, "Request_ResourceNotFound", notFound("manager"))
	g.delete(path+"/$ref").mustRefuse(t, 404, "Request_ResourceNotFound", notFound("manager"))
	require.Empty(t, g.put(path+"/$ref", reference(boss)).must(t, 204).Body)

	manager := g.get(path+"?$select=id,jobTitle").must(t, 200).Body
	delete(manager, "@odata.context")
	require.Equal(t, map[string]any{"@odata.type": "#microsoft.graph.user", "id": boss, "jobTitle": "Head"}, manager)
	require.Equal(t, address(boss), g.get(path+"/$ref").must(t, 200).Body["@odata.id"])
	expanded := g.get("users/"+ada+"?$select=id&$expand=manager($select=displayName)").must(t, 200)
	require.Equal(t, map[string]any{"@odata.type": "#microsoft.graph.user", "displayName": "boss"}, expanded.Body["manager"])
	require.Equal(t, "1", expanded.Header.Get("x-ms-resource-unit"))
	list := g.get("users?$expand=manager").must(t, 200)
	require.Equal(t, "3", list.Header.Get("x-ms-resource-unit"), "$expand costs one more")
	require.Equal(t, boss, list.Values()[0]["manager"].(map[string]any)["id"])
	require.NotContains(t, list.Values()[1], "manager", "whoever has none")
	g.get("users/"+ada+"?$expand=manager($levels=max)").must(t, 400)
	g.get("users/"+ada+"?$expand=memberOf").must(t, 400)

	g.delete("users/"+boss).must(t, 204)
	g.get(path).must(t, 404)
	g.post("directory/deletedItems/"+boss+"/restore", nil).must(t, 200)
	g.get(path).must(t, 200)
	require.Empty(t, g.delete(path+"/$ref").must(t, 204).Body)
	g.get(path).must(t, 404)
}

func TestManagerRefusals(t *testing.T) {
	const missing = "11111111-1111-4111-8111-111111111111"
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	ada, group := g.create(userBody("ada")), g.createGroup(groupBody("staff"))
	path := "users/" + ada + "/manager/$ref"
	g.put(path, reference(missing)).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(missing))
	g.put(path, reference(group)).mustRefuse(t, 400, "Request_BadRequest", "")
	g.put(path, map[string]any{}).mustRefuse(t, 400, "BadRequest", "Invalid URL format specified in payload.")
	g.put("users/nobody@contoso.com/manager/$ref", reference(ada)).must(t, 404)
	g.post(path, reference(ada)).must(t, 405)
	g.get("users/"+ada+"/manager").must(t, 404)
}

func TestManagersLag(t *testing.T) {
	g, clock := callGraph(t, entratest.Config{Lag: entratest.LagBad})
	ada := g.create(userBody("ada"))
	clock.Advance(time.Hour)
	late := g.create(userBody("late"))
	g.put("users/"+ada+"/manager/$ref", reference(late)).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(late))
	clock.Advance(time.Hour)
	g.put("users/"+ada+"/manager/$ref", reference(late)).must(t, 204)
	g.get("users/"+ada+"/manager").must(t, 404)
	clock.Advance(time.Hour)
	g.get("users/"+ada+"/manager").must(t, 200)
}
