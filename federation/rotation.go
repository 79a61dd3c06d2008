package federation

import (
	"context"
	"crypto/x509"
	"time"
)

// Keys is the identity provider whose signing key is replaced.
type Keys interface {
	// Certificates returns the certificate of the key that signs assertions now, and of the one that will sign next or that
	// signed before; nil if there is none.
	Certificates(ctx context.Context) (active, other *x509.Certificate, err error)
}

// Switcher is a [Keys] that can be told to sign with the other key. Where the identity provider's operator does that by
// hand, it is not implemented, and the rotation waits until Certificates says that it was done.
type Switcher interface {
	// Switch makes the other key the one that signs.
	Switch(ctx context.Context) error
}

// RotationRecord is a change of key under way, as it is kept in the [Store].
type RotationRecord struct {
	Old         string    `json:"old"` // base64 of DER
	New         string    `json:"new"`
	AnnouncedAt time.Time `json:"announcedAt,omitzero"` // when Entra was told of the new certificate
	SwitchedAt  time.Time `json:"switchedAt,omitzero"`  // when the identity provider was seen signing with it
	PromotedAt  time.Time `json:"promotedAt,omitzero"`  // when it became the signingCertificate
}

// RotationStage is how far a rotation has come.
type RotationStage string

// The stages, in their order. Each is left by one step.
const (
	// RotationIdle: Entra knows one certificate, and it is that of the key that signs. The step announces the next one.
	RotationIdle RotationStage = "idle"
	// RotationAnnounced: Entra knows both certificates. The step makes the identity provider sign with the new key, once
	// [RotationOverlap] has passed.
	RotationAnnounced RotationStage = "announced"
	// RotationSwitched: the new key signs. The step makes its certificate the first one and the old one the second, so that
	// going back is still possible.
	RotationSwitched RotationStage = "switched"
	// RotationPromoted: the new certificate is the first. The step removes the old one, once RotationOverlap has passed.
	RotationPromoted RotationStage = "promoted"
	// RotationBroken: the key that signs is not one that Entra knows, or its certificate has expired. People cannot sign
	// in; no step leads out, a new plan does.
	RotationBroken RotationStage = "broken"
)

// RotationOverlap, two hours, is how long a step waits for the one before it to be known everywhere. It is the time that
// Microsoft gives for changes of a federation:
// https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp.
const RotationOverlap = 2 * time.Hour

// RotationStatus says which stage a rotation is in, and what may be done.
type RotationStatus struct {
	Domain string        `json:"domain"`
	Stage  RotationStage `json:"stage"`

	// Next says what the next step does, in a sentence; empty where there is none.
	Next string `json:"next,omitempty"`

	// Allowed says that the step may be made now. Otherwise Reasons say why not.
	Allowed bool     `json:"allowed"`
	Reasons []string `json:"reasons,omitempty"`

	// NotBefore is when the step may be made, if time is what it waits for.
	NotBefore time.Time `json:"notBefore,omitzero"`

	// Plan is what the step writes to the tenant; nil where it writes nothing.
	Plan *Plan `json:"plan,omitempty"`

	// Signing, First and Second are the certificates: of the key that signs, and of the tenant's signingCertificate and
	// nextSigningCertificate.
	Signing CertificateInfo  `json:"signing"`
	First   CertificateInfo  `json:"first"`
	Second  *CertificateInfo `json:"second,omitempty"`
}

// CertificateInfo is a certificate, for people.
type CertificateInfo struct {
	Subject   string    `json:"subject"`
	SHA256    string    `json:"sha256"` // of the DER, in hexadecimal
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
}

// RotationStatus reads the tenant and asks the identity provider, and changes nothing.
func (f *Federator) RotationStatus(ctx context.Context, domain string, keys Keys) (RotationStatus, error) {
	panic("contract")
}

// RotateStep makes the next step of the rotation, and returns the status after it. Calling it again and again, until the
// stage is [RotationIdle] with the new certificate, is a whole rotation; it may be a different process each time.
//
// A step that must wait is refused with [ErrTooEarly]; one that would make Entra refuse what the identity provider signs,
// with [ErrLockout]. Nothing was changed then.
func (f *Federator) RotateStep(ctx context.Context, domain string, keys Keys, progress func(Event)) (RotationStatus, error) {
	panic("contract")
}

// AbandonRotation withdraws the new certificate, as long as the old key signs. Where the new one does, it is refused with
// [ErrLockout].
func (f *Federator) AbandonRotation(ctx context.Context, domain string, keys Keys, progress func(Event)) (RotationStatus, error) {
	panic("contract")
}
