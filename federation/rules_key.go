package federation

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
)

// keyRules compare the keys of the identity provider with the certificates that the tenant has.
//
// Sources: https://learn.microsoft.com/graph/api/resources/internaldomainfederation and
// https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-o365-certs.
func keyRules() []rule {
	return []rule{
		{Rule{
			Name: "key-not-registered", Severity: SeverityError, AADSTS: "AADSTS5000811", Diagnose: true,
			Meaning: "The identity provider signs with a key whose certificate the tenant does not have.",
		}, federated(lookKeyNotRegistered)},
		{Rule{
			Name: "key-registered-as-next", Severity: SeverityWarning, AADSTS: "AADSTS5000811", Diagnose: true,
			Meaning: "The identity provider signs with a key whose certificate is the tenant's nextSigningCertificate alone.",
		}, federated(lookKeyNext)},
		{Rule{
			Name: "key-certificate-dates", Severity: SeverityError, Diagnose: true,
			Meaning: "The certificate of the key that signs has expired, or is not valid yet.",
		}, federated(lookKeyDates)},
		{Rule{
			Name: "certificate-not-of-idp", Severity: SeverityWarning, Diagnose: true,
			Meaning: "The tenant has a certificate that is none of the identity provider's.",
		}, federated(lookForeignKeys)},
	}
}

// registration is a certificate that the tenant has.
type registration struct {
	property    string
	der         []byte            // nil if it is not base64
	certificate *x509.Certificate // nil if it is not one
}

// registrations are the certificates that the tenant has for a domain, signingCertificate first.
func (c *Configuration) registrations() []registration {
	var all []registration
	for _, p := range []struct{ name, value string }{
		{"signingCertificate", c.SigningCertificate}, {"nextSigningCertificate", c.NextSigningCertificate},
	} {
		if p.value == "" {
			continue
		}
		r := registration{property: p.name}
		r.der, _ = base64.StdEncoding.DecodeString(p.value) // line breaks are ignored
		r.certificate, _ = x509.ParseCertificate(r.der)
		all = append(all, r)
	}
	return all
}

// registeredAs is the property that has the certificate, or "".
func (c *Configuration) registeredAs(certificate *x509.Certificate) string {
	for _, r := range c.registrations() {
		if bytes.Equal(r.der, certificate.Raw) {
			return r.property
		}
	}
	return ""
}

// renews is the property that has another certificate of the same key, or "".
func (c *Configuration) renews(certificate *x509.Certificate) string {
	for _, r := range c.registrations() {
		if r.certificate != nil && bytes.Equal(r.certificate.RawSubjectPublicKeyInfo, certificate.RawSubjectPublicKeyInfo) {
			return r.property
		}
	}
	return ""
}

// signing is the certificate of the key that signs; nil if it is not known.
func (p *IdentityProvider) signing() *x509.Certificate {
	if len(p.Certificates) == 0 {
		return nil
	}
	return p.Certificates[0]
}

func lookKeyNotRegistered(r Rule, x *examination, c *Configuration) []Finding {
	signing := x.idp.signing()
	if signing == nil || c.registeredAs(signing) != "" {
		return nil
	}
	realm := x.realmName()
	summary := fmt.Sprintf("The identity provider signs with the key of %s, which %s does not have.", described(signing), realm)
	var details []string
	for _, have := range c.registrations() {
		details = append(details, fmt.Sprintf("%s: %s", have.property, have.described()))
	}
	if property := c.renews(signing); property != "" {
		r.Severity = SeverityWarning
		return one(r.finding(
			fmt.Sprintf("The identity provider signs with the key of %s. The %s of %s is another certificate of the same "+
				"key, and Entra finds a key by its certificate.", described(signing), property, realm),
			"Plan the domain with the present certificate.", "plan "+realm, details...))
	}
	i := slices.IndexFunc(x.idp.Certificates[1:], func(other *x509.Certificate) bool { return c.registeredAs(other) != "" })
	if i >= 0 {
		return one(r.finding(summary,
			fmt.Sprintf("Sign with the key of %s again, which %s has; or plan the domain with the certificate of the key "+
				"that signs.", described(x.idp.Certificates[1+i]), realm), "plan "+realm, details...))
	}
	return one(r.finding(summary,
		"Plan the domain with the certificate of the key that signs. Next time, rotate: the certificate is registered "+
			"before its key signs.", "plan "+realm, details...))
}

func lookKeyNext(r Rule, x *examination, c *Configuration) []Finding {
	signing := x.idp.signing()
	if signing == nil || c.registeredAs(signing) != "nextSigningCertificate" {
		return nil
	}
	return one(r.finding(
		fmt.Sprintf("The identity provider signs with the key of %s, which %s has as nextSigningCertificate alone. It is not "+
			"documented that Entra accepts that one before the first one has expired.", described(signing), x.realmName()),
		"Finish the rotation: its next step makes it the signingCertificate.", "rotate "+x.realmName()))
}

func lookKeyDates(r Rule, x *examination, c *Configuration) []Finding {
	signing := x.idp.signing()
	if signing == nil {
		return nil
	}
	remedy, command := "Rotate to a new key and certificate.", "rotate "+x.realmName()
	var details []string
	if property := c.registeredAs(signing); property != "" {
		details = append(details, fmt.Sprintf("it is the %s of %s", property, x.realmName()))
	}
	switch {
	case x.at.After(signing.NotAfter):
		return one(r.finding(
			fmt.Sprintf("The certificate of the key that signs, %s, has expired on %s.", described(signing),
				day(signing.NotAfter)), remedy, command, details...))
	case x.at.Before(signing.NotBefore):
		return one(r.finding(
			fmt.Sprintf("The certificate of the key that signs, %s, is not valid before %s.", described(signing),
				signing.NotBefore.UTC().Format(time.RFC3339)), remedy, command, details...))
	}
	return nil
}

func lookForeignKeys(r Rule, x *examination, c *Configuration) []Finding {
	if x.idp.signing() == nil {
		return nil
	}
	var all []Finding
	for _, have := range c.registrations() {
		if slices.ContainsFunc(x.idp.Certificates, func(other *x509.Certificate) bool {
			return bytes.Equal(other.Raw, have.der) || have.certificate != nil &&
				bytes.Equal(other.RawSubjectPublicKeyInfo, have.certificate.RawSubjectPublicKeyInfo)
		}) {
			continue
		}
		rule, origin := r, "Whoever has its key can sign in as anybody in the domain."
		if slices.Contains(x.record.Certificates, base64.StdEncoding.EncodeToString(have.der)) {
			rule.Severity, origin = SeverityNotice, "This program registered it: it may be the key before the last rotation."
		}
		all = append(all, rule.finding(
			fmt.Sprintf("The %s of %s, %s, is none of the identity provider's. %s", have.property, x.realmName(),
				have.described(), origin),
			"If nobody needs it, plan the domain without it.", "plan "+x.realmName()))
	}
	return all
}

func (r registration) described() string {
	if r.certificate == nil {
		return "which is not a certificate"
	}
	return described(r.certificate)
}

// described is a certificate in a sentence: its subject and the beginning of its SHA-256 fingerprint.
func described(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	name := strings.ToValidUTF8(c.Subject.String(), "?")
	return fmt.Sprintf("%q (SHA-256 %x…)", name, sum[:8])
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
