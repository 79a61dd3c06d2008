package provision

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ConnectionRule says what becomes of the people of a connection, or of some of them. It is plain data, and comes back
// equal from encoding/json; [ReadConnectionRules] reads a list of them.
//
// A rule matches a person if all that it asks for is so: Connection, and where they are there EmailDomains and Claims. Of
// [Rules.Connections] the first rule that matches decides.
type ConnectionRule struct {
	// Name is how errors, logs and [Provisioner.Explain] call the rule. Required, and unique.
	Name string `json:"name"`

	// Connection is [Person.Connection], byte for byte and so in its own case, or the beginning of it followed by "*":
	// "google", "ldap-*"; "*" is every connection. Required.
	Connection string `json:"connection"`

	// EmailDomains are the domains of [Person.Email] that match, each the whole of what comes after the "@", in any case:
	// "contoso.com" is not "mail.contoso.com". An address without exactly one "@" is in none. Nil: the address is not
	// looked at.
	//
	// The address is what the connection says. A rule that gives something by it is as good as the connection's proof that
	// the address is the person's.
	EmailDomains []string `json:"emailDomains,omitzero"`

	// Claims are what [Person.Claims] must have, all of them, byte for byte. A claim that the person does not have
	// matches nothing. Nil: no claim is looked at.
	Claims map[string]string `json:"claims,omitzero"`

	// Action is what becomes of the people. Required.
	Action Action `json:"action"`

	// Reason says to the operator why people are refused. Only of ActionRefuse; may be empty.
	Reason string `json:"reason,omitzero"`

	// Message is the key of what is shown to a person who is refused: package adapters shows the text that its catalogue
	// has for "refusal." and this key. Lower-case letters, digits, "-" and ".", at most 64. Only of ActionRefuse. Empty,
	// or without such a text: what is shown to everybody who is refused.
	Message string `json:"message,omitzero"`

	// What people get in place of what [Rules] give to everybody. Only of ActionProvision. Nil, and the empty text, are
	// what everybody gets; an empty list or map (in JSON, [] or {}) is nothing. Domain cannot be set where Rules.UPN is.
	Licenses      []License         `json:"licenses,omitzero"`
	Groups        []string          `json:"groups,omitzero"`
	Domain        string            `json:"domain,omitzero"`
	UsageLocation string            `json:"usageLocation,omitzero"`
	Attributes    map[string]string `json:"attributes,omitzero"`
}

// Action is what becomes of the people whom a [ConnectionRule] matches. The zero Action is none, and refused by [New].
type Action string

// The actions.
const (
	ActionProvision Action = "provision" // they get an account
	ActionSkip      Action = "skip"      // a directory sync owns them, as of [Rules.SkipConnections]
	ActionRefuse    Action = "refuse"    // they do not sign in: the error matches [ErrRefused]
)

// cloneConnections returns a copy that shares nothing with the caller.
func cloneConnections(rules []ConnectionRule) []ConnectionRule {
	rules = slices.Clone(rules)
	for i := range rules {
		c := &rules[i]
		c.EmailDomains, c.Claims = slices.Clone(c.EmailDomains), maps.Clone(c.Claims)
		c.Licenses, c.Groups, c.Attributes = cloneLicenses(c.Licenses), slices.Clone(c.Groups), maps.Clone(c.Attributes)
		c.Domain, c.UsageLocation = strings.ToLower(c.Domain), strings.ToUpper(c.UsageLocation)
	}
	return rules
}

// of reports whether the rule is one for the connection.
func (c ConnectionRule) of(connection string) bool {
	if beginning, ok := strings.CutSuffix(c.Connection, "*"); ok {
		return strings.HasPrefix(connection, beginning)
	}
	return c.Connection == connection
}

// looksCloser reports whether the rule asks for more than the connection.
func (c ConnectionRule) looksCloser() bool { return len(c.EmailDomains) > 0 || len(c.Claims) > 0 }

// mismatch says why the rule does not match a person; "" if it does. What the person has is not repeated.
func (c ConnectionRule) mismatch(p Person) string {
	if !c.of(p.Connection) {
		return fmt.Sprintf("the connection is not %q", c.Connection)
	}
	if len(c.EmailDomains) > 0 && !c.hasDomain(p.Email) {
		return "the address is not in " + strings.Join(c.EmailDomains, ", ")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Claims)) {
		switch value, ok := p.Claims[name]; {
		case !ok:
			return fmt.Sprintf("there is no claim %q", name)
		case value != c.Claims[name]:
			return fmt.Sprintf("the claim %q is not %q", name, c.Claims[name])
		}
	}
	return ""
}

func (c ConnectionRule) hasDomain(email string) bool {
	local, domain, ok := strings.Cut(strings.TrimSpace(email), "@")
	if !ok || local == "" || strings.Contains(domain, "@") {
		return false
	}
	return slices.ContainsFunc(c.EmailDomains, func(want string) bool { return sameDomain(want, domain) })
}

// sameDomain compares two domains, the first of which is in ASCII. Where the lengths are equal so are the letters: those
// beyond ASCII that fold to a letter of it are longer.
func sameDomain(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }

// under are the rules with what one of the connections gets.
func (r Rules) under(c ConnectionRule) Rules {
	if c.Licenses != nil {
		r.Licenses = c.Licenses
	}
	if c.Groups != nil {
		r.Groups = c.Groups
	}
	if c.Attributes != nil {
		r.Attributes = c.Attributes
	}
	if c.UsageLocation != "" {
		r.UsageLocation = c.UsageLocation
	}
	if c.Domain != "" {
		r.Domain, r.UPN = c.Domain, UPNFromEmail(c.Domain)
	}
	return r
}
