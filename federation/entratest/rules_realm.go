package entratest

import "strings"

// realmRules find the federated domain that the assertion speaks for.
func realmRules() []Rule {
	const remedy = "Send the domain's issuerUri as Issuer, byte for byte, and federate the domain for SAML."
	return []Rule{
		{
			Number: 10, Level: Must, Code: "AADSTS50107", Source: sourceSAML, needs: []int{6},
			Title:  "The Issuer of the Assertion is exactly the issuerUri of a domain that is federated for SAML.",
			Remedy: remedy,
			check:  checkIssuer,
		},
		{
			Number: 11, Level: Must, Code: "AADSTS50107", Source: sourceDomains, needs: []int{10},
			Title:  "No other domain has the same issuerUri.",
			Remedy: "Give each federated domain an issuerUri of its own; child domains use that of their root.",
			check:  checkIssuerUnique,
		},
	}
}

func checkIssuer(e *examination) result {
	issuers := children(e.assertion, nsAssertion, "Issuer")
	if len(issuers) != 1 {
		return failed("the Assertion has %s", plural(len(issuers), "Issuer"))
	}
	issuer := value(issuers[0])
	matching := e.realmsOf(issuer)
	if len(matching) == 0 {
		return failed("no federated domain has the issuerUri %s%s", quoted(issuer), e.nearMiss(issuer))
	}
	e.realm = matching[0]
	if e.realm.Federation.Protocol == WSFed {
		return failed("%s is the issuer of %s, whose preferredAuthenticationProtocol is wsFed",
			quoted(issuer), e.realm.Domain).advise("Set preferredAuthenticationProtocol of the domain to saml.")
	}
	return passed("%s", e.realm.Domain)
}

// realmsOf are the realms with this issuer, all of one kind: a federation for guests never stands in for a domain.
func (e *examination) realmsOf(issuer string) []Realm {
	var domains, guests []Realm
	for _, r := range e.Realms {
		switch {
		case r.Federation.Issuer != issuer:
		case r.External:
			guests = append(guests, r)
		default:
			domains = append(domains, r)
		}
	}
	if len(domains) > 0 {
		return domains
	}
	return guests
}

// nearMiss names the realm whose issuer differs only in what people overlook.
func (e *examination) nearMiss(issuer string) string {
	loose := func(s string) string {
		s = strings.ToLower(strings.TrimSpace(strings.TrimRight(s, "/")))
		return strings.TrimPrefix(strings.TrimPrefix(s, "https:"), "http:")
	}
	for _, r := range e.Realms {
		if loose(r.Federation.Issuer) == loose(issuer) {
			return "; that of " + orElse(r.Domain, "the domain") + " is " + quoted(r.Federation.Issuer)
		}
	}
	return ""
}

func checkIssuerUnique(e *examination) result {
	if same := e.realmsOf(e.realm.Federation.Issuer); len(same) > 1 {
		return failed("%s and %s have the same issuerUri", same[0].Domain, same[1].Domain)
	}
	return passed("")
}
