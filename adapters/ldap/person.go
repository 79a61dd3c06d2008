package ldap

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/provision"
)

const (
	attrObjectGUID      = "objectGUID"
	attrConsistencyGUID = "mS-DS-ConsistencyGuid"

	claimGroups = "groups"
)

// person makes a person of an entry that may sign in. The connection must be one that may search.
func (cfg Config) person(conn *goldap.Conn, entry *goldap.Entry) (provision.Person, error) {
	var groups []string
	if cfg.asksGroups() {
		var err error
		if groups, err = cfg.groups(conn, entry); err != nil {
			return provision.Person{}, err
		}
	}
	if required := cfg.Groups.Required; len(required) > 0 && !inOneOf(groups, required) {
		return provision.Person{}, problem("groups", adapters.ErrDenied, "the person is in none of Groups.Required")
	}
	person, err := cfg.stated(entry)
	if err != nil {
		return provision.Person{}, err
	}
	if cfg.Groups.Claim {
		person.Claims[claimGroups] = strings.Join(groups, "\n")
	}
	synced, err := cfg.synced(conn, entry, groups)
	if err != nil || !synced {
		return person, err
	}
	return cfg.ofSync(entry, person)
}

// stated is what the entry says of the person.
func (cfg Config) stated(entry *goldap.Entry) (provision.Person, error) {
	text := func(attribute string) string { return value(entry, attribute) }
	id, immutableID, err := cfg.identifiers(entry)
	if err != nil {
		return provision.Person{}, err
	}
	a := cfg.Attributes
	person := provision.Person{
		Connection: cfg.Connection, ID: id, ImmutableID: immutableID,
		Email: text(a.Email), DisplayName: text(a.DisplayName), GivenName: text(a.GivenName), Surname: text(a.Surname),
		Claims: map[string]string{},
	}
	for claim, attribute := range a.Claims {
		if found := text(attribute); found != "" {
			person.Claims[claim] = found
		}
	}
	return person, nil
}

// maxValue is the longest value that is a person's, in bytes; a longer one is none.
const maxValue = 4096

// value is the first value, if it is text.
func value(entry *goldap.Entry, attribute string) string {
	found := strings.TrimSpace(entry.GetEqualFoldAttributeValue(attribute))
	if len(found) > maxValue || !utf8.ValidString(found) {
		return ""
	}
	return found
}

// identifiers are the person's ID, which is text, and their ImmutableID.
func (cfg Config) identifiers(entry *goldap.Entry) (id, immutableID string, err error) {
	if cfg.Kind == ActiveDirectory {
		raw := entry.GetEqualFoldRawAttributeValue(attrObjectGUID)
		if immutableID, err = provision.ImmutableIDFromObjectGUIDBytes(raw); err != nil {
			return "", "", problem("person", nil, "objectGUID cannot be read: let the account that searches read it (%v)", err)
		}
		return guidText(raw), immutableID, nil
	}
	attribute := cfg.Attributes.ID
	id = strings.ToLower(value(entry, attribute))
	if immutableID, err = provision.ImmutableIDFromUUID(id); err != nil || len(id) != uuidLength {
		return "", "", problem("person", nil, "%s cannot be read, or is no UUID: let the account that searches read it, or "+
			"set Attributes.ID", attribute)
	}
	return id, immutableID, nil
}

// uuidLength is that of a UUID as text, in the one form that is taken.
const uuidLength = 36

// guidText is the text form of the 16 bytes, whose first three groups are little-endian:
// https://learn.microsoft.com/openspecs/windows_protocols/ms-dtyp/001eec5a-7f8b-4293-9e21-ca349392db40
func guidText(b []byte) string {
	return fmt.Sprintf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%x-%x",
		b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8:10], b[10:16])
}

// guidBytes is the way back from [guidText].
func guidBytes(text string) ([]byte, error) {
	immutableID, err := provision.ImmutableIDFromObjectGUID(text)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(immutableID)
}

// synced reports whether a directory sync owns the person.
func (cfg Config) synced(conn *goldap.Conn, entry *goldap.Entry, groups []string) (bool, error) {
	s := cfg.Synced
	switch {
	case s == nil:
		return false, nil
	case s.All, under(entry.DN, s.Under), inOneOf(groups, s.Groups):
		return true, nil
	case s.Filter == "":
		return false, nil
	}
	return cfg.applies(conn, entry.DN, s.Filter)
}

// ofSync gives the person what the sync gave their account. Without it nothing can be answered to Entra.
func (cfg Config) ofSync(entry *goldap.Entry, person provision.Person) (provision.Person, error) {
	immutableID, err := cfg.anchor(entry, person.ImmutableID)
	if err != nil {
		return provision.Person{}, err
	}
	person.Connection, person.ImmutableID = cfg.Synced.Connection, immutableID
	if person.UPN = value(entry, cfg.Attributes.UPN); person.UPN == "" {
		return provision.Person{}, problem(
			"person", nil, "a directory sync owns this person, who has no %s", cfg.Attributes.UPN)
	}
	return person, nil
}

// anchor is the ImmutableID that the sync made: text as it is, and bytes as base64:
// https://learn.microsoft.com/entra/identity/hybrid/connect/plan-connect-design-concepts
func (cfg Config) anchor(entry *goldap.Entry, usual string) (string, error) {
	attribute := cfg.Synced.Anchor
	consistent := entry.GetEqualFoldRawAttributeValue(attrConsistencyGUID)
	if attribute == "" && cfg.Kind == ActiveDirectory && len(consistent) > 0 {
		attribute = attrConsistencyGUID
	}
	if attribute == "" {
		return usual, nil
	}
	raw := entry.GetEqualFoldRawAttributeValue(attribute)
	guid := strings.EqualFold(attribute, attrObjectGUID) || strings.EqualFold(attribute, attrConsistencyGUID)
	if text := string(raw); !guid && provision.ValidateImmutableID(text) == nil {
		return text, nil
	}
	found, err := provision.ImmutableIDFromObjectGUIDBytes(raw)
	if err != nil {
		return "", problem("person", nil,
			"%s of a person whom a directory sync owns is neither 16 bytes nor a UUID or other text that can be an ImmutableID",
			attribute)
	}
	return found, nil
}
