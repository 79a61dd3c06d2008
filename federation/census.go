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

	total   int
	missing tally // can sign in to Entra, and have no ImmutableID
	other   tally // can sign in, and the identity provider would send another one
	alike   tally // have the ImmutableID of somebody before, whatever the case of its letters
	synced  tally // belong to a directory sync
	found   *User // who was wanted
	holders map[string]holder
}

// holder is the first who was seen with an ImmutableID.
type holder struct{ upn, immutableID string }

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
	if c.wanted != "" && strings.EqualFold(u.UserPrincipalName, c.wanted) {
		c.found = &u
	}
	if u.Synced {
		c.synced.add("%s", u.UserPrincipalName)
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
		c.holders[folded] = holder{u.UserPrincipalName, u.ImmutableID}
	case first.immutableID == u.ImmutableID:
		c.alike.add("%s and %s have %q", first.upn, u.UserPrincipalName, u.ImmutableID)
	default:
		c.alike.add("%s has %q, %s has %q", first.upn, first.immutableID, u.UserPrincipalName, u.ImmutableID)
	}
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
