package ldap

import (
	"regexp"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// placeholder is where a value goes.
var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// checkFilter requires that the filter is one, and that it has the one name in braces; "" means none.
func checkFilter(add func(string, ...any), field, filter, name string) {
	found := placeholder.FindAllString(filter, -1)
	for _, one := range found {
		if one != "{"+name+"}" {
			add("%s %q: %s is not known here", field, filter, one)
			return
		}
	}
	if name != "" && len(found) == 0 {
		add("%s %q must have {%s}", field, filter, name)
	}
	if _, err := goldap.CompileFilter(filled(filter, name, "x")); err != nil {
		add("%s %q is no filter: %w", field, filter, err)
	}
}

// filled is the filter with the value, which stays a value whatever it has in it (RFC 4515, section 3).
func filled(filter, name, value string) string {
	return strings.ReplaceAll(filter, "{"+name+"}", goldap.EscapeFilter(value))
}

// bindName is whom somebody binds as who has no entry yet: a UPN, or a DN in which the name stays a value (RFC 4514).
func (cfg Config) bindName(name string) string {
	value := name
	if strings.Contains(cfg.BindTemplate, "=") {
		value = goldap.EscapeDN(name)
	}
	return strings.ReplaceAll(cfg.BindTemplate, "{name}", value)
}
