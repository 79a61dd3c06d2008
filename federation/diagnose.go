package federation

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// IdentityProvider is what is known of the identity provider, for [Federator.Diagnose]. All of it may be left zero: what is
// not known is not looked at, and a finding says so. [ReadMetadata] and [FetchMetadata] fill most of it.
type IdentityProvider struct {
	// Issuer is the entity ID that it puts into assertions.
	Issuer string

	// SignInURL is its SAML SSO URL for HTTP-POST, by which Entra sends its requests.
	SignInURL string

	// RedirectURL is its SAML SSO URL for HTTP-Redirect. Empty: none, or not known.
	RedirectURL string

	// Protocol is what it speaks. Empty: SAML where SignInURL is set, and otherwise not known.
	Protocol Protocol

	// Certificates are those of its keys, the one that signs now first.
	Certificates []*x509.Certificate

	// SignedRequests says whether it accepts signed requests alone. Nil: not known.
	SignedRequests *bool

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

// Diagnosis is what [Federator.Diagnose] found. Printing it shows the findings with their remedies.
type Diagnosis struct {
	Domain       string       `json:"domain"`
	At           time.Time    `json:"at"`
	State        State        `json:"state"`
	Verification Verification `json:"verification"`
	Findings     []Finding    `json:"findings"` // the worst first
}

// Diagnose explains why people of the domain cannot sign in, or will not be able to. It changes nothing. The error is for a
// tenant that could not be read at all; what is wrong is in the findings.
//
// What an error of Entra's means is at https://learn.microsoft.com/entra/identity-platform/reference-error-codes.
func (f *Federator) Diagnose(ctx context.Context, s DiagnoseSettings) (Diagnosis, error) {
	if s.Domain == "" {
		return Diagnosis{}, errors.New("federation: nothing to diagnose: set DiagnoseSettings.Domain")
	}
	x := &examination{domain: s.Domain, idp: &s.IdentityProvider, immutableID: s.ImmutableID, user: s.User}
	if err := f.examine(ctx, x); err != nil {
		return Diagnosis{}, err
	}
	return Diagnosis{
		Domain: x.domain, At: x.at.UTC(), State: x.state(), Verification: f.verification(x),
		Findings: append([]Finding{}, x.findings(PurposeDiagnose)...), // JSON has a list, never null
	}, nil
}

// verification is that of what was read.
func (f *Federator) verification(x *examination) Verification {
	if err := x.incomparable(); err != nil {
		return Verification{SignInLink: f.signInLink(x.domain), Differences: []string{
			fmt.Sprintf("What Entra's sign-in service says of %s could not be compared: %v.", x.domain, err),
		}}
	}
	return f.compare(x.domain, x.own(), x.federation(), *x.realm)
}

// incomparable says why nobody can say whether Entra's sign-in service acts on what the tenant shows, or nil.
func (x *examination) incomparable() error {
	own := x.own()
	switch {
	case !isDomainName(x.domain):
		return errors.New("it is not a domain name")
	case !x.has(factConfiguration):
		return x.failed[factConfiguration]
	case own != nil && !own.IsRoot && x.federation() == nil && !x.has(factConfigurations):
		return x.failed[factConfigurations]
	}
	return x.failed[factRealm]
}

// federation is the configuration by which the domain's people sign in: its own or its root's. It is nil where there is
// none, and where the tenant does not have the domain.
func (x *examination) federation() *Configuration {
	switch {
	case x.own() == nil:
		return nil
	case x.configuration != nil:
		return x.configuration
	}
	return x.inherited
}

// realmName is the domain whose federation that is: the root that the domain signs in as, or the domain itself.
func (x *examination) realmName() string {
	if root := x.root(); x.configuration == nil && root != nil {
		return root.Name
	}
	return x.domain
}
