package peoplefile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/entrafed/entrafed/provision"
)

// Column is a property of a person that the input can have, and what -h says about it.
type Column struct{ Name, Text string }

// Columns are all properties, in the order of the help.
func Columns() []Column {
	return []Column{
		{"connection", "where the person signs in: google, ldap, people. Required, or -connection"},
		{"id", "the person's identifier there, for ever. Required"},
		{"email", "its part before the @ becomes the user principal name"},
		{"display_name", "for the account. Empty: the names, else the address"},
		{"given_name", "for the account"},
		{"surname", "for the account"},
		{"usage_location", "country, two letters, where it differs from ENTRAFED_USAGE_LOCATION"},
		{"upn", "the user principal name, if it is not to be chosen"},
		{"immutable_id", "the ImmutableID, if it is not to be chosen"},
		{"manager", "the manager's user principal name or object ID"},
		{"claims.NAME", "anything else, for ENTRAFED_ATTRIBUTES"},
	}
}

const claimPrefix = "claims."

// setProperty sets one property of a person, by its name as Columns has it.
func setProperty(p *provision.Person, property, value string) {
	value = strings.TrimSpace(value)
	if claim, ok := strings.CutPrefix(property, claimPrefix); ok {
		if p.Claims == nil {
			p.Claims = map[string]string{}
		}
		p.Claims[claim] = value
		return
	}
	switch property {
	case "connection":
		p.Connection = value
	case "id":
		p.ID = value
	case "email":
		p.Email = value
	case "display_name":
		p.DisplayName = value
	case "given_name":
		p.GivenName = value
	case "surname":
		p.Surname = value
	case "usage_location":
		p.UsageLocation = value
	case "upn":
		p.UPN = value
	case "immutable_id":
		p.ImmutableID = value
	case "manager":
		p.Manager = value
	}
}

// ColumnRule says by which column a property is given.
type ColumnRule struct{ Property, Column string }

// ParseColumnRule reads a rule such as id=EmployeeNumber.
func ParseColumnRule(s string) (ColumnRule, error) {
	property, column, ok := strings.Cut(s, "=")
	column = strings.TrimSpace(column)
	if !ok || column == "" {
		return ColumnRule{}, errors.New("it is PROPERTY=COLUMN, such as id=EmployeeNumber")
	}
	known, ok := propertyNamed(property)
	if !ok {
		return ColumnRule{}, fmt.Errorf("%q is not a property of a person: provision -h lists them", property)
	}
	return ColumnRule{known, column}, nil
}

// CheckColumnRules refuses two columns for one property.
func CheckColumnRules(rules []ColumnRule) error {
	for i, rule := range rules {
		same := func(other ColumnRule) bool { return other.Property == rule.Property }
		if slices.ContainsFunc(rules[:i], same) {
			return fmt.Errorf("-map says twice which column is %s", rule.Property)
		}
	}
	return nil
}

// propertyNamed finds the property that a column's name means.
func propertyNamed(name string) (property string, ok bool) {
	name = strings.TrimSpace(name)
	if len(name) > len(claimPrefix) && strings.EqualFold(name[:len(claimPrefix)], claimPrefix) {
		return claimPrefix + name[len(claimPrefix):], true
	}
	for _, c := range Columns() {
		if simple(name) == simple(c.Name) && c.Name != "claims.NAME" {
			return c.Name, true
		}
	}
	return "", false
}

// simple is a name as names are compared.
func simple(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name))
}

// propertiesOf are the properties that a column gives. A property that has a rule is given by that rule's column alone.
func propertiesOf(column string, rules []ColumnRule) (properties []string) {
	column = strings.TrimSpace(column)
	for _, rule := range rules {
		if strings.EqualFold(rule.Column, column) {
			properties = append(properties, rule.Property)
		}
	}
	property, ok := propertyNamed(column)
	ruled := slices.ContainsFunc(rules, func(rule ColumnRule) bool { return rule.Property == property })
	if ok && !ruled {
		properties = append(properties, property)
	}
	return properties
}

// checkHeader refuses a first line that does not say, or says twice, what is needed.
func checkHeader(header []string, o Options) error {
	var errs []error
	given := map[string]string{}
	for _, column := range header {
		for _, property := range propertiesOf(column, o.Columns) {
			if other, twice := given[property]; twice {
				errs = append(errs, fmt.Errorf("the columns %q and %q both say what is %s", other, column, property))
			}
			given[property] = column
		}
	}
	for _, rule := range o.Columns {
		if given[rule.Property] == "" {
			errs = append(errs, fmt.Errorf("-map: there is no column %q in the first line of the input", rule.Column))
		}
	}
	missing := func(property, remedy string) {
		ruled := slices.ContainsFunc(o.Columns, func(rule ColumnRule) bool { return rule.Property == property })
		if given[property] == "" && !ruled {
			errs = append(errs,
				fmt.Errorf("the first line of the input has no column %q; it has %q: %s", property, header, remedy))
		}
	}
	missing("id", "say which one it is, with -map id=COLUMN")
	if o.Connection == "" {
		missing("connection", "say where everybody comes from, with -connection")
	}
	return errors.Join(errs...)
}
