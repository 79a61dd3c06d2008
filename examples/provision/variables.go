package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/entrafed/entrafed"
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
	varCloud           = "ENTRAFED_CLOUD"

	varTenantID            = "AZURE_TENANT_ID"
	varClientID            = "AZURE_CLIENT_ID"
	varClientSecret        = "AZURE_CLIENT_SECRET"
	varClientCertificate   = "AZURE_CLIENT_CERTIFICATE_PATH"
	varCertificatePassword = "AZURE_CLIENT_CERTIFICATE_PASSWORD"
	varTokenFile           = "AZURE_FEDERATED_TOKEN_FILE"
)

// variable is an environment variable as it is explained to people.
type variable struct{ name, need, meaning string }

func variables() []variable {
	return []variable{
		{varDomain, "required", "the domain in which people get their user principal name: contoso.com"},
		{varUsageLocation, "required", "country where licences are used, two letters: DE"},
		{varLicenses, "optional", "what everybody gets: part numbers or GUIDs, comma-separated"},
		{varGroups, "optional", "groups that everybody joins: object IDs or unique names, comma-separated"},
		{varAttributes, "optional", "properties of the account from claims.*: department=dept, comma-separated"},
		{varSkipConnections, "optional", "connections whose people a directory sync owns, comma-separated"},
		{varCloud, "optional", "global, usgov-high, usgov-dod or china; default global"},
		{varTenantID, "required", "the tenant: its GUID, or one of its domains"},
		{varClientID, "required", "the application (client) ID"},
		{varClientSecret, "one of 3", "the application's client secret"},
		{varClientCertificate, "one of 3", "PEM or PKCS#12 file with the application's certificate and key, mode 0600"},
		{varTokenFile, "one of 3", "file with a token of a trusted issuer (workload identity)"},
		{varCertificatePassword, "optional", "password of the PKCS#12 file"},
	}
}

// environment reads variables and collects all that is wrong with them.
type environment struct {
	values   map[string]string
	problems []error
}

func newEnvironment(environ []string) *environment {
	e := &environment{values: map[string]string{}}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			e.values[name] = value
		}
	}
	return e
}

// value is an optional variable. One that is set to nothing counts as not set.
func (e *environment) value(name string) string { return strings.TrimSpace(e.values[name]) }

// required is a variable without which the program does not start.
func (e *environment) required(name string) string {
	value := e.value(name)
	if value == "" {
		all := variables()
		i := slices.IndexFunc(all, func(v variable) bool { return v.name == name })
		e.refuse(name, "is missing: %s", all[i].meaning)
	}
	return value
}

// list is a comma-separated list.
func (e *environment) list(name string) (list []string) {
	if e.value(name) == "" {
		return nil
	}
	for item := range strings.SplitSeq(e.value(name), ",") {
		if item = strings.TrimSpace(item); item == "" {
			e.refuse(name, "has an empty entry: check its commas")
			continue
		}
		list = append(list, item)
	}
	return list
}

func (e *environment) refuse(name, format string, args ...any) {
	e.problems = append(e.problems, fmt.Errorf(name+" "+format, args...))
}

func (e *environment) err() error { return errors.Join(e.problems...) }

// readRules reads which accounts people get. The pipeline checks them.
func readRules(e *environment) provision.Rules {
	rules := provision.Rules{
		Domain: e.required(varDomain), UsageLocation: e.required(varUsageLocation), Groups: e.list(varGroups),
		SkipConnections: e.list(varSkipConnections),
	}
	for _, license := range e.list(varLicenses) {
		rules.Licenses = append(rules.Licenses, provision.License{SKU: license})
	}
	for _, item := range e.list(varAttributes) {
		property, claim, ok := strings.Cut(item, "=")
		if !ok {
			e.refuse(varAttributes, "has %q, which is not PROPERTY=CLAIM", item)
			continue
		}
		if rules.Attributes == nil {
			rules.Attributes = map[string]string{}
		}
		rules.Attributes[strings.TrimSpace(property)] = strings.TrimSpace(claim)
	}
	return rules
}

func clouds() map[string]entrafed.Cloud {
	return map[string]entrafed.Cloud{
		"global": entrafed.Global(), "usgov-high": entrafed.USGovernmentHigh(), "usgov-dod": entrafed.USGovernmentDoD(),
		"china": entrafed.China(),
	}
}

func readCloud(e *environment) entrafed.Cloud {
	name := e.value(varCloud)
	if name == "" {
		name = "global"
	}
	cloud, known := clouds()[name]
	if !known {
		e.refuse(varCloud, "%q is not one of %s", name, strings.Join(slices.Sorted(maps.Keys(clouds())), ", "))
	}
	return cloud
}
