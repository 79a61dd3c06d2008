package main

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/accounts"
	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/examples/internal/demonstration"
	"github.com/entrafed/entrafed/examples/internal/demonstration/demonstrationtest"
	"github.com/entrafed/entrafed/federation/entratest"
)

func TestSomebodySignsInFromASmartLink(t *testing.T) {
	t.Parallel()
	demonstrationtest.SignsIn(t, new(settings).newWebsite)
}

func TestWhatTheHostAddsIsShort(t *testing.T) {
	t.Parallel()
	demonstrationtest.AddsAtMost(t, 30, "main.go")
}

// A directory that is down is no reason to let anybody in, nor to call a password wrong.
func TestNobodySignsInWhileTheDirectoryIsDown(t *testing.T) {
	t.Parallel()
	demo := open(t)
	website, err := (&settings{
		url: "ldap://127.0.0.1:1", baseDN: "DC=contoso,DC=com", bindDN: "CN=entra,DC=contoso,DC=com",
		bindPassword: "the search account's password",
	}).newWebsite(t.Context(), demo)
	require.NoError(t, err)
	demonstrationtest.Serve(t, demo, website)
	browser := entratest.NewBrowser(&http.Transport{DisableKeepAlives: true})
	page, err := browser.Open(t.Context(), demo.BaseURL+"/start")
	require.NoError(t, err)
	require.Contains(t, page.URL, "/signin/")
	action, err := page.Submit("", map[string]string{"username": "contractor", "password": "correct horse"})
	require.NoError(t, err)
	page, err = browser.Continue(t.Context(), page, action)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, page.Status)
	require.NotContains(t, string(page.Body), "correct horse")
	require.Empty(t, demo.Tenant().Users())
}

// open opens a demonstration that the test serves.
func open(t *testing.T) *demonstration.Demonstration {
	t.Helper()
	demo, err := demonstration.Open("127.0.0.1:0", entratest.LagNone)
	require.NoError(t, err)
	return demo
}

func TestTheDirectory(t *testing.T) {
	t.Parallel()
	demo := open(t)
	t.Cleanup(func() { require.NoError(t, demo.Close()) })
	d, err := startDirectory(demo)
	require.NoError(t, err)
	address, err := url.Parse(d.url)
	require.NoError(t, err)
	require.Equal(t, "ldaps", address.Scheme)
	conn, err := goldap.DialURL(d.url, goldap.DialWithTLSConfig(&tls.Config{RootCAs: d.roots}))
	require.NoError(t, err)
	defer conn.Close()

	person := "uid=contractor,ou=people," + baseDN
	for _, c := range []struct {
		name, dn, password string
		right              bool
	}{
		{"somebody", person, accounts.Password, true},
		{"the account that searches", searchDN, d.searchPassword, true},
		{"in other letters", "UID=Contractor,OU=people,DC=contoso,DC=com", accounts.Password, true},
		{"a wrong password", person, "wrong", false},
		{"somebody else's password", person, d.searchPassword, false},
		{"nobody", "uid=nobody,ou=people," + baseDN, accounts.Password, false},
	} {
		err := conn.Bind(c.dn, c.password)
		require.Equal(t, !c.right, goldap.IsErrorWithCode(err, goldap.LDAPResultInvalidCredentials), "%s: %v", c.name, err)
	}
	require.Error(t, conn.UnauthenticatedBind(person), "without a password")

	for filter, want := range map[string]int{
		"(uid=contractor)":            1,
		"(uid=CONTRACTOR)":            1,
		"(uid=nobody)":                0,
		"(!(uid=nobody))":             0, // what it does not know applies to nobody
		"(uid=*)":                     0,
		"(|(uid=x)(uid=y))":           0,
		"(mail=partner@example.org)":  1,
		"(objectClass=inetOrgPerson)": len(accounts.Known()),
		"(&(objectClass=inetOrgPerson)(|(uid=partner)(mail=partner)))": 1,
		"(&(objectClass=group)(uid=partner))":                          0,
	} {
		found, err := conn.Search(goldap.NewSearchRequest(baseDN, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, 0, 5, false,
			filter, []string{"*"}, nil))
		require.NoError(t, err, filter)
		require.Len(t, found.Entries, want, filter)
	}
}

func TestADirectoryOfYoursMustBeWhole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		args     []string
		password string
		code     int
		stderr   []string
	}{
		{"an address alone", []string{"-url", "ldaps://dc1.contoso.com"}, "", command.ExitUsage,
			[]string{"-base-dn is missing", "-bind-dn is missing", "LDAP_BIND_PASSWORD is missing"}},
		{"no address", []string{"-base-dn", "DC=contoso,DC=com"}, "s3cret", command.ExitUsage, []string{"name it with -url"}},
		{"a password on the command line", []string{"-bind-password", "s3cret"}, "", command.ExitUsage, []string{"-bind-password"}},
		{"no directory", []string{"-url", "https://dc1.contoso.com", "-base-dn", "contoso.com", "-bind-dn", "entra"}, "s3cret",
			command.ExitFailed, []string{"neither ldaps:// nor ldap://", `BaseDN "contoso.com" is no DN`, `BindDN "entra" is no DN`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, website := commandtest.New("ldap"), settings{bindPassword: c.password}
			got := commandtest.Run(&p, append(c.args, "-addr", "127.0.0.1:0"), func() int { return website.show().Run(t.Context(), p) })
			require.Equal(t, c.code, got.Code)
			for _, says := range c.stderr {
				require.Contains(t, got.Stderr, says)
			}
			require.Empty(t, got.Stdout)
			require.NotContains(t, got.Stderr, "s3cret")
		})
	}
}
