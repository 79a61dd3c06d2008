package saml

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/entrafed/entrafed/internal/dsig"
)

// Signer is a key and its certificate. The key may live in a file, a KMS or an HSM; it must be RSA with at least 2048
// bits, and safe for concurrent use. The zero Signer is none.
type Signer struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
}

func (s Signer) isZero() bool { return s.Key == nil && s.Certificate == nil }

// keys are the key that signs and the one that is announced beside it. They are replaced as a whole, so that a response
// under way is signed with the key that it began with.
type keys struct {
	active, next             Signer
	signer                   *dsig.Signer // with the active key
	activeBase64, nextBase64 string       // the certificates, for metadata
}

func (p *provider) newKeys(active, next Signer) (*keys, error) {
	k := &keys{active: active, next: next}
	var errs []error
	add := func(field string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", field, err))
		}
	}
	now := p.now()
	add("Signer", dsig.Check(active.Key, active.Certificate))
	add("Signer", validAt(active.Certificate, now))
	if !next.isZero() {
		add("NextSigner", dsig.Check(next.Key, next.Certificate))
		add("NextSigner", notExpired(next.Certificate, now))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	k.signer = dsig.NewSigner(active.Key, active.Certificate, p.rand)
	k.activeBase64 = base64.StdEncoding.EncodeToString(active.Certificate.Raw)
	if !next.isZero() {
		k.nextBase64 = base64.StdEncoding.EncodeToString(next.Certificate.Raw)
	}
	return k, nil
}

// Certificates returns the certificate of the key that signs, and that of the next key or of the one that signed before, or
// nil if there is none. Both must be known to Entra before the other key signs: as signingCertificate and
// nextSigningCertificate of the domain's federation. Nobody is asked, and err is always nil: with
// [IdentityProvider.Switch], this is what a rotation of package federation needs.
func (p *provider) Certificates(context.Context) (active, other *x509.Certificate, err error) {
	k := p.keys.Load()
	return k.active.Certificate, k.next.Certificate, nil
}

// SetNextSigner announces the key that will sign after the present one, or with the zero Signer withdraws it. Metadata
// shows its certificate from now on. Its certificate may become valid later, but not have expired. It is safe while
// requests are in flight. The error lists what is wrong with the key, and nothing has changed then.
func (p *provider) SetNextSigner(next Signer) error {
	p.keysMu.Lock()
	defer p.keysMu.Unlock()
	k, err := p.newKeys(p.keys.Load().active, next)
	if err != nil {
		return fmt.Errorf("saml: the next key is not announced: %w", err)
	}
	p.keys.Store(k)
	return nil
}

// ErrUnknownSigner: the certificate is that of neither key. For errors.Is.
var ErrUnknownSigner = errors.New("saml: no key has this certificate: announce it with SetNextSigner first")

// Switch makes the key of this certificate sign from now on: that of the next key, or of the one that signed before. Where it
// signs already, nothing is done, so that a call whose outcome is not known may be made again. The key that signed until now
// stays in metadata, as the way back: withdraw it with SetNextSigner once nothing needs it. One whose certificate has expired
// is dropped at once.
//
// It is safe while requests are in flight: each response is signed entirely with one of the two keys. Entra must
// know the certificate already, or it refuses what follows with AADSTS5000811. The error matches [ErrUnknownSigner], or says
// that the certificate is not valid yet or no more; nothing has changed then.
func (p *provider) Switch(_ context.Context, certificate *x509.Certificate) error {
	p.keysMu.Lock()
	defer p.keysMu.Unlock()
	present := p.keys.Load()
	switch {
	case certificate == nil:
		return ErrUnknownSigner
	case certificate.Equal(present.active.Certificate):
		return nil
	case !certificate.Equal(present.next.Certificate):
		return ErrUnknownSigner
	}
	// The old key may have expired meanwhile, which is no reason to stay with it: it is dropped then.
	old := present.active
	if notExpired(old.Certificate, p.now()) != nil {
		old = Signer{}
	}
	k, err := p.newKeys(present.next, old)
	if err != nil {
		return fmt.Errorf("saml: the next key cannot sign: %w", err)
	}
	p.keys.Store(k)
	return nil
}

// validAt refuses a certificate outside its validity, because Entra would refuse what it signs.
func validAt(certificate *x509.Certificate, now time.Time) error {
	if certificate != nil && now.Before(certificate.NotBefore) {
		return fmt.Errorf("the certificate is valid only from %s", certificate.NotBefore.UTC().Format(time.RFC3339))
	}
	return notExpired(certificate, now)
}

func notExpired(certificate *x509.Certificate, now time.Time) error {
	if certificate != nil && now.After(certificate.NotAfter) {
		return fmt.Errorf("the certificate expired on %s: make a new one and register it with Entra first",
			certificate.NotAfter.UTC().Format(time.RFC3339))
	}
	return nil // a missing one is reported with the key
}
