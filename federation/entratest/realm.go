package entratest

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Domain is one domain of the tenant.
type Domain struct {
	// Name is the domain's DNS name. Required; compared without regard to case.
	Name string

	// Federation makes the domain federated. Nil: the domain is managed, or, when a parent domain is in the tenant as
	// well, it has whatever authentication its parent has.
	Federation *Federation

	// Promoted makes a child domain a root of its own, which inherits nothing. A child domain with a Federation is
	// promoted in any case.
	Promoted bool

	// Default makes this the tenant's default domain, in place of the initial one. It cannot be federated.
	Default bool

	// Unverified says that the domain was added and nobody has proved yet who owns it: it has no users, and cannot be
	// federated or be the default. [Tenant.PublishDNS] and POST /domains/{id}/verify change that. A domain below a
	// verified one is verified with it. False: the domain is verified.
	Unverified bool
}

// Protocol is what a federated domain's identity provider speaks.
type Protocol string

// The protocols, as Graph names them.
const (
	SAML  Protocol = "saml"
	WSFed Protocol = "wsFed"
)

// MFABehavior says what Entra makes of the identity provider's multi-factor authentication.
type MFABehavior string

// The behaviours, as Graph names them:
// https://learn.microsoft.com/graph/api/resources/internaldomainfederation#federatedidpmfabehavior-values.
const (
	AcceptMFA  MFABehavior = "acceptIfMfaDoneByFederatedIdp"
	EnforceMFA MFABehavior = "enforceMfaByFederatedIdp"
	RejectMFA  MFABehavior = "rejectMfaByFederatedIdp"
)

// Federation is a domain's federation with an identity provider, the internalDomainFederation of Graph:
// https://learn.microsoft.com/graph/api/resources/internaldomainfederation.
type Federation struct {
	// Issuer is the issuerUri: the Issuer of every assertion for this domain, byte for byte. Required, a URI, and not
	// the Issuer of another domain of the tenant.
	Issuer string

	// SignInURL is the passiveSignInUri: where the browser is sent to sign in. Required.
	SignInURL string

	// Certificates are the signingCertificate and, if there are two, the nextSigningCertificate. One or two are
	// required.
	Certificates []*x509.Certificate

	// Protocol is the preferredAuthenticationProtocol. Empty: SAML.
	Protocol Protocol

	// DisplayName, ActiveSignInURL, SignOutURL, MetadataExchangeURL and PasswordResetURL are optional.
	DisplayName         string
	ActiveSignInURL     string
	SignOutURL          string
	MetadataExchangeURL string
	PasswordResetURL    string

	// MFABehavior is the federatedIdpMfaBehavior. Empty: not set, which Entra treats like AcceptMFA.
	MFABehavior MFABehavior

	// PromptLoginBehavior is "translateToFreshPasswordAuthentication", "nativeSupport" or "disabled". Empty: not set.
	PromptLoginBehavior string

	// SignedAuthnRequests is the isSignedAuthenticationRequestRequired: the tenant signs the AuthnRequests for this
	// domain. [Tenant.RequestCertificates] verify them.
	SignedAuthnRequests bool
}

// Realm is a federation in force and the root domain it belongs to.
type Realm struct {
	Domain     string
	Federation Federation

	// External says that the federation is for guests, with the identity provider of their own organization: Graph's
	// samlOrWsFedExternalDomainFederation. Its responses are checked by [GuestRules], and no domain of the tenant is
	// governed by it. Where its Issuer is also that of a domain of the tenant, the domain has it.
	External bool

	// Domains are the domains of the guests' mail addresses, of an External realm.
	Domains []string
}

// name is for people.
func (r Realm) name() string { return orElse(r.Domain, r.Federation.Issuer) }

// Federate federates a verified root domain of the tenant as set-up for a test: at once, without Graph and without
// Config.FederationLag. A federation that the domain already has is replaced.
func (t *Tenant) Federate(domain string, federation Federation) error {
	federation = federation.withDefaults()
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.domains, func(d *tenantDomain) bool { return strings.EqualFold(d.name, domain) })
	if i < 0 {
		return fmt.Errorf("entratest: %q is not a domain of the tenant: add it to Config.Domains", domain)
	}
	changed := *t.domains[i]
	changed.federation, changed.broken, changed.past = &federation, false, nil
	errs := []error{federation.validate("Federation"), checkFederable(&changed)}
	for _, other := range t.domains {
		if other.name != changed.name && other.federation != nil && other.federation.Issuer == federation.Issuer {
			errs = append(errs, fmt.Errorf("Federation.Issuer %q is already the issuer of %s",
				federation.Issuer, other.name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("entratest: %s cannot be federated: %w", domain, err)
	}
	if changed.federationID == "" {
		changed.federationID = t.objectIDs.guid()
	}
	t.domains[i] = &changed
	return nil
}

func checkFederable(d *tenantDomain) error {
	switch {
	case d.unverified:
		return fmt.Errorf("%s is not verified: see PublishDNS", d.name)
	case d.initial:
		return fmt.Errorf("%s is the tenant's initial domain, which stays managed", d.name)
	case d.isDefault:
		return fmt.Errorf("%s is the tenant's default domain: make another one the default first", d.name)
	case !d.root:
		return fmt.Errorf("%s has the authentication of its parent domain: federate the parent, or set Promoted", d.name)
	}
	return nil
}

func (f Federation) withDefaults() Federation {
	if f.Protocol == "" {
		f.Protocol = SAML
	}
	f.Certificates = slices.Clone(f.Certificates)
	return f
}

func (f Federation) validate(field string) error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf(field+"."+format, args...))
	}
	if u, err := url.Parse(f.Issuer); err != nil || u.Scheme == "" {
		wrong("Issuer %q is not a URI: use an https URL or a urn", f.Issuer)
	}
	if u, err := url.Parse(f.SignInURL); err != nil || u.Scheme == "" || u.Host == "" {
		wrong("SignInURL %q is not an absolute URL", f.SignInURL)
	}
	if n := len(f.Certificates); n < 1 || n > 2 || slices.Contains(f.Certificates, nil) {
		wrong("Certificates must be one certificate, or two while the key is being rotated")
	}
	if f.Protocol != SAML && f.Protocol != WSFed {
		wrong("Protocol %q is neither SAML nor WSFed", f.Protocol)
	}
	if !slices.Contains([]MFABehavior{"", AcceptMFA, EnforceMFA, RejectMFA}, f.MFABehavior) {
		wrong("MFABehavior %q is not one that Graph knows", f.MFABehavior)
	}
	if f.PromptLoginBehavior != "" && !slices.Contains(promptLoginBehaviors(), f.PromptLoginBehavior) {
		wrong("PromptLoginBehavior %q is not one that Graph knows", f.PromptLoginBehavior)
	}
	return errors.Join(errs...)
}

// isBelow reports whether child is a subdomain of parent.
func isBelow(child, parent string) bool {
	return strings.HasSuffix(strings.ToLower(child), "."+strings.ToLower(parent))
}

// domainPart is what follows the last @, or all of a name without one.
func domainPart(upn string) string { return strings.ToLower(upn[strings.LastIndexByte(upn, '@')+1:]) }

var domainPattern = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)

func (c Config) validateDomains() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !domainPattern.MatchString(c.InitialDomain) {
		wrong("InitialDomain %q is not a domain name", c.InitialDomain)
	}
	names, issuers, defaults := map[string]bool{c.InitialDomain: true}, map[string]string{}, 0
	for i, d := range c.Domains {
		field := fmt.Sprintf("Domains[%d]", i)
		if !domainPattern.MatchString(d.Name) {
			wrong("%s.Name %q is not a domain name", field, d.Name)
		}
		if names[d.Name] {
			wrong("%s.Name %q appears twice", field, d.Name)
		}
		names[d.Name] = true
		if d.Default {
			defaults++
		}
		if err := c.checkUnverified(d); err != nil {
			wrong("%s: %w", field, err)
		}
		if d.Federation == nil {
			continue
		}
		if d.Default {
			wrong("%s: %s is the default domain, which cannot be federated", field, d.Name)
		}
		if err := d.Federation.validate(field + ".Federation"); err != nil {
			errs = append(errs, err)
		}
		if other, taken := issuers[d.Federation.Issuer]; taken {
			wrong("%s.Federation.Issuer %q is already the issuer of %s", field, d.Federation.Issuer, other)
		}
		issuers[d.Federation.Issuer] = d.Name
	}
	if defaults > 1 {
		wrong("Domains: only one domain can be the default")
	}
	return errors.Join(errs...)
}

// checkUnverified refuses what an unverified domain cannot be.
func (c Config) checkUnverified(d Domain) error {
	switch {
	case !d.Unverified:
		return nil
	case d.Federation != nil:
		return fmt.Errorf("%s is unverified, and only a verified domain can be federated", d.Name)
	case d.Default:
		return fmt.Errorf("%s is unverified, and only a verified domain can be the default", d.Name)
	case slices.ContainsFunc(c.Domains, func(p Domain) bool { return !p.Unverified && isBelow(d.Name, p.Name) }):
		return fmt.Errorf("%s is unverified, and it is below a verified domain, which verifies it", d.Name)
	}
	return nil
}

// hasDomain reports whether name is a verified domain.
func (c Config) hasDomain(name string) bool {
	return name == c.InitialDomain ||
		slices.ContainsFunc(c.Domains, func(d Domain) bool { return d.Name == name && !d.Unverified })
}

// initialDomains are the domains of the configuration, the initial domain first.
func (t *Tenant) initialDomains() domainList {
	domains := domainList{newDomain(t.cfg.InitialDomain)}
	domains[0].initial, domains[0].isDefault, domains[0].root = true, true, true
	for _, d := range t.cfg.Domains {
		added := newDomain(d.Name)
		added.isDefault, added.federation = d.Default, d.Federation
		if added.unverified = d.Unverified; d.Unverified {
			added.services = nil
		}
		if d.Federation != nil {
			added.federationID = t.objectIDs.guid()
		}
		if d.Default {
			domains[0].isDefault = false
		}
		domains = append(domains, added)
	}
	for i, d := range domains[1:] {
		d.root = d.federation != nil || t.cfg.Domains[i].Promoted || domains.parentOf(d.name) == nil
	}
	return domains
}
