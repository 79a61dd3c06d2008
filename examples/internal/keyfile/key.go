package keyfile

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

const minKeyBits = 2048

// Key reads a PEM file with one RSA key that is not encrypted, and that only its owner may read.
func Key(path string) (*rsa.PrivateKey, error) {
	content, err := ReadPrivate(path)
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
