package keyfile

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Certificate reads a PEM file with one certificate and nothing else.
func Certificate(path string) (*x509.Certificate, error) {
	content, err := Read(path)
	if err != nil {
		return nil, err
	}
	block, err := onlyBlock(path, content)
	if err != nil {
		return nil, err
	}
	if block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%s holds a %s, not a CERTIFICATE", path, block.Type)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return certificate, nil
}

// onlyBlock returns the one PEM block of a file. Which of several was meant is not for the program to guess.
func onlyBlock(path string, content []byte) (*pem.Block, error) {
	block, rest := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM: it must begin with -----BEGIN", path)
	}
	if another, _ := pem.Decode(rest); another != nil {
		return nil, fmt.Errorf("%s holds more than one PEM block: give the signing certificate and its key in a file "+
			"each, without a chain", path)
	}
	return block, nil
}

// ValidAt says why a certificate is not valid at a time.
func ValidAt(certificate *x509.Certificate, now time.Time) error {
	switch {
	case now.Before(certificate.NotBefore):
		return fmt.Errorf("the certificate is valid only from %s", certificate.NotBefore.UTC().Format(time.RFC3339))
	case now.After(certificate.NotAfter):
		return fmt.Errorf("the certificate expired on %s: make a new one, and tell Entra before using it",
			certificate.NotAfter.UTC().Format(time.RFC3339))
	}
	return nil
}

// ParseCertificates reads all certificates of a PEM file, or one as base64 of DER, as Graph's signingCertificate has it,
// or as DER.
func ParseCertificates(raw []byte) ([]*x509.Certificate, error) {
	if bytes.Contains(raw, []byte("-----BEGIN")) {
		return parsePEM(raw)
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(raw)), ""))
	if err != nil {
		der = raw
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("neither PEM, nor base64, nor DER of a certificate: %w", err)
	}
	return []*x509.Certificate{certificate}, nil
}

func parsePEM(rest []byte) (found []*x509.Certificate, err error) {
	var block *pem.Block
	others := ""
	for {
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			others = block.Type
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		found = append(found, certificate)
	}
	switch {
	case len(found) == 0 && others != "":
		return nil, fmt.Errorf("it holds a %s and no CERTIFICATE; nothing here needs a private key", others)
	case len(found) == 0:
		return nil, errors.New("the PEM holds no CERTIFICATE")
	}
	return found, nil
}
