package ldap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters/ldap"
)

// Now and then somebody types their password where the name goes.
func TestANameThatNobodyHasIsNotLogged(t *testing.T) {
	t.Parallel()
	s := newScripted(t, searcher(), employee())
	cfg := s.config()
	cfg.Attempts = 1
	w := newWorld(t, cfg)
	w.requireRefused("Hunter.2", "wrong horse", 422, "nobody has this name")
	w.requireRefused("Hunter.2", "wrong horse", 429, "too many failed attempts")
	require.NotContains(t, w.log.String(), "Hunter.2")
}

func TestTheLogSaysWhoseAttemptFailed(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		kind   ldap.Kind
		entry  entry
		typed  string
		status int
		why    string
	}{
		"a wrong password": {
			ldap.OpenLDAP, employee(), "wrong horse", 422, employeeDN + ": the name or the password is wrong",
		},
		"an account that is disabled": {ldap.ActiveDirectory, adEmployee().changed("userAccountControl", "514"), password,
			403,
			adDN + ": the account is disabled"},
		"a code that is not known": {ldap.ActiveDirectory, adEmployee().refused("52f"), password, 422,
			adDN + ": the name or the password is wrong (data 52f)"},
		"an account that the directory locked": {ldap.OpenLDAP, employee().changed("pwdAccountLockedTime", "20260102030405Z"),
			"wrong horse", 422, "pwdAccountLockedTime is 20260102030405Z"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, searcher(), test.entry)
			cfg := s.config()
			cfg.Kind = test.kind
			newWorld(t, cfg).requireRefused("employee", test.typed, test.status, test.why)
		})
	}
}
