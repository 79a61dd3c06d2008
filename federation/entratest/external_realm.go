package entratest

import (
	"slices"
	"strings"
)

// realm is the federation as the sign-in service goes by it. Its Domain, for people, is the first of its domains.
func (f *externalFederation) realm() Realm {
	r := Realm{Federation: Federation{}.with(f.values), External: true, Domains: slices.Clone(f.domains)}
	if len(f.domains) > 0 {
		r.Domain = f.domains[0]
	}
	return r
}

// externalRealms lists the federations for guests, in the order in which they were added. The sign-in service goes by them
// at once: Microsoft says 5 to 10 minutes, https://learn.microsoft.com/entra/external-id/direct-federation.
func (t *Tenant) externalRealms() []Realm {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Realm
	for _, f := range t.externals {
		out = append(out, f.realm())
	}
	return out
}

// signInRealmOf finds the federation that somebody is sent to: by a user principal name or a domain of the tenant, or by the
// mail address or the domain of guests.
func (t *Tenant) signInRealmOf(address string) (Realm, bool) {
	if realm, ok := t.realmOf(address); ok {
		return realm, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	domain := domainPart(address)
	if t.verifiedDomain(domain) != nil { // since: its people are the tenant's own
		return Realm{}, false
	}
	for _, f := range t.externals {
		if slices.Contains(f.domains, domain) {
			return f.realm(), true
		}
	}
	return Realm{}, false
}

// asker is the name under which the tenant asks an identity provider. Guests' is asked by the tenant and not by the cloud.
func (t *Tenant) asker(realm Realm) string {
	if realm.External {
		return Expectation{Cloud: t.cloud, TenantID: t.cfg.TenantID}.guestAudience()
	}
	return t.cloud.Audience
}

// isGuest reports whether the user is somebody of another organization. What stands before the domain of a user who was
// invited says so too.
func (u User) isGuest() bool {
	return u.Guest || strings.Contains(strings.ToUpper(u.UPN), guestMark)
}

const guestMark = "#EXT#@"

// guestPrefix is how the UPN begins that Entra gives a guest:
// https://learn.microsoft.com/entra/external-id/user-properties.
func guestPrefix(address string) string { return strings.Replace(address, "@", "_", 1) + guestMark }

// hasAddress reports whether a guest was invited with this mail address.
func (u User) hasAddress(address string) bool {
	prefix := guestPrefix(address)
	return strings.EqualFold(u.Mail, address) ||
		len(u.UPN) > len(prefix) && strings.EqualFold(u.UPN[:len(prefix)], prefix)
}

// signInGuests returns the guests who have this mail address on the replica that the sign-in service reads, enabled or not.
func (t *Tenant) signInGuests(address string) []User {
	t.lock()
	defer t.mu.Unlock()
	var out []User
	for _, key := range []string{keyOfAddress(address), keyOfUPN(guestPrefix(address) + t.cfg.InitialDomain)} {
		for _, e := range t.directory.seenByKey(key, viewSignIn, t.now()) {
			u := e.exportUser()
			known := slices.ContainsFunc(out, func(other User) bool { return other.ObjectID == u.ObjectID })
			if e.class == userClass && !known && u.isGuest() && u.hasAddress(address) {
				out = append(out, u)
			}
		}
	}
	return out
}
