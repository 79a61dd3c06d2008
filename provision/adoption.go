package provision

import (
	"errors"
	"fmt"
	"strings"
)

// AdoptionRules say which ImmutableIDs the users get who are in a domain already, before it is federated or after.
// Domain, and one of Source and Table, are required.
type AdoptionRules struct {
	// Domain is the domain whose users are adopted: those whose UPN is in it, and not those of its subdomains.
	// Required.
	Domain string

	// Source says which value of a user identifies them at the identity provider: [ByUPN], [ByMail], [ByEmployeeID], or
	// a function of the host's own. An empty value is none.
	Source func(User) string

	// Table has these values by the users' UPNs, in any case: see [ReadAdoptionTable]. Users who are not in it are left
	// as they are.
	Table map[string]string

	// ImmutableID makes the ImmutableID out of the value. It must be what the identity provider will assert. Nil: the
	// value itself, which then must satisfy [ValidateImmutableID]. For people whom [Rules] with the default ImmutableID
	// know, it is [ImmutableIDFromSubject] of their connection and the value.
	ImmutableID func(value string) (string, error)

	// Replace also changes the ImmutableIDs of users who have another one. Whoever signs in with the old one cannot any
	// more. Without it they are left as they are.
	Replace bool

	// DetourByUPN is the tenant's initial domain, "contoso.onmicrosoft.com". Where the directory refuses to change the
	// ImmutableID of a user of a federated domain, the user's UPN is moved there, the ImmutableID is set, and the UPN
	// is moved back. The user cannot sign in meanwhile, and moving may leave an address behind. Empty: no detours; such
	// a user is a failure.
	DetourByUPN string
}

// The values that identify users in most tenants.

// ByUPN is the user's UPN.
func ByUPN(u User) string { return u.UserPrincipalName }

// ByMail is the user's address.
func ByMail(u User) string { return u.Mail }

// ByEmployeeID is the user's employee ID.
func ByEmployeeID(u User) string { return u.EmployeeID }

// Adoption gives ImmutableIDs to users who are there already: it plans, applies a plan, and undoes what was applied. It
// is safe for concurrent use; two who apply plans to one domain at once get in each other's way, and change no user
// whom they do not both find as planned.
type Adoption struct {
	p      *Provisioner
	rules  AdoptionRules
	lists  UserLists
	change Accounts
	table  map[string]string // by UPNs in lower case
}

// stepAdopt is what the log calls the work.
const stepAdopt = "adopt"

// Adoption checks the rules and returns an Adoption that shares the directory, the pace, the clock and the log of the
// Provisioner. The error lists all that is wrong. The directory must have [UserLists] and [Accounts]; its users must
// come with the fields that the rules use.
func (p *Provisioner) Adoption(rules AdoptionRules) (*Adoption, error) {
	rules.Domain, rules.DetourByUPN = strings.ToLower(rules.Domain), strings.ToLower(rules.DetourByUPN)
	a := &Adoption{p: p, rules: rules}
	problems := []error{rules.validate()}
	var ok bool
	if a.lists, ok = p.directory.(UserLists); !ok {
		problems = append(problems, fmt.Errorf("%w: the Directory has no UserLists", errors.ErrUnsupported))
	}
	if a.change, ok = p.directory.(Accounts); !ok {
		problems = append(problems, errNoAccounts)
	}
	table, err := foldTable(rules.Table)
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, fmt.Errorf("provision: bad adoption rules: %w", err)
	}
	if a.table = table; table != nil {
		a.rules.Source = func(u User) string { return table[strings.ToLower(u.UserPrincipalName)] }
	}
	if a.rules.ImmutableID == nil {
		a.rules.ImmutableID = func(value string) (string, error) { return value, nil }
	}
	return a, nil
}

func (r AdoptionRules) validate() error {
	var problems []error
	if err := validateDomain(r.Domain); err != nil {
		problems = append(problems, fmt.Errorf("AdoptionRules.Domain: %w", err))
	}
	if (r.Source == nil) == (r.Table == nil) {
		problems = append(problems, errors.New("exactly one of AdoptionRules.Source and AdoptionRules.Table is required"))
	}
	if r.DetourByUPN != "" {
		if err := validateDomain(r.DetourByUPN); err != nil {
			problems = append(problems, fmt.Errorf("AdoptionRules.DetourByUPN: %w", err))
		}
		if r.DetourByUPN == r.Domain {
			problems = append(problems, errors.New("AdoptionRules.DetourByUPN is the domain itself"))
		}
	}
	return errors.Join(problems...)
}

// in reports whether a UPN is in the domain.
func (r AdoptionRules) in(upn string) bool {
	_, domain, _ := strings.Cut(upn, "@")
	return strings.EqualFold(domain, r.Domain)
}
