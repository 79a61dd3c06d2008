package entratest

import (
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
)

const (
	sourceGuests = "https://learn.microsoft.com/entra/external-id/direct-federation"

	attributeEmailAddress = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
	maxPersistentLength   = 256
)

// GuestRules lists the rules that the response of a guest is checked by, one whose Issuer is that of an [Realm.External]
// realm, in the order in which they are applied. Up to the Issuer, and about signatures and times, they are those of
// [Rules]; the audience, the attribute and the account are others, so that nothing that is good for a guest is good for a
// member, nor the other way round.
//
// Lenient checking warns of rule 45, and where rule 44 finds the name of the cloud, which Entra takes from federations of
// earlier years.
func GuestRules() []Rule { return slices.Concat(arrivalRules(), guestRules()) }

// guestRules are those that come once it is known that the realm is one of guests.
func guestRules() []Rule {
	return slices.Concat(signatureRules(), without(assertionRules(), 20, 22, 26, 28), guestAssertionRules(),
		guestAccountRules(), without(accountRules(), 12, 21, 29, 32))
}

// without leaves out rules by their numbers.
func without(rules []Rule, numbers ...int) []Rule {
	return slices.DeleteFunc(rules, func(r Rule) bool { return slices.Contains(numbers, r.Number) })
}

func guestAssertionRules() []Rule {
	return []Rule{
		{
			Number: 44, Level: Must, Code: "AADSTS500089", Source: sourceGuests, needs: []int{6},
			Title: "AudienceRestriction names the tenant: https://login.microsoftonline.com/, its ID and a slash.",
			Remedy: "Set Audience to the tenant that people are guests of. The name of the cloud is that of another relying " +
				"party, the federation of domains.",
			check: checkGuestAudience,
		},
		{
			Number: 45, Level: Should, Code: "AADSTS51004", needs: []int{19},
			Source: "https://docs.oasis-open.org/security/saml/v2.0/saml-core-2.0-os.pdf, section 8.3.7",
			Title:  "NameID has 1 to 256 characters.",
			Remedy: "Choose a persistent identifier of at most 256 characters, and write no white space around it.",
			check:  checkPersistentID,
		},
		{
			Number: 46, Level: Must, Code: "AADSTS5000819", Source: sourceErrors, needs: []int{6, 10},
			Title: "One attribute emailaddress has one value: a mail address in a domain of the federation itself.",
			Remedy: "Send <Attribute Name=\"" + attributeEmailAddress + "\"> with the address that was invited, or add its " +
				"domain to the federation.",
			check: checkEmailAddress,
		},
	}
}

func guestAccountRules() []Rule {
	return []Rule{
		{
			Number: 47, Level: Must, Code: "AADSTS50020", Source: sourceErrors, needs: []int{14, 19, 35, 46},
			Title: "Exactly one guest of the tenant has that mail address, and the account is enabled.",
			Remedy: "Invite the person with the address that the identity provider sends. An account of the tenant's own " +
				"people is none, whatever its mail address.",
			check: checkGuestAccount,
		},
		{
			Number: 48, Level: Must, Code: "AADSTS50076", needs: []int{14},
			Source: "https://learn.microsoft.com/entra/external-id/b2b-tutorial-require-mfa",
			Title:  "MFA is not asked for: Entra asks guests for its own, whatever the assertion says.",
			Remedy: "Nothing has to be done at the identity provider: the guest proves a second factor to the tenant.",
			check:  checkGuestMFA,
		},
	}
}

// guestAudience is the tenant's name as a relying party; empty if the tenant is not known.
func (x Expectation) guestAudience() string {
	if x.TenantID == "" {
		return ""
	}
	return x.Cloud.Login + "/" + strings.ToLower(x.TenantID) + "/"
}

func checkGuestAudience(e *examination) result {
	wanted := e.guestAudience()
	restrictions := children(child(e.content(), nsAssertion, "Conditions"), nsAssertion, "AudienceRestriction")
	switch {
	case wanted == "":
		return failed("the tenant's ID is not known").advise("Set Expectation.TenantID.")
	case len(restrictions) == 0:
		return failed("there is no AudienceRestriction")
	}
	let := passed("")
	for _, restriction := range restrictions {
		audiences := audiencesOf(restriction)
		if slices.Contains(audiences, wanted) {
			continue
		}
		res := failed("the audience is %s and should be %s", quoted(strings.Join(audiences, " ")), wanted)
		if e.Cloud.Audience == "" || !slices.Contains(audiences, e.Cloud.Audience) {
			return res
		}
		let = res.tolerated()
	}
	return let
}

func checkPersistentID(e *examination) result {
	nameID := value(nameIDOf(e.content()))
	switch n := utf8.RuneCountInString(nameID); {
	case n == 0:
		return failed("NameID is empty")
	case n > maxPersistentLength:
		return failed("NameID has %d characters", n)
	case strings.TrimSpace(nameID) != nameID:
		return failed("there is white space around the NameID %s", quoted(nameID))
	}
	return passed("")
}

func checkEmailAddress(e *examination) result {
	address, problem := emailOf(e.content())
	switch {
	case problem != "":
		return failed("%s", problem)
	case !slices.ContainsFunc(e.realm.Domains, func(d string) bool { return strings.EqualFold(d, domainPart(address)) }):
		return failed("the address %s is in none of the federation's domains: %s", quoted(address),
			orElse(strings.Join(e.realm.Domains, ", "), "it has none"))
	}
	return passed("%s", quoted(address))
}

// emailOf returns the mail address that an assertion states, or what is wrong with it.
func emailOf(assertion *etree.Element) (address, problem string) {
	switch values := valuesOf(assertion, attributeEmailAddress); {
	case len(values) == 0:
		return "", "there is no attribute " + attributeEmailAddress + similar(assertion, attributeEmailAddress)
	case len(values) > 1:
		return "", "emailaddress has more than one value"
	default:
		address = values[0]
	}
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
		return "", "emailaddress is " + quoted(address) + ", which is no mail address"
	}
	return address, ""
}

func checkGuestAccount(e *examination) result {
	accounts, can := e.Accounts.(GuestAccounts)
	if !can {
		return unchecked("there is no directory to look the guest up in")
	}
	address, problem := emailOf(e.verified) // the verified one decides, whatever rule 46 has looked at
	if problem != "" {
		return failed("%s", problem)
	}
	guests := accounts.GuestsByMail(address)
	switch {
	case len(guests) == 0:
		return failed("no guest has the mail address %s", quoted(address))
	case len(guests) > 1:
		return failed("%d guests have the mail address %s", len(guests), quoted(address))
	case !guests[0].isGuest():
		return failed("%s is no guest", guests[0].UPN)
	case !guests[0].Enabled:
		return failed("the account of %s is disabled", guests[0].UPN).as("50057").
			advise("Enable the account, or do not let the person sign in.")
	}
	e.user = &guests[0]
	return passed("%s", e.user.UPN)
}

func checkGuestMFA(e *examination) result {
	if e.Policy.RequireMFA {
		return failed("Entra would do MFA itself now, whatever the assertion says")
	}
	return passed("MFA is not asked for")
}
