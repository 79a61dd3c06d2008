package main

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
)

// floorSignature is what cannot be saved: one RSA signature over 32 bytes.
func floorSignature(key *rsa.PrivateKey) func() ([]byte, error) {
	digest := sha256.Sum256([]byte("any 32 bytes"))
	return func() ([]byte, error) { return rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:]) }
}

func floor(key *rsa.PrivateKey) operation {
	sign := floorSignature(key)
	return func() error {
		_, err := sign()
		return err
	}
}
