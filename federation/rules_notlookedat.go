package federation

import (
	"errors"
	"fmt"
)

// notLookedAtRules say what a diagnosis does not know, so that silence is not taken for health.
func notLookedAtRules() []rule {
	return []rule{
		{Rule{
			Name: "idp-not-looked-at", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "Something that a sign-in depends on is not known of the identity provider.",
		}, federated(lookIdentityProviderUnknown)},
		{Rule{
			Name: "person-not-looked-at", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The person's account, or its ImmutableID, could not be compared.",
		}, lookPersonUnknown},
	}
}

func lookIdentityProviderUnknown(r Rule, x *examination, _ *Configuration) []Finding {
	idp := x.idp
	var details []string
	for _, part := range []struct {
		what  string
		known bool
	}{
		{"its issuer", idp.Issuer != ""},
		{"its sign-in URL", idp.SignInURL != "" || idp.RedirectURL != ""},
		{"its protocol", idp.speaks() != ""},
		{"the certificate of the key that signs", idp.signing() != nil},
		{"its clock", !idp.Time.IsZero() && !idp.TimeRead.IsZero()},
		{"whether it tells Entra of a second factor", idp.MFA != nil},
	} {
		if !part.known {
			details = append(details, part.what)
		}
	}
	if len(details) == 0 {
		return nil
	}
	return one(r.finding("Not everything is known of the identity provider, and what is not known was not looked at.",
		"Say where its metadata is, and what it tells of a second factor.", "", details...))
}

func lookPersonUnknown(r Rule, x *examination) []Finding {
	if x.user == "" || domainOf(x.user) != x.domain {
		return nil
	}
	if !x.has(factUsers) {
		return one(r.finding(fmt.Sprintf("The account of %s was not looked at: the users of %s could not be read.", x.user,
			x.domain), "", "", reason(x.failed[factUsers])))
	}
	u := x.people.found
	if u == nil || u.ImmutableID == "" || x.sent(*u) != "" {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("The ImmutableID of %s, %q, was not compared: which NameID the identity provider sends is not known.",
			u.UserPrincipalName, u.ImmutableID), "Compare it with the NameID of an assertion, byte for byte.", ""))
}

// reason is why something could not be read, in short.
func reason(err error) string {
	if errors.Is(err, ErrUnsupported) {
		return "the directory cannot do it"
	}
	return err.Error()
}
