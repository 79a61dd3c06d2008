package entratest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

const salesRule = `user.department -eq "Sales"`

func dynamicGroup(rule string) map[string]any {
	return groupBody("dynamic", "groupTypes", []any{"DynamicMembership"}, "membershipRule", rule)
}

func TestTheMembersOfADynamicGroupAreThoseOfItsRule(t *testing.T) {
	g, _ := callGraph(t, plansConfig())
	ada, bob := g.create(userBody("ada", "department", "sales")), g.create(userBody("bob"))
	group := g.createGroup(dynamicGroup(salesRule))
	shown := g.get("groups/"+group).must(t, 200).Body
	require.Equal(t, []any{"DynamicMembership"}, shown["groupTypes"])
	require.Equal(t, salesRule, shown["membershipRule"])
	require.Equal(t, []string{"ada"}, g.members(group), "who is there already")

	g.create(userBody("eve", "department", "Sales"))
	require.Equal(t, []string{"ada", "eve"}, g.members(group), "who is new")
	g.patch("users/"+bob, map[string]any{"department": "SALES"}).must(t, 204)
	require.Equal(t, []string{"ada", "bob", "eve"}, g.members(group), "who has changed")
	g.patch("users/"+ada, map[string]any{"department": nil}).must(t, 204)
	require.Equal(t, []string{"bob", "eve"}, g.members(group), "and no longer")

	g.delete("users/"+bob).must(t, 204)
	require.Equal(t, []string{"eve"}, g.members(group), "nobody who is deleted")
	g.post("directory/deletedItems/"+bob+"/restore", nil).must(t, 200)
	require.Equal(t, []string{"bob", "eve"}, g.members(group), "who was restored")

	g.patch("groups/"+group, map[string]any{"membershipRule": `user.userPrincipalName -startsWith "ada"`}).must(t, 204)
	require.Equal(t, []string{"ada"}, g.members(group), "another rule")
	require.Equal(t, []string{"ada@contoso.com"}, g.tenant.Groups()[0].Members)
	require.Equal(t, `user.userPrincipalName -startsWith "ada"`, g.tenant.Groups()[0].MembershipRule)
}

func TestARuleThatIsPausedIsNotFollowed(t *testing.T) {
	g, _ := callGraph(t, plansConfig())
	group := g.createGroup(dynamicGroup(salesRule))
	g.patch("groups/"+group, map[string]any{"membershipRuleProcessingState": "Paused"}).must(t, 204)
	g.create(userBody("ada", "department", "Sales"))
	require.Empty(t, g.members(group))
	g.patch("groups/"+group, map[string]any{"membershipRuleProcessingState": "On"}).must(t, 204)
	require.Equal(t, []string{"ada"}, g.members(group))
}

// Whatever the caller's permissions are, it is the rule that decides.
func TestNobodyChangesTheMembersOfADynamicGroup(t *testing.T) {
	g, _ := callGraph(t, plansConfig())
	ada, bob := g.create(userBody("ada", "department", "Sales")), g.create(userBody("bob"))
	group := g.createGroup(dynamicGroup(salesRule))
	for way, answer := range map[string]graphAnswer{
		"adding one":       g.post("groups/"+group+"/members/$ref", reference(bob)),
		"adding some":      g.patch("groups/"+group, binding(bob)),
		"removing one":     g.delete("groups/" + group + "/members/" + ada + "/$ref"),
		"creating it with": g.post("groups", with(dynamicGroup(salesRule), binding(bob))),
	} {
		code, _ := answer.Error()
		require.Equal(t, 403, answer.Status, way)
		require.Equal(t, "Authorization_RequestDenied", code, way)
	}
	require.Equal(t, []string{"ada"}, g.members(group))
	g.patch("groups/"+group, map[string]any{"membershipRule": nil}).must(t, 400)
}

// with is a body with the properties of another.
func with(body, more map[string]any) map[string]any {
	for name, value := range more {
		body[name] = value
	}
	return body
}

func TestADynamicGroupGivesItsLicenses(t *testing.T) {
	cfg := plansConfig()
	cfg.Lag = entratest.LagBad
	cfg.Users = []entratest.User{{UPN: "old@contoso.com", UsageLocation: "KP"}}
	cfg.Groups = []entratest.Group{{
		DisplayName: "everybody", SKUIDs: []string{skuStandardPack}, MembershipRule: `user.userPrincipalName -ne null`,
	}}
	g, clock := callGraph(t, cfg)
	require.Equal(t, []string{"old@contoso.com"}, g.tenant.Groups()[0].Members, "at once at the start")
	require.Zero(t, g.consumed(skuStandardPack), "a location that is not allowed")

	g.create(userBody("ada"))
	require.Equal(t, []string{"old@contoso.com"}, g.tenant.Groups()[0].Members)
	clock.Advance(2 * time.Minute)
	require.Equal(t, []string{"ada@contoso.com", "old@contoso.com"}, g.tenant.Groups()[0].Members, "after a while")
	clock.Advance(2 * time.Minute)
	require.Equal(t, 1, g.consumed(skuStandardPack), "and what the group gives after that")
}

func TestMembershipRules(t *testing.T) {
	cfg := plansConfig()
	cfg.Users = []entratest.User{
		{UPN: "ada@contoso.com", GivenName: "Ada", Surname: `O"Hara`, Enabled: true, UsageLocation: "US"},
		{UPN: "bob@contoso.com", Mail: "bob@example.net", Guest: true, DirectorySynced: true},
	}
	for rule, want := range map[string]string{
		`user.givenName -eq "Ada"`:                  "ada",
		`user.givenName -eq "ADA"`:                  "ada",
		`user.givenName eq "Ada"`:                   "ada",
		`user.givenName -ne "Ada"`:                  "bob",
		`user.givenName -eq null`:                   "bob",
		`user.givenName -ne null`:                   "ada",
		`user.givenName -eq "null"`:                 "",
		"user.surname -eq \"O`\"Hara\"":             "ada",
		`user.accountEnabled -eq true`:              "ada",
		`user.accountEnabled -ne true`:              "bob",
		`user.dirSyncEnabled -eq true`:              "bob",
		`user.mail -endsWith "@EXAMPLE.net"`:        "bob",
		`user.mail -notEndsWith "@contoso.x"`:       "ada bob",
		`user.userPrincipalName -startsWith "a"`:    "ada",
		`user.userPrincipalName -notStartsWith "a"`: "bob",
		`user.userPrincipalName -contains "ob@"`:    "bob",
		`user.userPrincipalName -notContains "ob@"`: "ada",
		`user.userPrincipalName -match "^B.b@"`:     "bob",
		`user.userPrincipalName -notMatch "^B.b@"`:  "ada",
		`user.usageLocation -in ["DE","us"]`:        "ada",
		`user.usageLocation -notIn ["DE","us"]`:     "bob",
		`user.userType -eq "Guest" -or user.givenName -eq "Ada" -and user.surname -eq "X"`: "bob",
		`(user.userType -eq "Guest" -or user.givenName -eq "Ada") -and user.mail -eq null`: "ada",
		`-not user.userType -eq "Guest"`:                                                        "ada",
		`not (user.userType -eq "Guest" or user.userType -eq "Member")`:                         "",
		`user.extensionAttribute1 -eq null`:                                                     "ada bob",
		`user.telephoneNumber -eq null and user.objectId -ne null`:                              "ada bob",
		`user.mailNickName -eq "ada" or user.mailNickname -eq "bob"`:                            "ada bob",
		` ( ( user.city -eq null ) ) `:                                                          "ada bob",
		strings.Repeat("(", 31) + `user.city -eq null` + strings.Repeat(")", 31):                "ada bob",
		`user.department -eq "` + strings.Repeat("x", 3072-len(`user.department -eq ""`)) + `"`: "",
	} {
		cfg.Groups = []entratest.Group{{DisplayName: "dynamic", MembershipRule: rule}}
		var members []string
		for _, upn := range entratest.Start(t, cfg).Groups()[0].Members {
			members = append(members, strings.TrimSuffix(upn, "@contoso.com"))
		}
		require.Equal(t, want, strings.Join(members, " "), rule)
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	for name, rule := range map[string]string{
		"a property without its object":  `department -eq "Sales"`,
		"a property that there is not":   `user.shoeSize -eq "45"`,
		"a property in another case":     `user.Department -eq "Sales"`,
		"a device":                       `device.displayName -eq "x"`,
		"a list":                         `user.proxyAddresses -any (_ -startsWith "x")`,
		"an operator that there is not":  `user.department -like "Sales"`,
		"an operator denied twice":       `user.department -notNe "Sales"`,
		"a text without its quotes":      `user.department -eq Sales`,
		"a text in single quotes":        `user.department -eq 'Sales'`,
		"a text that does not end":       `user.department -eq "Sales`,
		"no value":                       `user.department -eq`,
		"no operator":                    `user.department "Sales"`,
		"nothing":                        ``,
		"null where a text must be":      `user.department -startsWith null`,
		"a list for equality":            `user.department -eq ["Sales"]`,
		"a text for a list":              `user.department -in "Sales"`,
		"an empty list":                  `user.department -in []`,
		"a list that does not end":       `user.department -in ["Sales"`,
		"an expression that is none":     `user.department -match "("`,
		"a parenthesis that is not shut": `(user.department -eq "Sales"`,
		"a parenthesis that is not open": `user.department -eq "Sales")`,
		"an -and without its right side": `user.department -eq "Sales" -and`,
		"two rules":                      `user.department -eq "Sales" user.city -eq "Lagos"`,
		"a rule of 3073 characters":      `user.department -eq "` + strings.Repeat("x", 3073-len(`user.department -eq ""`)) + `"`,
		"a rule that is nested too deep": strings.Repeat("(", 32) + `user.city -eq null` + strings.Repeat(")", 32),
		"a character that is no part":    `user.department -eq "Sales" ;`,
		"a dash that is none of ASCII's": `user.department –eq "Sales"`,
	} {
		g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
		answer := g.post("groups", dynamicGroup(rule))
		require.Equal(t, 400, answer.Status, name)
		if rule != "" {
			_, err := entratest.New(entratest.Config{Groups: []entratest.Group{{DisplayName: "x", MembershipRule: rule}}})
			require.ErrorContains(t, err, "MembershipRule", name)
		}
	}
	_, err := entratest.New(entratest.Config{
		Users:  []entratest.User{{UPN: "ada@contoso.com"}},
		Groups: []entratest.Group{{DisplayName: "x", MembershipRule: salesRule, Members: []string{"ada@contoso.com"}}},
	})
	require.ErrorContains(t, err, "there are Members as well")
}
