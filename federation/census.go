package federation

import (
	"fmt"
	"strings"
)

// census is what the rules want to know of the users of a domain. It is taken user by user, so that of a large domain
// nothing is kept but who has which ImmutableID.
type census struct {
	immutableID func(User) string // nil: not known
	wanted      string            // the UPN of somebody in particular; empty: nobody

	total         int
	enabled       tally    // can sign in
	enabledSynced int      // of those, how many belong to a directory sync
	missing       tally    // can sign in to Entra, and have no ImmutableID
	other         tally    // can sign in, and the identity provider would send another one
	alike         tally    // have the ImmutableID of somebody before, whatever the case of its letters
	synced        tally    // belong to a directory sync
	found         *User    // who was wanted
	byMail        []string // the UPNs of the first few whose address is the wanted UPN
	first         []string // the UPNs of the first few
	holders       map[string]holder
}

// holder is the first who was seen with an ImmutableID, and the first few after them.
type holder struct {
	upn, immutableID string
	later            []holder
}

// tally counts, and keeps the first few for people to read.
type tally struct {
	count   int
	details []string
}

func (t *tally) add(format string, arguments ...any) {
	t.count++
	if len(t.details) < MaxDetails {
		t.details = append(t.details, fmt.Sprintf(format, arguments...))
	}
}

func newCensus(immutableID func(User) string, wanted string) census {
	return census{immutableID: immutableID, wanted: wanted, holders: map[string]holder{}}
}

// see counts a user. Who is blocked cannot sign in anyway: mailboxes that several people share are such users.
func (c *census) see(u User) {
	c.total++
	if len(c.first) < MaxDetails {
		c.first = append(c.first, u.UserPrincipalName)
	}
	if c.wanted != "" && strings.EqualFold(u.Mail, c.wanted) && len(c.byMail) < MaxDetails {
		c.byMail = append(c.byMail, u.UserPrincipalName)
	}
	if c.wanted != "" && strings.EqualFold(u.UserPrincipalName, c.wanted) {
		c.found = &u
	}
	if u.Enabled {
		c.enabled.add("%s", u.UserPrincipalName)
	}
	if u.Synced {
		c.synced.add("%s", u.UserPrincipalName)
	}
	if u.Enabled && u.Synced {
		c.enabledSynced++
	}
	if u.ImmutableID == "" {
		if u.Enabled {
			c.missing.add("%s", u.UserPrincipalName)
		}
		return
	}
	c.compare(u)
	c.expect(u)
}

// compare looks for somebody else with the same ImmutableID. Entra compares them exactly; identity providers, and the
// people who copy them, do not always.
func (c *census) compare(u User) {
	folded := strings.ToLower(u.ImmutableID)
	first, taken := c.holders[folded]
	switch {
	case !taken:
		c.holders[folded] = holder{upn: u.UserPrincipalName, immutableID: u.ImmutableID}
		return
	case first.immutableID == u.ImmutableID:
		c.alike.add("%s and %s have %q", first.upn, u.UserPrincipalName, u.ImmutableID)
	default:
		c.alike.add("%s has %q, %s has %q", first.upn, first.immutableID, u.UserPrincipalName, u.ImmutableID)
	}
	if len(first.later) < MaxDetails {
		first.later = append(first.later, holder{upn: u.UserPrincipalName, immutableID: u.ImmutableID})
		c.holders[folded] = first
	}
}

// have are the UPNs of the first few with exactly this ImmutableID.
func (c *census) have(immutableID string) []string {
	first, taken := c.holders[strings.ToLower(immutableID)]
	if !taken {
		return nil
	}
	var all []string
	for _, h := range append([]holder{first}, first.later...) {
		if h.immutableID == immutableID {
			all = append(all, h.upn)
		}
	}
	return all
}

// expect compares the user's ImmutableID with what the identity provider would send.
func (c *census) expect(u User) {
	if c.immutableID == nil || !u.Enabled {
		return
	}
	if sent := c.immutableID(u); sent != "" && sent != u.ImmutableID {
		c.other.add("%s has %q, the identity provider would send %q", u.UserPrincipalName, u.ImmutableID, sent)
	}
}
