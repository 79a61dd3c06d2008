package federation

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// leastKeyBits is what a signing key must have at least.
const leastKeyBits = 2048

// certificateProperties are the properties that hold a certificate.
func certificateProperties() []string {
	return []string{"signingCertificate", "nextSigningCertificate"}
}

func isCertificate(property string) bool { return slices.Contains(certificateProperties(), property) }

// certificateName is a certificate for people, in the middle of a sentence: whose it is, until when, and how it begins.
func certificateName(bare string) string {
	der, err := certificateBytes(bare)
	if err != nil {
		return "that is not one"
	}
	fingerprint := sha256.Sum256(der)
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Sprintf("that cannot be read (SHA-256 %X…)", fingerprint[:8])
	}
	return fmt.Sprintf("%q until %s (SHA-256 %X…)", c.Subject, c.NotAfter.UTC().Format(time.DateOnly), fingerprint[:8])
}

// sentCertificate reads a certificate that is to be sent, exactly as it would be sent.
func sentCertificate(text string) (*x509.Certificate, *rsa.PublicKey, error) {
	if strings.Join(strings.Fields(text), "") != text {
		return nil, nil, errors.New("it is not base64 of DER in one line")
	}
	c, err := certificateOf(text)
	if err != nil {
		return nil, nil, fmt.Errorf("it is not a certificate: %w", err)
	}
	key, isRSA := c.PublicKey.(*rsa.PublicKey)
	if !isRSA {
		return nil, nil, fmt.Errorf("its key is %s, and Entra verifies RSA only", c.PublicKeyAlgorithm)
	}
	return c, key, nil
}

// checkSigningCertificate says why Entra could not accept what is signed with the certificate's key.
func checkSigningCertificate(text string, now time.Time) error {
	c, key, err := sentCertificate(text)
	switch {
	case err != nil:
		return err
	case key.N.BitLen() < leastKeyBits:
		return fmt.Errorf("its RSA key has %d bits, and %d are the least", key.N.BitLen(), leastKeyBits)
	case now.After(c.NotAfter):
		return fmt.Errorf("it expired on %s", c.NotAfter.UTC().Format(time.DateOnly))
	}
	return nil
}

// checkBody says what is wrong with what a write would send about a federation. Graph has left a domain that was federated
// without a certificate in a state in which it can neither be used nor be mended, so that is never sent.
func checkBody(w Write, now time.Time) error {
	if w.Operation == CreateConfiguration || w.Operation == CreateGuests {
		for _, name := range []string{"issuerUri", "passiveSignInUri", "signingCertificate"} {
			if text, _ := w.Body[name].(string); text == "" {
				return fmt.Errorf("it would create a federation without %s", name)
			}
		}
	}
	if value, sent := w.Body["signingCertificate"]; sent {
		text, _ := value.(string)
		if err := checkSigningCertificate(text, now); err != nil {
			return fmt.Errorf("its signingCertificate cannot be used: %w", err)
		}
	}
	// The next one may be one that signed before: old, and small.
	if value := w.Body["nextSigningCertificate"]; value != nil {
		text, _ := value.(string)
		if _, _, err := sentCertificate(text); err != nil {
			return fmt.Errorf("its nextSigningCertificate cannot be used: %w", err)
		}
	}
	return nil
}
