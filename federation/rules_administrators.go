package federation

import (
	"fmt"
	"strings"
)

// administratorsRules look at who could still get in when the identity provider cannot be used.
func administratorsRules() []rule {
	return []rule{
		{Rule{
			Name: "administrators-unknown", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate},
			Meaning:  "Before a federation is written, it must be known that an administrator can get in without it.",
		}, administratorsUnknown},
		{Rule{
			Name: "administrators-none-managed", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate},
			Meaning:  "An enabled Global Administrator must be in a domain that stays managed.",
		}, administratorsNoneManaged},
		{Rule{
			Name: "caller-in-domain", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate},
			Meaning:  "Who changes the federation should not need it to sign in.",
		}, callerInDomain},
	}
}

// endangers reports whether the plan makes sign-in depend on something new.
func (x *examination) endangers() bool { return x.writesAny(CreateConfiguration, ChangeConfiguration) }

// insecure is the severity of what InsecureNoAdministrator allows.
func (x *examination) insecure(s Severity) Severity {
	if x.settings != nil && x.settings.InsecureNoAdministrator {
		return SeverityWarning
	}
	return s
}

// staysManaged reports whether a user signs in at Entra itself, also after the plan. A guest's UPN is in the tenant's own
// domain, but the guest signs in elsewhere.
func (x *examination) staysManaged(u User) bool {
	domain := domainOf(u.UserPrincipalName)
	d, root := domainNamed(x.domains, domain), rootOf(x.domains, domain)
	if d == nil || !d.IsVerified || strings.Contains(strings.ToUpper(u.UserPrincipalName), "#EXT#") {
		return false
	}
	if root == nil {
		root = d
	}
	return !x.isBelow(domain) && root.AuthenticationType != Federated && d.AuthenticationType != Federated
}

// isBelow reports whether people of a domain sign in as those of the plan's domain do.
func (x *examination) isBelow(domain string) bool {
	if strings.EqualFold(domain, x.domain) {
		return true
	}
	root := rootOf(x.domains, domain)
	return root != nil && strings.EqualFold(root.Name, x.domain)
}

// signsInHere reports whether a user signs in as those of the plan's domain do.
func (x *examination) signsInHere(u User) bool { return x.isBelow(domainOf(u.UserPrincipalName)) }

// managedAdministrators are those who can get in without any identity provider.
func (x *examination) managedAdministrators() []User {
	var found []User
	for _, u := range x.admins {
		if u.Enabled && x.staysManaged(u) {
			found = append(found, u)
		}
	}
	return found
}

const breakGlass = "Make a Global Administrator in the tenant's onmicrosoft.com domain, try that they can sign in, and " +
	"keep the credential in a safe place. Without one, a mistake at the identity provider locks everybody out of the " +
	"tenant for good."

func administratorsUnknown(r Rule, x *examination) []Finding {
	why := x.failed[factAdministrators]
	if why == nil || !x.endangers() {
		return nil
	}
	return one(r.finding(
		"Nobody can say whether an administrator could still get in when the identity provider cannot be used.",
		"Let the credential read the administrators: the least permissions are RoleManagement.Read.Directory and "+
			"User.Read.All. Or try that a Global Administrator in a managed domain can sign in, and set "+
			"InsecureNoAdministrator.", "", why.Error()).
		as(x.insecure(r.Severity)))
}

func administratorsNoneManaged(r Rule, x *examination) []Finding {
	if !x.has(factAdministrators) || !x.endangers() || len(x.managedAdministrators()) > 0 {
		return nil
	}
	var details []string
	for _, u := range x.admins {
		why := "in a federated domain"
		switch {
		case !u.Enabled:
			why = "blocked"
		case x.signsInHere(u):
			why = "in the domain of the plan"
		case strings.Contains(strings.ToUpper(u.UserPrincipalName), "#EXT#"):
			why = "a guest"
		}
		details = append(details, fmt.Sprintf("%s: %s", u.UserPrincipalName, why))
	}
	return one(r.finding(fmt.Sprintf("None of %s could get in when the identity provider cannot be used.",
		count(len(x.admins), "Global Administrator", "Global Administrators")), breakGlass, "", details...).
		as(x.insecure(r.Severity)))
}

func callerInDomain(r Rule, x *examination) []Finding {
	if !x.endangers() || !x.has(factCaller) || x.caller == nil || x.caller.Application ||
		!x.signsInHere(x.caller.User) {
		return nil
	}
	f := r.finding(fmt.Sprintf("The account that this is done with, %s, will itself need the federation to sign in.",
		x.caller.User.UserPrincipalName), breakGlass, "")
	if others := x.managedAdministrators(); x.has(factAdministrators) && len(others) > 0 {
		f.Severity = SeverityWarning
		f.Remedy = "Keep this session open until somebody has signed in by the identity provider. If that fails, sign in as " +
			others[0].UserPrincipalName + "."
		return one(f)
	}
	return one(f.as(x.insecure(r.Severity)))
}
