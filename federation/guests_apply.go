package federation

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// guestsName is the name of the record of a federation with a partner.
func guestsName(domain string) string { return "guests/" + strings.ToLower(domain) }

// ofGuests reports whether the operation is one of a federation with a partner.
func (o Operation) ofGuests() bool {
	return slices.Contains([]Operation{CreateGuests, ChangeGuests, DeleteGuests, AddGuestDomain, RemoveGuestDomain}, o)
}

// ofGuests reports whether the plan is about a federation with a partner.
func (p *Plan) ofGuests() bool {
	return p.Purpose == PurposeFederateGuest || p.Purpose == PurposeRevertGuest
}

// guestState reads what a plan for a partner depends on: the federation that has the domain, or else the one with the ID,
// which may have it later.
func (f *Federator) guestState(ctx context.Context, domain, id string) (State, error) {
	partners, can := f.dir.(GuestFederations)
	if !can {
		return State{}, unsupported("GuestFederations")
	}
	all, err := read(ctx, f, partners.GuestConfigurations)
	if err != nil {
		return State{}, err
	}
	for _, wanted := range []func(GuestConfiguration) bool{
		func(g GuestConfiguration) bool {
			return slices.Contains(guestDomains(g.Domains), strings.ToLower(domain))
		},
		func(g GuestConfiguration) bool { return id != "" && g.ID == id },
	} {
		if i := slices.IndexFunc(all, wanted); i >= 0 {
			return State{Guests: &all[i]}, nil
		}
	}
	return State{}, nil
}

// guestsAfter is the federation with a partner once the write is done; nil if there is none.
func guestsAfter(before *GuestConfiguration, w Write) *GuestConfiguration {
	switch {
	case w.Operation == CreateGuests:
		created := guestsWith(GuestConfiguration{}, w.Body)
		return &created
	case before == nil || w.Operation == DeleteGuests:
		return nil
	}
	g := *before
	switch w.Operation {
	case ChangeGuests:
		g = guestsWith(g, w.Body)
	case AddGuestDomain:
		g.Domains = guestDomains(append(slices.Clone(g.Domains), w.Domain))
	case RemoveGuestDomain:
		g.Domains = slices.DeleteFunc(guestDomains(g.Domains), func(d string) bool { return strings.EqualFold(d, w.Domain) })
	}
	return &g
}

// guestsWith is the federation after the properties were written.
func guestsWith(g GuestConfiguration, p Properties) GuestConfiguration {
	setTexts(g.texts(), p)
	if value, written := p["domains"]; written {
		g.Domains = guestDomains(texts(value))
	}
	return g
}

// texts is a list of strings of a body, which is a list of anything once the plan was read from JSON.
func texts(value any) []string {
	switch list := value.(type) {
	case []string:
		return list
	case []any:
		var all []string
		for _, item := range list {
			if text, isText := item.(string); isText {
				all = append(all, text)
			}
		}
		return all
	}
	return nil
}

// guestDomains are the domains in lower case, sorted, each once: a copy.
func guestDomains(domains []string) []string {
	var all []string
	for _, d := range domains {
		all = append(all, strings.ToLower(d))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// guestDifferences compare two federations with a partner; the IDs that Entra chose do not count.
func guestDifferences(was, is *GuestConfiguration) []string {
	switch {
	case was == nil && is == nil:
		return nil
	case was == nil:
		return []string{fmt.Sprintf("there is a federation for guests with %s", is.IssuerURI)}
	case is == nil:
		return []string{fmt.Sprintf("there is no federation for guests with %s", was.IssuerURI)}
	}
	return propertyDifferences(guestFacts(*was), guestFacts(*is), Properties{"preferredAuthenticationProtocol": string(WSFed)})
}

// guestFacts are what is compared of a federation with a partner.
func guestFacts(g GuestConfiguration) Properties {
	p := g.properties()
	p["domains"] = strings.Join(guestDomains(g.Domains), ", ")
	return p
}

// describeGuests says in a sentence how guests of the domain sign in.
func (s State) describeGuests(domain string) string {
	if s.Guests == nil {
		return "guests of " + domain + " have no federation: they sign in as Entra offers them"
	}
	return fmt.Sprintf("guests of %s are federated with %s (configuration %s)",
		strings.Join(guestDomains(s.Guests.Domains), ", "), s.Guests.IssuerURI, orNone(s.Guests.ID))
}

// sendGuests makes a write to a federation with a partner.
func (f *Federator) sendGuests(ctx context.Context, w Write, id string) error {
	changes, _ := f.dir.(GuestChanges)
	domains, _ := f.dir.(GuestDomains)
	switch w.Operation {
	case CreateGuests:
		_, err := changes.CreateGuests(ctx, w.Body)
		return err
	case ChangeGuests:
		return changes.ChangeGuests(ctx, id, w.Body)
	case DeleteGuests:
		return changes.DeleteGuests(ctx, id)
	case AddGuestDomain:
		return domains.AddGuestDomain(ctx, id, w.Domain)
	default:
		return domains.RemoveGuestDomain(ctx, id, w.Domain)
	}
}
