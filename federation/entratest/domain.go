package entratest

import (
	"slices"
	"strings"
	"time"
)

// authentication is how the users of a domain sign in.
type authentication struct {
	root         bool        // a domain that is no root has the authentication of its root
	federation   *Federation // of a root only; nil: managed
	federationID string
	broken       bool // federated without a certificate: Graph can neither show nor change the federation
}

// pastAuthentication is what the sign-in service goes on acting by until it learns of a change.
type pastAuthentication struct {
	authentication
	until time.Time
}

// tenantDomain is a domain as the directory keeps it. It is never changed once stored.
type tenantDomain struct {
	name       string // lower case
	initial    bool
	isDefault  bool
	unverified bool
	services   []string // the supportedServices
	notifyDays int      // the passwordNotificationWindowInDays
	validDays  int      // the passwordValidityPeriodInDays

	authentication
	past []pastAuthentication // the oldest first
}

// newDomain is a verified domain with what Graph gives every domain.
func newDomain(name string) *tenantDomain {
	return &tenantDomain{
		name: name, services: []string{"Email", "OfficeCommunicationsOnline"}, notifyDays: 14, validDays: 2147483647,
	}
}

// inForce is the domain as the sign-in service sees it.
func (d *tenantDomain) inForce(now time.Time) *tenantDomain {
	for _, p := range d.past {
		if now.Before(p.until) {
			seen := *d
			seen.authentication, seen.past = p.authentication, nil
			return &seen
		}
	}
	return d
}

// domainList is the tenant's domains, in the order in which they were added.
type domainList []*tenantDomain

// named returns a domain of the list, or nil.
func (l domainList) named(name string) *tenantDomain {
	for _, d := range l {
		if strings.EqualFold(d.name, name) {
			return d
		}
	}
	return nil
}

// rootOf returns the root domain that governs a domain of the list, or nil.
func (l domainList) rootOf(name string) *tenantDomain {
	d := l.named(name)
	for d != nil && !d.root {
		d = l.parentOf(d.name)
	}
	return d
}

// parentOf returns the nearest verified domain above name, or nil.
func (l domainList) parentOf(name string) *tenantDomain {
	var nearest *tenantDomain
	for _, d := range l {
		if !d.unverified && isBelow(name, d.name) && (nearest == nil || len(d.name) > len(nearest.name)) {
			nearest = d
		}
	}
	return nearest
}

// domainNamed returns a domain of the tenant, or nil. The caller holds t.mu.
func (t *Tenant) domainNamed(name string) *tenantDomain { return t.domains.named(name) }

// verifiedDomain returns a verified domain of the tenant, or nil. The caller holds t.mu.
func (t *Tenant) verifiedDomain(name string) *tenantDomain {
	if d := t.domains.named(name); d != nil && !d.unverified {
		return d
	}
	return nil
}

// rootOf returns the root domain that governs a domain of the tenant, or nil. The caller holds t.mu.
func (t *Tenant) rootOf(name string) *tenantDomain { return t.domains.rootOf(name) }

// domainsInForce are the verified domains as the sign-in service sees them. The caller holds t.mu.
func (t *Tenant) domainsInForce() domainList {
	now := t.now()
	var out domainList
	for _, d := range t.domains {
		if !d.unverified {
			out = append(out, d.inForce(now))
		}
	}
	return out
}

// realms lists the federations in force, in the order in which the domains were added.
func (t *Tenant) realms() []Realm {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Realm
	for _, d := range t.domainsInForce() {
		if d.federation != nil {
			out = append(out, t.realm(d))
		}
	}
	return out
}

// realmOf finds the federation in force that governs a user principal name or a domain of the tenant. A child domain is
// governed by its root.
func (t *Tenant) realmOf(upnOrDomain string) (Realm, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	root := t.domainsInForce().rootOf(domainPart(upnOrDomain))
	if root == nil || root.federation == nil {
		return Realm{}, false
	}
	return t.realm(root), true
}

// realm is the federation of a root domain, with the certificates that verify today.
func (t *Tenant) realm(root *tenantDomain) Realm {
	f := *root.federation
	if t.cfg.NextCertificateAfterExpiry && len(f.Certificates) > 1 && !t.now().After(f.Certificates[0].NotAfter) {
		f.Certificates = f.Certificates[:1]
	}
	return Realm{Domain: root.name, Federation: f}
}

// putDomain stores a domain in place of the one of that name, or adds it. The caller holds t.mu.
func (t *Tenant) putDomain(d *tenantDomain) {
	if i := slices.IndexFunc(t.domains, func(other *tenantDomain) bool { return other.name == d.name }); i >= 0 {
		t.domains[i] = d
		return
	}
	t.domains = append(t.domains, d)
}

// authenticate changes how the users of a domain sign in: on Graph at once, in the sign-in service after
// Config.FederationLag. The caller holds t.mu.
func (t *Tenant) authenticate(d *tenantDomain, by authentication) *tenantDomain {
	now, after := t.now(), *d
	after.past = slices.DeleteFunc(slices.Clone(d.past), func(p pastAuthentication) bool { return !now.Before(p.until) })
	after.past = append(after.past, pastAuthentication{d.authentication, now.Add(t.cfg.FederationLag)})
	after.authentication = by
	t.putDomain(&after)
	return &after
}

// Domains lists the domains as Graph shows them, in the order in which they were added and without the initial domain, as
// in Config.Domains. If none of them is the Default, the initial domain is. A domain that has its root's federation has
// none of its own here. The Federation of a domain that was federated without a certificate has no Certificates.
func (t *Tenant) Domains() []Domain {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Domain
	for _, d := range t.domains {
		if d.initial {
			continue
		}
		exported := Domain{
			Name: d.name, Default: d.isDefault, Unverified: d.unverified,
			Promoted: d.root && !d.unverified && t.domains.parentOf(d.name) != nil,
		}
		if d.federation != nil {
			f := *d.federation
			f.Certificates = slices.Clone(f.Certificates)
			exported.Federation = &f
		}
		out = append(out, exported)
	}
	return out
}
