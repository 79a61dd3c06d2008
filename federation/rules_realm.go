package federation

import (
	"fmt"
)

// realmRules ask whether the domain is federated, and whether Entra's sign-in service knows.
//
// Source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp.
func realmRules() []rule {
	return []rule{
		{Rule{
			Name: "domain-not-federated", Severity: SeverityError, AADSTS: "AADSTS50107",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The domain has no federation, so people sign in at Entra, and an assertion for it is refused.",
		}, lookNotFederated},
		{Rule{
			Name: "realm-managed", Severity: SeverityError, AADSTS: "AADSTS50107",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "Graph shows a federation, and the sign-in service still lets people sign in at Entra.",
		}, federated(lookRealmManaged)},
		{Rule{
			Name: "realm-unknown", Severity: SeverityError, AADSTS: "AADSTS50128",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "Graph shows a federation, and the sign-in service does not know the domain.",
		}, federated(lookRealmUnknown)},
		{Rule{
			Name: "realm-still-federated", Severity: SeverityError, AADSTS: "AADSTS50107",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "Graph shows no federation, and the sign-in service still sends people to an identity provider.",
		}, lookStillFederated},
		{Rule{
			Name: "realm-differs", Severity: SeverityWarning, AADSTS: "AADSTS50107",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The sign-in service acts on another configuration than the one that Graph shows.",
		}, federated(lookRealmDiffers)},
	}
}

// inForceLater is what to do about a change that Entra does not act on yet.
const inForceLater = "Wait: a change of a federation is in force after up to two hours, and after up to 24 hours in a domain " +
	"that was converted. If it is not then, plan the domain again."

func lookNotFederated(r Rule, x *examination) []Finding {
	own := x.own()
	if own == nil || !own.IsVerified || !own.IsRoot || own.isInitial() || own.AuthenticationType == Federated ||
		x.federation() != nil || !x.has(factConfiguration) {
		return nil // or another rule says what it is
	}
	return one(r.finding(
		fmt.Sprintf("%s is not federated: its people sign in at Entra, and no assertion is accepted for them.", x.domain),
		"Plan the federation of the domain, and apply the plan.", "plan "+x.domain))
}

func lookRealmManaged(r Rule, x *examination, c *Configuration) []Finding {
	if x.realm == nil || x.realm.Type != ManagedRealm {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("Graph shows the federation of %s, and the sign-in service does not act on it yet: it asks people for a "+
			"password of Entra's.", x.domain), inForceLater, "verify "+x.domain))
}

func lookRealmUnknown(r Rule, x *examination, c *Configuration) []Finding {
	if x.realm == nil || x.realm.Type != UnknownRealm {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("Graph shows the federation of %s, and the sign-in service does not know the domain.", x.domain),
		"Check that the cloud is the one that the tenant is in. "+inForceLater, "verify "+x.domain))
}

func lookStillFederated(r Rule, x *examination) []Finding {
	if x.realm == nil || x.realm.Type != FederatedRealm || x.own() == nil || x.own().AuthenticationType == Federated ||
		x.federation() != nil || !x.has(factConfiguration) {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("%s is not federated any more, and the sign-in service still sends people to %q, whose assertions are "+
			"refused.", x.domain, x.realm.SignInURL), inForceLater, "verify "+x.domain))
}

func lookRealmDiffers(r Rule, x *examination, c *Configuration) []Finding {
	if x.realm == nil || x.realm.Type != FederatedRealm {
		return nil
	}
	var details []string
	if !x.realm.leadsTo(c) {
		details = append(details, fmt.Sprintf("the sign-in URL: the sign-in service has %q, Graph has %q", x.realm.SignInURL,
			withoutQuery(c.PassiveSignInURI)))
	}
	if !x.realm.speaks(c) {
		details = append(details, fmt.Sprintf("the protocol: the sign-in service has %q, Graph has %q", x.realm.Protocol, c.spoken()))
	}
	if len(details) == 0 {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("The sign-in service does not act on the present federation of %s yet.", x.domain),
		inForceLater, "verify "+x.domain, details...))
}

// spoken is the protocol that Entra expects: WS-Federation where none is set.
func (c *Configuration) spoken() Protocol {
	if c.Protocol == "" {
		return WSFed
	}
	return c.Protocol
}
