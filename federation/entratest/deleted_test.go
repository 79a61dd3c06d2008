package entratest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

const (
	day          = 24 * time.Hour
	deletedItems = "directory/deletedItems/microsoft.graph.user"
)

func TestDeletedUsersAreKept(t *testing.T) {
	g, _ := callGraph(t, federatedConfig(t))
	id := g.create(userBody("ada", "onPremisesImmutableId", "Ada1", "mail", "ada@example.net"))
	g.create(userBody("bob", "onPremisesImmutableId", "bob1"))
	require.Empty(t, g.get(deletedItems).must(t, 200).Values())
	g.get("directory/deletedItems/"+id).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(id))
	g.delete("users/"+id).must(t, 204)

	upn := strings.ReplaceAll(id, "-", "") + "ada@contoso.com"
	list := g.get(deletedItems+"?$select=id,userPrincipalName,onPremisesImmutableId,deletedDateTime").must(t, 200)
	require.Equal(t, []map[string]any{{"id": id, "userPrincipalName": upn, "onPremisesImmutableId": "Ada1",
		"deletedDateTime": "2026-03-02T09:00:00Z"}}, list.Values())
	one := g.get("directory/deletedItems/"+id).must(t, 200)
	require.Equal(t, "#microsoft.graph.user", one.Body["@odata.type"])
	require.Equal(t, upn, one.Body["userPrincipalName"])
	require.Equal(t, "https://graph.microsoft.com/v1.0/$metadata#directoryObjects/$entity", one.Body["@odata.context"])

	for filter, found := range map[string]int{
		"onPremisesImmutableId eq 'Ada1'":          1,
		"mail eq 'ada@example.net'":                1,
		"userPrincipalName eq '" + upn + "'":       1,
		"startswith(displayName,'a')":              1,
		"onPremisesImmutableId eq 'bob1'":          0,
		"userPrincipalName eq 'ada@contoso.com'":   0,
		"id eq '" + strings.ToUpper(id) + "'":      1,
		"displayName eq 'bob' or mail eq 'nobody'": 0,
	} {
		require.Len(t, g.get(deletedItems+"?$filter="+escape(filter)).must(t, 200).Values(), found, filter)
	}
	require.Len(t, g.get("users").Values(), 1, "who is deleted is not a user any more")
	require.Empty(t, g.filter("onPremisesImmutableId eq 'Ada1'").Values())
	deleted := g.tenant.DeletedUsers()
	require.Len(t, deleted, 1)
	require.Equal(t, upn, deleted[0].UPN)
	require.Equal(t, clockStart, deleted[0].DeletedAt)
}

func TestTheUPNOfADeletedUserIsFree(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	first := g.create(userBody("ada"))
	g.delete("users/ada@contoso.com").must(t, 204)
	second := g.create(userBody("ada"))
	require.NotEqual(t, first, second)
	require.Equal(t, second, g.get("users/ada@contoso.com").Body["id"])
	g.delete("users/ada@contoso.com").must(t, 204)
	require.Len(t, g.get(deletedItems).Values(), 2, "both can be kept, under different names")
}

func TestDeletedUsersArePurgedAfterThirtyDays(t *testing.T) {
	for _, rule := range []struct {
		name   string
		after  time.Duration
		status int
	}{
		{"day 29", 29 * day, 200},
		{"the last moment of day 30", 30*day - time.Second, 200},
		{"after 30 days", 30 * day, 404},
		{"day 31", 31 * day, 404},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, clock := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			id := g.create(userBody("ada", "onPremisesImmutableId", "ada1"))
			g.delete("users/"+id).must(t, 204)
			clock.Advance(rule.after)
			kept := rule.status == 200
			require.Equal(t, rule.status, g.get("directory/deletedItems/"+id).Status)
			require.Equal(t, kept, len(g.get(deletedItems).Values()) == 1)
			require.Equal(t, kept, len(g.tenant.DeletedUsers()) == 1)
			taken := g.post("users", userBody("bob", "onPremisesImmutableId", "ada1"))
			require.Equal(t, kept, taken.Status == 400, "the ImmutableID is taken as long as the user can be restored")
			if kept {
				g.post("directory/deletedItems/"+id+"/restore", nil).must(t, 200)
				return
			}
			g.post("directory/deletedItems/"+id+"/restore", nil).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(id))
			g.delete("directory/deletedItems/"+id).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(id))
		})
	}
}

func TestPurge(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	id := g.create(userBody("ada", "onPremisesImmutableId", "ada1"))
	g.delete("directory/deletedItems/"+id).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(id))
	g.delete("users/"+id).must(t, 204)
	answer := g.delete("directory/deletedItems/"+id).must(t, 204)
	require.Empty(t, answer.Body)
	g.get("directory/deletedItems/"+id).must(t, 404)
	g.post("directory/deletedItems/"+id+"/restore", nil).must(t, 404)
	require.Empty(t, g.tenant.DeletedUsers())
	g.create(userBody("bob", "onPremisesImmutableId", "ada1"))
}

func TestRestore(t *testing.T) {
	g, clock := callGraph(t, federatedConfig(t))
	id := g.create(userBody("ada", "onPremisesImmutableId", "ada1", "usageLocation", "DE", "department", "R&D"))
	g.post("users/"+id+"/assignLicense", assigning(skuStandardPack)).must(t, 200)
	g.delete("users/"+id).must(t, 204)
	clock.Advance(29 * day)

	answer := g.post("directory/deletedItems/"+id+"/restore", nil).must(t, 200)
	require.Equal(t, "#microsoft.graph.user", answer.Body["@odata.type"])
	require.Equal(t, "ada@contoso.com", answer.Body["userPrincipalName"], "under the name of before")
	user := g.get("users/"+id+"?$select=department,onPremisesImmutableId,deletedDateTime,assignedLicenses").must(t, 200)
	require.Equal(t, "R&D", user.Body["department"])
	require.Equal(t, "ada1", user.Body["onPremisesImmutableId"])
	require.Nil(t, user.Body["deletedDateTime"])
	require.Empty(t, user.Body["assignedLicenses"], "licences that were assigned directly do not come back")
	require.Empty(t, g.get(deletedItems).Values())
	g.post("directory/deletedItems/"+id+"/restore", nil).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(id))

	g.delete("users/"+id).must(t, 204)
	clock.Advance(29 * day)
	g.get("directory/deletedItems/"+id).must(t, 200) // the 30 days are counted from the last deletion
}

func TestRestoreConflicts(t *testing.T) {
	for _, rule := range []struct {
		name     string
		other    []any // what the user created meanwhile is like
		body     any
		property string // empty: the restore succeeds
		target   string
	}{
		{"the UPN", nil, nil, "userPrincipalName", "userPrincipalName"},
		{"the UPN, and nothing that helps", nil, map[string]any{"autoReconcileProxyConflict": true}, "userPrincipalName",
			"userPrincipalName"},
		{"another UPN", nil, map[string]any{"newUserPrincipalName": "ada2@contoso.com"}, "", ""},
		{"another UPN that is taken, too", nil, map[string]any{"newUserPrincipalName": "bob@contoso.com"},
			"userPrincipalName", "userPrincipalName"},
		{"an address", []any{"userPrincipalName", "other@contoso.com", "mail", "Ada@example.net"}, nil, "proxyAddresses",
			"proxyAddresses"},
		{"an address that may go", []any{"userPrincipalName", "other@contoso.com", "mail", "ada@example.net"},
			map[string]any{"autoReconcileProxyConflict": true}, "", ""},
		{"parameters that are null", []any{"userPrincipalName", "other@contoso.com"},
			map[string]any{"newUserPrincipalName": nil, "autoReconcileProxyConflict": nil}, "", ""},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			g.create(userBody("bob"))
			id := g.create(userBody("ada", "mail", "ada@example.net"))
			g.delete("users/"+id).must(t, 204)
			other := g.create(userBody("ada", rule.other...))
			answer := g.post("directory/deletedItems/"+id+"/restore", rule.body)
			if rule.property != "" {
				answer.mustRefuse(t, 400, "Request_BadRequest", conflict(rule.property))
				require.Equal(t, rule.target, answer.Targets()["ObjectConflict"])
				if rule.target == "proxyAddresses" {
					require.Equal(t, "User_"+other, answer.Targets()["ConflictingObjects"])
				}
				require.Len(t, g.tenant.DeletedUsers(), 1, "the user stays among the deleted ones")
				return
			}
			answer.must(t, 200)
			addresses := g.get("users/" + id + "?$select=mail,proxyAddresses").Body
			if rule.body.(map[string]any)["autoReconcileProxyConflict"] == true {
				require.Nil(t, addresses["mail"])
				require.Empty(t, addresses["proxyAddresses"], "the address stays with its new owner")
			} else {
				require.Equal(t, "ada@example.net", addresses["mail"])
			}
		})
	}
}

func TestRestoreRefusals(t *testing.T) {
	for _, rule := range []struct {
		name, code, message string
		body                any
	}{
		{"a parameter that does not exist", "BadRequest",
			"The parameter 'userPrincipalName' in the request payload is not a valid parameter for the operation 'restore'.",
			map[string]any{"userPrincipalName": "x@contoso.com"}},
		{"a UPN that is not a text", "BadRequest",
			"Cannot convert a value of the request payload to the expected type 'Edm.String'.",
			map[string]any{"newUserPrincipalName": 7}},
		{"a switch that is not a boolean", "BadRequest",
			"Cannot convert a value of the request payload to the expected type 'Edm.Boolean'.",
			map[string]any{"autoReconcileProxyConflict": "true"}},
		{"a UPN outside the tenant", "Request_BadRequest", "The domain portion of the userPrincipalName property is " +
			"invalid. You must use one of the verified domain names in your organization.",
			map[string]any{"newUserPrincipalName": "ada@example.net"}},
		{"a UPN in a federated domain", "Request_BadRequest",
			"SourceAnchor is a required property for creation of a federated user.",
			map[string]any{"newUserPrincipalName": "ada@contoso.com"}},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, federatedConfig(t))
			id := g.create(userBody("ada", "userPrincipalName", "ada@contoso.onmicrosoft.com"))
			g.delete("users/"+id).must(t, 204)
			g.post("directory/deletedItems/"+id+"/restore", rule.body).mustRefuse(t, 400, rule.code, rule.message)
			require.Empty(t, g.tenant.Users())
		})
	}
}

func TestImmutableIDOfADeletedUser(t *testing.T) {
	for _, rule := range []struct {
		name string
		free bool
	}{{"taken by default", false}, {"free if the configuration says so", true}} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone, DeletedFreeImmutableID: rule.free})
			id := g.create(userBody("ada", "onPremisesImmutableId", "ada1"))
			g.delete("users/"+id).must(t, 204)
			answer := g.post("users", userBody("bob", "onPremisesImmutableId", "ada1"))
			if !rule.free {
				answer.mustRefuse(t, 400, "Request_BadRequest", conflict("onPremisesImmutableId"))
				return
			}
			answer.must(t, 201)
			g.post("directory/deletedItems/"+id+"/restore", nil).
				mustRefuse(t, 400, "Request_BadRequest", conflict("onPremisesImmutableId"))
		})
	}
}

func TestDeletionReachesTheReplicasLate(t *testing.T) {
	g, clock := callGraph(t, entratest.Config{Lag: entratest.LagBad})
	id := g.create(userBody("ada"))
	clock.Advance(time.Hour)
	g.delete("users/"+id).must(t, 204)
	require.Equal(t, map[int]int{404: 20}, g.statuses("directory/deletedItems/"+id, 20), "not yet among the deleted ones")
	require.Equal(t, map[int]int{200: 20}, g.statuses("users/"+id, 20), "and still among the others")
	g.delete("users/"+id).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(id))
	clock.Advance(time.Hour)
	require.Equal(t, map[int]int{200: 20}, g.statuses("directory/deletedItems/"+id, 20))
	require.Equal(t, map[int]int{404: 20}, g.statuses("users/"+id, 20))
}

func TestPagesOfDeletedUsers(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	for _, name := range []string{"ada", "bob", "eve"} {
		g.delete("users/"+g.create(userBody(name))).must(t, 204)
	}
	page := g.get(deletedItems+"?$top=2&$select=displayName").must(t, 200)
	require.Equal(t, []string{"ada", "bob"}, page.Column("displayName"))
	next := strings.TrimPrefix(page.Body["@odata.nextLink"].(string), "https://graph.microsoft.com/v1.0/")
	require.True(t, strings.HasPrefix(next, "directory/deletedItems/"), next)
	require.Equal(t, []string{"eve"}, g.get(next).must(t, 200).Column("displayName"))
}
