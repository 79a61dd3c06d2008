package entratest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

func TestPermissions(t *testing.T) {
	const (
		ada, staff = "users/ada@contoso.com", "groups(uniqueName='staff')"
		adaID      = "aaaaaaaa-0000-4000-8000-000000000001"
		bossID     = "aaaaaaaa-0000-4000-8000-000000000002"
		goneID     = "aaaaaaaa-0000-4000-8000-000000000003"
	)
	readUsers := []string{"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	readGroups := []string{"GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All",
		"Directory.ReadWrite.All"}
	writeMembers := []string{"GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"}
	everything := entratest.AllPermissions()
	for _, rule := range []struct {
		method, path string
		body         any
		enough       []string
	}{
		{"POST", "users", userBody("bob"), []string{"User.ReadWrite.All", "Directory.ReadWrite.All"}},
		{"GET", "users", nil, []string{"User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All",
			"Directory.ReadWrite.All"}},
		{"GET", "users/ada@contoso.com", nil, []string{"User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All",
			"Directory.Read.All", "Directory.ReadWrite.All"}},
		{"GET", "users/ada@contoso.com?$select=onPremisesImmutableId", nil, []string{"User.Read.All",
			"User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}},
		{"GET", "users?$filter=onPremisesImmutableId+eq+'x'", nil, []string{"User.Read.All", "User.ReadWrite.All",
			"Directory.Read.All", "Directory.ReadWrite.All"}},
		{"PATCH", "users/ada@contoso.com", map[string]any{"city": "Bonn"},
			[]string{"User.ReadWrite.All", "Directory.ReadWrite.All"}},
		{"PATCH", "users/ada@contoso.com", map[string]any{"accountEnabled": false},
			[]string{"User.ReadWrite.All", "Directory.ReadWrite.All", "User.EnableDisableAccount.All"}},
		{"PATCH", "users/ada@contoso.com", map[string]any{"passwordProfile": map[string]any{"password": "Correct-1"}},
			[]string{"User.ReadWrite.All", "Directory.ReadWrite.All", "User-PasswordProfile.ReadWrite.All"}},
		{"DELETE", "users/ada@contoso.com", nil, []string{"User.DeleteRestore.All", "User.ReadWrite.All"}},
		{"POST", "users/ada@contoso.com/revokeSignInSessions", nil,
			[]string{"User.RevokeSessions.All", "User.ReadWrite.All"}},
		{"POST", "users/ada@contoso.com/assignLicense", assigning(),
			[]string{"LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"}},
		{"GET", "users/ada@contoso.com/licenseDetails", nil, []string{"LicenseAssignment.Read.All",
			"LicenseAssignment.ReadWrite.All", "Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All",
			"Directory.ReadWrite.All"}},
		{"GET", "subscribedSkus", nil, []string{"LicenseAssignment.Read.All", "LicenseAssignment.ReadWrite.All",
			"Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}},
		{"GET", "domains", nil, []string{"Domain.Read.All", "Domain.ReadWrite.All"}},
		{"GET", "domains/contoso.com", nil, []string{"Domain.Read.All", "Domain.ReadWrite.All"}},
		{"GET", "domains/contoso.com/federationConfiguration", nil,
			[]string{"Domain-InternalFederation.Read.All", "Domain-InternalFederation.ReadWrite.All"}},
		{"GET", "users?$select=onPremisesImmutableId", nil, readUsers},
		{"GET", "users?$expand=manager", nil, readUsers},
		{"GET", "users/delta", nil, readUsers},
		{"GET", ada + "/manager", nil, readUsers},
		{"GET", ada + "/manager/$ref", nil, readUsers},
		{"PUT", ada + "/manager/$ref", reference(bossID), []string{"User.ReadWrite.All", "Directory.ReadWrite.All"}},
		{"DELETE", ada + "/manager/$ref", nil, []string{"User.ReadWrite.All", "Directory.ReadWrite.All"}},
		{"POST", ada + "/reprocessLicenseAssignment", nil, []string{"User.ReadWrite.All", "Directory.ReadWrite.All"}},
		{"GET", deletedItems, nil, append([]string{"User.DeleteRestore.All"}, readUsers...)},
		{"GET", deletedItems + "?$select=onPremisesImmutableId", nil,
			append([]string{"User.DeleteRestore.All"}, readUsers...)},
		{"GET", "directory/deletedItems/" + goneID, nil, append([]string{"User.DeleteRestore.All"}, readUsers...)},
		{"DELETE", "directory/deletedItems/" + goneID, nil, []string{"User.DeleteRestore.All", "User.ReadWrite.All"}},
		{"POST", "directory/deletedItems/" + goneID + "/restore", nil,
			[]string{"User.DeleteRestore.All", "User.ReadWrite.All"}},
		{"POST", "groups", groupBody("new"), []string{"Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"}},
		{"GET", "groups", nil, readGroups},
		{"GET", staff, nil, readGroups},
		{"PATCH", staff, map[string]any{"description": "x"}, []string{"Group.ReadWrite.All", "Directory.ReadWrite.All"}},
		{"PATCH", staff, binding(bossID), writeMembers},
		{"PATCH", "groups(uniqueName='new')", groupBody("new"),
			[]string{"Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"}},
		{"GET", ada + "/memberOf", nil, readGroups},
		{"GET", ada + "/transitiveMemberOf", nil, readGroups},
		{"GET", staff + "/members", nil, []string{"GroupMember.ReadBasic.All", "GroupMember.Read.All",
			"GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"}},
		{"POST", staff + "/members/$ref", reference(bossID), writeMembers},
		{"DELETE", staff + "/members/" + adaID + "/$ref", nil, writeMembers},
		{"POST", staff + "/assignLicense", assigning(),
			[]string{"LicenseAssignment.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"}},
		{"GET", staff + "/membersWithLicenseErrors", nil, []string{"GroupMember.Read.All", "GroupMember.ReadWrite.All",
			"Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}},
		{"GET", "organization", nil, []string{"Organization.Read.All", "Organization.ReadWrite.All", "User.Read.All",
			"User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}},
	} {
		t.Run(rule.method+" "+rule.path, func(t *testing.T) {
			var enough []string
			for _, permission := range everything {
				cfg := federatedConfig(t)
				cfg.Users = []entratest.User{
					{UPN: "ada@contoso.com", ObjectID: adaID, ImmutableID: "ada1", Enabled: true},
					{UPN: "boss@contoso.com", ObjectID: bossID, ImmutableID: "boss1"},
					{UPN: "gone@contoso.com", ObjectID: goneID, ImmutableID: "gone1"},
				}
				cfg.Groups = []entratest.Group{
					{DisplayName: "staff", UniqueName: "staff", Members: []string{"ada@contoso.com"}},
				}
				cfg.Domains = append(cfg.Domains, entratest.Domain{Name: "fabrikam.com"})
				mighty, app := entratest.DefaultApp(), entratest.DefaultApp()
				app.ClientID, app.Permissions = "11111111-2222-4333-8444-666666666666", []string{permission}
				cfg.Apps = []entratest.App{mighty, app}
				g, _ := callGraph(t, cfg)
				g.delete("users/"+goneID).must(t, 204)
				g.put(ada+"/manager/$ref", reference(bossID)).must(t, 204)
				g.as(app)
				g.header.Set("Prefer", "create-if-missing")
				body := rule.body
				if rule.method == "POST" && rule.path == "users" {
					body = userBody("bob", "userPrincipalName", "bob@fabrikam.com")
				}
				answer := g.call(rule.method, rule.path, body)
				if answer.Status < 300 {
					enough = append(enough, permission)
					continue
				}
				code, message := answer.Error()
				require.Equal(t, http.StatusForbidden, answer.Status, "%s: %v", permission, answer.Body)
				require.Equal(t, "Authorization_RequestDenied", code)
				require.Equal(t, "Insufficient privileges to complete the operation.", message)
			}
			require.ElementsMatch(t, rule.enough, enough)
		})
	}
}
