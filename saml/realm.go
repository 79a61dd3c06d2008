package saml

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/entrafed/entrafed"
)

// Realm is a federated domain and the issuer that Entra knows it by. The domain's users and those of its sub-domains
// are sent with this issuer, unless a sub-domain has a realm of its own because it was promoted to a root.
//
// Source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-install-multiple-domains.
type Realm struct {
	// Domain is the verified domain in Entra: "contoso.com". Case does not matter. Not an onmicrosoft.com domain:
	// those cannot be federated.
	Domain string

	// Issuer is the domain's issuerUri, an absolute URI and unique among all federated domains of Entra; choose an
	// https URL below a domain that you own. Assertions carry it byte for byte.
	Issuer string
}

// ErrRealm: the UPN belongs to none of the configured realms.
var ErrRealm = errors.New("saml: no realm for this UPN")

// realms is sorted by length of domain, the longest first, so that the first match is the closest.
type realms []Realm

func newRealms(configured []Realm, cloud entrafed.Cloud) (realms, error) {
	if len(configured) == 0 {
		return nil, errors.New("at least one realm is needed")
	}
	var errs []error
	issuers, domains := map[string]string{}, map[string]bool{}
	rs := make(realms, 0, len(configured))
	for _, r := range configured {
		r.Domain = strings.ToLower(r.Domain)
		if err := r.check(cloud); err != nil {
			errs = append(errs, fmt.Errorf("realm %q: %w", r.Domain, err))
		}
		if domains[r.Domain] {
			errs = append(errs, fmt.Errorf("realm %q is given twice", r.Domain))
		}
		if other, taken := issuers[r.Issuer]; taken && other != r.Domain {
			errs = append(errs, fmt.Errorf("realms %q and %q have the same issuer %q: Entra finds the domain by its "+
				"issuer, so each needs its own", other, r.Domain, r.Issuer))
		}
		domains[r.Domain], issuers[r.Issuer] = true, r.Domain
		rs = append(rs, r)
	}
	slices.SortStableFunc(rs, func(a, b Realm) int { return len(b.Domain) - len(a.Domain) })
	return rs, errors.Join(errs...)
}

func (r Realm) check(cloud entrafed.Cloud) error {
	var errs []error
	if !isDomain(r.Domain) {
		errs = append(errs, errors.New("the domain is not a DNS name such as contoso.com"))
	}
	if strings.HasSuffix(r.Domain, ".onmicrosoft.com") {
		errs = append(errs, errors.New("a domain below onmicrosoft.com cannot be federated"))
	}
	return errors.Join(append(errs, checkIssuerURI(r.Issuer, cloud.Audience))...)
}

// checkIssuerURI refuses what cannot name an identity provider; entra are the names of Entra itself.
func checkIssuerURI(issuer string, entra ...string) error {
	u, err := url.Parse(issuer)
	switch {
	case issuer == "":
		return errors.New("the issuer is empty")
	case err != nil || !u.IsAbs() || u.Host == "" && u.Opaque == "" || strings.ContainsFunc(issuer, notURIRune):
		return fmt.Errorf("the issuer %q is not an absolute URI such as https://id.contoso.com/entra", issuer)
	case slices.Contains(entra, issuer):
		return errors.New("the issuer is the name of Entra itself")
	}
	return nil
}

func notURIRune(r rune) bool { return r <= ' ' || r > '~' }

// of returns the realm of a domain: its own, or that of the closest parent.
func (rs realms) of(domain string) (Realm, bool) {
	domain = strings.ToLower(domain)
	for _, r := range rs {
		if domain == r.Domain || strings.HasSuffix(domain, "."+r.Domain) {
			return r, true
		}
	}
	return Realm{}, false
}

// isDomain checks the syntax of a lower-case DNS name of two labels or more (RFC 1123 section 2.1).
func isDomain(s string) bool {
	if len(s) > 253 || !strings.Contains(s, ".") {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, notInLabel) {
			return false
		}
	}
	return true
}

func notInLabel(r rune) bool { return r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }
