package entratest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

const (
	skuAddOn      = "b05e124f-c7cc-45a0-a6aa-8cf78c946968"
	skuRival      = "c7df2760-2c81-4ef7-b578-5b5392b571df"
	planAddOn     = "aaaaaaaa-0000-4000-8000-00000000000a"
	planRival     = "aaaaaaaa-0000-4000-8000-00000000000b"
	planSideshow  = "aaaaaaaa-0000-4000-8000-00000000000c"
	textExclusive = "License assignment failed because the assignment contains mutually exclusive service plans " +
		planRival + " and " + planExchange + "."
	textDependency = "License assignment failed because service plan " + planAddOn +
		" depends on the service plan(s) " + planExchange
	noSeat = "Subscription with SKU " + skuStandardPack + " does not have any available licenses."
)

// plansConfig is a tenant with three subscriptions: one with Exchange, an add-on that needs Exchange, and one with a
// rival of Exchange.
func plansConfig() entratest.Config {
	return entratest.Config{
		Lag: entratest.LagNone,
		SKUs: []entratest.SKU{
			{ID: skuStandardPack, PartNumber: "STANDARDPACK", Enabled: 3, ProhibitedIn: []string{"KP"},
				Plans: []entratest.ServicePlan{{ID: planExchange, Name: "EXCHANGE_S_STANDARD"},
					{ID: planSideshow, Name: "SIDESHOW"}}},
			{ID: skuAddOn, PartNumber: "ADDON", Enabled: 3, Plans: []entratest.ServicePlan{
				{ID: planAddOn, Name: "ADDON", Requires: []string{strings.ToUpper(planExchange)}}}},
			{ID: skuRival, PartNumber: "RIVAL", Enabled: 3, Plans: []entratest.ServicePlan{
				{ID: planRival, Name: "RIVAL", Excludes: []string{planExchange}}, {ID: planSideshow, Name: "SIDESHOW"}}},
			{ID: skuSuspended, PartNumber: "ENTERPRISEPACK", Enabled: 5, Status: "Suspended"},
		},
	}
}

// states reads a user's licences as "state error" by SKU, with "!" before those that are inherited.
func (g *graphCaller) states(id string) map[string]string {
	g.t.Helper()
	out := map[string]string{}
	list := g.get("users/"+id+"?$select=licenseAssignmentStates").must(g.t, 200).Body["licenseAssignmentStates"]
	for _, item := range list.([]any) {
		s := item.(map[string]any)
		key := s["skuId"].(string)
		if s["assignedByGroup"] != nil {
			key = "!" + key
		}
		out[key] = s["state"].(string) + " " + s["error"].(string)
	}
	return out
}

// licensed is a group with these SKUs and members.
func (g *graphCaller) licensed(skuIDs []string, members ...string) string {
	g.t.Helper()
	group := g.createGroup(groupBody("licensed"))
	g.post("groups/"+group+"/assignLicense", assigning(skuIDs...)).must(g.t, 202)
	if len(members) > 0 {
		g.patch("groups/"+group, binding(members...)).must(g.t, 204)
	}
	return group
}

func TestGroupLicensesReachTheMembers(t *testing.T) {
	g, _ := callGraph(t, plansConfig())
	ada := g.create(userBody("ada"))
	group := g.createGroup(groupBody("staff"))
	g.patch("groups/"+group, binding(ada)).must(t, 204)
	body := assigning(skuStandardPack, skuAddOn)
	body["addLicenses"].([]any)[0].(map[string]any)["disabledPlans"] = []any{planSideshow}
	answer := g.post("groups/"+group+"/assignLicense", body).must(t, 202)
	require.Equal(t, group, answer.Body["id"])
	require.Contains(t, answer.Header.Get("Location"), group+"/Microsoft.DirectoryServices.Group")

	require.Equal(t, map[string]string{"!" + skuStandardPack: "Active None", "!" + skuAddOn: "Active None"}, g.states(ada))
	user := g.get("users/" + ada + "?$select=assignedLicenses,licenseAssignmentStates").Body
	require.Equal(t, []any{
		map[string]any{"skuId": skuStandardPack, "disabledPlans": []any{planSideshow}},
		map[string]any{"skuId": skuAddOn, "disabledPlans": []any{}},
	}, user["assignedLicenses"])
	state := user["licenseAssignmentStates"].([]any)[0].(map[string]any)
	require.Equal(t, group, state["assignedByGroup"])
	require.Equal(t, []any{planSideshow}, state["disabledPlans"])
	require.Equal(t, "2026-03-02T09:00:00Z", state["lastUpdatedDateTime"])
	details := g.get("users/"+ada+"/licenseDetails").must(t, 200).Values()
	require.Len(t, details, 2)
	require.Equal(t, "Disabled", details[0]["servicePlans"].([]any)[1].(map[string]any)["provisioningStatus"])
	require.Equal(t, 1, g.consumed(skuStandardPack), "a seat is taken although the user has no usage location")
	require.Len(t, g.get("groups/" + group + "?$select=assignedLicenses").Body["assignedLicenses"], 2)

	bob := g.create(userBody("bob"))
	g.post("groups/"+group+"/members/$ref", reference(bob)).must(t, 204)
	require.Equal(t, 2, g.consumed(skuAddOn), "a new member gets them")
	g.delete("groups/"+group+"/members/"+bob+"/$ref").must(t, 204)
	require.Empty(t, g.states(bob), "and loses them with the membership")
	g.delete("users/"+ada).must(t, 204)
	require.Zero(t, g.consumed(skuStandardPack))
	g.post("directory/deletedItems/"+ada+"/restore", nil).must(t, 200)
	require.Len(t, g.states(ada), 2, "and gets them back with a restore")
	change := assigning()
	change["removeLicenses"] = []any{skuStandardPack, skuAddOn}
	g.post("groups/"+group+"/assignLicense", change).must(t, 202)
	require.Empty(t, g.states(ada))
}

func TestGroupLicensesTakeTime(t *testing.T) {
	cfg := plansConfig()
	cfg.Lag = entratest.LagBad
	g, clock := callGraph(t, cfg)
	ada, group := g.create(userBody("ada")), g.createGroup(groupBody("staff"))
	clock.Advance(time.Hour)
	state := func() any {
		return g.get("groups/" + group + "?$select=licenseProcessingState").Body["licenseProcessingState"]
	}
	require.Nil(t, state())
	g.patch("groups/"+group, binding(ada)).must(t, 204)
	g.post("groups/"+group+"/assignLicense", assigning(skuStandardPack)).must(t, 202)
	require.Zero(t, g.consumed(skuStandardPack), "the answer comes before the seats are taken")
	seen := map[any]bool{}
	for range 121 {
		if known, ok := state().(map[string]any); ok { // a replica that lags knows of no licence
			seen[known["state"]] = true
		}
		clock.Advance(time.Second)
	}
	require.Equal(t, map[any]bool{"QueuedForProcessing": true, "ProcessingInProgress": true, "ProcessingComplete": true},
		seen)
	require.Equal(t, 1, g.consumed(skuStandardPack))
	clock.Advance(2 * time.Minute)
	require.Equal(t, map[string]string{"!" + skuStandardPack: "Active None"}, g.states(ada))
}

func TestGroupLicenseProblems(t *testing.T) {
	for _, rule := range []struct {
		name   string
		user   []any
		direct []string // licences that the user has before
		skus   []string // what the group gives
		want   map[string]string
	}{
		{"no seat is left", []any{"displayName", "full"}, nil, []string{skuStandardPack},
			map[string]string{"!" + skuStandardPack: "Error CountViolation"}},
		{"if one SKU fails, none is given", []any{"displayName", "full"}, nil, []string{skuStandardPack, skuAddOn},
			map[string]string{"!" + skuStandardPack: "Error CountViolation", "!" + skuAddOn: "Error Other"}},
		{"a seat that the user has already is enough", nil, []string{skuStandardPack}, []string{skuStandardPack},
			map[string]string{skuStandardPack: "Active None", "!" + skuStandardPack: "Active None"}},
		{"a plan excludes one that the user has", nil, []string{skuStandardPack}, []string{skuRival},
			map[string]string{skuStandardPack: "Active None", "!" + skuRival: "Error MutuallyExclusiveViolation"}},
		{"a location that is not allowed", []any{"usageLocation", "KP"}, nil, []string{skuStandardPack},
			map[string]string{"!" + skuStandardPack: "Error ProhibitedInUsageLocationViolation"}},
		{"no location is the tenant's", nil, nil, []string{skuStandardPack},
			map[string]string{"!" + skuStandardPack: "Active None"}},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, plansConfig())
			id := g.create(userBody("ada", append([]any{"usageLocation", "DE"}, rule.user...)...))
			if len(rule.direct) > 0 {
				g.post("users/"+id+"/assignLicense", assigning(rule.direct...)).must(t, 200)
			}
			if len(rule.user) > 0 && rule.user[1] == "full" {
				for _, name := range []string{"x", "y", "z"} {
					other := g.create(userBody(name, "usageLocation", "DE"))
					g.post("users/"+other+"/assignLicense", assigning(skuStandardPack)).must(t, 200)
				}
			}
			before := g.consumed(skuStandardPack)
			group := g.licensed(rule.skus, id)
			require.Equal(t, rule.want, g.states(id))

			failed := strings.Contains(strings.Join(values(rule.want), " "), "Error")
			inError := g.get("groups/"+group+"/membersWithLicenseErrors").must(t, 200)
			flagged := g.get("groups?$filter=hasMembersWithLicenseErrors+eq+true").must(t, 200)
			if failed {
				require.Equal(t, before, g.consumed(skuStandardPack), "no seat is taken")
				require.Equal(t, []string{id}, inError.Column("id"))
				require.Equal(t, []string{group}, flagged.Column("id"))
			} else {
				require.Empty(t, inError.Values())
				require.Empty(t, flagged.Values())
			}
		})
	}
}

// The list of those in error lags as the users themselves do: no replica knows of an error before the user has it there.
func TestGroupLicenseProblemsAreKnownWhereTheUserIs(t *testing.T) {
	cfg := plansConfig()
	cfg.Lag = entratest.LagBad
	g, clock := callGraph(t, cfg)
	ada, group := g.create(userBody("ada", "usageLocation", "KP")), g.createGroup(groupBody("staff"))
	clock.Advance(time.Hour)
	g.patch("groups/"+group, binding(ada)).must(t, 204)
	g.post("groups/"+group+"/assignLicense", assigning(skuStandardPack)).must(t, 202)
	clock.Advance(time.Minute)
	listed := func() bool { return len(g.get("groups/"+group+"/membersWithLicenseErrors").Values()) > 0 }
	for !listed() {
		clock.Advance(time.Second)
	}
	shown := 0
	for range 50 {
		shown += len(g.states(ada))
	}
	require.Positive(t, shown, "some replica shows the error at the user")
}

func TestGroupLicenseProblemsArePaged(t *testing.T) {
	g, _ := callGraph(t, plansConfig())
	ada, bob := g.create(userBody("ada", "usageLocation", "KP")), g.create(userBody("bob", "usageLocation", "KP"))
	group := g.licensed([]string{skuStandardPack}, bob, ada) // not in the order in which they were created
	first := g.get("groups/"+group+"/membersWithLicenseErrors?$top=1").must(t, 200)
	second := g.get(below(first.Body["@odata.nextLink"])).must(t, 200)
	require.ElementsMatch(t, []string{ada, bob}, append(first.Column("id"), second.Column("id")...))
	require.NotContains(t, second.Body, "@odata.nextLink")
}

func TestALicenseWithAMailboxGivesAnAddress(t *testing.T) {
	mailbox := func() entratest.Config {
		cfg := plansConfig()
		cfg.SKUs[0].Plans[0].Mailbox = true
		return cfg
	}
	const both = "?$select=mail,proxyAddresses"
	t.Run("directly", func(t *testing.T) {
		g, _ := callGraph(t, mailbox())
		ada := g.create(userBody("ada", "usageLocation", "DE", "mail", "ada@example.net"))
		g.post("users/"+ada+"/assignLicense", disabling(skuStandardPack, planExchange)).must(t, 200)
		require.Equal(t, "ada@example.net", g.get("users/" + ada + both).Body["mail"], "not while the plan is off")
		g.post("users/"+ada+"/assignLicense", assigning(skuStandardPack)).must(t, 200)
		user := g.get("users/"+ada+both).must(t, 200).Body
		require.Equal(t, "ada@contoso.com", user["mail"])
		require.Equal(t, []any{"SMTP:ada@contoso.com", "smtp:ada@example.net"}, user["proxyAddresses"])
		g.patch("users/"+ada, map[string]any{"mail": "ada@example.org"}).must(t, 204)
		g.post("users/"+ada+"/assignLicense", assigning(skuStandardPack)).must(t, 200)
		require.Equal(t, "ada@example.org", g.get("users/" + ada + both).Body["mail"], "once, when the mailbox is new")
	})
	t.Run("an address of the tenant stays", func(t *testing.T) {
		g, _ := callGraph(t, mailbox())
		ada := g.create(userBody("ada", "usageLocation", "DE", "mail", "a.l@contoso.com"))
		g.post("users/"+ada+"/assignLicense", assigning(skuStandardPack)).must(t, 200)
		require.Equal(t, "a.l@contoso.com", g.get("users/" + ada + both).Body["mail"])
	})
	t.Run("through a group", func(t *testing.T) {
		g, _ := callGraph(t, mailbox())
		ada := g.create(userBody("ada"))
		g.licensed([]string{skuStandardPack}, ada)
		require.Equal(t, []any{"SMTP:ada@contoso.com"}, g.get("users/" + ada + both).Body["proxyAddresses"])
	})
	t.Run("an address that is another user's", func(t *testing.T) {
		cfg := mailbox()
		cfg.Users = []entratest.User{
			{UPN: "ada@contoso.com", UsageLocation: "DE"},
			{UPN: "bob@contoso.com", ProxyAddresses: []string{"smtp:ada@contoso.com"}},
		}
		g, _ := callGraph(t, cfg)
		ada := g.get("users/ada@contoso.com").Body["id"].(string)
		answer := g.post("users/"+ada+"/assignLicense", assigning(skuStandardPack))
		require.Equal(t, 400, answer.Status)
		require.Contains(t, answer.Targets(), "ObjectConflict")
		group := g.licensed([]string{skuStandardPack}, ada)
		require.Equal(t, map[string]string{"!" + skuStandardPack: "Error UniquenessViolation"}, g.states(ada))
		require.Zero(t, g.consumed(skuStandardPack))
		require.Equal(t, []string{ada}, g.get("groups/"+group+"/membersWithLicenseErrors").Column("id"))
	})
}

func values(m map[string]string) (out []string) {
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func TestAGroupNeedsWhatItsPlansRequire(t *testing.T) {
	g, _ := callGraph(t, plansConfig())
	group := g.createGroup(groupBody("staff"))
	path := "groups/" + group + "/assignLicense"
	g.post(path, assigning(skuAddOn)).mustRefuse(t, 400, "Request_BadRequest", textDependency)
	g.post(path, assigning(skuStandardPack, skuRival)).mustRefuse(t, 400, "Request_BadRequest", textExclusive)
	body := assigning(skuStandardPack, skuAddOn)
	body["addLicenses"].([]any)[0].(map[string]any)["disabledPlans"] = []any{planExchange}
	g.post(path, body).mustRefuse(t, 400, "Request_BadRequest", textDependency)
	g.post(path, assigning(skuStandardPack, skuAddOn)).must(t, 202)
	change := assigning()
	change["removeLicenses"] = []any{skuStandardPack}
	g.post(path, change).mustRefuse(t, 400, "Request_BadRequest", textDependency)
	change["removeLicenses"] = []any{skuRival}
	g.post(path, change).mustRefuse(t, 400, "Request_BadRequest", "Group does not have a corresponding license.")
	g.post(path, assigning(skuSuspended)).mustRefuse(t, 400, "Request_BadRequest",
		"License "+skuSuspended+" does not correspond to a valid company License.")
	g.post(path, map[string]any{}).must(t, 400)
	unified := g.createGroup(groupBody("golf", "groupTypes", []any{"Unified"}, "mailEnabled", true, "securityEnabled", false))
	g.post("groups/"+unified+"/assignLicense", assigning(skuStandardPack)).must(t, 400)
	require.Len(t, g.get("groups/" + group + "?$select=assignedLicenses").Body["assignedLicenses"], 2)
}

func TestPlansOfDirectLicenses(t *testing.T) {
	g, _ := callGraph(t, plansConfig())
	ada := g.create(userBody("ada", "usageLocation", "DE"))
	path := "users/" + ada + "/assignLicense"
	g.post(path, assigning(skuAddOn)).mustRefuse(t, 400, "Request_BadRequest", textDependency)
	g.post(path, assigning(skuStandardPack, skuAddOn)).must(t, 200)
	g.post(path, assigning(skuRival)).mustRefuse(t, 400, "Request_BadRequest", textExclusive)
	tame := assigning(skuRival)
	tame["addLicenses"].([]any)[0].(map[string]any)["disabledPlans"] = []any{planRival}
	g.post(path, tame).must(t, 200)
	change := assigning()
	change["removeLicenses"] = []any{skuStandardPack}
	g.post(path, change).mustRefuse(t, 400, "Request_BadRequest", textDependency)
	change["removeLicenses"] = []any{skuStandardPack, skuAddOn}
	g.post(path, change).must(t, 200)
	require.Equal(t, map[string]string{skuRival: "Active None"}, g.states(ada))

	elsewhere := g.create(userBody("eve", "usageLocation", "KP"))
	g.post("users/"+elsewhere+"/assignLicense", assigning(skuStandardPack)).mustRefuse(t, 400, "Request_BadRequest",
		"License assignment cannot be done for user with invalid usage location.")
}

func TestInheritedLicensesAreNotRemovedDirectly(t *testing.T) {
	g, _ := callGraph(t, plansConfig())
	ada := g.create(userBody("ada", "usageLocation", "DE"))
	group := g.licensed([]string{skuStandardPack}, ada)
	remove := assigning()
	remove["removeLicenses"] = []any{skuStandardPack}
	g.post("users/"+ada+"/assignLicense", remove).mustRefuse(t, 400, "Request_BadRequest",
		"User license is inherited from a group membership and it cannot be removed directly from the user.")

	g.post("users/"+ada+"/assignLicense", assigning(skuStandardPack)).must(t, 200)
	require.Equal(t, 1, g.consumed(skuStandardPack), "the same SKU twice is one seat")
	require.Equal(t, map[string]string{skuStandardPack: "Active None", "!" + skuStandardPack: "Active None"}, g.states(ada))
	g.delete("groups/"+group+"/members/"+ada+"/$ref").must(t, 204)
	require.Equal(t, map[string]string{skuStandardPack: "Active None"}, g.states(ada), "the direct licence stays")
	g.post("users/"+ada+"/assignLicense", remove).must(t, 200)
	require.Zero(t, g.consumed(skuStandardPack))
}

func TestDisabledPlansOfSeveralSources(t *testing.T) {
	g, _ := callGraph(t, plansConfig())
	ada := g.create(userBody("ada", "usageLocation", "DE"))
	direct := assigning(skuStandardPack)
	direct["addLicenses"].([]any)[0].(map[string]any)["disabledPlans"] = []any{planSideshow, planExchange}
	g.post("users/"+ada+"/assignLicense", direct).must(t, 200)
	group := g.createGroup(groupBody("staff"))
	inherited := assigning(skuStandardPack)
	inherited["addLicenses"].([]any)[0].(map[string]any)["disabledPlans"] = []any{planSideshow}
	g.post("groups/"+group+"/assignLicense", inherited).must(t, 202)
	g.patch("groups/"+group, binding(ada)).must(t, 204)
	require.Equal(t, []any{map[string]any{"skuId": skuStandardPack, "disabledPlans": []any{planSideshow}}},
		g.get("users/" + ada + "?$select=assignedLicenses").Body["assignedLicenses"],
		"a plan is off when every source disables it")
}

func TestALicenseThatOthersDependOnStays(t *testing.T) {
	g, _ := callGraph(t, plansConfig())
	ada := g.create(userBody("ada", "usageLocation", "DE"))
	group := g.licensed([]string{skuStandardPack}, ada)
	g.post("users/"+ada+"/assignLicense", assigning(skuAddOn)).must(t, 200)
	g.delete("groups/"+group+"/members/"+ada+"/$ref").must(t, 204)
	stuck := map[string]string{"!" + skuStandardPack: "ActiveWithError DependencyViolation", skuAddOn: "Active None"}
	require.Equal(t, stuck, g.states(ada))
	require.Equal(t, 1, g.consumed(skuStandardPack))
	require.Equal(t, []string{ada}, g.get("groups/"+group+"/membersWithLicenseErrors").Column("id"))

	reprocess := "users/" + ada + "/reprocessLicenseAssignment"
	g.post(reprocess, nil).mustRefuse(t, 400, "Request_BadRequest", textDependency)
	require.Equal(t, stuck, g.states(ada))
	remove := assigning()
	remove["removeLicenses"] = []any{skuAddOn}
	g.post("users/"+ada+"/assignLicense", remove).must(t, 200)
	require.Equal(t, ada, g.post(reprocess, nil).must(t, 200).Body["id"])
	require.Empty(t, g.states(ada))
	require.Zero(t, g.consumed(skuStandardPack))
}

func TestALicenseThatTheGroupNoLongerGivesStaysToo(t *testing.T) {
	g, _ := callGraph(t, plansConfig())
	ada, bob := g.create(userBody("ada", "usageLocation", "DE")), g.create(userBody("bob"))
	group := g.licensed([]string{skuStandardPack}, ada, bob)
	tame := disabling(skuRival, planRival)
	g.post("groups/"+group+"/assignLicense", tame).must(t, 202)
	g.post("users/"+ada+"/assignLicense", assigning(skuAddOn)).must(t, 200)
	change := assigning()
	change["removeLicenses"] = []any{skuStandardPack}
	g.post("groups/"+group+"/assignLicense", change).must(t, 202)
	require.Equal(t, map[string]string{"!" + skuRival: "Active None", skuAddOn: "Active None",
		"!" + skuStandardPack: "ActiveWithError DependencyViolation"}, g.states(ada))
	require.Equal(t, map[string]string{"!" + skuRival: "Active None"}, g.states(bob))
	require.Equal(t, 1, g.consumed(skuStandardPack))
}

func TestASeatThatIsHeldIsEnough(t *testing.T) {
	cfg := plansConfig()
	for _, name := range []string{"x", "y", "ada"} {
		cfg.Users = append(cfg.Users, entratest.User{UPN: name + "@contoso.com", UsageLocation: "DE",
			SKUIDs: []string{skuStandardPack}})
	}
	g, _ := callGraph(t, cfg)
	ada := g.get("users/ada@contoso.com").Body["id"].(string)
	require.Equal(t, 3, g.consumed(skuStandardPack), "no seat is left")
	g.post("users/"+ada+"/assignLicense", assigning(skuStandardPack)).must(t, 200)
	g.licensed([]string{skuStandardPack}, ada)
	require.Equal(t, map[string]string{skuStandardPack: "Active None", "!" + skuStandardPack: "Active None"}, g.states(ada))
	require.Equal(t, 3, g.consumed(skuStandardPack))
}

func TestReprocessing(t *testing.T) {
	cfg := plansConfig()
	cfg.Users = []entratest.User{{UPN: "x@contoso.com", SKUIDs: []string{skuStandardPack}},
		{UPN: "y@contoso.com", SKUIDs: []string{skuStandardPack}}, {UPN: "z@contoso.com", SKUIDs: []string{skuStandardPack}}}
	g, _ := callGraph(t, cfg)
	ada := g.create(userBody("ada"))
	g.licensed([]string{skuStandardPack}, ada)
	require.Equal(t, map[string]string{"!" + skuStandardPack: "Error CountViolation"}, g.states(ada))
	remove := assigning()
	remove["removeLicenses"] = []any{skuStandardPack}
	g.post("users/x@contoso.com/assignLicense", remove).must(t, 200)
	require.Equal(t, map[string]string{"!" + skuStandardPack: "Error CountViolation"}, g.states(ada),
		"a seat that becomes free is not given by itself")
	g.post("users/"+ada+"/reprocessLicenseAssignment", nil).must(t, 200)
	require.Equal(t, map[string]string{"!" + skuStandardPack: "Active None"}, g.states(ada))
	g.post("users/y@contoso.com/assignLicense", assigning(skuStandardPack)).must(t, 400) // no usage location
	g.post("users/nobody@contoso.com/reprocessLicenseAssignment", nil).must(t, 404)

	eve := g.create(userBody("eve", "usageLocation", "DE"))
	g.post("users/"+eve+"/assignLicense", assigning(skuStandardPack)).mustRefuse(t, 400, "Request_BadRequest", noSeat)
}
