package federation

import (
	"context"
	"crypto/x509"
	"time"
)

// IdentityProvider is what is known of the identity provider, for [Federator.Diagnose]. All of it may be left zero: what is
// not known is not looked at, and a finding says so.
type IdentityProvider struct {
	// Issuer is the entity ID that it puts into assertions.
	Issuer string

	// SignInURL is its SAML SSO URL.
	SignInURL string

	// Certificates are those of its keys, the one that signs now first.
	Certificates []*x509.Certificate

	// Time is what its clock said at TimeRead of the Federator's clock.
	Time, TimeRead time.Time

	// MFA says whether it tells Entra of a second factor: see saml.Subject. Nil: not known.
	MFA *bool
}

// DiagnoseSettings say what to look at. Domain is required.
type DiagnoseSettings struct {
	Domain           string
	IdentityProvider IdentityProvider

	// User is the UPN of somebody who cannot sign in. Empty: nobody in particular.
	User string

	// ImmutableID is the rule by which the identity provider makes the NameID: see [Settings.ImmutableID].
	ImmutableID func(User) string `json:"-"`
}

// Diagnosis is what [Federator.Diagnose] found.
type Diagnosis struct {
	Domain       string       `json:"domain"`
	At           time.Time    `json:"at"`
	State        State        `json:"state"`
	Verification Verification `json:"verification"`
	Findings     []Finding    `json:"findings"` // the worst first
}

// Diagnose explains why people of the domain cannot sign in, or will not be able to. It changes nothing. The error is for a
// tenant that could not be read at all; what is wrong is in the findings.
func (f *Federator) Diagnose(ctx context.Context, s DiagnoseSettings) (Diagnosis, error) {
	panic("contract")
}
