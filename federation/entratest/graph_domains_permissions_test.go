package entratest_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// domainCall is one call of an operation that concerns domains, and the permissions of which one is enough.
type domainCall struct {
	method, path string
	body         any
	enough       []string
	delegated    []string // beside those
}

const (
	externalBase = "directory/federationConfigurations/graph.samlOrWsFedExternalDomainFederation"
	rolePath     = "directoryRoles(roleTemplateId='62e90394-69f5-4237-9190-012177145e10')/members"
	policyPath   = "policies/federatedTokenValidationPolicy"
)

// domainCalls are calls that succeed in the tenant of [domainsConfig] with the external federation external.
func domainCalls(federation, external string) []domainCall {
	readDomain := []string{"Domain.Read.All", "Domain.ReadWrite.All"}
	writeDomain := []string{"Domain.ReadWrite.All"}
	readFederation := []string{"Domain-InternalFederation.Read.All", "Domain-InternalFederation.ReadWrite.All"}
	writeFederation := []string{"Domain-InternalFederation.ReadWrite.All", "Domain.ReadWrite.All"}
	readProvider := []string{"IdentityProvider.Read.All", "IdentityProvider.ReadWrite.All"}
	writeProvider := []string{"IdentityProvider.ReadWrite.All"}
	readRole := []string{"RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", "Directory.Read.All",
		"Directory.ReadWrite.All"}
	asUser := []string{"Directory.AccessAsUser.All"}
	name := map[string]any{"displayName": "x"}
	return []domainCall{
		{"GET", "domains", nil, readDomain, nil},
		{"POST", "domains", map[string]any{"id": "x.example"}, writeDomain, asUser},
		{"GET", "domains/contoso.com", nil, readDomain, nil},
		{"PATCH", "domains/fabrikam.com", map[string]any{"isDefault": true}, writeDomain, asUser},
		{"DELETE", "domains/new.example", nil, writeDomain, asUser},
		{"GET", "domains/new.example/verificationDnsRecords", nil, readDomain, nil},
		{"POST", "domains/new.example/verify", nil, writeDomain, asUser},
		{"POST", "domains/hr.contoso.com/promote", nil, writeDomain, asUser},
		{"GET", "domains/hr.contoso.com/rootDomain", nil, readDomain, nil},
		{"GET", "domains/fabrikam.com/domainNameReferences", nil, readDomain, nil},
		{"GET", contosoFederations, nil, readFederation, nil},
		{"GET", contosoFederations + "/" + federation, nil, append(readFederation, readDomain...), nil},
		{"POST", fabrikamFederation, federationBody(), writeFederation, asUser},
		{"PATCH", contosoFederations + "/" + federation, name, writeFederation, asUser},
		{"DELETE", contosoFederations + "/" + federation, nil, writeFederation, asUser},
		{"GET", policyPath, nil, []string{"Policy.Read.All", "Policy.ReadWrite.FedTokenValidation"}, nil},
		{"PUT", policyPath, validating("none"), []string{"Policy.ReadWrite.FedTokenValidation"}, nil},
		{"GET", externalBase, nil, readProvider, nil},
		{"POST", externalBase, externalBody("x.example"), writeProvider, nil},
		{"GET", externalBase + "/" + external, nil, readProvider, nil},
		{"PATCH", externalBase + "/" + external, name, writeProvider, nil},
		{"DELETE", "directory/federationConfigurations/" + external, nil,
			[]string{"Domain.ReadWrite.All", "IdentityProvider.ReadWrite.All"}, nil},
		{"GET", externalBase + "/" + external + "/domains", nil, readProvider, nil},
		{"POST", externalBase + "/" + external + "/domains", map[string]any{"id": "x.example"}, writeProvider, nil},
		{"DELETE", externalBase + "/" + external + "/domains/partner.example", nil, writeProvider, nil},
		{"GET", "directoryRoles", nil, readRole, nil},
		{"GET", rolePath, nil, readRole, nil},
	}
}

// permissionWorld is a tenant in which all [domainCalls] can succeed, with one application for each permission.
func permissionWorld(t *testing.T, permissions []string) (g *graphCaller, federation, external string) {
	t.Helper()
	cfg := domainsConfig(t)
	mighty, app := entratest.DefaultApp(), entratest.DefaultApp()
	app.ClientID, app.Permissions = "11111111-2222-4333-8444-666666666666", permissions
	cfg.Apps = []entratest.App{mighty, app}
	cfg.Users = append(cfg.Users,
		entratest.User{UPN: "admin@contoso.onmicrosoft.com", Enabled: true, GlobalAdministrator: true},
		entratest.User{UPN: "helper@contoso.onmicrosoft.com", Enabled: true, AdminRole: true})
	g, _ = callGraph(t, cfg)
	g.tenant.PublishDNS("new.example", g.get("domains/new.example/verificationDnsRecords").Values()[0]["text"].(string))
	external = g.post(externalBase, externalBody("partner.example")).must(t, 201).Body["id"].(string)
	return g, g.federationID(), external
}

func TestPermissionsOfDomains(t *testing.T) {
	t.Parallel()
	for i, call := range domainCalls("", "") {
		t.Run(call.method+" "+call.path, func(t *testing.T) {
			t.Parallel()
			var enough []string
			for _, permission := range entratest.AllPermissions() {
				g, federation, external := permissionWorld(t, []string{permission})
				g.as(g.tenant.Config().Apps[1])
				call := domainCalls(federation, external)[i]
				answer := g.call(call.method, call.path, call.body)
				if answer.Status < 300 {
					enough = append(enough, permission)
					continue
				}
				answer.mustRefuse(t, http.StatusForbidden, "Authorization_RequestDenied",
					"Insufficient privileges to complete the operation.")
			}
			require.ElementsMatch(t, call.enough, enough)
		})
	}
}

// asUser makes a user the caller from now on.
func (g *graphCaller) asUser(upn string, scopes ...string) {
	g.t.Helper()
	token, err := g.tenant.UserCredential(upn, scopes...).GetToken(context.Background(), policy.TokenRequestOptions{
		Scopes: []string{g.tenant.Cloud().Graph + "/.default"},
	})
	require.NoError(g.t, err)
	g.header.Set("Authorization", "Bearer "+token.Token)
}

func TestDelegatedPermissionsOfDomains(t *testing.T) {
	t.Parallel()
	for i, call := range domainCalls("", "") {
		t.Run(call.method+" "+call.path, func(t *testing.T) {
			t.Parallel()
			var enough []string
			for _, scope := range entratest.DelegatedScopes() {
				g, federation, external := permissionWorld(t, nil)
				g.asUser("admin@contoso.onmicrosoft.com", scope)
				call := domainCalls(federation, external)[i]
				answer := g.call(call.method, call.path, call.body)
				if answer.Status < 300 {
					enough = append(enough, scope)
					continue
				}
				answer.mustRefuse(t, http.StatusForbidden, "Authorization_RequestDenied", "")
			}
			require.ElementsMatch(t, append(call.delegated, call.enough...), enough)
		})
	}
}

// A delegated permission gives nothing that the user's roles do not give as well.
func TestRolesOfDelegatedCallers(t *testing.T) {
	t.Parallel()
	for i, call := range domainCalls("", "") {
		for upn, admin := range map[string]bool{
			"admin@contoso.onmicrosoft.com": true, "helper@contoso.onmicrosoft.com": true, "operator@fabrikam.com": false,
		} {
			t.Run(upn+" "+call.method+" "+call.path, func(t *testing.T) {
				t.Parallel()
				g, federation, external := permissionWorld(t, nil)
				g.asUser(upn, entratest.DelegatedScopes()...)
				call := domainCalls(federation, external)[i]
				answer := g.call(call.method, call.path, call.body)
				if admin || call.method == http.MethodGet {
					require.Less(t, answer.Status, 300, "%v", answer.Body)
					return
				}
				answer.mustRefuse(t, http.StatusForbidden, "Authorization_RequestDenied", "")
			})
		}
	}
}

func TestFederationNeedsNoRoleOfAnAdministrator(t *testing.T) {
	t.Parallel()
	cfg := domainsConfig(t)
	cfg.FederationNeedsRole = true
	cfg.Users = append(cfg.Users, entratest.User{UPN: "admin@fabrikam.com", Enabled: true, GlobalAdministrator: true})
	g, _ := callGraph(t, cfg)
	g.post(fabrikamFederation, federationBody()).must(t, 403)
	g.asUser("admin@fabrikam.com", "Domain-InternalFederation.ReadWrite.All")
	g.post(fabrikamFederation, federationBody()).must(t, 201)
}
