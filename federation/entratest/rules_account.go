package entratest

import (
	"slices"
	"strings"
	"time"
)

// classRefMFA is the one AuthnContextClassRef that Entra takes for multi-factor authentication in SAML 2.0.
const classRefMFA = "http://schemas.microsoft.com/claims/multipleauthn"

// accountRules compare the verified assertion with the directory and the tenant's policy.
func accountRules() []Rule {
	const sourceValidation = "https://learn.microsoft.com/graph/api/resources/federatedtokenvalidationpolicy"
	return []Rule{
		{
			Number: 21, Level: Must, Code: "AADSTS51004", Source: sourceSAML, needs: []int{14, 20, 35},
			Title: "Exactly one user has the NameID as onPremisesImmutableId, and the account is enabled.",
			Remedy: "Compare NameID with the user's onPremisesImmutableId. A user created seconds ago needs some 10 to 15 " +
				"seconds to reach the sign-in service.",
			check: checkUser,
		},
		{
			Number: 12, Level: Must, Code: "AADSTS5000820", Source: sourceValidation, needs: []int{10, 21},
			Title:  "The user's UPN is in the root domain whose identity provider issued the assertion.",
			Remedy: "Choose the Issuer by the domain of the user's UPN.",
			check:  checkRootDomain,
		},
		{
			Number: 29, Level: Should, Code: "AADSTS51004", Source: sourceSAML, needs: []int{21, 28},
			Title:  "IDPEmail is the user's UPN; upper and lower case do not count.",
			Remedy: "Send the userPrincipalName as IDPEmail: not the mail address, and not the name before a rename.",
			check:  checkEmailIsUPN,
		},
		{
			Number: 32, Level: Must, Code: "AADSTS50076", Source: sourceMFA, needs: []int{14},
			Title:  "Where MFA is asked for, AuthnContextClassRef is " + classRefMFA + ".",
			Remedy: "Do MFA, and send " + classRefMFA + " as the one AuthnContextClassRef; attributes do not count.",
			check:  checkMFA,
		},
		{
			Number: 33, Level: Must, Code: "AADSTS70043", Source: sourceMFA, needs: []int{14},
			Title:  "Where a recent sign-in is asked for, AuthnInstant is recent enough.",
			Remedy: "Honour ForceAuthn, and send the time of the real authentication as AuthnInstant.",
			check:  checkFreshness,
		},
	}
}

func checkUser(e *examination) result {
	nameID := value(nameIDOf(e.verified))
	if e.Accounts == nil {
		return unchecked("there is no directory to look the user up in")
	}
	users := e.Accounts.UsersByImmutableID(nameID)
	switch {
	case len(users) == 0:
		return failed("no user has the onPremisesImmutableId %s%s", quoted(nameID), e.otherID())
	case len(users) > 1:
		return failed("%d users have the onPremisesImmutableId %s", len(users), quoted(nameID))
	case !users[0].Enabled:
		return failed("the account of %s is disabled", users[0].UPN).as("50057").
			advise("Enable the account, or do not let the person sign in.")
	}
	e.user = &users[0]
	return passed("%s", e.user.UPN)
}

// otherID says what the user of that UPN has instead: the usual mistakes show at once.
func (e *examination) otherID() string {
	upn, problem := e.upnOf(e.verified)
	if problem != "" {
		return ""
	}
	user, ok := e.Accounts.UserByUPN(upn)
	switch {
	case !ok:
		return "; nor is there a user " + quoted(upn) + ", or not yet"
	case user.ImmutableID == "":
		return "; the user " + quoted(upn) + " has none"
	}
	return "; that of the user " + quoted(upn) + " is " + quoted(user.ImmutableID)
}

func checkRootDomain(e *examination) result {
	domain := domainPart(e.user.UPN)
	if e.realm.Domain == "" {
		return unchecked("the domain of this issuer is not known")
	}
	governing, federated := e.Accounts.RealmOf(e.user.UPN)
	root := domain
	if federated {
		root = governing.Domain
	}
	switch {
	case federated && strings.EqualFold(governing.Domain, e.realm.Domain):
		return passed("%s", e.realm.Domain)
	case e.Policy.TokenValidation.allows(root, federated):
		return passed("%s is not in the realm %s, and the policy allows it", domain, e.realm.Domain)
	case !federated:
		return failed("the UPN %s is in a managed domain, and the assertion is from the realm of %s",
			e.user.UPN, e.realm.Domain)
	}
	return failed("the UPN %s is in the realm of %s, and the assertion is from that of %s",
		e.user.UPN, governing.Domain, e.realm.Domain)
}

// checkEmailIsUPN leaves the domain to rule 12: an IDPEmail of another domain is the UPN of a user of that domain.
func checkEmailIsUPN(e *examination) result {
	if email, _ := e.upnOf(e.verified); !strings.EqualFold(email, e.user.UPN) {
		return failed("IDPEmail is %s, and the user with this NameID is %s", quoted(email), quoted(e.user.UPN))
	}
	return passed("")
}

func checkMFA(e *examination) result {
	claimed := classRefOf(e.verified) == classRefMFA
	behavior := e.realm.Federation.MFABehavior
	switch {
	case !e.Policy.RequireMFA && claimed:
		return passed("MFA is not asked for; the assertion proves it")
	case !e.Policy.RequireMFA:
		return passed("MFA is not asked for")
	case behavior == RejectMFA:
		return failed("the domain's federatedIdpMfaBehavior is %s: Entra would do MFA itself now, whatever the assertion says",
			RejectMFA).advise("Set federatedIdpMfaBehavior to " + string(AcceptMFA) + " to use the identity provider's MFA.")
	case claimed:
		return passed("the assertion proves MFA")
	case behavior == EnforceMFA:
		return failed("AuthnContextClassRef is %s, and the domain's federatedIdpMfaBehavior is %s",
			quoted(classRefOf(e.verified)), EnforceMFA).as("50079")
	}
	return failed("AuthnContextClassRef is %s: Entra would do MFA itself now", quoted(classRefOf(e.verified)))
}

func checkFreshness(e *examination) result {
	var required time.Time
	if e.Policy.SignInFrequency > 0 {
		required = e.now.Add(-e.Policy.SignInFrequency - clockSkew)
	}
	if e.memory != nil {
		required = later(required, e.memory.freshSince())
	}
	if required.IsZero() {
		return passed("a recent sign-in is not asked for")
	}
	instant, present, err := instantOf(child(e.verified, nsAssertion, "AuthnStatement"), "AuthnInstant")
	if err != nil || !present || instant.Before(required.Truncate(time.Second)) {
		res := failed("AuthnInstant is %s, and must not be before %s", stamp(instant), stamp(required))
		if e.Policy.RequireMFA {
			return res.as("50078")
		}
		return res
	}
	return passed("%s", stamp(instant))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// allows reports whether a user may come through the realm of another root domain than the user's own, which for a user
// in a managed domain is that domain or one above it.
func (v TokenValidation) allows(root string, federated bool) bool {
	listed := slices.ContainsFunc(v.DomainNames, func(name string) bool {
		return strings.EqualFold(name, root) || !federated && isBelow(root, name)
	})
	switch v.RootDomains {
	case RootDomainsNone:
		return true
	case RootDomainsAllFederated:
		return !federated
	case RootDomainsAllManaged:
		return federated
	case RootDomainsEnumerated:
		return !listed
	case RootDomainsAllManagedAndEnumeratedFederated:
		return federated && !listed
	}
	return false
}
