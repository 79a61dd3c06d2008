package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/provision"
)

// The environment variables.
const (
	varGroups     = "ENTRAFED_GROUPS"
	varAttributes = "ENTRAFED_ATTRIBUTES"
)

func variables() []environment.Variable {
	return append([]environment.Variable{
		{Name: environment.Domain, Need: environment.Required,
			Meaning: "the domain in which people get their user principal name: contoso.com"},
		{Name: environment.UsageLocation, Need: environment.Required,
			Meaning: "country where licences are used, two letters: DE"},
		{Name: environment.Licenses, Need: environment.Optional,
			Meaning: "what everybody gets: names, or group:NAME; A|B is B if no A is left"},
		{Name: varGroups, Need: environment.Optional,
			Meaning: "groups that everybody joins: object IDs or unique names, comma-separated"},
		{Name: varAttributes, Need: environment.Optional,
			Meaning: "properties of the account from claims.*: department=dept, comma-separated"},
		{Name: environment.SkipConnections, Need: environment.Optional,
			Meaning: "connections whose people a directory sync owns, comma-separated"},
	}, environment.OfTheTenant()...)
}

func newEnvironment(environ []string) *environment.Variables {
	return environment.New(environ, variables())
}

// readConnectionRules reads the file of -rules. The pipeline checks what it says.
func readConnectionRules(path string) ([]provision.ConnectionRule, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	rules, err := provision.ReadConnectionRules(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rules, nil
}

// readRules reads which accounts people get. The pipeline checks them.
func readRules(e *environment.Variables) provision.Rules {
	rules := provision.Rules{
		Domain: e.Required(environment.Domain), UsageLocation: e.Required(environment.UsageLocation),
		Groups: e.List(varGroups), SkipConnections: e.List(environment.SkipConnections),
		Licenses: e.Licenses(environment.Licenses),
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
