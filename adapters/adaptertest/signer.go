package adaptertest

import (
	"time"

	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/saml"
)

// newSigner makes a key and its certificate for the rules of one Run.
func newSigner() saml.Signer {
	key := certtest.RSA(2048)
	return saml.Signer{
		Key:         key,
		Certificate: certtest.SelfSigned(key, bridgeHost, time.Now().AddDate(-1, 0, 0), time.Now().AddDate(1, 0, 0)),
	}
}
