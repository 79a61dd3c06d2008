package federation

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// keyRules compare the keys of the identity provider with the certificates that the tenant has.
//
// Sources: https://learn.microsoft.com/graph/api/resources/internaldomainfederation and
// https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-o365-certs.
func keyRules() []rule {
	return []rule{
		{Rule{
			Name: "key-not-registered", Severity: SeverityError, AADSTS: "AADSTS5000811",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The identity provider signs with a key whose certificate the tenant does not have.",
		}, federated(lookKeyNotRegistered)},
		{Rule{
			Name: "key-registered-as-next", Severity: SeverityWarning, AADSTS: "AADSTS5000811",
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The identity provider signs with a key whose certificate is the tenant's nextSigningCertificate alone.",
		}, federated(lookKeyNext)},
		{Rule{
			Name: "idp-certificate-dates", Severity: SeverityError,
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "The identity provider's certificate for signing has expired, or is not valid yet.",
		}, federated(lookKeyDates)},
		{Rule{
			Name: "certificate-not-of-idp", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeDiagnose},
			Meaning:  "This program gave the tenant a certificate that the identity provider does not have any more.",
		}, lookLeftCertificate},
	}
}

// registered is a certificate that the tenant has.
type registered struct{ property, bare string }

// registered are the certificates that the tenant has, signingCertificate first.
func (c *Configuration) registered() []registered {
	all := []registered{
		{"signingCertificate", c.SigningCertificate}, {"nextSigningCertificate", c.NextSigningCertificate},
	}
	return slices.DeleteFunc(all, func(r registered) bool { return r.bare == "" })
}

// registeredAs is the property that has the certificate, or "".
func (c *Configuration) registeredAs(certificate *x509.Certificate) string {
	for _, r := range c.registered() {
		if sameCertificate(r.bare, bareCertificate(certificate)) {
			return r.property
		}
	}
	return ""
}

// renews is the property that has another certificate of the same key, or "".
func (c *Configuration) renews(certificate *x509.Certificate) string {
	for _, r := range c.registered() {
		if r.sameKey(certificate) {
			return r.property
		}
	}
	return ""
}

func (r registered) sameKey(other *x509.Certificate) bool {
	certificate, err := certificateOf(r.bare)
	return err == nil && bytes.Equal(certificate.RawSubjectPublicKeyInfo, other.RawSubjectPublicKeyInfo)
}

// signing is the certificate of the key that signs; nil if it is not known.
func (p *IdentityProvider) signing() *x509.Certificate {
	if len(p.Certificates) == 0 {
		return nil
	}
	return p.Certificates[0]
}

// keys shows the key that signs, and those that the tenant knows.
func (c *Configuration) keys(signing *x509.Certificate) []string {
	all := []string{"the identity provider signs with " + NewCertificateInfo(signing).String()}
	for _, r := range c.registered() {
		all = append(all, r.property+": "+describeCertificate(r.bare))
	}
	return all
}

func lookKeyNotRegistered(r Rule, x *examination, c *Configuration) []Finding {
	signing := x.idp.signing()
	if signing == nil || c.registeredAs(signing) != "" {
		return nil
	}
	realm := x.realmName()
	command, details := "plan "+realm, c.keys(signing)
	if property := c.renews(signing); property != "" {
		return one(r.finding(
			fmt.Sprintf("The identity provider signs with a certificate that %s does not have: its %s is another one of the "+
				"same key. Entra finds a key by its certificate.", realm, property),
			"Plan the domain with the present certificate.", command, details...).as(SeverityWarning))
	}
	summary := fmt.Sprintf("The identity provider signs with a key that %s does not know.", realm)
	i := slices.IndexFunc(x.idp.Certificates[1:], func(other *x509.Certificate) bool { return c.registeredAs(other) != "" })
	if i >= 0 {
		return one(r.finding(summary,
			"Make the identity provider sign with its other key again, which is known; or plan the domain with the "+
				"certificate of the key that signs.", command,
			append(details, "its other key is "+NewCertificateInfo(x.idp.Certificates[1+i]).String())...))
	}
	return one(r.finding(summary,
		"Plan the domain with the certificate of the key that signs. Next time, rotate: the certificate is registered "+
			"before its key signs.", command, details...))
}

func lookKeyNext(r Rule, x *examination, c *Configuration) []Finding {
	signing := x.idp.signing()
	if signing == nil || c.registeredAs(signing) != "nextSigningCertificate" {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("The identity provider signs with a key that %s has as nextSigningCertificate alone. It is not documented "+
			"that Entra accepts that one before the first one has expired.", x.realmName()),
		"Finish the rotation: its next step makes it the signingCertificate.", "rotate "+x.realmName(), c.keys(signing)...))
}

// lookKeyDates says nothing of a certificate that the domain itself has: certificate-expired and its like do.
func lookKeyDates(r Rule, x *examination, _ *Configuration) []Finding {
	signing := x.idp.signing()
	if signing == nil || x.configuration != nil && x.configuration.registeredAs(signing) != "" {
		return nil
	}
	remedy, command := "Rotate to a new key and certificate.", "rotate "+x.realmName()
	detail := NewCertificateInfo(signing).String()
	switch {
	case x.at.After(signing.NotAfter):
		return one(r.finding("The certificate of the key that signs has expired on "+day(signing.NotAfter)+".",
			remedy, command, detail))
	case x.at.Before(signing.NotBefore):
		return one(r.finding("The certificate of the key that signs is not valid before "+
			signing.NotBefore.UTC().Format(time.RFC3339)+".", remedy, command, detail))
	}
	return nil
}

// lookLeftCertificate is for certificates that this program put into the tenant; certificate-foreign is for the others.
func lookLeftCertificate(r Rule, x *examination) []Finding {
	if x.idp.signing() == nil || x.configuration == nil {
		return nil
	}
	var details []string
	for _, have := range x.configuration.registered() {
		known := slices.ContainsFunc(x.record.Certificates, func(c string) bool { return sameCertificate(c, have.bare) })
		if known && !slices.ContainsFunc(x.idp.Certificates, have.sameKey) {
			details = append(details, have.property+": "+describeCertificate(have.bare))
		}
	}
	if len(details) == 0 {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("The identity provider does not have the key of %s that this program gave to %s: it may be the one before "+
			"the last rotation.", count(len(details), "certificate", "certificates"), x.domain),
		"Where nobody uses the key any more, finish the rotation.", "rotate "+x.domain, details...))
}
