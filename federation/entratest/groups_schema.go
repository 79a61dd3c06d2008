package entratest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// groupSchema lists the properties of a group in the order in which Graph returns them:
// https://learn.microsoft.com/graph/api/resources/group#properties. The length of description is assumed.
var groupSchema = []property{
	{name: "id", kind: stringKind, standard: true, filters: filtersBool, computed: objectID},
	{name: "deletedDateTime", kind: dateKind, standard: true, computed: deletedDateTime},
	{name: "classification", kind: stringKind, standard: true, filters: filtersName},
	{name: "createdDateTime", kind: dateKind, standard: true, computed: createdDateTime},
	{name: "description", kind: stringKind, maxLength: 1024, standard: true, filters: filtersName},
	{name: "displayName", kind: stringKind, maxLength: 256, required: true, standard: true, filters: filtersName},
	{name: "expirationDateTime", kind: dateKind, standard: true, computed: null},
	{name: "groupTypes", kind: stringsKind, createOnly: true, standard: true, valid: validGroupTypes},
	{name: "isAssignableToRole", kind: boolKind, createOnly: true, standard: true, filters: filtersBool},
	{name: "mail", kind: stringKind, standard: true, filters: filtersName, computed: func(_ *Tenant, e *entity) any {
		return orNull(e.text("mail"))
	}},
	{name: "mailEnabled", kind: boolKind, required: true, standard: true, filters: filtersBool},
	{name: "mailNickname", kind: stringKind, maxLength: 64, required: true, standard: true, filters: filtersName,
		valid: validMailNickname},
	{name: "membershipRule", kind: stringKind, maxLength: maxRuleLength, standard: true, filters: filtersName,
		valid: validRule},
	{name: "membershipRuleProcessingState", kind: stringKind, standard: true, filters: filtersBool,
		valid: oneOf("On", "Paused")},
	{name: "onPremisesDomainName", kind: stringKind, standard: true, computed: null},
	{name: "onPremisesLastSyncDateTime", kind: dateKind, standard: true, computed: null},
	{name: "onPremisesNetBiosName", kind: stringKind, standard: true, computed: null},
	{name: "onPremisesSamAccountName", kind: stringKind, standard: true, computed: null},
	{name: "onPremisesSecurityIdentifier", kind: stringKind, standard: true, computed: null},
	{name: "onPremisesSyncEnabled", kind: boolKind, standard: true, filters: filtersBool, computed: null},
	{name: "preferredDataLocation", kind: stringKind, standard: true},
	{name: "preferredLanguage", kind: stringKind, standard: true, filters: filtersName},
	{name: "proxyAddresses", kind: stringsKind, standard: true, computed: proxyAddresses},
	{name: "renewedDateTime", kind: dateKind, standard: true, computed: createdDateTime},
	{name: "resourceBehaviorOptions", kind: stringsKind, createOnly: true, standard: true},
	{name: "resourceProvisioningOptions", kind: stringsKind, createOnly: true, standard: true},
	{name: "securityEnabled", kind: boolKind, required: true, standard: true, filters: filtersBool},
	{name: "securityIdentifier", kind: stringKind, standard: true, computed: func(_ *Tenant, e *entity) any {
		return securityIdentifier(e.id)
	}},
	{name: "theme", kind: stringKind, standard: true},
	{name: "uniqueName", kind: stringKind, maxLength: 128, createOnly: true, standard: true, filters: filtersID},
	{name: "visibility", kind: stringKind, standard: true, valid: oneOf("Private", "Public", "HiddenMembership")},
	{name: "onPremisesProvisioningErrors", kind: objectKind, standard: true, computed: func(*Tenant, *entity) any {
		return []any{}
	}},

	{name: "assignedLicenses", kind: objectKind, computed: func(_ *Tenant, e *entity) any { return assignedLicenses(e) }},
	{name: "licenseProcessingState", kind: objectKind, computed: func(t *Tenant, e *entity) any {
		return t.licenseProcessingState(e)
	}},
	{name: "hasMembersWithLicenseErrors", kind: boolKind, hidden: true, filters: "eq",
		computed: func(t *Tenant, e *entity) any { return len(t.membersInError(e.id, t.directory.primary)) > 0 }},
}

// validGroupTypes accepts Microsoft 365 groups, dynamic groups, both in one, and neither.
func validGroupTypes(value any) bool {
	types := slices.Sorted(slices.Values(value.([]string)))
	return len(slices.Compact(types)) == len(value.([]string)) && !slices.ContainsFunc(types, func(s string) bool {
		return s != unifiedType && s != dynamicMembership
	})
}

// unifiedType is the type of Microsoft 365 groups.
const unifiedType = "Unified"

// securityIdentifier is the SID of a cloud object: its object ID as four little-endian numbers.
func securityIdentifier(id string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil {
		return ""
	}
	slices.Reverse(b[0:4]) // a GUID's first three fields are little-endian in memory
	slices.Reverse(b[4:6])
	slices.Reverse(b[6:8])
	n := func(i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }
	return fmt.Sprintf("S-1-12-1-%d-%d-%d-%d", n(0), n(4), n(8), n(12))
}
