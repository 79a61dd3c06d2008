package entratest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// members lists the display names of a group's members.
func (g *graphCaller) members(group string) []string {
	g.t.Helper()
	return g.get("groups/"+group+"/members").must(g.t, 200).Column("displayName")
}

const alreadyMember = "One or more added object references already exist for the following modified properties: 'members'."

func TestMembers(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	group, other := g.createGroup(groupBody("staff")), g.createGroup(groupBody("inner"))
	ada, bob := g.create(userBody("ada")), g.create(userBody("bob"))
	path := "groups/" + group + "/members"
	require.Empty(t, g.members(group))

	require.Empty(t, g.post(path+"/$ref", reference(bob)).must(t, 204).Body)
	g.post(path+"/$ref", map[string]any{"@odata.id": "https://graph.microsoft.com/v1.0/users('" + ada + "')"}).must(t, 204)
	g.post(path+"/$ref", reference(other)).must(t, 204)
	g.post(path+"/$ref", reference(bob)).mustRefuse(t, 400, "Request_BadRequest", alreadyMember)

	list := g.get(path).must(t, 200)
	require.Equal(t, []string{"inner", "ada", "bob"}, list.Column("displayName"), "in order of creation")
	require.Equal(t, []string{"#microsoft.graph.group", "#microsoft.graph.user", "#microsoft.graph.user"},
		list.Column("@odata.type"))
	require.Equal(t, "https://graph.microsoft.com/v1.0/$metadata#directoryObjects", list.Body["@odata.context"])
	require.Equal(t, "3", list.Header.Get("x-ms-resource-unit"))
	selected := g.get(path+"?$select=id,userPrincipalName").must(t, 200).Values()
	require.Equal(t, []map[string]any{
		{"@odata.type": "#microsoft.graph.group", "id": other},
		{"@odata.type": "#microsoft.graph.user", "id": ada, "userPrincipalName": "ada@contoso.com"},
		{"@odata.type": "#microsoft.graph.user", "id": bob, "userPrincipalName": "bob@contoso.com"},
	}, selected, "each object has the properties that it knows")
	g.get(path+"?$select=nickName").must(t, 400)
	page := g.get(path+"?$top=2&$select=id").must(t, 200)
	next := strings.TrimPrefix(page.Body["@odata.nextLink"].(string), "https://graph.microsoft.com/v1.0/")
	require.Equal(t, []string{bob}, g.get(next).must(t, 200).Column("id"))

	g.delete(path+"/"+bob+"/$ref").must(t, 204)
	g.delete(path+"/"+bob+"/$ref").mustRefuse(t, 404, "Request_ResourceNotFound", notFound(bob))
	require.Equal(t, []string{"inner", "ada"}, g.members(group))
	g.post(path+"/$ref", reference(bob)).must(t, 204)
	require.Len(t, g.tenant.Users(), 2, "nobody was deleted")
	g.get("groups/11111111-1111-4111-8111-111111111111/members").must(t, 404)
}

func TestAddMemberRefusals(t *testing.T) {
	const missing = "11111111-1111-4111-8111-111111111111"
	const badURL = "Invalid URL format specified in payload."
	for _, rule := range []struct {
		name    string
		body    any
		status  int
		code    string
		message string
	}{
		{"an object that does not exist", reference(missing), 404, "Request_ResourceNotFound", notFound(missing)},
		{"a bare ID", map[string]any{"@odata.id": missing}, 400, "BadRequest", badURL},
		{"no address", map[string]any{}, 400, "BadRequest", badURL},
		{"an address that is no text", map[string]any{"@odata.id": 7}, 400, "BadRequest", badURL},
		{"the address of another cloud", map[string]any{
			"@odata.id": "https://graph.microsoft.us/v1.0/directoryObjects/" + missing}, 400, "BadRequest", badURL},
		{"an address by name", map[string]any{"@odata.id": "https://graph.microsoft.com/v1.0/users/ada@contoso.com"}, 400,
			"BadRequest", badURL},
		{"an address of something else", map[string]any{"@odata.id": "https://graph.microsoft.com/v1.0/domains/" + missing},
			400, "BadRequest", badURL},
		{"an address without a version", map[string]any{
			"@odata.id": "https://graph.microsoft.com/directoryObjects/" + missing}, 400, "BadRequest", badURL},
		{"not JSON", "{", 400, "BadRequest", ""},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			group := g.createGroup(groupBody("staff"))
			g.post("groups/"+group+"/members/$ref", rule.body).mustRefuse(t, rule.status, rule.code, rule.message)
			require.Empty(t, g.members(group))
		})
	}
}

func TestMembersByTheTwenty(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	group := g.createGroup(groupBody("staff"))
	var ids []string
	for i := range 41 {
		ids = append(ids, g.create(userBody(fmt.Sprintf("person%02d", i))))
	}
	path := "groups/" + group
	require.Empty(t, g.patch(path, binding(ids[:20]...)).must(t, 204).Body)
	require.Len(t, g.members(group), 20)
	g.patch(path, binding(ids[20:41]...)).
		mustRefuse(t, 400, "Request_BadRequest", "A resource cannot contain more than 20 link changes")
	g.patch(path, binding(append(ids[20:39:39], ids[0])...)).mustRefuse(t, 400, "Request_BadRequest", alreadyMember)
	g.patch(path, binding(ids[20], ids[20])).mustRefuse(t, 400, "Request_BadRequest", alreadyMember)
	const missing = "11111111-1111-4111-8111-111111111111"
	g.patch(path, binding(append(ids[20:39:39], missing)...)).
		mustRefuse(t, 404, "Request_ResourceNotFound", notFound(missing))
	g.patch(path, map[string]any{"members@odata.bind": []any{ids[20]}}).
		mustRefuse(t, 400, "BadRequest", "Invalid URL format specified in @odata.bind for members")
	g.patch(path, map[string]any{"members@odata.bind": address(ids[20])}).must(t, 400)
	both := binding(ids[20])
	both["displayName"] = ""
	g.patch(path, both).must(t, 400)
	require.Len(t, g.members(group), 20, "all or nothing")

	both["displayName"] = "All staff"
	g.patch(path, both).must(t, 204)
	require.Len(t, g.members(group), 21)
	require.Equal(t, "All staff", g.get(path).Body["displayName"])

	body := groupBody("partners")
	body["members@odata.bind"] = binding(ids[:2]...)["members@odata.bind"]
	require.Equal(t, []string{"person00", "person01"}, g.members(g.createGroup(body)))
	body["members@odata.bind"] = binding(missing)["members@odata.bind"]
	g.post("groups", body).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(missing))
	require.Len(t, g.tenant.Groups(), 2)
}

func TestMembershipsOutliveADeletion(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	group, ada := g.createGroup(groupBody("staff")), g.create(userBody("ada"))
	g.patch("groups/"+group, binding(ada)).must(t, 204)
	g.delete("users/"+ada).must(t, 204)
	require.Empty(t, g.members(group))
	require.Empty(t, g.tenant.Groups()[0].Members)
	g.delete("groups/"+group+"/members/"+ada+"/$ref").must(t, 404)
	g.post("groups/"+group+"/members/$ref", reference(ada)).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(ada))
	g.post("directory/deletedItems/"+ada+"/restore", nil).must(t, 200)
	require.Equal(t, []string{"ada"}, g.members(group), "kept aside and given back")
}

func TestMembershipsLag(t *testing.T) {
	g, clock := callGraph(t, entratest.Config{Lag: entratest.LagBad})
	group, ada := g.createGroup(groupBody("staff")), g.create(userBody("ada"))
	clock.Advance(time.Hour)
	late := g.create(userBody("late"))
	g.post("groups/"+group+"/members/$ref", reference(late)).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(late))
	g.patch("groups/"+group, binding(ada, late)).must(t, 404)

	g.post("groups/"+group+"/members/$ref", reference(ada)).must(t, 204)
	g.post("groups/"+group+"/members/$ref", reference(ada)).mustRefuse(t, 400, "Request_BadRequest", alreadyMember)
	require.Empty(t, g.members(group), "no replica shows the member yet")
	clock.Advance(time.Hour)
	require.Equal(t, []string{"ada"}, g.members(group))
	g.delete("groups/"+group+"/members/"+ada+"/$ref").must(t, 204)
	require.Equal(t, []string{"ada"}, g.members(group), "nor that the member is gone")
	clock.Advance(time.Hour)
	require.Empty(t, g.members(group))
}

func TestDeletingAMemberWithoutRefDeletesTheUser(t *testing.T) {
	for _, rule := range []struct {
		name        string
		permissions []string
		status      int
	}{
		{"if the caller may delete users", []string{"GroupMember.ReadWrite.All", "User.ReadWrite.All"}, 204},
		{"but not otherwise", []string{"GroupMember.ReadWrite.All"}, 403},
	} {
		t.Run(rule.name, func(t *testing.T) {
			cfg := entratest.Config{Lag: entratest.LagNone, Users: []entratest.User{{UPN: "ada@contoso.com"}}}
			cfg.Groups = []entratest.Group{{DisplayName: "staff", Members: []string{"ada@contoso.com"}}}
			app := entratest.DefaultApp()
			app.Permissions = rule.permissions
			cfg.Apps = []entratest.App{app}
			g, _ := callGraph(t, cfg)
			path := "groups/" + g.tenant.Groups()[0].ObjectID + "/members/" + g.tenant.Users()[0].ObjectID
			require.Equal(t, rule.status, g.delete(path).Status)
			require.Len(t, g.tenant.DeletedUsers(), map[int]int{204: 1, 403: 0}[rule.status])
		})
	}
}

func TestRoleAssignableGroupsNeedMore(t *testing.T) {
	cfg := entratest.Config{Lag: entratest.LagNone, Users: []entratest.User{{UPN: "ada@contoso.com"}}}
	powerful, ordinary := entratest.DefaultApp(), entratest.DefaultApp()
	ordinary.ClientID = "11111111-2222-4333-8444-666666666666"
	ordinary.Permissions = []string{"Group.ReadWrite.All", "User.ReadWrite.All"}
	cfg.Apps = []entratest.App{powerful, ordinary}
	g, _ := callGraph(t, cfg)
	ada := g.tenant.Users()[0].ObjectID
	body := groupBody("admins", "isAssignableToRole", true)
	group := g.createGroup(body)

	g.as(ordinary)
	g.post("groups", body).must(t, 403)
	g.post("groups/"+group+"/members/$ref", reference(ada)).must(t, 403)
	g.patch("groups/"+group, binding(ada)).must(t, 403)
	g.as(powerful)
	g.patch("groups/"+group, binding(ada)).must(t, 204)
	g.as(ordinary)
	g.delete("groups/"+group+"/members/"+ada+"/$ref").must(t, 403)
}

func TestMembersWhomTheCallerMayNotRead(t *testing.T) {
	cfg := entratest.Config{Lag: entratest.LagNone, Users: []entratest.User{{UPN: "ada@contoso.com"}}}
	cfg.Groups = []entratest.Group{{DisplayName: "staff", Members: []string{"ada@contoso.com"}}}
	app := entratest.DefaultApp()
	app.Permissions = []string{"GroupMember.Read.All"}
	cfg.Apps = []entratest.App{app}
	g, _ := callGraph(t, cfg)
	members := g.get("groups/"+g.tenant.Groups()[0].ObjectID+"/members?$select=id,displayName").must(t, 200).Values()
	require.Equal(t, []map[string]any{{"@odata.type": "#microsoft.graph.user", "id": g.tenant.Users()[0].ObjectID,
		"displayName": nil}}, members)
}
