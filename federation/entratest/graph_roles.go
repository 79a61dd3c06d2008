package entratest

import (
	"net/http"
	"strings"
)

// What is the same in every tenant of the role of the Global Administrator, and the id that it has in this one:
// https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference#global-administrator.
const (
	globalAdministratorTemplate = "62e90394-69f5-4237-9190-012177145e10"
	globalAdministratorRole     = "3d5a8f6e-0c0b-4b39-9a5d-7f1f6f0e2c41"
)

func (t *Tenant) roleRoutes() []route {
	read := []string{
		"RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", "Directory.Read.All",
		"Directory.ReadWrite.All",
	}
	return []route{
		{http.MethodGet, "directoryRoles", read, 1, []string{"$select"}, t.listRoles},
		{http.MethodGet, "directoryRoles/{}/members", read, 1, []string{"$select", "$skiptoken"}, t.listRoleMembers},
	}
}

// listRoles is https://learn.microsoft.com/graph/api/directoryrole-list. The role of the Global Administrator is the only
// one: of the others no more is known than User.AdminRole.
func (t *Tenant) listRoles(req *graphRequest) (*graphReply, *graphError) {
	return req.selectedCollection("directoryRoles", "directoryRole", []object{{
		{"id", globalAdministratorRole},
		{"deletedDateTime", nil},
		{"description", "Can manage all aspects of Microsoft Entra ID and Microsoft services that use Microsoft Entra " +
			"identities."},
		{"displayName", "Global Administrator"},
		{"roleTemplateId", globalAdministratorTemplate},
	}})
}

// listRoleMembers is https://learn.microsoft.com/graph/api/directoryrole-list-members. As that page says, $top is not
// understood; the pages have 100 members all the same instead of 1,000, so that a test need not make that many.
func (t *Tenant) listRoleMembers(req *graphRequest) (*graphReply, *graphError) {
	return t.listObjects(req, func(q listQuery) ([]*entity, *graphError) {
		if !isGlobalAdministrator(req.keys[0]) {
			return nil, errNotFound(req.key(0))
		}
		return t.find(q, func(e *entity) bool { return e.active() && e.global }), nil
	})
}

// isGlobalAdministrator recognises the role by its id or by its template's.
func isGlobalAdministrator(key pathPart) bool {
	if key.name == "roleTemplateId" {
		return strings.EqualFold(key.text, globalAdministratorTemplate)
	}
	return strings.EqualFold(key.text, globalAdministratorRole)
}
