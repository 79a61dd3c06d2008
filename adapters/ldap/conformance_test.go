package ldap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/adaptertest"
	"github.com/entrafed/entrafed/adapters/ldap"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

func TestTheAdapterKeepsTheRules(t *testing.T) {
	t.Parallel()
	silent, anonymous := employee().changed("uid", "silent", "mail", ""), employee().changed("uid", "anonymous",
		"entryUUID", "")
	silent.dn, anonymous.dn = "uid=silent,dc=contoso,dc=com", "uid=anonymous,dc=contoso,dc=com"
	adaptertest.Run(t, func(t *testing.T, env adaptertest.Environment) adaptertest.Host {
		s := newScripted(t, searcher(), employee(), silent, anonymous)
		host := hostOf(t, env, s.config())
		host.Fail = func(*testing.T) func() {
			s.set(func() { s.down = true })
			return func() { s.set(func() { s.down = false }) }
		}
		host.Person.Is.ID, host.Person.Is.ImmutableID = employeeUUID, "5d3c1c0e0102430485060708090a0b0c"
		host.WithoutID = &adaptertest.Person{Name: "anonymous", Password: password}
		return host
	})
}

// hostOf describes the adapter to the suite.
func hostOf(t *testing.T, env adaptertest.Environment, cfg ldap.Config) adaptertest.Host {
	cfg.Now, cfg.Logger = env.Now, env.Logger
	authenticator := func(t *testing.T) adapters.Authenticator {
		made, err := ldap.New(cfg)
		require.NoError(t, err)
		return made
	}
	form := adaptertest.Fields{Name: "username", Password: "password"}
	return adaptertest.Host{
		Authenticator: authenticator(t),
		Person: adaptertest.Person{Name: "employee", Password: password, Is: provision.Person{
			Connection: "directory", Email: "employee@example.net", DisplayName: "An Employee", GivenName: "An",
			Surname: "Employee",
		}},
		WithoutEmail: &adaptertest.Person{Name: "silent", Password: password},
		SignIn:       form.SignIn,
		Cancel:       func(page entratest.Page) (entratest.Action, error) { return page.Click("Do not sign in") },
		Hint:         form.Hint,
		Replica:      authenticator,
		Secrets:      []string{searchPassword},
		Lacks: map[adaptertest.Capability]string{
			adaptertest.Sessions:       "each sign-in asks for the password",
			adaptertest.SecondFactor:   "a directory knows passwords only",
			adaptertest.Logout:         "there is no session to end",
			adaptertest.UpstreamLogout: "there is no provider behind it",
		},
	}
}
