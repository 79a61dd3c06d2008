package entratest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// groupBody is a body that POST /groups accepts, changed by the pairs of name and value; a nil value takes the property
// away.
func groupBody(name string, pairs ...any) map[string]any {
	body := map[string]any{
		"displayName": name, "mailEnabled": false, "mailNickname": name, "securityEnabled": true,
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == nil {
			delete(body, pairs[i].(string))
			continue
		}
		body[pairs[i].(string)] = pairs[i+1]
	}
	return body
}

// createGroup creates a group and returns the object ID.
func (g *graphCaller) createGroup(body map[string]any) string {
	g.t.Helper()
	return g.post("groups", body).must(g.t, http.StatusCreated).Body["id"].(string)
}

// reference is a body that refers to an object.
func reference(id string) map[string]any { return map[string]any{"@odata.id": address(id)} }

func address(id string) string { return "https://graph.microsoft.com/v1.0/directoryObjects/" + id }

// binding is a body that adds members to a group.
func binding(ids ...string) map[string]any {
	addresses := []any{}
	for _, id := range ids {
		addresses = append(addresses, address(id))
	}
	return map[string]any{"members@odata.bind": addresses}
}

func TestCreateGroup(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	answer := g.post("groups", groupBody("staff", "description", "Everybody")).must(t, 201)
	id := answer.Body["id"].(string)
	require.Equal(t, "https://graph.microsoft.com/v2/"+g.tenant.Config().TenantID+"/directoryObjects/"+id+
		"/Microsoft.DirectoryServices.Group", answer.Header.Get("Location"))
	require.Equal(t, "https://graph.microsoft.com/v1.0/$metadata#groups/$entity", answer.Body["@odata.context"])
	for name, want := range map[string]any{
		"displayName": "staff", "description": "Everybody", "mailEnabled": false, "mailNickname": "staff",
		"securityEnabled": true, "groupTypes": []any{}, "mail": nil, "proxyAddresses": []any{}, "uniqueName": nil,
		"createdDateTime": "2026-03-02T09:00:00Z", "deletedDateTime": nil, "isAssignableToRole": nil,
	} {
		require.Equal(t, want, answer.Body[name], name)
	}
	require.Regexp(t, `^S-1-12-1(-\d{1,10}){4}$`, answer.Body["securityIdentifier"])
	require.NotContains(t, answer.Body, "assignedLicenses", "that needs $select")
	require.Equal(t, answer.Body["id"], g.get("groups/"+strings.ToUpper(id)).must(t, 200).Body["id"])
	require.Equal(t, []entratest.Group{{ObjectID: id, DisplayName: "staff", CreatedAt: clockStart}}, g.tenant.Groups())
}

func TestMicrosoft365Groups(t *testing.T) {
	cfg := entratest.Config{Lag: entratest.LagNone, Domains: []entratest.Domain{{Name: "contoso.com", Default: true}}}
	g, _ := callGraph(t, cfg)
	unified := groupBody("golf", "groupTypes", []any{"Unified"}, "mailEnabled", true, "securityEnabled", false)
	body := g.post("groups", unified).must(t, 201).Body
	require.Equal(t, "golf@contoso.com", body["mail"])
	require.Equal(t, []any{"SMTP:golf@contoso.com"}, body["proxyAddresses"])
	require.Equal(t, "Public", body["visibility"])
	again := g.post("groups", unified).mustRefuse(t, 400, "Request_BadRequest", conflict("proxyAddresses"))
	require.Equal(t, "Group_"+body["id"].(string), again.Targets()["ConflictingObjects"])
	g.post("users", userBody("ada", "mail", "Golf@contoso.com")).
		mustRefuse(t, 400, "Request_BadRequest", conflict("proxyAddresses"))
}

func TestCreateGroupRefusals(t *testing.T) {
	invalid := func(property string) string {
		return "Invalid value specified for property '" + property + "' of resource 'Group'."
	}
	missing := func(property string) string {
		return "Property " + property + " value is required but is empty or missing."
	}
	for _, rule := range []struct {
		name  string
		pairs []any
		text  string
	}{
		{"displayName is required", []any{"displayName", nil}, missing("displayName")},
		{"mailEnabled is required", []any{"mailEnabled", nil}, missing("mailEnabled")},
		{"mailNickname is required", []any{"mailNickname", nil}, missing("mailNickname")},
		{"securityEnabled is required", []any{"securityEnabled", nil}, missing("securityEnabled")},
		{"a displayName of 257 characters", []any{"displayName", strings.Repeat("é", 257)}, invalid("displayName")},
		{"a mailNickname of 65 characters", []any{"mailNickname", strings.Repeat("a", 65)}, invalid("mailNickname")},
		{"a mailNickname with a space", []any{"mailNickname", "a b"}, invalid("mailNickname")},
		{"a uniqueName of 129 characters", []any{"uniqueName", strings.Repeat("a", 129)}, invalid("uniqueName")},
		{"a type that does not exist", []any{"groupTypes", []any{"Static"}}, invalid("groupTypes")},
		{"a type twice", []any{"groupTypes", []any{"DynamicMembership", "DynamicMembership"}}, invalid("groupTypes")},
		{"a dynamic group without a rule", []any{"groupTypes", []any{"DynamicMembership"}}, invalid("membershipRule")},
		{"a rule of another group", []any{"membershipRule", `user.city -eq "Lagos"`}, invalid("membershipRule")},
		{"a rule that is none", []any{"groupTypes", []any{"DynamicMembership"}, "membershipRule", `user.city eq Lagos`},
			invalid("membershipRule")},
		{"a dynamic group that roles can be assigned to", []any{"groupTypes", []any{"DynamicMembership"},
			"membershipRule", `user.city -eq "Lagos"`, "isAssignableToRole", true}, invalid("isAssignableToRole")},
		{"a visibility that does not exist", []any{"visibility", "Nobody"}, invalid("visibility")},
		{"a group that is for nothing", []any{"securityEnabled", false}, invalid("securityEnabled")},
		{"a distribution list", []any{"mailEnabled", true}, "The service does not currently support writes of mail-enabled " +
			"groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set."},
		{"a Microsoft 365 group without mail", []any{"groupTypes", []any{"Unified"}}, invalid("mailEnabled")},
		{"roles without security", []any{"isAssignableToRole", true, "securityEnabled", false, "mailEnabled", true,
			"groupTypes", []any{"Unified"}}, invalid("isAssignableToRole")},
		{"a property of users", []any{"userPrincipalName", "x@contoso.com"},
			"Property 'userPrincipalName' does not exist as a declared property or extension property."},
		{"licences have their own call", []any{"assignedLicenses", []any{}},
			"Property 'assignedLicenses' is read-only and cannot be set."},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			g.post("groups", groupBody("staff", rule.pairs...)).mustRefuse(t, 400, "Request_BadRequest", rule.text)
			require.Empty(t, g.tenant.Groups())
		})
	}
}

func TestReadGroups(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	staff := g.createGroup(groupBody("staff", "uniqueName", "staff-of-contoso"))
	g.createGroup(groupBody("partners"))
	g.create(userBody("staff"))

	require.Equal(t, staff, g.get("groups(uniqueName='staff-of-contoso')").must(t, 200).Body["id"])
	require.Equal(t, staff, g.get("groups(uniqueName='STAFF-of-contoso')?$select=id").must(t, 200).Body["id"])
	g.get("groups(uniqueName='nobody')").mustRefuse(t, 404, "Request_ResourceNotFound", notFound("nobody"))
	g.get("groups/staff").mustRefuse(t, 400, "Request_BadRequest", "Invalid object identifier 'staff'.")
	g.get("groups(userPrincipalName='x')").must(t, 400)
	user := g.get("users/staff@contoso.com").Body["id"].(string)
	g.get("groups/"+user).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(user))
	g.get("users/"+staff).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(staff))

	require.Equal(t, []string{"staff", "partners"}, g.get("groups").Column("displayName"), "users are no groups")
	require.Len(t, g.get("users").Values(), 1, "and groups are no users")
	for filter, found := range map[string][]string{
		"displayName eq 'Staff'":                             {"staff"},
		"uniqueName eq 'staff-of-contoso'":                   {"staff"},
		"startswith(displayName,'p')":                        {"partners"},
		"securityEnabled eq true and mailEnabled eq false":   {"staff", "partners"},
		"mailNickname in ('staff','partners')":               {"staff", "partners"},
		"hasMembersWithLicenseErrors eq true":                {},
		"id eq '" + user + "'":                               {},
		"description eq null and uniqueName eq null":         {"partners"},
		"displayName eq 'partners' or displayName eq 'none'": {"partners"},
	} {
		require.Equal(t, found, g.get("groups?$filter="+escape(filter)).must(t, 200).Column("displayName"), filter)
	}
	g.get("groups?$filter="+escape("userPrincipalName eq 'x'")).mustRefuse(t, 400, "BadRequest", "Invalid filter clause: "+
		"Could not find a property named 'userPrincipalName' on type 'microsoft.graph.group'.")
	g.get("groups?$filter="+escape("visibility eq 'Public'")).mustRefuse(t, 400, "Request_UnsupportedQuery",
		"Unsupported or invalid query filter clause specified for property 'visibility' of resource 'Group'.")
	g.get("groups?$select=onPremisesImmutableId").must(t, 400)
	require.Nil(t, g.get("groups/"+staff+"?$select=hasMembersWithLicenseErrors").must(t, 200).
		Body["hasMembersWithLicenseErrors"], "it is there to filter by")
}

func TestUpdateGroup(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	id := g.createGroup(groupBody("staff", "uniqueName", "staff"))
	require.Empty(t, g.patch("groups/"+id, map[string]any{"displayName": "Staff", "description": "x"}).must(t, 204).Body)
	require.Equal(t, "Staff", g.get("groups/" + id).Body["displayName"])
	g.patch("groups/"+id, map[string]any{"description": nil}).must(t, 204)
	require.Nil(t, g.get("groups/" + id).Body["description"])
	readOnly := func(p string) string { return "Property '" + p + "' is read-only and cannot be set." }
	for property, text := range map[string]string{
		"uniqueName": readOnly("uniqueName"), "isAssignableToRole": readOnly("isAssignableToRole"),
		"groupTypes": readOnly("groupTypes"), "mail": readOnly("mail"),
	} {
		value := map[string]any{"isAssignableToRole": true, "groupTypes": []any{"Unified"}}[property]
		if value == nil {
			value = "x"
		}
		g.patch("groups/"+id, map[string]any{property: value}).mustRefuse(t, 400, "Request_BadRequest", text)
	}
	g.patch("groups/"+id, map[string]any{"displayName": nil}).must(t, 400)
	missing := "11111111-1111-4111-8111-111111111111"
	g.patch("groups/"+missing, map[string]any{}).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(missing))
}

func TestUpsertGroup(t *testing.T) {
	const path = "groups(uniqueName='staff')"
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagBad})
	g.patch(path, groupBody("staff")).mustRefuse(t, 404, "Request_ResourceNotFound", notFound("staff"))
	require.Empty(t, g.tenant.Groups(), "without the header it is an ordinary update")

	g.header.Set("Prefer", "create-if-missing")
	created := g.patch(path, groupBody("staff")).must(t, 201)
	require.Equal(t, "staff", created.Body["uniqueName"])
	updated := g.patch(path, groupBody("staff", "displayName", "All staff", "uniqueName", "staff")).must(t, 204)
	require.Empty(t, updated.Body, "although no replica shows the group yet")
	groups := g.tenant.Groups()
	require.Len(t, groups, 1)
	require.Equal(t, "All staff", groups[0].DisplayName)
	require.Equal(t, "staff", groups[0].UniqueName)

	g.patch("groups(uniqueName='x')", groupBody("x", "uniqueName", "y")).mustRefuse(t, 400, "Request_BadRequest",
		"Invalid value specified for property 'uniqueName' of resource 'Group'.")
	g.patch("groups(uniqueName='x')", groupBody("x", "displayName", nil)).must(t, 400)
	g.post("groups", groupBody("x", "uniqueName", "Staff")).
		mustRefuse(t, 400, "Request_BadRequest", conflict("uniqueName"))
	require.Len(t, g.tenant.Groups(), 1)
}

func TestGroupsLag(t *testing.T) {
	g, clock := callGraph(t, entratest.Config{Lag: entratest.LagBad})
	id := g.createGroup(groupBody("staff", "uniqueName", "staff"))
	require.Equal(t, map[int]int{404: 20}, g.statuses("groups/"+id, 20))
	require.Equal(t, map[int]int{404: 20}, g.statuses("groups(uniqueName='staff')", 20))
	clock.Advance(2 * time.Minute)
	require.Equal(t, map[int]int{200: 20}, g.statuses("groups/"+id, 20))
}

func TestConfiguredGroups(t *testing.T) {
	cfg := licensedConfig()
	cfg.Lag = entratest.LagBad
	cfg.Users = []entratest.User{{UPN: "ada@contoso.com", Enabled: true}, {UPN: "bob@contoso.com", Enabled: true}}
	cfg.Groups = []entratest.Group{
		{DisplayName: "staff", UniqueName: "staff", SKUIDs: []string{strings.ToUpper(skuStandardPack)},
			Members: []string{"Ada@contoso.com", "bob@contoso.com"}},
		{DisplayName: "empty", ObjectID: "AAAAAAAA-0000-4000-8000-000000000001", CreatedAt: clockStart.Add(-day)},
	}
	g, _ := callGraph(t, cfg)
	groups := g.tenant.Groups()
	require.Len(t, groups, 2)
	require.Equal(t, entratest.Group{ObjectID: "aaaaaaaa-0000-4000-8000-000000000001", DisplayName: "empty",
		CreatedAt: clockStart.Add(-day)}, groups[0])
	require.Equal(t, []string{"ada@contoso.com", "bob@contoso.com"}, groups[1].Members)
	require.Equal(t, []string{skuStandardPack}, groups[1].SKUIDs)
	members := g.get("groups(uniqueName='staff')/members").must(t, 200)
	require.Equal(t, []string{"ada@contoso.com", "bob@contoso.com"}, members.Column("userPrincipalName"), "without lag")
	require.Equal(t, 2, g.consumed(skuStandardPack))
	require.Equal(t, []string{skuStandardPack}, g.tenant.Users()[0].SKUIDs)
}
