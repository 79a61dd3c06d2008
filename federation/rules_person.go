package federation

import (
	"fmt"
	"strings"
)

// personRules look at one person who cannot sign in.
//
// Source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp.
func personRules() []rule {
	return []rule{
		{Rule{
			Name: "person-domain-unknown", Severity: SeverityError, AADSTS: "AADSTS50034",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The person's UPN is in no verified domain of the tenant.",
		}, lookPersonDomain},
		{Rule{
			Name: "person-in-another-domain", Severity: SeverityError, AADSTS: "AADSTS5000820",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The person's UPN is in another domain of the tenant, which signs in by its own rules.",
		}, lookPersonElsewhere},
		{Rule{
			Name: "person-not-found", Severity: SeverityError, AADSTS: "AADSTS50034",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The tenant has no user with the person's UPN.",
		}, lookPersonMissing},
		{Rule{
			Name: "person-blocked", Severity: SeverityError, AADSTS: "AADSTS50057",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The person's account is blocked.",
		}, person(lookPersonBlocked)},
		{Rule{
			Name: "person-without-immutable-id", Severity: SeverityError, AADSTS: "AADSTS51004",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The person's account has no ImmutableID, by which Entra finds the account of an assertion.",
		}, person(lookNoImmutableID)},
		{Rule{
			Name: "person-immutable-id-differs", Severity: SeverityError, AADSTS: "AADSTS51004",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The person's ImmutableID is not the NameID that the identity provider sends for them.",
		}, person(lookOtherImmutableID)},
		{Rule{
			Name: "person-immutable-id-shared", Severity: SeverityError, AADSTS: "AADSTS51004",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "Another user of the domain has the person's ImmutableID.",
		}, person(lookSharedImmutableID)},
		{Rule{
			Name: "person-synced", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "A directory sync owns the person's account.",
		}, person(lookPersonSynced)},
	}
}

// person is a look at a person whose account was found.
func person(look func(r Rule, x *examination, u User) []Finding) func(Rule, *examination) []Finding {
	return func(r Rule, x *examination) []Finding {
		if u := x.people.found; u != nil {
			return look(r, x, *u)
		}
		return nil
	}
}

func lookPersonDomain(r Rule, x *examination) []Finding {
	domain := domainOf(x.user)
	if d := domainNamed(x.domains, domain); x.user == "" || d != nil && d.IsVerified {
		return nil
	}
	if domain == "" {
		return one(r.finding(fmt.Sprintf("%q is not a user principal name: it has no domain.", x.user),
			"People sign in with name@domain.", ""))
	}
	return one(r.finding(
		fmt.Sprintf("%s is in no verified domain of the tenant.", x.user),
		"Check the spelling, and that this is the right tenant.", "", x.byMail()...))
}

func lookPersonElsewhere(r Rule, x *examination) []Finding {
	domain := domainOf(x.user)
	d := domainNamed(x.domains, domain)
	if x.user == "" || d == nil || !d.IsVerified || d.Name == x.domain {
		return nil
	}
	command := fmt.Sprintf("doctor %s -user %s", d.Name, x.user)
	root, ours := rootOf(x.domains, domain), x.root()
	if root != nil && ours != nil && root.Name == ours.Name {
		r.Severity, r.AADSTS = SeverityNotice, ""
		return one(r.finding(
			fmt.Sprintf("%s is in %s, and signs in as %s does. Only users of %s were read.", x.user, d.Name, ours.Name,
				x.domain), "Diagnose the person's own domain.", command))
	}
	summary := fmt.Sprintf("%s is in %s, and does not sign in by the federation of %s.", x.user, d.Name, x.realmName())
	if blocked, why := x.blocksForeign(domain); blocked {
		summary += fmt.Sprintf(" An assertion with its issuer is refused, because %s.", why)
	} else {
		r.Severity, r.AADSTS = SeverityWarning, ""
	}
	return one(r.finding(summary, "Diagnose the person's own domain.", command))
}

func lookPersonMissing(r Rule, x *examination) []Finding {
	own := x.own()
	if own == nil || !own.IsVerified || domainOf(x.user) != x.domain || !x.has(factUsers) || x.people.found != nil {
		return nil
	}
	details := append(x.byMail(), "an assertion for them gets AADSTS51004")
	return one(r.finding(
		fmt.Sprintf("The tenant has no user %s.", x.user),
		"Create the account first: Entra creates nobody at sign-in.", "", details...))
}

// byMail says whose address it is that somebody takes for a UPN.
func (x *examination) byMail() []string {
	var all []string
	for _, upn := range x.people.byMail {
		all = append(all, fmt.Sprintf("it is the address of %s, who signs in with that UPN", upn))
	}
	return all
}

func lookPersonBlocked(r Rule, x *examination, u User) []Finding {
	if u.Enabled {
		return nil
	}
	return one(r.finding(fmt.Sprintf("The account of %s is blocked: accountEnabled is false.", u.UserPrincipalName),
		"If they may sign in, enable the account.", ""))
}

func lookNoImmutableID(r Rule, x *examination, u User) []Finding {
	if u.ImmutableID != "" {
		return nil
	}
	remedy := "Give the account the ImmutableID that the identity provider sends as NameID."
	if want := x.sent(u); want != "" {
		remedy = fmt.Sprintf("Give the account the ImmutableID %q, which the identity provider sends as NameID.", want)
	}
	return one(r.finding(fmt.Sprintf("The account of %s has no ImmutableID: no assertion leads to it.", u.UserPrincipalName),
		remedy, ""))
}

// sent is the NameID that the identity provider sends for a user; empty where nobody can tell.
func (x *examination) sent(u User) string {
	if x.immutableID == nil {
		return ""
	}
	return x.immutableID(u)
}

func lookOtherImmutableID(r Rule, x *examination, u User) []Finding {
	want := x.sent(u)
	if u.ImmutableID == "" || want == "" || want == u.ImmutableID {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("The account of %s has the ImmutableID %q, and the identity provider sends %q: %s.", u.UserPrincipalName,
			u.ImmutableID, want, difference(want, u.ImmutableID)),
		"Give the account the ImmutableID that is sent, or make the identity provider send the one that it has. Case counts.",
		"", x.whose(want)...))
}

// whose says which other users have an ImmutableID.
func (x *examination) whose(immutableID string) []string {
	var all []string
	for _, upn := range x.people.have(immutableID) {
		if !strings.EqualFold(upn, x.user) {
			all = append(all, fmt.Sprintf("%s has the ImmutableID %q", upn, immutableID))
		}
	}
	return all
}

func lookSharedImmutableID(r Rule, x *examination, u User) []Finding {
	others := x.whose(u.ImmutableID)
	if u.ImmutableID == "" || len(others) == 0 {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("The account of %s has the ImmutableID of %s: an assertion with it does not say who it is for.",
			u.UserPrincipalName, count(len(others), "other user", "other users")),
		"Give each account an ImmutableID of its own.", "", others...))
}

func lookPersonSynced(r Rule, x *examination, u User) []Finding {
	if !u.Synced {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("A directory sync owns the account of %s: its UPN, its ImmutableID and whether it is blocked are changed "+
			"where the sync reads them.", u.UserPrincipalName), "", ""))
}
