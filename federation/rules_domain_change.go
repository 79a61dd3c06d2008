package federation

import "fmt"

// domainChangeRules are the rules of the plans that change a domain itself: [Federator.PlanPromote] and
// [Federator.PlanMakeDefault].
//
// Sources: https://learn.microsoft.com/graph/api/domain-promote and
// https://learn.microsoft.com/graph/api/domain-update.
func domainChangeRules() []rule {
	return []rule{
		{Rule{
			Name: "promote-unknown", Severity: SeverityError,
			Purposes: []Purpose{PurposePromote},
			Meaning:  "The tenant does not have the domain that is to be promoted.",
		}, lookDomainUnknown},
		{Rule{
			Name: "promote-root", Severity: SeverityNotice,
			Purposes: []Purpose{PurposePromote},
			Meaning:  "The domain is a root already.",
		}, lookPromoteRoot},
		{Rule{
			Name: "promote-unverified", Severity: SeverityError,
			Purposes: []Purpose{PurposePromote},
			Meaning:  "The domain that is to be promoted is not verified.",
		}, lookPromoteUnverified},
		{Rule{
			Name: "promote-users", Severity: SeverityError,
			Purposes: []Purpose{PurposePromote},
			Meaning:  "The domain that is to be promoted has users, or nobody can say whether it has.",
		}, lookPromoteUsers},
		{Rule{
			Name: "promote-becomes-managed", Severity: SeverityWarning,
			Purposes: []Purpose{PurposePromote},
			Meaning:  "A promoted domain is managed, and loses the federation that it has from its root.",
		}, lookPromoteManaged},
		{Rule{
			Name: "default-unknown", Severity: SeverityError,
			Purposes: []Purpose{PurposeMakeDefault},
			Meaning:  "The tenant does not have the domain that is to be the default.",
		}, lookDomainUnknown},
		{Rule{
			Name: "default-already", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeMakeDefault},
			Meaning:  "The domain is the default already.",
		}, lookDefaultAlready},
		{Rule{
			Name: "default-unverified", Severity: SeverityError,
			Purposes: []Purpose{PurposeMakeDefault},
			Meaning:  "The domain that is to be the default is not verified.",
		}, lookDefaultUnverified},
		{Rule{
			Name: "default-federated", Severity: SeverityError,
			Purposes: []Purpose{PurposeMakeDefault},
			Meaning:  "A federated domain cannot be the default.",
		}, lookDefaultFederated},
	}
}

func lookDomainUnknown(r Rule, x *examination) []Finding {
	if x.own() != nil {
		return nil
	}
	return one(r.finding(fmt.Sprintf("The tenant does not have the domain %s.", x.domain), "Add it first.",
		"domain add "+x.domain))
}

func lookPromoteRoot(r Rule, x *examination) []Finding {
	if own := x.own(); own == nil || !own.IsRoot {
		return nil
	}
	return one(r.finding(fmt.Sprintf("%s is a root domain: there is nothing to do.", x.domain), "", ""))
}

func lookPromoteUnverified(r Rule, x *examination) []Finding {
	if own := x.own(); own == nil || own.IsRoot || own.IsVerified {
		return nil
	}
	return one(r.unverified(x.domain))
}

func (r Rule) unverified(domain string) Finding {
	return r.finding(fmt.Sprintf("%s is not verified.", domain), "Publish its DNS record, and have it verified.",
		"domain verify "+domain)
}

func lookPromoteUsers(r Rule, x *examination) []Finding {
	own := x.own()
	if own == nil || own.IsRoot {
		return nil
	}
	remedy := "Move them to another domain first, and back afterwards."
	if !x.has(factUsers) {
		r.Severity = SeverityWarning
		return one(r.finding(
			fmt.Sprintf("Graph refuses to promote a domain that has users, and those of %s could not be read: %s.", x.domain,
				reason(x.failed[factUsers])), remedy, ""))
	}
	if x.people.total == 0 {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("%s has %s. Graph refuses to promote a domain with users.", x.domain, count(x.people.total, "user", "users")),
		remedy, "", x.people.first...))
}

func lookPromoteManaged(r Rule, x *examination) []Finding {
	own := x.own()
	if own == nil || own.IsRoot {
		return nil
	}
	root := "the domain above it"
	if above := x.root(); above != nil {
		root = above.Name
	}
	if own.AuthenticationType != Federated {
		r.Severity = SeverityNotice
		return one(r.finding(fmt.Sprintf("%s is managed from then on, whatever becomes of %s.", x.domain, root), "", ""))
	}
	return one(r.finding(
		fmt.Sprintf("%s becomes a managed domain: it loses the federation that it has from %s, and its people sign in at "+
			"Entra with passwords that they need then.", x.domain, root),
		"Plan a federation of its own at once, with an issuer that no other domain has. Promoting cannot be undone.",
		"plan "+x.domain))
}

func lookDefaultAlready(r Rule, x *examination) []Finding {
	if own := x.own(); own == nil || !own.IsDefault {
		return nil
	}
	return one(r.finding(fmt.Sprintf("%s is the tenant's default domain: there is nothing to do.", x.domain), "", ""))
}

func lookDefaultUnverified(r Rule, x *examination) []Finding {
	if own := x.own(); own == nil || own.IsVerified {
		return nil
	}
	return one(r.unverified(x.domain))
}

func lookDefaultFederated(r Rule, x *examination) []Finding {
	own := x.own()
	if own == nil || own.AuthenticationType != Federated {
		return nil
	}
	remedy := "Choose a managed domain."
	for _, d := range x.domains {
		if d.IsInitial {
			remedy = fmt.Sprintf("Choose a managed domain, such as %s.", d.Name)
		}
	}
	return one(r.finding(fmt.Sprintf("%s is federated, and a federated domain cannot be the tenant's default.", x.domain),
		remedy, ""))
}
