package federation

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"time"
)

// keyCertificate is a certificate of a signing key, as the tenant or the identity provider has it. Nil is none.
type keyCertificate struct {
	der  []byte
	read *x509.Certificate // nil: it cannot be read
}

// tenantCertificate is what a property of a configuration holds.
func tenantCertificate(text string) *keyCertificate {
	if text == "" {
		return nil
	}
	der, err := certificateBytes(text)
	if err != nil {
		return &keyCertificate{der: []byte(text)}
	}
	read, err := x509.ParseCertificate(der)
	if err != nil {
		return &keyCertificate{der: der}
	}
	return &keyCertificate{der, read}
}

func providerCertificate(c *x509.Certificate) *keyCertificate {
	if c == nil {
		return nil
	}
	return &keyCertificate{c.Raw, c}
}

// is reports whether both are the same certificate. Entra finds the key by the certificate, so another certificate of the
// same key is another one.
func (c *keyCertificate) is(other *keyCertificate) bool {
	return c != nil && other != nil && bytes.Equal(c.der, other.der)
}

// text is the certificate as Graph and the record have it; "" is none.
func (c *keyCertificate) text() string {
	if c == nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(c.der)
}

func (c *keyCertificate) hasKeyOf(other *keyCertificate) bool {
	return c.read != nil && other != nil && other.read != nil &&
		bytes.Equal(c.read.RawSubjectPublicKeyInfo, other.read.RawSubjectPublicKeyInfo)
}

func (c *keyCertificate) expiredAt(t time.Time) bool {
	return c != nil && c.read != nil && t.After(c.read.NotAfter)
}

func (c *keyCertificate) begunAt(t time.Time) bool {
	return c.read != nil && !t.Before(c.read.NotBefore)
}

// expiry is the first second in which it is not valid any more.
func (c *keyCertificate) expiry() time.Time { return c.read.NotAfter.UTC().Add(time.Second) }

// age compares which of two certificates was made first: the later the greater.
func (c *keyCertificate) age(other *keyCertificate) int {
	if c.read == nil || other.read == nil {
		return 0
	}
	if made := c.read.NotBefore.Compare(other.read.NotBefore); made != 0 {
		return made
	}
	return c.read.NotAfter.Compare(other.read.NotAfter)
}

func (c *keyCertificate) info() *CertificateInfo {
	if c == nil {
		return nil
	}
	info := CertificateInfo{SHA256: fmt.Sprintf("%x", sha256.Sum256(c.der))}
	if c.read != nil {
		info = NewCertificateInfo(c.read)
	}
	return &info
}

// String names the certificate in a sentence.
func (c *keyCertificate) String() string {
	if c == nil {
		return "no certificate"
	}
	info := c.info()
	subject := info.Subject
	if subject == "" {
		subject = "a certificate without a name"
		if c.read == nil {
			subject = "something that is no certificate"
		}
	}
	return fmt.Sprintf("%s (SHA-256 %s…)", subject, info.SHA256[:16])
}

// unfit says why the key of the certificate cannot follow that of old, at a time and for as long as a rotation takes.
func (c *keyCertificate) unfit(old *keyCertificate, now time.Time) []hindrance {
	if c.hasKeyOf(old) {
		return []hindrance{{kind: ErrNoNextKey, text: fmt.Sprintf(
			"%s has the same key as %s: make a new key, or plan with the new certificate of the old one", c, old)}}
	}
	var all []hindrance
	refuse := func(format string, args ...any) {
		all = append(all, hindrance{kind: ErrLockout, text: fmt.Sprintf(format, args...)})
	}
	switch key, isRSA := c.read.PublicKey.(*rsa.PublicKey); {
	case !isRSA:
		refuse("%s has no RSA key: Entra verifies assertions with RSA only", c)
	case key.N.BitLen() < leastKeyBits:
		refuse("%s has a key of %d bits: make one with at least %d", c, key.N.BitLen(), leastKeyBits)
	}
	switch {
	case c.expiredAt(now):
		refuse("%s expired on %s: make a new one", c, date(c.read.NotAfter))
	case c.expiredAt(now.Add(2 * RotationOverlap)):
		refuse("%s expires on %s, before its rotation could end: make a new one", c, date(c.read.NotAfter))
	case !c.begunAt(now):
		all = append(all, hindrance{kind: ErrTooEarly, until: c.read.NotBefore,
			text: fmt.Sprintf("%s is valid only from %s", c, date(c.read.NotBefore))})
	}
	return all
}

func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
