package provision

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// AttributeNames lists the properties that [Rules.Attributes] can set, in alphabetical order.
func AttributeNames() []string {
	var names []string
	for _, a := range attributes() {
		names = append(names, a.name)
	}
	slices.Sort(names)
	return names
}

// attribute is a property of a user that can be set when the account is created.
type attribute struct {
	name  string
	limit int                // in UTF-16 code units
	form  func(string) error // nil: any text
}

// attributes are the properties. Names, limits and forms are those of
// https://learn.microsoft.com/graph/api/resources/user, except where a line says otherwise; [MS-ADLS] is
// https://learn.microsoft.com/openspecs/windows_protocols/ms-adls. Left out is what cannot be one text (extension
// attributes), what the pipeline sets itself, what is read-only, and what decides on access (userType,
// passwordPolicies).
func attributes() []attribute {
	return []attribute{
		{name: "ageGroup", limit: 64, form: enumForm("Minor", "NotAdult", "Adult")},
		{name: "businessPhones", limit: 64}, // one number; telephoneNumber's limit in Active Directory: [MS-ADLS]
		{name: "city", limit: 128},
		{name: "companyName", limit: 64},
		{name: "consentProvidedForMinor", limit: 64, form: enumForm("Granted", "Denied", "NotRequired")},
		{name: "country", limit: 128},
		{name: "department", limit: 64},
		{name: "employeeId", limit: 16},
		{name: "employeeType", limit: 256}, // https://learn.microsoft.com/windows/win32/adschema/a-employeetype
		{name: "faxNumber", limit: 64},     // facsimileTelephoneNumber's limit: [MS-ADLS]
		{name: "jobTitle", limit: 128},
		{name: "mobilePhone", limit: 64},
		{name: "officeLocation", limit: 128}, // https://learn.microsoft.com/azure/active-directory-b2c/user-profile-attributes
		{name: "otherMails", limit: 250, form: addressForm},
		{name: "postalCode", limit: 40},
		{name: "preferredLanguage", limit: 64, form: languageForm},
		{name: "state", limit: 128},
		{name: "streetAddress", limit: 1024},
	}
}

func attributeByName(name string) (attribute, bool) {
	all := attributes()
	i := slices.IndexFunc(all, func(a attribute) bool { return a.name == name })
	if i < 0 {
		return attribute{}, false
	}
	return all[i], true
}

// attributes are the properties that the person's claims fill.
func (r Rules) attributes(p Person) map[string]string {
	var out map[string]string
	for property, claim := range r.Attributes {
		value := strings.TrimSpace(p.Claims[claim])
		if value == "" {
			continue
		}
		if out == nil {
			out = make(map[string]string)
		}
		out[property] = value
	}
	return out
}

// attributeProblems lists all that is wrong with the claims that become properties. The values are not repeated.
func (r Rules) attributeProblems(p Person) error {
	values := r.attributes(p)
	var problems []error
	for _, property := range slices.Sorted(maps.Keys(values)) {
		a, _ := attributeByName(property)
		field := fmt.Sprintf("the claim %q for %s", r.Attributes[property], property)
		err := text(field, values[property], a.limit)
		if err == nil && a.form != nil {
			if err = a.form(values[property]); err != nil {
				err = fmt.Errorf("%s %w", field, err)
			}
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// validateAttributes lists all properties that cannot be set, and those without a claim.
func (r Rules) validateAttributes(where string) error {
	var problems []error
	for _, property := range slices.Sorted(maps.Keys(r.Attributes)) {
		if _, ok := attributeByName(property); !ok {
			problems = append(problems, fmt.Errorf("%s.Attributes: %s", where, unknownAttribute(property)))
		}
		if r.Attributes[property] == "" {
			problems = append(problems, fmt.Errorf("%s.Attributes[%q] names no claim", where, property))
		}
	}
	return errors.Join(problems...)
}

// unknownAttribute says which property may have been meant.
func unknownAttribute(property string) string {
	var near []string
	for _, name := range AttributeNames() {
		if isNear(strings.ToLower(property), strings.ToLower(name)) {
			near = append(near, fmt.Sprintf("%q", name))
		}
	}
	if len(near) > 0 {
		return fmt.Sprintf("the property %q cannot be set; did you mean %s?", property, strings.Join(near, " or "))
	}
	return fmt.Sprintf("the property %q cannot be set; these can: %s", property, strings.Join(AttributeNames(), ", "))
}

// isNear reports whether one name may be a mistake for the other: two letters differ, or one is a part of the other.
func isNear(a, b string) bool {
	return editDistance(a, b) <= 2 || len(a) >= 4 && strings.Contains(b, a) || strings.Contains(a, b)
}

// editDistance is how many letters must be put in, taken out or replaced to make a into b (V. Levenshtein, 1965).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// enumForm accepts the values of an enumeration, in any case.
func enumForm(values ...string) func(string) error {
	return func(s string) error {
		if !containsFold(values, s) {
			return fmt.Errorf("is not one of %s", strings.Join(values, ", "))
		}
		return nil
	}
}

// addressForm accepts one e-mail address without accents.
func addressForm(s string) error {
	local, domain, ok := strings.Cut(s, "@")
	beyond := func(r rune) bool { return r <= ' ' || r > unicode.MaxASCII || strings.ContainsRune(`,;<>()"`, r) }
	if !ok || local == "" || !strings.Contains(strings.Trim(domain, "."), ".") || strings.Contains(domain, "@") ||
		strings.ContainsFunc(s, beyond) {
		return errors.New("is not one e-mail address in ASCII")
	}
	return nil
}

// languageForm accepts the tags that a user's language can be: a language, and optionally a script and a region, each in
// the form that RFC 5646, section 2.1, gives them.
func languageForm(s string) error {
	parts := strings.Split(s, "-")
	ok := isLetters(parts[0], 2) || isLetters(parts[0], 3)
	rest := parts[1:]
	if len(rest) > 0 && isLetters(rest[0], 4) {
		rest = rest[1:]
	}
	if len(rest) > 0 && (isLetters(rest[0], 2) || isDigits(rest[0], 3)) {
		rest = rest[1:]
	}
	if !ok || len(rest) > 0 {
		return errors.New(`is not a language tag such as "de" or "en-US" (BCP 47)`)
	}
	return nil
}

func isLetters(s string, n int) bool {
	other := func(r rune) bool { return !isASCIIAlphanumeric(r) || unicode.IsDigit(r) }
	return len(s) == n && !strings.ContainsFunc(s, other)
}

func isDigits(s string, n int) bool {
	return len(s) == n && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}
