package main

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// readCertificates reads the files of -cert.
func (p program) readCertificates(files []string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, file := range files {
		raw, err := p.read(file)
		if err != nil {
			return nil, fmt.Errorf("-cert: %w", err)
		}
		found, err := parseCertificates(raw)
		if err != nil {
			return nil, fmt.Errorf("-cert %s: %w", file, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// parseCertificates reads PEM, base64 of DER as Graph's signingCertificate has it, or DER.
func parseCertificates(raw []byte) ([]*x509.Certificate, error) {
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
