package entratest_test

import (
	"context"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

func adminConfig() entratest.Config {
	return entratest.Config{
		Lag: entratest.LagNone,
		Users: []entratest.User{
			{UPN: "admin@contoso.onmicrosoft.com", Enabled: true, GlobalAdministrator: true, ImmutableID: "admin0001"},
			{UPN: "helper@contoso.com", Enabled: true, AdminRole: true},
			{UPN: "employee@contoso.com", Enabled: true},
			{UPN: "former@contoso.com"},
		},
	}
}

func TestMeIsTheUserOfTheToken(t *testing.T) {
	g, _ := callGraph(t, adminConfig())
	admin := g.get("users/admin@contoso.onmicrosoft.com").must(t, 200).Body
	g.get("me").mustRefuse(t, 400, "BadRequest", "/me request is only valid with delegated authentication flow.")

	g.asUser("ADMIN@contoso.onmicrosoft.com")
	require.Equal(t, admin["id"], g.get("me").must(t, 200).Body["id"], "User.Read is enough")
	got := g.get("me?$select=userPrincipalName,onPremisesImmutableId").must(t, 200).Body
	require.Equal(t, map[string]any{
		"@odata.context":        "https://graph.microsoft.com/v1.0/$metadata#users(userPrincipalName,onPremisesImmutableId)/$entity",
		"userPrincipalName":     "admin@contoso.onmicrosoft.com",
		"onPremisesImmutableId": "admin0001",
	}, got)
	g.get("me?$select=x").must(t, 400)
	g.get("me/licenseDetails").mustRefuse(t, 400, "BadRequest", "Resource not found for the segment 'licenseDetails'.")
	g.get("users").mustRefuse(t, 403, "Authorization_RequestDenied", "")
	require.Equal(t, "14d82eec-204b-4c2f-b7e8-296a70dab67e", g.tenant.GraphCalls()[2].ClientID)

	g.asUser("admin@contoso.onmicrosoft.com", "Domain.Read.All")
	g.get("me").mustRefuse(t, 403, "Authorization_RequestDenied", "")
	g.asUser("employee@contoso.com")
	g.tenant.Inject(entratest.Fault{Path: "/v1.0/me", Status: 503})
	g.get("me").must(t, 503)
}

func TestARoleIsLookedAtWithEachCall(t *testing.T) {
	g, _ := callGraph(t, adminConfig())
	create := func(name string, status int) {
		t.Helper()
		g.post("domains", map[string]any{"id": name}).must(t, status)
	}
	g.asUser("admin@contoso.onmicrosoft.com", "Domain.ReadWrite.All", "User.ReadWrite.All")
	token := g.header.Get("Authorization")
	create("one.example", 201)
	g.patch("users/helper@contoso.com", map[string]any{"city": "Bonn"}).must(t, 204)
	g.asUser("employee@contoso.com", "Domain.ReadWrite.All", "User.ReadWrite.All")
	create("two.example", 403)
	g.patch("users/helper@contoso.com", map[string]any{"city": "Bonn"}).must(t, 403)
	g.asUser("helper@contoso.com", "User.ReadWrite.All")
	g.delete("users/admin@contoso.onmicrosoft.com").must(t, 204)
	g.header.Set("Authorization", token)
	create("three.example", 403)
}

func TestTokensOfUsers(t *testing.T) {
	tenant := entratest.Start(t, adminConfig())
	const graph = "https://graph.microsoft.com/.default"
	ask := func(upn string, scopes []string, o policy.TokenRequestOptions) error {
		_, err := tenant.UserCredential(upn, scopes...).GetToken(context.Background(), o)
		return err
	}
	good := policy.TokenRequestOptions{Scopes: []string{graph}}
	for _, rule := range []struct {
		name   string
		upn    string
		scopes []string
		o      policy.TokenRequestOptions
		want   string
	}{
		{"a user exists", "nobody@contoso.com", nil, good, "AADSTS50034"},
		{"and is enabled", "former@contoso.com", nil, good, "AADSTS50057"},
		{"a permission exists", "employee@contoso.com", []string{"Domain.Write"}, good, "AADSTS650053"},
		{"the token is for Graph", "employee@contoso.com", nil,
			policy.TokenRequestOptions{Scopes: []string{"https://example.net/.default"}}, "AADSTS500011"},
	} {
		t.Run(rule.name, func(t *testing.T) {
			err := ask(rule.upn, rule.scopes, rule.o)
			var refused *entratest.TokenError
			require.ErrorAs(t, err, &refused)
			require.Contains(t, refused.Description, rule.want)
			require.NotEmpty(t, refused.Code)
			require.NotZero(t, refused.Status)
		})
	}
	require.NoError(t, ask("employee@contoso.com", []string{"Directory.AccessAsUser.All"}, good))
	require.ErrorContains(t, ask("employee@contoso.com", nil,
		policy.TokenRequestOptions{Scopes: []string{graph}, TenantID: "another"}), "this credential is of tenant")
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := tenant.UserCredential("employee@contoso.com").GetToken(ended, good)
	require.ErrorIs(t, err, context.Canceled)
}

func TestATokenOfAUserEnds(t *testing.T) {
	g, clock := callGraph(t, adminConfig())
	g.asUser("employee@contoso.com")
	g.get("me").must(t, 200)
	clock.Advance(time.Hour)
	g.get("me").mustRefuse(t, 401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
	g.asUser("employee@contoso.com")
	g.get("me").must(t, 200)
}

func TestGlobalAdministrators(t *testing.T) {
	cfg := adminConfig()
	for i := range 101 {
		name := string(rune('a'+i/26)) + string(rune('a'+i%26))
		cfg.Users = append(cfg.Users, entratest.User{UPN: name + "@contoso.com", GlobalAdministrator: true})
	}
	g, _ := callGraph(t, cfg)
	for _, u := range g.tenant.Users() {
		require.Equal(t, u.GlobalAdministrator || u.UPN == "helper@contoso.com", u.AdminRole, u.UPN)
	}
	role := g.get("directoryRoles").must(t, 200).Values()[0]
	require.Equal(t, "62e90394-69f5-4237-9190-012177145e10", role["roleTemplateId"])
	for _, path := range []string{rolePath, "directoryRoles/" + role["id"].(string) + "/members"} {
		first := g.get(path+"?$select=id,userPrincipalName").must(t, 200)
		require.Len(t, first.Values(), 100)
		require.Equal(t, "admin@contoso.onmicrosoft.com", first.Values()[0]["userPrincipalName"])
		require.Equal(t, "#microsoft.graph.user", first.Values()[0]["@odata.type"])
		next := first.Body["@odata.nextLink"].(string)
		second := g.get(next[len("https://graph.microsoft.com/v1.0/"):]).must(t, 200)
		require.Len(t, second.Values(), 2)
		require.NotContains(t, second.Body, "@odata.nextLink")
	}
	g.delete("users/aa@contoso.com").must(t, 403)
	for path, status := range map[string]int{
		"directoryRoles?$select=x":                                      400,
		rolePath + "?$select=x":                                         400,
		rolePath + "?$top=5":                                            400,
		rolePath + "?$skiptoken=x":                                      400,
		"directoryRoles(roleTemplateId='" + aRole + "')/members":        404,
		"directoryRoles/62e90394-69f5-4237-9190-012177145e10/members":   404,
		"users(roleTemplateId='62e90394-69f5-4237-9190-012177145e10')/": 400,
	} {
		g.get(path).must(t, status)
	}
}

// aRole is the template of another role.
const aRole = "fe930be7-5e62-47db-91af-98c3a49a38b1"

// Whoever may not read users learns who has the role, and nothing more.
func TestMembersOfARoleWithoutPermissionToReadThem(t *testing.T) {
	cfg := adminConfig()
	app := entratest.DefaultApp()
	app.Permissions = []string{"RoleManagement.Read.Directory"}
	cfg.Apps = []entratest.App{app}
	g, _ := callGraph(t, cfg)
	members := g.get(rolePath).must(t, 200).Values()
	require.Len(t, members, 1)
	require.NotEmpty(t, members[0]["id"])
	require.Nil(t, members[0]["userPrincipalName"])
}
