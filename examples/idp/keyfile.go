package main

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"time"
)

const maxFile = 8 << 20 // bytes; larger files are mistaken for something else

// readFile reads a file of the configuration.
func readFile(path string) ([]byte, error) { return readGuarded(path, 0, "") }

// readPrivateFile reads a file with a private key, and refuses one that others may read.
func readPrivateFile(path string) ([]byte, error) {
	return readGuarded(path, 0o077, "a private key is for its owner alone: chmod 600 "+path)
}

// readGuarded reads a file if none of the forbidden permission bits is set. It looks at the open file, which cannot be
// exchanged between the look and the reading.
func readGuarded(path string, forbidden fs.FileMode, remedy string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", path)
	case info.Mode().Perm()&forbidden != 0 && runtime.GOOS != "windows": // where these bits say nothing
		return nil, fmt.Errorf("%s has the mode %04o: %s", path, info.Mode().Perm(), remedy)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = fmt.Errorf("%s is larger than %d MiB", path, maxFile>>20)
	}
	return content, err
}

func readSigningCertificate(e *environment, now time.Time) *x509.Certificate {
	path := e.required(varCertificate)
	if path == "" {
		return nil
	}
	certificate, err := loadCertificate(path)
	if err == nil {
		err = validAt(certificate, now)
	}
	if err != nil {
		e.check(varCertificate, err)
		return nil
	}
	return certificate
}

func loadCertificate(path string) (*x509.Certificate, error) {
	content, err := readFile(path)
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

func validAt(certificate *x509.Certificate, now time.Time) error {
	switch {
	case now.Before(certificate.NotBefore):
		return fmt.Errorf("the certificate is valid only from %s", certificate.NotBefore.UTC().Format(time.RFC3339))
	case now.After(certificate.NotAfter):
		return fmt.Errorf("the certificate expired on %s: make a new one, and tell Entra before using it",
			certificate.NotAfter.UTC().Format(time.RFC3339))
	}
	return nil
}

// readSigningKey reads the key and compares it with the certificate, if there is one.
func readSigningKey(e *environment, certificate *x509.Certificate) crypto.Signer {
	path := e.required(varKey)
	if path == "" {
		return nil
	}
	key, err := loadKey(path)
	if err == nil && certificate != nil && !key.PublicKey.Equal(certificate.PublicKey) {
		err = fmt.Errorf("%s is not the key of the certificate in %s: give the two that were made together", path,
			varCertificate)
	}
	if err != nil {
		e.check(varKey, err)
		return nil
	}
	return key
}

const minKeyBits = 2048

func loadKey(path string) (*rsa.PrivateKey, error) {
	content, err := readPrivateFile(path)
	if err != nil {
		return nil, err
	}
	block, err := onlyBlock(path, content)
	if err != nil {
		return nil, err
	}
	parsed, err := parseKey(block)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds a key of type %T: Entra accepts RSA only", path, parsed)
	}
	if bits := key.N.BitLen(); bits < minKeyBits {
		return nil, fmt.Errorf("%s has %d bits: at least %d are needed", path, bits, minKeyBits)
	}
	return key, nil
}

func parseKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		if block.Headers["DEK-Info"] != "" {
			return nil, errEncryptedKey
		}
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errEncryptedKey
	case "EC PRIVATE KEY":
		return nil, errors.New("it holds an elliptic-curve key: Entra accepts RSA only")
	}
	return nil, fmt.Errorf("it holds a %s, not a PRIVATE KEY (PKCS#8) or an RSA PRIVATE KEY (PKCS#1)", block.Type)
}

var errEncryptedKey = errors.New("the key is encrypted, and nobody is there to type its password: decrypt it with " +
	"openssl pkey, and let the file's permissions protect it")
