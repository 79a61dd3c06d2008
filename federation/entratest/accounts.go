package entratest

import "strings"

// AccountList is a directory of a few users that are known beforehand, for [Expectation.Accounts]. It must not be changed
// while it is in use.
type AccountList struct {
	Users []User

	// Realms are the federated root domains. A user whose domain is none of them, nor below one, is in a managed domain.
	Realms []Realm
}

// UsersByImmutableID is part of [Accounts].
func (l AccountList) UsersByImmutableID(immutableID string) []User {
	var found []User
	for _, u := range l.Users {
		if u.ImmutableID == immutableID && immutableID != "" {
			found = append(found, u)
		}
	}
	return found
}

// UserByUPN is part of [Accounts].
func (l AccountList) UserByUPN(upn string) (User, bool) {
	for _, u := range l.Users {
		if strings.EqualFold(u.UPN, upn) {
			return u, true
		}
	}
	return User{}, false
}

// GuestsByMail is part of [GuestAccounts].
func (l AccountList) GuestsByMail(address string) []User {
	var found []User
	for _, u := range l.Users {
		if u.isGuest() && u.hasAddress(address) {
			found = append(found, u)
		}
	}
	return found
}

// RealmOf is part of [Accounts]. Of several domains above a user's, the nearest governs.
func (l AccountList) RealmOf(upn string) (Realm, bool) {
	domain := domainPart(upn)
	var nearest Realm
	for _, r := range l.Realms {
		governs := strings.EqualFold(domain, r.Domain) || isBelow(domain, r.Domain)
		if r.Domain != "" && governs && !r.External && len(r.Domain) > len(nearest.Domain) {
			nearest = r
		}
	}
	return nearest, nearest.Domain != ""
}
