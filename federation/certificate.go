package federation

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxCertificate, in bytes, is more than any certificate in use has.
const maxCertificate = 64 << 10

// Why a certificate is not taken. None of the texts has anything of what was read.
var (
	errNoCertificate  = errors.New("there is no certificate")
	errPrivateKey     = errors.New("there is a private key, which must never leave the identity provider")
	errSeveral        = errors.New("there is more than one certificate")
	errTooLarge       = fmt.Errorf("there are more than %d bytes", maxCertificate)
	errNotCertificate = errors.New("this is neither a certificate as PEM nor one as DER")
)

// ReadCertificate reads one certificate, as PEM or as DER, of at most 64 KiB. Text around the PEM is skipped. Anything that
// holds a private key is refused, also beside a certificate, and so is a chain; the error never has what was read.
func ReadCertificate(raw []byte) (*x509.Certificate, error) {
	certificate, err := readCertificate(raw)
	if err != nil {
		return nil, fmt.Errorf("federation: the certificate cannot be used: %w", err)
	}
	return certificate, nil
}

func readCertificate(raw []byte) (*x509.Certificate, error) {
	switch {
	case len(raw) > maxCertificate:
		return nil, errTooLarge
	case len(bytes.TrimSpace(raw)) == 0:
		return nil, errNoCertificate
	}
	if certificate, err := x509.ParseCertificate(raw); err == nil {
		return certificate, nil
	}
	if hasPrivateKey(raw) {
		return nil, errPrivateKey
	}
	return readPEM(raw)
}

// hasPrivateKey errs on the side of saying yes: a key that was cut in half is one, too.
func hasPrivateKey(raw []byte) bool {
	if bytes.Contains(raw, []byte("PRIVATE KEY")) {
		return true
	}
	_, pkcs8 := x509.ParsePKCS8PrivateKey(raw)
	_, pkcs1 := x509.ParsePKCS1PrivateKey(raw)
	_, sec1 := x509.ParseECPrivateKey(raw)
	return pkcs8 == nil || pkcs1 == nil || sec1 == nil
}

func readPEM(raw []byte) (*x509.Certificate, error) {
	var found []*x509.Certificate
	blocks := 0
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		blocks++
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%w: the PEM is a %q", errNotCertificate, block.Type)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNotCertificate, err)
		}
		found = append(found, certificate)
	}
	switch {
	case blocks != bytes.Count(raw, []byte("-----BEGIN")) || blocks == 0:
		return nil, errNotCertificate
	case len(found) > 1:
		return nil, errSeveral
	}
	return found[0], nil
}

// certificateOf reads a certificate as Graph has it: base64 of DER.
func certificateOf(bare string) (*x509.Certificate, error) {
	if len(bare) > 2*maxCertificate {
		return nil, errTooLarge
	}
	der, err := certificateBytes(bare)
	if err != nil {
		return nil, errNotCertificate
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotCertificate, err)
	}
	return certificate, nil
}

// bareCertificate is a certificate as Graph has it.
func bareCertificate(c *x509.Certificate) string { return base64.StdEncoding.EncodeToString(c.Raw) }

// certificateBytes is the DER of a certificate as Graph has it. The base64 may be broken into lines.
func certificateBytes(bare string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(bare), ""))
}

// sameCertificate compares two certificates as Graph has them.
func sameCertificate(a, b string) bool {
	one, err := certificateBytes(a)
	if err != nil {
		return a == b
	}
	other, err := certificateBytes(b)
	return err == nil && bytes.Equal(one, other)
}

// NewCertificateInfo describes a certificate.
func NewCertificateInfo(c *x509.Certificate) CertificateInfo {
	sum := sha256.Sum256(c.Raw)
	return CertificateInfo{
		Subject: subjectOf(c), SHA256: hex.EncodeToString(sum[:]), NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(),
	}
}

// longestSubject is how much of a subject is shown, in characters: whoever makes a certificate chooses it.
const longestSubject = 200

func subjectOf(c *x509.Certificate) string {
	subject := []rune(printable(c.Subject.String()))
	return string(subject[:min(len(subject), longestSubject)])
}

// String is one line, with nothing in it that a terminal would act on.
func (i CertificateInfo) String() string {
	if i.NotAfter.IsZero() {
		return "not a certificate, SHA-256 " + i.SHA256
	}
	subject := printable(i.Subject)
	if subject == "" {
		subject = "without a subject"
	}
	return fmt.Sprintf("%s, SHA-256 %s, valid from %s to %s",
		subject, i.SHA256, i.NotBefore.UTC().Format(time.DateOnly), i.NotAfter.UTC().Format(time.DateOnly))
}

// describeCertificate is a certificate as Graph has it, for people.
func describeCertificate(bare string) string {
	certificate, err := certificateOf(bare)
	if err != nil {
		return fmt.Sprintf("%d characters that are no certificate", len(bare))
	}
	return NewCertificateInfo(certificate).String()
}
