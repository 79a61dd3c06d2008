package federation

import (
	"fmt"
	"slices"
	"strings"
)

// issuerRules compare how the identity provider names itself, and where it is, with what the tenant expects.
//
// Sources: https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts50107 and
// https://learn.microsoft.com/graph/api/resources/federatedtokenvalidationpolicy.
func issuerRules() []rule {
	return []rule{
		{Rule{
			Name: "issuer-differs", Severity: SeverityError, AADSTS: "AADSTS50107",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The identity provider's issuer is not the issuerUri that the domain signs in with, byte for byte.",
		}, federated(lookIssuer)},
		{Rule{
			Name: "issuer-of-another-domain", Severity: SeverityError, AADSTS: "AADSTS5000820",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The identity provider sends the issuer of another root domain, and the tenant's policy decides.",
		}, federated(lookForeignIssuer)},
		{Rule{
			Name: "token-policy-none", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The tenant lets the federation of one domain speak for the people of every other.",
		}, lookNoPolicy},
		{Rule{
			Name: "sign-in-url-differs", Severity: SeverityError,
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "Entra sends people to another URL than the one where the identity provider takes its requests.",
		}, federated(lookSignInURL)},
		{Rule{
			Name: "protocol-differs", Severity: SeverityError, AADSTS: "AADSTS50107",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The domain is federated for another protocol than the one that the identity provider speaks.",
		}, federated(lookProtocol)},
	}
}

func lookIssuer(r Rule, x *examination, c *Configuration) []Finding {
	sent := x.idp.Issuer
	if sent == "" || sent == c.IssuerURI || x.issuers[sent] != "" {
		return nil
	}
	realm := x.realmName()
	if realm != x.domain && strings.EqualFold(replaceFold(sent, x.domain, realm), c.IssuerURI) {
		return one(r.finding(
			fmt.Sprintf("The identity provider sends an issuer of %s, %q. The domain is below %s and signs in with the "+
				"issuer of that, %q.", x.domain, sent, realm, c.IssuerURI),
			fmt.Sprintf("Make the identity provider send %q for the people of %s as well.", c.IssuerURI, x.domain), ""))
	}
	return one(r.finding(
		fmt.Sprintf("The identity provider sends the issuer %q, and %s has the issuerUri %q: %s.", sent, realm, c.IssuerURI,
			difference(sent, c.IssuerURI)),
		fmt.Sprintf("Make the identity provider send %q; or, if its own is the right one, plan the domain with it.",
			c.IssuerURI), "plan "+realm))
}

// replaceFold replaces a name in an address, whatever its case.
func replaceFold(address, name, by string) string {
	return strings.ReplaceAll(strings.ToLower(address), strings.ToLower(name), by)
}

func lookForeignIssuer(r Rule, x *examination, c *Configuration) []Finding {
	sent := x.idp.Issuer
	other := x.issuers[sent]
	if sent == "" || sent == c.IssuerURI || other == "" {
		return nil
	}
	remedy := fmt.Sprintf("Make the identity provider choose the issuer by the domain of the person's UPN: %q for %s.",
		c.IssuerURI, x.domain)
	if blocked, why := x.blocksForeign(x.domain); blocked {
		return one(r.finding(
			fmt.Sprintf("The identity provider sends the issuer of %s, %q, for the people of %s. Entra refuses that, because "+
				"%s.", other, sent, x.domain, why), remedy, ""))
	}
	r.Severity, r.AADSTS = SeverityWarning, ""
	return one(r.finding(
		fmt.Sprintf("The identity provider sends the issuer of %s, %q, for the people of %s. They sign in by the federation "+
			"of that domain, only because the tenant's federatedTokenValidationPolicy allows it.", other, sent, x.domain),
		remedy, ""))
}

// blocksForeign says whether Entra refuses the federation of another root domain for the people of a domain, and why.
// A policy that cannot be read is taken for the default, which refuses.
func (x *examination) blocksForeign(domain string) (blocked bool, why string) {
	if x.policy == nil {
		return true, "by default a federation may speak for its own root domain alone, and the tenant's " +
			"federatedTokenValidationPolicy could not be read"
	}
	managed := true
	root := domain
	if d := rootOf(x.domains, domain); d != nil {
		root, managed = d.Name, d.AuthenticationType != Federated
	}
	listed := slices.ContainsFunc(x.policy.DomainNames, func(name string) bool {
		return strings.EqualFold(name, root) || strings.EqualFold(name, domain)
	})
	set := x.policy.RootDomains
	switch set {
	case "none":
		return false, ""
	case "allFederated":
		blocked = !managed
	case "allManaged":
		blocked = managed
	case "enumerated":
		blocked = listed
	case "allManagedAndEnumeratedFederated":
		blocked = managed || listed
	default: // "all", none set, and what is not known yet
		blocked = true
	}
	if set == "" {
		return blocked, "the tenant has no federatedTokenValidationPolicy of its own, and the default is all root domains"
	}
	return blocked, fmt.Sprintf("the tenant's federatedTokenValidationPolicy has rootDomains %q", set)
}

func lookNoPolicy(r Rule, x *examination) []Finding {
	if x.policy == nil || x.policy.RootDomains != "none" {
		return nil
	}
	return one(r.finding(
		"The tenant's federatedTokenValidationPolicy is \"none\": whoever holds the signing key of one federated domain can "+
			"sign in as anybody in the tenant.",
		"Set its rootDomains to \"all\", once every identity provider sends the issuer of the person's own domain.", ""))
}

func lookSignInURL(r Rule, x *examination, c *Configuration) []Finding {
	idp := x.idp
	if idp.SignInURL == "" && idp.RedirectURL != "" {
		return one(r.finding(
			fmt.Sprintf("The identity provider takes requests by HTTP-Redirect alone, at %q. Entra sends them by HTTP-POST.",
				idp.RedirectURL),
			"Make the identity provider take requests by HTTP-POST, and plan the domain with that URL.", ""))
	}
	if idp.SignInURL == "" || idp.SignInURL == c.PassiveSignInURI {
		return nil
	}
	remedy, command := "Plan the domain with the identity provider's URL.", "plan "+x.realmName()
	if idp.RedirectURL != "" && idp.RedirectURL == c.PassiveSignInURI {
		return one(r.finding(
			fmt.Sprintf("%s has the URL %q, where the identity provider takes requests by HTTP-Redirect. Entra sends them by "+
				"HTTP-POST, for which it has %q.", x.realmName(), c.PassiveSignInURI, idp.SignInURL), remedy, command))
	}
	return one(r.finding(
		fmt.Sprintf("Entra sends people of %s to %q, and the identity provider takes requests at %q: %s.", x.domain,
			c.PassiveSignInURI, idp.SignInURL, difference(idp.SignInURL, c.PassiveSignInURI)), remedy, command))
}

func lookProtocol(r Rule, x *examination, c *Configuration) []Finding {
	speaks := x.idp.speaks()
	if speaks == "" || speaks == c.spoken() {
		return nil
	}
	present := fmt.Sprintf("%q", c.Protocol)
	if c.Protocol == "" {
		present = fmt.Sprintf("not set, which is %q", WSFed)
	}
	return one(r.finding(
		fmt.Sprintf("The preferredAuthenticationProtocol of %s is %s, and the identity provider speaks %q.", x.realmName(),
			present, speaks),
		fmt.Sprintf("Plan the domain with the protocol %q.", speaks), "plan "+x.realmName()))
}

// speaks is the protocol of the identity provider; empty where it is not known.
func (p *IdentityProvider) speaks() Protocol {
	if p.Protocol == "" && p.SignInURL != "" {
		return SAML
	}
	return p.Protocol
}
