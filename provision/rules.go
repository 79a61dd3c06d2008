package provision

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rules say which accounts people get. The zero Rules are not usable: Domain and UsageLocation are required.
type Rules struct {
	// Domain is the tenant's federated domain in which new accounts get their UPN: "contoso.com", at most 48
	// characters. Required. A person who comes with a UPN of their own may be in another domain of the tenant.
	Domain string

	// UsageLocation is the ISO 3166-1 alpha-2 code of the country where people use the service unless they come with
	// another one: "DE". Required, because no licence can be given without one.
	UsageLocation string

	// Licenses are the subscriptions that everybody gets a seat of. Those that are given directly are given in one call.
	// Empty: none are.
	Licenses []License

	// Groups are the groups that everybody becomes a member of, each by its object ID (a GUID) or its uniqueName. They
	// must exist. Empty: none.
	Groups []string

	// Attributes says which properties of an account come from which of [Person.Claims]: {"department": "dept"}. The
	// properties are those of [AttributeNames]; a claim that the person does not have, or that is empty, sets nothing.
	// They are set when the account is created. Empty: none.
	Attributes map[string]string

	// Adopt says which accounts that are there already may become a person's. The zero value takes over an account only
	// if its ImmutableID is exactly the person's.
	Adopt Adopt

	// SkipConnections names the connections whose people a directory sync owns, byte for byte. Nothing is looked up and
	// nothing written for them; they must come with the UPN and the ImmutableID that the sync gave them.
	SkipConnections []string

	// Connections say who is provisioned, skipped or refused, and who gets something else than everybody. The first rule
	// that matches a person decides; who is matched by none is refused with [ErrRefused]. SkipConnections come before
	// them. Nil: everybody is provisioned whom SkipConnections do not name. A list that is not nil must have a rule.
	//
	// Who is refused or skipped is decided anew at every sign-in, what people get until they are ready.
	Connections []ConnectionRule

	// ImmutableID chooses the ImmutableID of a person who comes without one. It must return the same value for the
	// same person for ever, and different values for different people. Nil: [ImmutableIDFromSubject] of the
	// connection and the ID.
	ImmutableID func(p Person) (string, error)

	// UPN chooses the UPN of a person who comes without one. The attempt is 0 first and one more each time a UPN was
	// found taken, up to 19; each attempt must give another UPN. Nil: [UPNFromEmail] of Domain.
	//
	// Both functions must be safe for concurrent use. An error from them matches [ErrInvalidPerson].
	UPN func(p Person, attempt int) (string, error)
}

// withDefaults returns a copy that shares nothing with the caller.
func (r Rules) withDefaults() Rules {
	r.Domain = strings.ToLower(r.Domain)
	r.UsageLocation = strings.ToUpper(r.UsageLocation)
	r.Licenses = cloneLicenses(r.Licenses)
	r.Groups = slices.Clone(r.Groups)
	r.Attributes = maps.Clone(r.Attributes)
	r.SkipConnections = slices.Clone(r.SkipConnections)
	r.Connections = cloneConnections(r.Connections)
	if r.ImmutableID == nil {
		r.ImmutableID = func(p Person) (string, error) { return ImmutableIDFromSubject(p.Connection, p.ID), nil }
	}
	if r.UPN == nil {
		r.UPN = UPNFromEmail(r.Domain)
	}
	return r
}

// Validate lists all that is wrong with the rules, in one error, as [New] does, which also knows what the Directory can do.
// It is for programs that read rules and start nothing.
func (r Rules) Validate() error {
	ownUPN := r.UPN != nil
	r = r.withDefaults()
	var problems []error
	if err := validateDomain(r.Domain); err != nil {
		problems = append(problems, fmt.Errorf("Rules.Domain: %w", err))
	}
	if err := validateCountry(r.UsageLocation); err != nil {
		problems = append(problems, fmt.Errorf("Rules.UsageLocation: %w", err))
	}
	problems = append(problems, r.validateLicenses("Rules"), r.validateGroups("Rules"), r.validateAttributes("Rules"),
		r.validateConnections(ownUPN))
	return errors.Join(problems...)
}

// validateGroups lists the names that cannot be a group's, and those that are there twice.
func (r Rules) validateGroups(where string) error {
	var problems []error
	for i, name := range r.Groups {
		field := fmt.Sprintf("%s.Groups[%d]", where, i)
		switch {
		case strings.TrimSpace(name) == "":
			problems = append(problems, fmt.Errorf("%s is empty", field))
		case strings.TrimSpace(name) != name:
			problems = append(problems, fmt.Errorf("%s, %q, has white space around it", field, name))
		case containsFold(r.Groups[:i], name):
			problems = append(problems, fmt.Errorf("%s, %q, is there twice", field, name))
		default:
			problems = append(problems, text(field, name, maxGroupName))
		}
	}
	return errors.Join(problems...)
}

// immutableID is the person's ImmutableID: the given one, else what the rule chooses.
func (r Rules) immutableID(p Person) (string, error) {
	if p.ImmutableID != "" {
		return p.ImmutableID, nil
	}
	id, err := r.ImmutableID(p)
	if err == nil {
		err = ValidateImmutableID(id)
	}
	if err != nil {
		return "", invalid(fmt.Errorf("choosing the ImmutableID: %w", err))
	}
	return id, nil
}

// upn is the person's UPN at an attempt: the given one, else what the rule chooses.
func (r Rules) upn(p Person, attempt int) (string, error) {
	if p.UPN != "" {
		return p.UPN, nil
	}
	upn, err := r.UPN(p, attempt)
	if err == nil {
		err = ValidateUPN(upn)
	}
	if err != nil {
		return "", invalid(fmt.Errorf("choosing the UPN, attempt %d: %w", attempt, err))
	}
	return upn, nil
}
