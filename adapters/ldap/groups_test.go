package ldap_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/ldap"
	"github.com/entrafed/entrafed/provision"
)

const (
	domainSID    = "\x01\x05\x00\x00\x00\x00\x00\x05\x15\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00"
	domainUsers  = "CN=Domain Users,CN=Users,DC=contoso,DC=com"
	aboveUsers   = "CN=Everybody,OU=Groups,DC=contoso,DC=com"
	groupOfStaff = "CN=Staff,OU=Groups,DC=contoso,DC=com"
)

// Active Directory names the primary group by a number alone: it is in no memberOf, and in no group's member.
func TestThePrimaryGroupIsAGroup(t *testing.T) {
	t.Parallel()
	users := entry{dn: domainUsers, attributes: map[string][]string{"objectSid": {domainSID + "\x01\x02\x00\x00"}}} // 513
	above := entry{dn: aboveUsers, attributes: map[string][]string{"nested": {domainUsers}}}
	member := func() entry {
		return adEmployee().changed("objectSid", domainSID+"\x50\x04\x00\x00", "primaryGroupID", "513", "memberOf",
			groupOfStaff)
	}
	for rule, test := range map[string]struct {
		groups ldap.Groups
		change []string
		want   string // empty: not a member
	}{
		"beside those of memberOf": {
			groups: ldap.Groups{Required: []string{domainUsers}}, want: domainUsers + "\n" + groupOfStaff,
		},
		"beside those of a filter": {
			groups: ldap.Groups{Required: []string{domainUsers}, Filter: "(member={dn})"}, want: domainUsers,
		},
		"with the groups that it is in": {
			groups: ldap.Groups{Required: []string{aboveUsers}, Nested: true}, want: domainUsers + "\n" + aboveUsers,
		},
		"but not outside of BaseDN": {
			groups: ldap.Groups{Required: []string{domainUsers}, BaseDN: "OU=Groups,DC=contoso,DC=com"},
		},
		"but not without a number": {
			groups: ldap.Groups{Required: []string{domainUsers}}, change: []string{"primaryGroupID", ""},
		},
		"but not with half a SID": {
			groups: ldap.Groups{Required: []string{domainUsers}}, change: []string{"objectSid", domainSID},
		},
		"but not with a SID of nothing": {groups: ldap.Groups{Required: []string{domainUsers}},
			change: []string{"objectSid", "\x01\x00\x00\x00\x00\x00\x00\x05"}},
		"but not with a number that is none": {
			groups: ldap.Groups{Required: []string{domainUsers}}, change: []string{"primaryGroupID", "-1"},
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, searcher(), member().changed(test.change...), users, above)
			cfg := s.config()
			cfg.Kind, cfg.Groups = ldap.ActiveDirectory, test.groups
			cfg.Groups.Claim = true
			w := newWorld(t, cfg)
			if test.want == "" {
				w.requireRefused("employee", password, 403, "Groups.Required")
				return
			}
			require.Equal(t, test.want, w.requireSignedIn("employee", password).Person.Claims["groups"])
		})
	}
}

// What is wrong with one person's groups is not wrong with the server.
func TestTooManyGroupsAreNoFaultOfTheServer(t *testing.T) {
	t.Parallel()
	s := newScripted(t, searcher(), adEmployee().changed("memberOf;range=0-1499", groupOfStaff))
	cfg := s.config()
	cfg.Kind, cfg.Groups.Required = ldap.ActiveDirectory, []string{groupOfStaff}
	w := newWorld(t, cfg)
	w.requireRefused("employee", password, 503, "set Groups.Nested")
	require.NotContains(t, w.log.String(), "does not serve")
}

// The claim has one group in a line, so a name with a line break could pass for two.
func TestAGroupIsNoTwoLines(t *testing.T) {
	t.Parallel()
	s := newScripted(t, searcher(), employee().changed("memberOf", "cn=a\ncn=admins,dc=contoso,dc=com"))
	cfg := s.config()
	cfg.Groups.Claim = true
	require.Empty(t, newWorld(t, cfg).requireSignedIn("employee", password).Person.Claims["groups"])
}

// provisioned notes whom the Bridge provisions.
type provisioned struct{ people []provision.Person }

func (p *provisioned) EnsureWithProgress(
	_ context.Context, person provision.Person, _ func(provision.Event),
) (provision.Account, error) {
	p.people = append(p.people, person)
	return provision.Account{UPN: "employee@contoso.com", ImmutableID: "0123456789abcdef"}, nil
}

// The claim is kept by the browser between two requests. Where it does not fit, the operator is told what to set; the browser
// gets no part of it, and the claim is never shortened.
func TestAClaimOfManyGroupsNeedsAStore(t *testing.T) {
	t.Parallel()
	in := employee()
	for i := range 500 {
		in.attributes["memberOf"] = append(in.attributes["memberOf"], fmt.Sprintf("cn=group %03d,ou=groups,dc=contoso,dc=com", i))
	}
	cfg := newScripted(t, searcher(), in).config()
	cfg.Groups.Claim = true
	claim := strings.Join(slices.Sorted(slices.Values(in.attributes["memberOf"])), "\n")

	people := &provisioned{}
	w := newWorld(t, cfg, func(c *adapters.Config) { c.People = people })
	status, page := w.signIn("employee", password)
	require.Equal(t, http.StatusInternalServerError, status)
	require.Contains(t, page, "Something went wrong here")
	require.Contains(t, w.log.String(), "set Config.Pending")
	require.Empty(t, people.people)

	w = newWorld(t, cfg, func(c *adapters.Config) { c.People, c.Pending = people, adapters.NewMemoryPending(c.Now) })
	w.requireSignedIn("employee", password)
	require.Len(t, people.people, 1)
	require.Equal(t, claim, people.people[0].Claims["groups"])
}
