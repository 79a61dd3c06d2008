package federation

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// configurationRules look at the federation that the domain has, and at what a plan makes of it.
func configurationRules() []rule {
	return []rule{
		{Rule{
			Name: "configuration-unreadable", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "The federation of a federated domain must be readable.",
		}, configurationUnreadable},
		{Rule{
			Name: "configuration-foreign", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate},
			Meaning:  "A federation that somebody else put on the domain is only overwritten when the settings name it.",
		}, configurationForeign},
		{Rule{
			Name: "certificate-foreign", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "Whoever has the key of a certificate in the federation can sign in as anybody of the domain.",
		}, certificateForeign},
		{Rule{
			Name: "configuration-equal", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeFederate},
			Meaning:  "The federation is already as the settings say.",
		}, configurationEqual},
		{Rule{
			Name: "issuer-changes", Severity: SeverityWarning, AADSTS: "AADSTS50107",
			Purposes: []Purpose{PurposeFederate},
			Meaning:  "A new issuer of a federated domain keeps people out until all of Entra and the identity provider have it.",
		}, issuerChanges},
		{Rule{
			Name: "protocol-changes", Severity: SeverityWarning, AADSTS: "AADSTS50107",
			Purposes: []Purpose{PurposeFederate},
			Meaning:  "A new protocol of a federated domain keeps people out until all of Entra and the identity provider speak it.",
		}, protocolChanges},
		{Rule{
			Name: "certificate-changes", Severity: SeverityError, AADSTS: "AADSTS5000811",
			Purposes: []Purpose{PurposeFederate},
			Meaning:  "A signing certificate is replaced by a rotation, so that nobody is kept out; during one, only by it.",
		}, certificateChanges},
		{Rule{
			Name: "conversion", Severity: SeverityNotice, AADSTS: "AADSTS50107",
			Purposes: []Purpose{PurposeFederate},
			Meaning:  "Converting a domain takes up to 2 hours, and up to 24 hours until everybody can sign in.",
		}, conversion},
	}
}

// broken reports whether the domain is federated, and there is no federation: what a creation without a certificate has
// left behind in the past. See https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/1389.
func (x *examination) broken() bool {
	err := x.failed[factConfiguration]
	var answer *DirectoryError
	return x.state().bricked() &&
		(err == nil || errors.As(err, &answer) && answer.Status >= http.StatusInternalServerError)
}

func configurationUnreadable(r Rule, x *examination) []Finding {
	err := x.failed[factConfiguration]
	switch {
	case x.broken():
		f := r.finding(x.domain+" is federated, but the tenant does not show its federation.",
			"Try again in some minutes, as the tenant may be out of order itself. If it stays so, the domain probably has a "+
				"federation without a certificate, which nobody can read or change. Make it managed by PATCH /domains/"+
				x.domain+` with {"authenticationType": "Managed"}, as a signed-in administrator with the permission `+
				"Directory.AccessAsUser.All. If that is refused, Microsoft's support, or removing the domain from the tenant "+
				"and adding it again, is what is left.", "domain show "+x.domain)
		if err != nil {
			f.Details = []string{err.Error()}
		}
		return one(f)
	case err != nil && !errors.Is(err, ErrForbidden):
		return one(r.finding("The federation of "+x.domain+" could not be read.", "Try again.", "plan "+x.domain, err.Error()))
	}
	return nil
}

// isOurs reports whether a certificate, as Graph has it, is known: by the settings, the record, or the identity provider.
func (x *examination) isOurs(bare string) bool {
	known := slices.Clone(x.record.Certificates)
	if r := x.record.Rotation; r != nil {
		known = append(known, r.Old, r.New)
	}
	if x.settings != nil {
		for _, raw := range [][]byte{x.settings.SigningCertificate, x.settings.NextSigningCertificate} {
			if certificate, err := readCertificate(raw); err == nil {
				known = append(known, bareCertificate(certificate))
			}
		}
	}
	if x.idp != nil {
		for _, certificate := range x.idp.Certificates {
			known = append(known, bareCertificate(certificate))
		}
	}
	return slices.ContainsFunc(known, func(k string) bool { return sameCertificate(k, bare) })
}

// strangers are the certificates of the domain's federation that nobody knows.
func (x *examination) strangers() []string {
	var found []string
	for _, bare := range []string{x.configuration.SigningCertificate, x.configuration.NextSigningCertificate} {
		if bare != "" && !x.isOurs(bare) {
			found = append(found, bare)
		}
	}
	return found
}

// isForeign reports whether somebody else made the domain's federation: it is not the one that was written last, and what it
// says is not what the settings say.
func (x *examination) isForeign() bool {
	if x.settings == nil || x.configuration == nil {
		return false
	}
	if id := x.record.Configuration; id != "" && id == x.configuration.ID {
		return false
	}
	return x.configuration.IssuerURI != x.settings.Issuer || len(x.strangers()) > 0
}

// replace is the finding as it is when the settings name the federation that is to be overwritten, which has this ID.
func (x *examination) replace(f Finding, id string) Finding {
	if x.settings == nil || x.settings.Replace == "" || x.settings.Replace != id {
		return f
	}
	f.Severity = SeverityWarning
	f.Remedy = x.replaceField() + " names it, so the plan overwrites it. Ask whoever made it before."
	return f
}

// replaceField is what the federation that is to be overwritten is called in the settings.
func (x *examination) replaceField() string {
	if x.partner != nil {
		return "GuestSettings.Replace"
	}
	return "Settings.Replace"
}

func configurationForeign(r Rule, x *examination) []Finding {
	if !x.isForeign() {
		return nil
	}
	c := x.configuration
	return one(x.replace(r.finding(fmt.Sprintf("Somebody else federated %s: the federation %q was not made by this program.",
		x.domain, c.ID),
		fmt.Sprintf("Find out who uses it; people sign in with it now. To overwrite it, make a plan whose Settings.Replace is %q.",
			c.ID), "", c.lines()...), c.ID))
}

// lines are the properties that are set, for people.
func (c Configuration) lines() []string {
	return append([]string{"id: " + printed("id", c.ID)}, c.properties().lines()...)
}

// lines are the properties that have a value, for people.
func (p Properties) lines() (all []string) {
	for _, c := range changes(Properties{}, p) {
		all = append(all, c.Property+": "+printed(c.Property, c.To))
	}
	return all
}

// certificateForeign needs to know at least one certificate that is ours, or it would suspect all of them.
func certificateForeign(r Rule, x *examination) []Finding {
	knows := x.settings != nil || len(x.record.Certificates) > 0 || x.idp != nil && len(x.idp.Certificates) > 0
	if x.configuration == nil || x.isForeign() || !knows {
		return nil
	}
	var details []string
	for _, bare := range x.strangers() {
		details = append(details, describeCertificate(bare))
	}
	if details == nil {
		return nil
	}
	remedy := "Find out whose key that is and how the certificate came into the tenant: look at the audit log for " +
		"changes of the federation."
	if x.settings != nil {
		remedy += fmt.Sprintf(" To take it out, make a plan whose Settings.Replace is %q.", x.configuration.ID)
	}
	return one(x.replace(r.finding(fmt.Sprintf("The federation of %s has %s that nobody here knows. Whoever has the key can "+
		"sign in as anybody of the domain.", x.domain, count(len(details), "certificate", "certificates")),
		remedy, "", details...), x.configuration.ID))
}

func configurationEqual(r Rule, x *examination) []Finding {
	if x.settings == nil || x.configuration == nil || len(x.writes) > 0 || !x.canBeFederated() {
		return nil
	}
	if _, err := x.wanted(); err != nil {
		return nil
	}
	return one(r.finding(x.domain+" is federated as the settings say.", "", ""))
}

// changed is what the plan makes of a property of a federation that there is.
func (x *examination) changed(property string) (Change, bool) {
	for _, w := range x.writes {
		if w.Operation != ChangeConfiguration && w.Operation != ChangeGuests {
			continue
		}
		if i := slices.IndexFunc(w.Changes, func(c Change) bool { return c.Property == property }); i >= 0 {
			return w.Changes[i], true
		}
	}
	return Change{}, false
}

func issuerChanges(r Rule, x *examination) []Finding {
	c, changes := x.changed("issuerUri")
	if !changes {
		return nil
	}
	return one(r.finding(fmt.Sprintf("The issuer of %s changes from %s to %s while people sign in.", x.domain,
		printed(c.Property, c.From), printed(c.Property, c.To)),
		"Change it at the identity provider at the same time, when few people work: for up to 2 hours some will be refused.",
		""))
}

func protocolChanges(r Rule, x *examination) []Finding {
	c, changes := x.changed("preferredAuthenticationProtocol")
	if !changes || c.From == nil && c.To == string(WSFed) { // what Entra takes when nothing is set
		return nil
	}
	return one(r.finding(fmt.Sprintf("The protocol of %s changes from %s to %s while people sign in.", x.domain,
		printed(c.Property, c.From), printed(c.Property, c.To)),
		"See that the identity provider speaks it at the SignInURL, and choose a time when few people work: for up to 2 "+
			"hours some will be refused.", ""))
}

func certificateChanges(r Rule, x *examination) []Finding {
	c, changes := x.changed("signingCertificate")
	if x.record.Rotation != nil && !changes {
		c, changes = x.changed("nextSigningCertificate")
	}
	if !changes {
		return nil
	}
	details := []string{c.Property + " from " + printed(c.Property, c.From), "to " + printed(c.Property, c.To)}
	if x.record.Rotation != nil {
		return one(r.finding("A rotation of the key of "+x.domain+" is under way, and this would change its certificates.",
			"End the rotation or abandon it, and make a plan with the certificate that it leaves.", "rotate "+x.domain,
			details...))
	}
	return one(r.finding("The signing certificate of "+x.domain+" is replaced at one blow.",
		"People are refused from the moment when one side has the new key and the other has not, for up to 2 hours. If the "+
			"old key still signs, rotate instead: that keeps nobody out.", "rotate "+x.domain, details...).as(SeverityWarning))
}

func conversion(r Rule, x *examination) []Finding {
	if !x.writesAny(CreateConfiguration) {
		return nil
	}
	return one(r.finding(strings.Join([]string{
		"People of " + x.domain + " may be unable to sign in for up to 2 hours,",
		"and where they signed in at Entra before, it may take up to 24 hours until the identity provider is asked.",
	}, " "), "Choose a time when few people work, and keep a session of an administrator open.", "verify "+x.domain))
}
