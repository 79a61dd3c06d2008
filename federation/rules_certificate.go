package federation

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// expiresSoon is how long before its end a certificate is spoken of.
const expiresSoon = 30 * 24 * time.Hour

// certificateRules look at the certificates: those of the settings for a plan, those of the tenant for a diagnosis.
func certificateRules() []rule {
	return []rule{
		{Rule{
			Name: "certificate-missing", Severity: SeverityError, AADSTS: "AADSTS5000811",
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose, PurposeFederateGuest},
			Meaning:  "A federation without a signing certificate is out of order, and may be impossible to change.",
		}, certificateMissing},
		{Rule{
			Name: "certificate-private-key", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate, PurposeFederateGuest},
			Meaning:  "A private key has no place in the settings.",
		}, certificatePrivateKey},
		{Rule{
			Name: "certificate-several", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate, PurposeFederateGuest},
			Meaning:  "Entra takes the one certificate of the key that signs, and no chain.",
		}, certificateSeveral},
		{Rule{
			Name: "certificate-unreadable", Severity: SeverityError, AADSTS: "AADSTS5000811",
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose, PurposeFederateGuest},
			Meaning:  "A certificate must be one of X.509.",
		}, certificateUnreadable},
		{Rule{
			Name: "certificate-not-rsa", Severity: SeverityError, AADSTS: "AADSTS5000811",
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose, PurposeFederateGuest},
			Meaning:  "The key of a certificate must be RSA: no other is known to work with Entra.",
		}, certificateNotRSA},
		{Rule{
			Name: "certificate-weak", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose, PurposeFederateGuest},
			Meaning:  "An RSA key must have at least 2048 bits.",
		}, certificateWeak},
		{Rule{
			Name: "certificate-sha1", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose, PurposeFederateGuest},
			Meaning:  "A certificate should not be signed with SHA-1 or MD5.",
		}, certificateSHA1},
		{Rule{
			Name: "certificate-expired", Severity: SeverityError, AADSTS: "AADSTS5000811",
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose, PurposeFederateGuest},
			Meaning:  "The signing certificate must not have expired.",
		}, certificateExpired},
		{Rule{
			Name: "certificate-not-yet-valid", Severity: SeverityError, AADSTS: "AADSTS5000811",
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose, PurposeFederateGuest},
			Meaning:  "The signing certificate must be valid already.",
		}, certificateNotYetValid},
		{Rule{
			Name: "certificate-expiring", Severity: SeverityWarning, AADSTS: "AADSTS5000811",
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "The signing certificate should be replaced 30 days before it expires.",
		}, certificateExpiring},
		{Rule{
			Name: "next-certificate-same", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "The next signing certificate must be another one than the present one.",
		}, nextCertificateSame},
		{Rule{
			Name: "next-certificate-expired", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "The next signing certificate must not have expired.",
		}, nextCertificateExpired},
	}
}

// slot is a certificate and where it stands.
type slot struct {
	name        string            // begins a sentence
	certificate *x509.Certificate // nil: it cannot be read
	err         error             // why not
	next        bool
	tenants     bool // the tenant has it already
}

// slots are the certificates that the rules look at.
func (x *examination) slots() []slot {
	var all []slot
	put := func(next, tenants bool, certificate *x509.Certificate, err error) {
		name := "The signing certificate"
		if next {
			name = "The next signing certificate"
		}
		all = append(all, slot{name, certificate, err, next, tenants})
	}
	putTenants := func(next bool, bare string) {
		if bare != "" {
			certificate, err := certificateOf(bare)
			put(next, true, certificate, err)
		}
	}
	if x.settings == nil {
		if c := x.configuration; c != nil {
			putTenants(false, c.SigningCertificate)
			putTenants(true, c.NextSigningCertificate)
		}
		return all
	}
	if raw := x.settings.SigningCertificate; len(raw) > 0 {
		certificate, err := readCertificate(raw)
		put(false, false, certificate, err)
	}
	if raw := x.settings.NextSigningCertificate; len(raw) > 0 {
		certificate, err := readCertificate(raw)
		put(true, false, certificate, err)
	} else {
		putTenants(true, x.keptNext())
	}
	return all
}

// forEach collects what look says of each certificate: a summary that goes on after its name, or nothing.
func (x *examination) forEach(r Rule, remedy, command string, look func(slot) string) []Finding {
	var found []Finding
	for _, s := range x.slots() {
		if said := look(s); said != "" {
			f := r.finding(s.name+" "+said+".", remedy, command)
			if s.certificate != nil {
				f.Details = []string{NewCertificateInfo(s.certificate).String()}
			}
			found = append(found, f)
		}
	}
	return found
}

func certificateMissing(r Rule, x *examination) []Finding {
	switch {
	case x.settings != nil && len(x.settings.SigningCertificate) == 0:
		f := r.finding("The settings lack the SigningCertificate.",
			"Set the certificate of the key with which the identity provider signs assertions.", "")
		f.AADSTS = "" // nothing is written, so nobody sees anything
		return one(f)
	case x.settings == nil && x.configuration != nil && x.configuration.SigningCertificate == "":
		return one(r.finding("The federation of "+x.domain+" has no signing certificate, so nobody can sign in.",
			"Plan and apply the settings with the certificate of the key that signs.", "plan "+x.domain))
	}
	return nil
}

func certificatePrivateKey(r Rule, x *examination) []Finding {
	return x.forEach(r, "Give the certificate alone. If the file was sent or stored anywhere on its way here, make a new key.",
		"", func(s slot) string {
			if errors.Is(s.err, errPrivateKey) {
				return "comes with a private key, and was not read"
			}
			return ""
		})
}

func certificateSeveral(r Rule, x *examination) []Finding {
	remedy := "Give the certificate of the key that signs assertions alone, without those of its issuers."
	if x.partner == nil {
		remedy += " A second key's belongs into NextSigningCertificate."
	}
	return x.forEach(r, remedy, "", func(s slot) string {
		if errors.Is(s.err, errSeveral) {
			return "is more than one"
		}
		return ""
	})
}

func certificateUnreadable(r Rule, x *examination) []Finding {
	return x.forEach(r, "Give an X.509 certificate as PEM or as DER.", "", func(s slot) string {
		if s.err == nil || errors.Is(s.err, errPrivateKey) || errors.Is(s.err, errSeveral) {
			return ""
		}
		return "cannot be read: " + s.err.Error()
	})
}

func certificateNotRSA(r Rule, x *examination) []Finding {
	return x.forEach(r, "Use a certificate with an RSA key of at least 2048 bits.", "", func(s slot) string {
		if s.certificate == nil || s.certificate.PublicKeyAlgorithm == x509.RSA {
			return ""
		}
		return "has no RSA key but one of " + s.certificate.PublicKeyAlgorithm.String()
	})
}

func certificateWeak(r Rule, x *examination) []Finding {
	return x.forEach(r, "Use a key of at least 2048 bits.", "", func(s slot) string {
		if s.certificate == nil {
			return ""
		}
		if key, isRSA := s.certificate.PublicKey.(*rsa.PublicKey); isRSA && key.N.BitLen() < leastKeyBits {
			return fmt.Sprintf("has a key of only %d bits", key.N.BitLen())
		}
		return ""
	})
}

func certificateSHA1(r Rule, x *examination) []Finding {
	return x.forEach(r, "Nothing has to be done: Entra knows the key and not who signed the certificate. Make the next one "+
		"with SHA-256.", "", func(s slot) string {
		if s.certificate == nil {
			return ""
		}
		switch a := s.certificate.SignatureAlgorithm; a {
		case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1, x509.MD5WithRSA, x509.MD2WithRSA:
			return "is signed with " + a.String()
		}
		return ""
	})
}

func certificateExpired(r Rule, x *examination) []Finding {
	return x.forEach(r, "Put a certificate that is valid into the identity provider and into the settings.", x.planAgain(),
		func(s slot) string {
			if s.certificate == nil || s.next || !x.at.After(s.certificate.NotAfter) {
				return ""
			}
			return "expired on " + day(s.certificate.NotAfter)
		})
}

func certificateNotYetValid(r Rule, x *examination) []Finding {
	return x.forEach(r, "Wait, or use a certificate that is valid already. Look at the clock of this machine, too.", "",
		func(s slot) string {
			if s.certificate == nil || s.next || !x.at.Before(s.certificate.NotBefore) {
				return ""
			}
			return "is not valid before " + day(s.certificate.NotBefore)
		})
}

func certificateExpiring(r Rule, x *examination) []Finding {
	return x.forEach(r, "Rotate the key before that day. Entra does not read a SAML identity provider's metadata, so nothing "+
		"happens by itself.", "rotate "+x.domain, func(s slot) string {
		if s.certificate == nil || s.next || x.at.After(s.certificate.NotAfter) {
			return ""
		}
		if left := s.certificate.NotAfter.Sub(x.at); left < expiresSoon {
			return "expires on " + day(s.certificate.NotAfter) + ", in " + count(int(left/(24*time.Hour)), "day", "days")
		}
		return ""
	})
}

func nextCertificateSame(r Rule, x *examination) []Finding {
	all := x.slots()
	if len(all) != 2 || all[0].certificate == nil || !all[0].certificate.Equal(all[1].certificate) {
		return nil
	}
	f := r.finding("The next signing certificate is the same as the present one.",
		"Leave the next one out until there is another key.", "", NewCertificateInfo(all[0].certificate).String())
	if all[1].tenants {
		f = f.as(SeverityWarning)
	}
	return one(f)
}

func nextCertificateExpired(r Rule, x *examination) []Finding {
	var found []Finding
	for _, s := range x.slots() {
		if !s.next || s.certificate == nil || !x.at.After(s.certificate.NotAfter) {
			continue
		}
		f := r.finding(fmt.Sprintf("%s expired on %s.", s.name, day(s.certificate.NotAfter)),
			"Leave it out, or use a newer one.", "", NewCertificateInfo(s.certificate).String())
		if s.tenants {
			f.Severity, f.Remedy = SeverityWarning, "Rotate to a newer one, or end the rotation that left it there."
			f.Command = "rotate " + x.domain
		}
		found = append(found, f)
	}
	return found
}

// planAgain is the command that makes the plan of a domain; guests have none.
func (x *examination) planAgain() string {
	if x.partner != nil {
		return ""
	}
	return "plan " + x.domain
}

// day is a date for people, in UTC.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
