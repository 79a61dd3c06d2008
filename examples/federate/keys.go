package main

import (
	"context"
	"crypto/x509"
	"errors"
)

// Certificates implements [federation.Keys]: the flags, or the metadata that they name, say which key signs. It is no
// Switcher: the identity provider's operator changes the key.
func (s *session) Certificates(ctx context.Context) (active, other *x509.Certificate, err error) {
	idp, err := s.identityProvider(ctx)
	switch {
	case err != nil:
		return nil, nil, err
	case len(idp.Certificates) == 0:
		return nil, nil, errNoKeys
	case len(idp.Certificates) == 1:
		return idp.Certificates[0], nil, nil
	}
	return idp.Certificates[0], idp.Certificates[1], nil
}

// errNoKeys is a command line that does not say which key signs.
var errNoKeys = errors.New("say which key signs: by -certificate, and -next-certificate for the one to come, or by -metadata, " +
	"of which the first certificate is taken for the one that signs")
