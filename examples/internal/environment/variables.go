// Package environment reads the environment variables of the commands, and collects all that is wrong with them.
package environment

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

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

// The variables that several commands have, for purposes that each explains itself.
const (
	Domain          = "ENTRAFED_DOMAIN"
	UsageLocation   = "ENTRAFED_USAGE_LOCATION"
	Licenses        = "ENTRAFED_LICENSES"
	SkipConnections = "ENTRAFED_SKIP_CONNECTIONS"
)

// Variable is an environment variable as it is explained to people. Example may be empty.
type Variable struct{ Name, Need, Meaning, Example string }

// What Variable.Need says.
const (
	Required = "required"
	Optional = "optional"
	OneOf    = "one of 3"
)

// OfTheTenant are the variables that say which tenant it is, and how the application proves itself.
func OfTheTenant() []Variable {
	return []Variable{
		{Name: CloudName, Need: Optional, Meaning: "global, usgov-high, usgov-dod or china; default global"},
		{Name: TenantID, Need: Required, Meaning: "the tenant: its GUID, or one of its domains"},
		{Name: ClientID, Need: Required, Meaning: "the application (client) ID"},
		{Name: ClientSecret, Need: OneOf, Meaning: "the application's client secret"},
		{Name: ClientCertificate, Need: OneOf,
			Meaning: "PEM or PKCS#12 file with the application's certificate and key, mode 0600"},
		{Name: TokenFile, Need: OneOf, Meaning: "file with a token of a trusted issuer (workload identity)"},
		{Name: CertificatePassword, Need: Optional, Meaning: "password of the PKCS#12 file"},
	}
}

// Print prints the variables for -h, as a table without their examples.
func Print(w io.Writer, variables []Variable) {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, v := range variables {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", v.Name, v.Need, v.Meaning)
	}
	_ = table.Flush() // an error of w is the terminal's
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

// Explain returns what is known of a variable, at least its name.
func (e *Variables) Explain(name string) Variable {
	if i := slices.IndexFunc(e.known, func(v Variable) bool { return v.Name == name }); i >= 0 {
		return e.known[i]
	}
	return Variable{Name: name}
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
	switch v := e.Explain(name); {
	case value != "":
	case v.Example != "":
		e.Refuse(name, "is missing: %s, for example %s", v.Meaning, v.Example)
	default:
		e.Refuse(name, "is missing: %s", v.Meaning)
	}
	return value
}

// List is a comma-separated list, without anything twice.
func (e *Variables) List(name string) (list []string) {
	if e.Value(name) == "" {
		return nil
	}
	for item := range strings.SplitSeq(e.Value(name), ",") {
		switch item = strings.TrimSpace(item); {
		case item == "":
			e.Refuse(name, "has an empty entry: check its commas")
		case slices.Contains(list, item):
			e.Refuse(name, "has %q twice", item)
		default:
			list = append(list, item)
		}
	}
	return list
}

// Refuse remembers what is wrong with a variable.
func (e *Variables) Refuse(name, format string, args ...any) {
	e.problems = append(e.problems, fmt.Errorf(name+" "+format, args...))
}

// Check refuses a variable whose check returned an error.
func (e *Variables) Check(name string, err error) {
	if err != nil {
		e.problems = append(e.problems, fmt.Errorf("%s: %w", name, err))
	}
}

// Problems are all that is wrong, in the order in which it was found.
func (e *Variables) Problems() []error { return slices.Clone(e.problems) }

// Err is all that is wrong, joined.
func (e *Variables) Err() error { return errors.Join(e.problems...) }

func clouds() map[string]entrafed.Cloud {
	return map[string]entrafed.Cloud{
		"global": entrafed.Global(), "usgov-high": entrafed.USGovernmentHigh(), "usgov-dod": entrafed.USGovernmentDoD(),
		"china": entrafed.China(),
	}
}

// Cloud is the Microsoft cloud that the tenant lives in. Where its name is none, it is the worldwide one, so that the
// rest can be checked as well.
func (e *Variables) Cloud() (cloud entrafed.Cloud, known bool) {
	name := e.Value(CloudName)
	if name == "" {
		name = "global"
	}
	if cloud, known = clouds()[name]; !known {
		e.Refuse(CloudName, "%q is not one of %s", name, strings.Join(slices.Sorted(maps.Keys(clouds())), ", "))
		cloud = entrafed.Global()
	}
	return cloud, known
}
