package ldap_test

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters/ldap"
)

func validConfig() ldap.Config {
	return ldap.Config{
		Kind: ldap.ActiveDirectory, URLs: []string{"ldaps://dc1.contoso.com"}, Connection: "ad", BaseDN: "DC=contoso,DC=com",
		BindDN: "CN=entra,DC=contoso,DC=com", BindPassword: searchPassword,
	}
}

func TestConfigThatIsRefused(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		change func(*ldap.Config)
		why    string
	}{
		"no kind":   {func(c *ldap.Config) { c.Kind = "" }, "Kind"},
		"no server": {func(c *ldap.Config) { c.URLs = nil }, "URLs is missing"},
		"another scheme": {
			func(c *ldap.Config) { c.URLs = []string{"http://dc1.contoso.com"} }, "neither ldaps:// nor ldap://",
		},
		"a path": {
			func(c *ldap.Config) { c.URLs = []string{"ldap://dc1.contoso.com/dc=com"} }, "nothing else",
		},
		"a password in an address": {
			func(c *ldap.Config) { c.URLs = []string{"ldap://a:b@dc1.contoso.com"} }, "nothing else",
		},
		"no name": {func(c *ldap.Config) { c.URLs = []string{"ldap://"} }, "nothing else"},
		"no TLS to another machine": {
			func(c *ldap.Config) { c.InsecureNoTLS, c.URLs = true, []string{"ldap://dc1.contoso.com"} }, "InsecureNoTLS",
		},
		"any certificate": {
			func(c *ldap.Config) { c.TLS = &tls.Config{InsecureSkipVerify: true} }, "InsecureSkipVerify",
		},
		"no connection":       {func(c *ldap.Config) { c.Connection = "" }, "Connection is missing"},
		"nobody who searches": {func(c *ldap.Config) { c.BindDN = "" }, "one of BindDN and BindTemplate"},
		"two ways to bind": {
			func(c *ldap.Config) { c.BindTemplate = "{name}@contoso.com" }, "one of BindDN and BindTemplate",
		},
		"an anonymous search":   {func(c *ldap.Config) { c.BindPassword = "" }, "BindPassword is missing"},
		"a BindDN that is none": {func(c *ldap.Config) { c.BindDN = "entra" }, "BindDN"},
		"a template without a name": {
			func(c *ldap.Config) { c.BindDN, c.BindTemplate = "", "cn=a,dc=com" }, "{name} once",
		},
		"a template that is no DN": {
			func(c *ldap.Config) { c.BindDN, c.BindTemplate = "", "contoso/{name}" }, "neither a DN",
		},
		"a UPN for OpenLDAP": {
			func(c *ldap.Config) { c.Kind, c.BindDN, c.BindTemplate = ldap.OpenLDAP, "", "{name}@contoso.com" }, "neither a DN",
		},
		"no base":                 {func(c *ldap.Config) { c.BaseDN = "" }, "BaseDN"},
		"a base that is no DN":    {func(c *ldap.Config) { c.BaseDN = "contoso.com" }, "BaseDN"},
		"a filter without a name": {func(c *ldap.Config) { c.UserFilter = "(uid=a)" }, "must have {name}"},
		"a filter with a strange one": {
			func(c *ldap.Config) { c.UserFilter = "(&(uid={name})(l={place}))" }, "{place} is not known",
		},
		"a filter that is none": {func(c *ldap.Config) { c.UserFilter = "(uid={name}" }, "is no filter"},
		"a group that is no DN": {func(c *ldap.Config) { c.Groups.Required = []string{"staff"} }, "Groups.Required"},
		"groups of groups elsewhere": {
			func(c *ldap.Config) { c.Kind, c.Groups.Nested = ldap.OpenLDAP, true }, "Groups.Nested",
		},
		"a group filter without a DN": {func(c *ldap.Config) { c.Groups.Filter = "(member=a)" }, "must have {dn}"},
		"groups of groups by a filter": {
			func(c *ldap.Config) { c.Groups.Nested, c.Groups.Filter = true, "(member={dn})" },
			"one of Groups.Nested and Groups.Filter",
		},
		"a sync, and a global catalog": {func(c *ldap.Config) {
			c.URLs, c.Synced = []string{"ldaps://dc1.contoso.com:3269"}, &ldap.Synced{Connection: "sync", All: true}
		}, "global catalog"},
		"an attribute that is none": {
			func(c *ldap.Config) { c.Attributes.Email = "mail)(uid=*" }, "no name of an attribute",
		},
		"another ID of Active Directory": {func(c *ldap.Config) { c.Attributes.ID = "employeeID" }, "Attributes.ID"},
		"a claim that is taken": {
			func(c *ldap.Config) { c.Attributes.Claims = map[string]string{"groups": "l"} }, "Attributes.Claims",
		},
		"a sync of the same connection": {
			func(c *ldap.Config) { c.Synced = &ldap.Synced{Connection: "ad", All: true} }, "Synced.Connection",
		},
		"a sync of nobody": {
			func(c *ldap.Config) { c.Synced = &ldap.Synced{Connection: "sync"} }, "applies to nobody",
		},
		"a sync of a unit that is no DN": {
			func(c *ldap.Config) { c.Synced = &ldap.Synced{Connection: "sync", Under: []string{"x"}} }, "Synced.Under",
		},
		"a sync with a name": {
			func(c *ldap.Config) { c.Synced = &ldap.Synced{Connection: "sync", Filter: "(uid={name})"} }, "not known here",
		},
		"attempts without end":  {func(c *ldap.Config) { c.Attempts = 101 }, "Attempts"},
		"attempts below zero":   {func(c *ldap.Config) { c.Attempts = -1 }, "Attempts"},
		"a failure below zero":  {func(c *ldap.Config) { c.FailureTime = -1 }, "FailureTime"},
		"a timeout without end": {func(c *ldap.Config) { c.Timeout = time.Hour }, "Timeout"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			cfg := validConfig()
			test.change(&cfg)
			_, err := ldap.New(cfg)
			require.ErrorContains(t, err, test.why)
			require.NotContains(t, err.Error(), searchPassword)
		})
	}
	_, err := ldap.New(validConfig())
	require.NoError(t, err)
	catalog := validConfig()
	catalog.URLs = []string{"ldaps://dc1.contoso.com:3269"}
	_, err = ldap.New(catalog)
	require.NoError(t, err, "without a sync nothing is missing there that a sign-in needs")
	_, err = ldap.New(ldap.Config{})
	for _, missing := range []string{"Kind", "URLs", "Connection", "BindDN", "BaseDN"} {
		require.ErrorContains(t, err, missing)
	}
}
