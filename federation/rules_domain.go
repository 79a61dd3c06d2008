package federation

import (
	"fmt"
	"slices"
	"strings"
)

// domainRules look at the domain and its place in the tenant.
func domainRules() []rule {
	return []rule{
		{Rule{
			Name: "domain-unknown", Severity: SeverityError, AADSTS: "AADSTS90019",
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "The domain must be in the tenant.",
		}, domainUnknown},
		{Rule{
			Name: "domain-unverified", Severity: SeverityError, AADSTS: "AADSTS50128",
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "The domain must be verified.",
		}, domainUnverified},
		{Rule{
			Name: "domain-initial", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "The domain that the tenant began with cannot be federated.",
		}, domainInitial},
		{Rule{
			Name: "domain-default", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "The tenant's default domain cannot be federated.",
		}, domainDefault},
		{Rule{
			Name: "domain-inherits", Severity: SeverityError, AADSTS: "AADSTS50107",
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "A domain below a federated one signs in as that does, with that one's issuer.",
		}, domainInherits},
		{Rule{
			Name: "domain-below-managed", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "A domain below a managed one cannot be federated by itself.",
		}, domainBelowManaged},
		{Rule{
			Name: "domain-children", Severity: SeverityNotice, AADSTS: "AADSTS50107",
			Purposes: []Purpose{PurposeFederate},
			Meaning:  "The domains below a domain are federated with it.",
		}, domainChildren},
	}
}

func domainUnknown(r Rule, x *examination) []Finding {
	if x.own() != nil || !isDomainName(x.domain) {
		return nil
	}
	return one(r.finding(x.domain+" is not a domain of this tenant.",
		"Add it, publish the DNS record that proves whose it is, and verify it. If it should be there, this is the wrong "+
			"tenant.", "domain add "+x.domain))
}

func domainUnverified(r Rule, x *examination) []Finding {
	d := x.own()
	if d == nil || d.IsVerified {
		return nil
	}
	return one(r.finding(x.domain+" is not verified.",
		"Publish the DNS record that proves whose it is, and verify it.", "domain verify "+x.domain))
}

func domainInitial(r Rule, x *examination) []Finding {
	d := x.own()
	if d == nil || !d.isInitial() {
		return nil
	}
	return one(r.finding(x.domain+" is Microsoft's, and cannot be federated.",
		"Federate a domain of the organisation's own. Keep an administrator in this one, for the day when the identity "+
			"provider is down.", ""))
}

// domainDefault says nothing of a default domain that is federated already: that works, and nothing here is in its way.
func domainDefault(r Rule, x *examination) []Finding {
	d := x.own()
	if d == nil || !d.IsDefault || d.isInitial() || d.AuthenticationType == Federated {
		return nil
	}
	if x.settings == nil || x.settings.DefaultDomain == "" {
		remedy, command := "Make another domain the default one first; it must be verified and stay managed.", ""
		if other := x.candidate(); other != "" {
			remedy += " " + other + " is such a domain: settings with it as DefaultDomain do it in the same plan."
			command = "domain default " + other
		}
		return one(r.finding(x.domain+" is the tenant's default domain, which cannot be federated.", remedy, command))
	}
	other := strings.ToLower(x.settings.DefaultDomain)
	if problem := x.defaultProblem(other); problem != "" {
		return one(r.finding(fmt.Sprintf("%s is the tenant's default domain, and %q cannot take its place: it %s.",
			x.domain, other, problem), "Name another domain as DefaultDomain: it must be verified and stay managed.", ""))
	}
	return one(r.finding(other+" becomes the tenant's default domain first, in place of "+x.domain+".",
		"New users get it when nobody says otherwise. Nothing changes for present ones.", "").as(SeverityNotice))
}

// candidate is a domain that can be the default one: the initial one where that is possible.
func (x *examination) candidate() string {
	fits := func(d Domain) bool { return x.defaultProblem(d.Name) == "" }
	if i := slices.IndexFunc(x.domains, func(d Domain) bool { return d.IsInitial && fits(d) }); i >= 0 {
		return x.domains[i].Name
	}
	if i := slices.IndexFunc(x.domains, fits); i >= 0 {
		return x.domains[i].Name
	}
	return ""
}

// defaultProblem says why a domain cannot become the default one while x.domain is federated; empty if it can.
func (x *examination) defaultProblem(name string) string {
	d, root := domainNamed(x.domains, name), rootOf(x.domains, name)
	switch {
	case d == nil:
		return "is not a domain of this tenant"
	case !d.IsVerified:
		return "is not verified"
	case strings.EqualFold(name, x.domain):
		return "is the domain that is to be federated"
	case root != nil && strings.EqualFold(root.Name, x.domain):
		return "signs in as " + x.domain + " does"
	case d.AuthenticationType == Federated || root != nil && root.AuthenticationType == Federated:
		return "is federated"
	}
	return ""
}

// isChild reports whether the domain is verified and below another one.
func (x *examination) isChild() bool {
	d := x.own()
	return d != nil && d.IsVerified && !d.IsRoot && !d.isInitial()
}

func domainInherits(r Rule, x *examination) []Finding {
	root := x.root()
	if !x.isChild() || root == nil || root.AuthenticationType != Federated {
		return nil
	}
	summary := x.domain + " signs in as " + root.Name + " does, and needs no federation of its own."
	if x.inherited == nil {
		return one(r.finding(summary, "The assertions of its people must have the issuer of "+root.Name+".", "").
			as(SeverityNotice))
	}
	issuer := x.inherited.IssuerURI
	f := r.finding(summary, fmt.Sprintf("The assertions of its people must have the issuer of %s, %q.", root.Name, issuer), "",
		"issuer of "+root.Name+": "+issuer)
	if x.settings == nil || x.settings.Issuer == issuer {
		return one(f.as(SeverityNotice))
	}
	f.Summary = fmt.Sprintf("%s signs in as %s does, so its issuer is %q and not %q.", x.domain, root.Name, issuer,
		x.settings.Issuer)
	f.Remedy += " An issuer of its own needs a promotion to a root domain, after which it is managed at first."
	f.Command = "domain promote " + x.domain
	return one(f)
}

func domainBelowManaged(r Rule, x *examination) []Finding {
	root := x.root()
	if !x.isChild() || root != nil && root.AuthenticationType == Federated {
		return nil
	}
	if root == nil {
		return one(r.finding(x.domain+" is below a domain that is not in this tenant.",
			"Promote it to a root domain of its own.", "domain promote "+x.domain))
	}
	return one(r.finding(x.domain+" signs in as "+root.Name+" does, which is managed.",
		"Federate "+root.Name+", which federates "+x.domain+" as well, or promote "+x.domain+
			" to a root domain of its own.", "plan "+root.Name))
}

func domainChildren(r Rule, x *examination) []Finding {
	if !x.writesAny(CreateConfiguration) {
		return nil
	}
	children := x.children()
	if children == nil {
		return nil
	}
	return one(r.finding(fmt.Sprintf("%s federated together with %s.", count(len(children), "domain below it is",
		"domains below it are"), x.domain),
		"The assertions of their people must have the issuer of "+x.domain+".", "", children...))
}

// children are the domains below the domain, which sign in as that does.
func (x *examination) children() (names []string) {
	for _, d := range x.domains {
		if root := rootOf(x.domains, d.Name); root != nil && strings.EqualFold(root.Name, x.domain) && !d.IsRoot {
			names = append(names, d.Name)
		}
	}
	return names
}

// writesAny reports whether the plan has one of these operations.
func (x *examination) writesAny(operations ...Operation) bool {
	return slices.ContainsFunc(x.writes, func(w Write) bool { return slices.Contains(operations, w.Operation) })
}

// count is "1 user" or "2 users".
func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
