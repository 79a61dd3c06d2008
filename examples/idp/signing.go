package main

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/examples/internal/keyfile"
)

func readSigningCertificate(e *environment.Variables, now time.Time) *x509.Certificate {
	path := e.Required(varCertificate)
	if path == "" {
		return nil
	}
	certificate, err := keyfile.Certificate(path)
	if err == nil {
		err = keyfile.ValidAt(certificate, now)
	}
	if err != nil {
		e.Check(varCertificate, err)
		return nil
	}
	return certificate
}

// readSigningKey reads the key and compares it with the certificate, if there is one.
func readSigningKey(e *environment.Variables, certificate *x509.Certificate) crypto.Signer {
	path := e.Required(varKey)
	if path == "" {
		return nil
	}
	key, err := keyfile.Key(path)
	if err == nil && certificate != nil && !key.PublicKey.Equal(certificate.PublicKey) {
		err = fmt.Errorf("%s is not the key of the certificate in %s: give the two that were made together", path,
			varCertificate)
	}
	if err != nil {
		e.Check(varKey, err)
		return nil
	}
	return key
}
