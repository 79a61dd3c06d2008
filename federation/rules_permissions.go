package federation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// permissionsRules look at what could not be read, and at what may not be written.
func permissionsRules() []rule {
	return []rule{
		{Rule{
			Name: "permission-missing", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose, PurposeFederateGuest, PurposeRevertGuest},
			Meaning:  "The credential must have the permissions for what is read and written.",
		}, permissionMissing},
		{Rule{
			Name: "not-looked-at", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose, PurposeFederateGuest, PurposeRevertGuest},
			Meaning:  "What could not be read was not looked at.",
		}, notLookedAt},
	}
}

// grant is what a call needs: https://learn.microsoft.com/graph/permissions-reference.
type grant struct {
	least  string
	enough []string // other permissions that do
	role   string   // the least role of a user in whose name the call is made
}

func readGrants() map[fact]grant {
	federations := grant{"Domain-InternalFederation.Read.All", nil, "Security Reader"}
	return map[fact]grant{
		factConfiguration:  federations,
		factConfigurations: federations,
		factGuests:         {"IdentityProvider.Read.All", nil, "External Identity Provider Administrator"},
		factUsers:          {"User.Read.All", nil, "Directory Readers"},
		factCaller:         {"User.Read", nil, ""},
		factAdministrators: {"RoleManagement.Read.Directory and User.Read.All", nil, "Directory Readers"},
		factPolicy:         {"Policy.Read.All", nil, "Security Reader"},
		factClock:          {"Organization.Read.All", nil, ""},
	}
}

func (o Operation) grant() grant {
	switch o {
	case CreateConfiguration, ChangeConfiguration, DeleteConfiguration:
		return grant{"Domain-InternalFederation.ReadWrite.All", []string{"Domain.ReadWrite.All"},
			"External Identity Provider Administrator"}
	case ChangeDomain, PromoteDomain:
		return grant{"Domain.ReadWrite.All", nil, "Domain Name Administrator"}
	case DeleteGuests:
		return grant{"IdentityProvider.ReadWrite.All", []string{"Domain.ReadWrite.All"},
			"External Identity Provider Administrator"}
	case CreateGuests, ChangeGuests, AddGuestDomain, RemoveGuestDomain:
		return grant{"IdentityProvider.ReadWrite.All", nil, "External Identity Provider Administrator"}
	}
	return grant{}
}

// given reports whether one of the caller's permissions is enough. Directory.AccessAsUser.All is whatever the user may do.
func (g grant) given(c Caller) bool {
	enough := append([]string{g.least}, g.enough...)
	if !c.Application {
		enough = append(enough, "Directory.AccessAsUser.All")
	}
	return slices.ContainsFunc(enough, func(p string) bool { return slices.Contains(c.Permissions, p) })
}

// remedy names the least that would do.
func (g grant) remedy(c *Caller) string {
	grant := fmt.Sprintf("Grant %s, with the consent of an administrator.", g.least)
	role := g.role
	if role == "" {
		return grant
	}
	switch {
	case c == nil:
		return fmt.Sprintf("%s A signed-in user also needs a role, at least %s.", grant, role)
	case !c.Application:
		return fmt.Sprintf("%s The user also needs a role, at least %s; Directory.AccessAsUser.All has been reported "+
			"necessary beside.", grant, role)
	}
	return fmt.Sprintf("%s If it has that already, give the application the role %s as well: that has been reported "+
		"necessary.", grant, role)
}

func permissionMissing(r Rule, x *examination) []Finding {
	var found []Finding
	grants := readGrants()
	for _, what := range x.failures() {
		if !errors.Is(x.failed[what], ErrForbidden) {
			continue
		}
		f := r.finding(fmt.Sprintf("The credential may not read %s.", what), grants[what].remedy(x.caller), "",
			x.failed[what].Error())
		if what != factConfiguration && what != factGuests {
			f = f.as(SeverityWarning) // the plan is right without it; where it would not be, another rule says so
		}
		found = append(found, f)
	}
	return append(found, x.mayNotWrite(r)...)
}

// mayNotWrite looks for writes that the caller is known to have no permission for: one finding for each permission.
func (x *examination) mayNotWrite(r Rule) []Finding {
	if x.caller == nil || x.caller.Permissions == nil {
		return nil
	}
	var found []Finding
	var named []string
	for _, w := range x.writes {
		g := w.Operation.grant()
		if g.least == "" || g.given(*x.caller) || slices.Contains(named, g.least) {
			continue
		}
		named = append(named, g.least)
		method, path := w.Request()
		found = append(found, r.finding(fmt.Sprintf("The credential lacks the permission for %s %s.", method, path),
			g.remedy(x.caller), "", "it has "+strings.Join(x.caller.Permissions, ", ")))
	}
	return found
}

// failures are the facts that could not be read, in a fixed order.
func (x *examination) failures() []fact {
	var all []fact
	for what := range x.failed {
		all = append(all, what)
	}
	slices.Sort(all)
	return all
}

func notLookedAt(r Rule, x *examination) []Finding {
	var details []string
	for _, what := range x.failures() {
		details = append(details, fmt.Sprintf("%s: %v", what, x.failed[what]))
	}
	if details == nil {
		return nil
	}
	return one(r.finding("Not everything could be looked at.",
		"What depends on it may be wrong although nothing is said here.", "", details...))
}
