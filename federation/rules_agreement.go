package federation

import (
	"fmt"
	"time"
)

// The limits of the identity provider's clock. Microsoft says only that it must be right; five minutes is what token
// services allow, and less of it is left for the way of the assertion.
const (
	clockRefused = 5 * time.Minute
	clockDrifts  = time.Minute
)

// agreementRules compare what Entra asks of the identity provider with what that does: time, second factor, requests.
//
// Sources: https://learn.microsoft.com/graph/api/resources/internaldomainfederation and
// https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp.
func agreementRules() []rule {
	return []rule{
		{Rule{
			Name: "idp-clock", Severity: SeverityError, AADSTS: "AADSTS500089",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The clock of the identity provider is not the tenant's: an error beyond 5 minutes, a warning beyond 1.",
		}, lookClock},
		{Rule{
			Name: "mfa-loop", Severity: SeverityError, AADSTS: "AADSTS50079",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "Entra sends people back for a second factor that the identity provider never tells of.",
		}, mfa(EnforceMFA, false, "Entra sends people who need a second factor back to the identity provider, which never tells "+
			"of one: they go round in circles.",
			"Make the identity provider tell Entra of a second factor; or plan the domain with the MFABehavior "+
				"rejectMfaByFederatedIdp, so that Entra asks itself.")},
		{Rule{
			Name: "mfa-twice", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The identity provider tells of a second factor, and Entra does not believe it.",
		}, mfa(RejectMFA, true, "The identity provider tells Entra of a second factor, and Entra does not take it: people who "+
			"need one are asked twice.",
			"To be asked once, plan the domain with the MFABehavior acceptIfMfaDoneByFederatedIdp.")},
		{Rule{
			Name: "mfa-at-entra", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The identity provider tells of no second factor, and Entra asks for it itself.",
		}, mfa(AcceptMFA, false, "The identity provider tells Entra of no second factor: people who need one are asked by Entra, "+
			"and must have registered there.", "")},
		{Rule{
			Name: "prompt-login", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The federation says what becomes of an application's wish for a fresh sign-in.",
		}, federated(lookPrompt)},
		{Rule{
			Name: "signed-requests", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "Entra signs its requests.",
		}, federated(lookSignedRequests)},
		{Rule{
			Name: "unsigned-requests", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The identity provider says that it wants signed requests, and Entra does not sign them.",
		}, federated(lookUnsignedRequests)},
		{Rule{
			Name: "metadata-not-read", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The federation has a metadata URL, which Entra does not read of a SAML identity provider.",
		}, federated(lookMetadataURL)},
	}
}

func lookClock(r Rule, x *examination) []Finding {
	idp := x.idp
	if idp.Time.IsZero() || idp.TimeRead.IsZero() || x.clockOffset == nil {
		return nil
	}
	off := (idp.Time.Sub(idp.TimeRead) - *x.clockOffset).Round(time.Second)
	direction, consequence := "ahead of", "its assertions are not valid yet when they arrive"
	if off < 0 {
		direction, consequence = "behind", "its assertions have expired when they arrive"
	}
	switch {
	case off.Abs() > clockRefused:
	case off.Abs() > clockDrifts:
		r.Severity = SeverityWarning
		consequence = fmt.Sprintf("beyond %s, %s", clockRefused, consequence)
	default:
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("The identity provider's clock is %s %s the tenant's: %s.", off.Abs(), direction, consequence),
		"Synchronise the identity provider's clock by NTP.", "",
		"Entra may show AADSTS500133 or AADSTS50008 for it as well"))
}

// mfa is a look at a behaviour together with what the identity provider tells of a second factor.
func mfa(behavior MFABehavior, tells bool, summary, remedy string) func(Rule, *examination) []Finding {
	return federated(func(r Rule, x *examination, c *Configuration) []Finding {
		present := c.MFABehavior
		if present == "" {
			present = AcceptMFA
		}
		if x.idp.MFA == nil || *x.idp.MFA != tells || present != behavior {
			return nil
		}
		command := ""
		if remedy != "" {
			command = "plan " + x.realmName()
		}
		return one(r.finding(summary, remedy, command, fmt.Sprintf("federatedIdpMfaBehavior is %q", present)))
	})
}

func lookPrompt(r Rule, x *examination, c *Configuration) []Finding {
	effects := map[PromptLogin]string{
		TranslatePrompt: "Entra asks the identity provider for a fresh sign-in with a password",
		NativePrompt: "Entra passes prompt=login on: an identity provider that does not know it lets people in by the session " +
			"that they have",
		DisabledPrompt: "Entra asks the identity provider for a fresh sign-in, and for no particular kind",
	}
	effect := effects[c.PromptLogin]
	if effect == "" {
		return nil
	}
	var details []string
	if c.spoken() == SAML {
		details = append(details, "what Entra sends for it by SAML is not documented: the identity provider should heed ForceAuthn")
	}
	return one(r.finding(
		fmt.Sprintf("The promptLoginBehavior of %s is %q: where an application wants a fresh sign-in, %s.", x.realmName(),
			c.PromptLogin, effect), "", "", details...))
}

func lookSignedRequests(r Rule, x *examination, c *Configuration) []Finding {
	if !c.SignedRequests {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("Entra signs its requests for %s, with RSA-SHA1 and a key that it names MicrosoftOnline and does not "+
			"enclose. An identity provider that checks signatures must have that key, and follow its changes.", x.realmName()),
		"If people stop at the identity provider, read there whether it refuses the signature.", ""))
}

func lookUnsignedRequests(r Rule, x *examination, c *Configuration) []Finding {
	if c.SignedRequests || x.idp.SignedRequests == nil || !*x.idp.SignedRequests {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("The identity provider says that it wants signed requests, and Entra does not sign those for %s.",
			x.realmName()),
		"If people stop at the identity provider, make it accept Entra's requests unsigned; or plan the domain with "+
			"SignedRequests.", "plan "+x.realmName()))
}

func lookMetadataURL(r Rule, x *examination, c *Configuration) []Finding {
	if c.MetadataExchangeURI == "" || c.spoken() != SAML {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("%s has the metadata URL %q. Entra does not read the metadata of a SAML identity provider, so a new "+
			"certificate there changes nothing.", x.realmName(), c.MetadataExchangeURI),
		"Rotate the certificate before the key changes.", "rotate "+x.realmName()))
}
