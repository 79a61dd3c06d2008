// Package environment reads the environment variables of the commands that work on many accounts.
package environment

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/entrafed/entrafed"
)

// The variables that say which tenant it is, and how the application proves itself.
const (
	CloudName           = "ENTRAFED_CLOUD"
	TenantID            = "AZURE_TENANT_ID"
	ClientID            = "AZURE_CLIENT_ID"
	ClientSecret        = "AZURE_CLIENT_SECRET"
	ClientCertificate   = "AZURE_CLIENT_CERTIFICATE_PATH"
	CertificatePassword = "AZURE_CLIENT_CERTIFICATE_PASSWORD"
	TokenFile           = "AZURE_FEDERATED_TOKEN_FILE"
)

// Variable is an environment variable as it is explained to people.
type Variable struct{ Name, Need, Meaning string }

// OfTheTenant are the variables that say which tenant it is, and how the application proves itself.
func OfTheTenant() []Variable {
	return []Variable{
		{CloudName, "optional", "global, usgov-high, usgov-dod or china; default global"},
		{TenantID, "required", "the tenant: its GUID, or one of its domains"},
		{ClientID, "required", "the application (client) ID"},
		{ClientSecret, "one of 3", "the application's client secret"},
		{ClientCertificate, "one of 3", "PEM or PKCS#12 file with the application's certificate and key, mode 0600"},
		{TokenFile, "one of 3", "file with a token of a trusted issuer (workload identity)"},
		{CertificatePassword, "optional", "password of the PKCS#12 file"},
	}
}

// Variables reads variables and collects all that is wrong with them.
type Variables struct {
	known    []Variable
	values   map[string]string
	problems []error
}

// New takes the environment, "NAME=value" each, and the variables that are read from it.
func New(environ []string, known []Variable) *Variables {
	e := &Variables{known: known, values: map[string]string{}}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			e.values[name] = value
		}
	}
	return e
}

// Default sets a variable that is not set.
func (e *Variables) Default(name, value string) {
	if e.Value(name) == "" {
		e.values[name] = value
	}
}

// Value is an optional variable. One that is set to nothing counts as not set.
func (e *Variables) Value(name string) string { return strings.TrimSpace(e.values[name]) }

// Required is a variable without which the program does not start.
func (e *Variables) Required(name string) string {
	value := e.Value(name)
	if value == "" {
		i := slices.IndexFunc(e.known, func(v Variable) bool { return v.Name == name })
		e.Refuse(name, "is missing: %s", e.known[i].Meaning)
	}
	return value
}

// List is a comma-separated list.
func (e *Variables) List(name string) (list []string) {
	if e.Value(name) == "" {
		return nil
	}
	for item := range strings.SplitSeq(e.Value(name), ",") {
		if item = strings.TrimSpace(item); item == "" {
			e.Refuse(name, "has an empty entry: check its commas")
			continue
		}
		list = append(list, item)
	}
	return list
}

// Refuse remembers what is wrong with a variable.
func (e *Variables) Refuse(name, format string, args ...any) {
	e.problems = append(e.problems, fmt.Errorf(name+" "+format, args...))
}

// Err is all that is wrong.
func (e *Variables) Err() error { return errors.Join(e.problems...) }

func clouds() map[string]entrafed.Cloud {
	return map[string]entrafed.Cloud{
		"global": entrafed.Global(), "usgov-high": entrafed.USGovernmentHigh(), "usgov-dod": entrafed.USGovernmentDoD(),
		"china": entrafed.China(),
	}
}

// Cloud is the Microsoft cloud that the tenant lives in.
func (e *Variables) Cloud() entrafed.Cloud {
	name := e.Value(CloudName)
	if name == "" {
		name = "global"
	}
	cloud, known := clouds()[name]
	if !known {
		e.Refuse(CloudName, "%q is not one of %s", name, strings.Join(slices.Sorted(maps.Keys(clouds())), ", "))
	}
	return cloud
}
