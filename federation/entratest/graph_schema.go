package entratest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// kind is the type of a property.
type kind string

const (
	stringKind  kind = "Edm.String"
	boolKind    kind = "Edm.Boolean"
	stringsKind kind = "Collection(Edm.String)"
	objectKind  kind = "a complex type"
)

// property is one property of a user: https://learn.microsoft.com/graph/api/resources/user.
type property struct {
	name      string
	kind      kind
	maxLength int    // in characters; 0: no limit of its own
	required  bool   // a user cannot be created without it, nor can it be cleared
	kept      bool   // it cannot be cleared once it is set
	standard  bool   // it is returned without $select
	basic     bool   // User.ReadBasic.All is enough to read it
	filters   string // the operators of $filter that it supports, separated by spaces
	exact     bool   // $filter compares it with regard to case

	// valid checks a value that is not null beyond type and length. Nil: anything is valid.
	valid func(value any) bool

	// computed makes the value; such a property cannot be written. Nil: the value is stored.
	computed func(t *Tenant, u *userObject) any

	// hidden properties are written and never returned.
	hidden bool
}

const (
	filtersText = "eq ne not ge le in startswith endswith"
	filtersName = "eq ne not ge le in startswith"
	filtersID   = "eq ne not ge le in"
	filtersBool = "eq ne not in"
)

// userSchema lists the properties in the order in which Graph returns them.
var userSchema = []property{
	{name: "businessPhones", kind: stringsKind, standard: true},
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
	{name: "id", kind: stringKind, standard: true, basic: true, filters: filtersBool,
		computed: func(_ *Tenant, u *userObject) any { return u.id }},

	{name: "accountEnabled", kind: boolKind, required: true, filters: filtersBool},
	{name: "ageGroup", kind: stringKind},
	{name: "assignedLicenses", kind: objectKind, computed: func(_ *Tenant, u *userObject) any {
		return assignedLicenses(u)
	}},
	{name: "assignedPlans", kind: objectKind, computed: func(t *Tenant, u *userObject) any {
		return assignedPlans(t, u)
	}},
	{name: "city", kind: stringKind, maxLength: 128, filters: filtersName},
	{name: "companyName", kind: stringKind, maxLength: 64, filters: filtersName},
	{name: "consentProvidedForMinor", kind: stringKind},
	{name: "country", kind: stringKind, maxLength: 128, filters: filtersName},
	{name: "createdDateTime", kind: stringKind, computed: func(_ *Tenant, u *userObject) any {
		return date(u.created)
	}},
	{name: "creationType", kind: stringKind, computed: null},
	{name: "deletedDateTime", kind: stringKind, computed: func(_ *Tenant, u *userObject) any {
		return date(u.deleted)
	}},
	{name: "department", kind: stringKind, maxLength: 64, filters: filtersName},
	{name: "employeeId", kind: stringKind, maxLength: 16, filters: filtersName},
	{name: "employeeType", kind: stringKind, filters: filtersName},
	{name: "externalUserState", kind: stringKind, computed: null},
	{name: "faxNumber", kind: stringKind},
	{name: "identities", kind: objectKind, basic: true, computed: func(t *Tenant, u *userObject) any {
		return identities(t, u)
	}},
	{name: "isResourceAccount", kind: boolKind, computed: null},
	{name: "licenseAssignmentStates", kind: objectKind, computed: func(_ *Tenant, u *userObject) any {
		return licenseAssignmentStates(u)
	}},
	{name: "mailNickname", kind: stringKind, maxLength: 64, required: true, filters: filtersName,
		valid: validMailNickname},
	{name: "onPremisesDistinguishedName", kind: stringKind, computed: null},
	{name: "onPremisesDomainName", kind: stringKind, computed: null},
	{name: "onPremisesImmutableId", kind: stringKind, filters: filtersID, exact: true, valid: validImmutableID},
	{name: "onPremisesLastSyncDateTime", kind: stringKind, computed: null},
	{name: "onPremisesSamAccountName", kind: stringKind, computed: null},
	{name: "onPremisesSecurityIdentifier", kind: stringKind, computed: null},
	{name: "onPremisesSyncEnabled", kind: boolKind, filters: filtersBool, computed: func(_ *Tenant, u *userObject) any {
		return u.values["onPremisesSyncEnabled"]
	}},
	{name: "onPremisesUserPrincipalName", kind: stringKind, computed: null},
	{name: "otherMails", kind: stringsKind},
	{name: "passwordPolicies", kind: stringKind},
	{name: "passwordProfile", kind: objectKind, required: true, hidden: true},
	{name: "postalCode", kind: stringKind, maxLength: 40, filters: filtersName},
	{name: "preferredDataLocation", kind: stringKind},
	{name: "proxyAddresses", kind: stringsKind, computed: func(_ *Tenant, u *userObject) any {
		return proxyAddresses(u)
	}},
	{name: "securityIdentifier", kind: stringKind, computed: null},
	{name: "showInAddressList", kind: boolKind},
	{name: "signInSessionsValidFromDateTime", kind: stringKind, computed: func(_ *Tenant, u *userObject) any {
		if u.revoked.IsZero() {
			return date(u.created)
		}
		return date(u.revoked)
	}},
	{name: "state", kind: stringKind, maxLength: 128, filters: filtersName},
	{name: "streetAddress", kind: stringKind, maxLength: 1024, filters: filtersName},
	{name: "usageLocation", kind: stringKind, kept: true, filters: filtersName, valid: validUsageLocation},
	{name: "userType", kind: stringKind, basic: true, filters: filtersBool, valid: func(v any) bool {
		return v == "Member" || v == "Guest"
	}},
}

func null(*Tenant, *userObject) any { return nil }

// propertyNamed finds a property without regard to case, as queries do.
func propertyNamed(name string) (property, bool) {
	i := slices.IndexFunc(userSchema, func(p property) bool { return strings.EqualFold(p.name, name) })
	if i < 0 {
		return property{}, false
	}
	return userSchema[i], true
}

// value is the property of a user as Graph returns it.
func (p property) value(t *Tenant, u *userObject) any {
	switch {
	case p.hidden:
		return nil
	case p.computed != nil:
		return p.computed(t, u)
	}
	value := u.values[p.name]
	if value == nil && p.kind == stringsKind {
		return []string{}
	}
	return value
}

// decode checks a JSON value, as decoded by readObject, and returns it as it is stored; null is nil.
func (p property) decode(value any) (any, *graphError) {
	if value == nil {
		if p.required {
			return nil, errMissing(p.name)
		}
		if p.kept {
			return nil, errInvalidValue(p.name)
		}
		return nil, nil
	}
	decoded, ok := p.convert(value)
	if !ok {
		return nil, errWrongType(string(p.kind))
	}
	if s, isText := decoded.(string); isText {
		if p.required && s == "" {
			return nil, errMissing(p.name)
		}
		if p.maxLength > 0 && utf8.RuneCountInString(s) > p.maxLength {
			return nil, errInvalidValue(p.name)
		}
	}
	if p.valid != nil && !p.valid(decoded) {
		return nil, errInvalidValue(p.name)
	}
	return decoded, nil
}

func (p property) convert(value any) (any, bool) {
	switch p.kind {
	case stringKind:
		s, ok := value.(string)
		return s, ok
	case boolKind:
		b, ok := value.(bool)
		return b, ok
	case stringsKind:
		return stringList(value)
	}
	o, ok := value.(map[string]any)
	return o, ok
}

func stringList(value any) ([]string, bool) {
	items, ok := value.([]any)
	if !ok {
		return nil, false
	}
	out := []string{}
	for _, item := range items {
		s, ok := item.(string)
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}

func errWrongType(expected string) *graphError {
	return badRequest(fmt.Sprintf("Cannot convert a value of the request payload to the expected type '%s'.", expected))
}

// decodeUser checks the properties of a body one by one, in the order of the schema.
func decodeUser(body map[string]any) (map[string]any, *graphError) {
	for _, name := range slices.Sorted(maps.Keys(body)) {
		i := slices.IndexFunc(userSchema, func(p property) bool { return p.name == name })
		switch {
		case i < 0 && strings.HasPrefix(name, "extension_"):
			return nil, requestError("The following extension properties are not available: " + name + ".")
		case i < 0:
			return nil, errUnknownProperty(name)
		case userSchema[i].computed != nil:
			return nil, requestError(fmt.Sprintf("Property '%s' is read-only and cannot be set.", name))
		}
	}
	values := map[string]any{}
	for _, p := range userSchema {
		raw, present := body[p.name]
		if !present {
			continue
		}
		value, refusal := p.decode(raw)
		if refusal != nil {
			return nil, refusal
		}
		values[p.name] = value
	}
	return values, nil
}

// checkPassword applies the password policy:
// https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy#microsoft-entra-password-policies.
func checkPassword(profile map[string]any) *graphError {
	for name, value := range profile {
		switch name {
		case "password":
		case "forceChangePasswordNextSignIn", "forceChangePasswordNextSignInWithMfa":
			if _, ok := value.(bool); !ok && value != nil {
				return errWrongType("Edm.Boolean")
			}
		default:
			if !strings.Contains(name, "@odata.") {
				return errUnknownProperty(name)
			}
		}
	}
	password, ok := profile["password"].(string)
	if !ok || password == "" {
		return errMissing("passwordProfile.password")
	}
	if !isComplex(password) {
		return requestError("The specified password does not comply with password complexity requirements. Please " +
			"provide a different password.")
	}
	return nil
}

// isComplex: 8 to 256 characters of ASCII from three of the four classes.
func isComplex(password string) bool {
	if len(password) < 8 || len(password) > 256 {
		return false
	}
	var lower, upper, digit, symbol int
	for _, r := range password {
		switch {
		case r < ' ' || r > '~':
			return false
		case r >= 'a' && r <= 'z':
			lower = 1
		case r >= 'A' && r <= 'Z':
			upper = 1
		case r >= '0' && r <= '9':
			digit = 1
		default:
			symbol = 1
		}
	}
	return lower+upper+digit+symbol >= 3
}

// The characters are those of https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy.
var upnPattern = regexp.MustCompile(`^([A-Za-z0-9'._!#^~-]{1,64})@([A-Za-z0-9.-]{1,48})$`)

// validUPN checks the form of a user principal name, not whether its domain is the tenant's.
func validUPN(upn string) bool {
	match := upnPattern.FindStringSubmatch(upn)
	return match != nil && !strings.HasSuffix(match[1], ".") && len(upn) <= 113
}

func validAddress(value any) bool {
	local, domain, ok := strings.Cut(value.(string), "@")
	return ok && local != "" && strings.Contains(domain, ".") && !strings.ContainsAny(value.(string), " \t\r\n")
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

func assignedLicenses(u *userObject) []object {
	out := []object{}
	for _, l := range u.licenses {
		out = append(out, object{{"disabledPlans", notNil(l.disabledPlans)}, {"skuId", l.skuID}})
	}
	return out
}

func assignedPlans(t *Tenant, u *userObject) []object {
	out := []object{}
	for _, l := range u.licenses {
		sku, _ := t.sku(l.skuID)
		for _, p := range sku.Plans {
			status := "Enabled"
			if slices.Contains(l.disabledPlans, strings.ToLower(p.ID)) {
				status = "Deleted"
			}
			out = append(out, object{
				{"assignedDateTime", date(l.assigned)},
				{"capabilityStatus", status},
				{"service", p.Name},
				{"servicePlanId", strings.ToLower(p.ID)},
			})
		}
	}
	return out
}

func licenseAssignmentStates(u *userObject) []object {
	out := []object{}
	for _, l := range u.licenses {
		out = append(out, object{
			{"skuId", l.skuID},
			{"disabledPlans", notNil(l.disabledPlans)},
			{"assignedByGroup", nil},
			{"state", "Active"},
			{"error", "None"},
			{"lastUpdatedDateTime", date(l.assigned)},
		})
	}
	return out
}

func identities(t *Tenant, u *userObject) []object {
	return []object{{
		{"signInType", "userPrincipalName"},
		{"issuer", t.cfg.InitialDomain},
		{"issuerAssignedId", u.text("userPrincipalName")},
	}}
}

func proxyAddresses(u *userObject) []string {
	if mail := u.text("mail"); mail != "" {
		return []string{"SMTP:" + mail}
	}
	return []string{}
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
