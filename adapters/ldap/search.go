package ldap

import (
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// maxGroups is how many groups one person may be in.
const maxGroups = 1000

// operational are the attributes that say whether somebody may sign in, and who they are.
var operational = map[Kind][]string{
	ActiveDirectory: {attrObjectGUID, attrConsistencyGUID, attrUAC, attrComputedUAC, attrAccountExpires},
	OpenLDAP:        {attrEntryUUID, attrLockedTime, attrPasswordReset, attrShadowExpire},
}

// attributes are what is read of an entry, and nothing else.
func (cfg Config) attributes() []string {
	a := cfg.Attributes
	names := append([]string{a.Email, a.UPN, a.DisplayName, a.GivenName, a.Surname, attrMemberOf}, operational[cfg.Kind]...)
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
		return nil, problem("search", ErrWrong, "more than one entry has this name: let Config.UserFilter tell them from each other")
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

// groups are the DNs of the groups that the person is in, sorted.
func (cfg Config) groups(conn *goldap.Conn, entry *goldap.Entry) ([]string, error) {
	if cfg.Groups.Filter == "" {
		return memberOf(entry)
	}
	found, err := cfg.search(conn, cfg.Groups.BaseDN, goldap.ScopeWholeSubtree, filled(cfg.Groups.Filter, "dn", entry.DN),
		maxGroups, []string{noAttributes})
	if err != nil {
		return nil, failure("groups", err, "look at Groups.BaseDN; nobody may be in more than 1000 groups")
	}
	var dns []string
	for _, group := range found {
		dns = append(dns, group.DN)
	}
	slices.Sort(dns)
	return dns, nil
}

// memberOf fails where Active Directory gives a part of the values, and not all (range retrieval).
func memberOf(entry *goldap.Entry) ([]string, error) {
	for _, attribute := range entry.Attributes {
		if strings.HasPrefix(strings.ToLower(attribute.Name), strings.ToLower(attrMemberOf)+";range=") {
			return nil, problem("groups", ErrUnavailable, "the entry is in so many groups that memberOf has a part of them only: "+
				"set Groups.Nested or Groups.Filter")
		}
	}
	dns := slices.Clone(entry.GetEqualFoldAttributeValues(attrMemberOf))
	slices.Sort(dns)
	return dns, nil
}

// inOneOf reports whether one of the DNs is one of the groups.
func inOneOf(dns, groups []string) bool {
	return slices.ContainsFunc(groups, func(group string) bool {
		wanted, err := goldap.ParseDN(group)
		return err == nil && slices.ContainsFunc(dns, func(text string) bool {
			dn, err := goldap.ParseDN(text)
			return err == nil && dn.EqualFold(wanted)
		})
	})
}

// under reports whether the entry is below one of the DNs.
func under(text string, bases []string) bool {
	dn, err := goldap.ParseDN(text)
	return err == nil && slices.ContainsFunc(bases, func(base string) bool {
		above, err := goldap.ParseDN(base)
		return err == nil && above.AncestorOfFold(dn)
	})
}
