package ldap_test

import (
	"net/http"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/ldap"
	"github.com/entrafed/entrafed/provision"
)

// policySays is what a policy for passwords says in an answer to a bind.
func policySays(code byte) *ber.Packet {
	value := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	value.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 1, string([]byte{code}), ""))
	return value
}

// Whoever knows the password is told that it must be changed; nobody else.
func TestAPasswordThatIsDue(t *testing.T) {
	t.Parallel()
	const behera, vchu = goldap.ControlTypeBeheraPasswordPolicy, goldap.ControlTypeVChuPasswordMustChange
	for rule, test := range map[string]struct {
		code    uint16
		control string
		value   *ber.Packet
		status  int
		why     string
	}{
		"it has expired": {49, behera, policySays(goldap.BeheraPasswordExpired), 403, "the password has expired"},
		"it was reset": {
			0, behera, policySays(goldap.BeheraChangeAfterReset), 403, "must change the password first",
		},
		"389 Directory Server":      {0, vchu, nil, 403, "must change the password first"},
		"the account is locked":     {49, behera, policySays(goldap.BeheraAccountLocked), 422, "the account is locked"},
		"there is nothing to say":   {49, "1.2.3", nil, 422, "the name or the password is wrong"},
		"the policy cannot be read": {49, behera, policySays(200), 503, "not available"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, searcher(), employee())
			s.set(func() {
				s.onBind = func(id int64, b bind) *ber.Packet {
					if b.dn != employeeDN {
						return nil
					}
					return withControl(result(id, goldap.ApplicationBindResponse, test.code, ""), test.control, test.value)
				}
			})
			w := newWorld(t, s.config())
			status, page := w.signIn("employee", password)
			require.Equal(t, test.status, status, w.log)
			require.Contains(t, w.log.String(), test.why)
			require.Nil(t, w.got)
			if status == http.StatusForbidden {
				require.Contains(t, page, "Your password has expired or must be changed")
				require.Contains(t, page, "<form", "it can be tried again at once")
			}
		})
	}
}

// Guesses at a password that is due count, and knowing it does not.
func TestAPasswordThatIsDueIsNoFailure(t *testing.T) {
	t.Parallel()
	s := newScripted(t, searcher(), adEmployee().refused("773"))
	cfg := s.config()
	cfg.Kind, cfg.Attempts = ldap.ActiveDirectory, 1
	w := newWorld(t, cfg)
	for range 3 {
		w.requireRefused("employee", password, 403, "must change the password first")
	}
	w.requireRefused("employee", "wrong horse", 422, "")
	w.requireRefused("employee", password, 429, "")
}

func TestAProfileOfAPasswordThatIsDue(t *testing.T) {
	t.Parallel()
	s := newScripted(t, searcher(), employee().changed("pwdReset", "TRUE"))
	profiler, err := ldap.NewProfiler(s.config(), nil)
	require.NoError(t, err)
	person := provision.Person{Connection: "login", ID: employeeUUID}
	_, err = profiler.Profile(t.Context(), adapters.SignedIn{Person: person})
	require.ErrorIs(t, err, ldap.ErrPasswordDue)
	require.ErrorIs(t, err, adapters.ErrDenied)
}

// FreeIPA has ipaUniqueID in place of entryUUID.
func TestAnotherID(t *testing.T) {
	t.Parallel()
	s := newScripted(t, searcher(), employee().changed("entryUUID", "", "ipaUniqueID", employeeUUID))
	cfg := s.config()
	newWorld(t, cfg).requireRefused("employee", password, 502, "entryUUID cannot be read")
	cfg.Attributes.ID = "ipaUniqueID"
	got := newWorld(t, cfg).requireSignedIn("employee", password).Person
	require.Equal(t, employeeUUID, got.ID)
	profiler, err := ldap.NewProfiler(cfg, nil)
	require.NoError(t, err)
	found, err := profiler.Profile(t.Context(), adapters.SignedIn{Person: provision.Person{Connection: "login",
		ID: got.ID}})
	require.NoError(t, err)
	require.Equal(t, "employee@example.net", found.Email)
}
