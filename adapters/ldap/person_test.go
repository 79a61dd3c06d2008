package ldap_test

import (
	"encoding/base64"
	"log/slog"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/ldap"
	"github.com/entrafed/entrafed/provision"
)

func TestOnlyMembersSignIn(t *testing.T) {
	t.Parallel()
	const staff = "CN=Staff,OU=Groups,DC=contoso,DC=com"
	inner := entry{dn: staff, attributes: map[string][]string{"nested": {adDN}}}
	for rule, test := range map[string]struct {
		memberOf string
		groups   ldap.Groups
		member   bool
	}{
		"a member":                     {staff, ldap.Groups{}, true},
		"a member, in other letters":   {"cn=staff, ou=groups, dc=contoso, dc=com", ldap.Groups{}, true},
		"somebody else":                {"", ldap.Groups{}, false},
		"of a group with a like name":  {"CN=Staff,OU=Groups,DC=contoso,DC=com,DC=evil", ldap.Groups{}, false},
		"of a group with a comma":      {`CN=Staff\,OU\=Groups,DC=contoso,DC=com`, ldap.Groups{}, false},
		"a member of a group in there": {"", ldap.Groups{Nested: true}, true},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, searcher(), adEmployee().changed("memberOf", test.memberOf), inner)
			cfg := s.config()
			cfg.Kind, cfg.Groups = ldap.ActiveDirectory, test.groups
			cfg.Groups.Required, cfg.Groups.Claim = []string{staff}, true
			w := newWorld(t, cfg)
			if !test.member {
				w.requireRefused("employee", password, 403, "Groups.Required")
				return
			}
			groups := w.requireSignedIn("employee", password).Person.Claims["groups"]
			require.Equal(t, strings.ReplaceAll(strings.ToLower(groups), " ", ""), strings.ToLower(staff))
		})
	}
	t.Run("of so many groups that some are left out", func(t *testing.T) {
		t.Parallel()
		s := newScripted(t, searcher(), adEmployee().changed("memberOf;range=0-1499", staff))
		cfg := s.config()
		cfg.Kind, cfg.Groups.Required = ldap.ActiveDirectory, []string{staff}
		newWorld(t, cfg).requireRefused("employee", password, 503, "set Groups.Nested")
	})
}

// The DN of an entry is a value in the filter for its groups.
func TestADNStaysAValueInAFilter(t *testing.T) {
	t.Parallel()
	strange := employee()
	strange.dn = "cn=a)(cn=*,dc=contoso,dc=com"
	s := newScripted(t, searcher(), strange)
	cfg := s.config()
	cfg.Groups = ldap.Groups{Claim: true, Filter: "(member={dn})"}
	require.Empty(t, newWorld(t, cfg).requireSignedIn("employee", password).Person.Claims["groups"])
	require.Contains(t, s.asked(), `(member=cn=a\29\28cn=\2a,dc=contoso,dc=com)`)
}

func TestWhomASyncOwns(t *testing.T) {
	t.Parallel()
	consistency := "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"
	usual, err := provision.ImmutableIDFromObjectGUID("03020100-0504-0706-0809-0a0b0c0d0eff")
	require.NoError(t, err)
	for rule, test := range map[string]struct {
		rule    ldap.Synced
		change  []string
		want    string // the ImmutableID; empty: no sync owns them
		failure string
	}{
		"everybody":                   {rule: ldap.Synced{All: true}, want: usual},
		"of a unit":                   {rule: ldap.Synced{Under: []string{"ou=staff, dc=contoso, dc=com"}}, want: usual},
		"of another unit":             {rule: ldap.Synced{Under: []string{"OU=aff,DC=contoso,DC=com"}}},
		"of a unit that is the entry": {rule: ldap.Synced{Under: []string{adDN}}},
		"of a group": {
			rule: ldap.Synced{Groups: []string{"CN=S,DC=contoso,DC=com"}}, change: []string{"memberOf",
				"CN=S,DC=contoso,DC=com"}, want: usual,
		},
		"of another group": {rule: ldap.Synced{Groups: []string{"CN=S,DC=contoso,DC=com"}}},
		"by an attribute": {
			rule: ldap.Synced{Filter: "(l=sync)"}, change: []string{"l", "sync"}, want: usual,
		},
		"by an attribute of somebody else": {rule: ldap.Synced{Filter: "(l=sync)"}},
		"with a consistency GUID": {rule: ldap.Synced{All: true}, change: []string{"mS-DS-ConsistencyGuid", consistency},
			want: base64.StdEncoding.EncodeToString([]byte(consistency))},
		"with a consistency GUID that does not count": {rule: ldap.Synced{All: true, Anchor: "objectGUID"},
			change: []string{"mS-DS-ConsistencyGuid", consistency}, want: usual},
		"with an anchor that is text": {
			rule: ldap.Synced{All: true, Anchor: "employeeID"}, change: []string{"employeeID", "E-12345678901234"},
			want: "E-12345678901234"},
		"with an anchor that is a UUID as text": {rule: ldap.Synced{All: true, Anchor: "employeeID"},
			change: []string{"employeeID", "5D3C1C0E-0102-4304-8506-0708090A0B0C"},
			want:   "5D3C1C0E-0102-4304-8506-0708090A0B0C"},
		"with an anchor of other bytes": {
			rule: ldap.Synced{All: true, Anchor: "employeeID"}, change: []string{"employeeID", consistency},
			want: base64.StdEncoding.EncodeToString([]byte(consistency))},
		"with an anchor that Entra would not take": {rule: ldap.Synced{All: true, Anchor: "employeeID"},
			change: []string{"employeeID", "a b"}, failure: "employeeID"},
		"with a consistency GUID of text": {
			rule: ldap.Synced{All: true}, change: []string{"mS-DS-ConsistencyGuid", "sixteen letters!"},
			want: base64.StdEncoding.EncodeToString([]byte("sixteen letters!"))},
		"with a consistency GUID that is cut": {
			rule: ldap.Synced{All: true}, change: []string{"mS-DS-ConsistencyGuid", "short"},
			failure: "neither 16 bytes"},
		"with an anchor that is none": {
			rule: ldap.Synced{All: true, Anchor: "employeeID"}, failure: "neither 16 bytes nor a UUID",
		},
		"without a UPN": {
			rule: ldap.Synced{All: true}, change: []string{"userPrincipalName", ""}, failure: "no userPrincipalName",
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, searcher(), adEmployee().changed(test.change...))
			cfg := s.config()
			cfg.Kind, cfg.Synced = ldap.ActiveDirectory, &test.rule
			cfg.Synced.Connection = "entra-connect"
			w := newWorld(t, cfg)
			if test.failure != "" {
				w.requireRefused("employee", password, 502, test.failure)
				return
			}
			got := w.requireSignedIn("employee", password).Person
			if test.want == "" {
				require.Equal(t, "directory", got.Connection)
				require.Empty(t, got.UPN)
				return
			}
			require.Equal(t, "entra-connect", got.Connection)
			require.Equal(t, "employee@contoso.com", got.UPN)
			require.Equal(t, test.want, got.ImmutableID)
		})
	}
}

func TestFurtherClaims(t *testing.T) {
	t.Parallel()
	s := newScripted(t, searcher(), employee().changed("departmentNumber", "12", "l", "\xff", "title",
		strings.Repeat("x", 5000)))
	cfg := s.config()
	cfg.Attributes.Claims = map[string]string{"department": "departmentNumber", "place": "l", "title": "title",
		"none": "x"}
	require.Equal(t, map[string]string{"department": "12"}, newWorld(t, cfg).requireSignedIn("employee",
		password).Person.Claims)
}

func TestAProfile(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		change func(entry) entry
		person provision.Person
		byMail bool
		cause  error
	}{
		"by the ID":      {person: provision.Person{ID: "03020100-0504-0706-0809-0a0b0c0d0eff"}},
		"by the address": {person: provision.Person{ID: "104", Email: "an.employee@contoso.com"}, byMail: true},
		"somebody unknown": {
			person: provision.Person{ID: "104", Email: "x@contoso.com"}, byMail: true, cause: ldap.ErrWrong,
		},
		"without an address":   {person: provision.Person{ID: "104"}, byMail: true, cause: ldap.ErrWrong},
		"an ID that is a star": {person: provision.Person{ID: "*"}, cause: ldap.ErrWrong},
		"an account that is disabled": {person: provision.Person{ID: "03020100-0504-0706-0809-0a0b0c0d0eff"},
			cause:  adapters.ErrDenied,
			change: func(e entry) entry { return e.changed("userAccountControl", "514") }},
		"an account that is locked": {person: provision.Person{ID: "03020100-0504-0706-0809-0a0b0c0d0eff"},
			cause:  adapters.ErrDenied,
			change: func(e entry) entry { return e.changed("msDS-User-Account-Control-Computed", "16") }},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			e := adEmployee()
			if test.change != nil {
				e = test.change(e)
			}
			s := newScripted(t, searcher(), e)
			cfg := s.config()
			cfg.Kind = ldap.ActiveDirectory
			var key func(provision.Person) string
			if test.byMail {
				key = func(p provision.Person) string { return p.Email }
			}
			profiler, err := ldap.NewProfiler(cfg, key)
			require.NoError(t, err)
			test.person.Connection, test.person.GivenName = "login", "Another"
			got, err := profiler.Profile(t.Context(), adapters.SignedIn{Person: test.person})
			if test.cause != nil {
				require.ErrorIs(t, err, test.cause)
				var failed *ldap.Error
				require.ErrorAs(t, err, &failed)
				return
			}
			require.NoError(t, err)
			require.Equal(t, provision.Person{
				Connection: "login", ID: test.person.ID, Email: "an.employee@contoso.com", DisplayName: "An Employee",
				GivenName: "Another",
				Surname:   "Employee", Claims: map[string]string{},
			}, got)
			require.Empty(t, s.bound(adDN))
		})
	}
	cfg := validConfig()
	cfg.BindDN, cfg.BindPassword, cfg.BindTemplate = "", "", "{name}@contoso.com"
	_, err := ldap.NewProfiler(cfg, nil)
	require.ErrorContains(t, err, "needs BindDN")
}

// Whatever a directory answers, nothing ends the process.
func FuzzWhatTheDirectoryAnswers(f *testing.F) {
	f.Add(result(2, goldap.ApplicationSearchResultDone, 0, "").Bytes())
	f.Add(found(2, employee()).Bytes())
	f.Add([]byte{0x30, 0x05, 0x02, 0x01, 0x02, 0x64, 0x00})
	f.Add([]byte{0x30, 0x00})
	f.Fuzz(func(t *testing.T, answer []byte) {
		s := newScripted(t, searcher(), employee())
		s.set(func() { s.raw = answer })
		person, err := profileOf(t, s)
		require.True(t, err != nil || person.ID == employeeUUID)
	})
}

func FuzzWhatTheDirectoryAnswersToABind(f *testing.F) {
	const behera = goldap.ControlTypeBeheraPasswordPolicy
	ok := func() *ber.Packet { return result(1, goldap.ApplicationBindResponse, 0, "") }
	f.Add(ok().Bytes())
	f.Add(result(1, goldap.ApplicationBindResponse, 49, "AcceptSecurityContext error, data 52e, v4563").Bytes())
	f.Add(withControl(ok(), behera, policySays(goldap.BeheraPasswordExpired)).Bytes())
	f.Add(withControl(ok(), behera, nil).Bytes())
	f.Fuzz(func(t *testing.T, answer []byte) {
		s := newScripted(t, searcher(), employee())
		s.set(func() { s.rawBind = answer })
		_, err := profileOf(t, s)
		require.ErrorIs(t, err, ldap.ErrUnavailable) // nothing answers the search
	})
}

// profileOf asks a directory that speaks without TLS for the employee.
func profileOf(t *testing.T, s *scripted) (provision.Person, error) {
	t.Helper()
	cfg := s.config()
	cfg.InsecureNoTLS, cfg.Logger = true, slog.New(slog.DiscardHandler)
	profiler, err := ldap.NewProfiler(cfg, nil)
	require.NoError(t, err)
	person := provision.Person{Connection: "a", ID: employeeUUID}
	return profiler.Profile(t.Context(), adapters.SignedIn{Person: person})
}
