package ldap_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/ldap"
	"github.com/entrafed/entrafed/provision"
)

func TestAPersonOfOpenLDAP(t *testing.T) {
	t.Parallel()
	s := newScripted(t, searcher(), employee())
	w := newWorld(t, s.config())
	for _, name := range []string{"employee", " EMPLOYEE ", "employee@example.net"} {
		got := w.requireSignedIn(name, password)
		require.Equal(t, provision.Person{
			Connection: "directory", ID: employeeUUID, Email: "employee@example.net", DisplayName: "An Employee",
			GivenName: "An",
			Surname:   "Employee", ImmutableID: strings.ReplaceAll(employeeUUID, "-", ""), Claims: map[string]string{},
		}, got.Person)
		require.Equal(t, testTime, got.At)
		require.False(t, got.MFA)
		require.Equal(t, []string{"pwd"}, got.Methods)
	}
	for _, b := range append(s.bound(employeeDN), s.bound(searcherDN)...) {
		require.True(t, b.encrypted)
	}
}

func TestAPersonOfActiveDirectory(t *testing.T) {
	t.Parallel()
	s := newScripted(t, searcher(), adEmployee())
	cfg := s.config()
	cfg.Kind = ldap.ActiveDirectory
	w := newWorld(t, cfg)
	for _, name := range []string{"employee", "employee@contoso.com", "an.employee@contoso.com"} {
		got := w.requireSignedIn(name, password).Person
		require.Equal(t, "03020100-0504-0706-0809-0a0b0c0d0eff", got.ID)
		same, err := provision.ImmutableIDFromObjectGUID(got.ID)
		require.NoError(t, err)
		require.Equal(t, same, got.ImmutableID)
		require.Equal(t, "an.employee@contoso.com", got.Email)
		require.Empty(t, got.UPN)
	}
}

func TestWhoIsNotSignedIn(t *testing.T) {
	t.Parallel()
	twin := employee()
	twin.dn = "uid=twin,ou=people,dc=contoso,dc=com"
	for rule, test := range map[string]struct {
		name, password string
		status         int
		why            string
	}{
		"a wrong password":                       {"employee", "wrong horse", 422, "the name or the password is wrong"},
		"somebody unknown":                       {"nobody", password, 422, "nobody has this name"},
		"a filter that matches everybody":        {"*", password, 422, "nobody has this name"},
		"a filter that ends early":               {"x)(uid=employee", password, 422, "nobody has this name"},
		"a filter that is always true":           {"*)(|(objectClass=*", password, 422, "nobody has this name"},
		"a filter's escape sequence":             {`\65mployee`, password, 422, "nobody has this name"},
		"a password with a NUL":                  {"employee", "\x00wrong", 422, "control characters"},
		"a name with a NUL":                      {"employee\x00", password, 422, "control characters"},
		"a name that is not UTF-8":               {"employee\xff", password, 422, "control characters"},
		"a name without end":                     {strings.Repeat("e", 257), password, 422, "too long"},
		"a password without end":                 {"employee", strings.Repeat("p", 1025), 422, "too long"},
		"an empty password":                      {"employee", "", 422, ""},
		"an empty name":                          {" ", password, 422, ""},
		"the search account, which is no person": {searcherDN, searchPassword + "!", 422, "nobody has this name"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, searcher(), employee())
			w := newWorld(t, s.config())
			w.requireRefused(test.name, test.password, test.status, test.why)
			for _, b := range s.allBinds() {
				require.NotEmpty(t, b.password, "an empty password reached a bind")
			}
			require.NotEqual(t, rule == "an empty password" || rule == "an empty name", len(s.allBinds()) > 0 ||
				strings.Contains(test.why, "too long") ||
				strings.Contains(test.why, "control"))
		})
	}
	t.Run("a name of two people", func(t *testing.T) {
		t.Parallel()
		s := newScripted(t, searcher(), employee(), twin)
		newWorld(t, s.config()).requireRefused("employee", password, 422, "more than one entry")
		require.Empty(t, s.bound(employeeDN))
	})
	t.Run("a name of two people, as the size limit tells", func(t *testing.T) {
		t.Parallel()
		s := newScripted(t, searcher(), employee())
		s.set(func() { s.onSearch = tooMany })
		newWorld(t, s.config()).requireRefused("employee", password, 422, "more than one entry")
	})
}

// tooMany finds one and says that there are more.
func tooMany(id int64, _ string) []*ber.Packet {
	done := result(id, goldap.ApplicationSearchResultDone, goldap.LDAPResultSizeLimitExceeded, "")
	return []*ber.Packet{found(id, employee()), done}
}

// Somebody unknown and a wrong password cannot be told from each other: by the page, the requests, or the time.
func TestAFailureDoesNotSayWhy(t *testing.T) {
	t.Parallel()
	pages := map[string]string{}
	for _, name := range []string{"employee", "nobodyxx"} {
		s := newScripted(t, searcher(), employee())
		cfg := s.config()
		cfg.FailureTime = 300 * time.Millisecond
		w := newWorld(t, cfg)
		began := time.Now()
		_, page := w.signIn(name, "wrong horse")
		require.GreaterOrEqual(t, time.Since(began), cfg.FailureTime)
		require.Len(t, s.allBinds(), 2)
		require.Equal(t, 1, s.searched())
		start := strings.Index(page, "<form")
		require.Positive(t, start)
		text := page[:strings.Index(page, "/signin/")]
		pages[name] = text
	}
	require.Equal(t, pages["employee"], pages["nobodyxx"])
}

func TestAccountsOfActiveDirectoryThatMayNotSignIn(t *testing.T) {
	t.Parallel()
	disabled := func(e entry) entry { return e.changed("userAccountControl", "514") }
	data := func(code string) func(entry) entry {
		return func(e entry) entry { return e.refused(code) }
	}
	for rule, test := range map[string]struct {
		change func(entry) entry
		status int
		why    string
	}{
		"disabled, by the attribute":      {disabled, 403, "the account is disabled"},
		"disabled, by the bind":           {data("533"), 403, "the account is disabled"},
		"an expired password":             {data("532"), 403, "the password has expired"},
		"an expired account":              {data("701"), 403, "the account has expired"},
		"a password that must be changed": {data("773"), 403, "must change the password"},
		"outside of the logon hours":      {data("530"), 403, "at this time"},
		"locked":                          {data("775"), 422, "the account is locked"},
		"a code that nobody knows":        {data("9999"), 422, "the name or the password is wrong"},
		"an account that expired": {
			func(e entry) entry { return e.changed("accountExpires", "132539328000000000") }, 403, "has expired",
		},
		"a password that expired, computed": {
			func(e entry) entry { return e.changed("msDS-User-Account-Control-Computed", "8388608") }, 403, "has expired",
		},
		"userAccountControl cannot be read": {
			func(e entry) entry { return e.changed("userAccountControl", "") }, 403, "userAccountControl",
		},
		"an objectGUID that cannot be read": {
			func(e entry) entry { return e.changed("objectGUID", "") }, 502, "objectGUID cannot be read",
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, searcher(), test.change(adEmployee()))
			cfg := s.config()
			cfg.Kind = ldap.ActiveDirectory
			w := newWorld(t, cfg)
			w.requireRefused("employee", password, test.status, test.why)
			require.Equal(t, test.status == 403, strings.Contains(w.log.String(), "account:"))
			due := strings.Contains(w.log.String(), "a password is due") // the form says so
			require.Equal(t, test.status == 403 && !due, w.err != nil && strings.Contains(w.err.Error(), "account:"))
			require.NotContains(t, w.log.String(), "DSID")
		})
		t.Run(rule+", without the password", func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, searcher(), test.change(adEmployee()))
			cfg := s.config()
			cfg.Kind = ldap.ActiveDirectory
			newWorld(t, cfg).requireRefused("employee", "wrong horse", 422, "the name or the password is wrong")
		})
	}
	for _, expires := range []string{"0", "9223372036854775807", "140000000000000000"} {
		s := newScripted(t, searcher(), adEmployee().changed("accountExpires", expires))
		cfg := s.config()
		cfg.Kind = ldap.ActiveDirectory
		newWorld(t, cfg).requireSignedIn("employee", password)
	}
}

func TestAccountsOfOpenLDAPThatMayNotSignIn(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct{ attribute, value, why string }{
		"locked for good":                 {"pwdAccountLockedTime", "000001010000Z", "the account is locked"},
		"a password that must be changed": {"pwdReset", "TRUE", "must change the password"},
		"an account that expired":         {"shadowExpire", "20000", "the account has expired"},
		"disabled at FreeIPA":             {"nsAccountLock", "TRUE", "the account is disabled"},
		"an account of FreeIPA's, over":   {"krbPrincipalExpiration", "20260102030405Z", "the account has expired"},
		"a password of FreeIPA's, over":   {"krbPasswordExpiration", "20260102030404Z", "the password has expired"},
		"a time that nobody can read":     {"krbPasswordExpiration", "tomorrow", "the password has expired"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, searcher(), employee().changed(test.attribute, test.value))
			newWorld(t, s.config()).requireRefused("employee", password, 403, test.why)
		})
	}
	for attribute, value := range map[string]string{
		"shadowExpire": "-1", "pwdAccountLockedTime": "20260101000000Z", "pwdReset": "FALSE", "nsAccountLock": "FALSE",
		"krbPasswordExpiration": "20260102040406+0100", "krbPrincipalExpiration": "19700101000000Z",
	} {
		s := newScripted(t, searcher(), employee().changed(attribute, value))
		newWorld(t, s.config()).requireSignedIn("employee", password)
	}
}

func TestADirectoryThatIsNotTrusted(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		change func(*scripted, *ldap.Config)
		why    string
	}{
		"StartTLS is stripped":       {func(s *scripted, _ *ldap.Config) { s.noTLS = true }, "StartTLS is required"},
		"the certificate is unknown": {func(_ *scripted, c *ldap.Config) { c.TLS = nil }, "certificate"},
		"the certificate is another's": {func(s *scripted, c *ldap.Config) {
			s.certificate, c.TLS.RootCAs = newCertificate(s.t, "127.0.0.2")
		}, "certificate"},
		"the certificate of ldaps is another's": {func(s *scripted, c *ldap.Config) {
			s.immediate, c.URLs = true, []string{"ldaps://" + s.address}
			s.certificate, c.TLS.RootCAs = newCertificate(s.t, "127.0.0.2")
		}, "certificate"},
		"it is down": {func(s *scripted, _ *ldap.Config) { s.down = true }, "directory is not available"},
		"it says nothing": {func(s *scripted, c *ldap.Config) {
			s.plain, c.Timeout = func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, 200*time.Millisecond
		}, "directory is not available"},
		"it speaks another language": {func(s *scripted, _ *ldap.Config) {
			s.plain = func(conn net.Conn) { _, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }
		}, "directory is not available"},
		"it announces an endless answer": {func(s *scripted, _ *ldap.Config) {
			s.plain = func(conn net.Conn) {
				_, _ = conn.Write([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x04, 0x84, 0x7f, 0xff, 0xff, 0xf0})
			}
		}, "directory is not available"},
		"the answer is endless": {func(s *scripted, _ *ldap.Config) {
			s.onSearch = func(id int64, _ string) []*ber.Packet {
				e := employee().changed("displayName", strings.Repeat("x", 1<<20))
				return []*ber.Packet{found(id, e), found(id, e), found(id, e), found(id, e), found(id, e)}
			}
		}, "directory is not available"},
		"it refers to another server": {func(s *scripted, _ *ldap.Config) {
			s.onSearch = func(id int64, _ string) []*ber.Packet {
				return []*ber.Packet{result(id, goldap.ApplicationSearchResultDone, goldap.LDAPResultReferral, "")}
			}
		}, "referrals are not followed"},
		"BaseDN does not exist": {func(s *scripted, _ *ldap.Config) {
			s.onSearch = func(id int64, _ string) []*ber.Packet {
				return []*ber.Packet{result(id, goldap.ApplicationSearchResultDone, goldap.LDAPResultNoSuchObject, "")}
			}
		}, "BaseDN does not exist"},
		"the search account's password is wrong": {
			func(_ *scripted, c *ldap.Config) { c.BindPassword = "old" }, "compare BindDN and BindPassword",
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, searcher(), employee())
			cfg := s.config()
			s.set(func() { test.change(s, &cfg) })
			newWorld(t, cfg).requireRefused("employee", password, http.StatusServiceUnavailable, test.why)
			require.Empty(t, s.bound(employeeDN), "no password reached it")
		})
	}
}

func TestReferencesToOtherServersCountForNothing(t *testing.T) {
	t.Parallel()
	s := newScripted(t, searcher(), employee())
	s.set(func() {
		s.onSearch = func(id int64, _ string) []*ber.Packet {
			reference := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationSearchResultReference, nil, "")
			reference.AppendChild(octets("ldap://evil.example.org/dc=contoso,dc=com"))
			return []*ber.Packet{
				message(id, reference), found(id, employee()), result(id, goldap.ApplicationSearchResultDone, 0, ""),
			}
		}
	})
	newWorld(t, s.config()).requireSignedIn("employee", password)
}

func TestTheNextServerServes(t *testing.T) {
	t.Parallel()
	down, up := newScripted(t), newScripted(t, searcher(), employee())
	down.set(func() { down.down = true })
	cfg := up.config()
	cfg.URLs = []string{"ldap://" + down.address, "ldap://" + up.address}
	w := newWorld(t, cfg)
	w.requireSignedIn("employee", password)
	require.Contains(t, w.log.String(), "does not serve")
	before := w.log.Len()
	w.requireSignedIn("employee", password)
	require.NotContains(t, w.log.String()[before:], "does not serve", "the one that served last is asked first")
}

func TestTLSFromTheStart(t *testing.T) {
	t.Parallel()
	s := newScripted(t, searcher(), employee())
	s.set(func() { s.immediate = true })
	cfg := s.config()
	cfg.URLs = []string{"ldaps://" + s.address}
	newWorld(t, cfg).requireSignedIn("employee", password)
}

func TestADirectBind(t *testing.T) {
	t.Parallel()
	s := newScripted(t, employee())
	cfg := s.config()
	cfg.BindDN, cfg.BindPassword, cfg.BindTemplate = "", "", "uid={name},ou=people,dc=contoso,dc=com"
	w := newWorld(t, cfg)
	w.requireSignedIn("employee", password)
	w.requireRefused("employee", "wrong horse", 422, "the name or the password is wrong")
	w.requireRefused("employee,ou=people,dc=contoso,dc=com", password, 422, "")
	require.Len(t, s.bound(`uid=employee\,ou=people\,dc=contoso\,dc=com,ou=people,dc=contoso,dc=com`), 1,
		"the name stays a value: %v", s.allBinds())

	asked := len(s.allBinds())
	// slapd and Active Directory may take it for employee
	w.requireRefused("\u00ademployee", "wrong horse", 422, "outside of ASCII")
	require.Len(t, s.allBinds(), asked)

	ad := newScripted(t, adEmployee())
	cfg = ad.config()
	cfg.Kind, cfg.BindDN, cfg.BindPassword, cfg.BindTemplate = ldap.ActiveDirectory, "", "", "{name}@contoso.com"
	newWorld(t, cfg).requireSignedIn("employee", password)
	require.Len(t, ad.bound(adDN), 1, "the last bind is that of the entry")
}

// Whoever the filter finds must have the password, even where the first bind was somebody else's.
func TestTheLastBindIsThatOfTheEntry(t *testing.T) {
	t.Parallel()
	victim := employee().changed("uid", "victim", "mail", "attacker")
	victim.dn, victim.password = "uid=victim,ou=people,dc=contoso,dc=com", "another password"
	attacker := employee().changed("objectClass", "account", "uid", "attacker", "mail", "")
	attacker.dn = "uid=attacker,ou=people,dc=contoso,dc=com"
	s := newScripted(t, victim, attacker)
	cfg := s.config()
	cfg.BindDN, cfg.BindPassword, cfg.BindTemplate = "", "", "uid={name},ou=people,dc=contoso,dc=com"
	newWorld(t, cfg).requireRefused("attacker", password, 422, "the name or the password is wrong")
}

func TestAttemptsAreLimited(t *testing.T) {
	t.Parallel()
	s := newScripted(t, searcher(), employee())
	cfg := s.config()
	cfg.Attempts = 2
	w := newWorld(t, cfg)
	for _, name := range []string{"employee", "nobody"} {
		w.requireRefused(name, "wrong horse", 422, "")
		w.requireRefused(" "+strings.ToUpper(name), "wrong horse", 422, "")
		w.requireRefused(name, "wrong horse", http.StatusTooManyRequests, "too many failed attempts")
	}
	w.requireRefused("employee", password, http.StatusTooManyRequests, "")
	w.requireRefused("employee@example.net", password, 422, "names of one entry")
	require.Len(t, s.bound(employeeDN), 2, "the entry's other names have no attempts of their own")
	w.Advance(15 * time.Minute)
	w.requireSignedIn("employee", password)
	w.requireRefused("employee", "wrong horse", 422, "")
	w.requireSignedIn("employee", password)
	w.requireRefused("employee", "wrong horse", 422, "")
	w.requireSignedIn("employee", password)
	s.set(func() { s.down = true })
	for range 4 {
		w.requireRefused("employee", password, http.StatusServiceUnavailable, "not available")
	}
	s.set(func() { s.down = false })
	w.requireSignedIn("employee", password)
}

func TestNobodyIsAskedWithoutAPage(t *testing.T) {
	t.Parallel()
	s := newScripted(t)
	host, err := ldap.New(s.config())
	require.NoError(t, err)
	_, err = host.Authenticate(nil, nil, adapters.Ask{Passive: true})
	require.ErrorIs(t, err, adapters.ErrDenied)
}
