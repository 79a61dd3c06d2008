package entratest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// userSchema lists the properties of a user in the order in which Graph returns them:
// https://learn.microsoft.com/graph/api/resources/user#properties. That page gives the lengths; of officeLocation,
// preferredLanguage, employeeId, otherMails and faxNumber it gives none, and those here are assumed.
var userSchema = []property{
	{name: "businessPhones", kind: stringsKind, maxLength: 64, maxItems: 1, standard: true},
	{name: "displayName", kind: stringKind, maxLength: 256, required: true, standard: true, basic: true,
		filters: filtersName},
	{name: "givenName", kind: stringKind, maxLength: 64, standard: true, basic: true, filters: filtersName},
	{name: "jobTitle", kind: stringKind, maxLength: 128, standard: true, filters: filtersName},
	{name: "mail", kind: stringKind, maxLength: 256, standard: true, basic: true, filters: filtersText,
		valid: validAddress},
	{name: "mobilePhone", kind: stringKind, maxLength: 64, standard: true, filters: filtersName},
	{name: "officeLocation", kind: stringKind, maxLength: 128, standard: true, filters: filtersName},
	{name: "preferredLanguage", kind: stringKind, maxLength: 64, standard: true, filters: filtersName},
	{name: "surname", kind: stringKind, maxLength: 64, standard: true, basic: true, filters: filtersName},
	{name: "userPrincipalName", kind: stringKind, required: true, standard: true, basic: true, filters: filtersText},
	{name: "id", kind: stringKind, standard: true, basic: true, filters: filtersBool, computed: objectID},

	{name: "accountEnabled", kind: boolKind, required: true, filters: filtersBool},
	{name: "ageGroup", kind: stringKind, valid: oneOf("Minor", "NotAdult", "Adult")},
	{name: "assignedLicenses", kind: objectKind, tracks: trackLicenses, computed: func(_ *Tenant, e *entity) any {
		return assignedLicenses(e)
	}},
	{name: "assignedPlans", kind: objectKind, tracks: trackLicenses, computed: func(t *Tenant, e *entity) any {
		return assignedPlans(t, e)
	}},
	{name: "city", kind: stringKind, maxLength: 128, filters: filtersName},
	{name: "companyName", kind: stringKind, maxLength: 64, filters: filtersName},
	{name: "consentProvidedForMinor", kind: stringKind, valid: oneOf("Granted", "Denied", "NotRequired")},
	{name: "country", kind: stringKind, maxLength: 128, filters: filtersName},
	{name: "createdDateTime", kind: dateKind, tracks: trackPresence, computed: createdDateTime},
	{name: "creationType", kind: stringKind, computed: null},
	{name: "deletedDateTime", kind: dateKind, tracks: trackDeletion, computed: deletedDateTime},
	{name: "department", kind: stringKind, maxLength: 64, filters: filtersName},
	{name: "employeeHireDate", kind: dateKind},
	{name: "employeeId", kind: stringKind, maxLength: 16, filters: filtersName},
	{name: "employeeOrgData", kind: objectKind, valid: texts(128, "costCenter", "division")},
	{name: "employeeType", kind: stringKind, filters: filtersName},
	{name: "externalUserState", kind: stringKind, computed: null},
	{name: "faxNumber", kind: stringKind, maxLength: 64},
	{name: "identities", kind: objectKind, basic: true, tracks: "userPrincipalName",
		computed: func(t *Tenant, e *entity) any { return identities(t, e) }},
	{name: "isResourceAccount", kind: boolKind, computed: null},
	{name: "licenseAssignmentStates", kind: objectKind, tracks: trackLicenses,
		computed: func(_ *Tenant, e *entity) any { return licenseAssignmentStates(e) }},
	{name: "mailNickname", kind: stringKind, maxLength: 64, required: true, filters: filtersName,
		valid: validMailNickname},
	{name: "onPremisesDistinguishedName", kind: stringKind, computed: null},
	{name: "onPremisesDomainName", kind: stringKind, computed: null},
	{name: "onPremisesExtensionAttributes", kind: objectKind, valid: texts(1024, extensionAttributes()...)},
	{name: "onPremisesImmutableId", kind: stringKind, filters: filtersID, exact: true, valid: validImmutableID},
	{name: "onPremisesLastSyncDateTime", kind: dateKind, computed: null},
	{name: "onPremisesSamAccountName", kind: stringKind, computed: null},
	{name: "onPremisesSecurityIdentifier", kind: stringKind, computed: null},
	{name: "onPremisesSyncEnabled", kind: boolKind, filters: filtersBool, computed: func(_ *Tenant, e *entity) any {
		return e.values["onPremisesSyncEnabled"]
	}},
	{name: "onPremisesUserPrincipalName", kind: stringKind, computed: null},
	{name: "otherMails", kind: stringsKind, maxLength: 250, maxItems: 250, valid: validAddresses},
	{name: "passwordPolicies", kind: stringKind},
	{name: "passwordProfile", kind: objectKind, required: true, hidden: true},
	{name: "postalCode", kind: stringKind, maxLength: 40, filters: filtersName},
	{name: "preferredDataLocation", kind: stringKind},
	{name: "proxyAddresses", kind: stringsKind, computed: proxyAddresses},
	{name: "securityIdentifier", kind: stringKind, computed: null},
	{name: "showInAddressList", kind: boolKind},
	{name: "signInSessionsValidFromDateTime", kind: dateKind, tracks: trackSessions,
		computed: func(_ *Tenant, e *entity) any {
			if e.revoked.IsZero() {
				return date(e.created)
			}
			return date(e.revoked)
		}},
	{name: "state", kind: stringKind, maxLength: 128, filters: filtersName},
	{name: "streetAddress", kind: stringKind, maxLength: 1024, filters: filtersName},
	{name: "usageLocation", kind: stringKind, kept: true, filters: filtersName, valid: validUsageLocation},
	{name: "userType", kind: stringKind, basic: true, filters: filtersBool, valid: oneOf("Member", "Guest")},
}

func objectID(_ *Tenant, e *entity) any        { return e.id }
func createdDateTime(_ *Tenant, e *entity) any { return date(e.created) }
func deletedDateTime(_ *Tenant, e *entity) any { return date(e.deleted) }
func proxyAddresses(_ *Tenant, e *entity) any  { return notNil(e.list("proxyAddresses")) }

// oneOf accepts the values of an enumeration.
func oneOf(allowed ...string) func(value any) bool {
	return func(value any) bool {
		return slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, value.(string)) })
	}
}

// texts accepts a complex value that has no other members than these, each a string of limited length or null.
func texts(maxLength int, members ...string) func(value any) bool {
	return func(value any) bool {
		for name, member := range value.(map[string]any) {
			text, isText := member.(string)
			known := slices.Contains(members, name) || strings.Contains(name, "@odata.")
			if !known || member != nil && !isText || len(text) > maxLength {
				return false
			}
		}
		return true
	}
}

func extensionAttributes() []string {
	var names []string
	for i := range 15 {
		names = append(names, "extensionAttribute"+strconv.Itoa(i+1))
	}
	return names
}

// The characters are those of https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy.
var upnPattern = regexp.MustCompile(`^([A-Za-z0-9'._!#^~-]{1,64})@([A-Za-z0-9.-]{1,48})$`)

// validUPN checks the form of a user principal name, not whether its domain is the tenant's.
func validUPN(upn string) bool {
	match := upnPattern.FindStringSubmatch(upn)
	return match != nil && !strings.HasSuffix(match[1], ".") && len(upn) <= 113
}

func validAddress(value any) bool {
	address := value.(string)
	local, domain, ok := strings.Cut(address, "@")
	beyond := func(r rune) bool { return r <= ' ' || r > '~' }
	return ok && local != "" && strings.Contains(domain, ".") && !strings.ContainsFunc(address, beyond)
}

func validAddresses(value any) bool {
	return !slices.ContainsFunc(value.([]string), func(s string) bool { return !validAddress(s) })
}

func validMailNickname(value any) bool {
	for _, r := range value.(string) {
		if r <= ' ' || r > '~' || strings.ContainsRune(`@()\[]";:<>,`, r) {
			return false
		}
	}
	return true
}

func validImmutableID(value any) bool {
	return value != "" && !strings.ContainsAny(value.(string), "$_")
}

var usageLocationPattern = regexp.MustCompile(`^[A-Za-z]{2}$`)

func validUsageLocation(value any) bool { return usageLocationPattern.MatchString(value.(string)) }

func identities(t *Tenant, e *entity) []object {
	return []object{{
		{"signInType", "userPrincipalName"},
		{"issuer", t.cfg.InitialDomain},
		{"issuerAssignedId", e.text("userPrincipalName")},
	}}
}
