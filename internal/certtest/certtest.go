// Package certtest makes keys and self-signed certificates for tests, and for the commands below internal that measure
// and show.
package certtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"
)

// RSA returns a new key. One of 2048 bits takes a noticeable part of a second: a package's tests make it once, in a
// [sync.OnceValue]. It panics if there is no key of that size.
func RSA(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return key
}

// SelfSigned returns a certificate of the key for a common name and a time, in which change may set more. It panics if
// there can be no such certificate.
func SelfSigned(key crypto.Signer, name string, from, until time.Time,
	change ...func(*x509.Certificate)) *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until,
	}
	for _, c := range change {
		c(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return certificate
}
