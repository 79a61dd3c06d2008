package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// state reads what a plan for the domain depends on. With an error, it has the domain if that could be read.
func (f *Federator) state(ctx context.Context, domain string) (State, error) {
	domains, err := read(ctx, f, f.dir.Domains)
	if err != nil {
		return State{}, err
	}
	s := stateOf(domains, domain)
	if s.Domain == nil {
		return s, nil
	}
	s.Configuration, err = read(ctx, f, func(ctx context.Context) (*Configuration, error) {
		return f.dir.Configuration(ctx, domain)
	})
	if errors.Is(err, ErrNotFound) {
		return s, nil
	}
	return s, err
}

// stateOf is the state as far as the domains tell it.
func stateOf(domains []Domain, domain string) State {
	s := State{}
	if d := domainNamed(domains, domain); d != nil {
		read := *d
		s.Domain = &read
	}
	for _, d := range domains {
		if d.IsDefault {
			s.DefaultDomain = d.Name
		}
	}
	return s
}

// state is what was read, as a plan keeps it.
func (x *examination) state() State {
	if x.partner != nil {
		return State{Guests: x.partner.present}
	}
	s := stateOf(x.domains, x.domain)
	s.Configuration = x.configuration
	return s
}

// after is the state once the write is done. The IDs that Entra chooses are not known then, and are empty.
func (s State) after(w Write) State {
	switch w.Operation {
	case CreateConfiguration:
		return s.federated(Configuration{}.with(w.Body))
	case ChangeConfiguration:
		if s.Configuration != nil {
			return s.federated(s.Configuration.with(w.Body))
		}
	case DeleteConfiguration:
		return s.managed()
	case PromoteDomain:
		if s = s.managed(); s.Domain != nil {
			s.Domain.IsRoot = true
		}
	case ChangeDomain:
		if makesDefault(w) {
			return s.withDefault(w.Domain)
		}
	case CreateGuests, ChangeGuests, DeleteGuests, AddGuestDomain, RemoveGuestDomain:
		s.Guests = guestsAfter(s.Guests, w)
	}
	return s
}

func (s State) federated(c Configuration) State {
	s = s.signsIn(Federated)
	s.Configuration = &c
	return s
}

func (s State) managed() State {
	s = s.signsIn(Managed)
	s.Configuration = nil
	return s
}

// signsIn is the state with another authentication type. Its domain is a copy.
func (s State) signsIn(authenticationType string) State {
	if s.Domain != nil {
		d := *s.Domain
		d.AuthenticationType = authenticationType
		s.Domain = &d
	}
	return s
}

func (s State) withDefault(name string) State {
	s.DefaultDomain = name
	if s.Domain != nil {
		d := *s.Domain
		d.IsDefault = strings.EqualFold(d.Name, name)
		s.Domain = &d
	}
	return s
}

// makesDefault reports whether the write makes a domain the tenant's default one.
func makesDefault(w Write) bool {
	return w.Operation == ChangeDomain && len(w.Body) == 1 && w.Body["isDefault"] == true
}

// differences say in which ways the present state is not s, in sentences; none if it is. What a sign-in does not depend
// on does not count: the ID that Entra chose, the services of the domain, and whether a property is not set or has the
// value that Entra then takes.
func (s State) differences(present State) []string {
	return slices.Concat(s.domainDifferences(present), s.configurationDifferences(present),
		guestDifferences(s.Guests, present.Guests))
}

func (s State) domainDifferences(present State) (all []string) {
	was, is := s.Domain, present.Domain
	switch {
	case was == nil && is != nil:
		all = append(all, fmt.Sprintf("the tenant has the domain %s", is.Name))
	case was != nil && is == nil:
		all = append(all, fmt.Sprintf("the tenant does not have the domain %s", was.Name))
	case was != nil:
		all = append(all, was.differences(*is)...)
	}
	if !strings.EqualFold(s.DefaultDomain, present.DefaultDomain) {
		all = append(all, fmt.Sprintf("the tenant's default domain is %s and not %s",
			orNone(present.DefaultDomain), orNone(s.DefaultDomain)))
	}
	return all
}

func (d Domain) differences(present Domain) (all []string) {
	if !strings.EqualFold(d.Name, present.Name) {
		all = append(all, fmt.Sprintf("the domain is %s and not %s", present.Name, d.Name))
	}
	if !strings.EqualFold(d.AuthenticationType, present.AuthenticationType) {
		all = append(all, fmt.Sprintf("%s is %s and not %s", d.Name,
			orNone(strings.ToLower(present.AuthenticationType)), orNone(strings.ToLower(d.AuthenticationType))))
	}
	for _, flag := range []struct {
		name    string
		was, is bool
	}{
		{"verified", d.IsVerified, present.IsVerified},
		{"a root domain", d.IsRoot, present.IsRoot},
		{"the initial domain", d.IsInitial, present.IsInitial},
	} {
		switch {
		case flag.was && !flag.is:
			all = append(all, fmt.Sprintf("%s is not %s", d.Name, flag.name))
		case flag.is && !flag.was:
			all = append(all, fmt.Sprintf("%s is %s", d.Name, flag.name))
		}
	}
	return all
}

func (s State) configurationDifferences(present State) []string {
	was, is := s.Configuration, present.Configuration
	switch {
	case was == nil && is == nil:
		return nil
	case was == nil:
		return []string{fmt.Sprintf("there is a federation with %s", is.IssuerURI)}
	case is == nil:
		return []string{fmt.Sprintf("there is no federation with %s", was.IssuerURI)}
	}
	return propertyDifferences(was.properties(), is.properties(), was.assumed())
}

// assumed is what Entra takes where a property is not set.
func (c Configuration) assumed() Properties {
	return Properties{
		"preferredAuthenticationProtocol": string(WSFed),
		"federatedIdpMfaBehavior":         string(AcceptMFA),
		"promptLoginBehavior":             string(TranslatePrompt),
	}
}

// propertyDifferences compares what is with what was; a property that was not set may be shown as what is assumed.
func propertyDifferences(was, is, assumed Properties) (all []string) {
	for _, c := range changes(was, is) {
		switch {
		case c.From == nil && c.To == assumed[c.Property]:
		case isCertificate(c.Property) && sameValue(c.From, c.To):
		default:
			all = append(all, fmt.Sprintf("%s is %s and not %s", c.Property,
				shown(c.Property, c.To), shown(c.Property, c.From)))
		}
	}
	return all
}

// sameValue compares two certificates that are values of properties.
func sameValue(a, b any) bool {
	one, isText := a.(string)
	other, isTextToo := b.(string)
	return isText && isTextToo && sameCertificate(one, other)
}

// shown is a value of a property for people.
func shown(property string, value any) string {
	text, isText := value.(string)
	switch {
	case value == nil:
		return "not set"
	case isText && isCertificate(property):
		return "the certificate " + certificateName(text)
	case isText:
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprint(value)
}

// describe says in a sentence how the people of the domain sign in.
func (s State) describe(domain string) string {
	switch {
	case s.Domain == nil:
		return domain + " is not a domain of the tenant"
	case s.Configuration != nil:
		return fmt.Sprintf("%s is federated with %s (configuration %s)", domain,
			s.Configuration.IssuerURI, orNone(s.Configuration.ID))
	case s.bricked():
		return domain + " is federated, but without a configuration that can be read"
	case s.Domain.AuthenticationType == Federated:
		return domain + " is federated as the domain above it"
	}
	return domain + " is managed: its people sign in at Entra"
}

// bricked reports whether the domain is a federated one of its own whose configuration cannot be read: what Graph leaves
// behind when it fails in the middle of federating a domain.
func (s State) bricked() bool {
	return s.Domain != nil && s.Domain.AuthenticationType == Federated && s.Domain.IsRoot && s.Configuration == nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
