package ldap_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/ldap"
	"github.com/entrafed/entrafed/provision"
)

// configOf is the configuration of several servers of one directory.
func configOf(servers ...*scripted) ldap.Config {
	cfg := servers[0].config()
	cfg.URLs = nil
	for _, s := range servers {
		cfg.URLs = append(cfg.URLs, "ldap://"+s.address)
		cfg.TLS.RootCAs.AddCert(s.certificate.Leaf)
	}
	return cfg
}

func TestAServerThatHangsLeavesTimeForTheNext(t *testing.T) {
	t.Parallel()
	for rule, hang := range map[string]func(*scripted){
		"it says nothing":                       func(s *scripted) { s.plain = s.silence },
		"it does not take the search account":   func(s *scripted) { s.hangAt = searcherDN },
		"it does not answer a search":           func(s *scripted) { s.hangAt = "search" },
		"it is too busy to search":              tooBusy,
		"its answer to a bind cannot be read":   func(s *scripted) { s.onBind = unreadableBind },
		"its answer to a search cannot be read": func(s *scripted) { s.raw = []byte{0x30, 0x03, 0x02, 0x01, 0x03} },
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			stuck, up := newScripted(t, searcher(), employee()), newScripted(t, searcher(), employee())
			stuck.set(func() { hang(stuck) })
			cfg := configOf(stuck, up)
			cfg.Timeout = 2 * time.Second
			w := newWorld(t, cfg)
			w.requireSignedIn("employee", password)
			require.Contains(t, w.log.String(), "does not serve")
			before := w.log.Len()
			w.requireSignedIn("employee", password)
			require.NotContains(t, w.log.String()[before:], "does not serve", "the one that served last is asked first")
			require.Empty(t, stuck.bound(employeeDN))
		})
	}
}

func tooBusy(s *scripted) {
	s.onSearch = func(id int64, _ string) []*ber.Packet {
		return []*ber.Packet{result(id, goldap.ApplicationSearchResultDone, goldap.LDAPResultBusy, "")}
	}
}

// unreadableBind has a control without a value, at which the library panics.
func unreadableBind(id int64, _ bind) *ber.Packet {
	return withControl(result(id, goldap.ApplicationBindResponse, 0, ""), goldap.ControlTypeBeheraPasswordPolicy, nil)
}

// withControl is an answer with a control: its type, and its value if it has one.
func withControl(answer *ber.Packet, kind string, value *ber.Packet) *ber.Packet {
	control := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	control.AppendChild(octets(kind))
	if value != nil {
		control.AppendChild(octets(string(value.Bytes())))
	}
	controls := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
	controls.AppendChild(control)
	answer.AppendChild(controls)
	return answer
}

// A server that hangs after the password is not asked first by the next person.
func TestTheNextPersonIsNotKeptWaiting(t *testing.T) {
	t.Parallel()
	stuck, up := newScripted(t, searcher(), employee()), newScripted(t, searcher(), employee())
	stuck.set(func() { stuck.hangAt = employeeDN })
	cfg := configOf(stuck, up)
	cfg.Timeout = 500 * time.Millisecond
	w := newWorld(t, cfg)
	w.requireRefused("employee", password, http.StatusServiceUnavailable, "not available")
	require.Empty(t, up.allBinds(), "a password is for one server")
	w.requireSignedIn("employee", password)
	require.Len(t, stuck.bound(employeeDN), 1)
}

func TestAPasswordIsForOneServer(t *testing.T) {
	t.Parallel()
	stuck, up := newScripted(t, employee()), newScripted(t, employee())
	stuck.set(func() { stuck.hangAt = employeeDN })
	cfg := configOf(stuck, up)
	cfg.BindDN, cfg.BindPassword, cfg.BindTemplate = "", "", "uid={name},ou=people,dc=contoso,dc=com"
	cfg.Timeout = 500 * time.Millisecond
	newWorld(t, cfg).requireRefused("employee", password, http.StatusServiceUnavailable, "not available")
	require.Empty(t, up.allBinds())
}

// Each server would count a failure of the search account, and lock it.
func TestAWrongSearchAccountIsTriedAtOneServer(t *testing.T) {
	t.Parallel()
	one, other := newScripted(t, searcher(), employee()), newScripted(t, searcher(), employee())
	cfg := configOf(one, other)
	cfg.BindPassword = "old"
	newWorld(t, cfg).requireRefused("employee", password, http.StatusServiceUnavailable, "compare BindDN and BindPassword")
	require.Len(t, one.allBinds(), 1)
	require.Empty(t, other.allBinds())
}

// Whoever leaves before the answer has had their attempt: the directory may have counted it.
func TestAnAttemptWithoutAnAnswerCounts(t *testing.T) {
	t.Parallel()
	for rule, direct := range map[string]bool{"by the search account": false, "by a direct bind": true} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, searcher(), employee())
			s.set(func() { s.hangAt = employeeDN })
			cfg := s.config()
			if direct {
				cfg.BindDN, cfg.BindPassword, cfg.BindTemplate = "", "", "uid={name},ou=people,dc=contoso,dc=com"
			}
			cfg.Attempts, cfg.Timeout = 2, 300*time.Millisecond
			w := newWorld(t, cfg)
			for range cfg.Attempts {
				w.requireRefused("employee", "wrong horse", http.StatusServiceUnavailable, "not available")
			}
			s.set(func() { s.hangAt = "" })
			w.requireRefused("employee", password, http.StatusTooManyRequests, "too many failed attempts")
			require.Len(t, s.bound(employeeDN), 2)
		})
	}
}

// A directory that says it could not look has not counted anything.
func TestAnAttemptThatTheDirectoryDidNotMakeDoesNotCount(t *testing.T) {
	t.Parallel()
	s := newScripted(t, searcher(), employee())
	busy := true
	s.set(func() {
		s.onBind = func(id int64, b bind) *ber.Packet {
			if !busy || b.dn != employeeDN {
				return nil
			}
			return result(id, goldap.ApplicationBindResponse, goldap.LDAPResultBusy, "")
		}
	})
	cfg := s.config()
	cfg.Attempts = 1
	w := newWorld(t, cfg)
	w.requireRefused("employee", password, http.StatusServiceUnavailable, "not available")
	s.set(func() { busy = false })
	w.requireSignedIn("employee", password)
}

func TestTheBrowserLeaves(t *testing.T) {
	t.Parallel()
	for rule, hang := range map[string]func(*scripted){
		"before TLS":                      func(s *scripted) { s.plain = s.silence },
		"at the search account's bind":    func(s *scripted) { s.hangAt = searcherDN },
		"at the search":                   func(s *scripted) { s.hangAt = "search" },
		"while the password is looked at": func(s *scripted) { s.hangAt = employeeDN },
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s, next := newScripted(t, searcher(), employee()), newScripted(t, searcher(), employee())
			s.set(func() { hang(s) })
			cfg := configOf(s, next)
			cfg.Timeout = time.Minute
			w := newWorld(t, cfg)
			ctx, leave := context.WithCancel(t.Context())
			go func() { <-s.silent; leave() }()
			began := time.Now()
			w.signInUntil(ctx, "employee", password)
			require.Less(t, time.Since(began), 20*time.Second, "everything ends with the browser")
			require.Nil(t, w.got)
			require.Empty(t, next.allBinds(), "no other server is asked")
			require.NotContains(t, w.log.String(), "level=ERROR", "nothing is wrong with the directory")
			require.NotContains(t, w.log.String(), "does not serve")
		})
	}
}

func TestAProfileIsCancelled(t *testing.T) {
	t.Parallel()
	s := newScripted(t, searcher(), employee())
	s.set(func() { s.hangAt = "search" })
	cfg := s.config()
	cfg.Timeout = time.Minute
	profiler, err := ldap.NewProfiler(cfg, nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-s.silent; cancel() }()
	began := time.Now()
	_, err = profiler.Profile(ctx, adapters.SignedIn{Person: provision.Person{Connection: "a", ID: employeeUUID}})
	require.ErrorIs(t, err, ldap.ErrUnavailable)
	require.Less(t, time.Since(began), 20*time.Second)
}
