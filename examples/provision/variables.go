package main

import (
	"strings"

	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/provision"
)

// The environment variables.
const (
	varDomain          = "ENTRAFED_DOMAIN"
	varUsageLocation   = "ENTRAFED_USAGE_LOCATION"
	varLicenses        = "ENTRAFED_LICENSES"
	varGroups          = "ENTRAFED_GROUPS"
	varAttributes      = "ENTRAFED_ATTRIBUTES"
	varSkipConnections = "ENTRAFED_SKIP_CONNECTIONS"
)

func variables() []environment.Variable {
	return append([]environment.Variable{
		{Name: varDomain, Need: "required", Meaning: "the domain in which people get their user principal name: contoso.com"},
		{Name: varUsageLocation, Need: "required", Meaning: "country where licences are used, two letters: DE"},
		{Name: varLicenses, Need: "optional", Meaning: "what everybody gets: names, or group:NAME; A|B is B if no A is left"},
		{Name: varGroups, Need: "optional", Meaning: "groups that everybody joins: object IDs or unique names, comma-separated"},
		{Name: varAttributes, Need: "optional", Meaning: "properties of the account from claims.*: department=dept, comma-separated"},
		{Name: varSkipConnections, Need: "optional", Meaning: "connections whose people a directory sync owns, comma-separated"},
	}, environment.OfTheTenant()...)
}

func newEnvironment(environ []string) *environment.Variables {
	return environment.New(environ, variables())
}

// readRules reads which accounts people get. The pipeline checks them.
func readRules(e *environment.Variables) provision.Rules {
	rules := provision.Rules{
		Domain: e.Required(varDomain), UsageLocation: e.Required(varUsageLocation), Groups: e.List(varGroups),
		SkipConnections: e.List(varSkipConnections), Licenses: e.Licenses(varLicenses),
	}
	for _, item := range e.List(varAttributes) {
		property, claim, ok := strings.Cut(item, "=")
		if !ok {
			e.Refuse(varAttributes, "has %q, which is not PROPERTY=CLAIM", item)
			continue
		}
		if rules.Attributes == nil {
			rules.Attributes = map[string]string{}
		}
		rules.Attributes[strings.TrimSpace(property)] = strings.TrimSpace(claim)
	}
	return rules
}
