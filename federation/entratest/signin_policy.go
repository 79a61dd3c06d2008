package entratest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/entrafed/entrafed/internal/aadsts"
)

// SignInPolicy is what a tenant asks of a sign-in beyond a good assertion, as Conditional Access does. The zero value
// asks for nothing more.
type SignInPolicy struct {
	// RequireMFA asks every sign-in for multi-factor authentication. The simulated tenant has none of its own: where
	// Entra would ask for its own, the sign-in ends with the error that names this step.
	RequireMFA bool

	// SignInFrequency is how long ago the person may have authenticated. 0: any time.
	SignInFrequency time.Duration

	// TokenValidation is the tenant's federatedTokenValidationPolicy. The zero value is Microsoft's default.
	TokenValidation TokenValidation

	// TimeFailureCode is the code of an assertion outside its time: "500089", "500133" or "50008". Sources differ, and
	// all three have been seen or documented. Empty: "500089", which was reported for a federated sign-in.
	TimeFailureCode string
}

// RootDomains says for which users a token from the realm of another root domain is blocked.
type RootDomains string

// The values of https://learn.microsoft.com/graph/api/resources/validatingdomains.
const (
	RootDomainsAll                              RootDomains = "" // blocked for every user; Graph's "all", the default
	RootDomainsNone                             RootDomains = "none"
	RootDomainsAllFederated                     RootDomains = "allFederated"
	RootDomainsAllManaged                       RootDomains = "allManaged"
	RootDomainsEnumerated                       RootDomains = "enumerated"
	RootDomainsAllManagedAndEnumeratedFederated RootDomains = "allManagedAndEnumeratedFederated"
)

// TokenValidation is a federatedTokenValidationPolicy:
// https://learn.microsoft.com/graph/api/resources/federatedtokenvalidationpolicy.
type TokenValidation struct {
	RootDomains RootDomains
	DomainNames []string // with the two kinds that enumerate: the domains of the users concerned
}

func (p SignInPolicy) timeFailureCode() string { return orElse(p.TimeFailureCode, "500089") }

func (p SignInPolicy) validate() error {
	var errs []error
	if p.SignInFrequency < 0 {
		errs = append(errs, fmt.Errorf("SignInFrequency %s is negative", p.SignInFrequency))
	}
	if _, ok := aadsts.Lookup(p.timeFailureCode()); !ok {
		errs = append(errs, fmt.Errorf("TimeFailureCode %q is not a code that this package knows", p.TimeFailureCode))
	}
	known := []RootDomains{
		RootDomainsAll, RootDomainsNone, RootDomainsAllFederated, RootDomainsAllManaged, RootDomainsEnumerated,
		RootDomainsAllManagedAndEnumeratedFederated,
	}
	if !slices.Contains(known, p.TokenValidation.RootDomains) {
		errs = append(errs, fmt.Errorf("TokenValidation.RootDomains %q is not one that Graph knows",
			p.TokenValidation.RootDomains))
	}
	return errors.Join(errs...)
}

// SetSignInPolicy changes what the tenant asks of a sign-in from now on. It returns an error that lists what is wrong
// with the policy, and then changes nothing.
func (t *Tenant) SetSignInPolicy(p SignInPolicy) error {
	if err := p.validate(); err != nil {
		return fmt.Errorf("entratest: the sign-in policy is wrong: %w", err)
	}
	p.TokenValidation.DomainNames = slices.Clone(p.TokenValidation.DomainNames)
	t.signIn.mu.Lock()
	defer t.signIn.mu.Unlock()
	t.signIn.policy = p
	return nil
}
