package ldap

import (
	"slices"

	goldap "github.com/go-ldap/ldap/v3"
)

// attributes are what is read of an entry, and nothing else.
func (cfg Config) attributes() []string {
	a := cfg.Attributes
	names := []string{a.Email, a.UPN, a.DisplayName, a.GivenName, a.Surname, attrMemberOf}
	if cfg.Kind == ActiveDirectory {
		names = append(names, attrObjectGUID, attrConsistencyGUID, attrUAC, attrComputedUAC, attrAccountExpires,
			attrObjectSID, attrPrimaryGroup)
	} else {
		names = append(names, a.ID, attrLockedTime, attrPasswordReset, attrShadowExpire,
			attrAccountLock, attrPrincipalExpires, attrPasswordExpires)
	}
	for _, attribute := range a.Claims {
		names = append(names, attribute)
	}
	if cfg.Synced != nil && cfg.Synced.Anchor != "" {
		names = append(names, cfg.Synced.Anchor)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// find returns the one entry to which the filter applies. It matches [ErrWrong] if there is none or more than one.
func (cfg Config) find(conn *goldap.Conn, filter string) (*goldap.Entry, error) {
	found, err := cfg.search(conn, cfg.BaseDN, goldap.ScopeWholeSubtree, filter, 2, cfg.attributes())
	switch {
	case goldap.IsErrorWithCode(err, goldap.LDAPResultSizeLimitExceeded), err == nil && len(found) > 1:
		return nil, problem("search", ErrWrong,
			"more than one entry has this name: let Config.UserFilter tell them from each other")
	case goldap.IsErrorWithCode(err, goldap.LDAPResultNoSuchObject):
		return nil, failure("search", err, "Config.BaseDN does not exist, or the account that searches may not see it")
	case goldap.IsErrorWithCode(err, goldap.LDAPResultReferral):
		return nil, failure("search", err, "referrals are not followed: set Config.URLs to the servers that have BaseDN")
	case err != nil:
		return nil, failure("search", err, "")
	case len(found) == 0 || found[0].DN == "":
		return nil, problem("search", ErrWrong, "nobody has this name")
	}
	return found[0], nil
}

// applies reports whether the filter applies to the entry.
func (cfg Config) applies(conn *goldap.Conn, dn, filter string) (bool, error) {
	found, err := cfg.search(conn, dn, goldap.ScopeBaseObject, filter, 1, []string{noAttributes})
	if err != nil {
		return false, failure("search", err, "look at Synced.Filter")
	}
	return len(found) == 1, nil
}

// noAttributes asks for none (RFC 4511, section 4.5.1.8).
const noAttributes = "1.1"

// search does not follow referrals, and answers of the directory that name other servers count for nothing.
func (cfg Config) search(
	conn *goldap.Conn, base string, scope int, filter string, most int, attributes []string,
) ([]*goldap.Entry, error) {
	seconds := max(1, int(cfg.Timeout.Seconds()))
	found, err := conn.Search(goldap.NewSearchRequest(
		base, scope, goldap.NeverDerefAliases, most, seconds, false, filter, attributes, nil))
	if err != nil {
		return nil, err
	}
	return found.Entries, nil
}
