package provision

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// validateConnections lists all that is wrong with SkipConnections and Connections. ownUPN says that the host chooses
// UPNs.
func (r Rules) validateConnections(ownUPN bool) error {
	var problems []error
	for i, connection := range r.SkipConnections {
		switch {
		case connection == "":
			problems = append(problems, fmt.Errorf("Rules.SkipConnections[%d] is empty", i))
		case strings.HasSuffix(connection, "*"): // it would skip nobody
			problems = append(problems, fmt.Errorf("Rules.SkipConnections[%d], %q, is compared as a whole: "+
				"have a rule of Rules.Connections skip all that begin so", i, connection))
		}
	}
	if r.Connections != nil && len(r.Connections) == 0 {
		problems = append(problems, errors.New("Rules.Connections is an empty list: leave it nil to provision everybody, "+
			"or have one rule refuse everybody"))
	}
	names := make(map[string]bool)
	for i, c := range r.Connections {
		where := fmt.Sprintf("Rules.Connections[%d]", i)
		if c.Name != "" {
			where += fmt.Sprintf(" (%q)", c.Name)
		}
		if names[c.Name] {
			problems = append(problems, fmt.Errorf("%s: there is another rule of this name", where))
		}
		names[c.Name] = true
		problems = append(problems, c.validateMatch(where), c.validateAction(where), r.validateUnder(c, where, ownUPN),
			r.reachable(i, where))
	}
	return errors.Join(problems...)
}

// validateMatch lists what is wrong with what the rule asks for.
func (c ConnectionRule) validateMatch(where string) error {
	var problems []error
	report := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf(where+format, args...))
	}
	if strings.TrimSpace(c.Name) == "" {
		report(" has no Name")
	}
	problems = append(problems, text(where+".Name", c.Name, maxGroupName),
		text(where+".Connection", strings.TrimSuffix(c.Connection, "*"), maxConnection))
	switch {
	case c.Connection == "":
		report(`.Connection is empty; every connection is "*"`)
	case strings.Contains(strings.TrimSuffix(c.Connection, "*"), "*"):
		report(`.Connection, %q, has a "*" before its end`, c.Connection)
	}
	if c.EmailDomains != nil && len(c.EmailDomains) == 0 {
		report(".EmailDomains is an empty list: leave it out, or name domains")
	}
	for i, domain := range c.EmailDomains {
		switch {
		case !isEmailDomain(domain):
			report(".EmailDomains[%d], %q, is not a domain name in ASCII", i, domain)
		case containsFold(c.EmailDomains[:i], domain):
			report(".EmailDomains[%d], %q, is there twice", i, domain)
		}
	}
	if c.Claims != nil && len(c.Claims) == 0 {
		report(".Claims is an empty map: leave it out, or name claims")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Claims)) {
		if name == "" || c.Claims[name] == "" {
			report(".Claims[%q] is empty: a claim is matched by its name and its value", name)
		}
	}
	return errors.Join(problems...)
}

// isEmailDomain accepts a DNS name in its ASCII form.
func isEmailDomain(domain string) bool {
	labels := strings.Split(domain, ".")
	return len(domain) <= maxEmail && !slices.ContainsFunc(labels, func(label string) bool {
		bad := func(r rune) bool { return r != '-' && !isASCIIAlphanumeric(r) }
		return label == "" || len(label) > 63 || strings.ContainsFunc(label, bad)
	})
}

// validateAction lists fields that the rule's action does not use.
func (c ConnectionRule) validateAction(where string) error {
	var problems []error
	report := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf(where+format, args...))
	}
	switch c.Action {
	case ActionProvision, ActionSkip, ActionRefuse:
	case "":
		report(".Action is empty: it is provision, skip or refuse")
	default:
		report(".Action, %q, is not provision, skip or refuse", c.Action)
	}
	gives := c.Licenses != nil || c.Groups != nil || c.Domain != "" || c.UsageLocation != "" || c.Attributes != nil
	if gives && c.Action != ActionProvision {
		report(" gives something, which only a rule that provisions does")
	}
	if (c.Reason != "" || c.Message != "") && c.Action != ActionRefuse {
		report(" has a Reason or a Message, which only a rule that refuses has")
	}
	bad := func(r rune) bool {
		return !isASCIIAlphanumeric(r) && r != '-' && r != '.' || unicode.IsUpper(r)
	}
	if len(c.Message) > maxMessageKey || strings.ContainsFunc(c.Message, bad) {
		report(`.Message, %.80q, is not a key of at most %d lower-case letters, digits, "-" and "."`, c.Message, maxMessageKey)
	}
	return errors.Join(problems...)
}

const maxMessageKey = 64

// validateUnder lists what is wrong with what the rule's people get.
func (r Rules) validateUnder(c ConnectionRule, where string, ownUPN bool) error {
	var problems []error
	if c.Domain != "" {
		if err := validateDomain(c.Domain); err != nil {
			problems = append(problems, fmt.Errorf("%s.Domain: %w", where, err))
		}
		if ownUPN {
			problems = append(problems, fmt.Errorf("%s.Domain has no effect: Rules.UPN chooses all UPNs", where))
		}
	}
	if c.UsageLocation != "" {
		if err := validateCountry(c.UsageLocation); err != nil {
			problems = append(problems, fmt.Errorf("%s.UsageLocation: %w", where, err))
		}
	}
	own := r.under(c)
	if c.Licenses != nil || c.Groups != nil { // a group may be in the general list of the other kind
		problems = append(problems, own.validateLicenses(where))
	}
	if c.Groups != nil {
		problems = append(problems, own.validateGroups(where))
	}
	if c.Attributes != nil {
		problems = append(problems, own.validateAttributes(where))
	}
	return errors.Join(problems...)
}

// reachable says which rule before one matches everybody whom it could.
func (r Rules) reachable(i int, where string) error {
	c := r.Connections[i]
	if c.Connection == "" {
		return nil
	}
	if slices.Contains(r.SkipConnections, c.Connection) {
		return fmt.Errorf("%s is never reached: %q is in Rules.SkipConnections", where, c.Connection)
	}
	for k, before := range r.Connections[:i] {
		if before.Connection != "" && before.covers(c) {
			return fmt.Errorf("%s is never reached: Rules.Connections[%d] (%q) matches all its people", where, k, before.Name)
		}
	}
	return nil
}

// covers reports whether everybody whom the other rule matches is matched by this one.
func (c ConnectionRule) covers(other ConnectionRule) bool {
	if beginning, ok := strings.CutSuffix(other.Connection, "*"); ok {
		if !strings.HasSuffix(c.Connection, "*") || !c.of(beginning) {
			return false
		}
	} else if !c.of(other.Connection) {
		return false
	}
	if len(c.EmailDomains) > 0 && (len(other.EmailDomains) == 0 ||
		slices.ContainsFunc(other.EmailDomains, func(domain string) bool { return !containsFold(c.EmailDomains, domain) })) {
		return false
	}
	for name, value := range c.Claims {
		if has, ok := other.Claims[name]; !ok || has != value {
			return false
		}
	}
	return true
}

// validateFor lists what needs groups, where the directory has none.
func (r Rules) validateFor(groups bool) error {
	if groups {
		return nil
	}
	var problems []error
	check := func(where string, r Rules) {
		if r.licensesByGroup() {
			problems = append(problems, fmt.Errorf("%s.Licenses has a Group, but Config.Directory is not a provision.Groups", where))
		}
		if len(r.Groups) > 0 {
			problems = append(problems, fmt.Errorf("%s.Groups: %w", where, errNoGroups))
		}
	}
	check("Rules", r)
	for _, c := range r.Connections {
		check(fmt.Sprintf("Rules.Connections[%q]", c.Name), Rules{Licenses: c.Licenses, Groups: c.Groups})
	}
	return errors.Join(problems...)
}
