package entratest

import (
	"net/http"
	"strings"
)

func (t *Tenant) organizationRoutes() []route {
	read := []string{
		"Organization.Read.All", "Organization.ReadWrite.All", "User.Read.All", "User.ReadWrite.All",
		"Directory.Read.All", "Directory.ReadWrite.All",
	}
	return []route{
		{http.MethodGet, "organization", read, 1, []string{"$select"}, t.listOrganizations},
		{http.MethodGet, "organization/{}", read, 1, []string{"$select"}, t.getOrganization},
	}
}

func (t *Tenant) listOrganizations(req *graphRequest) (*graphReply, *graphError) {
	return req.selectedCollection("organization", "organization", []object{t.organization()})
}

func (t *Tenant) getOrganization(req *graphRequest) (*graphReply, *graphError) {
	if !strings.EqualFold(req.key(0), t.cfg.TenantID) {
		return nil, errNotFound(req.key(0))
	}
	return req.selectedEntity("organization", "organization", t.organization())
}

// organization is the tenant: https://learn.microsoft.com/graph/api/resources/organization.
func (t *Tenant) organization() object {
	t.mu.Lock()
	defer t.mu.Unlock()
	var verified []object
	for _, d := range t.domains {
		if d.unverified {
			continue
		}
		verified = append(verified, object{
			{"capabilities", "Email, OfficeCommunicationsOnline"},
			{"isDefault", d.isDefault},
			{"isInitial", d.initial},
			{"name", d.name},
			{"type", t.authenticationType(d)},
		})
	}
	name, _, _ := strings.Cut(t.cfg.InitialDomain, ".")
	return object{
		{"id", t.cfg.TenantID},
		{"displayName", name},
		{"tenantType", "AAD"},
		{"countryLetterCode", t.cfg.Country},
		{"onPremisesSyncEnabled", nil},
		{"assignedPlans", []any{}},
		{"verifiedDomains", verified},
	}
}
