package federation

import (
	"fmt"
	"slices"
	"strings"
)

// retiredCertificate is the rule that Apply knows, too.
const retiredCertificate = "revert-retired-certificate"

// revertRules are the rules that only a way back looks at. None of the costs is an error: a way back must be there when the
// identity provider is lost.
func revertRules() []rule {
	return []rule{
		{Rule{
			Name: "revert-domain", Severity: SeverityError,
			Purposes: []Purpose{PurposeRevert},
			Meaning:  "The tenant has the domain, and it is verified where it is to be federated again.",
		}, lookRevertDomain},
		{Rule{
			Name: "revert-child", Severity: SeverityError,
			Purposes: []Purpose{PurposeRevert},
			Meaning:  "The domain is a root: a child signs in as its root does.",
		}, lookRevertChild},
		{Rule{
			Name: "revert-promotion", Severity: SeverityError,
			Purposes: []Purpose{PurposeRevert},
			Meaning:  "The plan that is undone did not promote the domain, which cannot be taken back.",
		}, lookRevertPromotion},
		{Rule{
			Name: "revert-certificate", Severity: SeverityError, AADSTS: "AADSTS5000811",
			Purposes: []Purpose{PurposeRevert},
			Meaning:  "The certificate of the federation that is restored can still be used.",
		}, lookRevertCertificate},
		{Rule{
			Name: retiredCertificate, Severity: SeverityError, AADSTS: "AADSTS5000811",
			Purposes: []Purpose{PurposeRevert},
			Meaning:  "The certificate of the federation that is restored is not of a key that a rotation has replaced.",
		}, lookRevertRetired},
		{Rule{
			Name: "revert-issuer", Severity: SeverityError,
			Purposes: []Purpose{PurposeRevert},
			Meaning:  "No other domain has the issuer of the federation that is restored.",
		}, lookRevertIssuer},
		{Rule{
			Name: "revert-default", Severity: SeverityError,
			Purposes: []Purpose{PurposeRevert},
			Meaning:  "The tenant's default domain can be what it was, and is not the one that is federated.",
		}, lookRevertDefault},
		{Rule{
			Name: "revert-passwords", Severity: SeverityWarning, AADSTS: "AADSTS50126",
			Purposes: []Purpose{PurposeRevert},
			Meaning:  "Nobody needs a password at Entra who had none.",
		}, lookRevertPasswords},
		{Rule{
			Name: "revert-administrators", Severity: SeverityWarning,
			Purposes: []Purpose{PurposeRevert},
			Meaning:  "A Global Administrator is outside the domain, who can mend what goes wrong.",
		}, lookRevertAdministrators},
		{Rule{
			Name: "revert-caller", Severity: SeverityWarning,
			Purposes: []Purpose{PurposeRevert},
			Meaning:  "Who makes the calls does not sign in with the domain.",
		}, lookRevertCaller},
		{Rule{
			Name: "revert-foreign", Severity: SeverityWarning,
			Purposes: []Purpose{PurposeRevert},
			Meaning:  "The federation that is given up is one that this package made.",
		}, lookRevertForeign},
		{Rule{
			Name: "revert-rotation", Severity: SeverityWarning,
			Purposes: []Purpose{PurposeRevert},
			Meaning:  "No change of key is under way.",
		}, lookRevertRotation},
		{Rule{
			Name: "revert-outage", Severity: SeverityWarning,
			Purposes: []Purpose{PurposeRevert},
			Meaning:  "Nothing changes how people sign in, which takes up to two hours to be in force.",
		}, lookRevertOutage},
		{Rule{
			Name: "revert-identity-provider", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeRevert},
			Meaning:  "No sign-in depends on an identity provider that may be gone.",
		}, lookRevertIdentityProvider},
		{Rule{
			Name: "revert-nothing", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeRevert},
			Meaning:  "There is something to go back from.",
		}, lookRevertNothing},
	}
}

// givesUp reports whether the way back changes or ends the present federation.
func (x *examination) givesUp() bool {
	return x.configuration != nil && slices.ContainsFunc(x.writes, func(w Write) bool { return w.Operation.ofFederation() })
}

// becomesManaged reports whether the people of the domain sign in at Entra afterwards, and did not before.
func (x *examination) becomesManaged() bool { return x.givesUp() && x.reversal.target == nil }

// restores reports whether the way back leads to another federation.
func (x *examination) restores() bool {
	return x.reversal.target != nil && slices.ContainsFunc(x.writes, func(w Write) bool { return w.Operation.ofFederation() })
}

// changesSignIn reports whether people sign in elsewhere afterwards.
func (x *examination) changesSignIn() bool { return x.becomesManaged() || x.restores() }

func lookRevertDomain(r Rule, x *examination) []Finding {
	switch d := x.own(); {
	case d == nil:
		return one(r.finding(fmt.Sprintf("The tenant does not have the domain %s.", x.domain),
			"Look whether the name is right, and whether it is the right tenant.", ""))
	case x.restores() && !d.IsVerified:
		return one(r.finding(fmt.Sprintf("%s is not verified, so it cannot be federated again.", x.domain),
			"Verify the domain first.", "domain verify "+x.domain))
	}
	return nil
}

func lookRevertChild(r Rule, x *examination) []Finding {
	d, root := x.own(), x.root()
	if d == nil || d.IsRoot || d.AuthenticationType != Federated {
		return nil
	}
	above := "the domain above it"
	var command string
	if root != nil {
		above, command = root.Name, "revert "+root.Name
	}
	return one(r.finding(
		fmt.Sprintf("%s signs in as %s does, and has no federation of its own to go back from.", x.domain, above),
		fmt.Sprintf("Revert %s, or promote %s, which makes it a managed domain of its own.", above, x.domain), command))
}

func lookRevertPromotion(r Rule, x *examination) []Finding {
	d, undo := x.own(), x.reversal.undo
	if d == nil || undo == nil || undo.Before.Domain == nil || undo.Before.Domain.IsRoot || !d.IsRoot {
		return nil
	}
	return one(r.finding(fmt.Sprintf("%s was promoted to a root domain, which Entra does not take back.", x.domain),
		"Federate the domain by itself, with an issuer of its own, or leave it managed.", ""))
}

func lookRevertCertificate(r Rule, x *examination) []Finding {
	if !x.restores() {
		return nil
	}
	text := x.reversal.target.SigningCertificate
	err := checkSigningCertificate(text, x.at)
	if err == nil {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("The federation with %s cannot be restored with its certificate: %v.", x.reversal.target.IssuerURI, err),
		"Make a plan to federate the domain with the present certificate of that identity provider, or revert to a managed domain.",
		"revert "+x.domain, "the certificate "+certificateName(text)))
}

func lookRevertRetired(r Rule, x *examination) []Finding {
	if !x.restores() || !x.bringsBackRetired() {
		return nil
	}
	target := x.reversal.target
	f := r.finding(
		fmt.Sprintf("The federation of %s would have the certificate of then again, whose key a rotation has replaced: Entra refuses "+
			"everybody, unless the identity provider signs with that key again.", x.domain),
		"Make a plan with the settings of then and the certificate of the key that signs; or revert to a managed domain. If the "+
			"identity provider does sign with that key again, set InsecureRetiredCertificate.", "",
		"the certificate "+certificateName(target.SigningCertificate))
	if x.reversal.retired {
		f = f.as(SeverityWarning)
	}
	return one(f)
}

// bringsBackRetired reports whether the store knows of the certificate that is restored that another key signs in its place,
// and the federation that is restored does not have that one's.
func (x *examination) bringsBackRetired() bool {
	target, rotation, signs := x.reversal.target, x.record.Rotation, ""
	replaced := slices.ContainsFunc(x.record.Retired, target.hasFirst)
	if x.configuration != nil {
		signs = x.configuration.SigningCertificate
	}
	if rotation != nil && rotation.hasSwitched() {
		replaced = replaced || target.hasFirst(rotation.Old)
		signs = rotation.New
	}
	return replaced && (signs == "" || !target.knows(signs))
}

// knows reports whether the certificate is one of the two.
func (c *Configuration) knows(bare string) bool {
	return c.hasFirst(bare) || sameCertificate(c.NextSigningCertificate, bare)
}

// hasFirst reports whether the certificate is the signing certificate.
func (c *Configuration) hasFirst(bare string) bool {
	return sameCertificate(c.SigningCertificate, bare)
}

func lookRevertIssuer(r Rule, x *examination) []Finding {
	if !x.restores() {
		return nil
	}
	other, taken := x.issuers[x.reversal.target.IssuerURI]
	if !taken {
		return nil
	}
	return one(r.finding(fmt.Sprintf("The issuer %s is that of %s now, and Entra has each issuer once.",
		x.reversal.target.IssuerURI, other),
		fmt.Sprintf("Give %s another issuer first, or federate %s with another one.", other, x.domain), ""))
}

func lookRevertDefault(r Rule, x *examination) []Finding {
	name, moves := x.defaultToRestore()
	var problem string
	if moves {
		problem = x.restoreProblem(name)
	}
	now := x.state().DefaultDomain
	switch {
	case x.restores() && strings.EqualFold(now, x.domain) && (!moves || problem != ""):
		return one(r.finding(fmt.Sprintf("%s is the tenant's default domain, which cannot be federated.", x.domain),
			"Make a managed domain the default one first, for example the initial one.", ""))
	case problem != "":
		r.Severity = SeverityNotice
		return one(r.finding(fmt.Sprintf("The default domain stays %s. It was %s, but %s.", orNone(now), name, problem),
			"", ""))
	}
	return nil
}

func lookRevertPasswords(r Rule, x *examination) []Finding {
	if !x.becomesManaged() {
		return nil
	}
	people := x.people.enabled
	children := x.children()
	if x.has(factUsers) && people.count+len(children) == 0 {
		return nil
	}
	return one(r.finding(x.passwordSummary(people.count, x.people.enabledSynced, children),
		"Set temporary passwords for them as soon as the domain is managed, or let those who are registered for it reset their "+
			"password themselves. Tell them before.", "", people.details...))
}

func (x *examination) passwordSummary(people, synced int, children []string) string {
	summary := fmt.Sprintf("%s of %s must sign in at Entra with a password. "+
		"Who has never had one there, or does not know it, cannot sign in.", count(people, "person", "people"), x.domain)
	if err := x.failed[factUsers]; err != nil {
		summary = fmt.Sprintf("Everybody of %s must sign in at Entra with a password, and who has none cannot sign in. "+
			"How many they are is not known: %v.", x.domain, err)
	}
	if synced > 0 {
		summary += fmt.Sprintf(" %s of them came from a directory sync, and have one if it brings password hashes.",
			count(synced, "account", "accounts"))
	}
	if len(children) > 0 {
		summary += fmt.Sprintf(" So must those of %s, who are not counted here.", strings.Join(children, ", "))
	}
	return summary
}

func lookRevertAdministrators(r Rule, x *examination) []Finding {
	if !x.has(factAdministrators) || len(x.admins) == 0 || !x.changesSignIn() {
		return nil
	}
	var inside []string
	for _, admin := range x.admins {
		if x.signsInHere(admin) || !admin.Enabled {
			inside = append(inside, admin.UserPrincipalName)
		}
	}
	if len(inside) < len(x.admins) {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("No Global Administrator can sign in without %s: all of them are in it or blocked. Whoever needs a new password "+
			"there has nobody to give it.", x.domain),
		"Before the change, give a Global Administrator an account in the initial domain, with a password that somebody has tried.",
		"", inside...))
}

func lookRevertCaller(r Rule, x *examination) []Finding {
	if x.caller == nil || x.caller.Application || !x.signsInHere(x.caller.User) || !x.changesSignIn() {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("You are %s: your own next sign-in is one of those that change.", x.caller.User.UserPrincipalName),
		"Apply the plan with an account of another domain, or be sure of your password at Entra.", ""))
}

func lookRevertForeign(r Rule, x *examination) []Finding {
	c := x.configuration
	if !x.givesUp() || c.ID != "" && c.ID == x.record.Configuration ||
		slices.ContainsFunc(x.record.Certificates, func(kept string) bool { return sameCertificate(kept, c.SigningCertificate) }) {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("The federation with %s is not one that was made with this store.", c.IssuerURI),
		"Ask who made it, and whether it is still needed. The plan shows it, and its way back is stored.", "",
		"passiveSignInUri: "+c.PassiveSignInURI, "signingCertificate: the certificate "+certificateName(c.SigningCertificate)))
}

func lookRevertRotation(r Rule, x *examination) []Finding {
	if x.record.Rotation == nil || len(x.writes) == 0 {
		return nil
	}
	return one(r.finding(fmt.Sprintf("A change of the signing key of %s is under way, and ends with this.", x.domain),
		"Finish or abandon it first, if that can wait.", "rotate "+x.domain))
}

func lookRevertOutage(r Rule, x *examination) []Finding {
	if !x.changesSignIn() {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("For up to two hours, people of %s may be led to the old sign-in or to the new one, and some may not be able to "+
			"sign in. Who is signed in stays so.", x.domain),
		"Apply the plan when few people sign in, and tell them.", ""))
}

func lookRevertIdentityProvider(r Rule, x *examination) []Finding {
	if !x.restores() {
		return nil
	}
	target := x.reversal.target
	return one(r.finding(
		fmt.Sprintf("People of %s will sign in at %s again, which must be there, and sign with the key of its certificate of then.",
			x.domain, target.PassiveSignInURI),
		"Try a sign-in there before.", "",
		"issuerUri: "+target.IssuerURI, "signingCertificate: the certificate "+certificateName(target.SigningCertificate)))
}

func lookRevertNothing(r Rule, x *examination) []Finding {
	if x.own() == nil || len(x.writes) > 0 || len(lookRevertChild(r, x))+len(lookRevertPromotion(r, x)) > 0 {
		return nil
	}
	if x.reversal.undo != nil {
		return one(r.finding(fmt.Sprintf("%s is as it was before that plan.", x.domain), "", ""))
	}
	return one(r.finding(fmt.Sprintf("%s is managed already.", x.domain), "", ""))
}
