package federation

import (
	"context"
	"crypto/x509"
	"errors"
	"time"
)

// Keys is the identity provider whose signing key is replaced. Its methods must be safe for concurrent use. A
// [github.com/entrafed/entrafed/saml.IdentityProvider] is one, and a Switcher.
type Keys interface {
	// Certificates returns the certificate of the key that signs assertions now, and of the one that will sign next or that
	// signed before; nil if there is none. Of an identity provider with several instances, the first is that of the key
	// that all of them sign with.
	Certificates(ctx context.Context) (active, other *x509.Certificate, err error)
}

// Switcher is a [Keys] that can be told to sign with the other key. Keys that the identity provider's operator changes by
// hand are none: the rotation then waits until Certificates says that it was done.
type Switcher interface {
	// Switch makes the key of this certificate the one that signs. Where it signs already, it does nothing: a call whose
	// answer was lost is made again, and two processes may make it at once.
	Switch(ctx context.Context, certificate *x509.Certificate) error
}

// RotationRecord is a change of key under way, as it is kept in the [Store]. It has the times; the stage is what the tenant
// and the identity provider show. A time that is not known makes the wait begin anew.
type RotationRecord struct {
	Old         string    `json:"old"` // base64 of DER
	New         string    `json:"new"`
	AnnouncedAt time.Time `json:"announcedAt,omitzero"` // when the tenant had the new certificate, or was first seen with it
	SwitchedAt  time.Time `json:"switchedAt,omitzero"`  // when the identity provider was told to sign with it, or seen doing so
	PromotedAt  time.Time `json:"promotedAt,omitzero"`  // when it was the signingCertificate, or first seen as that

	// Abandoned says that Old is a certificate that was to come and is withdrawn, and New the one that stays.
	Abandoned bool `json:"abandoned,omitempty"`
}

// hasSwitched reports whether the key of New signs: it was told to, or its certificate is the first one.
func (r *RotationRecord) hasSwitched() bool { return !r.SwitchedAt.IsZero() || !r.PromotedAt.IsZero() }

// RotationStage is how far a rotation has come.
type RotationStage string

// The stages, in their order. Each is left by one step.
//
// The key is switched before its certificate is made the first one, because that is the order in which the first change
// that people can notice is also the one that can be taken back at once, at the identity provider. The documentation calls
// nextSigningCertificate a fallback for the time when the first certificate has expired; a test that was accepted into it
// later found that both are accepted at any time:
// https://github.com/microsoftgraph/microsoft-graph-docs-contrib/pull/8799. If both are, nobody is refused in either order.
// If only the first were, somebody would be refused in either order, from the first of the two changes until Entra acts on
// both; then a change of the tenant's would take up to two hours to take back. A sign-in with the new key before everybody
// gets it, where the identity provider can do that, is what tells.
const (
	// RotationIdle: the first certificate is that of the key that signs, and Entra does not know the next one. The step
	// announces it.
	RotationIdle RotationStage = "idle"
	// RotationAnnounced: Entra knows both certificates, and the old key signs. The step makes the identity provider sign
	// with the new key, once [RotationOverlap] has passed or the old certificate has expired.
	RotationAnnounced RotationStage = "announced"
	// RotationSwitched: the key of the second certificate signs. The step makes that the first one and the old one the
	// second, so that going back is still possible. It should be made at once.
	RotationSwitched RotationStage = "switched"
	// RotationPromoted: the new certificate is the first. The step removes the old one, once RotationOverlap has passed.
	RotationPromoted RotationStage = "promoted"
	// RotationBroken: the key that signs is not one that Entra knows, or its certificate has expired and there is no other
	// to change to. People cannot sign in; no step leads out, a new plan does.
	RotationBroken RotationStage = "broken"
)

// RotationOverlap, two hours, is how long a step waits for the one before it to be known everywhere. It is the time that
// Microsoft gives for changes of a federation:
// https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp.
const RotationOverlap = 2 * time.Hour

// Why a step is not made, for errors.Is, beside [ErrTooEarly] and [ErrLockout].
var (
	// ErrNoNextKey: the identity provider has no key to change to. This is also so when a rotation is complete.
	ErrNoNextKey = errors.New("federation: there is no next key")

	// ErrByHand: the next step is to be made at the identity provider, which is no [Switcher].
	ErrByHand = errors.New("federation: the identity provider's operator must make the next step")
)

// EventSwitched is the event of a rotation that tells that the identity provider signs with the other key.
const EventSwitched EventKind = "switched"

// RotationStatus says which stage a rotation is in, and what may be done. Printing it shows that.
type RotationStatus struct {
	Domain string        `json:"domain"`
	Stage  RotationStage `json:"stage"`

	// Next says what the next step does, in a sentence; empty where there is none.
	Next string `json:"next,omitempty"`

	// Allowed says that [Federator.RotateStep] may make the step now. Otherwise Reasons say why not. What Reasons say
	// beside that is a warning, such as of a certificate that expires too soon.
	Allowed bool     `json:"allowed"`
	Reasons []string `json:"reasons,omitempty"`

	// NotBefore is when the step may be made, if time is what it waits for.
	NotBefore time.Time `json:"notBefore,omitzero"`

	// Plan is what the step writes to the tenant; nil where it writes nothing, or may not be made now. It is for reading:
	// RotateStep also looks at the identity provider, which [Federator.Apply] does not.
	Plan *Plan `json:"plan,omitempty"`

	// Signing and Other are the certificates of the identity provider: of the key that signs, and of its other one. First
	// and Second are the tenant's signingCertificate and nextSigningCertificate.
	Signing CertificateInfo  `json:"signing"`
	Other   *CertificateInfo `json:"other,omitempty"`
	First   CertificateInfo  `json:"first"`
	Second  *CertificateInfo `json:"second,omitempty"`
}

// CertificateInfo is a certificate, for people.
type CertificateInfo struct {
	Subject   string    `json:"subject"` // empty if the certificate cannot be read
	SHA256    string    `json:"sha256"`  // of the DER, in hexadecimal
	NotBefore time.Time `json:"notBefore,omitzero"`
	NotAfter  time.Time `json:"notAfter,omitzero"`
}

// RotationStatus reads the tenant and asks the identity provider, and changes nothing. The stage follows from what they
// show; the times are those that [Federator.RotateStep] put into the [Store].
//
// The error is for a tenant or an identity provider that could not be asked. It matches [ErrNotFound] for a domain that has
// no federation of its own.
func (f *Federator) RotationStatus(ctx context.Context, domain string, keys Keys) (RotationStatus, error) {
	r, err := f.rotation(ctx, domain, keys)
	if err != nil {
		return RotationStatus{}, err
	}
	return f.statusOf(r)
}
