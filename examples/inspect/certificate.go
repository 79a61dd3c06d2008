package main

import (
	"crypto/x509"
	"fmt"

	"github.com/entrafed/entrafed/examples/internal/keyfile"
)

// readCertificates reads the files of -cert.
func (p program) readCertificates(files []string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, file := range files {
		raw, err := p.read(file)
		if err != nil {
			return nil, fmt.Errorf("-cert: %w", err)
		}
		found, err := keyfile.ParseCertificates(raw)
		if err != nil {
			return nil, fmt.Errorf("-cert %s: %w", file, err)
		}
		all = append(all, found...)
	}
	return all, nil
}
