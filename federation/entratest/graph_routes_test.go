package entratest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// What is wrong with a request is found whatever the operation.
func TestEveryOperationChecksItsRequest(t *testing.T) {
	const (
		missing = "11111111-1111-4111-8111-111111111111"
		ada     = "users/ada@contoso.com"
		staff   = "groups(uniqueName='staff')"
		gone    = "directory/deletedItems/aaaaaaaa-0000-4000-8000-000000000003"
		noUser  = "users/" + missing
		noGroup = "groups/" + missing
	)
	for _, rule := range []struct {
		name, method, path string
		body               any
		status             int
	}{
		{"a change that is not JSON", "PATCH", ada, "{", 400},
		{"a manager that is not JSON", "PUT", ada + "/manager/$ref", "{", 400},
		{"the manager of nobody", "GET", noUser + "/manager", nil, 404},
		{"the manager's address of nobody", "GET", noUser + "/manager/$ref", nil, 404},
		{"the manager's address where there is none", "GET", ada + "/manager/$ref", nil, 404},
		{"an unknown property of a manager", "GET", ada + "/manager?$select=x", nil, 400},
		{"the manager of nobody is not removed", "DELETE", noUser + "/manager/$ref", nil, 404},
		{"the licences of nobody", "POST", noUser + "/assignLicense", assigning(), 404},
		{"licences that are not JSON", "POST", ada + "/assignLicense", "{", 400},
		{"a plan that is not the SKU's", "POST", ada + "/assignLicense", disabling(skuStandardPack, missing), 400},
		{"the sessions of nobody", "POST", noUser + "/revokeSignInSessions", nil, 404},

		{"an unknown property of deleted users", "GET", deletedItems + "?$select=x", nil, 400},
		{"an unknown option for deleted users", "GET", deletedItems + "?$top=0", nil, 400},
		{"an unknown property of a deleted user", "GET", gone + "?$select=x", nil, 400},
		{"parameters of a restore that are not JSON", "POST", gone + "/restore", "{", 400},
		{"deleted objects of every class at once", "GET", "directory/deletedItems", nil, 400},

		{"a group that is not JSON", "POST", "groups", "{", 400},
		{"a group's change that is not JSON", "PATCH", staff, "{", 400},
		{"an unknown property of groups", "GET", "groups?$select=x", nil, 400},
		{"an unknown option for groups", "GET", "groups?$top=1000", nil, 400},
		{"searching groups", "GET", "groups?$search=x", nil, 400},
		{"an unknown property of a group", "GET", staff + "?$select=x", nil, 400},
		{"a group's change that is impossible", "PATCH", staff, map[string]any{"displayName": ""}, 400},
		{"binding what is no list", "POST", "groups", groupBody("x", "members@odata.bind", "x"), 400},
		{"the groups of nobody", "GET", noUser + "/memberOf", nil, 404},
		{"the groups of the groups of nobody", "GET", noUser + "/transitiveMemberOf", nil, 404},
		{"an unknown option for somebody's groups", "GET", ada + "/memberOf?$top=x", nil, 400},
		{"the members of no group", "GET", noGroup + "/members", nil, 404},
		{"an unknown option for members", "GET", staff + "/members?$top=x", nil, 400},
		{"a member that is not JSON", "POST", staff + "/members/$ref", "{", 400},
		{"a member of no group", "POST", noGroup + "/members/$ref", reference("aaaaaaaa-0000-4000-8000-000000000001"), 404},
		{"no group loses a member", "DELETE", noGroup + "/members/" + missing + "/$ref", nil, 404},
		{"who is no member is not deleted", "DELETE", staff + "/members/" + missing, nil, 404},
		{"the licences of no group", "POST", noGroup + "/assignLicense", assigning(), 404},
		{"a group's licences that are not JSON", "POST", staff + "/assignLicense", "{", 400},
		{"a plan that is not the group's SKU's", "POST", staff + "/assignLicense", disabling(skuStandardPack, missing), 400},
		{"the failures of no group", "GET", noGroup + "/membersWithLicenseErrors", nil, 404},
		{"an unknown property of failures", "GET", staff + "/membersWithLicenseErrors?$select=x", nil, 400},
		{"an unknown option for failures", "GET", staff + "/membersWithLicenseErrors?$top=x", nil, 400},
		{"a page that is none", "GET", staff + "/members?$skiptoken=x", nil, 400},
		{"a batch that is no JSON by type", "POST", "$batch", nil, 400},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{
				Lag: entratest.LagNone,
				Users: []entratest.User{
					{UPN: "ada@contoso.com", ObjectID: "aaaaaaaa-0000-4000-8000-000000000001", UsageLocation: "DE"},
					{UPN: "gone@contoso.com", ObjectID: "aaaaaaaa-0000-4000-8000-000000000003"},
				},
				Groups: []entratest.Group{{DisplayName: "staff", UniqueName: "staff"}},
			})
			g.delete("users/gone@contoso.com").must(t, 204)
			answer := g.call(rule.method, rule.path, rule.body).must(t, rule.status)
			code, message := answer.Error()
			require.NotEmpty(t, code)
			require.NotEmpty(t, message)
			require.Len(t, g.tenant.Users(), 1)
			require.Empty(t, g.tenant.Groups()[0].Members)
		})
	}
}

// disabling is a body of assignLicense that adds a SKU without one of its plans.
func disabling(skuID, planID string) map[string]any {
	body := assigning(skuID)
	body["addLicenses"].([]any)[0].(map[string]any)["disabledPlans"] = []any{planID}
	return body
}

// A replica that lags lets a request through, and the primary decides.
func TestThePrimaryDecides(t *testing.T) {
	g, clock := callGraph(t, entratest.Config{Lag: entratest.LagBad,
		Groups: []entratest.Group{{DisplayName: "staff", UniqueName: "staff"}}})
	ada, bob := g.create(userBody("ada")), g.create(userBody("bob"))
	clock.Advance(time.Hour)
	g.patch("groups(uniqueName='staff')", binding(ada)).must(t, 204)
	clock.Advance(time.Hour)
	g.delete("users/"+ada).must(t, 204)
	for method, path := range map[string]string{
		http.MethodPatch:  "users/" + ada,
		http.MethodDelete: "users/" + ada,
		http.MethodPut:    "users/" + ada + "/manager/$ref",
	} {
		answer := g.call(method, path, reference(bob))
		answer.mustRefuse(t, 404, "Request_ResourceNotFound", notFound(ada))
	}
	for _, action := range []string{"revokeSignInSessions", "reprocessLicenseAssignment", "assignLicense"} {
		g.post("users/"+ada+"/"+action, assigning()).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(ada))
	}
	staff := g.tenant.Groups()[0].ObjectID
	g.delete("groups/"+staff+"/members/"+ada).must(t, 404)

	clock.Advance(time.Hour)
	g.delete("directory/deletedItems/"+ada).must(t, 204)
	g.get("directory/deletedItems/"+ada).must(t, 200) // on a replica that lags
	g.post("directory/deletedItems/"+ada+"/restore", nil).mustRefuse(t, 404, "Request_ResourceNotFound", notFound(ada))
}
