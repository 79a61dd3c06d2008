package federation

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// guestRules look at the federation with a partner whose people stay guests. The rules that guests have in common with the
// tenant's own domains are among the others.
//
// Source of most: https://learn.microsoft.com/entra/external-id/direct-federation and its overview.
func guestRules() []rule {
	return []rule{
		{Rule{
			Name: "guest-domain-name", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederateGuest},
			Meaning:  "Domains must be domain names.",
		}, guestDomainName},
		{Rule{
			Name: "guest-domain-twice", Severity: SeverityWarning,
			Purposes: []Purpose{PurposeFederateGuest},
			Meaning:  "Each of Domains should be there once.",
		}, guestDomainTwice},
		{Rule{
			Name: "guest-domain-own", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederateGuest},
			Meaning:  "People of the tenant's own domains are no guests.",
		}, guestDomainOwn},
		{Rule{
			Name: "guest-domain-taken", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederateGuest},
			Meaning:  "A domain of a partner has one federation.",
		}, guestDomainTaken},
		{Rule{
			Name: "guest-issuer-taken", Severity: SeverityWarning,
			Purposes: []Purpose{PurposeFederateGuest},
			Meaning:  "An issuer should have one federation for guests, with all of its domains.",
		}, guestIssuerTaken},
		{Rule{
			Name: "guest-foreign", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederateGuest, PurposeRevertGuest},
			Meaning:  "A federation that somebody else made is only overwritten when the settings name it.",
		}, guestForeign},
		{Rule{
			Name: "guest-replace-unknown", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederateGuest},
			Meaning:  "Replace must name a federation that has one of the domains.",
		}, guestReplaceUnknown},
		{Rule{
			Name: "guest-certificate-foreign", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederateGuest},
			Meaning:  "Whoever has the key of a certificate in the federation can sign in as any guest of the partner.",
		}, guestCertificateForeign},
		{Rule{
			Name: "guest-dns-record", Severity: SeverityWarning,
			Purposes: []Purpose{PurposeFederateGuest},
			Meaning:  "A sign-in URL outside the partner's domain needs a record in the DNS of that domain.",
		}, guestDNSRecord},
		{Rule{
			Name: "guest-certificate-expiring", Severity: SeverityWarning, AADSTS: "AADSTS5000811",
			Purposes: []Purpose{PurposeFederateGuest},
			Meaning:  "The signing certificate should be replaced 30 days before it expires.",
		}, guestCertificateExpiring},
		{Rule{
			Name: "guest-live-change", Severity: SeverityWarning, AADSTS: "AADSTS50107",
			Purposes: []Purpose{PurposeFederateGuest},
			Meaning:  "A change of how the partner signs keeps guests out until both sides have it.",
		}, guestLiveChange},
		{Rule{
			Name: "guest-domain-removed", Severity: SeverityWarning,
			Purposes: []Purpose{PurposeFederateGuest},
			Meaning:  "People of a domain that is taken away cannot sign in by the federation any more.",
		}, guestDomainRemoved},
		{Rule{
			Name: "guest-rollover", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeFederateGuest},
			Meaning:  "With a metadata URL, Entra renews the certificate once it has expired, and not before.",
		}, guestRollover},
		{Rule{
			Name: "guest-redemption", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeFederateGuest},
			Meaning:  "A federation is for people who redeem an invitation from then on.",
		}, guestRedemption},
		{Rule{
			Name: "guest-assertion", Severity: SeverityNotice, AADSTS: "AADSTS5000819",
			Purposes: []Purpose{PurposeFederateGuest},
			Meaning:  "What an identity provider asserts of guests differs from what it asserts of members.",
		}, guestAssertion},
		{Rule{
			Name: "guest-equal", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeFederateGuest, PurposeRevertGuest},
			Meaning:  "The federation is already as it is asked for.",
		}, guestEqual},
		{Rule{
			Name: "guest-revert-cost", Severity: SeverityWarning,
			Purposes: []Purpose{PurposeRevertGuest},
			Meaning:  "Guests who signed in by a federation cannot sign in once it is removed.",
		}, guestRevertCost},
	}
}

func guestDomainName(r Rule, x *examination) []Finding {
	var found []Finding
	for _, d := range x.partner.domains {
		if !isDomainName(d) {
			found = append(found, r.finding(fmt.Sprintf("%q is not a domain name.", d),
				"Write it as example.net, without a scheme or an @, and other alphabets in their xn-- form.", ""))
		}
	}
	return found
}

func guestDomainTwice(r Rule, x *examination) []Finding {
	times := map[string]int{}
	for _, d := range x.partner.settings.Domains {
		times[strings.ToLower(d)]++
	}
	var found []Finding
	for _, d := range slices.Sorted(maps.Keys(times)) {
		if times[d] > 1 {
			found = append(found, r.finding(fmt.Sprintf("%s is in Domains %d times.", d, times[d]),
				"Look whether another domain was meant.", ""))
		}
	}
	return found
}

func guestDomainOwn(r Rule, x *examination) []Finding {
	var found []Finding
	for _, d := range x.partner.domains {
		switch root := rootOf(x.domains, d); {
		case x.isVerified(d):
			found = append(found, r.finding(fmt.Sprintf("%s is a domain of this tenant: its people are members and no guests.", d),
				"Leave it out. To have the members sign in at an identity provider, federate the domain itself.", "plan "+d))
		case root != nil && root.IsVerified:
			found = append(found, r.finding(fmt.Sprintf("%s is below %s, which is a domain of this tenant.", d, root.Name),
				"Look whether its people are members. The tenant may refuse the domain.", "").as(SeverityWarning))
		}
	}
	return found
}

func guestDomainTaken(r Rule, x *examination) []Finding {
	if x.partner.present == nil {
		return nil
	}
	var found []Finding
	for _, g := range x.partner.others() {
		found = append(found, r.finding(fmt.Sprintf("The federation %q has %s, and the federation %q has other domains of the "+
			"settings.", g.ID, strings.Join(x.partner.shares(g), ", "), x.partner.present.ID),
			fmt.Sprintf("Take the domains out of the federation %q first, or remove it, after asking whose it is.", g.ID), "",
			g.lines()...))
	}
	return found
}

func guestIssuerTaken(r Rule, x *examination) []Finding {
	if x.partner.settings.Issuer == "" {
		return nil
	}
	var found []Finding
	for _, g := range x.partner.all {
		if g.IssuerURI != x.partner.settings.Issuer || x.partner.present != nil && x.partner.present.ID == g.ID {
			continue
		}
		found = append(found, r.finding(fmt.Sprintf("The Issuer %q is already that of the federation %q, with %s.", g.IssuerURI,
			g.ID, orNone(strings.Join(guestDomains(g.Domains), ", "))),
			"Make one federation with all domains of the partner, or let the identity provider use another issuer for each: "+
				"no source says how Entra tells them apart.", "", g.lines()...))
	}
	return found
}

// lines are the properties that are set, for people.
func (g GuestConfiguration) lines() []string {
	domains := printed("domains", strings.Join(guestDomains(g.Domains), ", "))
	return append([]string{"id: " + printed("id", g.ID), "domains: " + domains}, g.properties().lines()...)
}

func guestForeign(r Rule, x *examination) []Finding {
	if !x.isForeignPartner() {
		return nil
	}
	g := *x.partner.present
	summary := fmt.Sprintf("Somebody else federated the guests of %s: the federation %q was not made by this program.",
		strings.Join(guestDomains(g.Domains), ", "), g.ID)
	if x.partner.settings == nil {
		return one(r.finding(summary, "Find out who uses it before it is removed.", "", g.lines()...).as(SeverityWarning))
	}
	return one(x.replace(r.finding(summary, fmt.Sprintf("Find out who uses it; guests sign in with it now. To overwrite "+
		"it, make a plan whose GuestSettings.Replace is %q.", g.ID), "", g.lines()...), g.ID))
}

func guestReplaceUnknown(r Rule, x *examination) []Finding {
	if x.partner.settings.Replace == "" || !x.has(factGuests) {
		return nil
	}
	replace := x.partner.settings.Replace
	if slices.ContainsFunc(x.partner.candidates(), func(g GuestConfiguration) bool { return g.ID == replace }) {
		return nil
	}
	return one(r.finding(fmt.Sprintf("Replace is %q, and no federation with that ID has one of the domains.", replace),
		"Leave Replace out, or look up the ID in a plan without it.", ""))
}

// guestCertificateForeign looks at a federation of ours. With a metadata URL, Entra itself may have put the certificate there.
func guestCertificateForeign(r Rule, x *examination) []Finding {
	p := x.partner
	if p.present == nil || !p.ours || x.isOurs(p.present.SigningCertificate) {
		return nil
	}
	f := r.finding("The federation has a signing certificate that nobody here knows. Whoever has the key can sign in as any "+
		"guest of the partner.", fmt.Sprintf("Ask the partner whether it is theirs. If it is, put it into the settings; to take "+
		"it out, make a plan whose GuestSettings.Replace is %q.", p.present.ID), "",
		describeCertificate(p.present.SigningCertificate))
	if p.present.MetadataExchangeURI != "" {
		f.Severity = SeverityWarning
		f.Remedy = "Entra may have read it from the metadata, once the old one had expired. Ask the partner whether it is " +
			"theirs, and put it into the settings if it is: the plan takes it out again."
		return one(f)
	}
	return one(x.replace(f, p.present.ID))
}

// guestDNSRecord looks where the tenant would: when a domain or a sign-in URL is new.
func guestDNSRecord(r Rule, x *examination) []Finding {
	signIn := x.partner.settings.SignInURL
	u, err := url.Parse(signIn)
	if err != nil || u.Hostname() == "" {
		return nil // another rule says so
	}
	looked := x.partner.domains
	if _, moved := x.changed("passiveSignInUri"); !moved {
		looked = x.partner.added()
	}
	host := strings.ToLower(u.Hostname())
	var outside, records []string
	for _, d := range looked {
		if isDomainName(d) && host != d && !strings.HasSuffix(host, "."+d) {
			outside = append(outside, d)
			records = append(records, fmt.Sprintf("%s. IN TXT DirectFedAuthUrl=%s", d, signIn))
		}
	}
	if records == nil {
		return nil
	}
	return one(r.finding(fmt.Sprintf("The sign-in URL is at %s, outside %s. The tenant then asks the DNS whether the partner "+
		"agrees.", host, strings.Join(outside, " and ")),
		"Have the partner add the record before the plan is applied, with exactly this URL.", "", records...))
}

func guestCertificateExpiring(r Rule, x *examination) []Finding {
	certificate, err := readCertificate(x.partner.settings.SigningCertificate)
	if err != nil || x.at.After(certificate.NotAfter) || certificate.NotAfter.Sub(x.at) >= expiresSoon {
		return nil
	}
	return one(r.finding(fmt.Sprintf("The signing certificate expires on %s, in %s.", day(certificate.NotAfter),
		count(int(certificate.NotAfter.Sub(x.at)/(24*time.Hour)), "day", "days")),
		"Agree with the partner on when the identity provider signs with a new key, and plan again with its certificate "+
			"at that moment: a federation for guests has no next certificate.", "", NewCertificateInfo(certificate).String()))
}

func guestLiveChange(r Rule, x *examination) []Finding {
	var details []string
	code := ""
	for _, property := range []struct{ name, code string }{
		{"signingCertificate", "AADSTS5000811"}, {"preferredAuthenticationProtocol", "AADSTS50107"}, {"issuerUri", "AADSTS50107"},
	} {
		if c, changes := x.changed(property.name); changes {
			details = append(details, fmt.Sprintf("%s from %s to %s", c.Property, printed(c.Property, c.From),
				printed(c.Property, c.To)))
			code = property.code
		}
	}
	if details == nil {
		return nil
	}
	f := r.finding("The federation changes in a way in which the partner's identity provider must change at the same time.",
		"Agree on a moment when few guests work: they are refused until both sides are alike, which takes Entra 5 to 10 "+
			"minutes.", "", details...)
	f.AADSTS = code
	return one(f)
}

func guestDomainRemoved(r Rule, x *examination) []Finding {
	if !x.writesAny(RemoveGuestDomain) {
		return nil
	}
	removed := x.partner.removed()
	return one(r.finding(fmt.Sprintf("The federation loses %s. People who redeemed their invitations by it cannot sign in then.",
		count(len(removed), "domain", "domains")), resetRedemption, "", removed...))
}

// resetRedemption is how guests get in who cannot by a federation that is gone.
const resetRedemption = "Reset the redemption status of these guests, so that they redeem their invitations in another way, " +
	"such as with a one-time passcode: https://learn.microsoft.com/entra/external-id/reset-redemption-status."

func guestRollover(r Rule, x *examination) []Finding {
	if len(x.writes) == 0 {
		return nil
	}
	if at := x.partner.settings.MetadataURL; at != "" {
		return one(r.finding("Entra reads a new certificate at the metadata URL once the present one has expired, and not before.",
			"Where the key changes earlier, plan again with its certificate.", "", "metadata URL: "+at))
	}
	return one(r.finding("There is no metadata URL, so Entra does not renew the signing certificate.",
		"Set MetadataURL, or plan again with a new certificate before this one expires.", ""))
}

func guestRedemption(r Rule, x *examination) []Finding {
	if !x.writesAny(CreateGuests, AddGuestDomain) {
		return nil
	}
	return one(r.finding("The federation is for people who are invited, and who redeem the invitation once it is there.",
		"Wait 5 to 10 minutes before anybody redeems one. People who did so before go on as they signed in before, until their "+
			"redemption status is reset. Where another tenant has verified the domain, put the federation first in the "+
			"redemption order: https://learn.microsoft.com/entra/external-id/cross-tenant-access-overview#configurable-redemption.",
		"", x.partner.added()...))
}

// guestAssertion is what the partner has to be told.
func guestAssertion(r Rule, x *examination) []Finding {
	if !x.writesAny(CreateGuests) || either(x.partner.settings.Protocol, SAML) != SAML {
		return nil
	}
	tenant := either(x.partner.tenant, "{tenant ID}")
	return one(r.finding("The partner's identity provider must send for guests what these lines say.",
		"Have the partner configure it before anybody signs in.", "",
		"assertion consumer service: "+x.partner.acs,
		"audience: "+x.partner.login+"/"+tenant+"/",
		"issuer: "+x.partner.settings.Issuer,
		"NameID, with the format urn:oasis:names:tc:SAML:2.0:nameid-format:persistent: the same for one person at all times",
		"attribute http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress: the address that was invited, in "+
			strings.Join(x.partner.domains, " or ")))
}

func guestEqual(r Rule, x *examination) []Finding {
	switch {
	case len(x.writes) > 0 || !x.has(factGuests):
		return nil
	case x.partner.settings == nil && x.partner.present == nil:
		return one(r.finding("The guests of "+x.domain+" have no federation.", "", ""))
	case x.partner.settings == nil || x.partner.present == nil:
		return nil
	}
	if _, err := x.wantedGuests(); err != nil {
		return nil
	}
	return one(r.finding("The guests of "+strings.Join(x.partner.domains, ", ")+" are federated as the settings say.", "", ""))
}

func guestRevertCost(r Rule, x *examination) []Finding {
	if x.partner.present == nil {
		return nil
	}
	domains := guestDomains(x.partner.present.Domains)
	return one(r.finding(fmt.Sprintf("Guests of %s who redeemed their invitations by the federation cannot sign in once it is "+
		"removed.", count(len(domains), "domain", "domains")), resetRedemption, "", domains...))
}
