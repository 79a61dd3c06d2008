package ldap

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"unicode"

	goldap "github.com/go-ldap/ldap/v3"
)

const (
	attrMemberOf     = "memberOf"
	attrObjectSID    = "objectSid"
	attrPrimaryGroup = "primaryGroupID"

	// nestedFilter finds the groups that have a DN as a member, or have a group that has it, and so on:
	// https://learn.microsoft.com/windows/win32/adsi/search-filter-syntax
	nestedFilter = "(member:1.2.840.113556.1.4.1941:={dn})"

	// maxGroups is how many groups one person may be in: as many as Active Directory answers with at once.
	maxGroups = 1000
)

// asksGroups reports whether anything is to be known of groups.
func (cfg Config) asksGroups() bool {
	return len(cfg.Groups.Required) > 0 || cfg.Groups.Claim || cfg.Synced != nil && len(cfg.Synced.Groups) > 0
}

// searchesGroups reports whether groups are searched, and not only read from the entry.
func (cfg Config) searchesGroups() bool {
	return cfg.asksGroups() && (cfg.Kind == ActiveDirectory || cfg.Groups.Filter != "")
}

// groups are the DNs of the groups that the person is in, sorted.
func (cfg Config) groups(conn *goldap.Conn, entry *goldap.Entry) ([]string, error) {
	primary, err := cfg.primaryGroup(conn, entry)
	if err != nil {
		return nil, err
	}
	var dns []string
	switch {
	case cfg.Groups.Filter == "":
		dns, err = memberOf(entry)
	case cfg.Groups.Nested:
		dns, err = cfg.groupsOf(conn, append(primary, entry.DN)...)
	default:
		dns, err = cfg.groupsOf(conn, entry.DN)
	}
	dns = slices.DeleteFunc(append(dns, primary...), func(dn string) bool {
		return strings.ContainsFunc(dn, unicode.IsControl) // as one line of the claim it could pass for two
	})
	slices.Sort(dns)
	return slices.Compact(dns), err
}

// groupsOf are the groups that Groups.Filter finds for any of the DNs.
func (cfg Config) groupsOf(conn *goldap.Conn, members ...string) ([]string, error) {
	var all []string
	for _, member := range members {
		found, err := cfg.searchGroups(conn, filled(cfg.Groups.Filter, "dn", member))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (cfg Config) searchGroups(conn *goldap.Conn, filter string) ([]string, error) {
	found, err := cfg.search(
		conn, cfg.Groups.BaseDN, goldap.ScopeWholeSubtree, filter, maxGroups, []string{noAttributes})
	if err != nil {
		return nil, failure("groups", err, "look at Groups.BaseDN; nobody may be in more than 1000 groups")
	}
	var dns []string
	for _, group := range found {
		dns = append(dns, group.DN)
	}
	return dns, nil
}

// primaryGroup is the group that Active Directory names in the person's entry by a number alone, and in no memberOf and
// no member. It is none if the number or the group cannot be read.
func (cfg Config) primaryGroup(conn *goldap.Conn, entry *goldap.Entry) ([]string, error) {
	sid := primaryGroupSID(entry)
	if cfg.Kind != ActiveDirectory || sid == nil {
		return nil, nil
	}
	return cfg.searchGroups(conn, "("+attrObjectSID+"="+goldap.EscapeFilter(string(sid))+")")
}

// primaryGroupSID is the SID of the person with another last number:
// https://learn.microsoft.com/troubleshoot/windows-server/active-directory/find-accounts-primary-group-id-attribute
// The form: https://learn.microsoft.com/openspecs/windows_protocols/ms-dtyp/78eb9013-1c3a-4970-ad1f-2b1dad588a25
func primaryGroupSID(entry *goldap.Entry) []byte {
	const header, part = 8, 4
	sid := slices.Clone(entry.GetEqualFoldRawAttributeValue(attrObjectSID))
	last, stated := number(entry, attrPrimaryGroup)
	if !stated || last < 0 || last > math.MaxUint32 ||
		len(sid) < header+part || len(sid) != header+part*int(sid[1]) {
		return nil
	}
	binary.LittleEndian.PutUint32(sid[len(sid)-part:], uint32(last))
	return sid
}

// memberOf fails where Active Directory gives a part of the values, and not all (range retrieval).
func memberOf(entry *goldap.Entry) ([]string, error) {
	for _, attribute := range entry.Attributes {
		if strings.HasPrefix(strings.ToLower(attribute.Name), strings.ToLower(attrMemberOf)+";range=") {
			return nil, problem("groups", ErrUnavailable, "the entry is in so many groups that memberOf has a part of them "+
				"only: set Groups.Nested or Groups.Filter")
		}
	}
	return slices.Clone(entry.GetEqualFoldAttributeValues(attrMemberOf)), nil
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
